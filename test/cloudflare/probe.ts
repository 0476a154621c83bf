// A probe tries one rule of docs/rules.md from outside. This file has what a probe is given, what it gives back, and
// the few steps that most probes share.

import { AwsV4Signer } from "aws4fetch";
import sharp from "sharp";
import {
  type FetchOperation,
  fromBase64,
  type Operation,
  type Origin,
  type Reply,
  type Seen,
  type Texts,
  toBase64,
} from "./operation.ts";

/** The bucket by R2's S3 API. */
type S3Access = {
  /** Without a slash at the end. The bucket stands in the path. */
  readonly endpoint: string;
  readonly bucket: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
};

/** Everything that a probe may use. */
export type World = {
  /** The address of the probe Worker, without a slash at the end. */
  readonly url: string;
  /** A random id of this run, for names that no cache knows: letters and digits. */
  readonly run: string;
  /** The host of the Worker in a zone. Undefined: it is on workers.dev alone. */
  readonly zone: string | undefined;
  readonly s3: S3Access;
  /** The address of another Worker with the same script and bucket, if there is one (E9). */
  readonly other?: string;
  /** The same Worker on workers.dev, where the Worker is in a zone and there, too (R2). */
  readonly workersDev?: Pick<World, "url" | "send">;
  /**
   * How many unique transformations Cloudflare has counted of the account today: `imagesUniqueTransformations` of its
   * GraphQL API (L2). It comes late. Undefined: it does not say.
   */
  countTransformations?(): Promise<number | undefined>;
  /** Whether the deploy made the bucket (T9). */
  readonly isBucketProvisioned: boolean;
  /** The public addresses of the bucket: `r2.dev` or a custom domain (T7). Undefined: Cloudflare does not say. */
  bucketAddresses(): Promise<readonly string[] | undefined>;
  send(operation: Operation): Promise<Reply>;
  /** Asks the Worker's address as any visitor: without the token. @param path begins with a slash */
  visit(path: string, init?: { method?: string; headers?: Texts }): Promise<Reply>;
  /** Deploys the same Worker as a new version. @param crossVersion `cross_version_cache`: false at first (W4) */
  redeploy(options: { readonly crossVersion: boolean }): Promise<void>;
  /** Purges URLs from the cache of the zone. Returns whether Cloudflare took them. */
  purgeZone(urls: readonly string[]): Promise<boolean>;
  /** Waits. In the emulated world only its clock goes on. @param ms */
  pause(ms: number): Promise<void>;
  /** ms since 1970. */
  now(): number;
};

/** What was seen of an answer, for the records: no secret, no id of an account. */
export type Recorded = {
  /** What was asked, in a few words: unique in its verdict. */
  readonly name: string;
  readonly status: number;
  readonly headers: Texts;
  readonly size: number;
  /** Of an image: `8x6`. */
  readonly sides?: string;
};

export type Verdict = {
  readonly outcome: "as the rule says" | "otherwise" | "not seen";
  /** One plain sentence: statuses and codes. */
  readonly seen: string;
  readonly records: readonly Recorded[];
};

export type Probe = {
  /** `E1` */
  readonly rule: string;
  readonly title: string;
  run(world: World): Promise<Verdict>;
};

export function notSeen(seen: string, records: readonly Recorded[] = []): Verdict {
  return { outcome: "not seen", seen, records };
}

/** @param isRight whether the rule says so */
export function verdict(isRight: boolean, seen: string, records: readonly Recorded[]): Verdict {
  return { outcome: isRight ? "as the rule says" : "otherwise", seen, records };
}

/** A probe of a rule that nobody can see from outside. */
export function unseen(rule: string, title: string, reason: string): Probe {
  return { rule, title, run: async () => notSeen(reason) };
}

/** The headers that a record has. Others may hold an id of an account, or change with each request. */
const RECORDED = [
  ...[
    "age",
    "cache-control",
    "cf-cache-status",
    "cf-resized",
    "content-encoding",
    "content-length",
  ],
  ...["content-range", "content-type", "etag", "last-modified", "retry-after", "vary", "warning"],
];

export function record(name: string, { status, headers, size, sides }: Reply): Recorded {
  const names = RECORDED.filter((header) => headers[header] !== undefined);
  return {
    ...{ name, status, size, ...(sides !== undefined && { sides }) },
    headers: Object.fromEntries(names.map((header) => [header, headers[header] ?? ""])),
  };
}

/** Adds the sides, if the body is an image. */
export async function measure(reply: Reply): Promise<Reply> {
  const isImage = reply.headers["content-type"]?.startsWith("image/");
  if (!isImage || reply.size === 0) return reply;
  const found = await sharp(bytesOf(reply))
    .metadata()
    .catch(() => undefined);
  return found === undefined ? reply : { ...reply, sides: `${found.width}x${found.height}` };
}

export function bytesOf(reply: Reply): Uint8Array<ArrayBuffer> {
  return fromBase64(reply.body);
}

export function textOf(reply: Reply): string {
  return new TextDecoder().decode(bytesOf(reply));
}

/** Puts an object into the bucket. @throws if R2 refuses it */
export async function putObject(
  world: World,
  key: string,
  body: Uint8Array | string,
  contentType: string,
  customMetadata: Record<string, string> = {},
): Promise<void> {
  const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
  const options = { httpMetadata: { contentType }, customMetadata };
  const put = { type: "r2", method: "put", key, body: toBase64(bytes), options } as const;
  const { error } = await world.send(put);
  if (error !== undefined) throw new Error(`cannot put ${key}: ${error.message}`);
}

/** Makes a new address of the Worker that answers as an origin. @returns its id, for `/origin/<id>.jpg` */
export async function createOrigin(world: World, origin: Origin): Promise<string> {
  const id = `${world.run}-${crypto.randomUUID()}`;
  await putObject(world, `origin/${id}`, JSON.stringify(origin), "application/json");
  return id;
}

/** What came to `/origin/<id>.jpg`, in no order. */
export async function readSeen(world: World, id: string): Promise<readonly Seen[]> {
  const options = { prefix: `seen/${id}/` };
  const { objects }: { objects: { key: string }[] } = JSON.parse(
    textOf(await world.send({ type: "r2", method: "list", options })),
  );
  const replies = objects.map(({ key }) => world.send({ type: "r2", method: "get", key }));
  return (await Promise.all(replies)).map((reply) => {
    const { body }: { body: string } = JSON.parse(textOf(reply));
    return JSON.parse(new TextDecoder().decode(fromBase64(body)));
  });
}

/** The URL of an object by R2's S3 API. @param query with its question mark */
export function s3Url({ s3 }: World, key: string, query = ""): string {
  return `${s3.endpoint}/${s3.bucket}/${key}${query}`;
}

/**
 * Signs a request for R2's S3 API as Vitrine does (A1). Headers that are given are signed, too, and sent.
 * @returns the headers of the request
 */
export async function signS3(
  { s3, now }: World,
  url: string,
  headers: Texts = {},
  method = "GET",
): Promise<Record<string, string>> {
  const signedHeaders = { "x-amz-content-sha256": "UNSIGNED-PAYLOAD", ...headers };
  const { accessKeyId, secretAccessKey, region } = s3;
  const datetime = new Date(now()).toISOString().replace(/[:-]|\.\d{3}/g, "");
  const keys = { accessKeyId, secretAccessKey, region, service: "s3" };
  const signer = new AwsV4Signer({ ...keys, url, method, headers: signedHeaders, datetime });
  const authorization = await signer.authHeader();
  return { ...signedHeaders, "x-amz-date": datetime, authorization };
}

/** Has the Worker ask the edge for an image of an object in R2, signed as Vitrine does (E1). */
export async function transformS3(
  world: World,
  key: string,
  image: object,
  more: { query?: string; headers?: Texts; cf?: object } = {},
): Promise<Reply> {
  const url = s3Url(world, key, more.query);
  const headers = { ...(await signS3(world, url)), ...more.headers };
  const cf = { image: { "origin-auth": "share-publicly", ...image }, ...more.cf };
  return world.send({ type: "fetch", url, headers, cf } satisfies FetchOperation);
}
