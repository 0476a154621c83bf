// One run of the entrypoint: what it is asked, and what of its response is kept. No clock: `now` is passed in.

import { type Answer, hasEtag } from "./answer.ts";
import { judge, type Kept, keep, renew } from "./kept.ts";
import type { Asked } from "./tier.ts";

/** Headers that the cache answers itself: the entrypoint gives a whole response. */
const OF_THE_CACHE = [
  ...["if-match", "if-none-match", "if-modified-since", "if-unmodified-since", "if-range", "range"],
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

/**
 * Turns a response into an answer. It is kept only once its body came whole. Production sends the
 * body on meanwhile; here the visitor waits for it.
 */
export async function answerFrom(
  response: Response,
  { request, name }: Pick<Asked, "request" | "name">,
  old: Kept | undefined,
  now: () => number,
): Promise<Answer> {
  const isSame = response.status === 304 && old !== undefined;
  const whole = isSame ? renew(old, response) : response;
  const policy = judge(whole, request, now());
  if (typeof policy === "string") return { status: policy, response: whole };
  const body = await whole
    .clone()
    .arrayBuffer()
    .catch(() => undefined);
  const length = whole.headers.get("content-length");
  if (body === undefined || (length !== null && length !== `${body.byteLength}`)) {
    return { status: "MISS", response: whole }; // it breaks off, or is not as long as it says
  }
  const of = { name, path: new URL(request.url).pathname };
  const kept = keep(whole, new Uint8Array(body), policy, now(), of);
  const status = old === undefined ? "MISS" : "EXPIRED";
  return { status: isSame ? "REVALIDATED" : status, kept };
}
