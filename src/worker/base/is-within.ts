// Compares two times by a clock that can be set back. Pure.

/**
 * Returns whether `at` is less than `ms` away from now, in either direction. A clock that was set back
 * by more than that ends a wait.
 */
export function isWithin(ms: number, at: number | undefined, now: number): boolean {
  return at !== undefined && Math.abs(now - at) < ms;
}
