// Random requests of strangers. All values fit into JSON, because a finding is written to a file.

import { createHmac } from "node:crypto";
import fc from "fast-check";
import { SIGNING_KEYS } from "../support/cookie.ts";
import { HEALTH_TOKEN } from "../support/env.ts";
import { path, query } from "./paths.ts";
import { headerText, spellPath, split } from "./spelling.ts";
import { type Mood, NOW_S } from "./visit-state.ts";

const oneOf = (text: string) => fc.constantFrom(...split(text));

/** An entry of an Accept header, and the type that it names. */
type Entry = {
  readonly type: string;
  readonly q: string;
  readonly extra: string;
  readonly gap: string;
};

const AVIF = "image/avif Image/AVIF image/webp image/webp image/avif";
const acceptEntry: fc.Arbitrary<Entry> = fc.record({
  type: fc.oneof(
    oneOf(`${AVIF} image/* */* image/jpeg`),
    oneOf("image/avif2 ximage/webp text/html image/avif/webp "),
    fc.constant("image/ avif"),
  ),
  q: fc.oneof(oneOf("none none 1 0 0.0 0.001 1.000"), oneOf("0. 1.5 -1 x  .5 0.0000")),
  extra: oneOf(
    `  ;v=b3 ;x="image/avif,image/webp;q=1" ;x="a,image/avif,image/webp,b" ;x="\\",image/webp" ;Q=0.5 ;qs=0`,
  ),
  gap: fc.constantFrom("", " ", "\t", "  "),
});

export function spellEntry({ type, q, extra, gap }: Entry): string {
  return `${gap}${type}${gap}${q === "none" ? "" : `;${gap}q=${q}`}${extra}${gap}`;
}

const many = fc
  .tuple(acceptEntry, fc.constantFrom(500, 4000))
  .map(([entry, times]) => Array<Entry>(times).fill(entry));
export const entries = fc.oneof(
  { weight: 40, arbitrary: fc.array(acceptEntry, { maxLength: 6 }) },
  { weight: 1, arbitrary: many },
);

/** The types that a list of entries names with a quality above 0. */
export function namedBy(all: readonly Entry[]): ReadonlySet<string> {
  const named = all.filter(({ q }) => ["none", "1", "0.001", "1.000"].includes(q));
  return new Set(named.map(({ type }) => type.toLowerCase()));
}

/** The types that any Accept header can name at most. */
export function namedIn(accept: string): ReadonlySet<string> {
  const types = ["image/avif", "image/webp"];
  return new Set(types.filter((type) => accept.toLowerCase().includes(type)));
}

const accept = fc.oneof(
  { weight: 3, arbitrary: oneOf("image/avif,image/webp,*/* image/webp */* ") },
  { weight: 2, arbitrary: entries.map((all) => all.map(spellEntry).join(",").trim()) },
  { weight: 1, arbitrary: headerText },
);

/** Texts close to the token of /healthz. */
const authorization = fc.oneof(
  headerText,
  fc.constant("AWS4-HMAC-SHA256 Credential=x"),
  oneOf(` x ${HEALTH_TOKEN.slice(0, -1)} ${HEALTH_TOKEN}x ${HEALTH_TOKEN.toUpperCase()}`).map(
    (token) => `Bearer ${token}`,
  ),
);

const value = fc.oneof(
  oneOf("https://app.example https://app.example/x https://evil.example/ null cross-site"),
  oneOf(`"cf1:x" * W/" 2001:db8::1 :: 1.2.3.4 :::::::::`),
  fc.constant("1.1 image-resizing-proxy"),
  headerText,
);
const named = (weight: number, names: string, values: fc.Arbitrary<string>) => ({
  weight,
  arbitrary: fc.tuple(oneOf(names), values),
});
const header = fc.oneof(
  named(1, "authorization", authorization),
  named(4, "accept", accept),
  named(3, "origin referer sec-fetch-site via if-none-match cf-connecting-ip", value),
  named(1, "range cookie x-amz-date x-forwarded-host cf-worker x-amz-acl", headerText),
);

const orHeaderText = (...texts: string[]) => fc.oneof(fc.constantFrom(...texts), headerText);
export const mood: fc.Arbitrary<Mood> = fc.record({
  ...{ outcome: fc.nat(255), type: fc.nat(255), fault: fc.nat(255), s3: fc.nat(255) },
  spent: fc.constant(false),
  resized: orHeaderText("internal=ok/m", "internal=okay", "err=9408", "internal=ram/h err=1", ""),
  contentType: orHeaderText("image/avif", "image/jpeg; x", "application/json", "text/html", ""),
  etag: orHeaderText('"cf1:x"', 'W/"cf"', "Tue, 24 Nov 2026 09:00:00 GMT", ""),
  warning: orHeaderText("", 'cf-images 299 "original is smaller"'),
  replaced: fc.option(fc.nat(255), { nil: undefined }),
});

/** A request, and the state of the edge and of S3. */
export type RequestInput = {
  readonly method: string;
  /** Path and query, as sent. */
  readonly url: string;
  /** On the signed route: sign it, with this many seconds until its expiry. Null: send it unchanged. */
  readonly signed: number | null;
  /** What is wrong with the signature: an unknown kid, or another secret. */
  readonly spoilt?: "kid" | "secret" | undefined;
  readonly headers: readonly (readonly [string, string])[];
  readonly mood: Mood;
  /** Ask for facts: at the end of the query that signs, or in place of any other query. */
  readonly facts?: boolean | undefined;
};

export const requestInput: fc.Arbitrary<RequestInput> = fc.record({
  method: fc.oneof(
    { weight: 12, arbitrary: fc.constantFrom("GET", "GET", "GET", "HEAD") },
    { weight: 1, arbitrary: fc.constantFrom("OPTIONS", "POST", "PUT", "PROPFIND") },
  ),
  url: fc.tuple(path, query).map((parts) => parts.join("")),
  signed: fc.constantFrom(null, null, 3600, 86_400, 5, 0, -1, 86_401),
  headers: fc.array(header, { maxLength: 4 }),
  mood: fc.tuple(mood, fc.nat(15)).map(([one, at]): Mood => ({ ...one, spent: at === 1 })),
  facts: fc.constantFrom(false, false, false, true),
});

/** The same, and STS fails. */
export const inputWithoutSts: fc.Arbitrary<RequestInput> = fc
  .tuple(requestInput, fc.option(fc.nat(255), { nil: undefined }))
  .map(([one, sts]) => ({ ...one, mood: { ...one.mood, sts } }));

/** Returns the request, or undefined if no client can send it. */
export function toRequest(input: RequestInput): Request | undefined {
  const { method, url: path, signed, spoilt, headers, facts } = input;
  if (!URL.canParse(`https://images.example${path}`)) return undefined;
  const url = new URL(`https://images.example${path}`);
  if (signed !== null) signTarget(url, signed, spoilt);
  if (facts) url.search = url.search.includes("&sig=") ? `${url.search}&facts` : "?facts";
  const sent = new Headers();
  for (const [name, value] of headers) sent.append(name, value);
  return new Request(url, { method, headers: sent });
}

/** Signs a URL of the signed route as an app does, with other code than the Worker's. */
function signTarget(url: URL, ahead: number, spoilt: RequestInput["spoilt"]): void {
  try {
    const path = decodeURIComponent(url.pathname);
    const [, variant = "", key = ""] = /^\/private\/([^/]*)\/(.*)$/s.exec(path) ?? [];
    if (key === "") return;
    url.pathname = spellPath(path);
    const preset = variant.replace(/@.*/s, "");
    const kid = spoilt === "kid" ? "newest" : "new";
    const grant = {
      exp: NOW_S + ahead,
      kid,
      version: "7",
      route: "/private/:preset/*",
      preset,
      key,
    };
    const rolledOutSecret = "the-key-that-is-on-its-way-to-all-01";
    url.search = signQuery(grant, spoilt === "secret" ? rolledOutSecret : SIGNING_KEYS["new"]);
  } catch {
    return; // the path is malformed
  }
}

type Grant = {
  /** s since 1970 */
  readonly exp: number;
  readonly kid: string;
  readonly version: string | null;
  readonly route: string;
  readonly preset: string;
  readonly key: string;
};

export function signQuery(grant: Grant, secret = SIGNING_KEYS[grant.kid] ?? ""): string {
  const { exp, kid, version, route, preset, key } = grant;
  const text = ["vitrine-url-1", kid, exp, version ?? "", route, preset, key].join("\n");
  const sig = createHmac("sha256", secret).update(text).digest("base64url");
  return `?exp=${exp}&kid=${kid}${version === null ? "" : `&v=${version}`}&sig=${sig}`;
}
