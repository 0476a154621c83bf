// Bytes and texts: hexadecimal digits, hashes, bodies of limited length, and a comparison in constant time.

import { type Reservation, reserve, tryReserve } from "./memory-budget.ts";
import { TIMED_OUT, withTimeout } from "./time.ts";

/** Returns two lower-case hexadecimal digits for each byte. */
function toHex(bytes: ArrayBuffer | Uint8Array): string {
  const pairs = Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, "0"));
  return pairs.join("");
}

const encoder = new TextEncoder();

/** Returns the SHA-256 of a text as 64 lower-case digits, since cache tags are compared without regard to case. */
export async function sha256Hex(text: string): Promise<string> {
  const hash = await crypto.subtle.digest("SHA-256", encoder.encode(text));
  return toHex(hash);
}

/** Bytes as text of one character each, so that patterns can be written as strings. */
export function latin1(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}

/** Makes one array of the bytes of several. */
export function concatBytes(pieces: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  let length = 0;
  for (const piece of pieces) length += piece.length;

  const bytes = new Uint8Array(length);
  let offset = 0;
  for (const piece of pieces) {
    bytes.set(piece, offset);
    offset += piece.length;
  }
  return bytes;
}

/** The room that a body needs while it is read. */
export type Room = {
  readonly reservation: Reservation;
  /** How many bytes the reservation holds already. It grows only when the body does not fit into them. */
  readonly reservedBytes: number;
  /** How many bytes it has to hold besides the body. */
  readonly otherBytes: number;
};

/**
 * Reads a body whole, if it is short enough and arrives in time. A body that is not there has no bytes.
 * @param deadline ms since 1970
 * @throws if the body breaks off
 */
export async function readBytes(
  body: ReadableStream<Uint8Array> | null,
  maxBytes: number,
  deadline: number,
): Promise<Uint8Array<ArrayBuffer> | "too-long" | typeof TIMED_OUT> {
  const result = await readInRoom(body, maxBytes, deadline);

  // Without a `room`, this result is impossible. TypeScript does not know that.
  if (result === "no-room") throw new Error("no room was asked for");
  return result;
}

/**
 * Reads a body in the same way, if there is room for it.
 * @param room undefined: there is room for all of it
 */
export async function readInRoom(
  body: ReadableStream<Uint8Array> | null,
  maxBytes: number,
  deadline: number,
  room?: Room,
): Promise<Uint8Array<ArrayBuffer> | "too-long" | "no-room" | typeof TIMED_OUT> {
  if (!body) return new Uint8Array();

  const reader = body.getReader();
  const timeLeft = deadline - Date.now();
  const result = await withTimeout(timeLeft, readChunks(reader, maxBytes, room));
  if (Array.isArray(result)) return concatBytes(result); // all chunks

  // Nobody reads the rest. After a timeout, `cancel` also ends the read that still waits, and nobody gets its result.
  // A body that breaks off while it is cancelled does no harm.
  reader.cancel().catch(() => {});
  return result;
}

/**
 * Reads a body whose length is known, into one array: its bytes are never there twice.
 * @param deadline ms since 1970
 * @returns undefined if it breaks off, or has another length
 */
export async function readExactly(
  body: ReadableStream<Uint8Array>,
  length: number,
  deadline: number,
): Promise<Uint8Array<ArrayBuffer> | typeof TIMED_OUT | undefined> {
  const reader = body.getReader();
  const bytes = new Uint8Array(length);
  const filling = fillBytes(bytes, reader).catch(() => false);
  const outcome = await withTimeout(deadline - Date.now(), filling);
  if (outcome === true) return bytes;

  // The body is late, has broken off, or has another length: nobody reads the rest.
  reader.cancel().catch(() => {});
  return outcome === TIMED_OUT ? TIMED_OUT : undefined;
}

/** Fills an array with the bytes of a body. Returns whether the body has exactly as many bytes as the array. */
async function fillBytes(bytes: Uint8Array, reader: ByteReader): Promise<boolean> {
  let received = 0;

  for (;;) {
    const { done, value } = await reader.read();
    if (done) return received === bytes.length;

    const start = received;
    received += value.length;
    if (received > bytes.length) return false;
    bytes.set(value, start);
  }
}

/** The beginning of a body, or all of it. */
type Reading =
  | { readonly kind: "whole"; readonly bytes: Uint8Array<ArrayBuffer> }
  /** The body is longer than the limit, or has not ended in time. */
  | {
      readonly kind: "longer" | "late";
      /** It still has all bytes from the beginning. */
      readonly body: ReadableStream<Uint8Array>;
      /** The bytes that were read. */
      readonly chunks: readonly Uint8Array[];
    }
  /** The body broke off. */
  | { readonly kind: "broken" };

/**
 * Reads a body up to a limit, and not much further. What is longer or late can still be read from its beginning.
 * @param deadline ms since 1970
 * @param reservation grows with the bytes. Where it cannot, the body counts as longer. Undefined: there is room
 */
export async function readUpTo(
  body: ReadableStream<Uint8Array> | null,
  maxBytes: number,
  deadline: number,
  reservation?: Reservation,
): Promise<Reading> {
  if (!body) return { kind: "whole", bytes: new Uint8Array() };

  const reader = body.getReader();
  const chunks: Uint8Array[] = [];
  let length = 0;
  let reserved = 0;

  try {
    while (length <= maxBytes) {
      const reading = reader.read();
      const chunk = await withTimeout(deadline - Date.now(), reading);
      if (chunk === TIMED_OUT) {
        return { kind: "late", body: continueBody(chunks, reader, reading), chunks };
      }

      if (chunk.done) return { kind: "whole", bytes: concatBytes(chunks) };

      length += chunk.value.byteLength;
      chunks.push(chunk.value);

      const needed = length * COPIES;
      if (!reservation || needed <= reserved) continue;

      reserved = needed + ROOM_STEP_BYTES;
      if (!tryReserve(reservation, reserved)) break;
    }
  } catch {
    return { kind: "broken" };
  }
  return { kind: "longer", body: continueBody(chunks, reader), chunks };
}

/** A body that is passed on. */
type PassedBody = {
  readonly body: ReadableStream<Uint8Array>;
  /** Settles when all of it was taken, it broke off, or nobody takes more of it. Never fails. */
  readonly ended: Promise<void>;
};

/** Passes a body on, and notices its end. @param length in bytes; undefined: unknown */
export function passOn(body: ReadableStream<Uint8Array>, length: number | undefined): PassedBody {
  const { readable, writable } = createPipe(length);
  const ended = body.pipeTo(writable).catch(() => {});
  return { body: readable, ended };
}

/**
 * Makes a stream with two ends. The streams of the Workers runtime are the fastest ones, and a `FixedLengthStream` gives
 * the answer its `content-length`. Node.js has neither of them.
 */
function createPipe(length: number | undefined) {
  if (typeof FixedLengthStream === "undefined")
    return new TransformStream<Uint8Array, Uint8Array>();
  return length === undefined ? new IdentityTransformStream() : new FixedLengthStream(length);
}

type ByteReader = ReadableStreamDefaultReader<Uint8Array>;

/**
 * Makes one body of what was read already, and what is still to be read.
 * @param pendingReading a reading that still waits for its chunk
 */
function continueBody(
  chunks: readonly Uint8Array[],
  reader: ByteReader,
  pendingReading?: ReturnType<ByteReader["read"]>,
): ReadableStream<Uint8Array> {
  const firstChunks = [...chunks];
  let nextReading = pendingReading;

  return new ReadableStream({
    async pull(controller) {
      const firstChunk = firstChunks.shift();
      if (firstChunk) {
        controller.enqueue(firstChunk);
        return;
      }

      const reading = nextReading ?? reader.read();
      nextReading = undefined;
      const { done, value } = await reading;
      if (done) controller.close();
      else controller.enqueue(value);
    },
    cancel: (reason) => reader.cancel(reason),
  });
}

/** How often the bytes of a body are there when its chunks are joined: as chunks, and as one array. */
const COPIES = 2;

/** By how much a reservation grows at once: bytes. */
const ROOM_STEP_BYTES = 1_000_000;

/**
 * How long a request that holds bytes waits for more room: ms. Two such requests may wait for each other: the first one that
 * gives up lets the other one go on.
 */
export const MAX_GROWTH_MS = 1_000;

/** Reads all chunks of a body, unless together they have more than `maxBytes`, or there is no room for them. */
async function readChunks(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  maxBytes: number,
  room: Room | undefined,
): Promise<Uint8Array[] | "too-long" | "no-room"> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  let reserved = room?.reservedBytes ?? 0;

  for (;;) {
    const { done, value } = await reader.read();
    if (done) return chunks;

    length += value.byteLength;
    if (length > maxBytes) return "too-long";

    chunks.push(value);
    if (!room) continue;

    const needed = room.otherBytes + length * COPIES;
    if (needed <= reserved) continue;

    reserved = needed + ROOM_STEP_BYTES;
    const hasRoom = await reserve(room.reservation, reserved, Date.now() + MAX_GROWTH_MS);
    if (!hasRoom) return "no-room";
  }
}

const HMAC = { name: "HMAC", hash: "SHA-256" };

/**
 * Compares two texts by their HMACs under a random key. Whoever guesses a secret learns nothing from the time that this
 * takes: the HMACs of two texts differ everywhere, even if the texts begin alike.
 */
export async function timingSafeEqual(a: string, b: string): Promise<boolean> {
  const random = crypto.getRandomValues(new Uint8Array(32));
  const key = await crypto.subtle.importKey("raw", random, HMAC, false, ["sign", "verify"]);

  const code = await crypto.subtle.sign("HMAC", key, encoder.encode(a));
  return crypto.subtle.verify("HMAC", key, code, encoder.encode(b));
}
