// Signers that others wrote sign what the Worker and the CLI sign, with the same headers. The emulated S3 accepts the
// requests of all of them, and none that is changed.

import naughty from "big-list-of-naughty-strings/blns.json" with { type: "json" };
import fc from "fast-check";
import { beforeEach, expect, test, vi } from "vitest";
import { listPage } from "../../../src/cli/objects/list-page.ts";
import { findSignatureFault } from "../../../src/emulator/s3/signature.ts";
import { keyFault } from "../../../src/url/key.ts";
import { sourceUrl } from "../../../src/worker/origin/object-url.ts";
import { sign } from "../../../src/worker/origin/sigv4.ts";
import { IMPOSSIBLE, KEYS, NEAR, TRICKS } from "../../hostile/spelling.ts";
import { hardKeys } from "../../s3/hard-keys.ts";
import { bucketOf } from "../../support/config-of.ts";
import { CREDENTIALS, VARS } from "../../support/env.ts";
import { SESSION } from "../../support/issuer.ts";
import { createTable } from "../table.ts";
import { SIGNERS, type Signed, type Signer, type Unsigned } from "./signers.ts";

const SAME = "the same request, and S3 accepts it";
/** What differs, and why. A difference that no longer occurs fails, too. */
const DIFFERENCES = {
  dots: "a URL parser removes . and .. segments, so the Worker refuses such a key; others sign it",
  surrogate: "an unpaired surrogate cannot be encoded: the Worker refuses the key",
  path: "aws4 sends !'()* as they are, and signs the same: AWS accepts that, R2 does not (A2)",
};
const EXPECTED = [SAME, ...Object.values(DIFFERENCES)];

const NOW = Date.parse("2026-11-29T06:00:00Z");
const SKEWED = "RequestTimeTooSkewed";
const ETAG = '"9a0364b9e99bb480dd25e1f0284c8555"';
const { media } = VARS.BUCKETS;
const { region, prefix } = media;
const keys = new Map([[CREDENTIALS.accessKeyId, CREDENTIALS.secretAccessKey]]);
const sessions = new Map([[SESSION.accessKeyId, { ...SESSION, expires: NOW + 900_000 }]]);

/** Returns why S3 refuses a request, or undefined if it accepts it. */
function codeOf({ url, headers }: Signed, dialect: "aws" | "r2", now = NOW): string | undefined {
  const request = new Request(url, { headers });
  return findSignatureFault(request, { keys, sessions, region, now, dialect })?.code;
}

/** The headers that sign a request. There must be no other `x-amz-` headers. */
const signingHeaders = (headers: HeadersInit) =>
  [...new Headers(headers)].filter(([name]) => /^(authorization$|x-amz-)/.test(name)).join("\n");

/** Returns what the Worker sends for an object; with an ETag, it has the parameter of A15. */
function requestObject(addressing: string, credentials: Unsigned["credentials"], etag?: string) {
  const bucket = bucketOf({ BUCKETS: { media: { ...media, addressing } } });
  const { host, pathname } = new URL(bucket.baseUrl);
  return async (key: string) => {
    const url = await sourceUrl(bucket, prefix + key, etag);
    const query = Object.fromEntries(new URL(url).searchParams);
    const path = pathname + prefix + key;
    const unsigned = { host, path, query, credentials, region, now: NOW };
    return { unsigned, sent: { url, headers: { ...(await sign(url, region, credentials, NOW)) } } };
  };
}

const listed = bucketOf();

/** Returns what the CLI sends for the keys that begin with a text. */
async function requestList(key: string) {
  await listPage(listed, SESSION, { prefix: key }, NOW);
  const [url, init] = vi.mocked(fetch).mock.lastCall ?? [];
  const query = { "encoding-type": "url", "list-type": "2", "max-keys": "1000", prefix: key };
  const { host } = new URL(listed.baseUrl);
  const unsigned = { host, path: "/", query, credentials: SESSION, region, now: NOW };
  return {
    unsigned,
    sent: { url: `${url}`, headers: Object.fromEntries(new Headers(init?.headers)) },
  };
}

const requestInPath = requestObject("path", SESSION, ETAG);
const REQUESTS = [
  requestInPath,
  requestObject("virtual", CREDENTIALS, ETAG),
  requestObject("virtual", SESSION),
  requestObject("path", CREDENTIALS),
  requestList,
];

beforeEach(() => {
  vi.spyOn(globalThis, "fetch").mockImplementation(async () => new Response("", { status: 403 }));
});

/** The keys: the naughty strings, hostile keys, and random ones from a seed. */
const SEED = 20_261_129;

const hostile = [...hardKeys(SEED, 500), ...KEYS, ...TRICKS, ...IMPOSSIBLE];
const near = hostile
  .filter((key) => key.isWellFormed())
  .flatMap((key) => NEAR.map((spell) => spell(key)));

const piece = fc.oneof(
  fc.string({ unit: "binary", minLength: 1, maxLength: 4 }), // all planes of Unicode
  fc.string({ unit: "binary-ascii", minLength: 1, maxLength: 4 }),
  fc.constantFrom(...`/ / // . .. ... + % %2F %2f %25 %252F %2e * ' ( ) ! ~ ? # & = ;`.split(" ")),
  fc.constantFrom(" ", "  ", "\t", "\n", "\0", "\\", "\u00a0", "\u0085", "\ud800", "a", "é", "😀"),
);
const random = fc.array(piece, { minLength: 1, maxLength: 8 }).map((pieces) => pieces.join(""));

const KEY_LISTS = {
  "naughty strings": naughty,
  "hostile keys": [...new Set([...hostile, ...near])],
  "random keys": fc.sample(random, { seed: SEED, numRuns: 20_000 }),
};

const { rows, count } = createTable("Requests by what a signer of others makes of them.");

type Pair = Awaited<ReturnType<(typeof REQUESTS)[number]>>;

/** Returns SAME if both sign alike, and S3 accepts what both send; else what differs. */
async function compare({ unsigned, sent }: Pair, signer: Signer, dialect: "aws" | "r2") {
  const refusal = codeOf(sent, dialect);
  if (refusal !== undefined) return refusal;
  const signedByOther = await signer(unsigned);
  if (signingHeaders(signedByOther.headers) !== signingHeaders(sent.headers)) {
    const isRefused = keyFault(unsigned.path.slice(1)) !== undefined;
    const hasDots = /\/\.\.?(\/|$)/.test(unsigned.path);
    return isRefused && hasDots ? DIFFERENCES.dots : "headers";
  }
  const isSpelledAlike = signedByOther.url === sent.url;
  const code = isSpelledAlike || dialect === "aws" ? undefined : "SignatureDoesNotMatch";
  if (codeOf(signedByOther, dialect) !== code) return "S3's answer";
  if (isSpelledAlike) return SAME;
  return signer === SIGNERS.aws4 && /[!'()*]/.test(unsigned.path) ? DIFFERENCES.path : "URL";
}

test.each(Object.entries(KEY_LISTS))(
  "others sign the requests for %s as Vitrine does (A2, A11, A14, A15)",
  async (_list, texts) => {
    const unexplained: string[] = [];
    for (const [at, key] of texts.entries()) {
      const request = REQUESTS[at % REQUESTS.length] ?? requestList;
      const pair = await request(key).catch(() => undefined);
      const failure = key.isWellFormed() ? "error" : DIFFERENCES.surrogate;
      for (const [name, signer] of Object.entries(SIGNERS)) {
        const result = pair ? await compare(pair, signer, at % 2 ? "aws" : "r2") : failure;
        count(result, name);
        if (!EXPECTED.includes(result))
          unexplained.push(`${name}, ${result}: ${JSON.stringify(key)}`);
      }
    }
    expect(unexplained.slice(0, 5)).toEqual([]);
  },
  600_000,
);

test("each difference that is expected occurs", () => {
  expect(Object.keys(rows).sort()).toEqual(EXPECTED.sort());
});

/** Each text that differs in one bit. The bits that only change the case are left out. */
const flips = (text: string) =>
  [...text].flatMap((character, at) =>
    [1, 2, 4, 8, 16].map((bit) => {
      const flipped = String.fromCharCode(character.charCodeAt(0) ^ bit);
      return text.slice(0, at) + flipped + text.slice(at + 1);
    }),
  );

test.each(Object.entries(SIGNERS))(
  "S3 accepts no request of %s that is changed in one bit, or late (A1, A2, A7, A11)",
  async (_name, signer) => {
    const { url, headers } = await signer((await requestInPath("a b/é+ü=%~.jpg")).unsigned);
    const signed = Object.entries(headers).filter(([name]) => name !== "host" && name !== "range");
    const changed = [
      ...flips(url.slice(8)).map((rest) => ({ url: `https://${rest}`, headers })),
      ...signed.flatMap(([name, value]) =>
        flips(value).map((text) => ({ url, headers: { ...headers, [name]: text } })),
      ),
      { url, headers: { ...headers, "x-amz-unsigned": "" } },
    ];
    const isAccepted = (request: Signed, dialect: "aws" | "r2") => {
      try {
        return codeOf(request, dialect) === undefined;
      } catch {
        return false; // nobody can send it
      }
    };
    for (const dialect of ["aws", "r2"] as const) {
      expect(isAccepted({ url, headers }, dialect)).toBe(true);
      expect(changed.filter((request) => isAccepted(request, dialect))).toEqual([]);
      const codes = [-900, -899, 899, 900].map((s) =>
        codeOf({ url, headers }, dialect, NOW + s * 1000),
      );
      expect(codes).toEqual([SKEWED, undefined, undefined, SKEWED]);
    }
  },
);
