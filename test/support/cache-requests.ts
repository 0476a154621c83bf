// Shared by the tests of the strict cache: a cache with its clock, and an entrypoint whose answers a test sets.

import { beforeEach } from "vitest";
import {
  type CacheSettings,
  createCache,
  type EntrypointOptions,
} from "../../src/emulator/cache/cache.ts";
import type { RunContext } from "../../src/emulator/cache/entrypoint.ts";

export const START = Date.parse("2026-11-26T00:00:00Z");

export const clock = { now: START };

/** What the entrypoint does in each run. A test may replace it at any time. */
export const entrypoint = {
  answer: async (_request: Request, _context: RunContext): Promise<Response> => new Response(),
  requests: [] as Request[],
};

export let cache = create();

function create(settings: Partial<CacheSettings> = {}) {
  return createCache({ now: () => clock.now, ...settings });
}

/** Replaces the cache with an empty one that has other switches. */
export function resetCache(settings: Partial<CacheSettings> = {}): void {
  cache = create(settings);
}

beforeEach(() => {
  clock.now = START;
  entrypoint.requests = [];
  entrypoint.answer = async () => new Response();
  resetCache();
});

export function wait(seconds: number): void {
  clock.now += seconds * 1000;
}

export function answerWith(
  body: BodyInit | null,
  headers: Record<string, string> = {},
  status = 200,
): void {
  entrypoint.answer = async () => new Response(body, { status, headers });
}

/** Lets the entrypoint answer with the number of runs. */
export function count(cacheControl: string | undefined, headers: Record<string, string> = {}) {
  const all = cacheControl === undefined ? headers : { "cache-control": cacheControl, ...headers };
  entrypoint.answer = async () => new Response(`run ${cache.runs.length}`, { headers: all });
}

/** Lets the entrypoint wait in each run, until the function is called that this gives back. */
export function blockEntrypoint(): () => void {
  const { answer } = entrypoint;
  const gate = Promise.withResolvers<void>();
  entrypoint.answer = async (request, context) => {
    await gate.promise;
    return answer(request, context);
  };

  return () => gate.resolve();
}

export function loopback(options: EntrypointOptions = {}) {
  return cache.entrypoint(
    (context) => ({
      fetch(request) {
        entrypoint.requests.push(request);
        return entrypoint.answer(request, context);
      },
      purge: (options) => context.cache.purge(options),
    }),
    options,
  );
}

export function fetchCached(
  path = "/a",
  init: RequestInit = {},
  options: EntrypointOptions = {},
): Promise<Response> {
  return loopback(options).fetch(new Request(`https://renditions${path}`, init));
}

/** Asks, and gives back the cache's status and the body in one line. */
export async function line(...args: Parameters<typeof fetchCached>): Promise<string> {
  const answer = await fetchCached(...args);
  return `${answer.headers.get("cf-cache-status")} ${await answer.text()}`;
}
