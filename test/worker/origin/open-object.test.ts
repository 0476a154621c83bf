// The one function that opens an object: which credentials it asks S3 with and in what order, what each answer of
// S3 and R2 means, and what it learns.

import { beforeEach, describe, expect, test, vi } from "vitest";
import { createR2 } from "../../../src/emulator/r2/r2.ts";
import type { R2Fault, R2Stored } from "../../../src/emulator/r2/types.ts";
import type { Bucket } from "../../../src/worker/config/bucket.ts";
import { readConfig } from "../../../src/worker/config/config.ts";
import { bucketMemoryOf } from "../../../src/worker/origin/memories.ts";
import { openObject } from "../../../src/worker/origin/open-object.ts";
import { fireTimer, stopClock } from "../../support/clock.ts";
import { BASE, CREDENTIALS, ENV, NEXT, NEXT_CREDENTIALS, VARS } from "../../support/env.ts";
import { answerOf, KEYLESS, SESSION } from "../../support/issuer.ts";
import { file } from "../../support/stand.ts";

const NOW = Date.parse("2026-11-26T12:00:00Z");
const KEY = "published/key.jpg";
const NAMES: Readonly<Record<string, string>> = {
  [CREDENTIALS.accessKeyId]: "current",
  [NEXT_CREDENTIALS.accessKeyId]: "next",
};

type Answer = () => Response | Promise<Response>;

/** What S3 answers, by the slot, or by the session as STS counted it. */
let answers: Record<string, Answer>;
/** With what S3 was asked, and those requests. */
let asked: string[];
let requests: Request[];
let sessions: number;
let logged: unknown[];
let bucket: Bucket;

function bucketOf(env: Readonly<Record<string, unknown>>): Bucket {
  const config = readConfig(env);
  return ("buckets" in config ? config.buckets[0] : undefined) ?? expect.unreachable();
}

const inSlots = () => bucketOf({ ...ENV, ...NEXT });
const byRole = () => bucketOf(KEYLESS);

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"], now: NOW });
  vi.stubGlobal("scheduler", { wait: async () => {} });
  [answers, asked, requests, sessions, logged, bucket] = [{}, [], [], 0, [], inSlots()];
  for (const level of ["info", "warn", "error"] as const) {
    vi.spyOn(console, level).mockImplementation((line: string) => logged.push(line));
  }
  vi.spyOn(globalThis, "fetch").mockImplementation(async (input, init) => {
    const request = new Request(input, init);
    if (request.url.startsWith("https://sts.")) {
      const accessKeyId = `ASIA${++sessions}`.padEnd(20, "X");
      return new Response(answerOf(Date.now() + 3_600_000, { ...SESSION, accessKeyId }));
    }
    const [, id = ""] = /Credential=(\w+)/.exec(request.headers.get("authorization") ?? "") ?? [];
    const name = NAMES[id] ?? id.replace(/X+$/, "");
    asked.push(name);
    requests.push(request);
    return (answers[name] ?? jpeg)();
  });
  return () => void vi.useRealTimers();
});

const context = { waitUntil: () => {} };
type Options = Partial<Parameters<typeof openObject>[2]>;

const open = (options: Options = {}, key = KEY) =>
  openObject(bucket, key, { part: "head", deadline: Date.now() + 15_000, ...options }, context);

/** What came of it: `ok`, or the refusal's event. */
async function result(options: Options = {}): Promise<string> {
  const opened = await open(options);
  return "event" in opened ? opened.event : "ok";
}

const JPEG = file("made/key.jpg");
const HEAD = JPEG.slice(0, 1024);

/** An answer of S3 with the beginning of an object. */
const part =
  (headers: Record<string, string> = {}, body: BodyInit = HEAD): Answer =>
  () =>
    new Response(body, {
      status: 206,
      headers: {
        etag: '"abc"',
        "content-length": "1024",
        "content-range": `bytes 0-1023/${JPEG.length}`,
        "last-modified": "Tue, 24 Nov 2026 09:00:00 GMT",
        ...headers,
      },
    });
const jpeg = part();

/** An error answer of S3. */
const error =
  (code: string, status = 403, headers: Record<string, string> = {}): Answer =>
  () =>
    new Response(code && `<Error><Code>${code}</Code></Error>`, { status, headers });
const silent: Answer = () => new Promise<never>(() => {});
const broken: Answer = () => Promise.reject(new TypeError("network connection lost"));

test("S3 is asked for the first bytes, signed, and neither a cache nor a redirect is used (A14, A16)", async () => {
  await open();
  const [request] = requests;
  expect(request?.url).toBe(`${BASE}${KEY}`);
  expect(request?.method).toBe("GET");
  expect(request?.cache).toBe("no-store");
  expect(request?.redirect).toBe("manual");
  const {
    authorization,
    "x-amz-date": date,
    ...headers
  } = Object.fromEntries(request?.headers ?? []);
  expect(authorization).toContain(CREDENTIALS.accessKeyId);
  expect(date).toBe("20261126T120000Z");
  expect(headers).toMatchObject({ range: "bytes=0-1023", "accept-encoding": "identity" });
  expect(Object.keys(headers).filter((name) => /^if-/.test(name))).toEqual([]);
  await open({ part: "whole" });
  expect(requests[1]?.headers.has("range")).toBe(false);
});

describe("of two slots", () => {
  const DEAD = error("InvalidAccessKeyId");
  const DENIED = error("AccessDenied");
  const ODD = error("AccountProblem");
  const MISSING = error("NoSuchKey", 404);

  test.each<[string, Answer, Answer, string, string[], boolean?]>([
    ["the first gives it", jpeg, jpeg, "ok", ["current"]],
    ["the first is refused", DEAD, jpeg, "ok", ["current", "next"]],
    ["the first is denied it (A6)", DENIED, jpeg, "ok", ["current", "next"]],
    ["S3 has an unknown code for the first", ODD, jpeg, "ok", ["current", "next"]],
    ["S3 has no code for the first", error(""), jpeg, "ok", ["current", "next"]],
    ["no code is a word of JavaScript", error("constructor"), jpeg, "ok", ["current", "next"]],
    ["none gives it", DENIED, DENIED, "object-denied", ["current", "next"], true],
    ["one is denied it, one dead", DENIED, DEAD, "object-denied", ["current", "next"], false],
    ["one is dead, one denied it", DEAD, DENIED, "object-denied", ["current", "next"], false],
    ["one is denied it, the other odd", DENIED, ODD, "origin-denied", ["current", "next"], false],
    ["one is odd, the other denied it", ODD, DENIED, "origin-denied", ["current", "next"], false],
    ["both are refused", DEAD, DEAD, "slots-refused", ["current", "next"]],
    ["it is missing by the first one's word", MISSING, jpeg, "object-missing", ["current"], true],
    [
      "it is missing by the second one's",
      DEAD,
      MISSING,
      "object-missing",
      ["current", "next"],
      true,
    ],
    ["it is archived", error("InvalidObjectState"), jpeg, "object-denied", ["current"], true],
    ["S3 is busy (A9)", error("SlowDown", 503), jpeg, "origin-failed", ["current"]],
    ["S3 fails", broken, jpeg, "origin-failed", ["current"]],
    [
      "S3 finds the clock wrong (A8)",
      error("RequestTimeTooSkewed"),
      jpeg,
      "origin-denied",
      ["current"],
    ],
    ["S3 redirects (A5)", error("", 301), jpeg, "origin-denied", ["current"]],
    [
      "the bucket is elsewhere (A5)",
      error("PermanentRedirect", 301, { "x-amz-bucket-region": "eu-central-1" }),
      jpeg,
      "origin-denied",
      ["current"],
    ],
  ])("%s", async (_what, current, next, event, order, certain) => {
    answers = { current, next };
    const opened = await open();
    expect("event" in opened ? opened.event : "ok").toBe(event);
    expect(asked).toEqual(order);
    if (certain !== undefined) expect("certain" in opened && opened.certain === true).toBe(certain);
    if (!("event" in opened)) expect(opened.credential).toMatchObject({ name: order.at(-1) });
  });

  test.each([
    [403, "SignatureDoesNotMatch", "SignatureDoesNotMatch"],
    [403, "InvalidAccessKeyId", "InvalidAccessKeyId"],
    [400, "ExpiredToken", "ExpiredToken"],
    [403, "ExpiredToken", "ExpiredToken"],
    [400, "AuthorizationHeaderMalformed", "AuthorizationHeaderMalformed"],
    [400, "InvalidArgument", "InvalidArgument"],
    [403, "InvalidSecurity", "InvalidSecurity"],
    [400, "InvalidToken", "InvalidToken"],
    [401, "Unauthorized", "Unauthorized"],
    [401, "", "401"],
  ])(
    "%s %s is the slot's fault, in any region: it comes last (A7)",
    async (status, code, origin) => {
      answers["current"] = error(code, status, { "x-amz-bucket-region": "eu-west-1" });
      expect([await result(), await result()]).toEqual(["ok", "ok"]);
      expect(asked).toEqual(["current", "next", "next"]);
      expect(bucketMemoryOf(bucket).state().refused.current).toEqual({ origin, at: NOW });
    },
  );

  test("the one that S3 refuses is asked with again after a minute, and used again once it works", async () => {
    answers["current"] = DEAD;
    for (const seconds of [0, 59, 1, 59]) {
      vi.setSystemTime(Date.now() + seconds * 1000);
      expect(await result()).toBe("ok");
    }
    expect(asked).toEqual(["current", "next", "next", "current", "next", "next"]);
    delete answers["current"];
    vi.setSystemTime(Date.now() + 1000);
    expect([await result(), await result()]).toEqual(["ok", "ok"]);
    expect(asked.slice(6)).toEqual(["current", "current"]);
    expect(logged).toHaveLength(3); // slot-refused, slot-in-use, slot-in-use
  });

  test("the one that S3 refuses is asked with at once where the other one fails, too", async () => {
    answers["current"] = DEAD;
    await open();
    answers = { next: DEAD };
    expect(await result()).toBe("ok");
    expect(asked).toEqual(["current", "next", "next", "current"]);
  });

  test.each([
    ["is busy", error("SlowDown", 503)],
    ["does not answer", broken],
    ["says nothing", error("")],
    ["finds the clock wrong", error("RequestTimeTooSkewed")],
  ])("where S3 %s when a refused one is tried again, it stays refused", async (_what, answer) => {
    answers["current"] = DEAD;
    await open();
    vi.setSystemTime(NOW + 60_000);
    answers["current"] = answer;
    await open();
    expect(bucketMemoryOf(bucket).state().refused.current?.origin).toBe("InvalidAccessKeyId");
  });

  test("both refused are reported once a minute, with S3's codes and no whole key id", async () => {
    answers = { current: DEAD, next: error("SignatureDoesNotMatch") };
    const refusals = [await open(), await open()];
    vi.setSystemTime(NOW + 60_000);
    refusals.push(await open());
    const slots = [
      { slot: "current", origin: "InvalidAccessKeyId", access_key: "…MPLE" },
      { slot: "next", origin: "SignatureDoesNotMatch", access_key: "…TKEY" },
    ];
    expect(refusals).toMatchObject([
      { slots, repeated: false },
      { slots, repeated: true },
      { slots, repeated: false },
    ]);
  });

  test("what lacks half of its secrets is said where the other one is refused (S1)", async () => {
    bucket = bucketOf({ ...ENV, ...NEXT, AWS_SECRET_ACCESS_KEY_NEXT: undefined });
    answers["current"] = DEAD;
    expect(await open()).toMatchObject({
      event: "slots-refused",
      reason: expect.stringContaining("AWS_SECRET_ACCESS_KEY_NEXT: is missing"),
    });
    expect(asked).toEqual(["current"]);
  });

  test("one key in both, as at the end of a rotation, is asked with once", async () => {
    const { AWS_ACCESS_KEY_ID_NEXT, AWS_SECRET_ACCESS_KEY_NEXT } = NEXT;
    const now = {
      AWS_ACCESS_KEY_ID: AWS_ACCESS_KEY_ID_NEXT,
      AWS_SECRET_ACCESS_KEY: AWS_SECRET_ACCESS_KEY_NEXT,
    };
    bucket = bucketOf({ ...ENV, ...NEXT, ...now });
    answers["next"] = DENIED;
    expect([await result(), asked]).toEqual(["object-denied", ["next"]]);
  });

  test("the credential that is told is used alone, and nothing is learned", async () => {
    const before = bucketMemoryOf(bucket).state();
    const [current, next] = bucket.slots;
    answers["current"] = DEAD;
    expect(await open({ credential: current ?? expect.unreachable() })).toMatchObject({
      event: "origin-denied",
      s3: { status: 403, code: "InvalidAccessKeyId" },
    });
    expect(await result({ credential: next ?? expect.unreachable() })).toBe("ok");
    expect(asked).toEqual(["current", "next"]);
    expect([bucketMemoryOf(bucket).state(), logged]).toEqual([before, []]);
  });
});

describe("what S3 says", () => {
  test.each<[string, Answer, object]>([
    [
      "of the bucket's region (A5)",
      error("IllegalLocationConstraint", 400, { "x-amz-bucket-region": "eu-central-1" }),
      { reason: "the bucket is in eu-central-1: set region (and endpoint)" },
    ],
    [
      "of its clock (A8)",
      error("RequestTimeTooSkewed", 403, { date: "Thu, 26 Nov 2026 12:20:00 GMT" }),
      {
        reason: "S3's clock is 1201 s ahead of the Worker's",
        s3: { ahead: 1201 },
      },
    ],
    [
      "of its clock, without a date",
      error("RequestTimeTooSkewed"),
      {
        reason: "S3's clock is over 15 minutes from the Worker's",
      },
    ],
    ["of a redirect", error("", 307), { reason: "S3 redirects: check endpoint and region" }],
    [
      "of the bucket",
      error("NoSuchBucket", 404),
      { event: "origin-denied", reason: "check bucket" },
    ],
    ["of an archive", error("InvalidObjectState"), { reason: "in an archive: restore it" }],
    [
      "without a code, of a missing object",
      error("", 404),
      { event: "object-missing", origin: "404" },
    ],
    ["with a dot", error("KMS.DisabledException", 400), { origin: "KMS.DisabledException" }],
    ["in 64 letters", error("X".repeat(64), 400), { origin: "X".repeat(64) }],
    ["in 65 letters", error("X".repeat(65), 400), { origin: undefined }],
    ["in time, of a host in front of it", error("", 504), { event: "timed-out" }],
    ["that it is too busy", error("", 429), { event: "origin-failed", passing: true }],
    [
      "with a status that no part has",
      () => new Response(null, { status: 204 }),
      { event: "origin-failed" },
    ],
  ])("%s is in the refusal", async (_what, answer, facts) => {
    bucket = bucketOf(ENV);
    answers["current"] = answer;
    expect(await open()).toMatchObject(facts);
  });

  test("an error is read no further than its code, though its body never ends", async () => {
    bucket = bucketOf(ENV);
    const start = (stream: ReadableStreamDefaultController) =>
      stream.enqueue(new TextEncoder().encode("<Error><Code>X</Code></Error>"));
    answers["current"] = () => new Response(new ReadableStream({ start }), { status: 403 });
    expect(await open()).toMatchObject({ origin: "X" });
  });
});

describe("an S3 that is busy, or silent", () => {
  test.each<[string, Answer, boolean, string, number]>([
    ["busy once (A9)", error("SlowDown", 503), true, "ok", 2],
    ["lost once", broken, true, "ok", 2],
    ["busy, where something else can be shown", error("SlowDown", 503), false, "origin-failed", 1],
    ["missing is no reason to ask again", error("NoSuchKey", 404), true, "object-missing", 1],
  ])("%s", async (_what, answer, retries, event, times) => {
    answers["current"] = () => (asked.length === 1 ? answer() : jpeg());
    expect([await result({ retries }), asked.length]).toEqual([event, times]);
  });

  test("busy twice is an outage", async () => {
    answers["current"] = error("SlowDown", 503);
    expect([await result({ retries: true }), asked.length]).toEqual(["origin-failed", 2]);
  });

  test.each([
    [15_000, 5_000],
    [2_000, 2_000],
  ])("silent, with %d ms left, is given up after %d ms, and not asked again", async (left, ms) => {
    stopClock();
    vi.setSystemTime(NOW);
    answers["current"] = silent;
    const opened = result({ deadline: NOW + left, retries: true });
    await fireTimer();
    expect([await opened, Date.now() - NOW, asked]).toEqual(["timed-out", ms, ["current"]]);
  });

  test("a body of which nothing comes is given up, too", async () => {
    stopClock();
    vi.setSystemTime(NOW);
    answers["current"] = part({}, new ReadableStream());
    const opened = result();
    await fireTimer();
    expect([await opened, Date.now() - NOW]).toEqual(["timed-out", 5_000]);
  });

  test("no request is sent after the deadline", async () => {
    expect([await result({ deadline: NOW }), asked]).toEqual(["timed-out", []]);
  });
});

describe("an object", () => {
  const KNOWN = { etag: "abc", validator: "abc", type: "image/jpeg", length: JPEG.length };
  const DATE = "Tue, 24 Nov 2026 09:00:00 GMT";
  const named = (etag: string) => part({ etag });

  test.each<[string, Answer, object]>([
    ["as S3 sends it", jpeg, { ...KNOWN, lastModified: DATE }],
    ["with a weak ETag", named('W/"abc"'), KNOWN],
    ["with an ETag of parts", named('"abc-12"'), { ...KNOWN, etag: "abc-12", validator: "abc-12" }],
    [
      "with an empty ETag, which names nothing",
      named('""'),
      { etag: undefined, validator: `${DATE} ${JPEG.length}` },
    ],
    [
      "with metadata",
      part({ "x-amz-meta-focus": "0.2,0.3", "x-amz-id-2": "no" }),
      { metadata: new Map([["focus", "0.2,0.3"]]) },
    ],
    [
      "with an encoding, which hides its length and type",
      part({ "content-encoding": "gzip" }),
      { etag: "abc", type: "unknown", length: undefined },
    ],
    ["that says another type", part({ "content-type": "image/png" }), { type: "image/jpeg" }],
    [
      "of a server that ignores Range (A14)",
      () => new Response(JPEG, { headers: { etag: '"abc"', "content-length": `${JPEG.length}` } }),
      KNOWN,
    ],
    [
      "that is empty (A14)",
      error("InvalidRange", 416),
      { type: "none", length: 0, etag: undefined },
    ],
    [
      "that is not empty, and has no such part all the same",
      error("InvalidRange", 416, { "content-range": `bytes */${JPEG.length}` }),
      { event: "origin-denied" },
    ],
    ["of an unknown length", part({ "content-range": "bytes 0-1023/*" }), { length: undefined }],
    ["of which nothing comes, and no length is said", () => new Response(""), { type: "unknown" }],
    [
      "with an encoding, of which a part cannot be decoded",
      () => part({ "content-encoding": "gzip" }, streamOf(HEAD.slice(0, 100), "break"))(),
      { etag: "abc", type: "unknown" },
    ],
    [
      "of which another part comes",
      part({ "content-range": `bytes 1024-2047/${JPEG.length}` }),
      { event: "origin-failed" },
    ],
    [
      "whose part is shorter than its range",
      () => {
        const headers = { "content-range": `bytes 0-1023/${JPEG.length}` };
        return new Response(HEAD.slice(0, 2), { status: 206, headers });
      },
      { event: "origin-failed", passing: true },
    ],
  ])("%s", async (_what, answer, facts) => {
    answers["current"] = answer;
    expect(await open()).toMatchObject(facts);
  });

  test.each<[string, Record<string, string>, string | undefined]>([
    ["its date and its length", {}, `${DATE} ${JPEG.length}`],
    ["nothing, without a length", { "content-range": "bytes 0-1023/*" }, undefined],
    ["nothing, without a date", { "last-modified": "" }, undefined],
  ])("without an ETag is named by %s", async (_what, changed, validator) => {
    answers["current"] = () => {
      const answer = new Response(HEAD, { status: 206 });
      const headers = { "content-range": `bytes 0-1023/${JPEG.length}`, "last-modified": DATE };
      for (const [name, value] of Object.entries({ ...headers, ...changed })) {
        if (value) answer.headers.set(name, value);
      }
      return answer;
    };
    expect(await open()).toMatchObject({ etag: undefined, validator });
  });

  const streamOf = (bytes: Uint8Array, end: "close" | "break") =>
    new ReadableStream({
      start: (stream) => stream.enqueue(bytes),
      pull: (stream) => (end === "close" ? stream.close() : stream.error(new Error("reset"))),
    });

  test.each<[string, Uint8Array, "close" | "break"]>([
    ["is shorter", HEAD.slice(0, 100), "close"],
    ["is longer", JPEG.slice(0, 2000), "close"],
    ["breaks off", HEAD.slice(0, 100), "break"],
  ])("whose beginning %s than S3 says is not opened", async (_what, bytes, end) => {
    answers["current"] = part({}, streamOf(bytes, end));
    expect(await open()).toMatchObject({ event: "origin-failed", passing: true });
  });

  test.each<[string, Uint8Array, "close" | "break"]>([
    ["is shorter", JPEG.slice(0, 2000), "close"],
    ["is longer", Buffer.concat([JPEG, JPEG]), "close"],
    ["breaks off", JPEG.slice(0, 2000), "break"],
  ])("that %s than S3 says fails while it is read", async (_what, bytes, end) => {
    const [first, rest] = [bytes.slice(0, 1500), bytes.slice(1500)];
    const body = new ReadableStream({
      start: (stream) => stream.enqueue(first),
      pull: (stream) => {
        if (rest.length > 0) stream.enqueue(rest);
        if (end === "close") stream.close();
        else stream.error(new Error("reset"));
      },
    });
    const headers = { "content-length": `${JPEG.length}` };
    answers["current"] = () => new Response(body, { headers });
    const opened = await open({ part: "whole" });
    if ("event" in opened) return expect.unreachable(opened.event);
    await expect(new Response(opened.body.stream).bytes()).rejects.toThrow();
    expect(await opened.body.failure).toMatchObject({ event: "origin-failed", passing: true });
  });

  test("comes whole, byte for byte, where it is asked for whole", async () => {
    answers["current"] = () => new Response(JPEG, { headers: { etag: '"abc"' } });
    const opened = await open({ part: "whole" });
    if ("event" in opened) return expect.unreachable(opened.event);
    expect(await new Response(opened.body.stream).bytes()).toEqual(JPEG);
  });

  test("that comes whole, and of which the beginning was asked for, is read no further", async () => {
    const cancelled = Promise.withResolvers<void>();
    const body = new ReadableStream({
      pull: (stream) => stream.enqueue(HEAD),
      cancel: () => cancelled.resolve(),
    });
    answers["current"] = () => new Response(body);
    expect(await result()).toBe("ok");
    await cancelled.promise;
  });
});

describe("a session of a role", () => {
  beforeEach(() => {
    bucket = byRole();
  });

  /** Lets the first session be old enough to be renewed. */
  async function age(): Promise<void> {
    expect(await result()).toBe("ok");
    vi.setSystemTime(NOW + 600_000);
    asked = [];
  }

  test.each(["ExpiredToken", "InvalidToken", "InvalidAccessKeyId", "SignatureDoesNotMatch"])(
    "that S3 refuses with %s is renewed once: many visitors at once get the object",
    async (code) => {
      await age();
      answers["ASIA1"] = error(code);
      const results = await Promise.all(Array.from({ length: 20 }, () => result()));
      expect([new Set(results), sessions]).toEqual([new Set(["ok"]), 2]);
    },
  );

  test("that S3 refuses, and its successor, too, is a slot refused, reported once a minute", async () => {
    await age();
    answers = { ASIA1: error("InvalidToken"), ASIA2: error("InvalidToken") };
    const refused = { event: "role-refused", origin: "InvalidToken" };
    expect(await open()).toMatchObject({ ...refused, repeated: false });
    expect(asked).toEqual(["ASIA1", "ASIA2"]);
    expect(await open()).toMatchObject({ ...refused, repeated: true });
    expect([asked, sessions]).toEqual([["ASIA1", "ASIA2", "ASIA2"], 2]); // a new one is not renewed
  });

  test.each([
    ["AccessDenied", "object-denied"],
    ["NoSuchKey", "object-missing"],
    ["RequestTimeTooSkewed", "origin-denied"],
  ])("stays after %s", async (code, event) => {
    await age();
    answers["ASIA1"] = error(code);
    expect([await result(), sessions]).toEqual([event, 1]);
  });

  test("has its token beside its key", async () => {
    await open();
    expect(requests[0]?.headers.get("x-amz-security-token")).toBe(SESSION.sessionToken);
  });
});

describe("R2 by its binding", () => {
  const { prefix } = VARS.BUCKETS.media;
  const IMAGES = { input: () => {}, info: () => {} };

  function r2Of(objects: Readonly<Record<string, R2Stored>>, fault?: R2Fault) {
    const r2 = createR2(objects);
    if (fault) r2.faults.add(fault);
    const media = { binding: "MEDIA_BUCKET", prefix };
    const { ROUTES, ...vars } = VARS;
    const raster = ROUTES.filter(({ svg, signed }) => !svg && !signed);
    bucket = bucketOf({ ...vars, ROUTES: raster, BUCKETS: { media }, MEDIA_BUCKET: r2, IMAGES });
    return r2;
  }
  const object = { body: JPEG, type: "image/jpeg" };

  test("an object has what R2 says of it, and needs no credential", async () => {
    const r2 = r2Of({ [KEY]: { ...object, customMetadata: { focus: "0.2,0.3" } } });
    expect(await open()).toMatchObject({
      etag: expect.stringMatching(/^[0-9a-f]{32}$/),
      type: "image/jpeg",
      length: JPEG.length,
      lastModified: "Tue, 24 Nov 2026 09:00:00 GMT",
      metadata: new Map([["focus", "0.2,0.3"]]),
      credential: undefined,
    });
    const range = { offset: 0, length: 1024 };
    expect([r2.calls, asked]).toEqual([[{ method: "get", key: KEY, range }], []]);
  });

  test.each<[string, Record<string, R2Stored>, R2Fault | undefined, object]>([
    ["that is missing", {}, undefined, { event: "object-missing", certain: true }],
    [
      "that is empty",
      { [KEY]: { ...object, body: new Uint8Array() } },
      undefined,
      { type: "none", length: 0 },
    ],
    [
      "of an R2 that throws",
      { [KEY]: object },
      "throws",
      { event: "origin-failed", passing: true },
    ],
    [
      "with an encoding",
      { [KEY]: { ...object, encoding: "gzip" } },
      undefined,
      { type: "unknown" },
    ],
  ])("an object %s", async (_what, objects, fault, facts) => {
    r2Of(objects, fault);
    expect(await open()).toMatchObject(facts);
  });

  test("an R2 that is silent is given up after 5 s", async () => {
    stopClock();
    vi.setSystemTime(NOW);
    r2Of({ [KEY]: object }, "stall");
    const opened = result();
    await fireTimer();
    expect([await opened, Date.now() - NOW]).toEqual(["timed-out", 5_000]);
  });

  test.each<R2Fault>(["says-less", "says-more", "cut-short"])(
    "an object that %s fails while it is read",
    async (fault) => {
      r2Of({ [KEY]: object }, fault);
      const opened = await open({ part: "whole" });
      if ("event" in opened) return expect(opened.event).toBe("origin-failed");
      await expect(new Response(opened.body.stream).bytes()).rejects.toThrow();
      expect(await opened.body.failure).toMatchObject({ event: "origin-failed" });
    },
  );
});
