// Compares If-None-Match with an ETag (RFC 9110, 13.1.2): of visitors, and of Workers Cache. `If-Modified-Since` is never
// compared: its date would be wrong after a changed preset or overlay. Pure.

/** No browser sends a longer header. A longer one is not read: characters. */
const MAX_CONDITION_LENGTH = 1024;

/** One entity tag of the list in the header: `"0f3a"`, or `W/"0f3a"`, a weak one. */
const ENTITY_TAGS = /(?:W\/)?"[!#-~\x80-\xff]*"/g;

/**
 * Returns whether `If-None-Match` names an entity tag, by weak comparison: `W/` makes no difference.
 * @param etag with its quotes
 * @example matchesEtag('W/"a", "b"', '"a"') // true
 */
export function matchesEtag(condition: string, etag: string): boolean {
  if (condition.length > MAX_CONDITION_LENGTH) return false;
  if (condition.trim() === "*") return true;

  const tags = condition.match(ENTITY_TAGS);
  if (tags === null) return false;
  return tags.some((tag) => tag.replace(/^W\//, "") === etag);
}
