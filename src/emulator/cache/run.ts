// One run of the entrypoint: what it is asked, and what of its response is kept. No clock: `now` is passed in.

import type { Answer } from "./answer.ts";
import type { Asked } from "./entrypoint.ts";
import { judge, type Kept, keep, renew } from "./kept.ts";
import { runAt } from "./places.ts";
import { readWhole } from "./read-whole.ts";

/** Headers that the cache answers itself: the entrypoint gives a whole response. */
const OF_THE_CACHE = [
  "if-match",
  "if-none-match",
  "if-modified-since",
  "if-unmodified-since",
  "if-range",
  "range",
];

/** What the cache asks the entrypoint: a GET also for a HEAD, with conditions of what is kept (W11). */
export function requestOf(request: Request, old: Kept | undefined): Request {
  const headers = new Headers(request.headers);
  for (const name of OF_THE_CACHE) headers.delete(name);
  const etag = old?.headers.get("etag");
  const changed = old?.headers.get("last-modified");
  if (etag) headers.set("if-none-match", etag);
  if (changed) headers.set("if-modified-since", changed);
  return new Request(request.url, { headers });
}

/** Runs a new instance of the entrypoint at a place, behind the loopback. */
export function runOnce(make: Asked["make"], request: Request, place: string): Promise<Response> {
  return runAt({ behind: true, place }, async () => make().fetch(request));
}

/**
 * Turns a response into an answer. It is kept only once its body came whole. Production sends the
 * body on meanwhile; here the visitor waits for it.
 * @param largest the largest response to keep: bytes (W16)
 */
export async function answerFrom(
  response: Response,
  { request, name }: Pick<Asked, "request" | "name">,
  old: Kept | undefined,
  largest: number,
  now: () => number,
): Promise<Answer> {
  const isSame = response.status === 304 && old !== undefined;
  const whole = isSame ? renew(old, response) : response;
  const policy = judge(whole, request, largest, now());
  if (typeof policy === "string") return { status: policy, response: whole };
  const read = await readWhole(whole, largest);
  if ("rest" in read) return { status: "MISS", response: passOn(read.rest, whole) };
  const kept = keep(whole, read.bytes, policy, now(), {
    name,
    path: new URL(request.url).pathname,
  });
  const status = old === undefined ? "MISS" : "EXPIRED";
  return { status: isSame ? "REVALIDATED" : status, kept };
}

function passOn(body: ReadableStream<Uint8Array>, { status, headers }: Response): Response {
  return new Response(body, { status, headers });
}
