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
import { listenLocally } from "../../../src/emulator/local-server.ts";
import { createTable } from "../table.ts";
import DIFFERENCES from "./differences.json" with { type: "json" };

vi.mock("http-cache-tests/client/utils.mjs", async (load) => ({
  ...(await load<object>()),
  pause: async () => void vi.setSystemTime(Date.now() + 3000),
}));

const HANDLERS = { config: handleConfig, state: handleState, test: handleTest };

/** Its server answers 999 where it got no condition. A `Response` cannot have that status. */
const UNCONDITIONAL = 498;

const suites = [...others, surrogate];
const tests = suites.flatMap((suite) => suite.tests);
let results: ReturnType<typeof getResults>;
const { count } = createTable(
  "Tests by their result and their kind. A check asks what a cache does: no answer is wrong.",
);

const hasFailed = (id: string) => results[id] !== true && results[id] !== undefined;
/** Tests that must fail, by the reason, a rule or an RFC, and by how they fail. `*` stands for any characters. */
const differences = Object.entries(DIFFERENCES).flatMap(([reason, failures]) =>
  Object.entries<string[]>(failures).flatMap(([failure, patterns]) =>
    patterns.map((pattern) => ({ reason, failure, pattern })),
  ),
);
const differencesOf = (id: string) =>
  differences.filter((one) => new RegExp(`^${one.pattern.replaceAll("*", ".*")}$`).test(id));

beforeAll(async () => {
  vi.useFakeTimers({ toFake: ["Date"], now: Date.parse("2026-11-26T00:00:00Z") });
  vi.spyOn(console, "log").mockImplementation(() => {}); // its server logs each state that is missing
  const server = createServer((request, response) => {
    response.sendDate = false; // Node.js would send the real time
    const [, name = "", ...segments] = (request.url ?? "").split(/[/?]/);
    const [, handle] = Object.entries(HANDLERS).find(([one]) => one === name) ?? [];
    handle?.(segments, request, response);
  });
  const origin = await listenLocally(server, 0);
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
    const { reason = "failed" } = differencesOf(id)[0] ?? {};
    const passed = results[id] === true ? "passed" : "for browsers alone";
    count(hasFailed(id) ? reason : passed, kind);
  }
  await origin.close();
  vi.useRealTimers();
  vi.restoreAllMocks();
});

test("each test runs, but those for browsers alone; what fails is expected to fail so", () => {
  const idle = tests.filter(({ id }) => results[id] === undefined);
  expect(idle).toEqual(tests.filter((one) => one.browser_only));
  const unexpected = tests.filter(({ id }) => {
    const [{ failure } = {}] = differencesOf(id);
    return hasFailed(id) && (failure === undefined || !`${results[id]}`.includes(failure));
  });
  expect(unexpected.map(({ id }) => `${id}: ${results[id]}`)).toEqual([]);
});

test("what is expected to fail fails, for one reason", () => {
  const mistaken = tests.filter(({ id }) => differencesOf(id).length > (hasFailed(id) ? 1 : 0));
  expect(mistaken.map(({ id }) => id)).toEqual([]);
  const used = new Set(tests.flatMap(({ id }) => differencesOf(id)));
  expect(differences.filter((difference) => !used.has(difference))).toEqual([]);
});
