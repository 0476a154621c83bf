// The edge's cache: entries that expire. No clock: `now` is passed in.

type Entry<Value> = { readonly value: Value; readonly until: number };

export type Cache<Value> = {
  get(key: string): Value | undefined;
  /** @param seconds how long to keep the value; 0 or less keeps nothing */
  set(key: string, value: Value, seconds: number): void;
  /** Drops every entry of a source URL (C3). */
  purge(url: string): void;
};

/**
 * Creates a cache. Its keys begin with a source URL and a space.
 * @param keeps whether the cache keeps new values at the moment
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
