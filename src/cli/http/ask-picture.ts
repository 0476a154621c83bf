// Asks for pictures as browsers do, and reads them to their end. It keeps no byte.

import { readAccept } from "../../worker/request/format.ts";
import type { World } from "../command.ts";
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
  readable: readAccept(ACCEPTS[browser]),
}));

const TIMEOUT_MS = 90_000;
const MAX_WAIT_MS = 120_000;

/** The statuses of an object that Vitrine cannot show. */
const OBJECT_STATUSES: readonly number[] = [404, 415];
const MAX_TYPE_LENGTH = 60;

export type PictureAnswer =
  /** `cache`: where it came from, as server-timing says. */
  | { readonly type: string; readonly bytes: number; readonly cache: string | undefined }
  /** `isTrouble`: it is not the object's fault. */
  | { readonly reason: string; readonly isTrouble: boolean };

/** Creates a function that asks for a picture. @returns undefined if it was interrupted */
export function createPictureClient({ now, interrupted: signal }: World) {
  const limits = { retries: 2, statuses: [429, 503], maxWaitMs: MAX_WAIT_MS };
  const send = createSender({ now, signal, timeoutMs: TIMEOUT_MS, ...limits });
  return async (url: string, browser: Browser): Promise<PictureAnswer | undefined> => {
    const headers = { accept: ACCEPTS[browser] };
    const answer = await send(url, async (stop) => {
      const {
        status,
        headers: received,
        body,
      } = await fetch(url, {
        headers,
        redirect: "manual",
        signal: stop,
      });
      let bytes = 0;
      for await (const chunk of body ?? []) bytes += chunk.length;
      return { status, headers: received, bytes };
    });
    if (answer === undefined) return undefined;
    return typeof answer === "string" ? { reason: answer, isTrouble: true } : readAnswer(answer);
  };
}

type Received = Pick<Response, "status" | "headers"> & { readonly bytes: number };

function readAnswer({ status, headers, bytes }: Received): PictureAnswer {
  if (status !== 200) return { reason: `${status}`, isTrouble: !OBJECT_STATUSES.includes(status) };
  const [declared = ""] = headers.get("content-type")?.split(";", 1) ?? [];
  const type = declared.slice(0, MAX_TYPE_LENGTH) || "no type";
  const [, image] = /^image\/([\w.-]+)/.exec(type) ?? [];
  return image === undefined
    ? { reason: `200 ${type}`, isTrouble: true }
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
