// A client of S3 that shares no code with the Worker: it signs by the strict S3's own signer, encodes as the hostile
// tests do, and sends each path byte for byte.

import { hash } from "node:crypto";
import { request } from "node:http";
import { signRequest } from "../../src/emulator/s3/signature.ts";
import { spellPath } from "../hostile/spelling.ts";
import { REGION, theWorld, USERS, type User } from "./world.ts";

type S3Request = {
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  readonly type?: string;
  /** Headers of an object's metadata: `x-amz-meta-*`. */
  readonly meta?: Readonly<Record<string, string>>;
  readonly user?: User;
  /** "s3" by default. */
  readonly service?: string;
};

const TIMEOUT_MS = 20_000;

/** Encodes a key as a path: its slashes stay. */
export const encodeSegments = (key: string) => spellPath(key).replaceAll("@", "%40");

/** Percent-encodes the UTF-8 of a text, except `A–Z a–z 0–9 - . _ ~` (A2). */
const encode = (text: string) => encodeSegments(text).replaceAll("/", "%2F");

/** Sends one request, as the owner by default. Returns the text of the response. @throws if S3 refuses it */
export async function sendToS3(
  method: string,
  path: string,
  s3Request: S3Request,
): Promise<string> {
  const { query = {}, body = "", type = "", meta, user = "owner", service = "s3" } = s3Request;
  const { host, port } = new URL(theWorld().endpoint);
  const { accessKeyId } = USERS[user];
  const date = new Date().toISOString().replace(/[:-]|\.\d{3}/g, "");
  const payloadHash = hash("sha256", body); // its STS takes no unsigned body
  const headers = { host, "x-amz-content-sha256": payloadHash, "x-amz-date": date, ...meta };
  const scope = { region: REGION, service, date };
  const covered = {
    ...{ method, path, payloadHash },
    ...{ query: Object.entries(query), headers: Object.entries(headers) },
  };
  const { signature } = signRequest(covered, scope, USERS[user].secretAccessKey);
  const signed = [
    `AWS4-HMAC-SHA256 Credential=${accessKeyId}/${date.slice(0, 8)}/${REGION}/${service}/aws4_request`,
    `SignedHeaders=${Object.keys(headers).join(";")}`,
    `Signature=${signature}`,
  ];
  const parts = Object.entries(query).map(([name, value]) => `${encode(name)}=${encode(value)}`);
  const target = parts.length === 0 ? path : `${path}?${parts.join("&")}`;
  const all = {
    ...{ ...headers, authorization: signed.join(", ") },
    ...{ "content-length": Buffer.byteLength(body), "content-type": type },
  };
  return new Promise((settle, fail) => {
    const sent = request({ host: "127.0.0.1", port, method, path: target, headers: all });
    sent.setTimeout(TIMEOUT_MS, () => sent.destroy(new Error("S3 does not answer")));
    sent.on("error", fail);
    sent.on("response", (answer) => {
      let reply = "";
      answer.on("data", (chunk) => {
        reply += chunk;
      });
      answer.on("end", () => {
        if ((answer.statusCode ?? 500) < 300) settle(reply);
        else fail(new Error(`${method} ${target}: ${answer.statusCode} ${reply}`));
      });
    });
    sent.end(body);
  });
}

export function createBucket(bucket: string): Promise<string> {
  return sendToS3("PUT", `/${bucket}`, {});
}

export function putObject(
  bucket: string,
  key: string,
  body: Uint8Array | string,
  type: string,
  meta?: Readonly<Record<string, string>>,
): Promise<string> {
  return sendToS3("PUT", `/${bucket}/${encodeSegments(key)}`, {
    body,
    type,
    ...(meta && { meta }),
  });
}

export type Grant = {
  /** Undefined: anyone, without a key. */
  readonly user: User | undefined;
  readonly actions: readonly string[];
  /** ARNs. By default the bucket and all its objects. */
  readonly resources?: readonly string[];
  readonly effect?: "Allow" | "Deny";
};

export function setPolicy(bucket: string, grants: readonly Grant[]): Promise<string> {
  const all = [`arn:aws:s3:::${bucket}`, `arn:aws:s3:::${bucket}/*`];
  const Statement = grants.map(({ user, actions, resources = all, effect = "Allow" }) => ({
    Effect: effect,
    Principal: user === undefined ? "*" : { AWS: [`arn:aws:iam:::user/${user}`] },
    Action: actions,
    Resource: resources,
  }));
  const body = JSON.stringify({ Version: "2012-10-17", Statement });
  return sendToS3("PUT", `/${bucket}`, { query: { policy: "" }, body, type: "application/json" });
}

/** What `aws s3api put-public-access-block` sets: no policy opens the bucket to anyone. */
export function blockPublicAccess(bucket: string): Promise<string> {
  return sendToS3("PUT", `/${bucket}`, {
    query: { publicAccessBlock: "" },
    body: `<PublicAccessBlockConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><BlockPublicAcls>true</BlockPublicAcls><IgnorePublicAcls>true</IgnorePublicAcls><BlockPublicPolicy>true</BlockPublicPolicy><RestrictPublicBuckets>true</RestrictPublicBuckets></PublicAccessBlockConfiguration>`,
    type: "application/xml",
  });
}

/** Allows users to read the objects of a bucket, and nothing else. */
export function letRead(bucket: string, ...users: readonly User[]): Promise<string> {
  return setPolicy(
    bucket,
    users.map((user) => ({ user, actions: ["s3:GetObject"] })),
  );
}
