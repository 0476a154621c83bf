// Reads the bytes of an object: its first ones to see its type, and all of them once, as a stream that is
// as long as it was said to be.

import { joined } from "../base/joined.ts";
import type { Refusal } from "../base/refusal.ts";
import { LATE, within } from "../base/time-limit.ts";
import { HEAD_BYTES } from "./sniff.ts";

/** The bytes of an object, to be read once. */
export type Counted = {
  /** The first ones. */
  readonly head: Uint8Array;
  /** All of them. It fails if the object is shorter or longer than it was said to be. */
  readonly stream: ReadableStream<Uint8Array>;
  /** What goes wrong with the origin while the bytes are read. It never settles if nothing does. */
  readonly fault: Promise<Refusal>;
  /** Drops what is still to come. */
  readonly drop: () => void;
};

/**
 * Waits for the first bytes of a body.
 * @param length how many bytes it is said to have
 * @param deadline ms since 1970
 */
export async function readCounted(
  body: ReadableStream<Uint8Array>,
  length: number,
  deadline: number,
): Promise<Counted | Refusal> {
  const { read, cancel } = piecesOf(body);
  const drop = () => void cancel().catch(() => {});
  const first: Uint8Array[] = [];
  let came = 0;
  let fail: (refusal: Refusal) => void = () => {};
  const fault = new Promise<Refusal>((settle) => {
    fail = settle;
  });
  const next = async (): Promise<Uint8Array | undefined> => {
    const { done, value } = await read();
    came += value?.length ?? 0;
    if (came > length || (done && came < length)) {
      throw new Error(`it has ${done ? "fewer" : "more"} than ${length} bytes`);
    }
    return done ? undefined : value;
  };
  const broken = (error: unknown): Refusal => {
    drop();
    return { event: "origin-failed", reason: `the object broke off: ${error}`, passing: true };
  };

  const beginning = async () => {
    while (came < Math.min(HEAD_BYTES, length)) first.push((await next()) ?? new Uint8Array());
  };
  try {
    if ((await within(deadline - Date.now(), beginning())) === LATE) {
      drop();
      return { event: "timed-out", reason: "the object did not arrive in time" };
    }
  } catch (error) {
    return broken(error);
  }
  const stream = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const chunk = first.shift() ?? (await next());
          if (chunk) controller.enqueue(chunk);
          else controller.close();
        } catch (error) {
          fail(broken(error));
          controller.error(error);
        }
      },
      cancel: drop,
    },
    { highWaterMark: 0 },
  );
  return { head: joined(first), stream, fault, drop };
}

/** How much is read at once: bytes. The runtime else gives 4 KB at a time, which costs four times the CPU. */
const PIECE = 128 * 1024;

/** Reads the pieces of a body: large ones, unless a script made the stream. */
function piecesOf(body: ReadableStream<Uint8Array>) {
  try {
    const reader = body.getReader({ mode: "byob" });
    return { read: () => reader.read(new Uint8Array(PIECE)), cancel: () => reader.cancel() };
  } catch {
    const reader = body.getReader();
    return { read: () => reader.read(), cancel: () => reader.cancel() };
  }
}
