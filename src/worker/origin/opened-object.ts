// An object of S3 or R2 as it was opened: its bytes, and what its headers (S3) or its metadata (R2) say of it. The type
// is that of the first bytes alone: whoever uploads an object may write any content-type. All bytes can be read once,
// as a stream, which fails if it is not as long as the headers promise: a picture that broke off on the way must never
// be stored or cached as a whole one.

import type { Credentials } from "../config/slot.ts";
import { isRefusal, type ObjectType, type UpstreamRefusal } from "../http/refusal.ts";
import { concatBytes } from "../util/bytes.ts";
import { TIMED_OUT, withTimeout } from "../util/time.ts";
import { sniff } from "./sniff.ts";

/** What opens objects: a slot (one of a bucket's two key pairs), or a session of a role. */
export type Credential = { readonly credentials: Credentials };

/** How long one request to S3 or R2 may take: ms. It ends sooner if its visitor's deadline comes first. */
export const S3_TIMEOUT_MS = 5_000;

/** How many bytes show the type of an object (A14 in docs/rules.md). */
export const HEAD_BYTES = 1024;

/**
 * How many bytes show the sides of almost every picture. A camera writes up to 130 KB of other data before them: EXIF
 * with a small picture, colour profiles (A14).
 */
export const HEADER_BYTES = 128 * 1024;

/** The parts of an object that are not the whole: where they begin, and how many bytes they have. */
export const PARTS = {
  head: { offset: 0, length: HEAD_BYTES },
  header: { offset: HEAD_BYTES, length: HEADER_BYTES - HEAD_BYTES },
} as const satisfies Record<Exclude<ObjectPart, "whole">, { offset: number; length: number }>;

/** Which bytes of an object are requested. */
export type ObjectPart =
  /** The first bytes, which show the type. */
  | "head"
  /** The bytes behind the head, which show the sides of a picture with long metadata. */
  | "header"
  | "whole";

/** How many bytes are waited for, at least, before the object counts as opened. */
const MIN_BYTES: Readonly<Record<ObjectPart, number>> = {
  head: PARTS.head.length,
  header: PARTS.header.length,
  whole: HEADER_BYTES,
};

/** One request for an object. */
export type ObjectRequest = {
  readonly part: ObjectPart;
  /** Until when the visitor waits: ms since 1970. */
  readonly deadline: number;
};

/** What the origin says of an object. */
export type ObjectFields = {
  /** The origin's name for the bytes, without `W/` and quotes. It is opaque: its form says nothing (A17). */
  readonly etag: string | undefined;
  /** The length of the whole object in bytes; undefined: unknown. */
  readonly length: number | undefined;
  /** When the object was last written, as HTTP writes dates. */
  readonly lastModified: string | undefined;
  /** The values of `x-amz-meta-*` by the name behind that prefix, or the custom metadata of R2. */
  readonly metadata: ReadonlyMap<string, string>;
  /** What opened the object; undefined for R2, which needs no key. */
  readonly credential: Credential | undefined;
};

export type OpenedObject = ObjectFields & {
  /** What names the object's bytes: its ETag, else Last-Modified and the length, if they are known. */
  readonly validator: string | undefined;
  /** The type by the first bytes. */
  readonly type: ObjectType;
  /** If only a part was requested, only `head` is of use: the rest is cancelled. */
  readonly body: ObjectBody;
};

/** The bytes of an object, to be read once. */
type ObjectBody = {
  /** The first bytes of what was requested: as many as `MIN_BYTES` says, unless the object is shorter. */
  readonly head: Uint8Array;
  /** All bytes. The stream fails if the object is shorter or longer than its length. */
  readonly stream: ReadableStream<Uint8Array>;
  /** What goes wrong with the origin while the bytes are read. Never settles if nothing goes wrong. */
  readonly failure: Promise<UpstreamRefusal>;
  /** Cancels what is still to come. */
  readonly cancel: () => void;
};

/** The bytes that the origin sends for one request: of the part "head", they are only the first ones of the object. */
type Content = {
  /** null: there are none. */
  readonly stream: ReadableStream<Uint8Array> | null;
  /** How many are sent; undefined: unknown. */
  readonly length: number | undefined;
  /** Whether they are encoded, by gzip for example: then they do not show the type of the object. */
  readonly isEncoded: boolean;
};

/** Waits for the first bytes of an object. */
export async function readObject(
  fields: ObjectFields,
  content: Content,
  request: ObjectRequest,
): Promise<OpenedObject | UpstreamRefusal> {
  // `content.length` is what is sent now, 1024 bytes for example. `fields.length` is that of the whole object.
  const body = await readBody(content.stream, content.length, request);
  if (isRefusal(body)) return body;

  // `body.head` is there already. A server that ignores the range would go on to send the rest.
  if (request.part !== "whole") body.cancel();

  // No bytes came, and no length is known: either the object is empty, or the server has left its bytes out.
  const isUnseen = fields.length === undefined && body.head.length === 0;
  const isTypeHidden = content.isEncoded || isUnseen;
  const type = isTypeHidden ? "unknown" : sniff(body.head);
  return { ...fields, validator: validatorOf(fields), type, body };
}

function validatorOf({ etag, lastModified, length }: ObjectFields): string | undefined {
  if (etag !== undefined) return etag;

  // A date alone names nothing: an object may be replaced twice in one second. An empty header is no date.
  if (!lastModified || length === undefined) return undefined;
  return `${lastModified} ${length}`;
}

/**
 * Waits for the first bytes of a body.
 * @param body a body that is not there has no bytes
 * @param length how many bytes its headers promise; undefined: unknown
 */
async function readBody(
  body: ReadableStream<Uint8Array> | null,
  length: number | undefined,
  { part, deadline }: ObjectRequest,
): Promise<ObjectBody | UpstreamRefusal> {
  const reader = openReader(body ?? new Blob().stream());
  const chunks = readChunks(reader, length);

  try {
    const readingFirst = readFirstChunks(chunks, length, MIN_BYTES[part]);
    const firstChunks = await withTimeout(deadline - Date.now(), readingFirst);
    if (firstChunks === TIMED_OUT) {
      cancel(reader);
      return { event: "timed-out", reason: "the object did not arrive in time" };
    }

    return createBody(reader, firstChunks, chunks);
  } catch (error) {
    return breakOff(reader, error);
  }
}

type ChunkReader = Pick<ReadableStreamDefaultReader<Uint8Array>, "read" | "cancel">;

/** How much is read at once: bytes. Otherwise the runtime gives 4 KB at a time, which costs four times the CPU. */
const CHUNK_BYTES = 128 * 1024;

/**
 * Opens a reader of large chunks: "byob" reads into a buffer that the caller gives. A stream that a script made has no
 * such reader, and `getReader` throws. Then its chunks are read as they come.
 */
function openReader(body: ReadableStream<Uint8Array>): ChunkReader {
  try {
    const reader = body.getReader({ mode: "byob" });
    return {
      read: () => reader.read(new Uint8Array(CHUNK_BYTES)),
      cancel: () => reader.cancel(),
    };
  } catch {
    return body.getReader();
  }
}

/** The chunks of a body. `next()` reads one. */
type Chunks = AsyncGenerator<Uint8Array, void>;

/** @throws if the body breaks off, or has another length than its headers promise */
async function* readChunks(reader: ChunkReader, length: number | undefined): Chunks {
  let received = 0;

  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;

    received += value.length;
    if (length !== undefined && received > length) {
      throw new Error(`it has more than ${length} bytes`);
    }
    yield value;
  }

  if (length !== undefined && received < length) {
    throw new Error(`it has fewer than ${length} bytes`);
  }
}

/** Reads until the first bytes are there, or there are no more. */
async function readFirstChunks(
  chunks: Chunks,
  length: number | undefined,
  minBytes: number,
): Promise<Uint8Array[]> {
  const firstChunks: Uint8Array[] = [];
  let received = 0;

  // Not `for await`: leaving such a loop would close the chunks, but `createBody` goes on reading them.
  while (received < minBytes) {
    // A short object is there as a whole. One more read would only wait for the end of its body.
    if (received === length) break;

    const { done, value } = await chunks.next();
    if (done) break;

    received += value.length;
    firstChunks.push(value);
  }

  return firstChunks;
}

/**
 * Makes one stream of what was read already, and what is still to be read.
 * @param firstChunks what was read already
 * @param nextChunks what is still to be read
 */
function createBody(
  reader: ChunkReader,
  firstChunks: readonly Uint8Array[],
  nextChunks: Chunks,
): ObjectBody {
  const allChunks = joinChunks(firstChunks, nextChunks);

  // The reader of a stream that fails gets a bare error. The log gets a refusal: `fail` resolves `failure` with it.
  // Promise.withResolvers() would be shorter, but Node.js 20, on which the commands open objects, does not have it.
  let fail: (refusal: UpstreamRefusal) => void;
  const failure = new Promise<UpstreamRefusal>((resolve) => {
    fail = resolve;
  });

  const stream = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const { done, value } = await allChunks.next();
          if (done) controller.close();
          else controller.enqueue(value);
        } catch (error) {
          fail(breakOff(reader, error));
          controller.error(error);
        }
      },
      cancel: () => cancel(reader),
    },
    { highWaterMark: 0 }, // a chunk is read when somebody asks for it, and not before
  );

  return { head: concatBytes(firstChunks), stream, failure, cancel: () => cancel(reader) };
}

async function* joinChunks(first: readonly Uint8Array[], next: Chunks): Chunks {
  yield* first;
  yield* next;
}

/** Cancels what is still to come, and says why. */
function breakOff(reader: ChunkReader, error: unknown): UpstreamRefusal {
  cancel(reader);
  return { event: "origin-failed", reason: `the object broke off: ${error}`, isTransient: true };
}

/** Cancels what is still to come. The body may have broken off already. */
function cancel(reader: ChunkReader): void {
  reader.cancel().catch(() => {});
}
