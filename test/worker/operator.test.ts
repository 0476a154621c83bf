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

/** Asks for the deep form of the report. */
async function report(env: object = DEEP) {
  const answer = await get("/healthz", authorized, env);
  expect(answer.headers.get("content-type")).toBe("application/json");
  expect(answer.headers.get("cache-control")).toBe("no-store");

  const { ok, version, buckets } = JSON.parse(await answer.text());
  expect(version).toBe(VERSION);
  expect(answer.status).toBe(ok ? 200 : 503);

  return { status: answer.status, buckets, slots: buckets[0].slots, edge: buckets[0].edge };
}

beforeEach(() => {
  stage.s3.keys.set(NEXT_ID, NEXT_SECRET);
});

describe("without credentials", () => {
  test("it is 200 where the configuration is right, says no more, and sends no request", async () => {
    for (const env of [ENV, DEEP]) {
      const answer = await get("/healthz", {}, env);
      expect([answer.status, await answer.text()]).toEqual([200, "ok\n"]);
      expect(answer.headers.get("cache-control")).toBe("no-store");
      const head = await get("/healthz", { method: "HEAD" }, env);
      expect([head.status, head.body, [...head.headers]]).toEqual([200, null, [...answer.headers]]);
      expect((await get("/healthz", { method: "POST" }, env)).status).toBe(405);
    }

    expect([stage.edgeRequests, stage.s3.requestsBy("worker")]).toEqual([[], []]);
  });

  test("it is 500 where the configuration is broken", async () => {
    const answer = await get("/healthz", {}, { ...DEEP, PRESETS: {} });
    expect([answer.status, await answer.text()]).toEqual([500, "Internal error\n"]);
  });

  test.each(["/healthz/", "/Healthz", "//healthz", "/health%7A", "/healthz/x"])(
    "%s is not it",
    async (path) => {
      expect((await get(path, authorized, DEEP)).status).toBe(404);
    },
  );
});

test.each<[string, string, object]>([
  ["another token", "Bearer another token, as long as it", DEEP],
  ["the beginning of the token", `Bearer ${HEALTH_TOKEN.slice(0, -1)}`, DEEP],
  ["more than the token", `Bearer ${HEALTH_TOKEN}x`, DEEP],
  ["the token by itself", HEALTH_TOKEN, DEEP],
  ["another scheme", `Basic ${btoa(HEALTH_TOKEN)}`, DEEP],
  ["nothing", "", DEEP],
  ["a bearer of nothing", "Bearer ", { ...DEEP, HEALTH_TOKEN: "" }],
  ["undefined, without a secret", "Bearer undefined", { ...DEEP, HEALTH_TOKEN: undefined }],
  ["the token, without a secret", `Bearer ${HEALTH_TOKEN}`, { ...DEEP, HEALTH_TOKEN: undefined }],
  ["a token that can be guessed", "Bearer secret", { ...DEEP, HEALTH_TOKEN: "secret" }],
  [
    "a token of 15 characters",
    "Bearer 0123456789abcde",
    { ...DEEP, HEALTH_TOKEN: "0123456789abcde" },
  ],
  ["a token of no ASCII", "Bearer a token with é", { ...DEEP, HEALTH_TOKEN: "a token with é" }],
  ["a space at its end", "Bearer a token with a ", { ...DEEP, HEALTH_TOKEN: "a token with a " }],
])("%s does not open the deep form", async (_what, authorization, env) => {
  const answer = await get("/healthz", { headers: { authorization } }, env);
  expect([answer.status, await answer.text()]).toEqual([401, "Unauthorized\n"]);
  expect(answer.headers.get("www-authenticate")).toBe("Bearer");
  expect([stage.edgeRequests, stage.s3.requestsBy("worker")]).toEqual([[], []]);
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

    const { status, buckets } = await report();
    expect([status, buckets]).toEqual([200, [{ bucket: "media", slots, edge: "on" }]]);
    expect(stage.s3.requestsBy("worker")).toHaveLength(5); // two for each slot, and one for the edge
    expect(stage.logged).toEqual([]);
  });

  test("a key that may not list is reported by a missing object's 403 (A6, A13)", async () => {
    stage.s3.faults.add("no-list-bucket");
    const { status, slots } = await report();
    expect(status).toBe(200);
    expect(slots).toMatchObject([{ missing: 403 }, { missing: 403 }]);
  });

  test("a slot that S3 refuses is reported with S3's code; one that works is enough (A7)", async () => {
    stage.s3.keys.delete(CREDENTIALS.accessKeyId);
    const { status, slots, edge } = await report();
    expect([status, edge]).toEqual([200, "on"]); // it is asked with a slot that works
    expect(slots).toMatchObject([{ state: "InvalidAccessKeyId" }, { state: "ok" }]);
    expect(slots[0]).not.toHaveProperty("missing");

    stage.s3.keys.set(NEXT_ID, "another");
    expect(await report()).toMatchObject({
      status: 503,
      slots: [{ state: "InvalidAccessKeyId" }, { state: "SignatureDoesNotMatch" }],
    });
  });

  test.each([
    ["AccountProblem", 403, "AccountProblem"],
    ["", 403, "403"],
    ["", 405, "405"],
  ])("a denial of everything with %j, %d, is no slot that works", async (code, answered, state) => {
    const xml = code && `<Error><Code>${code}</Code></Error>`;
    network.use(http.get(/amazonaws/, () => new HttpResponse(xml, { status: answered })));
    const { status, slots } = await report();

    expect(status).toBe(503);
    expect(slots).toMatchObject([
      { state, answered },
      { state, answered },
    ]);
  });

  test("half a slot is reported with what it lacks (S1)", async () => {
    const { status, slots } = await report({ ...DEEP, AWS_SECRET_ACCESS_KEY_NEXT: undefined });
    expect(status).toBe(200);

    const lacks = "AWS_SECRET_ACCESS_KEY_NEXT: is missing: set the secret";
    expect(slots[1]).toEqual({ slot: "next", state: "incomplete", mistakes: [lacks] });

    const halfCurrent = await report({ ...DEEP, ...NEXT, AWS_ACCESS_KEY_ID: "" });
    expect(halfCurrent.slots).toMatchObject([
      { slot: "current", state: "incomplete" },
      { slot: "next" },
    ]);

    const noNext = { AWS_ACCESS_KEY_ID_NEXT: undefined, AWS_SECRET_ACCESS_KEY_NEXT: undefined };
    expect((await report({ ...DEEP, ...noNext })).slots).toMatchObject([
      { slot: "current", state: "ok" },
    ]);
  });

  test("a key that may not read the canary does not work (A13)", async () => {
    const elsewhere = { media: { ...media, prefix: "secret/", canary: "key.jpg" } };
    stage.s3.objects.set("secret/key.jpg", { body: new Uint8Array([1]), type: "image/jpeg" });
    expect(await report({ ...DEEP, BUCKETS: elsewhere })).toMatchObject({
      status: 503,
      slots: [{ state: "AccessDenied" }, {}],
    });
  });

  const denied = (code: string) => () => {
    const headers = { "x-amz-bucket-region": "eu-west-1" };
    return new HttpResponse(`<Code>${code}</Code>`, { status: 403, headers });
  };
  const CANARY = /amazonaws.*key\.jpg/;

  test.each<[string, RegExp, () => Response, slot?: object]>([
    ["says ok with a 403", /amazonaws/, denied("ok")],
    ["has every object", /amazonaws/, () => new HttpResponse("<html></html>")],
    [
      ...(["has archived the canary", CANARY, denied("InvalidObjectState")] as const),
      { state: "InvalidObjectState", missing: 404 },
    ],
    ["denies the canary with ok", CANARY, denied("ok"), { state: "403", missing: 404 }],
  ])("an S3 that %s does not make a slot work", async (_what, url, answer, slot = {}) => {
    network.use(http.get(url, answer));
    const BUCKETS = url === CANARY ? DEEP.BUCKETS : VARS.BUCKETS;
    const { status, slots } = await report({ ...DEEP, BUCKETS });
    expect(status).toBe(503);
    expect(slots[0]).toMatchObject(slot);
  });

  test("the region is reported only where it is another one", async () => {
    network.use(http.get(/amazonaws/, denied("AccessDenied")));
    const { slots } = await report({ ...DEEP, BUCKETS: VARS.BUCKETS });
    expect(slots[0]).toMatchObject({ state: "ok", missing: 403 });
    expect(slots[0]).not.toHaveProperty("region");
  });

  test("a missing canary is no fault of the slot", async () => {
    const gone = { media: { ...media, canary: "gone.jpg" } };
    const expected = { status: 200, slots: [{ state: "ok" }, {}], edge: "object-missing" };
    expect(await report({ ...DEEP, BUCKETS: gone })).toMatchObject(expected);
  });

  const SKEWED = { state: "RequestTimeTooSkewed", clock: expect.closeTo(1200, -1) };
  const ELSEWHERE = { region: "eu-central-1" };

  test.each([
    ["the clock's difference (A7)", "clock-skew", SKEWED],
    ["where the bucket is (A5)", "elsewhere-400", ELSEWHERE],
    ["where the bucket is (A5)", "elsewhere-301", ELSEWHERE],
    ["where the bucket is (A5)", "elsewhere-307", ELSEWHERE],
  ] as const)("%s is reported: %s", async (_what, fault, slot) => {
    stage.s3.faults.add(fault);
    const { status, slots } = await report();
    expect(status).toBe(503);
    expect(slots[0]).toMatchObject(slot);
  });

  test.each<[string, Partial<Switches>, string, number]>([
    ["transformations are off (R2)", { transformations: false }, "off", 200],
    ["the host is not under Sources (E5)", { sources: [] }, "9401", 403],
    ["an option is not accepted", { failure: { code: 9401, status: 400 } }, "9401", 400],
    ["the edge is busy", { failure: { code: 9522, status: 503 } }, "9522", 503],
  ])("%s: the slots work all the same", async (_what, changed, edge, answered) => {
    Object.assign(stage.edge.switches, changed);
    const { status, buckets } = await report();
    expect([status, buckets[0].edge, buckets[0].answered]).toEqual([200, edge, answered]);
  });

  test("S3 that does not answer is unreachable", async () => {
    network.use(http.get(/./, () => HttpResponse.error()));
    expect(await report()).toMatchObject({
      status: 503,
      slots: [{ state: "unreachable" }, { state: "unreachable" }],
      edge: "origin-failed",
    });
  });

  test("an edge that fails is unreachable: the slots work all the same", async () => {
    stage.edge.fetch = () => Promise.reject(new TypeError("network connection lost"));
    const { status, buckets } = await report();
    expect([status, buckets[0].edge]).toEqual([200, "unreachable"]);
    expect(buckets[0]).not.toHaveProperty("answered");
  });

  test("an edge that does not answer is unreachable when the time of a request is over", async () => {
    stopClock();
    const requested = Promise.withResolvers<void>();
    stage.edge.fetch = () => {
      requested.resolve();
      return new Promise<never>(() => {});
    };

    const reported = report();
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
    const { status, buckets } = await report({
      ...DEEP,
      BUCKETS: { ...BUCKETS, more },
      ...secrets,
    });

    expect(status).toBe(503);
    expect(buckets).toMatchObject([
      { bucket: "media", slots: [{ state: "ok" }, { state: "ok" }] },
      { bucket: "more", slots: [{ state: "InvalidAccessKeyId" }], edge: "no canary" },
    ]);
  });

  test("an edge whose rendition would be larger than the canary does work (R6)", async () => {
    stage.edge.switches.originalIsSmaller = { comparedBy: "sides", sent: "original" };
    const clear = { width: 2, height: 2, channels: 4, background: "#0000" } as const;
    put("key.jpg", await sharp({ create: clear }).png().toBuffer()); // asked for as a PNG, and as nothing else
    expect(await report()).toMatchObject({ status: 200, edge: "on" });
  });

  test("the canary costs one transformation, however often it is checked (L2)", async () => {
    for (let times = 0; times < 5; times++) await report();
    expect(stage.edge.transformations.size).toBe(1);
  });
});

describe("while the configuration is broken", () => {
  const BROKEN = { ...DEEP, PRESETS: {} };
  const LACKS = "AWS_SECRET_ACCESS_KEY: is missing: set the secret, and list it under [secrets]";
  const noSecret = { ...ENV, HEALTH_TOKEN, AWS_SECRET_ACCESS_KEY: undefined };

  test.each<[what: string, env: object, mistakes: (string | RegExp)[]]>([
    ["a secret is missing", noSecret, [LACKS]],
    [
      "a preset is wrong",
      { ...DEEP, PRESETS: { card: { width: 0 } } },
      [/^PRESETS\.card\.width: /],
    ],
    ["a table is no JSON", { ...DEEP, ROUTES: "[" }, [/^ROUTES: /]],
    ["nothing is set", { HEALTH_TOKEN }, [/^BUCKETS: /, /^PRESETS: /, /^ROUTES: /]],
  ])("%s: a caller with the token sees all mistakes", async (_what, env, mistakes) => {
    const answer = await get("/healthz", authorized, env);
    expect([answer.status, answer.headers.get("content-type")]).toEqual([500, "application/json"]);
    expect(answer.headers.get("cache-control")).toBe("no-store");

    const report = JSON.parse(await answer.text());
    expect(report).toMatchObject({ ok: false, version: VERSION });
    expect(report.mistakes).toHaveLength(mistakes.length);
    for (const [index, mistake] of mistakes.entries()) {
      expect(report.mistakes[index]).toMatch(mistake);
    }
    expect([stage.edgeRequests, stage.s3.requestsBy("worker")]).toEqual([[], []]);
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

  test.each<[what: string, init: RequestInit, env?: object]>([
    ["without a token", {}],
    ["with the token of /purge", bearer(PURGE_TOKEN)],
    ["with more than the token", bearer(`${HEALTH_TOKEN}x`)],
    [
      "with the token as a password",
      { headers: { authorization: `Basic ${btoa(`:${HEALTH_TOKEN}`)}` } },
    ],
    ["with the token, in another method", { ...authorized, method: "POST" }],
    ["with the token, without a secret", authorized, { ...BROKEN, HEALTH_TOKEN: undefined }],
    [
      "with undefined, without a secret",
      bearer("undefined"),
      { ...BROKEN, HEALTH_TOKEN: undefined },
    ],
    ["with nothing, and an empty secret", bearer(""), { ...BROKEN, HEALTH_TOKEN: "" }],
    ["with a short token", bearer("secret"), { ...BROKEN, HEALTH_TOKEN: "secret" }],
    ["with a binding in place of the token", authorized, { ...BROKEN, HEALTH_TOKEN: { get() {} } }],
  ])("a caller %s sees nothing of it", async (_what, init, env = { ...BROKEN, PURGE_TOKEN }) => {
    const answer = await get("/healthz", init, env);
    expect([answer.status, await answer.text()]).toEqual([500, "Internal error\n"]);
  });

  test.each(["/healthz/", "/purge", "/images/card/key.jpg", "/"])("%s is not it", async (path) => {
    const answer = await get(path, authorized, BROKEN);
    expect([answer.status, await answer.text()]).toEqual([500, "Internal error\n"]);
  });

  test("HEAD has no body", async () => {
    const answer = await get("/healthz", { ...authorized, method: "HEAD" }, BROKEN);
    expect([answer.status, answer.body]).toEqual([500, null]);
  });
});

test.each(["../key.jpg", "a//b.jpg", ""])("the canary %j is a mistake", async (canary) => {
  const answer = await get("/healthz", {}, { ...DEEP, BUCKETS: { media: { ...media, canary } } });
  expect(answer.status).toBe(500);
  expect(JSON.stringify(stage.logged)).toContain("BUCKETS.media.canary: ");
});

describe("of buckets with the Images binding", () => {
  function envWith(engine: EngineName, canary: object = { canary: "key.jpg" }): Env {
    const { BUCKETS = VARS.BUCKETS } = envOf(engine);
    const bucket = { ...Object(BUCKETS).media, ...canary };
    return envOf(engine, { HEALTH_TOKEN, BUCKETS: { media: bucket } });
  }

  test.each<[EngineName, object]>([
    ["binding", {}],
    ["R2", { slots: [], r2: "ok" }],
  ])("%s that works, and where the account lacks it (B3)", async (engine, facts) => {
    const env = envWith(engine);
    expect(await report(env)).toMatchObject({ status: 200, buckets: [{ edge: "on", ...facts }] });
    stage.edge.switches.bindingAllowed = false;
    expect(await report(env)).toMatchObject({ status: 200, edge: "9430" });
  });

  test.each<[EngineName, canary: object, bucket: object]>([
    ["binding", {}, { edge: "no canary" }],
    ["R2", {}, { edge: "no canary" }],
    ["R2", { canary: "nothing.jpg" }, { r2: "ok", edge: "object-missing" }],
  ])("%s with the canary %j, which is not there", async (engine, canary, bucket) => {
    expect(await report(envWith(engine, canary))).toMatchObject({ status: 200, buckets: [bucket] });
  });

  test("an R2 bucket that fails", async () => {
    const r2 = createR2();
    r2.faults.add("throws");
    const env = { ...envWith("R2"), MEDIA_BUCKET: r2 };
    expect(await report(env)).toMatchObject({ status: 503, buckets: [{ r2: "unreachable" }] });
  });
});
