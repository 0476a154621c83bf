// What an answer says of where its image came from. Pure.

/** The word of `cache;desc=` in server-timing: `hit`, `stale`, `stored`, `miss` or `direct`; undefined: there is none. */
export function cacheWord(headers: Headers): string | undefined {
  const timing = headers.get("server-timing") ?? "";
  return /(?:^|,)\s*cache\s*;\s*desc="?([\w-]+)/i.exec(timing)?.[1];
}

/** Returns whether an image was kept or stored: it would come as well if nothing worked behind that (W8). */
export function isOutOfCache(headers: Headers): boolean {
  return ["hit", "stale", "stored"].includes(cacheWord(headers) ?? "");
}
