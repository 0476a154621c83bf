// Compares If-None-Match with an ETag: of visitors, and of Workers Cache. Pure.

/** No browser sends a longer header: characters. */
const MAX_CONDITION_LENGTH = 1024;
const ENTITY_TAGS = /(?:W\/)?"[!#-~\x80-\xff]*"/g;

/**
 * Returns whether `If-None-Match` names an entity tag, by weak comparison. A condition that is too long is
 * not read. `If-Modified-Since` is ignored: a date is wrong after a changed preset or overlay.
 */
export function matchesEtag(condition: string, etag: string): boolean {
  if (condition.length > MAX_CONDITION_LENGTH) return false;
  if (condition.trim() === "*") return true;
  return (condition.match(ENTITY_TAGS) ?? []).some((tag) => tag.replace(/^W\//, "") === etag);
}
