// The bytes of an object: the first ones, and all of them once, as a stream. The stream fails if it is not as long as
// the headers promise: a picture that broke off on the way must never be stored or cached as a whole one.

import type { UpstreamRefusal } from "../http/refusal.ts";
import { concatBytes } from "../util/bytes.ts";
import { TIMED_OUT, withTimeout } from "../util/time.ts";

/** How many bytes show the type of an object (A14). */
export const HEAD_BYTES = 1024;

/** The bytes of an object, to be read once. */
export type ObjectBody = {
  /** The first bytes: `HEAD_BYTES` at least, unless the object is shorter. */
  readonly head: Uint8Array;
  /** All bytes. The stream fails if the object is shorter or longer than its length. */
  readonly stream: ReadableStream<Uint8Array>;
  /** What goes wrong with the origin while the bytes are read. Never settles if nothing goes wrong. */
  readonly failure: Promise<UpstreamRefusal>;
  /** Cancels what is still to come. */
  readonly cancel: () => void;
};

/**
 * Waits for the first bytes of a body.
 * @param body a body that is not there has no bytes
 * @param length how many bytes its headers promise; undefined: unknown
 * @param deadline ms since 1970
 */
export async function readBody(
  body: ReadableStream<Uint8Array> | null,
  length: number | undefined,
  deadline: number,
): Promise<ObjectBody | UpstreamRefusal> {
  const reader = openReader(body ?? new Blob().stream());
  const chunks = readChunks(reader, length);

  try {
    const readingFirst = readFirstChunks(chunks, length);
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

/** Opens a reader of large chunks. A stream that a script made has no such reader: its chunks come as they are. */
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
async function readFirstChunks(chunks: Chunks, length: number | undefined): Promise<Uint8Array[]> {
  const firstChunks: Uint8Array[] = [];
  let received = 0;

  // Once all promised bytes have come, the end of the body is not awaited: it would need one more read.
  // This is no `for await`, which would end the chunks for the stream as well.
  while (received < HEAD_BYTES && received !== length) {
    const { done, value } = await chunks.next();
    if (done) break;

    received += value.length;
    firstChunks.push(value);
  }

  return firstChunks;
}

/**
 * @param firstChunks what was read already
 * @param nextChunks what is still to be read
 */
function createBody(
  reader: ChunkReader,
  firstChunks: readonly Uint8Array[],
  nextChunks: Chunks,
): ObjectBody {
  const allChunks = joinChunks(firstChunks, nextChunks);

  // A stream that fails would only throw. This promise has the reason for the log.
  // Not Promise.withResolvers(): the commands, which open objects, too, run on Node.js 20.
  let fail: (refusal: UpstreamRefusal) => void = () => {};
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

function breakOff(reader: ChunkReader, error: unknown): UpstreamRefusal {
  cancel(reader);
  return { event: "origin-failed", reason: `the object broke off: ${error}`, isTransient: true };
}

/** Cancels what is still to come. The body may have broken off already. */
function cancel(reader: ChunkReader): void {
  reader.cancel().catch(() => {});
}
