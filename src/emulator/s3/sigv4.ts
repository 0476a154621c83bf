// Signature Version 4 as S3 checks it: S3 signs the request that arrived and compares. This uses
// another implementation than the Worker does.

import { createHash, createHmac } from "node:crypto";
import {
  ALGORITHM_IDENTIFIER,
  createScope,
  getCanonicalHeaders,
  getSigningKey,
  SignatureV4,
} from "@smithy/signature-v4";

/** The part of a request that its signature covers. */
export type Covered = {
  readonly method: string;
  /** As it is signed: S3 encodes a key once and does not normalise it (A2). */
  readonly path: string;
  readonly query: Readonly<Record<string, string | string[]>>;
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
export type Proof = {
  readonly canonicalRequest: string;
  readonly stringToSign: string;
  readonly signature: string;
};

type Bytes = string | ArrayBuffer | ArrayBufferView;

function toBytes(data: Bytes): string | Uint8Array {
  if (typeof data === "string") return data;
  if (!ArrayBuffer.isView(data)) return new Uint8Array(data);
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

class Sha256 {
  private readonly hash;
  constructor(key?: Bytes) {
    this.hash = key === undefined ? createHash("sha256") : createHmac("sha256", toBytes(key));
  }
  update(data: Uint8Array): void {
    this.hash.update(data);
  }
  async digest(): Promise<Uint8Array> {
    return this.hash.digest();
  }
  reset(): void {}
}

// The steps are protected methods of the library. S3 needs them one by one, because it signs only the
// headers that a request names, with the payload hash that it names.
class Steps extends SignatureV4 {
  async prove(covered: Covered, scope: string, date: string): Promise<[string, string]> {
    const { path, payloadHash } = covered;
    const request = {
      method: covered.method,
      protocol: "https:",
      hostname: "",
      path,
      query: { ...covered.query },
      headers: { ...covered.headers },
    };
    const names = new Set(Object.keys(covered.headers));
    const headers = getCanonicalHeaders(request, undefined, names);
    const canonicalRequest = this.createCanonicalRequest(request, headers, payloadHash);
    const identifier = ALGORITHM_IDENTIFIER;
    return [
      canonicalRequest,
      await this.createStringToSign(date, scope, canonicalRequest, identifier),
    ];
  }
}

/** Signs a request with these credentials. */
export async function prove(
  covered: Covered,
  { region, service, date }: Scope,
  credentials: { accessKeyId: string; secretAccessKey: string },
): Promise<Proof> {
  const steps = new Steps({
    service,
    region,
    credentials,
    sha256: Sha256,
    uriEscapePath: false, // the path already has the form that is signed (A2)
    applyChecksum: false,
  });
  const day = date.slice(0, 8);
  const scope = createScope(day, region, service);
  const [canonicalRequest, stringToSign] = await steps.prove(covered, scope, date);
  const hmac = new Sha256(await getSigningKey(Sha256, credentials, day, region, service));
  hmac.update(new TextEncoder().encode(stringToSign));
  return {
    canonicalRequest,
    stringToSign,
    signature: Buffer.from(await hmac.digest()).toString("hex"),
  };
}
