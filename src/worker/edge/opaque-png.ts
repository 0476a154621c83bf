// Whether a PNG is opaque: as a JPEG it would lose what is transparent. What is not certain counts as transparent.

import { isRefusal } from "../base/refusal.ts";
import { drop, send } from "../base/send.ts";
import { LATE, within } from "../base/time-limit.ts";
import type { SignedHeaders } from "../origin/sigv4.ts";

/** How much of an object is looked at: bytes. A colour profile may stand before the picture. */
const HEAD_BYTES = 65_536;

/** The signature of a PNG and its first chunk, of 13 bytes. "." is any byte. */
const HEADER = /^\x89PNG\r\n.\n...\rIHDR/s;
const HEADER_BYTES = 33;

/** Where the colour type stands, and those without transparency of their own: grey and RGB. */
const COLOUR_AT = 25;
const COLOURS: readonly unknown[] = [0, 2];

/** What may stand before the picture. An animation clears parts of it. */
const HARMLESS = /^(?:PLTE|(?!tRNS|acTL)[a-z][A-Za-z]{3})$/;

/**
 * Returns whether no pixel can be transparent. Pure.
 * @param head the first bytes of the object
 */
export function isOpaquePng(head: Uint8Array): boolean {
  const text = (from: number, to: number) => String.fromCharCode(...head.subarray(from, to));
  if (!HEADER.test(text(0, HEADER_BYTES)) || !COLOURS.includes(head[COLOUR_AT])) return false;
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  const end = Math.min(head.length, HEAD_BYTES) - 8;
  for (let at = HEADER_BYTES; at <= end; at += 12 + view.getUint32(at)) {
    const type = text(at + 4, at + 8);
    if (type === "IDAT") return true;
    if (!HARMLESS.test(type)) return false;
  }
  return false;
}

/**
 * Asks S3 for the first bytes of an object.
 * @param tag the entity tag of the object that the edge made its answer of, if it told one
 * @param deadline ms since 1970
 */
export async function isOpaqueAtOrigin(
  url: string,
  signed: SignedHeaders,
  tag: string | undefined,
  deadline: number,
): Promise<boolean> {
  const headers = { ...signed, range: `bytes=0-${HEAD_BYTES - 1}` };
  const answer = await send(url, { headers, cache: "no-store" }, deadline);
  if (isRefusal(answer)) return false;
  const etag = answer.headers.get("etag")?.replace(/^W\/|"/g, "");
  if (answer.status !== 206 || (tag !== undefined && tag !== etag)) {
    drop(answer.body);
    return false;
  }
  const read = new Response(answer.body).arrayBuffer();
  const head = await within(deadline - Date.now(), read).catch((): typeof LATE => LATE);
  return head !== LATE && isOpaquePng(new Uint8Array(head));
}
