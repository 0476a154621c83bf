// Reads what an R2 bucket is asked. What is not played throws.

import { isArrayBuffer } from "node:util/types";
import { r2Error } from "./faults.ts";
import type { R2Call, R2Found } from "./types.ts";

/** An ETag stands there without quotes, or is `*`. Headers are not played. */
type OnlyIf = { readonly etagMatches?: string; readonly etagDoesNotMatch?: string };
export type Conditional = { readonly onlyIf: OnlyIf | Headers };
export type GetOptions = Partial<Conditional> & { readonly range?: object };
export type PutOptions = Partial<Conditional> & {
  readonly httpMetadata?: R2Found["httpMetadata"];
  readonly customMetadata?: Record<string, string>;
};
/** No stream: in Node.js none has a known length (T2). */
export type Value = string | ArrayBuffer | ArrayBufferView | Blob | null;
export type ListOptions = {
  readonly prefix?: string;
  readonly limit?: number;
  readonly cursor?: string;
  readonly include?: ("httpMetadata" | "customMetadata")[];
};

const MAX_METADATA = 8192; // bytes (T3)

/** @throws if there are options of other names than these */
export function refuseOthers(method: string, options: object, played: readonly string[]): void {
  const others = options instanceof Headers ? ["Headers"] : Object.keys(options);
  const other = others.find((name) => !played.includes(name));
  if (other === undefined) return;
  throw new TypeError(`createR2: ${method} plays only ${played.join(", ")}, and not ${other}`);
}

/** @throws if an option is not played */
export function readRange({ range }: GetOptions): R2Call["range"] {
  if (range === undefined) return undefined;
  refuseOthers("a range", range, ["offset", "length"]);
  const sides = Object.entries(range).filter(([, value]) => typeof value === "number");
  if (sides.length > 0) return Object.fromEntries(sides);
  throw new TypeError("createR2: a range has an offset, a length or both");
}

/**
 * Returns whether a condition holds for what has this ETag, or for nothing (T8, T8a).
 * @throws if the condition is not played, or an ETag in it has quotes
 */
export function isMet({ onlyIf = {} }: GetOptions, etag: string | undefined): boolean {
  refuseOthers("onlyIf", onlyIf, ["etagMatches", "etagDoesNotMatch"]);
  const { etagMatches, etagDoesNotMatch }: OnlyIf = { ...onlyIf };
  const matches = (wanted: string) => {
    if (!wanted.startsWith('"')) return etag !== undefined && (wanted === "*" || wanted === etag);
    throw new TypeError(`Conditional ETag should not be wrapped in quotes (${wanted}).`);
  };
  if (etagMatches !== undefined && !matches(etagMatches)) return false;
  return etagDoesNotMatch === undefined || !matches(etagDoesNotMatch);
}

/** Returns what an object has besides its bytes. @throws if an option is not played, or there is too much of it */
export function readMetadata(options: PutOptions) {
  const { httpMetadata = {}, customMetadata = {} } = options;
  refuseOthers("put", options, ["onlyIf", "httpMetadata", "customMetadata"]);
  refuseOthers("httpMetadata", httpMetadata, ["contentType"]);
  const texts = Object.entries(customMetadata).flat();
  if (Buffer.byteLength(texts.join("")) > MAX_METADATA) throw r2Error("put", "metadata");
  const { contentType: type } = httpMetadata;
  return { ...(type !== undefined && { type }), customMetadata: { ...customMetadata } };
}

/** Copies the bytes of a value. @throws {TypeError} for a stream: in Node.js none has a known length (T2) */
export function bytesOf(value: unknown): Promise<ArrayBuffer> {
  const isBytes = isArrayBuffer(value) || ArrayBuffer.isView(value) || value instanceof Blob;
  if (isBytes || typeof value === "string" || value === null) {
    return new Response(value).arrayBuffer();
  }
  if (!(value instanceof ReadableStream)) throw new TypeError("put: the value is of no known type");
  const known = "request/response body or readable half of FixedLengthStream";
  throw new TypeError(`Provided readable stream must have a known length (${known})`);
}
