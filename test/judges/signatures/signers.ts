// Signers that others wrote. Each encodes the key of an object and signs a GET of it by its own code.

import { stringify } from "node:querystring";
import { Sha256 } from "@smithy/core/checksum";
import { buildQueryString, escapeUriPath, HttpRequest } from "@smithy/core/protocols";
import { SignatureV4 } from "@smithy/signature-v4";
import aws4 from "aws4";
import type { Credentials } from "../../../src/worker/config/slot.ts";

/** A GET before it is encoded and signed. `path` has the bucket, if the host does not, and the key. */
export type Unsigned = {
  readonly host: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly credentials: Credentials;
  readonly region: string;
  /** ms since 1970. */
  readonly now: number;
};

export type Signed = { readonly url: string; readonly headers: Readonly<Record<string, string>> };

export type Signer = (unsigned: Unsigned) => Promise<Signed>;

/** `range` is sent with each request, and is no part of the signature (A14). */
const HEADERS = { "x-amz-content-sha256": "UNSIGNED-PAYLOAD", range: "bytes=0-1023" };
const unsignableHeaders = new Set(["range"]);
const settings = { service: "s3", uriEscapePath: false, applyChecksum: false, sha256: Sha256 };

async function signBySmithy({ host, query, credentials, region, now, ...unsigned }: Unsigned) {
  const path = escapeUriPath(unsigned.path);
  const signer = new SignatureV4({ ...settings, credentials, region });
  const headers = { host, ...HEADERS };
  const request = new HttpRequest({ method: "GET", hostname: host, path, query, headers });
  const signed = await signer.sign(request, { signingDate: new Date(now), unsignableHeaders });
  const search = buildQueryString(query);
  return { url: `https://${host}${path}${search && `?${search}`}`, headers: signed.headers };
}

async function signByAws4({ host, query, credentials, region, now, ...unsigned }: Unsigned) {
  const search = stringify(query);
  const path = unsigned.path.split("/").map(encodeURIComponent).join("/");
  const date = new Date(now).toISOString().replace(/[:-]|\.\d{3}/g, "");
  const headers = { "x-amz-date": date, ...HEADERS };
  const request = { service: "s3", host, region, headers, path: path + (search && `?${search}`) };
  const signed = aws4.sign(request, credentials);
  const { Authorization = "", Host: _, ...otherHeaders } = signed.headers;
  return {
    url: `https://${host}${signed.path}`,
    headers: { ...otherHeaders, authorization: Authorization },
  };
}

export const SIGNERS = { "@smithy/signature-v4": signBySmithy, aws4: signByAws4 };
