// http-cache-tests judges the emulated Workers Cache: its client asks the cache, whose entrypoint asks its server. Where
// it waits for time to pass, the clock of this process is moved. Tests run one by one: they share that clock. Each test
// is judged by itself, also where its set-up fails, or a test on which it depends.

import { createServer } from "node:http";
import { getResults, runTests } from "http-cache-tests/client/runner.mjs";
import handleConfig from "http-cache-tests/server/handle-config.mjs";
import handleState from "http-cache-tests/server/handle-state.mjs";
import handleTest from "http-cache-tests/server/handle-test.mjs";
import others from "http-cache-tests/tests/index.mjs";
import surrogate from "http-cache-tests/tests/surrogate-control.mjs";
import { beforeAll, expect, test, vi } from "vitest";
import { createCache } from "../../../src/emulator/cache/cache.ts";
import { listenOn } from "../../../src/emulator/listen.ts";
import { createTable } from "../table.ts";
import { DIFFERENCES, FAILURES } from "./differences.ts";

vi.mock("http-cache-tests/client/utils.mjs", async (load) => ({
  ...(await load<object>()),
  pause: async () => void vi.setSystemTime(Date.now() + 3000),
}));

const HANDLERS = { config: handleConfig, state: handleState, test: handleTest };

/** Its server says 999 where it got no condition. A `Response` cannot have that status. */
const UNCONDITIONAL = 498;

const suites = [...others, surrogate];
const tests = suites.flatMap((suite) => suite.tests);
let results: ReturnType<typeof getResults>;
const { count } = createTable("Tests by their result, and by what they ask for.");

const hasFailed = (id: string) => results[id] !== true && results[id] !== undefined;
const matches = (id: string, pattern: string) =>
  new RegExp(`^${pattern.replaceAll("*", ".*")}$`).test(id);
const patternsIn = (list: string) => list.trim().split(/\s+/);
const isIn = (id: string, list: string) => patternsIn(list).some((one) => matches(id, one));
const patterns = Object.values(DIFFERENCES).flatMap(patternsIn);
const patternsOf = (id: string) => patterns.filter((pattern) => matches(id, pattern));

/** Returns whether a failure has a reason, and is the one that the reason stands for. */
function isExpected(id: string): boolean {
  const failures = Object.entries(FAILURES).filter(([pattern]) => matches(id, pattern));
  return patternsOf(id).length > 0 && failures.every(([, one]) => `${results[id]}`.includes(one));
}

beforeAll(async () => {
  vi.useFakeTimers({ toFake: ["Date"], now: Date.parse("2026-11-26T00:00:00Z") });
  vi.spyOn(console, "log").mockImplementation(() => {}); // its server logs each state that is missing
  const server = createServer((request, response) => {
    response.sendDate = false; // Node.js would send the real time
    const [, name = "", ...segments] = (request.url ?? "").split(/[/?]/);
    const [, handle] = Object.entries(HANDLERS).find(([one]) => one === name) ?? [];
    handle?.(segments, request, response);
  });
  const origin = await listenOn(server, 0);
  const cached = createCache().entrypoint(() => ({
    async fetch(request) {
      const { pathname, search } = new URL(request.url);
      const { method, headers } = request;
      const body = ["GET", "HEAD"].includes(method) ? null : await request.arrayBuffer();
      const init = { method, headers, body, redirect: "manual" } as const;
      const response = await fetch(`${origin.url}${pathname}${search}`, init);
      if (response.status !== 999) return response;
      return new Response(null, { status: UNCONDITIONAL, headers: response.headers });
    },
  }));
  const client = async (url: string, init?: RequestInit) => {
    const response = await cached.fetch(new Request(url, init));
    const isUnconditional = response.status === UNCONDITIONAL;
    return isUnconditional ? Object.defineProperty(response, "status", { value: 999 }) : response;
  };
  await runTests(suites, client, false, "http://cache.example", 1);
  results = getResults();
  for (const { id, kind = "required" } of tests) {
    const [reason] = Object.entries(DIFFERENCES).find(([, list]) => isIn(id, list)) ?? ["failed"];
    const passed = results[id] === true ? "passed" : "for browsers alone";
    count(hasFailed(id) ? reason : passed, kind);
  }
  await origin.close();
  vi.useRealTimers();
  vi.restoreAllMocks();
});

test("each test runs, but those for browsers alone; what fails is expected to fail", () => {
  const idle = tests.filter(({ id }) => results[id] === undefined);
  expect(idle).toEqual(tests.filter((one) => one.browser_only));
  const unexpected = tests.filter(({ id }) => hasFailed(id) && !isExpected(id));
  expect(unexpected.map(({ id }) => `${id}: ${results[id]}`)).toEqual([]);
});

test("what is expected to fail fails, for one reason", () => {
  const others = tests.filter(({ id }) => patternsOf(id).length > (hasFailed(id) ? 1 : 0));
  expect(others.map(({ id }) => id)).toEqual([]);
  const used = new Set(tests.flatMap(({ id }) => patternsOf(id)));
  expect(patterns.filter((pattern) => !used.has(pattern))).toEqual([]);
});
