// Keys that die, come back and replace one another: what the visitor gets, what S3 is asked, and what the log
// says.

import { HttpResponse, http } from "msw";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { fireTimer, stopClock, watchWork } from "../../support/clock.ts";
import { CREDENTIALS, ENV, NEXT, NEXT_CREDENTIALS, VARS } from "../../support/env.ts";
import {
  arrange,
  get,
  keepNothing,
  lines,
  logged,
  MODERN,
  stage,
  wait,
} from "../../support/play.ts";
import { handlersOf } from "../../support/s3-handlers.ts";
import { network } from "../../support/stand.ts";

keepNothing(); // each request is to reach the edge

const { accessKeyId: CURRENT_ID, secretAccessKey: CURRENT_SECRET } = CREDENTIALS;
const { accessKeyId: NEXT_ID, secretAccessKey: NEXT_SECRET } = NEXT_CREDENTIALS;

const deadSlots = [
  { slot: "current", origin: "InvalidAccessKeyId", access_key: "…MPLE" },
  { slot: "next", origin: "InvalidAccessKeyId", access_key: "…TKEY" },
];
const REFUSED = { event: "slot-refused", bucket: "media", ...deadSlots[0] };
const NEXT_IN_USE = { event: "slot-in-use", bucket: "media", slot: "next", access_key: "…TKEY" };
const CURRENT_IN_USE = { ...NEXT_IN_USE, slot: "current", access_key: "…MPLE" };

/** The `env` of the current test. It has both slots. */
let env: object;

beforeEach(() => {
  env = { ...ENV, ...NEXT };
  stage.s3.keys.set(NEXT_ID, NEXT_SECRET);
});

/** Asks several times, one after the other or all at once. @returns how often each status came */
async function ask(path: string, times = 1, how: "in turn" | "at once" = "in turn") {
  const statuses: Record<number, number> = {};
  const once = async () => {
    const { status } = await get(path, {}, env);
    statuses[status] = (statuses[status] ?? 0) + 1;
  };
  const all = Array.from({ length: times }, () => once);
  if (how === "at once") await Promise.all(all.map((one) => one()));
  else for (const one of all) await one();
  return statuses;
}

const costs = () => [stage.asked.length, stage.probes.length];

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"] });
  return () => vi.useRealTimers();
});

describe("a revoked current key and a good next one", () => {
  beforeEach(() => {
    stage.s3.keys.delete(CURRENT_ID);
  });

  test("the first request is served with two more subrequests, the next 100 with none (A7)", async () => {
    expect(await ask("/images/card/key.jpg")).toEqual({ 200: 1 });
    expect(costs()).toEqual([2, 1]);
    expect(await ask("/images/card/key.jpg", 90)).toEqual({ 200: 90 });
    for (let each = 0; each < 10; each++) {
      const found = stage.s3.objects.get("published/key.jpg");
      if (found !== undefined) stage.s3.objects.set(`published/${each}.jpg`, found);
      expect(await ask(`/images/card/${each}.jpg`)).toEqual({ 200: 1 });
    }
    expect(costs()).toEqual([102, 1]);
    expect(logged()).toEqual([
      { level: "warn", line: REFUSED },
      { level: "info", line: NEXT_IN_USE },
    ]);
  });

  test("many visitors at once are all served, over one probe", async () => {
    expect(await ask("/images/card/key.jpg", 50, "at once")).toEqual({ 200: 50 });
    expect(stage.probes).toHaveLength(1);
    expect(lines()).toEqual([REFUSED, NEXT_IN_USE]);
  });

  test("the probe is small, direct and not kept, and its bytes go nowhere (E1)", async () => {
    await ask("/images/card/key.jpg");
    const [probe] = stage.probes;
    expect(probe?.url).toBe(stage.asked[0]?.request.url);
    expect(probe?.headers.get("range")).toBe("bytes=0-0");
    expect(probe?.cache).toBe("no-store");
    expect(probe?.redirect).toBe("manual");
    expect(stage.after).toHaveLength(1); // so it ends even if the visitor leaves
  });

  test("an animation costs no more than two subrequests more (O8, R9)", async () => {
    const answer = await get("/images/moving/animated.gif", { headers: MODERN }, env);
    expect(answer.headers.get("content-type")).toBe("image/webp");
    expect(costs()).toEqual([3, 1]);
  });

  test("a missing object is a 404 by the next one's word (A6)", async () => {
    stage.s3.faults.add("no-list-bucket");
    expect(await ask("/images/card/nothing.jpg")).toEqual({ 404: 1 });
    expect(costs()).toEqual([2, 2]);
    expect(await ask("/images/card/key.jpg")).toEqual({ 200: 1 });
  });

  test("it is tried again after a minute, beside a request, and used again when it works", async () => {
    await ask("/images/card/key.jpg");
    wait(59);
    await ask("/images/card/key.jpg");
    await Promise.all(stage.after);
    expect(costs()).toEqual([3, 1]);
    wait(2);
    await ask("/images/card/key.jpg", 100, "at once");
    await Promise.all(stage.after);
    expect(costs()).toEqual([103, 2]);
    stage.s3.keys.set(CURRENT_ID, CURRENT_SECRET);
    wait(61);
    await ask("/images/card/key.jpg");
    await Promise.all(stage.after);
    expect(costs()).toEqual([104, 3]);
    expect(lines()).toEqual([REFUSED, NEXT_IN_USE, CURRENT_IN_USE]);
    stage.s3.keys.delete(NEXT_ID);
    expect(await ask("/images/card/photos/fig.jpg")).toEqual({ 200: 1 });
    expect(costs()).toEqual([105, 3]);
  });
});

test.each<[string, () => void, string]>([
  [
    "an old secret beside a new id (S1)",
    () => stage.s3.keys.set(CURRENT_ID, "x"),
    "SignatureDoesNotMatch",
  ],
  ["a key id that is unknown (A7)", () => stage.s3.keys.delete(CURRENT_ID), "InvalidAccessKeyId"],
  ...(
    [
      [400, "ExpiredToken", "ExpiredToken"],
      [403, "ExpiredToken", "ExpiredToken"],
      [400, "AuthorizationHeaderMalformed", "AuthorizationHeaderMalformed"],
      [400, "InvalidArgument", "InvalidArgument"],
      [403, "InvalidSecurity", "InvalidSecurity"],
      [400, "InvalidToken", "InvalidToken"],
      [401, "Unauthorized", "Unauthorized"],
      [401, "", "401"],
    ] as const
  ).map(([status, code, origin]): [string, () => void, string] => [
    `S3's ${status} ${code} (A7)`,
    () => refuseCurrent(status, code),
    origin,
  ]),
])("%s is the slot's fault: the other one serves", async (_what, breakIt, origin) => {
  breakIt();
  expect(await ask("/images/card/key.jpg")).toEqual({ 200: 1 });
  expect(costs()).toEqual([2, 1]);
  expect(lines()).toEqual([{ ...REFUSED, origin }, NEXT_IN_USE]);
});

test.each<[number, string]>([
  [403, "AccountProblem"],
  [403, ""],
  [403, "constructor"],
])("where S3 says %s %s, the other slot is tried, and none is refused", async (status, code) => {
  refuseCurrent(status, code);
  expect(await ask("/images/card/key.jpg", 10)).toEqual({ 200: 10 });
  expect(costs()).toEqual([11, 1]); // the edge has nine of them in its cache
  expect(lines()).toEqual([]);
});

test("where S3 does not answer the probe, the other slot is tried", async () => {
  network.use(
    http.get(/./, ({ request }) => {
      if (request.headers.has("range")) return HttpResponse.error();
      const mine = request.headers.get("authorization")?.includes(CURRENT_ID);
      return mine ? new HttpResponse(null, { status: 403 }) : undefined;
    }),
  );
  expect(await ask("/images/card/key.jpg")).toEqual({ 200: 1 });
  env = { ...ENV };
  expect(await ask("/images/card/photos/fig.jpg")).toEqual({ 502: 1 });
  expect(lines()).toMatchObject([{ event: "origin-denied", reason: "S3 itself does not answer" }]);
});

describe("a missing object in a bucket that the key may not list", () => {
  beforeEach(() => {
    stage.s3.faults.add("no-list-bucket");
    env = { ...ENV };
  });

  test("is no excuse for a key that died since: the other slot serves at once", async () => {
    env = { ...ENV, ...NEXT };
    expect(await ask("/images/card/nothing.jpg")).toEqual({ 404: 1 });
    stage.s3.keys.delete(CURRENT_ID);
    expect(await ask("/images/card/key.jpg")).toEqual({ 200: 1 });
    expect(await ask("/images/card/photos/fig.jpg")).toEqual({ 200: 1 });
    expect(stage.probes).toHaveLength(1);
    wait(4);
    expect(await ask("/images/card/rotated-gps.jpg")).toEqual({ 200: 1 });
    expect(lines().slice(1)).toEqual([REFUSED, NEXT_IN_USE]);
  });

  test("with two slots is looked for with both, where S3 was not just asked for it", async () => {
    env = { ...ENV, ...NEXT };
    for (let each = 0; each < 20; each++) {
      expect(await ask(`/images/card/nothing-${each}.jpg`)).toEqual({ 404: 1 });
    }
    expect(costs()).toEqual([39, 2]);
    expect(await ask("/images/card/nothing-0.jpg", 20, "at once")).toEqual({ 404: 20 });
    expect(stage.probes).toHaveLength(2);
    expect(new Set(lines().map(({ event }) => event))).toEqual(new Set(["object-denied"]));
  });

  test("100 times is 100 times 404, over a handful of probes (A6)", async () => {
    for (let each = 0; each < 100; each++) {
      expect(await ask(`/images/card/nothing-${each}.jpg`)).toEqual({ 404: 1 });
      wait(0.1);
    }
    expect(stage.asked).toHaveLength(100);
    expect(stage.probes).toHaveLength(4); // in ten seconds
    expect(new Set(lines().map(({ event }) => event))).toEqual(new Set(["object-denied"]));
    expect(await ask("/images/card/key.jpg")).toEqual({ 200: 1 });
  });

  test("100 at once is one probe", async () => {
    expect(await ask("/images/card/nothing.jpg", 100, "at once")).toEqual({ 404: 100 });
    expect(costs()).toEqual([100, 1]);
  });

  test("the log has S3's code where it was asked, and none where it was not", async () => {
    await ask("/images/card/nothing.jpg");
    await ask("/images/card/nothing-2.jpg");
    const reason = "missing, or not allowed by the key's policy";
    expect(lines()[0]).toMatchObject({ event: "object-denied", origin: "AccessDenied", reason });
    expect(lines()[1]).toMatchObject({ event: "object-denied", reason });
    expect(lines()[1]).not.toHaveProperty("origin");
  });

  test("a bucket that denies everything for a minute is told once, at level error", async () => {
    const alarms = () => logged().filter(({ line }) => line["event"] === "bucket-denied");
    for (let second = 0; second < 60; second += 5) {
      await ask("/images/card/nothing.jpg");
      wait(5);
    }
    expect(alarms()).toEqual([]);
    await ask("/images/card/nothing.jpg", 10);
    expect(alarms()).toEqual([
      {
        level: "error",
        line: {
          event: "bucket-denied",
          bucket: "media",
          times: 13,
          reason: expect.stringContaining("the key's policy"),
        },
      },
    ]);
    await ask("/images/card/key.jpg"); // ends the alarm
    for (let second = 0; second < 65; second += 5) {
      await ask("/images/card/nothing.jpg");
      wait(5);
    }
    expect(alarms()).toHaveLength(2);
  });

  test("and is not told where an object was read in between, but where the edge failed", async () => {
    for (const [path, trouble, alarms] of [
      ["/images/card/broken/page.jpg", undefined, 0],
      ["/images/card/key.jpg", "9522/503", 1],
    ] as const) {
      arrange();
      stage.s3.faults.add("no-list-bucket");
      stage.logged = [];
      env = { ...ENV };
      for (let second = 0; second < 70; second += 5) {
        stage.edge.switches.trouble = second === 40 ? trouble : undefined;
        await ask(second === 40 ? path : "/images/card/nothing.jpg");
        wait(5);
      }
      const told = logged().filter(({ line }) => line["event"] === "bucket-denied");
      expect([path, told.length]).toEqual([path, alarms]);
    }
  });

  test("a few missing objects are no alarm, however long it takes", async () => {
    for (let minute = 0; minute < 9; minute++) {
      await ask("/images/card/nothing.jpg");
      wait(60);
    }
    expect(lines().map(({ event }) => event)).not.toContain("bucket-denied");
    await ask("/images/card/nothing.jpg"); // the tenth one
    expect(lines().at(-2)).toMatchObject({ event: "bucket-denied", times: 10 });
  });
});

describe("both keys dead", () => {
  beforeEach(() => {
    stage.s3.keys.clear();
  });

  test("is 502 and one line, and over when a key works again: no deploy needed", async () => {
    for (const [id, secret] of [
      [CURRENT_ID, CURRENT_SECRET],
      [NEXT_ID, NEXT_SECRET],
    ] as const) {
      stage.logged = [];
      expect(await ask("/images/card/key.jpg", 100)).toEqual({ 502: 100 });
      expect(logged()).toEqual([
        {
          level: "error",
          line: expect.objectContaining({
            event: "slots-refused",
            bucket: "media",
            slots: deadSlots,
          }),
        },
      ]);
      stage.s3.keys.set(id, secret);
      wait(4);
      expect(await ask("/images/card/key.jpg", 10)).toEqual({ 200: 10 });
      wait(60);
      await ask("/images/card/key.jpg");
      await Promise.all(stage.after);
      await ask("/images/card/key.jpg");
      expect(lines().slice(1)).toEqual([id === NEXT_ID ? NEXT_IN_USE : CURRENT_IN_USE]);
      arrange();
      stage.s3.keys.clear();
      env = { ...ENV, ...NEXT };
    }
  });

  test("costs a visitor one subrequest, and S3 a probe for each slot every few seconds", async () => {
    await ask("/images/card/key.jpg");
    expect(costs()).toEqual([2, 2]);
    await ask("/images/card/key.jpg", 98);
    expect(costs()).toEqual([100, 2]);
    wait(4);
    await ask("/images/card/key.jpg", 100, "at once");
    expect(stage.probes).toHaveLength(4);
  });

  test("is told again when it comes back", async () => {
    await ask("/images/card/key.jpg");
    stage.s3.keys.set(CURRENT_ID, CURRENT_SECRET);
    wait(4);
    stage.s3.faults.add("no-list-bucket");
    expect(await ask("/images/card/nothing.jpg")).toEqual({ 404: 1 });
    stage.s3.keys.clear();
    wait(4);
    expect(await ask("/images/card/key.jpg")).toEqual({ 502: 1 });
    const events = ["slots-refused", "slot-in-use", "object-denied", "slots-refused"];
    expect(lines().map(({ event }) => event)).toEqual(events);
  });

  test("is told again each minute that it lasts", async () => {
    for (let second = 0; second < 130; second++) {
      await ask("/images/card/key.jpg");
      wait(1);
    }
    expect(lines().map(({ event }) => event)).toEqual(Array(3).fill("slots-refused"));
  });

  test("takes nothing from a visitor that the edge has (C1)", async () => {
    stage.s3.keys.set(CURRENT_ID, CURRENT_SECRET);
    await ask("/images/card/key.jpg");
    stage.s3.keys.clear();
    expect(await ask("/images/card/photos/fig.jpg")).toEqual({ 502: 1 });
    wait(4);
    expect(await ask("/images/card/key.jpg")).toEqual({ 200: 1 });
    expect(lines().map(({ event }) => event)).toEqual(["slots-refused"]);
  });
});

describe("half a slot is no error", () => {
  const half = { AWS_ACCESS_KEY_ID: NEXT_ID, AWS_SECRET_ACCESS_KEY: undefined };

  test.each<[string, object]>([
    ["an id without its secret", { AWS_SECRET_ACCESS_KEY_NEXT: undefined }],
    ["a secret without its id", { AWS_ACCESS_KEY_ID_NEXT: undefined }],
    ["an empty secret", { AWS_SECRET_ACCESS_KEY_NEXT: "" }],
    ["a session's id (A11)", { AWS_ACCESS_KEY_ID_NEXT: "ASIAIOSFODNN7EXAMPLE" }],
    ["a secret with its line's end", { AWS_SECRET_ACCESS_KEY_NEXT: `${NEXT_SECRET}\n` }],
  ])("%s as next one", async (_what, change) => {
    env = { ...ENV, ...NEXT, ...change };
    expect(await ask("/images/card/key.jpg")).toEqual({ 200: 1 });
    expect(lines()).toEqual([]);
  });

  test("as current one: the next one serves", async () => {
    env = { ...ENV, ...NEXT, ...half };
    expect(await ask("/images/card/key.jpg", 2)).toEqual({ 200: 2 });
    expect(costs()).toEqual([2, 0]);
    const reason = "AWS_SECRET_ACCESS_KEY: is missing: set the secret, and list it under [secrets]";
    expect(lines()).toEqual([{ ...NEXT_IN_USE, reason }]);
  });

  test("as next one is told where the current one is refused, and not where it is in use again", async () => {
    env = { ...ENV, ...NEXT, AWS_SECRET_ACCESS_KEY_NEXT: undefined };
    stage.s3.keys.delete(CURRENT_ID);
    expect(await ask("/images/card/key.jpg")).toEqual({ 502: 1 });
    const reason = /; AWS_SECRET_ACCESS_KEY_NEXT: is missing: set the secret$/;
    expect(lines()).toMatchObject([{ reason: expect.stringMatching(reason) }]);
    stage.s3.keys.set(CURRENT_ID, CURRENT_SECRET);
    wait(61);
    expect(await ask("/images/card/key.jpg")).toEqual({ 200: 1 });
    await Promise.all(stage.after);
    expect(lines().slice(1)).toEqual([CURRENT_IN_USE]);
  });

  test("but two halves are", async () => {
    env = { ...ENV, ...half, AWS_SECRET_ACCESS_KEY_NEXT: NEXT_SECRET };
    expect(await ask("/images/card/key.jpg")).toEqual({ 500: 1 });
    const told = "is missing: set the secret";
    const mistakes = [
      `AWS_SECRET_ACCESS_KEY: ${told}, and list it under [secrets]`,
      `AWS_ACCESS_KEY_ID_NEXT: ${told}`,
    ];
    expect(lines()).toMatchObject([{ event: "configuration-broken", mistakes }]);
  });
});

describe("where S3 gives what the edge is denied", () => {
  test("an overlay's host may have denied it: 502, and the log says so (O12)", async () => {
    denyOverlay();
    env = { ...ENV, PRESETS: { ...VARS.PRESETS, over: { width: 9, draw: [{ url: OVERLAY }] } } };
    expect(await ask("/images/over/key.jpg", 3)).toEqual({ 502: 3 });
    expect(costs()).toEqual([6, 1]);
    for (const line of lines()) {
      const reason = expect.stringMatching(/S3 gives it to the Worker.*overlay/);
      expect(line).toMatchObject({ event: "origin-denied", edge: "9408", reason });
    }
  });

  test("and a next key that may not read it changes nothing of that", async () => {
    answerAs((request) => {
      if (isOf(request, NEXT_ID)) return say("AccessDenied");
      return isProbe(request) ? undefined : say("AccessDenied");
    });
    expect(await ask("/images/card/key.jpg")).toEqual({ 502: 1 });
    expect(lines()).toMatchObject([{ reason: expect.stringContaining("not to the edge") }]);
  });

  test("a denial that was over at once is not shown", async () => {
    let times = 0;
    network.use(
      http.get(/./, () => (++times === 1 ? new HttpResponse(null, { status: 403 }) : undefined)),
    );
    expect(await ask("/images/card/key.jpg")).toEqual({ 200: 1 });
    expect(costs()).toEqual([2, 1]);
    expect(lines()).toEqual([]);
  });

  test("a bad redirect is never taken for a missing object", async () => {
    env = { ...ENV };
    stage.s3.faults.add("no-list-bucket");
    expect(await ask("/images/card/nothing.jpg")).toEqual({ 404: 1 });
    stage.edge.switches.trouble = "9420/415";
    expect(await ask("/images/card/key.jpg")).toEqual({ 502: 1 });
  });
});

test("what is wrong with S3 itself is no slot's fault: the other one is not tried (A5)", async () => {
  stage.s3.faults.add("elsewhere-400");
  expect(await ask("/images/card/key.jpg", 5)).toEqual({ 502: 5 });
  expect(costs()).toEqual([5, 1]);
  for (const line of lines()) {
    expect(line).toMatchObject({
      event: "origin-denied",
      reason: "the bucket is in eu-central-1: set region (and endpoint)",
    });
  }
});

test("a region that S3 names, and that is the right one, is no fault (A5)", async () => {
  refuseCurrent(403, "InvalidAccessKeyId", { "x-amz-bucket-region": "eu-west-1" });
  expect(await ask("/images/card/key.jpg")).toEqual({ 200: 1 });
});

test.each([
  ["InvalidAccessKeyId", "eu-central-1"],
  ["AccountProblem", "eu-west-1"],
])("where S3 says %s, that it names the region %s is no reason to stop", async (code, region) => {
  refuseCurrent(403, code, { "x-amz-bucket-region": region });
  expect(await ask("/images/card/key.jpg")).toEqual({ 200: 1 });
});

test.each(["NoSuchKey", ""])(
  "an object that S3 itself has not is missing: 404 %s",
  async (code) => {
    answerAs((request) => (isProbe(request) ? say(code, 404) : say("AccessDenied")));
    expect(await ask("/images/card/key.jpg")).toEqual({ 404: 1 });
    expect(lines()).toMatchObject([{ event: "object-missing", origin: code || "404" }]);
  },
);

test("a slot that S3 refuses with another code is told again", async () => {
  stage.s3.keys.delete(CURRENT_ID);
  await ask("/images/card/key.jpg");
  stage.s3.keys.set(CURRENT_ID, "another");
  wait(61);
  await ask("/images/card/key.jpg");
  await Promise.all(stage.after);
  expect(lines()).toEqual([REFUSED, NEXT_IN_USE, { ...REFUSED, origin: "SignatureDoesNotMatch" }]);
});

test("a bucket that is not there is told as such", async () => {
  env = { ...ENV };
  refuseCurrent(403, "NoSuchBucket");
  expect(await ask("/images/card/key.jpg")).toEqual({ 502: 1 });
  expect(lines()).toMatchObject([{ event: "origin-denied", reason: "check bucket" }]);
});

test("a 401 is the slot's fault, whatever else it says (A7)", async () => {
  refuseCurrent(401, "", { "x-amz-bucket-region": "eu-central-1" });
  expect(await ask("/images/card/key.jpg")).toEqual({ 200: 1 });
});

test.each([
  ["is empty", () => say("InvalidRange", 416)],
  ["comes whole", () => new HttpResponse("an object")],
])("an object that %s is there: the edge is asked for it once more", async (_what, answer) => {
  env = { ...ENV };
  answerAs((request) => (isProbe(request) ? answer() : say("AccessDenied")));
  expect(await ask("/images/card/key.jpg")).toEqual({ 502: 1 });
  expect(costs()).toEqual([2, 1]);
});

const isProbe = (request: Request) => request.headers.has("range");
const isOf = (request: Request, id: string) =>
  request.headers.get("authorization")?.includes(id) === true;

/** An error answer of S3. */
function say(code: string, status = 403, headers: Record<string, string> = {}): Response {
  const body = code && `<Error><Code>${code}</Code></Error>`;
  return new HttpResponse(body, { status, headers });
}

/** Answers in place of S3. If `answer` returns undefined, S3 answers. */
function answerAs(
  answer: (request: Request) => Response | undefined | Promise<Response | undefined>,
): void {
  network.use(
    http.get(/amazonaws/, ({ request: { url, headers } }) => answer(new Request(url, { headers }))),
  );
}

/** Lets S3 answer every request with the current key by this error. */
function refuseCurrent(status: number, code: string, headers: Record<string, string> = {}): void {
  answerAs((request) => (isOf(request, CURRENT_ID) ? say(code, status, headers) : undefined));
}

describe("while a key dies", () => {
  const KEY = "/images/card/key.jpg";
  const MISSING = "/images/card/nothing.jpg";

  beforeEach(() => {
    stage.edge.switches.cache = false;
  });

  test("and a part of S3 still takes it, the next one serves", async () => {
    answerAs((request) =>
      isOf(request, CURRENT_ID) && !isProbe(request) ? say("InvalidAccessKeyId") : undefined,
    );
    expect(await ask(KEY)).toEqual({ 200: 1 });
    expect(await ask(KEY, 10, "at once")).toEqual({ 200: 10 });
    expect(await ask("/images/card/photos/fig.jpg", 10, "at once")).toEqual({ 200: 10 });
    expect(stage.probes).toHaveLength(1);
  });

  test.each([
    ["with two slots", { ...ENV, ...NEXT }],
    ["with one", { ...ENV }],
  ])("and is back at once, nobody is told that the object is missing: %s", async (_how, both) => {
    env = both;
    let times = 0;
    const { promise: allAsked, resolve: letGo } = Promise.withResolvers<void>();
    answerAs(async (request) => {
      if (isProbe(request) || times >= 10) return undefined;
      times += 1;
      if (times === 10) letGo();
      await allAsked; // otherwise some would ask again before others ask at all
      return say("InvalidAccessKeyId");
    });
    expect(await ask(KEY, 10, "at once")).toEqual({ 200: 10 });
  });

  test("and S3's word on a missing object is still on its way, the next one serves", async () => {
    stage.s3.faults.add("no-list-bucket");
    let release = () => {};
    const held = new Promise<void>((settle) => {
      release = settle;
    });
    answerAs(async (request) => {
      if (isProbe(request) && stage.probes.length === 1) await held;
      return isProbe(request) && stage.probes.length === 1 ? say("AccessDenied") : undefined;
    });
    const missing = ask(MISSING);
    await expect.poll(() => stage.probes.length).toBe(1);
    stage.s3.keys.delete(CURRENT_ID);
    const shown = ask(KEY);
    await expect.poll(() => stage.asked.length).toBe(2);
    release();
    expect([await missing, await shown]).toEqual([{ 404: 1 }, { 200: 1 }]);
  });

  test("of an expired session, just after a missing object, the next one serves (A7)", async () => {
    stage.s3.faults.add("no-list-bucket");
    await ask(MISSING);
    refuseCurrent(400, "ExpiredToken");
    expect(await ask(KEY)).toEqual({ 200: 1 });
  });

  test.each<[string, () => Response]>([
    ["is busy", () => say("SlowDown", 503)],
    ["does not answer", () => HttpResponse.error()],
    ["says nothing", () => say("", 403)],
    ["redirects", () => say("TemporaryRedirect", 307)],
    ["finds the clock wrong", () => say("RequestTimeTooSkewed")],
  ])("and S3 %s when it is tried again, it stays refused", async (_what, answer) => {
    stage.s3.keys.delete(CURRENT_ID);
    await ask(KEY);
    wait(61);
    answerAs((request) => (isProbe(request) ? answer() : undefined));
    await ask(KEY);
    await Promise.all(stage.after);
    network.resetHandlers(...handlersOf(stage.s3));
    const before = stage.asked.length;
    for (let times = 0; times < 10; times++) {
      expect(await ask(KEY)).toEqual({ 200: 1 });
      await Promise.all(stage.after);
    }
    expect(costs()).toEqual([before + 10, 2]);
    expect(lines()).toEqual([REFUSED, NEXT_IN_USE]);
  });

  test("and objects are missing, it is not asked with for each of them (A6)", async () => {
    stage.s3.faults.add("no-list-bucket");
    stage.s3.keys.delete(CURRENT_ID);
    for (let each = 0; each < 200; each++) {
      expect(await ask(`/images/card/nothing-${each}.jpg`)).toEqual({ 404: 1 });
      wait(0.05);
    }
    expect(costs()).toEqual([204, 8]); // in ten seconds
  });

  test("and the next one has only just come to life, it is asked with within seconds", async () => {
    refuseCurrent(403, "AccountProblem");
    stage.s3.keys.delete(NEXT_ID);
    expect(await ask(KEY)).toEqual({ 502: 1 });
    stage.s3.keys.set(NEXT_ID, NEXT_SECRET);
    wait(4);
    expect(await ask(KEY)).toEqual({ 200: 1 });
  });

  test("and the one that died before is back, it serves within seconds", async () => {
    stage.s3.faults.add("no-list-bucket");
    stage.s3.keys.delete(CURRENT_ID);
    expect(await ask(KEY)).toEqual({ 200: 1 });
    wait(30);
    stage.s3.keys.set(CURRENT_ID, CURRENT_SECRET);
    expect(await ask(MISSING)).toEqual({ 404: 1 });
    stage.s3.keys.delete(NEXT_ID);
    expect(await ask(KEY)).toEqual({ 200: 1 });
  });

  test("which only a part of S3 knows, a word on a missing object is no proof", async () => {
    stage.s3.faults.add("no-list-bucket");
    const begun = Promise.withResolvers<() => void>();
    let held = false;
    let dying = false;
    answerAs(async (request) => {
      if (isProbe(request) && isOf(request, NEXT_ID) && !held) {
        held = true;
        await new Promise<void>((settle) => begun.resolve(settle));
      }
      const denied = dying && isOf(request, CURRENT_ID) && !isProbe(request);
      return denied ? say("InvalidAccessKeyId") : undefined;
    });
    await ask("/images/card/nothing-1.jpg");
    wait(2.9);
    const missing = ask("/images/card/nothing-2.jpg");
    const release = await begun.promise; // no poll here, because polling moves the clock
    wait(0.2);
    dying = true;
    const shown = [ask(KEY), ask("/images/card/photos/fig.jpg")];
    await expect.poll(() => stage.asked.length).toBe(5);
    release();
    expect(await Promise.all([missing, ...shown])).toEqual([{ 404: 1 }, { 200: 1 }, { 200: 1 }]);
  });

  test("and a rendition that was begun before comes late, nothing newer is taken back", async () => {
    stage.s3.keys.delete(CURRENT_ID);
    let release = () => {};
    const held = new Promise<void>((settle) => {
      release = settle;
    });
    answerAs(async (request) => {
      if (!request.url.endsWith("fig.jpg") || !isOf(request, NEXT_ID)) return undefined;
      await held;
      const { body = new Uint8Array() } = stage.s3.objects.get("published/key.jpg") ?? {};
      return new HttpResponse(body.slice(), { headers: { "content-type": "image/jpeg" } });
    });
    const late = ask("/images/card/photos/fig.jpg");
    await expect.poll(() => stage.asked.length).toBe(2);
    stage.s3.keys.clear();
    wait(1);
    expect(await ask(KEY)).toEqual({ 502: 1 });
    release();
    expect(await late).toEqual({ 200: 1 });
    expect(await ask(KEY)).toEqual({ 502: 1 });
    expect(lines().map(({ event }) => event)).toEqual(["slots-refused"]);
  });

  test("and the clock is set back, it is tried again all the same", async () => {
    stage.s3.keys.clear();
    expect(await ask(KEY)).toEqual({ 502: 1 });
    wait(-600);
    stage.s3.keys.set(NEXT_ID, NEXT_SECRET);
    expect(await ask(KEY)).toEqual({ 200: 1 });
  });

  test("and the visitor for whom it was probed is gone, the next one asks S3 himself", async () => {
    stopClock();
    stage.s3.keys.delete(CURRENT_ID);
    const send = vi.mocked(fetch).getMockImplementation() ?? fetch;
    let lost = false;
    vi.mocked(fetch).mockImplementation((input, init) => {
      const mine = !lost && init !== undefined && init.cf === undefined && "cache" in init;
      lost ||= mine;
      return mine ? new Promise<never>(() => {}) : send(input, init);
    });
    void ask(KEY);
    await expect.poll(() => lost).toBe(true);
    stage.after = []; // this work never ends, so the test must not wait for it
    const asked = ask(KEY);
    await fireTimer();
    expect(await asked).toEqual({ 200: 1 });
    expect(await ask(KEY, 5)).toEqual({ 200: 5 });
  });

  test("and a probe of it never ends, the others wait no longer than for one", async () => {
    stopClock();
    stage.s3.keys.delete(CURRENT_ID);
    answerAs((request) => (isProbe(request) ? new Promise<never>(() => {}) : undefined));
    const began = Date.now();
    const work = watchWork();
    const asked = ask(KEY, 20, "at once");
    await work();
    await fireTimer();
    expect(await asked).toEqual({ 200: 20 });
    expect(Date.now() - began).toBeLessThan(4_000); // 3 s each would be 60
    expect(stage.probes).toHaveLength(1);
  });
});

describe("of two slots that were denied an object, the log has what tells most", () => {
  const reasons = () => lines().map(({ event, reason }) => [event, reason]);

  test("S3's odd word on one, and a guess at the other", async () => {
    stage.s3.faults.add("no-list-bucket");
    await ask("/images/card/nothing.jpg");
    answerAs((request) => (isOf(request, NEXT_ID) ? say("AccountProblem") : say("AccessDenied")));
    expect(await ask("/images/card/key.jpg")).toEqual({ 502: 1 });
    const reason = "S3 itself answers 403: look up its code";
    expect(reasons().slice(1)).toEqual([["origin-denied", reason]]);
  });

  test("that S3 gives it with one, and its odd word on the other", async () => {
    answerAs((request) => {
      if (isOf(request, NEXT_ID)) return say("AccountProblem");
      return isProbe(request) ? undefined : say("AccessDenied");
    });
    expect(await ask("/images/card/key.jpg")).toEqual({ 502: 1 });
    expect(reasons()).toEqual([["origin-denied", expect.stringContaining("not to the edge")]]);
  });

  test("what is wrong with S3 itself, though both were refused before", async () => {
    stage.s3.keys.clear();
    expect(await ask("/images/card/key.jpg")).toEqual({ 502: 1 });
    wait(4);
    stage.s3.faults.add("clock-skew");
    expect(await ask("/images/card/key.jpg")).toEqual({ 502: 1 });
    expect(reasons().slice(1)).toEqual([["origin-denied", expect.stringContaining("clock")]]);
  });
});

test("one key in both slots, as at the end of a rotation, is one slot", async () => {
  const both = {
    AWS_ACCESS_KEY_ID: NEXT_ID,
    AWS_SECRET_ACCESS_KEY: NEXT_SECRET,
  };
  env = { ...ENV, ...NEXT, ...both };
  stage.s3.faults.add("no-list-bucket");
  for (let each = 0; each < 10; each++) {
    expect(await ask(`/images/card/nothing-${each}.jpg`)).toEqual({ 404: 1 });
  }
  expect(costs()).toEqual([10, 1]);
  stage.s3.keys.clear();
  wait(4);
  expect(await ask("/images/card/key.jpg")).toEqual({ 502: 1 });
  expect(lines().at(-1)).toMatchObject({ event: "slots-refused", slots: [{ slot: "current" }] });
});

test.each<[string, () => void]>([
  ["an overlay's host that denies", () => denyOverlay()],
  ["an object that S3 finds fault with", () => faultWith("key.jpg", "KMS.DisabledException")],
])("%s does not make others unavailable", async (_what, change) => {
  env = { ...ENV, PRESETS: { ...VARS.PRESETS, over: { width: 9, draw: [{ url: OVERLAY }] } } };
  stage.s3.faults.add("no-list-bucket");
  change();
  expect(await ask("/images/over/key.jpg")).toEqual({ 502: 1 });
  expect(await ask("/images/card/nothing.jpg")).toEqual({ 404: 1 });
});

const OVERLAY = "https://brand.example/mark.png";

function denyOverlay(): void {
  network.use(http.get(OVERLAY, () => new HttpResponse(null, { status: 403 })));
}

function faultWith(key: string, code: string): void {
  answerAs(({ url }) => (url.endsWith(key) ? say(code, 400) : undefined));
}

test.each([
  ["a clock that S3 does not tell", {}, "S3's clock is over 15 minutes from the Worker's"],
])("%s: the reason is in words", async (_what, headers, told) => {
  refuseCurrent(403, "RequestTimeTooSkewed", headers);
  expect(await ask("/images/card/key.jpg")).toEqual({ 502: 1 });
  expect(lines()).toMatchObject([{ reason: expect.stringContaining(told) }]);
});

test.each([
  [
    "redirects to another region",
    () => say("TemporaryRedirect", 307, { "x-amz-bucket-region": "eu-central-1" }),
  ],
  ["redirects", () => say("", 301)],
])("an object for which S3 %s decides nothing for others", async (_what, answer) => {
  stage.s3.faults.add("no-list-bucket");
  answerAs(({ url }) => (url.endsWith("moved.jpg") ? answer() : undefined));
  expect(await ask("/images/card/moved.jpg")).toEqual({ 502: 1 });
  stage.s3.keys.delete(CURRENT_ID);
  expect(await ask("/images/card/key.jpg")).toEqual({ 200: 1 });
});

test("a redirect without a region does not make a missing object unavailable", async () => {
  env = { ...ENV };
  stage.s3.faults.add("no-list-bucket");
  answerAs(({ url }) => (url.endsWith("moved.jpg") ? say("", 301) : undefined));
  expect(await ask("/images/card/moved.jpg")).toEqual({ 502: 1 });
  expect(await ask("/images/card/nothing.jpg")).toEqual({ 404: 1 });
});

test("a redirect that names no region is S3's, too: the other slot is not tried", async () => {
  refuseCurrent(307, "TemporaryRedirect");
  expect(await ask("/images/card/key.jpg")).toEqual({ 502: 1 });
  expect(costs()).toEqual([1, 1]);
  expect(lines()).toMatchObject([{ reason: "S3 redirects: check endpoint and region" }]);
});

test("an account that S3 has something against is no missing object", async () => {
  env = { ...ENV };
  refuseCurrent(403, "AccountProblem");
  expect(await ask("/images/card/key.jpg")).toEqual({ 502: 1 });
  expect(await ask("/images/card/photos/fig.jpg")).toEqual({ 502: 1 });
});

test.each<[string, string, string | undefined]>([
  ["with a dot in it is told whole", "KMS.DisabledException", "KMS.DisabledException"],
  ["of 64 characters is told whole", "X".repeat(64), "X".repeat(64)],
  ["of 65 characters is not told", "X".repeat(65), undefined],
])("a code %s", async (_what, code, origin) => {
  env = { ...ENV };
  faultWith("key.jpg", code);
  expect(await ask("/images/card/key.jpg")).toEqual({ 502: 1 });
  expect(lines()).toMatchObject([
    { event: "origin-denied", reason: "S3 itself answers 400: look up its code" },
  ]);
  expect(lines()[0]?.["origin"]).toBe(origin);
});
