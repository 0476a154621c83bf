// Runs the whole Worker as a function, on the strict edge with a private S3 behind it. After each test it checks
// that no answer held an original or a private name.
//
//     stage.s3.faults.add("SlowDown"); // S3 is busy
//     const answer = await get("/images/card/key.jpg");
//     expect(answer.status).toBe(502);
//     expect(lines()).toMatchObject([{ event: "origin-failed" }]); // the log

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

/** The answers of the current test. */
let answers: { head: string; body: Buffer }[] = [];

/** The event of the lines of the cached entrypoint. */
const FAILED = "rendition-failed";

/** Returns what was logged, without the lines of the cached entrypoint. */
export function logged() {
  return stage.logged.filter(({ line }) => line["event"] !== FAILED);
}

/** Returns the lines that were logged, without those of the cached entrypoint. */
export function lines(): Record<string, unknown>[] {
  return logged().map(({ line }) => line);
}

/** Returns the lines of the cached entrypoint: at most one a minute and bucket. */
export function failures(): Record<string, unknown>[] {
  const all = stage.logged.map(({ line }) => line);
  return all.filter(({ event }) => event === FAILED);
}

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
  answers = [];

  for (const level of ["info", "warn", "error"] as const) {
    vi.spyOn(console, level).mockImplementation((line: string) => {
      overhear("logged", line);
      stage.logged.push({ level, line: readLogLine(line) });
    });
  }

  vi.stubGlobal("scheduler", { wait: async (ms: number) => void stage.pauses.push(ms) });

  const send = globalThis.fetch;
  vi.spyOn(globalThis, "fetch").mockImplementation((input, init) => {
    const image = init?.cf?.image;
    const isForEdge = image !== undefined && stage.cache.transforms();
    if (!isForEdge) return send(input, init); // to the network

    stage.beforeEdgeRequest(stage.edgeRequests.length);
    stage.edgeRequests.push({ request: new Request(input, init), image: image ?? {} });
    return stage.edge.fetch(`${input}`, init);
  });
});

afterEach(async ({ task }) => {
  await Promise.all(stage.pendingWork);
  if (task.result?.state === "fail") {
    process.stderr.write(`The Worker logged: ${JSON.stringify(stage.logged).slice(0, 4096)}\n`);
  }

  const originals = originalsOf(stage.s3.objects);

  for (const { head, body } of differentAnswers()) {
    const privateTexts = PRIVATE.filter((text) => head.includes(text) || body.includes(text));
    expect(privateTexts).toEqual([]);

    // The edge only sanitises an SVG, so it may hold much of the original (R8).
    if (head.includes("image/svg+xml")) continue;

    const leaked = originals.filter(({ isIn }) => isIn(body));
    expect(leaked.map(({ key }) => key)).toEqual([]);
  }
});

function differentAnswers() {
  const byDigest = new Map<string, { head: string; body: Buffer }>();
  for (const answer of answers) byDigest.set(answer.head + sha1(answer.body), answer);
  return byDigest.values();
}

const sha1 = (bytes: Uint8Array) => hash("sha1", bytes);

/** Puts an object into the bucket. @param body bytes, or a file of fixtures/objects/ */
export function put(key: string, body: Uint8Array | string, more: Partial<Stored> = {}): void {
  const bytes = typeof body === "string" ? file(body) : new Uint8Array(body);
  stage.s3.objects.set(`published/${key}`, { body: bytes, type: "image/jpeg", ...more });
}

const SIGNING_KEYS: Readonly<Record<string, string>> = JSON.parse(SECRETS.URL_SIGNING_KEYS);

type Signing = Partial<Grant> & { readonly kid?: string; readonly secret?: string };

/** @returns the query that signs an object of the private route: without a change, key.jpg for an hour */
export function signQuery(signing: Signing = {}) {
  const { kid = "new", secret = SIGNING_KEYS[kid], ...change } = signing;

  const grant = {
    route: "/private/:preset/*",
    preset: "card",
    key: "key.jpg",
    expires: inSeconds(3600),
    ...change,
  };
  return signGrant(grant, { kid, secret: secret ?? "" });
}

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
 * @param dataCenter the visitor's
 */
export async function get(
  path: string,
  init: RequestInit = {},
  env: object = isolate,
  dataCenter = "here",
): Promise<Response> {
  const url = path.startsWith("/") ? `https://images.example${path}` : path;
  const request = new Request(url, init);
  const context = createContext(env);

  const answer = await stage.cache.at(dataCenter, () => worker.fetch(request, env, context));
  answers.push(await overhearAnswer(answer));

  return answer;
}

/** Creates what the runtime gives to the Worker beside the request. */
function createContext(env: object) {
  const waitUntil = (work: Promise<unknown>) => void stage.pendingWork.push(work);
  const loopback = stage.exported(loopbackOf(env));

  return { waitUntil, ...(loopback && { exports: { Renditions: loopback } }) };
}

/** Delivers messages of a queue to the Worker. @param env as that of `get` */
export async function deliver(messages: readonly Message[], env: object = isolate): Promise<void> {
  const context = createContext(env);
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

export const DATA_CENTERS = Array.from({ length: 30 }, (_, index) => `place-${index}`);

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
