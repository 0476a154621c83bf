// The keys of an issuer of tokens over time: when the issuer is asked, what serves meanwhile, and what is logged where it
// gives none. Which of its keys opens a token, and which never does.

import { generateKeyPairSync } from "node:crypto";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { findKey, type KeyLookup } from "../../../src/worker/request/token-keys.ts";
import { fireTimer, stopClock } from "../../support/clock.ts";
import { endlessBody } from "../../support/network.ts";
import { overhear, readLogLine } from "../../support/overheard.ts";

const KEYS = "https://login.example.com/.well-known/jwks.json";
const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

const now = () => Date.now();
const pass = (ms: number) => void vi.setSystemTime(now() + ms);

type Jwk = Readonly<Record<string, unknown>>;
const EC = publicJwk(generateKeyPairSync("ec", { namedCurve: "P-256" }));
const OTHER_EC = publicJwk(generateKeyPairSync("ec", { namedCurve: "P-256" }));
const RSA = publicJwk(generateKeyPairSync("rsa", { modulusLength: 2048 }));
const SHORT_RSA = publicJwk(generateKeyPairSync("rsa", { modulusLength: 1024 }));
const PAIR = generateKeyPairSync("ec", { namedCurve: "P-256" });

function publicJwk({ publicKey }: ReturnType<typeof generateKeyPairSync>): Jwk {
  return { ...publicKey.export({ format: "jwk" }) };
}

/** The requests to the issuer, how it answers the next ones, and the lines of the log. */
let requests: { url: string; init: RequestInit }[] = [];
let answer: () => Response | Promise<Response>;
let lines: Record<string, unknown>[] = [];
let after: Promise<unknown>[] = [];
let config: object = {};

const context = { waitUntil: (work: Promise<unknown>) => void after.push(work) };
const give =
  (...keys: readonly Jwk[]) =>
  () =>
    Response.json({ keys });

beforeEach(() => {
  stopClock();
  vi.setSystemTime(Date.parse("2026-12-02T12:00:00Z"));
  [requests, lines, after, config] = [[], [], [], {}];
  answer = give({ ...EC, kid: "one" });
  vi.spyOn(globalThis, "fetch").mockImplementation(async (url, init = {}) => {
    requests.push({ url: `${url}`, init });
    return answer();
  });

  const log = (line: string) => {
    overhear("logged", line);
    lines.push(readLogLine(line));
  };

  for (const level of ["info", "warn", "error"] as const) {
    vi.spyOn(console, level).mockImplementation(log);
  }
});

/** In place of the name of a key: the token names none. */
const NO_KID = Symbol("no kid");

/** Finds a key as a visitor does who waits so long: ms. */
function find(kid: unknown = "one", alg = "ES256", timeout = 10 * SECOND, url = KEYS) {
  // A visitor's header is JSON: its fields may have any type.
  const header = JSON.parse(JSON.stringify(kid === NO_KID ? { alg } : { alg, kid }));
  return findKey(url, header, { context, config, deadline: now() + timeout });
}
/** What a visitor gets: "key", or why not. */
async function outcome(lookup: Promise<KeyLookup>): Promise<string> {
  const result = await lookup;
  return result.kind === "key" ? "key" : `${result.kind}: ${result.reason}`;
}
/** Lets fetches in the background end. */
const settle = async () => void (await Promise.all(after.splice(0)));

const BODY = "a text of the issuer";
const fail500 = () => new Response(BODY, { status: 500 });
const jwks = (length: number) =>
  JSON.stringify({ keys: [{ ...EC, kid: "one" }], pad: "" }).replace('""', (empty) =>
    JSON.stringify("x".repeat(length - jwksLength + empty.length - 2)),
  );
const jwksLength = JSON.stringify({ keys: [{ ...EC, kid: "one" }], pad: "" }).length;

function broken(): ReadableStream<Uint8Array> {
  return new ReadableStream({ pull: () => Promise.reject(new Error("the connection broke off")) });
}

describe.each<[what: string, respond: () => Response | Promise<Response>, reason: string]>([
  ["an error", fail500, "the issuer answers 500"],
  ["keys with the status 201", () => Response.json({ keys: [] }, { status: 201 }), "answers 201"],
  [
    "a redirect",
    () => new Response(BODY, { status: 302, headers: { location: "https://evil.example/jwks" } }),
    "the issuer answers 302, a redirect: set keys to the URL where it ends",
  ],
  ["65,537 bytes", () => new Response(jwks(65_537)), "the issuer's keys have more than 64 KB"],
  [
    "an endless answer",
    () => new Response(endlessBody()),
    "the issuer's keys have more than 64 KB",
  ],
  ["half an answer", () => new Response(broken()), "the connection broke off"],
  ["no connection", () => Promise.reject(new TypeError("no such host")), "no such host"],
  ["HTML", () => new Response(`<html>${BODY}</html>`), "Set HTTP response as JSON"],
  ["nothing", () => new Response(""), "Set HTTP response as JSON"],
  ["no keys at all", give(), "the issuer's answer has no key for signatures"],
  ["keys for encryption", give({ ...EC, use: "enc" }), "has no key for signatures"],
  ["a key without its parts", give({ kty: "RSA" }, { kty: "EC" }), "has no key for signatures"],
  ["a secret", give({ kty: "oct", k: "AAAA" }), "has no key for signatures"],
  ["JSON that is a list", () => Response.json([BODY]), "JSON Web Key Set malformed"],
  ["JSON without keys", () => Response.json({ error: BODY }), "JSON Web Key Set malformed"],
  ["a key that is a text", () => Response.json({ keys: [EC, BODY] }), "Set malformed"],
])("an issuer that gives %s", (_what, respond, reason) => {
  test("opens nothing where no keys are held, is named in the log, and is not asked for 30 s", async () => {
    answer = respond;
    const first = await find();
    expect(first).toMatchObject({ kind: "keys-failed", repeated: false });
    expect(await outcome(find())).toMatch(/^keys-failed: /);
    expect(await outcome(find())).toContain(reason);
    expect(JSON.stringify(first)).not.toContain(BODY);

    pass(29 * SECOND);
    expect((await find()).kind).toBe("keys-failed");
    expect(requests.length).toBe(1);

    answer = give({ ...EC, kid: "one" });
    pass(SECOND);
    expect((await find()).kind).toBe("key");
    expect(requests.length).toBe(2);
    expect(lines).toEqual([]);
  });

  test("leaves the keys of before in use, and the log says so", async () => {
    await find();
    pass(HOUR);
    answer = respond;

    expect((await find()).kind).toBe("key");

    await settle();
    expect((await find()).kind).toBe("key");
    expect(requests.length).toBe(2);
    expect(lines).toEqual([
      {
        event: "token-keys-old",
        keys: KEYS,
        fetched: "2026-12-02T12:00:00.000Z",
        times: 1,
        reason: expect.stringContaining(reason),
      },
    ]);
    expect(JSON.stringify(lines)).not.toContain(BODY);
  });
});

test("64 KB of keys are read", async () => {
  answer = () => new Response(jwks(65_536));
  expect((await find()).kind).toBe("key");
});

test("keys are asked for without a redirect, and Cloudflare keeps them for a minute, and no failure (C4)", async () => {
  await find();
  expect(requests).toHaveLength(1);
  expect(requests[0]?.url).toBe(KEYS);
  expect(requests[0]?.init).toMatchObject({
    method: "GET",
    redirect: "manual",
    cf: { cacheEverything: true, cacheTtlByStatus: { "200-299": 60, "300-599": -1 } },
  });
});

describe("1,000 visitors at once", () => {
  test("wait for one fetch where there are no keys yet", async () => {
    const lookups = Array.from({ length: 1000 }, () => find());
    const kinds = (await Promise.all(lookups)).map(({ kind }) => kind);
    expect(new Set(kinds)).toEqual(new Set(["key"]));
    expect(requests.length).toBe(1);
  });

  test("of an issuer that fails cause one fetch, and one line of the log", async () => {
    answer = fail500;
    const lookups = await Promise.all(Array.from({ length: 1000 }, () => find()));
    const unrepeated = lookups.filter(
      (lookup) => lookup.kind === "keys-failed" && !lookup.repeated,
    );

    expect(unrepeated.length).toBe(1);
    expect(requests.length).toBe(1);

    pass(MINUTE);
    expect(await find()).toMatchObject({ kind: "keys-failed", repeated: false });
  });

  test("with a key that the issuer has not: one fetch, and they are refused", async () => {
    await find();
    pass(MINUTE);
    const lookups = Array.from({ length: 1000 }, (_, index) => find(`unknown-${index}`));
    const kinds = (await Promise.all(lookups)).map(({ kind }) => kind);
    expect(new Set(kinds)).toEqual(new Set(["no-key"]));
    expect(requests.length).toBe(2);
  });
});

describe("tokens with unknown keys", () => {
  test.each([
    [10_000, "gives its keys", give({ ...EC, kid: "one" })],
    [1000, "is down", fail500],
  ])(
    "%i in an hour cause one request in 30 s to an issuer that %s, and no right token is refused",
    async (tokens, _what, respond) => {
      await find();
      answer = respond;

      for (let index = 0; index < tokens; index++) {
        expect((await find(`unknown-${index}`)).kind).toBe("no-key");
        if (index % 100 === 0) expect((await find()).kind).toBe("key");
        pass(HOUR / tokens);
      }

      expect(requests.length).toBeGreaterThan(100);
      expect(requests.length).toBeLessThanOrEqual(120);
    },
  );

  test.each([
    ["", 0, 30],
    [" and a minute, for which Cloudflare keeps the old ones", MINUTE, 90],
  ])(
    "do not keep an issuer's new key from being seen for more than 30 s%s",
    async (_what, cachedMs, seconds) => {
      let keys = give({ ...EC, kid: "one" });
      let cached: { readonly answer: () => Response; readonly at: number } | undefined;
      answer = () => {
        const isCached = cached && now() - cached.at < cachedMs;
        if (!cached || !isCached) cached = { answer: keys, at: now() };
        return cached.answer();
      };

      await find();
      pass(29 * SECOND);
      keys = give({ ...OTHER_EC, kid: "two" });

      const began = now();
      for (let index = 0; (await find("two")).kind !== "key"; index++) {
        await find(`unknown-${index}`);
        pass(500);
      }

      expect(now() - began).toBeLessThanOrEqual(seconds * SECOND);
    },
  );
});

describe("over time", () => {
  test("keys are fetched again after 10 minutes, by one visitor, and nobody waits", async () => {
    await find();
    pass(10 * MINUTE - 1);
    await find();

    expect(requests).toHaveLength(1);

    pass(1);
    answer = () => new Promise(() => {});
    const kinds = (await Promise.all([find(), find(), find()])).map(({ kind }) => kind);

    expect(kinds).toEqual(["key", "key", "key"]);
    expect(requests.length).toBe(2);
  });

  test("a day without visitors costs no request, and keys of a day ago open nothing", async () => {
    await find();
    pass(24 * HOUR);
    answer = fail500;

    expect(await outcome(find())).toBe("keys-failed: the issuer answers 500");
    expect(requests.length).toBe(2);
  });

  test("an issuer that is down for a day: its keys serve for 24 hours, one request in 30 s, one line a minute", async () => {
    await find();
    answer = fail500;
    let served = 0;

    for (let minute = 0; minute < 25 * 60; minute += 0.5) {
      pass(MINUTE / 2);
      if ((await find()).kind === "key") served += 1;
      await settle();
    }

    expect(served).toBe(24 * 120 - 1);
    expect(requests.length).toBeLessThanOrEqual(25 * 120);
    expect(lines.length).toBeLessThanOrEqual(24 * 60);
    expect(lines.length).toBeGreaterThan(23 * 60);
  });

  test("an issuer's new key opens as soon as the first token names it, and the old one does not any more", async () => {
    await find();
    pass(MINUTE);
    answer = give({ ...OTHER_EC, kid: "two" });
    expect((await find("two")).kind).toBe("key");
    expect(requests.length).toBe(2);
    expect(await outcome(find("one"))).toBe('no-key: the issuer has no key "one" for ES256');
    expect(requests).toHaveLength(2);
  });

  test("a new key that cannot be fetched is refused, and not logged as a failure of the issuer for the visitor", async () => {
    await find();
    pass(MINUTE);
    answer = fail500;

    const reason =
      'no-key: the issuer has no key "two" for ES256, and its keys cannot be renewed: the issuer answers 500';
    expect(await outcome(find("two"))).toBe(reason);
    expect(await outcome(find("three"))).toContain("the issuer answers 500");
    expect(requests).toHaveLength(2);
  });

  test.each([
    ["19 minutes", 19 * MINUTE, "key"],
    ["21 minutes", 21 * MINUTE, "no-key"],
    ["a night", 12 * HOUR, "no-key"],
  ])("a key that the issuer has removed, after nobody came for %s", async (_, silence, opens) => {
    await find();
    pass(silence);
    answer = give({ ...OTHER_EC, kid: "two" });

    expect((await find()).kind).toBe(opens);

    await settle();
    expect((await find()).kind).toBe("no-key");
    expect(requests).toHaveLength(2);
  });

  test("after nobody came for an hour, an issuer that is down costs one visitor the wait", async () => {
    await find();
    pass(HOUR);
    answer = fail500;
    expect((await find()).kind).toBe("key");
    expect((await find()).kind).toBe("key");
    expect(requests).toHaveLength(2);
  });

  test("a clock that is set back by an hour holds up no fetch", async () => {
    await find();
    pass(-HOUR);
    answer = give({ ...OTHER_EC, kid: "two" });
    expect((await find("two")).kind).toBe("key");
    expect(requests.length).toBe(2);
  });
});

describe("an issuer that does not answer", () => {
  beforeEach(() => {
    answer = () => new Promise(() => {});
  });

  test("is waited for for 2 s, and then not asked for 30 s", async () => {
    const began = now();
    const lookup = find();
    await fireTimer();
    expect((await lookup).kind).toBe("keys-failed");
    expect(now() - began).toEqual(2 * SECOND);
    expect((await find()).kind).toBe("keys-failed");
    expect(requests.length).toBe(1);
  });

  test("is waited for no longer than the visitor waits", async () => {
    const began = now();
    const lookup = find("one", "ES256", 300);
    await fireTimer();
    expect((await lookup).kind).toBe("keys-failed");
    expect(now() - began).toBe(300);
    expect((await find("one", "ES256", 0)).kind).toBe("keys-failed");
  });

  test("in the middle of its keys is given up, too", async () => {
    answer = () => new Response(new ReadableStream({ pull: () => new Promise(() => {}) }));
    const lookup = find();
    await fireTimer();
    expect(await outcome(lookup)).toBe("keys-failed: the issuer does not give its keys in time");
  });

  test("and a token with an unknown key: it is refused after 2 s, and others use the old keys meanwhile", async () => {
    answer = give({ ...EC, kid: "one" });
    await find();
    pass(MINUTE);
    answer = () => new Promise(() => {});

    const lookup = find("two");
    expect((await find()).kind).toBe("key");

    await fireTimer();
    expect(await outcome(lookup)).toMatch(/^no-key: .* does not give its keys in time$/);
  });
});

test("the keys of two URLs, and those of two configurations, are apart", async () => {
  const other = "https://other.example.com/jwks";
  await find();
  answer = give({ ...OTHER_EC, kid: "two" });

  expect((await find("two")).kind).toBe("no-key");
  expect((await find("two", "ES256", SECOND, other)).kind).toBe("key");
  expect((await find("one", "ES256", SECOND, other)).kind).toBe("no-key");

  config = {};
  expect((await find("two")).kind).toBe("key");
  expect(requests.map(({ url }) => url)).toEqual([KEYS, other, KEYS]);
});

const privateJwk: Jwk = { ...PAIR.privateKey.export({ format: "jwk" }) };
const secret = {
  kty: "oct",
  k: Buffer.from("a secret of 32 bytes, as of HS256").toString("base64url"),
};

describe("of the issuer's keys", () => {
  test.each<[what: string, key: Jwk, alg: string]>([
    ["one to encrypt", { ...EC, kid: "one", use: "enc" }, "ES256"],
    ["one whose use is no text", { ...EC, kid: "one", use: ["sig"] }, "ES256"],
    ["one that may only derive keys", { ...EC, kid: "one", key_ops: ["deriveBits"] }, "ES256"],
    ["one of another algorithm", { ...RSA, kid: "one", alg: "RS512" }, "RS256"],
    ["one of another kind", { ...RSA, kid: "one" }, "ES256"],
    ["one of another curve", { ...EC, kid: "one" }, "ES384"],
    ["one of 1,024 bits", { ...SHORT_RSA, kid: "one" }, "RS256"],
    ["a private one", { ...privateJwk, kid: "one" }, "ES256"],
    ["a secret, for HS256", { ...secret, kid: "one" }, "HS256"],
    ["a secret, for an asymmetric algorithm", { ...secret, kid: "one" }, "RS256"],
    ["a secret, for none", { ...secret, kid: "one" }, "none"],
    ["one in another case", { ...EC, kid: "ONE" }, "ES256"],
    ["one whose name is a number", { ...EC, kid: 1 }, "ES256"],
    ["one without a name", EC, "ES256"],
    ["one that is no point of the curve", { ...EC, kid: "one", x: EC["y"] }, "ES256"],
    ["one that lacks a half", { ...EC, kid: "one", y: undefined }, "ES256"],
    ["one whose parts are no text", { ...RSA, kid: "one", n: 7, e: {} }, "RS256"],
  ])("%s opens nothing, and does not keep the others from opening", async (_what, key, alg) => {
    answer = give(key, { ...OTHER_EC, kid: "two" }, { ...RSA, kid: "three" });
    expect((await find("one", alg)).kind).toBe("no-key");
    expect((await find("two")).kind).toBe("key");
    expect((await find("three", "PS256")).kind).toBe("key");
    expect(requests.length).toBe(1);
    expect(lines).toEqual([]);
  });

  test("one alone that fits opens a token that names none", async () => {
    answer = give({ ...EC, kid: "one" }, { ...RSA, kid: "two" });
    expect((await find(NO_KID)).kind).toBe("key");
  });

  test("several that fit a token that names none do not open it, and the log says why", async () => {
    answer = give({ ...EC, kid: "one" }, { ...OTHER_EC, kid: "two" });
    expect(await outcome(find(NO_KID))).toBe("no-key: the issuer has several keys for ES256");
  });

  test("two with one name do not open", async () => {
    answer = give({ ...EC, kid: "one" }, { ...OTHER_EC, kid: "one" });
    expect(await outcome(find())).toBe('no-key: the issuer has several keys "one" for ES256');
  });

  test.each([1, null, ["one"], { one: 1 }, true])(
    "none has the name %j, so the issuer is not asked for it",
    async (kid) => {
      await find();
      pass(MINUTE);
      expect(await outcome(find(kid))).toBe("no-key: the token's kid is no text");
      expect(requests).toHaveLength(1);
    },
  );

  test("a long name that a token has is cut in the log", async () => {
    const { length } = await outcome(find("k".repeat(8000)));
    expect(length).toBeLessThan(200);
  });
});
