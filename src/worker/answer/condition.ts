// Whether a visitor has an image already (RFC 9110, section 13). Pure.

import { LONGEST_HEADER } from "../base/longest-header.ts";

const ENTITY_TAGS = /(?:W\/)?"[!#-~\x80-\xff]*"/g;

/** A date as every server has to write it. The two older forms count as no condition: always safe. */
export const HTTP_DATE = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/;

/** The validators of an image. */
export type Validators = {
  readonly etag?: string | undefined;
  readonly "last-modified"?: string | undefined;
};

/**
 * Returns whether the visitor has the image, by If-None-Match (weak comparison), or by If-Modified-Since
 * if there is no If-None-Match. A condition that is too long is not read.
 * @param asked the headers of a GET or HEAD
 */
export function hasAlready(asked: Headers, image: Validators): boolean {
  const tags = asked.get("if-none-match");
  if (tags === null) {
    return dateOf(asked.get("if-modified-since")) >= dateOf(image["last-modified"]);
  }
  return image.etag !== undefined && tags.length <= LONGEST_HEADER && matches(tags, image.etag);
}

function matches(condition: string, etag: string): boolean {
  if (condition.trim() === "*") return true;
  const opaque = (tag: string) => tag.replace(/^W\//, "");
  return (condition.match(ENTITY_TAGS) ?? []).some((tag) => opaque(tag) === opaque(etag));
}

/** A date in ms since 1970. NaN if the text is no date: every comparison with NaN is false. */
function dateOf(text: string | null | undefined): number {
  return text && HTTP_DATE.test(text) ? Date.parse(text) : Number.NaN;
}
