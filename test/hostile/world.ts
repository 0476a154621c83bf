// The surroundings of an attacked Worker: a configuration, the services of upstream.ts, and the strict cache in
// front of its cached entrypoint.

import { type Cache, createCache } from "../../src/emulator/cache/cache.ts";
import { createR2, type R2 } from "../../src/emulator/r2/r2.ts";
import type { GatewayContext, Loopback } from "../../src/worker/cache/loopback.ts";
import { aMinuteAgo } from "../support/clock.ts";
import { ENV, HEALTH_TOKEN, NEXT } from "../support/env.ts";
import { type Engine, withEngine } from "./engines.ts";
import { installQuickCrypto } from "./quick-crypto.ts";
import { createR2Source } from "./s3-upstream.ts";
import { createImages, fetchUpstream } from "./upstream.ts";
import {
  type Call,
  MEDIA_ORIGIN,
  type Mood,
  NOW,
  OTHER_ORIGIN,
  type Requests,
  state,
} from "./visit-state.ts";

const { card, hero, moving, plain } = ENV.PRESETS;

/** Written by hand: the properties must not rely on the code that they check. */
export const CONFIG = {
  ...ENV,
  ...NEXT,
  HEALTH_TOKEN,
  BUCKETS: {
    ...ENV.BUCKETS,
    other: { endpoint: "https://s3.other.example", bucket: "acme-other", region: "auto" },
  },
  ROUTES: [
    { path: "/images/:preset/*", object: "media/*", facts: true, fallback: "other/none/@1.png" },
    { path: "/avatars/:user/:preset", object: "media/users/:user/avatar.png", presets: ["card"] },
    { path: "/p/:preset/:id/:slug", object: "other/products/:id.jpg" },
    { path: "/pairs/:preset/:a/:b", object: "other/:a-:b" },
    { path: "/icons/:preset/*", object: "media/icons/*", svg: true, facts: true },
    {
      ...{ path: "/private/:preset/*", object: "media/*", fallback: "media/a.jpg" },
      ...{ signed: true, max_age: 86_400, facts: true },
    },
    { path: "/secret/:preset/*", object: "media/*", signed: true, max_age: 86_400 },
    { path: "/app/:preset/*", object: "other/*", facts: true, origins: ["https://app.example"] },
    { path: "/near/:preset/*", object: "other/*", origins: ["https://app.images.example"] },
    { path: "/öffentlich ✓/:preset/*", object: "media/*", cors: true },
  ],
  PRESETS: {
    ...{ card, hero, moving, plain },
    light: { height: 100, format: "webp" },
  },
} as const;

/** The same, with a gateway that makes all renditions itself. */
export const DIRECT = { ...CONFIG, ANSWERS: { ...ENV.ANSWERS, keep: 0 } } as const;

const CARD = { width: 160, height: 160, fit: "cover" };
const HERO = { width: 1920, height: 1080, fit: "scale-down", quality: 80 };

/** Every variant, with the options that it may ask for. */
export const VARIANTS: Readonly<Record<string, object>> = {
  ...{ card: CARD, "card@1x": CARD, "card@2x": { ...CARD, dpr: 2 } },
  ...{ hero: HERO, "hero@640w": { ...HERO, width: 640, height: 360 }, "hero@1920w": HERO },
  moving: { width: 200, fit: "scale-down" },
  plain: { width: 200, fit: "scale-down" },
  light: { height: 100, fit: "scale-down" },
};

export const URL_PREFIXES = {
  "/images/:preset/*": `${MEDIA_ORIGIN}published/`,
  "/avatars/:user/:preset": `${MEDIA_ORIGIN}published/users/`,
  "/p/:preset/:id/:slug": `${OTHER_ORIGIN}products/`,
  "/pairs/:preset/:a/:b": OTHER_ORIGIN,
  "/icons/:preset/*": `${MEDIA_ORIGIN}published/icons/`,
  "/private/:preset/*": `${MEDIA_ORIGIN}published/`,
  "/secret/:preset/*": `${MEDIA_ORIGIN}published/`,
  "/app/:preset/*": OTHER_ORIGIN,
  "/near/:preset/*": OTHER_ORIGIN,
  "/öffentlich ✓/:preset/*": `${MEDIA_ORIGIN}published/`,
} as const satisfies Record<(typeof CONFIG)["ROUTES"][number]["path"], string>;

export const WITH_FACTS: ReadonlySet<string> = new Set(
  CONFIG.ROUTES.filter((route) => "facts" in route).map(({ path }) => path),
);

/** The counts of a thread: visits, visits that reached the edge, and answers by status. */
export const tally: Record<string, number> = {};

/** What the gateway asked the cached entrypoint for. */
type Loop = { readonly url: string; readonly method: string; readonly headers: Headers };

export type Events = Requests & { loops: Loop[]; logged: string[]; limited: string[] };

export type Worker = {
  fetch(request: Request, env: object, context: GatewayContext): Promise<Response>;
  readonly Renditions: new (context: ExecutionContext, env: object) => Cached;
};

type Cached = Loopback & object;

export type Scene = {
  /** The `env` of an isolate. What it remembers of earlier visits ends with it. */
  readonly isolate: object;
  readonly cache: Cache;
  readonly dataCentre: string;
  /** ms since 1970. */
  readonly now: number;
};

let events: Omit<Events, keyof Requests> = { loops: [], logged: [], limited: [] };

export function useEngine(next: Engine): void {
  state.engine = next;
}

/** The URL by which the tags name an object, or the beginning of them: R2 has names of its own. */
export function nameOf(url: string): string {
  if (state.engine !== "r2") return url;
  return url
    .replace(MEDIA_ORIGIN, "r2://MEDIA_BUCKET.acme-media/")
    .replace(OTHER_ORIGIN, "r2://OTHER_BUCKET.acme-other/");
}

export const engineNow = (): Engine => state.engine;

/** Replaces the network, the log and the clock; and WebCrypto, for speed. */
export function install(): void {
  installQuickCrypto();
  Date.now = () => state.clock;
  Object.assign(globalThis, { scheduler: { wait: async () => {} } });
  globalThis.fetch = fetchUpstream;
  for (const level of ["info", "warn", "error"] as const) {
    console[level] = (line: unknown) => void events.logged.push(`${line}`);
  }
}

/** Creates the `env` of a new isolate. It remembers nothing of visits with another one. */
export function createIsolate(vars: object = CONFIG, store?: R2): object {
  const limit = async ({ key }: { key: string }) => {
    events.limited.push(key);
    return { success: !state.mood.spent };
  };
  const { ANSWERS = {} }: { readonly ANSWERS?: object } = vars;
  const storing = { ANSWERS: { ...ANSWERS, store: "RENDITIONS" }, RENDITIONS: store };
  const { engine } = state;
  const env = { ...withEngine(vars, engine), ...(store && storing), RATE_LIMITER: { limit } };
  if (engine === "cf") return env;
  const sources = {
    MEDIA_BUCKET: createR2Source(MEDIA_ORIGIN),
    OTHER_BUCKET: createR2Source(OTHER_ORIGIN),
  };
  return { ...env, IMAGES: createImages(), ...(engine === "r2" ? sources : {}) };
}

export function emptyCache(): Cache {
  return createCache({ now: () => state.clock });
}

/**
 * Asks the Worker. What the scene does not name is new: nothing is remembered or cached of earlier visits.
 * In half of the moods, such a new gateway asks the cached entrypoint, else it makes renditions itself. In half of
 * them there is a store.
 */
export async function sendRequest(
  worker: Worker,
  request: Request,
  now: Mood,
  scene: Partial<Scene> = {},
): Promise<Events & { answer: Response; body: string }> {
  const vars = now.fault < 128 ? CONFIG : DIRECT;
  const store = now.s3 < 128 ? createR2({}, { now: aMinuteAgo }) : undefined;
  const { isolate = createIsolate(vars, store), cache = emptyCache(), dataCentre = "here" } = scene;
  const requests: Requests = { calls: [], drawn: [], bound: [], refused: [] };
  Object.assign(state, { mood: now, clock: scene.now ?? NOW, requests });
  events = { loops: [], logged: [], limited: [] };
  const after: Promise<unknown>[] = [];
  const loopback = loopbackOf(worker, { isolate, cache, dataCentre });
  const record = (input: Request | string, init?: RequestInit) => {
    const request = new Request(input, init);
    const { url, method, headers } = request;
    events.loops.push({ url, method, headers });
    return loopback.fetch(request);
  };
  const context = {
    waitUntil: (work: Promise<unknown>) => void after.push(work),
    exports: { Renditions: { ...loopback, fetch: record } },
  };
  const answer = await worker.fetch(request, isolate, context);
  const body = await answer.text().catch((error) => (now.twist ? "" : Promise.reject(error)));
  await Promise.all(after);
  await cache.settled();
  const reached = requests.calls.length > 0 ? ["reached the edge"] : [];
  for (const name of ["visits", ...reached, `${answer.status}`]) {
    tally[name] = (tally[name] ?? 0) + 1;
  }
  return { ...requests, ...events, answer, body };
}

export function loopbackOf(
  { Renditions }: Worker,
  { isolate, cache, dataCentre }: Omit<Scene, "now">,
): Loopback {
  const create = (run: object) => new Renditions(Object.assign(Object.create(null), run), isolate);
  return cache.entrypoint(create, { dataCenter: dataCentre });
}

/** Returns whether a call failed in a way that may be over soon: a busy edge or origin, a lost connection. */
export function mayBeOver({ cf, reply }: Call): boolean {
  if (cf === undefined) return /^(?:undefined|429|5)/.test(`${reply}`);
  return reply === undefined || /^\d+ err=(?:9416|95(?!04|19|29)\d\d)\b/.test(reply);
}
