// Runs the whole Worker as a function, on the strict edge with a private S3 behind it. After each test it checks
// that no answer held an original or a private name.

import { hash } from "node:crypto";
import { afterAll, afterEach, beforeAll, beforeEach, expect, onTestFinished, vi } from "vitest";
import { createCache } from "../../src/emulator/cache/cache.ts";
import type { EdgeSettings } from "../../src/emulator/edge/settings.ts";
import type { Stored } from "../../src/emulator/s3/s3.ts";
import { type Grant, signGrant } from "../../src/url/grant.ts";
import type { Loopback } from "../../src/worker/cache/loopback.ts";
import worker, { Renditions } from "../../src/worker/index.ts";
import { createEmulators, file, network } from "./emulators.ts";
import { ENV, PURGE_TOKEN, SECRETS } from "./env.ts";
import { originalsOf } from "./originals.ts";
import { overhear, overhearAnswer, readLogLine } from "./overheard.ts";
import { batchOf } from "./queue.ts";

export const MODERN = { accept: "image/avif,image/webp,image/*,*/*;q=0.8" };

/** Texts that no answer of any test may hold. overheard.ts looks for secrets. */
const PRIVATE = [
  "acme-media",
  "acme-archive",
  "published/",
  "amazonaws",
  "AmazonS3",
  "x-amz",
  "<Code>",
  "ERROR 9",
];

/** The emulators of the current test, and what the Worker did in it. */
export const stage = {
  ...createEmulators(),
  /** Called before each request to the edge, with the number of earlier ones. */
  beforeEdgeRequest: (_times: number): void => {},
  edgeRequests: [] as { request: Request; image: RequestInitCfPropertiesImage }[],
  logged: [] as { level: "info" | "warn" | "error"; line: Record<string, unknown> }[],
  /** How long the Worker paused each time before it asked again, in ms. No test waits for that. */
  pauses: [] as number[],
  pendingWork: [] as Promise<unknown>[],
  /** What `ctx.exports.Renditions` is, in place of the cached entrypoint. */
  exported: (loopback: Loopback): Loopback | undefined => loopback,
};
/** The `env` of the current test. It is a new object for each test, so the Worker knows nothing of earlier tests. */
let isolate: object = { ...ENV };
let answered: { head: string; body: Buffer }[] = [];

/** Returns what was logged, without the lines of the cached entrypoint. */
export const logged = () => stage.logged.filter(({ line }) => line["event"] !== FAILED);

/** Returns the lines that were logged, without those of the cached entrypoint. */
export const lines = () => logged().map(({ line }) => line);

/** Returns the lines of the cached entrypoint: at most one a minute and bucket. */
export const failures = () =>
  stage.logged.map(({ line }) => line).filter(({ event }) => event === FAILED);

const FAILED = "rendition-failed";

let isCaching = true;

/** Switches Workers Cache off for a file, or a group of tests, in which each request is to reach the edge. */
export function disableCacheInEachTest(): void {
  beforeEach(disableCache);
}

export function disableCache(): void {
  isCaching = false;
  stage.cache.switches.enabled = false;
}

/** Stops the clocks of the Worker and of S3 until the test ends: only `wait` moves them. */
export function stopDate(now = Date.now()): void {
  vi.useFakeTimers({ toFake: ["Date"], now });
  stage.clock.now = now;
  onTestFinished(() => void vi.useRealTimers());
}

export function stopDates(now?: number): void {
  beforeEach(() => stopDate(now));
}

export function wait(seconds: number): void {
  vi.setSystemTime(Date.now() + seconds * 1000);
  stage.clock.now = Date.now();
}

/** Sets up an edge with these switches, an S3 without faults, and a new isolate. */
export function arrange(settings: Partial<EdgeSettings> = {}): void {
  Object.assign(stage, createEmulators(settings));
  stage.cache.switches.enabled = isCaching;
  isolate = { ...ENV };
}

beforeAll(() => network.listen());
afterAll(() => network.close());
beforeEach(() => {
  isCaching = true;
  arrange();
  stage.beforeEdgeRequest = () => {};
  stage.edgeRequests = [];
  stage.logged = [];
  stage.pauses = [];
  stage.pendingWork = [];
  stage.exported = (loopback) => loopback;
  answered = [];

  for (const level of ["info", "warn", "error"] as const) {
    vi.spyOn(console, level).mockImplementation((line: string) => {
      overhear("logged", line);
      stage.logged.push({ level, line: readLogLine(line) });
    });
  }

  vi.stubGlobal("scheduler", { wait: async (ms: number) => void stage.pauses.push(ms) });

  // A fetch of the Worker with `cf` goes to the edge. All others go to the network.
  const send = globalThis.fetch;
  vi.spyOn(globalThis, "fetch").mockImplementation((input, init) => {
    if (init?.cf?.image === undefined || !stage.cache.transforms()) return send(input, init);
    stage.beforeEdgeRequest(stage.edgeRequests.length);
    stage.edgeRequests.push({ request: new Request(input, init), image: init.cf.image ?? {} });
    return stage.edge.fetch(`${input}`, init);
  });
});
afterEach(async ({ task }) => {
  await Promise.all(stage.pendingWork);
  if (task.result?.state === "fail") {
    process.stderr.write(`The Worker logged: ${JSON.stringify(stage.logged).slice(0, 4096)}\n`);
  }

  const different = new Map(
    answered.map((answer) => [`${answer.head}${sha1(answer.body)}`, answer]),
  );
  const originals = originalsOf(stage.s3.objects);

  for (const { head, body } of different.values()) {
    expect(PRIVATE.filter((text) => head.includes(text) || body.includes(text))).toEqual([]);
    if (head.includes("image/svg+xml")) continue; // R8: the edge only sanitises it, so it may hold much of the original
    expect(originals.filter(({ isIn }) => isIn(body)).map(({ key }) => key)).toEqual([]);
  }
});

const sha1 = (bytes: Uint8Array) => hash("sha1", bytes);

/** Puts an object into the bucket. @param body bytes, or a file of fixtures/objects/ */
export function put(key: string, body: Uint8Array | string, more: Partial<Stored> = {}): void {
  const bytes = typeof body === "string" ? file(body) : new Uint8Array(body);
  stage.s3.objects.set(`published/${key}`, { body: bytes, type: "image/jpeg", ...more });
}

type Signing = Partial<Grant> & { readonly kid?: string; readonly secret?: string };

/** @returns the query that signs an object of the private route: without a change, key.jpg for an hour */
export function signQuery({
  kid = "new",
  secret = SIGNING_KEYS[kid] ?? "",
  ...change
}: Signing = {}) {
  const usual = { route: "/private/:preset/*", preset: "card", key: "key.jpg" };
  return signGrant({ ...usual, expires: inSeconds(3600), ...change }, { kid, secret });
}
const SIGNING_KEYS: Readonly<Record<string, string>> = JSON.parse(SECRETS.URL_SIGNING_KEYS);

/** The time some seconds from now: s since 1970. */
export const inSeconds = (seconds: number) => Math.floor(Date.now() / 1000) + seconds;

export function postPurge(body: unknown, env: object = isolate): Promise<Response> {
  const headers = { authorization: `Bearer ${PURGE_TOKEN}` };
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return get("/purge", { method: "POST", headers, body: text }, env);
}

/**
 * Sends a request to the Worker.
 * @param path a path, or a whole URL
 * @param env the vars and secrets, for a test with its own presets or routes: `{ ...ENV, PRESETS, ROUTES }`
 * @param place the visitor's data centre
 */
export async function get(
  path: string,
  init: RequestInit = {},
  env: object = isolate,
  dataCenter = "here",
): Promise<Response> {
  const url = path.startsWith("/") ? `https://images.example${path}` : path;
  const request = new Request(url, init);
  const waitUntil = (work: Promise<unknown>) => void stage.pendingWork.push(work);
  const loopback = stage.exported(loopbackOf(env));
  const context = { waitUntil, ...(loopback && { exports: { Renditions: loopback } }) };

  const answer = await stage.cache.at(dataCenter, () => worker.fetch(request, env, context));
  answered.push(await overhearAnswer(answer));

  return answer;
}

/** Delivers messages of a queue to the Worker. @param env as above */
export async function deliver(messages: readonly Message[], env: object = isolate): Promise<void> {
  const waitUntil = (work: Promise<unknown>) => void stage.pendingWork.push(work);
  const loopback = stage.exported(loopbackOf(env));
  const context = { waitUntil, ...(loopback && { exports: { Renditions: loopback } }) };
  await stage.cache.at("here", () => worker.queue(batchOf(messages), env, context));
}

/** Waits for the work that answers left behind, in the gateway and behind it. */
export async function settle(): Promise<void> {
  await stage.cache.settled();
  await Promise.all(stage.pendingWork);
}

export async function getAndSettle(...args: Parameters<typeof get>): Promise<Response> {
  const answer = await get(...args);
  await settle();
  return answer;
}

/** Workers Cache forgets everything, as it does with what nobody asks for. */
export function forgetCached(): void {
  stage.cache = createCache({ now: () => stage.clock.now });
}

export const DATA_CENTERS = Array.from({ length: 30 }, (_, at) => `place-${at}`);

/** The cached entrypoint of one deployed version of the Worker. */
function loopbackOf(env: object): Loopback {
  return stage.cache.entrypoint(
    (run: ExecutionContext) => {
      const loopback = run.waitUntil;
      const waitUntil = (work: Promise<unknown>) => {
        loopback(work);
        stage.pendingWork.push(work);
      };
      return new Renditions(Object.assign(run, { waitUntil }), env);
    },
    { version: versionOf(env) },
  );
}

const versions = new Map<object, string>();

/** Each `env` is a deploy, or a `wrangler secret put`, of its own (W4, S7). */
function versionOf(env: object): string {
  const version = versions.get(env) ?? `${versions.size + 1}`;
  versions.set(env, version);
  return version;
}
