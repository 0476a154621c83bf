// Signature Version 4 as S3 checks it: S3 signs the request that arrived and compares. It shares no code
// with the library that the Worker signs with. No I/O.

import { createHash, createHmac } from "node:crypto";

const ALGORITHM = "AWS4-HMAC-SHA256";

/** The part of a request that its signature covers. */
export type Covered = {
  readonly method: string;
  /** As it is signed: S3 encodes a key once and does not normalise it (A2). */
  readonly path: string;
  readonly query: Readonly<Record<string, string | readonly string[]>>;
  /** Only the signed headers, with names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly payloadHash: string;
};

/** Where and when a signature is valid. */
export type Scope = {
  readonly region: string;
  readonly service: string;
  /** The value of `x-amz-date`: `20130524T000000Z`. */
  readonly date: string;
};

/** A signature and the two texts behind it, as AWS publishes them (A12). */
type Proof = {
  readonly canonicalRequest: string;
  readonly stringToSign: string;
  readonly signature: string;
};

/** Signs a request with these credentials. */
export function prove(
  covered: Covered,
  { region, service, date }: Scope,
  { secretAccessKey }: { readonly secretAccessKey: string },
): Proof {
  const parts = [date.slice(0, 8), region, service, "aws4_request"];
  const canonicalRequest = canonical(covered);
  const digest = createHash("sha256").update(canonicalRequest).digest("hex");
  const stringToSign = [ALGORITHM, date, parts.join("/"), digest].join("\n");
  const key = parts.reduce<string | Buffer>(
    (last, part) => hmac(last, part).digest(),
    `AWS4${secretAccessKey}`,
  );
  return { canonicalRequest, stringToSign, signature: hmac(key, stringToSign).digest("hex") };
}

function hmac(key: string | Buffer, text: string) {
  return createHmac("sha256", key).update(text);
}

function canonical({ method, path, query, headers, payloadHash }: Covered): string {
  const names = Object.keys(headers).sort();
  const lines = names.map((name) => `${name}:${(headers[name] ?? "").trim().replace(/\s+/g, " ")}`);
  const rows = [method, path, canonicalQuery(query), ...lines, "", names.join(";"), payloadHash];
  return rows.join("\n");
}

/** The query in the order of its encoded names, and of the values of a name; without the signature. */
function canonicalQuery(query: Covered["query"]): string {
  return Object.entries(query)
    .filter(([name]) => name !== "X-Amz-Signature")
    .map(([name, values]) => [encode(name), [values].flat().map(encode).sort()] as const)
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .flatMap(([name, values]) => values.map((value) => `${name}=${value}`))
    .join("&");
}

/** Percent-encodes all bytes but letters, digits, `-`, `.`, `_` and `~`. */
export function encode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
