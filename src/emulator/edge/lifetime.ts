// How long the edge keeps an answer (C1, C4).

const LEAST_S = 3600;

/**
 * Returns for how many seconds a success is kept: at least an hour, or longer if the origin's
 * cache-control says so. With `must-revalidate` it is exactly the origin's max-age (C1).
 */
export function lifetime(cacheControl: string | null): number {
  const control = cacheControl ?? "";
  const maxAge = Number(/\bmax-age=(\d+)/i.exec(control)?.[1] ?? 0);
  return /\bmust-revalidate\b/i.test(control) ? maxAge : Math.max(LEAST_S, maxAge);
}

/** Returns whether the origin asks for less than the edge's least lifetime (C1, R6). */
export function isRestrictive(cacheControl: string | null): boolean {
  return /\b(?:no-store|no-cache|private|max-age=0)\b/i.test(cacheControl ?? "");
}

/**
 * Returns for how many seconds `cf.cacheTtlByStatus` keeps an answer, or undefined if the table does
 * not name the status (C4). Its keys are `404` or `200-299`. A negative number means: do not keep.
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
