// The bytes of an object: the first ones, and all of them once, as a stream. The stream fails if it is not as long as
// the headers promise: a picture that broke off on the way must never be stored or cached as a whole one.

import type { Refusal } from "../http/refusal.ts";
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
  readonly failure: Promise<Refusal>;
  /** Cancels what is still to come. */
  readonly cancel: () => void;
};

/**
 * Waits for the first bytes of a body.
 * @param length how many bytes its headers promise; undefined: unknown
 * @param deadline ms since 1970
 */
export async function readBody(
  body: ReadableStream<Uint8Array>,
  length: number | undefined,
  deadline: number,
): Promise<ObjectBody | Refusal> {
  const reading: Reading = { reader: openReader(body), length, received: 0 };

  try {
    const chunks = await withTimeout(deadline - Date.now(), readFirstChunks(reading));
    if (chunks === TIMED_OUT) {
      cancel(reading);
      return { event: "timed-out", reason: "the object did not arrive in time" };
    }

    const head = concatBytes(chunks);
    const { stream, failure } = streamAll(reading, chunks);
    return { head, stream, failure, cancel: () => cancel(reading) };
  } catch (error) {
    return breakOff(reading, error);
  }
}

/** A body that is being read. `readChunk` alone changes it. */
type Reading = {
  readonly reader: ChunkReader;
  /** How many bytes the headers promise; undefined: unknown. */
  readonly length: number | undefined;
  /** How many bytes have come. */
  received: number;
};

/** Reads until the first bytes are there, or there are no more. */
async function readFirstChunks(reading: Reading): Promise<Uint8Array[]> {
  const chunks: Uint8Array[] = [];

  // Once all promised bytes have come, the end of the body is not awaited: it would need one more read.
  while (reading.received < HEAD_BYTES && reading.received !== reading.length) {
    const chunk = await readChunk(reading);
    if (!chunk) break;
    chunks.push(chunk);
  }

  return chunks;
}

/**
 * @returns undefined at the end of the body
 * @throws if the body breaks off, or has another length than its headers promise
 */
async function readChunk(reading: Reading): Promise<Uint8Array | undefined> {
  const { done, value } = await reading.reader.read();
  if (value) reading.received += value.length;

  const { length, received } = reading;
  if (length !== undefined) {
    if (received > length) throw new Error(`it has more than ${length} bytes`);
    if (done && received < length) throw new Error(`it has fewer than ${length} bytes`);
  }

  return done ? undefined : value;
}

/**
 * Makes a stream of all bytes, and tells how it fails. A stream would only throw: `failure` has the reason for the log.
 * @param firstChunks what was read already
 */
function streamAll(
  reading: Reading,
  firstChunks: readonly Uint8Array[],
): Pick<ObjectBody, "stream" | "failure"> {
  const waiting = [...firstChunks];

  // Not Promise.withResolvers(): the commands, which open objects, too, run on Node.js 20.
  let fail: (refusal: Refusal) => void = () => {};
  const failure = new Promise<Refusal>((resolve) => {
    fail = resolve;
  });

  const stream = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          let chunk = waiting.shift();
          if (chunk === undefined) chunk = await readChunk(reading);

          if (chunk) controller.enqueue(chunk);
          else controller.close();
        } catch (error) {
          fail(breakOff(reading, error));
          controller.error(error);
        }
      },
      cancel: () => cancel(reading),
    },
    { highWaterMark: 0 }, // a chunk is read when somebody asks for it, and not before
  );
  return { stream, failure };
}

function breakOff(reading: Reading, error: unknown): Refusal {
  cancel(reading);
  return { event: "origin-failed", reason: `the object broke off: ${error}`, isTransient: true };
}

/** Cancels what is still to come. The body may have broken off already. */
function cancel({ reader }: Reading): void {
  reader.cancel().catch(() => {});
}

type ChunkReader = {
  readonly read: () => Promise<{ done: boolean; value?: Uint8Array | undefined }>;
  readonly cancel: () => Promise<void>;
};

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
    const reader = body.getReader();
    return {
      read: () => reader.read(),
      cancel: () => reader.cancel(),
    };
  }
}
