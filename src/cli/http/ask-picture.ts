// Asks for a picture as a browser does, and reads it to its end.

import { answerOf, failureOf, type Pace, type Retrying, retrying, waitOf } from "./retrying.ts";

/** The `accept` headers of three kinds of browsers, by the best format that they read. */
export const ACCEPTS = {
  avif: "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8",
  webp: "image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8",
  none: "image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5",
} as const;

export type Reads = keyof typeof ACCEPTS;

export const ALL_READS: readonly Reads[] = ["avif", "webp", "none"];

/** How long an answer may take, and how long a `retry-after` is waited for: ms. */
const TIMEOUT = 90_000;
const LONGEST_WAIT = 120_000;

/** The statuses of an object that Vitrine cannot show. */
const OBJECT_STATUSES: readonly number[] = [404, 415];
const LONGEST_TYPE = 60;

export type PictureAnswer =
  /** `cache`: where it came from, as server-timing says. */
  | { readonly type: string; readonly bytes: number; readonly cache: string | undefined }
  /** `isTrouble`: it is not the object's fault. */
  | { readonly why: string; readonly isTrouble: boolean };

/** @returns undefined if it was interrupted */
export async function askPicture(
  url: string,
  reads: Reads,
  pace: Pace,
  signal: AbortSignal,
  now: () => number,
): Promise<PictureAnswer | undefined> {
  let bytes = 0;
  const settings: Retrying = {
    limit: 2,
    statuses: [429, 503],
    longestWait: LONGEST_WAIT,
    beyond: "give-up",
    timeout: TIMEOUT,
    signal,
    before: pace.turn,
    async send(request) {
      const answer = await fetch(request);
      const wait = answer.status === 429 ? waitOf(answer, now()) : 0;
      if (wait <= LONGEST_WAIT) pace.hold(wait); // for all requests
      bytes = 0;
      for await (const chunk of answer.body ?? []) bytes += chunk.length;
      return answerOf(answer, "");
    },
  };
  try {
    const answer = await retrying(settings).get(url, { headers: { accept: ACCEPTS[reads] } });
    return endedBy(answer, bytes);
  } catch (error) {
    const failure = failureOf(error, settings);
    if (typeof failure === "string") return { why: failure, isTrouble: true };
    return failure && endedBy(failure, bytes);
  }
}

function endedBy({ status, headers }: Response, bytes: number): PictureAnswer {
  if (status !== 200) return { why: `${status}`, isTrouble: !OBJECT_STATUSES.includes(status) };
  const type =
    headers.get("content-type")?.split(";", 1).join().slice(0, LONGEST_TYPE) || "no type";
  const [, image] = /^image\/([\w.-]+)/.exec(type) ?? [];
  return image === undefined
    ? { why: `200 ${type}`, isTrouble: true }
    : { type: image, bytes, cache: cacheWord(headers) };
}

/** The word of `cache;desc=` in server-timing: `hit`, `stale`, `stored`, `miss` or `direct`; undefined: there is none. */
export function cacheWord(headers: Headers): string | undefined {
  const timing = headers.get("server-timing") ?? "";
  return /(?:^|,)\s*cache\s*;\s*desc="?([\w-]+)/i.exec(timing)?.[1];
}

/** Returns whether an image was kept or stored: it would come as well if nothing worked behind that (W8). */
export function isOutOfCache(headers: Headers): boolean {
  return ["hit", "stale", "stored"].includes(cacheWord(headers) ?? "");
}
