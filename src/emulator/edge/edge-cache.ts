// The cache of the edge (C1, C4), and the quota of unique transformations (L2). No clock: `now` is passed in.

export type EdgeCache<Value> = {
  get(key: string): Value | undefined;
  /** @param seconds the lifetime of the value; 0 or less stores nothing */
  set(key: string, value: Value, seconds: number): void;
  /** Drops every entry of a source URL (C3). */
  purge(url: string): void;
};

/**
 * Creates a cache. Its keys begin with a source URL and a space.
 * @param isOn whether the cache stores new values at the moment
 */
export function createEdgeCache<Value>(now: () => number, isOn: () => boolean): EdgeCache<Value> {
  const entries = new Map<string, { readonly value: Value; readonly expires: number }>();

  return {
    get(key) {
      const entry = entries.get(key);
      if (entry === undefined || now() >= entry.expires) return undefined;
      return entry.value;
    },
    set(key, value, seconds) {
      if (seconds > 0 && isOn()) entries.set(key, { value, expires: now() + seconds * 1000 });
    },
    purge(url) {
      for (const key of entries.keys()) {
        if (key.startsWith(`${url} `)) entries.delete(key);
      }
    },
  };
}

const MIN_LIFETIME_S = 3600;

/**
 * Returns how many seconds a success is cached: at least an hour, or longer if the origin's
 * cache-control says so. With `must-revalidate` it is exactly the origin's max-age (C1).
 */
export function lifetime(cacheControl: string | null): number {
  const control = cacheControl ?? "";
  const match = /\bmax-age=(?<seconds>\d+)/i.exec(control);
  const maxAge = Number(match?.groups?.["seconds"] ?? 0);

  if (/\bmust-revalidate\b/i.test(control)) return maxAge;
  return Math.max(MIN_LIFETIME_S, maxAge);
}

/**
 * Returns how many seconds `cf.cacheTtlByStatus` caches an answer, or undefined if the table does
 * not name the status (C4). Its keys are `404` or `200-299`. A negative number means: do not keep.
 */
export function ttlByStatus(table: unknown, status: number): number | undefined {
  if (typeof table !== "object" || table === null) return undefined;

  for (const [range, seconds] of Object.entries(table)) {
    const [min, max = min] = range.split("-").map(Number);
    if (min === undefined || max === undefined || typeof seconds !== "number") continue;
    if (status >= min && status <= max) return seconds;
  }
  return undefined;
}

/** The quota of unique transformations: each is billed once a calendar month (L2). */
export type Quota = {
  /** What is billed: the month, and the transformation. */
  readonly billed: ReadonlySet<string>;
  /** Returns whether a transformation is billed already, or may still be billed. */
  allows(transformation: string): boolean;
  bill(transformation: string): void;
};

/**
 * Creates an unused quota.
 * @param max how many transformations a month has at the moment
 */
export function createQuota(now: () => number, max: () => number): Quota {
  const billed = new Set<string>();
  const month = () => new Date(now()).toISOString().slice(0, 7);

  return {
    billed,
    allows(transformation) {
      const thisMonth = `${month()} `;
      if (billed.has(thisMonth + transformation)) return true;

      const billedThisMonth = [...billed].filter((entry) => entry.startsWith(thisMonth));
      return billedThisMonth.length < max();
    },
    bill(transformation) {
      billed.add(`${month()} ${transformation}`);
    },
  };
}
