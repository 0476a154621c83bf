// Whether a visitor has an image already (RFC 9110, section 13). Pure.

import { LONGEST_HEADER } from "../base/longest-header.ts";

const ENTITY_TAGS = /(?:W\/)?"[!#-~\x80-\xff]*"/g;

/** The validators of an image. */
type Validators = {
  readonly etag?: string | undefined;
  readonly "last-modified"?: string | undefined;
};

/**
 * Returns whether the visitor has the image, by If-None-Match (weak comparison), or by If-Modified-Since
 * if there is no If-None-Match. A condition that is too long is not read. A date must be the image's own,
 * in its own spelling: of what stood in for it, a cache knows only a later date, that of the answer (RFC
 * 9110, 13.1.3). Any other date counts as no condition, which is always safe.
 * @param asked the headers of a GET or HEAD
 */
export function hasAlready(asked: Headers, image: Validators): boolean {
  const tags = asked.get("if-none-match");
  if (tags === null) return asked.get("if-modified-since") === image["last-modified"];
  return image.etag !== undefined && tags.length <= LONGEST_HEADER && matches(tags, image.etag);
}

function matches(condition: string, etag: string): boolean {
  if (condition.trim() === "*") return true;
  const opaque = (tag: string) => tag.replace(/^W\//, "");
  return (condition.match(ENTITY_TAGS) ?? []).some((tag) => opaque(tag) === opaque(etag));
}
