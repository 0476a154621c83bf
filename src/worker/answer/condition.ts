// Whether a caller has an image already (RFC 9110, section 13). Pure.

import { LONGEST_HEADER } from "../base/longest-header.ts";

const ENTITY_TAGS = /(?:W\/)?"[!#-~\x80-\xff]*"/g;

/**
 * Returns whether `If-None-Match` names an entity tag, by weak comparison. A condition that is too long is
 * not read. `If-Modified-Since` is ignored: a date is wrong after a changed preset or overlay.
 */
export function matchesEtag(condition: string, etag: string): boolean {
  if (condition.length > LONGEST_HEADER) return false;
  if (condition.trim() === "*") return true;
  return (condition.match(ENTITY_TAGS) ?? []).some((tag) => tag.replace(/^W\//, "") === etag);
}
