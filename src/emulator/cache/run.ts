// One run of the entrypoint: what it is asked, and what of its response is kept. No clock: `now` is passed in.

import { type Answer, hasEtag } from "./answer.ts";
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

/**
 * What the cache asks the entrypoint: a GET also for a HEAD.
 * @param etag that of what is kept, where the cache asks whether it is still the same (W18)
 */
export function requestOf(request: Request, etag: string | null | undefined): Request {
  const headers = new Headers(request.headers);
  for (const name of OF_THE_CACHE) headers.delete(name);
  if (etag) headers.set("if-none-match", etag);
  return new Request(request.url, { headers });
}

/** Returns what is wrong with a 304, for which the cache must have asked (W18). */
export function wrong304(asked: Request, { status, headers }: Response): string | undefined {
  if (status !== 304) return undefined;
  const condition = asked.headers.get("if-none-match");
  const etag = headers.get("etag");
  if (condition === null) return `${asked.url}: a 304, and the request had no if-none-match`;
  if (condition === "*" || (etag !== null && hasEtag(condition, etag))) return undefined;
  return `${asked.url}: a 304 with the etag ${etag}, and if-none-match was ${condition}`;
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
