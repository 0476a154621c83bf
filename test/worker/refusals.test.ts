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
  expect(missing.status).toBe(404);
  expect(await missing.text()).toBe("Not found\n");
  expect(stage.s3.requestsBy("worker")).toHaveLength(1);
  expect(stage.edgeRequests).toEqual([]);

  for (const path of IMPOSSIBLE_PATHS) {
    const answer = await get(path);

    expect(answer.status, path).toBe(404);
    expect(await answer.text(), path).toBe("Not found\n");
    expect([...answer.headers], path).toEqual([...missing.headers]);
  }

  expect(stage.s3.requestsBy("worker")).toHaveLength(1); // the one for nothing.jpg
  expect(stage.edgeRequests).toEqual([]);

  const events = new Set(logged().map(({ line }) => line["event"]));
  const expected = ["object-missing", "no-such-route", "no-such-variant", "impossible-key"];

  expect(events).toEqual(new Set(expected));
});

/** What must be seen of a request that is refused. */
type Refused = {
  readonly status: number;
  /** Fields of the line in the log. */
  readonly line: Readonly<Record<string, unknown>>;
  /** The requests of the Worker to S3. */
  readonly opened: number;
  /** The requests to the edge. */
  readonly calls: number;
};

/** The texts that visitors get. */
const TEXTS: Readonly<Record<number, string>> = {
  404: "Not found\n",
  415: "Not an image\n",
  502: "Not available\n",
  503: "Not available now\n",
  504: "Timed out\n",
  508: "Not available\n",
};

/** Returns whether the gateway tries it itself, once: the cached entrypoint may be the reason (W13). */
function mayBeOfLoopback(event: unknown): boolean {
  return event === "not-transformed" || event === "edge-refused";
}

/** Requests an object that is not shown, and checks the answer, the log and the number of requests. */
async function expectRefused(key: string, expected: Refused, send = get): Promise<void> {
  const { status, line, opened, calls } = expected;

  const answer = await send(`/images/card/${key}`, { headers: MODERN });

  expect(answer.status).toBe(status);
  expect(logged()[0]?.line["event"]).toBe(line["event"]);
  expect(stage.s3.requestsBy("worker")).toHaveLength(opened);
  expect(stage.edgeRequests).toHaveLength(calls);

  await expectVisitorSees(status, answer);
  expectLogged(key, expected);

  const newIsolate = { ...ENV }; // it requests the object again
  const init = { method: "HEAD", headers: MODERN };
  const head = await send(`/images/card/${key}`, init, newIsolate);

  expect(head.status).toBe(status);
  expect(head.body).toBe(null);
  expect([...head.headers]).toEqual([...answer.headers]);
}

async function expectVisitorSees(status: number, answer: Response): Promise<void> {
  const isOfObject = status === 404 || status === 415;
  const { headers } = answer;

  expect(await answer.text()).toBe(TEXTS[status]);
  expect(headers.get("cache-control")).toBe(isOfObject ? "public, max-age=60" : "no-store");
  expect(headers.get("retry-after")).toBe(status === 503 ? "3600" : null);
  expect(headers.get("content-type")).toBe("text/plain; charset=utf-8");
  expect(headers.get("x-content-type-options")).toBe("nosniff");
  expect(headers.get("vary")).toBe("accept");
}

function expectLogged(key: string, { status, line }: Refused): void {
  const { event } = line;
  const isWarning = status < 500 || status === 508;

  const whole = {
    ...line,
    route: "/images/:preset/*",
    preset: "card",
    bucket: "media",
    cache: mayBeOfLoopback(event) ? "direct" : "miss",
    key: `published/${key}`,
    answered: status,
  };

  expect(logged()).toEqual([
    { level: isWarning ? "warn" : "error", line: expect.objectContaining(whole) },
  ]);

  const isOfObject = status === 404 || status === 415;
  const failure = { event: "rendition-failed", bucket: "media", failure: event, times: 1 };

  expect(failures()).toMatchObject(isOfObject ? [] : [failure]);
}

test.each(EDGE_CODES)(
  "the edge's $code with $status is answered and logged as $event (R3)",
  async (row) => {
    const { code, status, event } = row;
    const { opened, calls } = callsOf(row);
    arrange({ failure: { code: Number(code), status } });

    await expectRefused("key.jpg", {
      status: REFUSALS[event].answered,
      line: { event, edge: code, status },
      opened,
      calls,
    });
  },
);

/** Returns `get` with a clock that runs as long as nothing else does. */
function getWithFastClock(): typeof get {
  const finish = stopTimers();

  return async (...request) => {
    const { value } = await finish(get(...request));
    return value;
  };
}

const isFault = (fault: string): fault is S3Fault => Object.hasOwn(S3_FAULTS, fault);

/** The faults of S3 that the Worker notices, each with its rule in parentheses. */
const FAULT_ROWS = Object.keys(S3_FAULTS)
  .filter(isFault)
  .flatMap((fault) => {
    const { rule: id } = S3_FAULTS[fault];
    const rule = id === undefined ? "" : ` (${id})`;
    const { key = "key.jpg", s3, worker } = S3_FAULT_ROWS[fault];
    if (worker === undefined) return [];

    const origin = s3?.answer.replace(/^\d+ /, ""); // S3's code, without the status
    return [{ fault, rule, key, origin, worker }];
  });

test.each(FAULT_ROWS)(
  "S3's $fault is logged for the operator alone$rule",
  async ({ fault, key, origin, worker }) => {
    const { answered, requests, reason, ...fields } = worker;
    const [opened, calls] = requests;
    stage.s3.faults.add(fault);

    const line: Record<string, unknown> = { ...fields };
    if (reason) line["reason"] = expect.stringMatching(reason);
    if (fields.event === "slots-refused") {
      line["slots"] = [{ slot: "current", origin, access_key: "…MPLE" }];
    } else if (origin) {
      line["origin"] = origin;
    }

    const send = fault.startsWith("stall") ? getWithFastClock() : get;
    await expectRefused(key, { status: answered, line, opened, calls }, send);
  },
);

const NO_IMAGE: Refused = {
  status: 415,
  line: { event: "source-unreadable" },
  opened: 1,
  calls: 0,
};

test.each<{ key: string; expected: Refused }>([
  {
    key: "nothing.jpg",
    expected: {
      status: 404,
      line: { event: "object-missing", origin: "NoSuchKey" },
      opened: 1,
      calls: 0,
    },
  },
  { key: "broken/page.jpg", expected: NO_IMAGE },
  { key: "broken/empty.jpg", expected: NO_IMAGE },
  {
    key: "broken/truncated.jpg",
    // The edge says the same where it fails itself, so this proves nothing about the object.
    expected: {
      status: 502,
      line: { event: "edge-failed", edge: "9516" },
      opened: 1,
      calls: 2,
    },
  },
  {
    key: "broken/script.svg",
    expected: {
      status: 415,
      line: { event: "source-unreadable", edge: "9412" },
      opened: 1,
      calls: 1,
    },
  },
])("$key is no picture (R3, R8)", async ({ key, expected }) => {
  await expectRefused(key, expected);
});

/** Requests that the edge only forwards: for S3, they are requests of the Worker. */
const FORWARDED = 2;

const NOT_TRANSFORMED = { status: 502, opened: 2 + FORWARDED, calls: 2 };

test("a bucket that is another Worker is not transformed (E9)", async () => {
  const { host } = new URL(BUCKET_URL);
  arrange({ workers: { [host]: (request) => fetch(request) } });

  const line = { event: "not-transformed", status: 200, type: "image/jpeg" };
  await expectRefused("photos/fig.jpg", { ...NOT_TRANSFORMED, line });
});

test.each(BROKEN)("$key, passed through, is not shown (R2)", async ({ key }) => {
  arrange({ transformations: false });

  // The first bytes of these two tell that they are no images: the edge is not asked.
  const isNoImage = /empty|page/.test(key);
  const line = { event: "not-transformed", status: 200 };

  await expectRefused(key, isNoImage ? NO_IMAGE : { ...NOT_TRANSFORMED, line });
});

test.each(["POST", "PUT", "DELETE", "OPTIONS", "PATCH"])("%s is a 405", async (method) => {
  const answer = await get("/images/card/k", { method });

  expect(answer.status).toBe(405);
  expect(answer.headers.get("allow")).toBe("GET, HEAD");
  expect(stage.edgeRequests).toEqual([]);
});

test("what a visitor sends does not fill the log", async () => {
  const long = "x".repeat(65_536);
  const paths = [`/${long}`, `/images/${long}/k`, `/images/card/${long}`];

  for (const path of paths) await get(path);

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
