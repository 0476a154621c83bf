// Asks for pictures as browsers do, and reads them to their end. It returns their length, and none of their bytes.

import { parseAccept } from "../../worker/request/accept.ts";
import { EVENT_HEADER } from "../../worker/response/answer.ts";
import type { World } from "../command.ts";
import { isOfVitrine } from "./ask-health.ts";
import { type Body, fetchBody, isNoAnswer } from "./body.ts";
import { createSender } from "./retry.ts";

/** Three kinds of browsers, by the best format that they read, with their `accept` headers. */
export const ACCEPTS = {
  avif: "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8",
  webp: "image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8",
  none: "image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5",
} as const;

export type Browser = keyof typeof ACCEPTS;

export const BROWSERS = (["avif", "webp", "none"] as const).map((browser) => ({
  browser,
  readable: parseAccept(ACCEPTS[browser]),
}));

const TIMEOUT_S = 90;
const MAX_BYTES = 100e6;

export type PictureAnswer =
  | {
      readonly kind: "picture";
      readonly bytes: number;
      /** Where the picture came from, by the header server-timing. */
      readonly cache: string | undefined;
    }
  | NoPicture;

export type NoPicture = {
  readonly kind: "no-picture";
  readonly reason: string;
  /** Whether something else than the object is the cause. */
  readonly isOutage: boolean;
  /** The status of the answer. Undefined: none came. */
  readonly status?: number;
  /** Why the Worker refuses the request, if it was sent with a token of the Worker. */
  readonly event?: string | undefined;
};

/**
 * Creates a function that asks for a picture. The picture is undefined after an interruption.
 *
 * It asks as a visitor first. A cache in front may show visitors what it does not show to a request with a token, and
 * another app may be at that path: so the token is sent only after an answer of a Vitrine, and never after a picture.
 * @param token a token of the Worker, which then says why it refuses a request
 */
export function createPictureClient({ now, interrupted: signal }: World, token?: string) {
  const send = createSender({ now, signal, retries: 2, statuses: [429, 503], maxWaitMs: 120_000 });
  const request = (url: string, headers: Readonly<Record<string, string>>) =>
    send(() => fetchBody(url, { headers, signal }, TIMEOUT_S, () => MAX_BYTES));

  return async (
    url: string,
    browser: Browser,
    visitorHeaders: Readonly<Record<string, string>> = {},
  ): Promise<PictureAnswer | undefined> => {
    const accept = ACCEPTS[browser];
    const visit = await request(url, { ...visitorHeaders, accept });
    if (visit === undefined) return undefined;
    if (isNoAnswer(visit)) {
      return { kind: "no-picture", reason: visit.reason, isOutage: true };
    }

    const answer = readPicture(visit);
    if (answer.kind === "picture") return answer;
    if (token === undefined || !isOfVitrine(visit.headers)) return answer;

    const explained = await request(url, { accept, authorization: `Bearer ${token}` });
    if (explained === undefined) return undefined;
    if (isNoAnswer(explained) || explained.status !== visit.status) return answer;
    return { ...answer, event: eventOf(explained.headers) };
  };
}

function readPicture({ status, headers, bytes }: Body): PictureAnswer {
  const type = headers.get("content-type")?.slice(0, 60) ?? "no type";
  if (status === 200 && type.startsWith("image/")) {
    return { kind: "picture", bytes: bytes.length, cache: cacheStatus(headers) };
  }

  // 404 and 415 are about the object: it is missing, or no image.
  const isOutage = status !== 404 && status !== 415;
  const reason = status === 200 ? `200 ${type}` : `${status}`;
  return { kind: "no-picture", reason, isOutage, status };
}

/** Whoever answers does not decide what is printed. */
const EVENT = /^[a-z-]{1,40}$/;

function eventOf(headers: Headers): string | undefined {
  const event = headers.get(EVENT_HEADER);
  return event !== null && EVENT.test(event) ? event : undefined;
}

/** `cache;desc=hit` of server-timing, among other metrics. */
const CACHE_METRIC = /(?:^|,)\s*cache\s*;\s*desc="?(?<status>[\w-]+)/i;

/** The word of `cache;desc=` in server-timing: `hit`, `stale`, `stored`, `miss` or `direct`; undefined: there is none. */
export function cacheStatus(headers: Headers): string | undefined {
  const metrics = headers.get("server-timing") ?? "";
  return CACHE_METRIC.exec(metrics)?.groups?.["status"];
}
