// Requests that the Worker refuses, on the strict edge: what the visitor gets, what the log says, and what it
// costs.

import { expect, test } from "vitest";
import { BROKEN } from "../../src/dev/fixture-objects.ts";
import { S3_FAULTS, type S3Fault } from "../../src/emulator/s3/faults.ts";
import { stopTimers } from "../support/clock.ts";
import { BUCKET_URL, ENV } from "../support/env.ts";
import {
  arrange,
  disableCacheInEachTest,
  failures,
  get,
  logged,
  MODERN,
  stage,
} from "../support/run-worker.ts";
import { callsOf, EDGE_CODES, REFUSALS } from "../support/tables/edge-codes.ts";
import { IMPOSSIBLE_PATHS } from "../support/tables/impossible-paths.ts";
import { S3_FAULT_ROWS } from "../support/tables/s3-faults.ts";

disableCacheInEachTest(); // each request is to reach the edge

test("everything that does not exist is one and the same 404, and costs no subrequest", async () => {
  const missing = await get("/images/card/nothing.jpg");
  expect([missing.status, await missing.text()]).toEqual([404, "Not found\n"]);
  expect([stage.s3.requestsBy("worker").length, stage.edgeRequests.length]).toEqual([1, 0]);

  for (const path of IMPOSSIBLE_PATHS) {
    const answer = await get(path);
    expect([path, answer.status, await answer.text(), ...answer.headers]).toEqual([
      path,
      404,
      "Not found\n",
      ...missing.headers,
    ]);
  }

  expect([stage.s3.requestsBy("worker").length, stage.edgeRequests.length]).toEqual([1, 0]);

  const events = new Set(logged().map(({ line }) => line["event"]));
  const expected = ["object-missing", "no-such-route", "no-such-variant", "impossible-key"];
  expect(events).toEqual(new Set(expected));
});

/** Returns whether the gateway tries it itself, once: the cached entrypoint may be the reason (W13). */
const mayBeOfLoopback = ({ event }: Record<string, unknown>) =>
  event === "not-transformed" || event === "edge-refused";

type Expected = readonly [
  status: number,
  line: Record<string, unknown>,
  /** The requests to S3 and to the edge. */
  opened: number,
  calls: number,
];

/** The texts that visitors get. */
const TEXTS: Readonly<Record<number, string>> = {
  404: "Not found\n",
  415: "Not an image\n",
  502: "Not available\n",
  503: "Not available now\n",
  504: "Timed out\n",
  508: "Not available\n",
};

/** Requests an object that is not shown, and checks the answer, the log and the number of requests. */
async function refused(
  key: string,
  [status, line, opened, calls]: Expected,
  send = get,
): Promise<void> {
  const answer = await send(`/images/card/${key}`, { headers: MODERN });
  const { event } = line;
  expect([answer.status, logged()[0]?.line["event"]]).toEqual([status, event]);
  expect(await answer.text()).toBe(TEXTS[status]);
  expect(answer.headers.get("cache-control")).toBe(
    status === 404 || status === 415 ? "public, max-age=60" : "no-store",
  );
  expect(answer.headers.get("retry-after")).toBe(status === 503 ? "3600" : null);
  expect(answer.headers.get("content-type")).toBe("text/plain; charset=utf-8");
  expect(answer.headers.get("x-content-type-options")).toBe("nosniff");
  expect([stage.s3.requestsBy("worker").length, stage.edgeRequests.length]).toEqual([
    opened,
    calls,
  ]);
  expect(answer.headers.get("vary")).toBe("accept");

  const cache = mayBeOfLoopback(line) ? "direct" : "miss";
  const request = { route: "/images/:preset/*", preset: "card", bucket: "media", cache };
  const whole = { ...line, ...request, key: `published/${key}`, answered: status };
  const level = status < 500 || status === 508 ? "warn" : "error";

  expect(logged()).toEqual([{ level, line: expect.objectContaining(whole) }]);

  const failure = { event: "rendition-failed", bucket: "media", failure: event, times: 1 };
  expect(failures()).toMatchObject(status === 404 || status === 415 ? [] : [failure]);

  const again = { ...ENV }; // a new isolate, which requests it again
  const head = await send(`/images/card/${key}`, { method: "HEAD", headers: MODERN }, again);
  expect([...head.headers]).toEqual([...answer.headers]);
  expect([head.status, head.body]).toEqual([status, null]);
}

test.each(EDGE_CODES)(
  "the edge's $code with $status is answered and logged as $event (R3)",
  async (row) => {
    const { code, status, event } = row;
    arrange({ failure: { code: Number(code), status } });
    const { opened, calls } = callsOf(row);
    const line = { event, edge: code, status };
    await refused("key.jpg", [REFUSALS[event].answered, line, opened, calls]);
  },
);

/** `get` with a clock that runs as long as nothing else does. */
function waitFor(): typeof get {
  const finish = stopTimers();
  return async (...request) => (await finish(get(...request))).value;
}

const isFault = (fault: string): fault is S3Fault => Object.hasOwn(S3_FAULTS, fault);

/** Each fault, its rule in parentheses, and what it leads to. */
const faultRows = Object.keys(S3_FAULTS)
  .filter(isFault)
  .flatMap((fault) => {
    const { rule } = S3_FAULTS[fault];
    const { key = "key.jpg", s3, worker } = S3_FAULT_ROWS[fault];
    return worker ? [[fault, rule && ` (${rule})`, { key, s3, worker }] as const] : [];
  });

test.each(faultRows)("S3's %s is logged for the operator alone%s", async (fault, _rule, row) => {
  stage.s3.faults.add(fault);
  const { answered, requests, reason, ...line } = row.worker;
  const origin = row.s3?.answer.replace(/^\d+ /, "");
  const slots = [{ slot: "current", origin, access_key: "…MPLE" }];
  const expected = {
    ...line,
    ...(reason && { reason: expect.stringMatching(reason) }),
    ...(line.event === "slots-refused" ? { slots } : origin && { origin }),
  };

  const send = fault.startsWith("stall") ? waitFor() : get;
  await refused(row.key, [answered, expected, ...requests], send);
});

const NO_IMAGE = [415, { event: "source-unreadable" }, 1, 0] as const;

test.each<[string, Expected]>([
  ["nothing.jpg", [404, { event: "object-missing", origin: "NoSuchKey" }, 1, 0]],
  ["broken/page.jpg", NO_IMAGE],
  ["broken/empty.jpg", NO_IMAGE],
  // The edge says the same where it fails itself, so this proves nothing about the object.
  ["broken/truncated.jpg", [502, { event: "edge-failed", edge: "9516" }, 1, 2]],
  ["broken/script.svg", [415, { event: "source-unreadable", edge: "9412" }, 1, 1]],
])("%s is no picture (R3, R8)", async (key, expected) => {
  await refused(key, expected);
});

/** S3 takes what the edge only forwards for requests of the Worker. */
const FORWARDED = 2;

test("a bucket that is another Worker is not transformed (E9)", async () => {
  arrange({ workers: { [new URL(BUCKET_URL).host]: (request) => fetch(request) } });
  const line = { event: "not-transformed", status: 200, type: "image/jpeg" };
  await refused("photos/fig.jpg", [502, line, 2 + FORWARDED, 2]);
});

test.each(BROKEN)("$key, passed through, is not shown (R2)", async ({ key }) => {
  arrange({ transformations: false });
  const line = { event: "not-transformed", status: 200 };
  await refused(key, /empty|page/.test(key) ? NO_IMAGE : [502, line, 2 + FORWARDED, 2]);
});

test.each(["POST", "PUT", "DELETE", "OPTIONS", "PATCH"])("%s is a 405", async (method) => {
  const answer = await get("/images/card/k", { method });
  expect(answer.status).toBe(405);
  expect(answer.headers.get("allow")).toBe("GET, HEAD");
  expect(stage.edgeRequests).toEqual([]);
});

test("what a visitor sends does not fill the log", async () => {
  const long = "x".repeat(65_536);
  for (const path of [`/${long}`, `/images/${long}/k`, `/images/card/${long}`]) await get(path);
  expect(logged()).toHaveLength(3);
  for (const { line } of logged()) expect(JSON.stringify(line).length).toBeLessThan(1_300);
});

test("with a broken configuration nothing is served, and the log has all of it (A11)", async () => {
  const PRESETS = { card: { width: 100, quality: 150 } };
  const env = { ...ENV, PRESETS, AWS_ACCESS_KEY_ID: "ASIAX" };
  const answer = await get("/images/card/k", {}, env);

  expect(answer.status).toBe(500);
  expect(await answer.text()).toBe("Internal error\n");
  expect(stage.edgeRequests).toEqual([]);

  const mistakes = [
    expect.stringMatching(/^AWS_ACCESS_KEY_ID: is a temporary session key/),
    "PRESETS.card.quality: 150 is not a whole number between 1 and 100",
  ];
  const line = { event: "configuration-broken", mistakes, answered: 500 };

  expect(logged()).toEqual([{ level: "error", line }]);
});
