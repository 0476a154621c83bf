// What the built Worker holds in memory while many visitors ask for large pictures at once, in Cloudflare's own runtime.
// S3, the edge, Images and R2 are other processes. Images waits before it reads an original, so that all bytes that the
// Worker may hold are held at once.

import { connect } from "node:net";
import { setTimeout } from "node:timers/promises";
import { SECRETS } from "../../support/env.ts";
import { startOutsideImages } from "../../support/outside-images.ts";
import { type OutsideR2, startOutsideR2 } from "../../support/outside-r2.ts";
import { startOutsideS3 } from "../../support/outside-s3.ts";
import { builtWorker, type Running, start } from "../../support/workerd.ts";

/** Several requests at once. */
export type MemoryCase = {
  readonly name: string;
  readonly engine: "binding" | "cf";
  readonly keep: number;
  /** The paths, one for each visitor. An object is named after its length in MB. */
  readonly paths: readonly string[];
  /** Whether the picture is stored first, and then requested by visitors that do not read it. */
  readonly isUnread?: boolean;
};

const PRESETS = 12;
const FORMATS = ["image/avif", "image/webp", "image/jpeg"];

/** @param objects how many objects there are: each has a name of its own */
function pathsOf(times: number, object: string, query = ""): string[] {
  return Array.from({ length: times }, (_, at) => `/images/p0/${at}/${object}${query}`);
}

function variantPaths(object: string): string[] {
  const presets = Array.from({ length: PRESETS }, (_, at) => `/images/p${at}/${object}`);
  return presets.flatMap((path) => FORMATS.map((format) => `${path} ${format}`));
}

const binding = { engine: "binding", keep: 60 } as const;

export const CASES = {
  six: { ...binding, name: "6 × 19 MB", paths: pathsOf(6, "19") },
  sixteen: { ...binding, name: "16 × 19 MB", paths: pathsOf(16, "19") },
  page: { ...binding, name: "20 × 8 MB", paths: pathsOf(20, "8") },
  variants: { ...binding, name: "36 variants of 19 MB", paths: variantPaths("19") },
  facts: { ...binding, name: "4 × `?facts` of 19 MB", paths: pathsOf(4, "19", "?facts") },
  stored: {
    ...{ name: "10 × 7.9 MB with a store", engine: "cf", keep: 60 },
    paths: pathsOf(10, "7.9"),
  },
  unread: {
    ...{ name: "20 clients that do not read a stored 7.9 MB", engine: "cf", keep: 0 },
    paths: Array<string>(20).fill("/images/p0/0/7.9"),
    isUnread: true,
  },
} as const satisfies Record<string, MemoryCase>;

export type Measured = {
  /** The most that was alive at a time, in bytes. */
  readonly live: number;
  /** How many visitors got which status. */
  readonly statuses: Readonly<Record<string, number>>;
  /** Whether each 503 says when to come back. */
  readonly isRefusedWell: boolean;
};

const SLOW_MS = 400;

export async function measure(memoryCase: MemoryCase): Promise<Measured> {
  const [s3, images, r2] = await Promise.all([
    startOutsideS3(),
    startOutsideImages(),
    startOutsideR2(),
  ]);
  const { engine, keep, paths, isUnread = false } = memoryCase;
  const addresses = { outside: s3.address, images: images.address, store: r2.address };
  const options = { ...addresses, isInspected: true };
  const running = await start(builtWorker(varsOf(engine, keep)), options);

  try {
    if (isUnread) await storeFirst(running, r2, paths[0]);
    images.pause(SLOW_MS);
    const answering = isUnread ? leaveUnread(running, paths) : askAll(running, paths);
    const live = await maxLive(running, answering);
    const answers = await answering;

    const statuses: Record<string, number> = {};
    for (const { status } of answers) statuses[status] = (statuses[status] ?? 0) + 1;
    const refused = answers.filter(({ status }) => status !== 200);
    const isRefusedWell = refused.every((answer) => answer.status === 503 && answer.retryAfter);
    return { live, statuses, isRefusedWell };
  } finally {
    await running.stop();
    await Promise.all([s3.close(), images.close(), r2.close()]);
  }
}

function varsOf(engine: MemoryCase["engine"], keep: number) {
  const service = { endpoint: "https://s3.eu-west-1.amazonaws.com", region: "eu-west-1" };
  const presets = Array.from({ length: PRESETS }, (_, at) => [`p${at}`, { width: 160 + at }]);
  const store = engine === "cf" ? { store: "RENDITIONS" } : {};
  const route = { path: "/images/:preset/*", object: "media/*" };
  return {
    ...SECRETS,
    BUCKETS: { media: { ...service, bucket: "acme-media", engine } },
    ROUTES: [engine === "binding" ? { ...route, facts: true } : route],
    PRESETS: Object.fromEntries(presets),
    ANSWERS: { timeout: 30, keep, ...store },
  };
}

type Answer = { readonly status: number; readonly retryAfter: string | null };

async function ask({ port }: Running, path: string): Promise<Answer> {
  const [target, accept = "image/webp"] = path.split(" ");
  const answer = await fetch(`http://127.0.0.1:${port}${target}`, { headers: { accept } });
  await answer.arrayBuffer();
  return { status: answer.status, retryAfter: answer.headers.get("retry-after") };
}

function askAll(running: Running, paths: readonly string[]): Promise<Answer[]> {
  return Promise.all(paths.map((path) => ask(running, path)));
}

async function storeFirst(
  running: Running,
  r2: OutsideR2,
  path: string | undefined,
): Promise<void> {
  if (path === undefined) throw new Error("a case has a path at least");
  await ask(running, path);
  await setTimeout(1_000); // it is stored behind the answer
  if (r2.entries.size === 0) throw new Error("nothing was stored");
}

const UNREAD_MS = 3_000;

/** Sends requests, and reads the first bytes of the answers alone. */
async function leaveUnread(running: Running, paths: readonly string[]): Promise<Answer[]> {
  const sockets = paths.map((path) => {
    const socket = connect(running.socket);
    socket.write(`GET ${path} HTTP/1.1\r\nhost: images.example\r\naccept: image/webp\r\n\r\n`);
    return socket;
  });
  const heads = sockets.map((socket) =>
    new Promise<string>((settle) => socket.once("data", (head) => settle(`${head}`))).finally(() =>
      socket.pause(),
    ),
  );

  const answers = await Promise.all(heads);
  await setTimeout(UNREAD_MS);
  for (const socket of sockets) socket.destroy();
  return answers.map((head) => ({ status: Number(head.slice(9, 12)), retryAfter: null }));
}

/** Measures until some work is done. */
async function maxLive(running: Running, work: Promise<unknown>): Promise<number> {
  let isDone = false;
  const done = () => {
    isDone = true;
  };
  work.then(done, done);

  let live = 0;
  while (!isDone) live = Math.max(live, await running.live());
  return live;
}
