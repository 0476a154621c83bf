import type { Asked } from "./format.ts";
import type { Refusal } from "./refusal.ts";

/** What came back from the edge: a body still to be read, or the text of an error or of facts. */
export type EdgeAnswer = {
  readonly status: number;
  readonly headers: Headers;
  readonly body: ReadableStream | null;
  /** The beginning of the body of an error, or of facts (R9); "" where there is an image. */
  readonly text: string;
};

const LONGEST_TEXT = 2048;

/**
 * What the edge is not to keep (C4), by the origin's status or its own for it: since who asks is no
 * part of its cache's key (C1), what was denied to one slot would be denied to the other.
 */
const NOT_KEPT = { "400-403": -1, "500-599": -1 };

/** The options of one call (O1–O12). */
export function edgeOptions({ variant, format, still }: Asked): RequestInitCfPropertiesImage {
  return {
    ...variant.image,
    anim: variant.image.anim && !still,
    ...(format === undefined ? {} : { format }),
    "origin-auth": "share-publicly", // E1
  };
}

/**
 * Asks Cloudflare's image edge for a variant of an object. Always a GET, with no header of the
 * visitor's (E4).
 * @param seconds how long the edge may take until its headers are here
 */
export function askEdge(
  url: string,
  headers: Headers,
  image: RequestInitCfPropertiesImage,
  seconds: number,
): Promise<EdgeAnswer | Refusal> {
  return ask(url, { headers, cf: { image, cacheTtlByStatus: NOT_KEPT } }, seconds);
}

/**
 * Sends a request, and waits for the headers of its answer, and for the text where there is no image
 * in it. A redirect is not followed: it would leave the bucket (E7).
 */
export async function ask(
  url: string,
  init: RequestInit,
  seconds: number,
): Promise<EdgeAnswer | Refusal> {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), seconds * 1000);
  try {
    const response = await fetch(url, { ...init, redirect: "manual", signal: abort.signal });
    const { status, headers, body } = response;
    const facts = headers.get("content-type") === "application/json";
    if (response.ok && !facts) return { status, headers, body, text: "" };
    return { status, headers, body: null, text: await beginning(body) };
  } catch (error) {
    if (abort.signal.aborted) {
      return { event: "timed-out", reason: `no answer within ${seconds} s` };
    }
    return { event: "edge-failed", reason: `the request failed: ${error}`, passing: true };
  } finally {
    clearTimeout(timer);
  }
}

/** Lets go of a body that nobody will read. That it may have broken off already is no matter then. */
export function drop(body: ReadableStream | null): void {
  body?.cancel().catch(() => {});
}

/**
 * The first characters of a body that is no image; the rest is dropped. A body that breaks off or stalls
 * is as good as ended: the status and the headers, which say more, are here already.
 */
async function beginning(body: ReadableStream | null): Promise<string> {
  let text = "";
  try {
    for await (const chunk of body?.pipeThrough(new TextDecoderStream()) ?? []) {
      text += chunk;
      if (text.length > LONGEST_TEXT || text.endsWith("</Error>")) break;
    }
  } catch {
    return text;
  }
  return text;
}
