// The quota of unique transformations (L2).

/** Returns whether a transformation would be one too many. */
export function isBeyond(
  transformations: ReadonlySet<string>,
  billed: string,
  quota: number,
): boolean {
  return !transformations.has(billed) && transformations.size >= quota;
}
