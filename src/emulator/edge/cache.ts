// The edge's cache: its keys and its times (C1, C2, C4).

type Entry<Value> = { readonly value: Value; readonly until: number };

export type Cache<Value> = {
  get(key: string): Value | undefined;
  /** @param seconds how long to keep it; 0 or less: not at all */
  set(key: string, value: Value, seconds: number): void;
  /** Drops what belongs to a source URL (C3). */
  purge(url: string): void;
};

/**
 * A cache whose keys begin with a source URL and a space.
 * @param keeps whether anything is kept at the moment
 */
export function createCache<Value>(now: () => number, keeps: () => boolean): Cache<Value> {
  const entries = new Map<string, Entry<Value>>();
  return {
    get(key) {
      const entry = entries.get(key);
      return entry !== undefined && now() < entry.until ? entry.value : undefined;
    },
    set(key, value, seconds) {
      if (seconds > 0 && keeps()) entries.set(key, { value, until: now() + seconds * 1000 });
    },
    purge(url) {
      for (const key of entries.keys()) if (key.startsWith(`${url} `)) entries.delete(key);
    },
  };
}

const LEAST_S = 3600;

/**
 * For how many seconds a success is kept: an hour at least, or as long as the origin's
 * cache-control says if that is longer; `must-revalidate` makes it exactly that (C1).
 */
export function lifetime(cacheControl: string | null): number {
  const control = cacheControl ?? "";
  const maxAge = Number(/\bmax-age=(\d+)/i.exec(control)?.[1] ?? 0);
  return /\bmust-revalidate\b/i.test(control) ? maxAge : Math.max(LEAST_S, maxAge);
}

/** True if the edge would keep it for less, were it not for C1 (R6). */
export function isRestrictive(cacheControl: string | null): boolean {
  return /\b(?:no-store|no-cache|private|max-age=0)\b/i.test(cacheControl ?? "");
}

/**
 * For how many seconds `cf.cacheTtlByStatus` keeps an answer, or undefined where it says nothing
 * (C4). Its keys are `404` or `200-299`; a negative number means not to keep it.
 */
export function ttlByStatus(table: unknown, status: number): number | undefined {
  if (typeof table !== "object" || table === null) return undefined;
  for (const [range, seconds] of Object.entries(table)) {
    const [from, to = from] = range.split("-").map(Number);
    if (from === undefined || to === undefined || typeof seconds !== "number") continue;
    if (status >= from && status <= to) return seconds;
  }
  return undefined;
}
