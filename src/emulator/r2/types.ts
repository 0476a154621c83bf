// The types of an R2 bucket, with types of our own: they hold with the types of any runtime.

import type { R2_FAULTS, R2_METHODS } from "./faults.ts";

/**
 * An object of a bucket.
 * @example
 * r2.objects.set("fig.jpg", { body: readFileSync("fig.jpg"), type: "image/jpeg" });
 */
export type R2Stored = {
  readonly body: Uint8Array;
  /** Its content-type. Left out: the object has none. */
  readonly type?: string;
  /** Its content-encoding. */
  readonly encoding?: string;
  readonly cacheControl?: string;
  readonly customMetadata?: Record<string, string>;
  /** Left out: when the emulator was written. */
  readonly uploaded?: Date;
};

/**
 * What an R2 bucket can be made to do wrong.
 * @example
 * r2.faults.add("throws" satisfies R2Fault);
 */
export type R2Fault = (typeof R2_FAULTS)[number];

/**
 * What an R2 bucket was asked.
 * @example
 * expect(r2.calls).toEqual([{ method: "get", key: "fig.jpg" } satisfies R2Call]);
 */
export type R2Call = {
  readonly method: (typeof R2_METHODS)[number];
  /** Of `list`: the prefix. */
  readonly key: string | readonly string[];
  /** As it was asked for. Left out: the whole. */
  readonly range?: Partial<R2Range>;
};

/**
 * A part of an object, in bytes.
 * @example
 * const start = await r2.get("fig.jpg", { range: { offset: 0, length: 1024 } satisfies R2Range });
 */
export type R2Range = { readonly offset: number; readonly length: number };

/**
 * What is known of an object.
 * @example
 * const object: R2Found | null = await r2.head("fig.jpg");
 */
export type R2Found = {
  readonly key: string;
  readonly version: string;
  /** Of the whole object: bytes. */
  readonly size: number;
  /** Which part the body is. Not there after a put, and in a list. */
  readonly range?: R2Range;
  /** Without quotes, and with them. */
  readonly etag: string;
  readonly httpEtag: string;
  readonly uploaded: Date;
  readonly httpMetadata: {
    contentType?: string;
    contentEncoding?: string;
    cacheControl?: string;
  };
  readonly customMetadata: Record<string, string>;
  readonly storageClass: string;
  readonly checksums: { toJSON(): object };
  writeHttpMetadata(headers: Headers): void;
};

/**
 * An object with its bytes.
 * @example
 * const object: R2FoundBody | null = await r2.get("fig.jpg");
 */
export type R2FoundBody = R2Found & {
  readonly body: ReadableStream<Uint8Array>;
  readonly bodyUsed: boolean;
  arrayBuffer(): Promise<ArrayBuffer>;
  bytes(): Promise<Uint8Array>;
  text(): Promise<string>;
  json<T>(): Promise<T>;
  blob(): Promise<Blob>;
};
