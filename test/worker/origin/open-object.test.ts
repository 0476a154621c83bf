// The one function that opens an object: which credentials it asks S3 with and in what order, what each answer of
// S3 and R2 means, and what it learns.

import { beforeEach, describe, expect, test, vi } from "vitest";
import type { R2Fault, R2Stored } from "../../../src/emulator/r2/r2.ts";
import { createR2 } from "../../../src/emulator/r2/r2.ts";
import { fetchOverlayValidators } from "../../../src/worker/binding/overlays.ts";
import type { Bucket } from "../../../src/worker/config/bucket.ts";
import { bucketMemoryOf } from "../../../src/worker/origin/memories.ts";
import { openObject, readHeader } from "../../../src/worker/origin/open-object.ts";
import { fireTimer, stopClock, stopTimers } from "../../support/clock.ts";
import { bucketOf } from "../../support/config-of.ts";
import { credentialsIn } from "../../support/credentials-in.ts";
import { file } from "../../support/emulators.ts";
import { BUCKET_URL, CREDENTIALS, NEXT, NEXT_CREDENTIALS, VARS } from "../../support/env.ts";
import { answerOf, KEYLESS, SESSION } from "../../support/issuer.ts";

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
let credentials: string[];
let requests: Request[];
let sessions: number;
let logged: unknown[];
let bucket: Bucket;

const inSlots = () => bucketOf(NEXT);

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"], now: NOW });
  vi.stubGlobal("scheduler", { wait: async () => {} });
  [answers, credentials, requests, sessions, logged, bucket] = [{}, [], [], 0, [], inSlots()];

  for (const level of ["info", "warn", "error"] as const) {
    vi.spyOn(console, level).mockImplementation((line: string) => logged.push(line));
  }

  vi.spyOn(globalThis, "fetch").mockImplementation(async (input, init) => {
    const request = new Request(input, init);
    if (request.url.startsWith("https://sts.")) {
      if (answers["sts"]) return answers["sts"]();
      const accessKeyId = `ASIA${++sessions}`.padEnd(20, "X");
      return new Response(answerOf(Date.now() + 3_600_000, { ...SESSION, accessKeyId }));
    }

    const [, id = ""] = /Credential=(\w+)/.exec(request.headers.get("authorization") ?? "") ?? [];
    const name = NAMES[id] ?? id.replace(/X+$/, "");
    credentials.push(name);
    requests.push(request);

    return (answers[name] ?? jpeg)();
  });

  return () => void vi.useRealTimers();
});

const context = { waitUntil: () => {} };
type Options = Partial<Parameters<typeof openObject>[2]>;

const open = (options: Options = {}, key = KEY) =>
  openObject(bucket, key, { part: "head", context, deadline: Date.now() + 15_000, ...options });

/** What came of it: `ok`, or the refusal's event. */
async function result(options: Options = {}): Promise<string> {
  const opened = await open(options);
  return "event" in opened ? opened.event : "ok";
}

/** The result of what waits for a timer, and after how many ms. */
async function giveUp(open: () => Promise<string>) {
  stopClock();
  vi.setSystemTime(NOW);
  const opened = open();
  await fireTimer();
  return [await opened, Date.now() - NOW];
}

/** Why an object that is opened whole fails, at once or while it is read. */
async function failure(): Promise<object> {
  const opened = await open({ part: "whole" });
  if ("event" in opened) return opened;
  await expect(new Response(opened.body.stream).bytes()).rejects.toThrow();
  return opened.body.failure;
}

/** The same of an overlay, for which S3 is asked once more. */
async function overlay({ deadline = Date.now() + 15_000 }: Options = {}): Promise<string> {
  const image = { fit: "scale-down", metadata: "none", anim: false } as const;
  const draw = [{ key: "a.png" }];

  const variant = {
    preset: "card",
    format: "auto",
    avif: true,
    image: { ...image, draw },
  } as const;

  const validators = await fetchOverlayValidators(bucket, variant, { context, deadline });
  return "event" in validators ? validators.event : "ok";
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
const BUSY = error("SlowDown", 503);
const EXPIRED = error("ExpiredToken");
const SKEWED = error("RequestTimeTooSkewed");
const broken: Answer = () => Promise.reject(new TypeError("network connection lost"));

test("S3 is asked for the first bytes, signed, and neither a cache nor a redirect is used (A14, A16)", async () => {
  await open();
  const [request] = requests;
  expect(request?.url).toBe(`${BUCKET_URL}${KEY}`);
  expect(request?.method).toBe("GET");
  expect(request?.cache).toBe("no-store");
  expect(request?.redirect).toBe("manual");

  const headers = Object.fromEntries(request?.headers ?? []);
  expect(headers["authorization"]).toContain(CREDENTIALS.accessKeyId);
  expect(headers).toMatchObject({ range: "bytes=0-1023", "accept-encoding": "identity" });
  expect(headers["x-amz-date"]).toBe("20261126T120000Z");
  expect(Object.keys(headers).filter((name) => /^if-/.test(name))).toEqual([]);

  await open({ part: "whole" });
  expect(requests[1]?.headers.has("range")).toBe(false);
});

describe("of two slots", () => {
  const DEAD = error("InvalidAccessKeyId");
  const DENIED = error("AccessDenied");
  const OTHER_DENIAL = error("AccountProblem");
  const WITHOUT_CODE = error("");
  const UNCLEAR = error("InvalidRequest", 400);
  const NO_KMS = error("KMS.DisabledException", 400);
  const ARCHIVED = error("InvalidObjectState");
  const MISSING = error("NoSuchKey", 404);
  const ELSEWHERE = error("PermanentRedirect", 301, { "x-amz-bucket-region": "eu-central-1" });

  type Answers = [what: string, current: Answer, next: Answer];

  type Row = [...Answers, event: string, asked?: 1 | 2, certain?: boolean];

  test.each<Row>([
    ["the first gives it", jpeg, jpeg, "ok", 1],
    ["the first is refused", DEAD, jpeg, "ok"],
    ["the first is denied it (A6)", DENIED, jpeg, "ok"],
    ["the first is denied it with another code", OTHER_DENIAL, jpeg, "ok"],
    ["the first is denied it without a code", WITHOUT_CODE, jpeg, "ok"],
    ["KMS denies it to the first", NO_KMS, jpeg, "ok"],
    ["S3 has an unknown code for the first", UNCLEAR, jpeg, "ok"],
    ["no code is a word of JavaScript", error("constructor"), jpeg, "ok"],
    ["both are denied it", DENIED, DENIED, "object-denied", 2, true],
    ["both are denied it with another code", OTHER_DENIAL, OTHER_DENIAL, "object-denied", 2, true],
    ["both are denied it by KMS", NO_KMS, NO_KMS, "object-denied", 2, true],
    ["both are denied it without a code", WITHOUT_CODE, WITHOUT_CODE, "object-denied", 2, false],
    ["one is, and one with a code", WITHOUT_CODE, DENIED, "object-denied", 2, true],
    ["one with a code, and one without", DENIED, WITHOUT_CODE, "object-denied", 2, true],
    ["one denied, one dead", DENIED, DEAD, "object-denied", 2, true],
    ["one dead, one denied", DEAD, DENIED, "object-denied", 2, true],
    ["one dead, one denied by KMS", DEAD, NO_KMS, "object-denied", 2, true],
    ["one denied, one unclear", DENIED, UNCLEAR, "object-denied", 2, false],
    ["one unclear, one denied", UNCLEAR, DENIED, "object-denied", 2, false],
    ["one denied, and S3 is busy", DENIED, BUSY, "object-denied", 2, false],
    ["one denied, and S3 fails", DENIED, broken, "object-denied", 2, false],
    ["one denied, and a host has no answer", DENIED, error("", 504), "object-denied", 2, false],
    ["one denied, and it is missing", DENIED, MISSING, "object-missing", 2, true],
    ["one denied, and it is in an archive (A9)", DENIED, ARCHIVED, "object-denied", 2, true],
    ["both are unclear", UNCLEAR, UNCLEAR, "origin-denied", 2, false],
    ["one dead, one unclear", DEAD, UNCLEAR, "origin-denied", 2, false],
    ["it is in an archive (A9)", ARCHIVED, jpeg, "object-denied", 1, true],
    ["its deletion is marked", error("MethodNotAllowed", 405), jpeg, "object-denied", 1, true],
    ["it is gone", error("", 410), jpeg, "object-denied", 1, false],
    ["a court denies it", error("", 451), jpeg, "object-denied", 1, false],
    [
      "no object can have its key (A10)",
      error("KeyTooLongError", 400),
      jpeg,
      "object-missing",
      1,
      true,
    ],
    ["both are refused", DEAD, DEAD, "slots-refused"],
    ["it is missing for one", MISSING, jpeg, "object-missing", 1, true],
    ["it is missing for two", DEAD, MISSING, "object-missing", 2, true],
    ["S3 is busy (A9)", BUSY, jpeg, "origin-failed", 1],
    ["S3 fails", broken, jpeg, "origin-failed", 1],
    ["the clock is wrong (A8)", SKEWED, jpeg, "origin-denied", 1],
    ["S3 redirects (A5)", error("", 301), jpeg, "origin-denied", 1],
    ["the bucket is elsewhere (A5)", ELSEWHERE, jpeg, "origin-denied", 1],
  ])("%s", async (_what, current, next, event, times = 2, certain) => {
    answers = { current, next };
    const opened = await open();
    expect("event" in opened ? opened.event : "ok").toBe(event);
    expect(credentials).toEqual(["current", "next"].slice(0, times));
    if (certain !== undefined) expect("certain" in opened && opened.certain === true).toBe(certain);
    if (!("event" in opened)) expect(opened.credential).toMatchObject({ name: credentials.at(-1) });
  });

  test.each([
    [403, "SignatureDoesNotMatch"],
    [403, "InvalidAccessKeyId"],
    [400, "ExpiredToken"],
    [403, "ExpiredToken"],
    [400, "AuthorizationHeaderMalformed"],
    [400, "InvalidArgument"],
    [403, "InvalidSecurity"],
    [400, "InvalidToken"],
    [401, "Unauthorized"],
    [401, ""],
  ])("%s %s is the slot's fault, in any region: it comes last (A7)", async (status, code) => {
    answers["current"] = error(code, status, { "x-amz-bucket-region": "eu-west-1" });
    expect(await result()).toBe("ok");
    expect(await result()).toBe("ok");
    expect(credentials).toEqual(["current", "next", "next"]);
    const { refused } = bucketMemoryOf(bucket).state();
    expect(refused.current).toEqual({ s3Code: code || `${status}`, refusedAt: NOW });
  });

  test("the one that S3 refuses is asked with again after a minute, and used again once it works", async () => {
    answers["current"] = DEAD;
    for (const seconds of [0, 59, 1, 59]) {
      vi.setSystemTime(Date.now() + seconds * 1000);
      expect(await result()).toBe("ok");
    }

    expect(credentials).toEqual(["current", "next", "next", "current", "next", "next"]);

    delete answers["current"];
    vi.setSystemTime(Date.now() + 1000);
    expect(await result()).toBe("ok");
    expect(await result()).toBe("ok");
    expect(credentials.slice(6)).toEqual(["current", "current"]);

    const current = { bucket: "media", slot: "current", access_key: "…MPLE" };
    expect(logged.map((line) => JSON.parse(`${line}`))).toMatchObject([
      { event: "slot-refused", ...current, origin: "InvalidAccessKeyId" },
      { event: "slot-in-use", bucket: "media", slot: "next", access_key: "…TKEY" },
      { event: "slot-in-use", ...current },
    ]);
  });

  test("the one that S3 refuses is asked with at once where the other one fails, too", async () => {
    answers["current"] = DEAD;
    await open();
    answers = { next: DEAD };
    expect(await result()).toBe("ok");
    expect(credentials).toEqual(["current", "next", "next", "current"]);
  });

  test.each([
    ["is busy", error("SlowDown", 503)],
    ["does not answer", broken],
    ["says nothing", error("")],
    ["finds the clock wrong", SKEWED],
  ])("where S3 %s when a refused one is tried again, it stays refused", async (_what, answer) => {
    answers["current"] = DEAD;
    await open();
    vi.setSystemTime(NOW + 60_000);
    answers["current"] = answer;
    await open();
    expect(bucketMemoryOf(bucket).state().refused.current?.s3Code).toBe("InvalidAccessKeyId");
  });

  test("both refused are reported once a minute, with S3's codes and no whole key id", async () => {
    answers = { current: DEAD, next: error("SignatureDoesNotMatch") };
    const refusals = [await open(), await open()];
    vi.setSystemTime(NOW + 60_000);
    refusals.push(await open());

    const slots = [
      { slot: "current", s3Code: "InvalidAccessKeyId", access_key: "…MPLE" },
      { slot: "next", s3Code: "SignatureDoesNotMatch", access_key: "…TKEY" },
    ];

    expect(refusals).toMatchObject([
      { slots, repeated: false, reason: expect.stringContaining("npx vitrine doctor") },
      { slots, repeated: true },
      { slots, repeated: false },
    ]);
    expect(logged).toEqual([]);

    // One is back for a moment.
    answers = { current: DEAD };
    expect(await result()).toBe("ok");
    expect(logged).toEqual([
      expect.stringContaining('"slot-in-use","bucket":"media","slot":"next"'),
    ]);

    answers = { current: DEAD, next: error("SignatureDoesNotMatch") };
    expect(await open()).toMatchObject({ slots, repeated: false });

    // And once more.
    answers = { current: DEAD };
    expect(await result()).toBe("ok");
    expect(logged).toHaveLength(2);
    expect(logged[1]).toEqual(logged[0]);
  });

  test("one key in both, as at the end of a rotation, is asked with once", async () => {
    const { AWS_ACCESS_KEY_ID_NEXT, AWS_SECRET_ACCESS_KEY_NEXT } = NEXT;
    const now = {
      AWS_ACCESS_KEY_ID: AWS_ACCESS_KEY_ID_NEXT,
      AWS_SECRET_ACCESS_KEY: AWS_SECRET_ACCESS_KEY_NEXT,
    };

    bucket = bucketOf({ ...NEXT, ...now });
    answers["next"] = DENIED;
    expect(await result()).toBe("object-denied");
    expect(credentials).toEqual(["next"]);
  });

  test("the credential that is told is used alone, and nothing is learned", async () => {
    const before = bucketMemoryOf(bucket).state();
    const [current, next] = bucket.distinctSlots;
    answers["current"] = DEAD;

    expect(await open({ credential: current ?? expect.unreachable() })).toMatchObject({
      event: "origin-denied",
      s3: { status: 403, code: "InvalidAccessKeyId" },
    });
    expect(await result({ credential: next ?? expect.unreachable() })).toBe("ok");
    expect(credentials).toEqual(["current", "next"]);
    expect(bucketMemoryOf(bucket).state()).toEqual(before);
    expect(logged).toEqual([]);
  });
});

describe("what S3 says", () => {
  const IN_EU = { "x-amz-bucket-region": "eu-central-1" };
  const NO_REGION = { "x-amz-bucket-region": "eu-central-1: run npx evil" };
  const LATER = { date: "Thu, 26 Nov 2026 12:20:00 GMT" };
  const ELSEWHERE = { reason: "the bucket is in eu-central-1: set region (and endpoint)" };
  const AHEAD = { reason: "S3's clock is 1201 s ahead of the Worker's", s3: { ahead: 1201 } };
  const FAR = { reason: "S3's clock is over 15 minutes from the Worker's" };
  const NO_BUCKET = { event: "origin-denied", reason: "check bucket" };
  const NO_CODE = { event: "object-missing", s3Code: "404" };
  const X64 = "X".repeat(64);

  test.each<{ title: string; answer: Answer; facts: object }>([
    {
      title: "of the bucket's region (A5)",
      answer: error("IllegalLocationConstraint", 400, IN_EU),
      facts: ELSEWHERE,
    },
    {
      title: "a region that is none",
      answer: error("", 301, NO_REGION),
      facts: { reason: /^S3 redirects/ },
    },
    { title: "of its clock (A8)", answer: error("RequestTimeTooSkewed", 403, LATER), facts: AHEAD },
    { title: "no date", answer: SKEWED, facts: FAR },
    { title: "of the bucket", answer: error("NoSuchBucket", 404), facts: NO_BUCKET },
    {
      title: "of an archive",
      answer: error("InvalidObjectState"),
      facts: { reason: "in an archive: restore it" },
    },
    { title: "no code of a missing object", answer: error("", 404), facts: NO_CODE },
    {
      title: "with a dot",
      answer: error("KMS.DisabledException", 400),
      facts: { s3Code: "KMS.DisabledException" },
    },
    { title: "in 64 letters", answer: error(X64, 400), facts: { s3Code: X64 } },
    { title: "in 65 letters", answer: error(`${X64}X`, 400), facts: { s3Code: undefined } },
    {
      title: "in time, of a host in front of it",
      answer: error("", 504),
      facts: { event: "timed-out" },
    },
    {
      title: "that it is too busy",
      answer: error("", 429),
      facts: { event: "origin-failed", isTransient: true },
    },
    {
      title: "of no part",
      answer: () => new Response(null, { status: 204 }),
      facts: { event: "origin-failed" },
    },
  ])("$title is in the refusal", async ({ answer, facts }) => {
    bucket = bucketOf();
    answers["current"] = answer;
    expect(await open()).toMatchObject(facts);
  });

  test("an error is read no further than its code, though its body never ends", async () => {
    bucket = bucketOf();
    const start = (stream: ReadableStreamDefaultController) =>
      stream.enqueue(new TextEncoder().encode("<Error><Code>Slow</Code></Error>"));
    answers["current"] = () => new Response(new ReadableStream({ start }), { status: 403 });
    expect(await open()).toMatchObject({ s3Code: "Slow" });
  });

  const REDIRECT = "PermanentRedirect";
  test.each<[string, (sent: string) => Answer]>([
    ["code", (sent) => error(sent, 400)],
    ["region", (sent) => error(REDIRECT, 301, { "x-amz-bucket-region": sent })],
    ["region in XML", (sent) => error(`${REDIRECT}</Code><Region>${sent}</Region><Code>`, 301)],
  ])("as a %s, and was sent, is in no refusal", async (_what, answerWith) => {
    bucket = bucketOf(KEYLESS);
    await open();

    for (const at of credentialsIn(requests[0]).keys()) {
      let sent = "";
      answers["ASIA1"] = () => {
        sent = credentialsIn(requests.at(-1))[at] ?? expect.unreachable();
        return answerWith(sent)();
      };

      const text = JSON.stringify(await open());
      expect(sent).not.toBe("");
      expect(text.toLowerCase()).not.toContain(sent.toLowerCase());
    }
  });
});

describe("an S3 that is busy, or silent", () => {
  test.each<{ title: string; answer: Answer; event: string; times: number; open: typeof result }>([
    { title: "busy once, of an overlay (A9)", answer: BUSY, event: "ok", times: 2, open: overlay },
    {
      title: "busy once, of an object, for which others ask again",
      answer: BUSY,
      event: "origin-failed",
      times: 1,
      open: result,
    },
    {
      title: "missing is no reason to ask again",
      answer: error("NoSuchKey", 404),
      event: "origin-failed",
      times: 1,
      open: overlay,
    },
  ])("$title", async ({ answer, event, times, open }) => {
    answers["current"] = () => (credentials.length === 1 ? answer() : jpeg());
    expect(await open()).toEqual(event);
    expect(credentials.length).toEqual(times);
  });

  test("busy twice is an outage", async () => {
    answers["current"] = BUSY;
    expect(await overlay()).toBe("origin-failed");
    expect(credentials.length).toBe(2);
  });

  test.each([
    [15_000, 5_000],
    [2_000, 2_000],
  ])("silent, with %d ms left, is given up after %d ms, not asked again", async (remaining, ms) => {
    answers["current"] = silent;
    expect(await giveUp(() => overlay({ deadline: NOW + remaining }))).toEqual(["timed-out", ms]);
    expect(credentials).toEqual(["current"]);
  });

  test("a body of which nothing comes is given up, too", async () => {
    answers["current"] = part({}, new ReadableStream());
    expect(await giveUp(result)).toEqual(["timed-out", 5_000]);
  });

  test("no request is sent after the deadline", async () => {
    expect(await result({ deadline: NOW })).toBe("timed-out");
    expect(credentials).toEqual([]);
  });
});

describe("an object", () => {
  const FIG = { etag: "abc", validator: "abc", type: "image/jpeg", length: JPEG.length };
  const DATE = "Tue, 24 Nov 2026 09:00:00 GMT";
  const named = (etag: string) => part({ etag });

  const FAILED = { event: "origin-failed" };
  const GZIP = { "content-encoding": "gzip" };
  const LENGTH = `${JPEG.length}`;
  const IS_DATED = { etag: undefined, validator: `${DATE} ${LENGTH}` };
  const META = { "x-amz-meta-focus": "0.2,0.3", "x-amz-id-2": "no" };
  const whole = () => new Response(JPEG, { headers: { etag: '"abc"', "content-length": LENGTH } });
  const short = () => {
    const headers = { "content-range": `bytes 0-1023/${LENGTH}` };
    return new Response(HEAD.slice(0, 2), { status: 206, headers });
  };
  const undecodable = () => part(GZIP, streamOf(HEAD.slice(0, 100), "break"))();
  const OTHER_PART = { "content-range": `bytes 1024-2047/${LENGTH}` };
  const NO_PART = error("InvalidRange", 416, { "content-range": `bytes */${LENGTH}` });

  test.each<{ title: string; answer: Answer; facts: object }>([
    { title: "as S3 sends it", answer: jpeg, facts: { ...FIG, lastModified: DATE } },
    { title: "with a weak ETag", answer: named('W/"abc"'), facts: FIG },
    {
      title: "with an ETag of parts",
      answer: named('"abc-12"'),
      facts: { ...FIG, etag: "abc-12", validator: "abc-12" },
    },
    { title: "with an empty ETag, which names nothing", answer: named('""'), facts: IS_DATED },
    {
      title: "with metadata",
      answer: part(META),
      facts: { metadata: new Map([["focus", "0.2,0.3"]]) },
    },
    {
      title: "with an encoding",
      answer: part(GZIP),
      facts: { etag: "abc", type: "unknown", length: undefined },
    },
    {
      title: "that says another type",
      answer: part({ "content-type": "image/png" }),
      facts: { type: "image/jpeg" },
    },
    { title: "of a server that ignores Range (A14)", answer: whole, facts: FIG },
    {
      title: "that is empty (A14)",
      answer: error("InvalidRange", 416),
      facts: { type: "none", length: 0 },
    },
    {
      title: "that is not empty, and has no such part all the same",
      answer: NO_PART,
      facts: { event: "origin-denied" },
    },
    {
      title: "of an unknown length",
      answer: part({ "content-range": "bytes 0-1023/*" }),
      facts: { length: undefined },
    },
    {
      title: "of a length that is no number",
      answer: part({ "content-range": `bytes 0-1023/${JPEG.length}?` }),
      facts: { length: undefined },
    },
    {
      title: "of which nothing comes, and no length is said",
      answer: () => new Response(""),
      facts: { type: "unknown" },
    },
    {
      title: "of which a part cannot be decoded",
      answer: undecodable,
      facts: { etag: "abc", type: "unknown" },
    },
    { title: "of which another part comes", answer: part(OTHER_PART), facts: FAILED },
    {
      title: "whose part is shorter than its range",
      answer: short,
      facts: { ...FAILED, isTransient: true },
    },
  ])("$title", async ({ answer, facts }) => {
    answers["current"] = answer;
    expect(await open()).toMatchObject(facts);
  });

  test.each<{ title: string; changed: Record<string, string>; validator: string | undefined }>([
    { title: "its date and its length", changed: {}, validator: `${DATE} ${JPEG.length}` },
    {
      title: "nothing, without a length",
      changed: { "content-range": "bytes 0-1023/*" },
      validator: undefined,
    },
    { title: "nothing, without a date", changed: { "last-modified": "" }, validator: undefined },
  ])("without an ETag is named by $title", async ({ changed, validator }) => {
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

  const streamOf = (bytes: Uint8Array, ending: "close" | "break") =>
    new ReadableStream({
      start: (stream) => stream.enqueue(bytes.slice(0, 1500)),
      pull: (stream) => {
        if (bytes.length > 1500) stream.enqueue(bytes.slice(1500));
        if (ending === "close") stream.close();
        else stream.error(new Error("reset"));
      },
    });

  test.each<{ title: string; bytes: Uint8Array; ending: "close" | "break" }>([
    { title: "is shorter", bytes: HEAD.slice(0, 100), ending: "close" },
    { title: "is longer", bytes: JPEG.slice(0, 2000), ending: "close" },
    { title: "breaks off", bytes: HEAD.slice(0, 100), ending: "break" },
  ])("whose beginning $title than S3 says is not opened", async ({ bytes, ending }) => {
    answers["current"] = part({}, streamOf(bytes, ending));
    expect(await open()).toMatchObject({ event: "origin-failed", isTransient: true });
  });

  test.each<{ title: string; bytes: Uint8Array; ending: "close" | "break" }>([
    { title: "is shorter", bytes: JPEG.slice(0, 2000), ending: "close" },
    { title: "is longer", bytes: Buffer.concat([JPEG, JPEG]), ending: "close" },
    { title: "breaks off", bytes: JPEG.slice(0, 2000), ending: "break" },
  ])("that $title than S3 says fails while it is read", async ({ bytes, ending }) => {
    const headers = { "content-length": `${JPEG.length}` };
    answers["current"] = () => new Response(streamOf(bytes, ending), { headers });
    expect(await failure()).toMatchObject({ event: "origin-failed", isTransient: true });
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
    bucket = bucketOf(KEYLESS);
  });

  /** Lets the first session be old enough to be renewed. */
  async function age(): Promise<void> {
    expect(await result()).toBe("ok");
    expect(requests[0]?.headers.get("x-amz-security-token")).toBe(SESSION.sessionToken);
    vi.setSystemTime(NOW + 600_000);
    credentials = [];
  }

  test.each(["ExpiredToken", "InvalidToken", "InvalidAccessKeyId", "SignatureDoesNotMatch"])(
    "that S3 refuses with %s is renewed once: many visitors at once get the object",
    async (code) => {
      await age();
      answers["ASIA1"] = error(code);
      const results = await Promise.all(Array.from({ length: 20 }, () => result()));
      expect(new Set(results)).toEqual(new Set(["ok"]));
      expect(sessions).toBe(2);
    },
  );

  test("that S3 refuses, and its successor, too, is a slot refused, reported once a minute", async () => {
    await age();
    answers = { ASIA1: error("InvalidToken"), ASIA2: error("InvalidToken") };
    const refused = { event: "role-refused", code: "InvalidToken" };

    expect(await open()).toMatchObject({ ...refused, repeated: false });
    expect(credentials).toEqual(["ASIA1", "ASIA2"]);
    expect(await open()).toMatchObject({ ...refused, repeated: true });
    expect(credentials).toEqual(["ASIA1", "ASIA2", "ASIA2"]);
    expect(sessions).toBe(2); // a new one is not renewed
  });

  test("that one bucket's S3 refuses opens others while STS fails, and no longer", async () => {
    await age();
    const [media, other] = [bucket, { ...bucket, baseUrl: "https://other.example/" }];
    const answer = () => (requests.at(-1)?.url.startsWith(BUCKET_URL) ? jpeg : EXPIRED)();
    answers = { ASIA1: answer, sts: BUSY };

    for (const [next, event] of [[other, "role-refused"] as const, [media, "ok"] as const]) {
      bucket = next;
      expect(await result()).toEqual(event);
      expect(await result()).toEqual(event);
    }

    answers = { ASIA1: answer };
    vi.setSystemTime(Date.now() + 3_000);
    credentials = [];
    bucket = other;

    expect(await result()).toBe("ok");
    expect(await result()).toBe("ok");

    bucket = media;
    expect(await result()).toBe("ok");
    expect(credentials).toEqual(["ASIA1", "ASIA2", "ASIA2", "ASIA2"]);
  });

  test.each([
    ["AccessDenied", "object-denied"],
    ["NoSuchKey", "object-missing"],
    ["RequestTimeTooSkewed", "origin-denied"],
  ])("stays after %s", async (code, event) => {
    await age();
    answers["ASIA1"] = error(code);
    expect(await result()).toEqual(event);
    expect(sessions).toBe(1);
  });
});

describe("R2 by its binding", () => {
  const IMAGES = { input: () => {}, info: () => {} };

  function r2Of(objects: Readonly<Record<string, R2Stored>>, fault?: R2Fault) {
    const r2 = createR2(objects);
    if (fault) r2.faults.add(fault);
    const media = { binding: "MEDIA_BUCKET", prefix: VARS.BUCKETS.media.prefix };
    const [ROUTE] = VARS.ROUTES;
    bucket = bucketOf({ ROUTES: [ROUTE], BUCKETS: { media }, MEDIA_BUCKET: r2, IMAGES });
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
    expect(r2.calls).toEqual([{ method: "get", key: KEY, range }]);
    expect(credentials).toEqual([]);
  });

  test.each<{
    title: string;
    change: Partial<R2Stored> | undefined;
    facts: object;
    fault?: R2Fault;
  }>([
    {
      title: "that is missing",
      change: undefined,
      facts: { event: "object-missing", certain: true },
    },
    {
      title: "that is empty",
      change: { body: new Uint8Array() },
      facts: { type: "none", length: 0 },
    },
    {
      title: "R2 throws for",
      change: {},
      facts: { event: "origin-failed", isTransient: true },
      fault: "throws",
    },
    { title: "with an encoding", change: { encoding: "gzip" }, facts: { type: "unknown" } },
  ])("an object $title", async ({ change, facts, fault }) => {
    r2Of(change ? { [KEY]: { ...object, ...change } } : {}, fault);
    expect(await open()).toMatchObject(facts);
  });

  test("an R2 that is silent is given up after 5 s", async () => {
    r2Of({ [KEY]: object }, "stall");
    expect(await giveUp(result)).toEqual(["timed-out", 5_000]);
  });

  test.each<R2Fault>(["says-less", "says-more", "cut-short"])(
    "an object that %s fails while it is read",
    async (fault) => {
      r2Of({ [KEY]: object }, fault);
      expect(await failure()).toMatchObject({ event: "origin-failed" });
    },
  );
});

describe("more first bytes of a JPEG that does not tell its sides in the first KB", () => {
  const LENGTH = 300_000;
  const segment = Buffer.concat([Buffer.from([0xff, 0xe2, 0xff, 0xff]), Buffer.alloc(65_533)]);
  const camera = Buffer.concat([JPEG.subarray(0, 2), segment, JPEG.subarray(2)]);
  const more = camera.subarray(1024);
  const MORE = {
    "content-length": `${more.length}`,
    "content-range": `bytes 1024-131071/${LENGTH}`,
  };

  /** Reads them, where S3 has answered the first request with these bytes, and answers the second one with this. */
  async function read(
    answer: Answer,
    { head = camera.subarray(0, 1024), ms = 15_000, first = {} } = {},
  ) {
    const headers = {
      "content-range": `bytes 0-1023/${LENGTH}`,
      "content-length": `${head.length}`,
      ...first,
    };

    answers["current"] = part(headers, head);
    const object = await open();
    if ("event" in object) return expect.unreachable();

    answers["current"] = answer;
    answers["next"] = answer;

    return readHeader(bucket, KEY, object, { context, deadline: Date.now() + ms });
  }

  test("are the next 127 KB, by the same key (A14)", async () => {
    const header = await read(part(MORE, more));
    expect(Buffer.compare(header, camera)).toBe(0);
    expect(requests.map(({ headers }) => headers.get("range"))).toEqual([
      "bytes=0-1023",
      "bytes=1024-131071",
    ]);
    expect(credentials).toEqual(["current", "current"]);
  });

  const status = (code: number) => () => new Response(more, { status: code, headers: MORE });
  test.each<[string, Answer]>([
    ["of another object", part({ ...MORE, etag: '"def"' }, more)],
    ["without an ETag", part({ ...MORE, etag: "" }, more)],
    ["from another place", part({ ...MORE, "content-range": "bytes 0-1023/300000" }, more)],
    ["without a place", part({ ...MORE, "content-range": "" }, more)],
    ["encoded", part({ ...MORE, "content-encoding": "gzip" }, more)],
    ["shorter than promised", part({ ...MORE, "content-length": "130048" }, more)],
    ["longer than promised", part({ ...MORE, "content-length": "9" }, more)],
    ["the whole object", status(200)],
    ["a redirect", status(307)],
    ["no such range", status(416)],
    ["a denial", error("AccessDenied")],
    ["a refused key", error("InvalidAccessKeyId")],
    ["busy", error("SlowDown", 503)],
    ["no answer", broken],
  ])("%s, are not used, and not asked for again (A14)", async (_what, answer) => {
    expect(await read(answer)).toHaveLength(1024);
    expect(credentials).toEqual(["current", "current"]);
  });

  test("do not fit behind a head that is too short (A14)", async () => {
    const head = camera.subarray(0, 500);
    expect(await read(part(MORE, more), { head })).toHaveLength(500);
    expect(requests).toHaveLength(1);
  });

  test.each<[string, object]>([
    ["no ETag names the object", { first: { etag: "" } }],
    ["it has no more of them", { first: { "content-range": "bytes 0-1023/1024" } }],
    ["it is no JPEG", { head: Buffer.alloc(1024, "not an image") }],
  ])("are not asked for if %s (A14)", async (_reason, settings) => {
    const answer = part({ ...MORE, etag: "" }, more);
    expect(await read(answer, settings)).toHaveLength(1024);
    expect(requests).toHaveLength(1);
  });

  test.each([
    [15_000, 1_000],
    [1_000, 250],
  ])("do not take the engine's time: of %i ms, %i ms", async (ms, expected) => {
    const finish = stopTimers();
    const { value, took } = await finish(read(silent, { ms }));
    expect(value.length).toBe(1024);
    expect(took).toEqual(expected);
  });
});
