// The bytes of an object: the first ones, and all of them once, as a stream that fails if it is not as long as the
// headers promise.

import type { Refusal } from "../http/refusal.ts";
import { concatBytes } from "../util/bytes.ts";
import { TIMED_OUT, withTimeout } from "../util/time.ts";

/** How many bytes show the type of an object (A14). */
export const HEAD_BYTES = 1024;

/** How much is read at once: bytes. The runtime else gives 4 KB at a time, which costs four times the CPU. */
const CHUNK_BYTES = 128 * 1024;

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
  const { read, cancel: cancelReader } = readerOf(body);
  const cancel = () => void cancelReader().catch(() => {});
  const first: Uint8Array[] = [];
  let received = 0;
  let isDone = false;
  let fail: (refusal: Refusal) => void = () => {};
  const failure = new Promise<Refusal>((settle) => {
    fail = settle;
  });
  const readChunk = async (): Promise<Uint8Array | undefined> => {
    const { done, value } = await read();
    received += value?.length ?? 0;
    if (length !== undefined && (received > length || (done && received < length))) {
      throw new Error(`it has ${done ? "fewer" : "more"} than ${length} bytes`);
    }
    isDone = done;
    return done ? undefined : value;
  };
  const broken = (error: unknown): Refusal => {
    cancel();
    return { event: "origin-failed", reason: `the object broke off: ${error}`, isTransient: true };
  };

  const readHead = async () => {
    while (!isDone && received < HEAD_BYTES && received !== length) {
      const chunk = await readChunk();
      if (chunk) first.push(chunk);
    }
  };
  try {
    if ((await withTimeout(deadline - Date.now(), readHead())) === TIMED_OUT) {
      cancel();
      return { event: "timed-out", reason: "the object did not arrive in time" };
    }
  } catch (error) {
    return broken(error);
  }
  const stream = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const chunk = first.shift() ?? (await readChunk());
          if (chunk) controller.enqueue(chunk);
          else controller.close();
        } catch (error) {
          fail(broken(error));
          controller.error(error);
        }
      },
      cancel,
    },
    { highWaterMark: 0 },
  );
  return { head: concatBytes(first), stream, failure, cancel };
}

/** Reads the chunks of a body: large ones, unless a script made the stream. */
function readerOf(body: ReadableStream<Uint8Array>) {
  try {
    const reader = body.getReader({ mode: "byob" });
    return { read: () => reader.read(new Uint8Array(CHUNK_BYTES)), cancel: () => reader.cancel() };
  } catch {
    const reader = body.getReader();
    return { read: () => reader.read(), cancel: () => reader.cancel() };
  }
}
