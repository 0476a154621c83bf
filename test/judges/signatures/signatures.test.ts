// Signers that others wrote sign what the Worker and the CLI sign. The emulated S3 judges what these signers sign.

import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { listPage } from "../../../src/cli/objects/list-page.ts";
import { findSignatureFault } from "../../../src/emulator/s3/signature.ts";
import { keyFault } from "../../../src/url/key.ts";
import { sourceUrl } from "../../../src/worker/origin/object-url.ts";
import { sign } from "../../../src/worker/origin/sigv4.ts";
import { bucketOf } from "../../support/config-of.ts";
import { CREDENTIALS, VARS } from "../../support/env.ts";
import { SESSION } from "../../support/issuer.ts";
import { KEY_LISTS } from "./keys.ts";
import { SIGNERS, type Signed, type Signer, type Unsigned } from "./signers.ts";

const NOW = Date.parse("2026-11-29T06:00:00Z");
const { media } = VARS.BUCKETS;
const { region, prefix } = media;
const ETAG = '"9a0364b9e99bb480dd25e1f0284c8555"';

/** What differs, and why. A difference that no longer occurs fails, too. */
const DIFFERENCES: Readonly<Record<string, string>> = {
  dots: "a URL parser removes . and .. segments, so the Worker refuses such a key; others sign it",
  surrogate: "an unpaired surrogate cannot be encoded: the Worker refuses the key",
  path: "aws4 sends !'()* as they are, and signs the same: AWS accepts that, R2 does not (A2)",
};

type Dialect = "aws" | "r2";

const keys = new Map([[CREDENTIALS.accessKeyId, CREDENTIALS.secretAccessKey]]);
const sessions = new Map([[SESSION.accessKeyId, { ...SESSION, expires: NOW + 1 }]]);

/** Returns why S3 refuses a request, or undefined if its signature is right. */
function codeOf({ url, headers }: Signed, dialect: Dialect): string | undefined {
  const request = new Request(url, { headers });
  return findSignatureFault(request, { keys, sessions, region, now: NOW, dialect })?.code;
}

/** A request as Vitrine sends it, and what another signer is to sign. */
type Pair = { readonly unsigned: Unsigned; readonly signed: Signed };

/** What the Worker sends for an object; with an ETag, it has the parameter of A15. */
function requestObject(addressing: string, credentials: Unsigned["credentials"], etag?: string) {
  const bucket = bucketOf({ BUCKETS: { media: { ...media, addressing } } });
  const { host, pathname } = new URL(bucket.base);
  return async (key: string): Promise<Pair> => {
    const url = await sourceUrl(bucket, prefix + key, etag);
    const query = Object.fromEntries(new URL(url).searchParams);
    const path = pathname + prefix + key;
    const unsigned = { host, path, query, credentials, region, now: NOW };
    return {
      unsigned,
      signed: { url, headers: { ...(await sign(url, region, credentials, NOW)) } },
    };
  };
}

const listed = bucketOf();

/** What the CLI sends for the keys that begin with a text. */
async function requestList(key: string): Promise<Pair> {
  await listPage(listed, SESSION, { prefix: key }, NOW);
  const [url, init] = vi.mocked(fetch).mock.lastCall ?? [];
  const query = { "encoding-type": "url", "list-type": "2", "max-keys": "1000", prefix: key };
  const { host } = new URL(listed.base);
  const unsigned = { host, path: "/", query, credentials: SESSION, region, now: NOW };
  const headers = Object.fromEntries(new Headers(init?.headers));
  return { unsigned, signed: { url: `${url}`, headers } };
}

const requestInPath = requestObject("path", SESSION, ETAG);
const REQUESTS = [
  requestInPath,
  requestObject("virtual", CREDENTIALS, ETAG),
  requestObject("virtual", SESSION),
  requestObject("path", CREDENTIALS),
  requestList,
];

/** Returns "same" if the two agree, and S3 accepts what the other one sends; else what differs. */
async function compare({ unsigned, signed }: Pair, signer: Signer, dialect: Dialect) {
  const other = await signer(unsigned);
  if (other.headers["authorization"] !== signed.headers["authorization"]) {
    const isRefused = keyFault(unsigned.path.slice(1)) !== undefined;
    return isRefused && /\/\.\.?(\/|$)/.test(unsigned.path) ? "dots" : "signature";
  }
  const isSpelledOtherwise = signed.url !== other.url;
  const code = isSpelledOtherwise && dialect === "r2" ? "SignatureDoesNotMatch" : undefined;
  if (codeOf(other, dialect) !== code) return "answer";
  if (!isSpelledOtherwise) return "same";
  return signer === SIGNERS.aws4 && /[!'()*]/.test(unsigned.path) ? "path" : "URL";
}

beforeAll(() => {
  vi.spyOn(globalThis, "fetch").mockImplementation(async () => new Response("", { status: 403 }));
});

const table: Record<string, Record<string, number>> = {};
const count = (row: string, column: string) => {
  table[row] = { ...table[row], [column]: (table[row]?.[column] ?? 0) + 1 };
};
afterAll(() => console.table(table));

test.each(Object.entries(KEY_LISTS))(
  "others sign the requests for %s as Vitrine does (A2, A11, A14, A15)",
  async (list, texts) => {
    const unexplained: string[] = [];
    for (const [at, key] of texts.entries()) {
      const pair = await REQUESTS[at % REQUESTS.length]?.(key).catch(() => undefined);
      for (const [name, signer] of Object.entries(SIGNERS)) {
        const dialect = at % 2 ? "aws" : "r2";
        const unsignable = key.isWellFormed() ? "error" : "surrogate";
        const result = pair ? await compare(pair, signer, dialect) : unsignable;
        count(`${list}, ${name}`, result);
        const isExpected = result === "same" || result in DIFFERENCES;
        if (!isExpected) unexplained.push(`${name}, ${result}: ${JSON.stringify(key)}`);
      }
    }
    expect(unexplained.slice(0, 5)).toEqual([]);
  },
);

test("each difference that is expected occurs", () => {
  const occurring = new Set(Object.values(table).flatMap(Object.keys));
  expect(occurring).toEqual(new Set(["same", ...Object.keys(DIFFERENCES)]));
});

/** What S3 reads of a URL: AWS decodes the path, R2 does not (A2). */
function meaningOf(url: string, dialect: Dialect): string {
  const { host, pathname, searchParams } = new URL(url);
  const path = dialect === "aws" ? decodeURIComponent(pathname) : pathname;
  return JSON.stringify([host, path, ...searchParams]);
}

/** Each text that differs in one bit. */
const flips = (text: string) =>
  [...text].flatMap((character, at) =>
    [1, 2, 4, 8, 16, 32, 64].map((bit) => {
      const other = String.fromCharCode(character.charCodeAt(0) ^ bit);
      return text.slice(0, at) + other + text.slice(at + 1);
    }),
  );

test.each(Object.entries(SIGNERS))(
  "S3 accepts no request of %s that is changed in one bit (A2, A11, A14)",
  async (name, signer) => {
    const { url, headers } = await signer((await requestInPath("a b/é+ü=%~.jpg")).unsigned);
    const urls = flips(url.replace("https://", "")).map((rest) => `https://${rest}`);
    const ofHeader = ([header, value]: [string, string]) =>
      flips(value).map((text): Signed => ({ url, headers: { ...headers, [header]: text } }));
    const signed = Object.entries(headers).filter(([header]) => !/^(host|range)$/.test(header));
    const changed = [
      ...urls.map((other) => ({ url: other, headers })),
      ...signed.flatMap(ofHeader),
    ];
    /** A request that cannot be sent is malformed; one that S3 reads as it was is no other. */
    const judge = (request: Signed, dialect: Dialect): string => {
      try {
        const code = codeOf(request, dialect);
        const isOther = meaningOf(request.url, dialect) !== meaningOf(url, dialect);
        const isChanged = isOther || request.headers !== headers;
        if (isChanged)
          return code === undefined ? `accepted ${JSON.stringify(request)}` : "refused";
        return code ?? "equivalent";
      } catch {
        return "malformed";
      }
    };
    for (const dialect of ["aws", "r2"] as const) {
      for (const request of changed) count(`changed in a bit, ${name}`, judge(request, dialect));
      expect(codeOf({ url, headers: { ...headers, range: "bytes=1-" } }, dialect)).toBeUndefined();
    }
    const results = Object.keys(table[`changed in a bit, ${name}`] ?? {});
    expect(results.sort()).toEqual(["equivalent", "malformed", "refused"]);
  },
);
