// The answers of /healthz: to everybody, and to a caller with the token.

import { HttpResponse, http } from "msw";
import sharp from "sharp";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { VERSION } from "../../src/cli/wrangler/packages.ts";
import type { Switches } from "../../src/emulator/edge/switches.ts";
import { createR2 } from "../../src/emulator/r2/r2.ts";
import { stopClock } from "../support/clock.ts";
import { network } from "../support/emulators.ts";
import { type EngineName, type Env, envOf } from "../support/engines.ts";
import {
  CREDENTIALS,
  ENV,
  HEALTH_TOKEN,
  NEXT,
  NEXT_CREDENTIALS,
  PURGE_TOKEN,
  VARS,
} from "../support/env.ts";
import { get, put, stage } from "../support/run-worker.ts";

const { media } = VARS.BUCKETS;
const { accessKeyId: NEXT_ID, secretAccessKey: NEXT_SECRET } = NEXT_CREDENTIALS;
const BUCKETS = { media: { ...media, canary: "key.jpg" } };
const DEEP = { ...ENV, ...NEXT, BUCKETS, HEALTH_TOKEN };

const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });
const authorized = bearer(HEALTH_TOKEN);

function expectNoSubrequest(): void {
  expect(stage.edgeRequests).toEqual([]);
  expect(stage.s3.requestsBy("worker")).toEqual([]);
}

/** Asks for the deep form of the report. @returns also what it has of the first bucket */
async function getReport(env: object = DEEP) {
  const answer = await get("/healthz", authorized, env);
  const { ok, version, buckets } = JSON.parse(await answer.text());

  expect(answer.status).toBe(ok ? 200 : 503);
  expect(answer.headers.get("content-type")).toBe("application/json");
  expect(answer.headers.get("cache-control")).toBe("no-store");
  expect(version).toBe(VERSION);

  const { slots, edge } = buckets[0];
  return { status: answer.status, buckets, slots, edge };
}

beforeEach(() => {
  stage.s3.keys.set(NEXT_ID, NEXT_SECRET);
});

describe("without credentials", () => {
  test("it is 200 where the configuration is right, says no more, and sends no request", async () => {
    for (const env of [ENV, DEEP]) {
      const answer = await get("/healthz", {}, env);
      expect(answer.status).toBe(200);
      expect(await answer.text()).toBe("ok\n");
      expect(answer.headers.get("cache-control")).toBe("no-store");

      const head = await get("/healthz", { method: "HEAD" }, env);
      expect(head.status).toBe(200);
      expect(head.body).toBe(null);
      expect([...head.headers]).toEqual([...answer.headers]);

      const post = await get("/healthz", { method: "POST" }, env);
      expect(post.status).toBe(405);
    }

    expectNoSubrequest();
  });

  test("it is 500 where the configuration is broken", async () => {
    const answer = await get("/healthz", {}, { ...DEEP, PRESETS: {} });
    expect(answer.status).toBe(500);
    expect(await answer.text()).toBe("Internal error\n");
  });

  test.each(["/healthz/", "/Healthz", "//healthz", "/health%7A", "/healthz/x"])(
    "%s is not it",
    async (path) => {
      const answer = await get(path, authorized, DEEP);

      expect(answer.status).toBe(404);
    },
  );
});

test.each([
  { title: "another token", authorization: "Bearer another token, as long as it" },
  {
    title: "the beginning of the token",
    authorization: `Bearer ${HEALTH_TOKEN.slice(0, -1)}`,
  },
  { title: "more than the token", authorization: `Bearer ${HEALTH_TOKEN}x` },
  { title: "the token by itself", authorization: HEALTH_TOKEN },
  { title: "another scheme", authorization: `Basic ${btoa(HEALTH_TOKEN)}` },
  { title: "nothing", authorization: "" },
  { title: "a bearer of nothing", authorization: "Bearer ", secret: "" },
  { title: "undefined, without a secret", authorization: "Bearer undefined", secret: undefined },
  {
    title: "the token, without a secret",
    authorization: `Bearer ${HEALTH_TOKEN}`,
    secret: undefined,
  },
  { title: "a token that can be guessed", authorization: "Bearer secret", secret: "secret" },
  {
    title: "a token of 15 characters",
    authorization: "Bearer 0123456789abcde",
    secret: "0123456789abcde",
  },
  {
    title: "a token of no ASCII",
    authorization: "Bearer a token with é",
    secret: "a token with é",
  },
  {
    title: "a space at its end",
    authorization: "Bearer a token with a ",
    secret: "a token with a ",
  },
])("$title does not open the deep form", async ({ authorization, ...change }) => {
  const token = "secret" in change ? change.secret : HEALTH_TOKEN;
  const env = { ...DEEP, HEALTH_TOKEN: token };

  const answer = await get("/healthz", { headers: { authorization } }, env);

  expect(answer.status).toBe(401);
  expect(await answer.text()).toBe("Unauthorized\n");
  expect(answer.headers.get("www-authenticate")).toBe("Bearer");
  expectNoSubrequest();

  const line = { event: "health-denied", reason: expect.stringContaining("HEALTH_TOKEN") };
  expect(stage.logged).toMatchObject([{ level: "warn", line }]);
});

describe("with the token", () => {
  test("each slot is tried against S3, and the edge with the canary (A6, R1)", async () => {
    const works = { state: "ok", clock: expect.closeTo(0, -1), missing: 404 };
    const slots = [
      { slot: "current", access_key: "…MPLE", ...works },
      { slot: "next", access_key: "…TKEY", ...works },
    ];

    const { status, buckets } = await getReport();
    expect(status).toBe(200);
    expect(buckets).toEqual([{ bucket: "media", slots, edge: "on" }]);
    expect(stage.s3.requestsBy("worker")).toHaveLength(5); // two for each slot, and one for the edge
    expect(stage.logged).toEqual([]);
  });

  test("a key that may not list is reported by a missing object's 403 (A6, A13)", async () => {
    stage.s3.faults.add("no-list-bucket");
    const { status, slots } = await getReport();

    expect(status).toBe(200);
    expect(slots).toMatchObject([{ missing: 403 }, { missing: 403 }]);
  });

  test("a slot that S3 refuses is reported with S3's code; one that works is enough (A7)", async () => {
    stage.s3.keys.delete(CREDENTIALS.accessKeyId);
    const { status, slots, edge } = await getReport();

    expect(status).toBe(200);
    expect(edge).toBe("on"); // it is asked with a slot that works
    expect(slots).toMatchObject([{ state: "InvalidAccessKeyId" }, { state: "ok" }]);
    expect(slots[0]).not.toHaveProperty("missing");

    stage.s3.keys.set(NEXT_ID, "another");
    const refused = await getReport();

    expect(refused).toMatchObject({
      status: 503,
      slots: [{ state: "InvalidAccessKeyId" }, { state: "SignatureDoesNotMatch" }],
    });
  });

  test.each([
    { code: "AccountProblem", answered: 403, state: "AccountProblem" },
    { code: "", answered: 403, state: "403" },
    { code: "", answered: 405, state: "405" },
  ])(
    "a denial of everything with '$code', $answered, is no slot that works",
    async ({ code, answered, state }) => {
      const xml = code && `<Error><Code>${code}</Code></Error>`;
      network.use(http.get(/amazonaws/, () => new HttpResponse(xml, { status: answered })));

      const { status, slots } = await getReport();

      expect(status).toBe(503);
      expect(slots).toMatchObject([
        { state, answered },
        { state, answered },
      ]);
    },
  );

  test("half a slot is reported with what it lacks (S1)", async () => {
    const halfNext = await getReport({ ...DEEP, AWS_SECRET_ACCESS_KEY_NEXT: undefined });
    expect(halfNext.status).toBe(200);

    const lacks = "AWS_SECRET_ACCESS_KEY_NEXT: is missing: set the secret";
    expect(halfNext.slots[1]).toEqual({ slot: "next", state: "incomplete", mistakes: [lacks] });

    const halfCurrent = await getReport({ ...DEEP, AWS_ACCESS_KEY_ID: "" });
    expect(halfCurrent.slots).toMatchObject([
      { slot: "current", state: "incomplete" },
      { slot: "next" },
    ]);

    const noNext = { AWS_ACCESS_KEY_ID_NEXT: undefined, AWS_SECRET_ACCESS_KEY_NEXT: undefined };
    const onlyCurrent = await getReport({ ...DEEP, ...noNext });

    expect(onlyCurrent.slots).toMatchObject([{ slot: "current", state: "ok" }]);
  });

  test("a key that may not read the canary does not work (A13)", async () => {
    const elsewhere = { media: { ...media, prefix: "secret/", canary: "key.jpg" } };
    stage.s3.objects.set("secret/key.jpg", { body: new Uint8Array([1]), type: "image/jpeg" });
    const report = await getReport({ ...DEEP, BUCKETS: elsewhere });

    expect(report).toMatchObject({
      status: 503,
      slots: [{ state: "AccessDenied" }, {}],
    });
  });

  const deny = (code: string) => () => {
    const headers = { "x-amz-bucket-region": "eu-west-1" };
    return new HttpResponse(`<Code>${code}</Code>`, { status: 403, headers });
  };

  test.each([
    { title: "says ok with a 403", answer: deny("ok") },
    { title: "has every object", answer: () => new HttpResponse("<html></html>") },
  ])("an S3 that $title does not make a slot work", async ({ answer }) => {
    network.use(http.get(/amazonaws/, answer));

    const { status, slots } = await getReport({ ...DEEP, BUCKETS: VARS.BUCKETS });

    expect(status).toBe(503);
    expect(slots).toHaveLength(2);
  });

  test.each([
    { title: "has archived the canary", code: "InvalidObjectState", state: "InvalidObjectState" },
    { title: "denies the canary with ok", code: "ok", state: "403" },
  ])("an S3 that $title does not make a slot work", async ({ code, state }) => {
    network.use(http.get(/amazonaws.*key\.jpg/, deny(code)));

    const { status, slots } = await getReport();

    expect(status).toBe(503);
    expect(slots[0]).toMatchObject({ state, missing: 404 });
  });

  test("the region is reported only where it is another one", async () => {
    network.use(http.get(/amazonaws/, deny("AccessDenied")));
    const { slots } = await getReport({ ...DEEP, BUCKETS: VARS.BUCKETS });

    expect(slots[0]).toMatchObject({ state: "ok", missing: 403 });
    expect(slots[0]).not.toHaveProperty("region");
  });

  test("a missing canary is no fault of the slot", async () => {
    const gone = { media: { ...media, canary: "gone.jpg" } };
    const report = await getReport({ ...DEEP, BUCKETS: gone });

    expect(report).toMatchObject({
      status: 200,
      slots: [{ state: "ok" }, {}],
      edge: "object-missing",
    });
  });

  const SKEWED = { state: "RequestTimeTooSkewed", clock: expect.closeTo(1200, -1) };
  const ELSEWHERE = { region: "eu-central-1" };

  test.each([
    { title: "the clock's difference (A7)", fault: "clock-skew", slot: SKEWED },
    { title: "where the bucket is (A5)", fault: "elsewhere-400", slot: ELSEWHERE },
    { title: "where the bucket is (A5)", fault: "elsewhere-301", slot: ELSEWHERE },
    { title: "where the bucket is (A5)", fault: "elsewhere-307", slot: ELSEWHERE },
  ] as const)("$title is reported: $fault", async ({ fault, slot }) => {
    stage.s3.faults.add(fault);

    const { status, slots } = await getReport();

    expect(status).toBe(503);
    expect(slots[0]).toMatchObject(slot);
  });

  test.each<{ title: string; switches: Partial<Switches>; edge: string; answered: number }>([
    {
      title: "transformations are off (R2)",
      switches: { transformations: false },
      edge: "off",
      answered: 200,
    },
    {
      title: "the host is not under Sources (E5)",
      switches: { sources: [] },
      edge: "9401",
      answered: 403,
    },
    {
      title: "an option is not accepted",
      switches: { failure: { code: 9401, status: 400 } },
      edge: "9401",
      answered: 400,
    },
    {
      title: "the edge is busy",
      switches: { failure: { code: 9522, status: 503 } },
      edge: "9522",
      answered: 503,
    },
  ])("$title: the slots work all the same", async ({ switches, edge, answered }) => {
    Object.assign(stage.edge.switches, switches);

    const { status, buckets } = await getReport();

    expect(status).toBe(200);
    expect(buckets[0]).toMatchObject({ edge, answered });
  });

  test("S3 that does not answer is unreachable", async () => {
    network.use(http.get(/./, () => HttpResponse.error()));

    expect(await getReport()).toMatchObject({
      status: 503,
      slots: [{ state: "unreachable" }, { state: "unreachable" }],
      edge: "origin-failed",
    });
  });

  test("an edge that fails is unreachable: the slots work all the same", async () => {
    stage.edge.fetch = () => Promise.reject(new TypeError("network connection lost"));

    const { status, buckets } = await getReport();

    expect(status).toBe(200);
    expect(buckets[0].edge).toBe("unreachable");
    expect(buckets[0]).not.toHaveProperty("answered");
  });

  test("an edge that does not answer is unreachable when the time of a request is over", async () => {
    stopClock();
    const requested = Promise.withResolvers<void>();
    stage.edge.fetch = () => {
      requested.resolve();
      return new Promise<never>(() => {});
    };

    const reported = getReport();
    await requested.promise;
    await vi.advanceTimersByTimeAsync(14_999);

    expect(vi.getTimerCount()).toBe(1);

    vi.advanceTimersByTime(1);
    expect(vi.getTimerCount()).toBe(0);
    expect(await reported).toMatchObject({ status: 200, edge: "unreachable" });
  });

  test("every bucket must have a slot that works, also one that no route leads to", async () => {
    const more = { ...media, credentials: "MORE" };
    const secrets = { MORE_ACCESS_KEY_ID: "AKIAMORE", MORE_SECRET_ACCESS_KEY: "more" };
    const env = { ...DEEP, BUCKETS: { ...BUCKETS, more }, ...secrets };

    const { status, buckets } = await getReport(env);

    expect(status).toBe(503);
    expect(buckets).toMatchObject([
      { bucket: "media", slots: [{ state: "ok" }, { state: "ok" }] },
      { bucket: "more", slots: [{ state: "InvalidAccessKeyId" }], edge: "no canary" },
    ]);
  });

  test("an edge whose rendition would be larger than the canary does work (R6)", async () => {
    stage.edge.switches.originalIsSmaller = { comparedBy: "sides", sent: "original" };
    const clear = { width: 2, height: 2, channels: 4, background: "#0000" } as const;
    const picture = sharp({ create: clear }).png(); // asked for as a PNG, and as nothing else
    put("key.jpg", await picture.toBuffer());

    expect(await getReport()).toMatchObject({ status: 200, edge: "on" });
  });

  test("the canary costs one transformation, however often it is checked (L2)", async () => {
    for (let times = 0; times < 5; times++) await getReport();

    expect(stage.edge.transformations.size).toBe(1);
  });
});

describe("while the configuration is broken", () => {
  const BROKEN = { ...DEEP, PRESETS: {} };
  const LACKS = "AWS_SECRET_ACCESS_KEY: is missing: set the secret, and list it under [secrets]";

  test.each<{ title: string; env: object; mistakes: (string | RegExp)[] }>([
    {
      title: "a secret is missing",
      env: { ...ENV, HEALTH_TOKEN, AWS_SECRET_ACCESS_KEY: undefined },
      mistakes: [LACKS],
    },
    {
      title: "a preset is wrong",
      env: { ...DEEP, PRESETS: { card: { width: 0 } } },
      mistakes: [/^PRESETS\.card\.width: /],
    },
    {
      title: "a table is no JSON",
      env: { ...DEEP, ROUTES: "[" },
      mistakes: [/^ROUTES: /],
    },
    {
      title: "nothing is set",
      env: { HEALTH_TOKEN },
      mistakes: [/^BUCKETS: /, /^PRESETS: /, /^ROUTES: /],
    },
  ])("$title: a caller with the token sees all mistakes", async ({ env, mistakes }) => {
    const answer = await get("/healthz", authorized, env);

    expect(answer.status).toBe(500);
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      "content-type": "application/json",
      "cache-control": "no-store",
    });

    const report = JSON.parse(await answer.text());
    expect(report).toMatchObject({ ok: false, version: VERSION });
    expect(report.mistakes).toHaveLength(mistakes.length);
    for (const [index, mistake] of mistakes.entries()) {
      expect(report.mistakes[index]).toMatch(mistake);
    }

    expectNoSubrequest();
  });

  test("HEAD has the status alone, and other methods what every visitor gets", async () => {
    const head = await get("/healthz", { ...authorized, method: "HEAD" }, BROKEN);
    expect(head.headers.get("content-type")).toBe("application/json");

    const other = await get("/healthz", { ...authorized, method: "POST" }, BROKEN);
    expect(other.headers.get("content-type")).not.toBe("application/json");
  });

  test("no mistake holds a part of a secret", async () => {
    const SECRET = "k9-secret value/of+an=operator";
    const secrets = {
      AWS_ACCESS_KEY_ID: `${SECRET},`,
      AWS_SECRET_ACCESS_KEY: SECRET,
      AWS_SESSION_TOKEN: SECRET,
      URL_SIGNING_KEYS: SECRET,
      OIDC_SIGNING_KEY: SECRET,
      PURGE_TOKEN: { SECRET },
    };

    const OIDC = { issuer: "https://images.example" };
    const answer = await get("/healthz", authorized, { ...DEEP, ...secrets, OIDC });
    const text = await answer.text();

    expect(answer.status).toBe(500);
    expect(text).toContain("URL_SIGNING_KEYS: ");
    for (const part of [SECRET, "k9-secret", "operator", HEALTH_TOKEN]) {
      expect(text).not.toContain(part);
    }
  });

  test.each<{ title: string; init: RequestInit; change?: object }>([
    { title: "without a token", init: {} },
    { title: "with the token of /purge", init: bearer(PURGE_TOKEN) },
    { title: "with more than the token", init: bearer(`${HEALTH_TOKEN}x`) },
    {
      title: "with the token as a password",
      init: { headers: { authorization: `Basic ${btoa(`:${HEALTH_TOKEN}`)}` } },
    },
    {
      title: "with the token, in another method",
      init: { ...authorized, method: "POST" },
    },
    {
      title: "with the token, without a secret",
      init: authorized,
      change: { HEALTH_TOKEN: undefined },
    },
    {
      title: "with undefined, without a secret",
      init: bearer("undefined"),
      change: { HEALTH_TOKEN: undefined },
    },
    {
      title: "with nothing, and an empty secret",
      init: bearer(""),
      change: { HEALTH_TOKEN: "" },
    },
    {
      title: "with a short token",
      init: bearer("secret"),
      change: { HEALTH_TOKEN: "secret" },
    },
    {
      title: "with a binding in place of the token",
      init: authorized,
      change: { HEALTH_TOKEN: { get() {} } },
    },
  ])("a caller $title sees nothing of it", async ({ init, change }) => {
    const env = { ...BROKEN, PURGE_TOKEN, ...change };

    const answer = await get("/healthz", init, env);

    expect(answer.status).toBe(500);
    expect(await answer.text()).toBe("Internal error\n");
  });

  test.each(["/healthz/", "/purge", "/images/card/key.jpg", "/"])("%s is not it", async (path) => {
    const answer = await get(path, authorized, BROKEN);

    expect(answer.status).toBe(500);
    expect(await answer.text()).toBe("Internal error\n");
  });

  test("HEAD has no body", async () => {
    const answer = await get("/healthz", { ...authorized, method: "HEAD" }, BROKEN);

    expect(answer.status).toBe(500);
    expect(answer.body).toBe(null);
  });
});

test.each(["../key.jpg", "a//b.jpg", ""])("the canary %j is a mistake", async (canary) => {
  const env = { ...DEEP, BUCKETS: { media: { ...media, canary } } };

  const answer = await get("/healthz", {}, env);

  expect(answer.status).toBe(500);
  expect(JSON.stringify(stage.logged)).toContain("BUCKETS.media.canary: ");
});

describe("of buckets with the Images binding", () => {
  function envWith(engine: EngineName, canary: object = { canary: "key.jpg" }): Env {
    const { BUCKETS = VARS.BUCKETS } = envOf(engine);
    const bucket = { ...Object(BUCKETS).media, ...canary };

    return envOf(engine, { HEALTH_TOKEN, BUCKETS: { media: bucket } });
  }

  test.each<{ engine: EngineName; facts: object }>([
    { engine: "binding", facts: {} },
    { engine: "R2", facts: { slots: [], r2: "ok" } },
  ])("$engine that works, and where the account lacks it (B3)", async ({ engine, facts }) => {
    const env = envWith(engine);

    const working = await getReport(env);
    expect(working).toMatchObject({ status: 200, buckets: [{ edge: "on", ...facts }] });

    stage.edge.switches.bindingAllowed = false;
    const lacking = await getReport(env);

    expect(lacking).toMatchObject({ status: 200, edge: "9430" });
  });

  test("the Images binding that makes another type than was asked for, but makes it", async () => {
    stage.edge.switches.bindingFault = "lies";
    const report = await getReport(envWith("binding"));

    expect(report).toMatchObject({ buckets: [{ edge: "on" }] });
  });

  test.each<{ engine: EngineName; canary: object; bucket: object }>([
    { engine: "binding", canary: {}, bucket: { edge: "no canary" } },
    { engine: "R2", canary: {}, bucket: { edge: "no canary" } },
    {
      engine: "R2",
      canary: { canary: "nothing.jpg" },
      bucket: { r2: "ok", edge: "object-missing" },
    },
  ])("$engine with the canary $canary, which is not there", async ({ engine, canary, bucket }) => {
    const report = await getReport(envWith(engine, canary));

    expect(report).toMatchObject({ status: 200, buckets: [bucket] });
  });

  test("an R2 bucket that fails", async () => {
    const r2 = createR2();
    r2.faults.add("throws");
    const env = { ...envWith("R2"), MEDIA_BUCKET: r2 };

    const report = await getReport(env);

    expect(report).toMatchObject({ status: 503, buckets: [{ r2: "unreachable" }] });
  });
});
