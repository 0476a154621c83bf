// S3 for tests: it verifies Signature Version 4 as the specification has it, by signing the request
// that arrived once more with an implementation other than the Worker's.

import { createHash, createHmac } from "node:crypto";
import { SignatureV4 } from "@smithy/signature-v4";
import type { Credentials } from "../src/sign.ts";

const SIGNED = ["host", "x-amz-content-sha256", "x-amz-date"]; // A1
const MOST_SKEW_MS = 15 * 60 * 1000; // A7

function toBytes(data: string | ArrayBuffer | ArrayBufferView): string | Uint8Array {
  if (typeof data === "string") return data;
  if (!ArrayBuffer.isView(data)) return new Uint8Array(data);
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

class Sha256 {
  private readonly hash;
  constructor(key?: string | ArrayBuffer | ArrayBufferView) {
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

/** S3's code for what is wrong with the signature of a GET, or undefined if nothing is. */
export async function signatureFault(
  sent: string,
  received: Headers,
  region: string,
  credentials: Credentials,
): Promise<string | undefined> {
  const url = new URL(sent);
  const authorization = received.get("authorization") ?? "";
  const [, id, date, named, headers] =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/s3\/aws4_request, SignedHeaders=([^,]+), Signature=[0-9a-f]{64}$/.exec(
      authorization,
    ) ?? [];
  if (headers === undefined) return "AccessDenied";
  if (id !== credentials.accessKeyId) return "InvalidAccessKeyId";
  if (named !== region) return "AuthorizationHeaderMalformed"; // A5
  if (headers !== SIGNED.join(";")) return "AccessDenied";

  const stamp = received.get("x-amz-date") ?? "";
  const at = new Date(stamp.replace(/^(....)(..)(..)T(..)(..)(..)Z$/, "$1-$2-$3T$4:$5:$6Z"));
  if (!stamp.startsWith(`${date}`) || !(Math.abs(Date.now() - at.getTime()) < MOST_SKEW_MS)) {
    return "RequestTimeTooSkewed";
  }
  const signer = new SignatureV4({
    service: "s3",
    region,
    credentials,
    sha256: Sha256,
    uriEscapePath: false, // the path as it was sent: stricter than AWS, as R2 is
    applyChecksum: false,
  });
  const signed = await signer.sign(
    {
      method: "GET",
      protocol: url.protocol,
      hostname: url.hostname,
      path: url.pathname,
      query: Object.fromEntries(url.searchParams),
      headers: {
        host: url.host,
        "x-amz-content-sha256": received.get("x-amz-content-sha256") ?? "",
      },
    },
    { signingDate: at },
  );
  return signed.headers["authorization"] === authorization ? undefined : "SignatureDoesNotMatch";
}

/** An error as S3 writes it. */
export function s3Error(status: number, code: string): Response {
  return new Response(
    `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>…</Message></Error>`,
    {
      status,
      headers: { "content-type": "application/xml", "x-amz-request-id": "4442587FB7D0A2F9" },
    },
  );
}
