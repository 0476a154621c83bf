// Tries to get an original, or a size that nobody allowed, out of the deployed Worker.

import { ACCEPTS, type Answer, askSite, isSame } from "./ask-site.ts";
import { type Finding, found, note, well } from "./finding.ts";
import { sniff } from "./sniff.ts";
import { type Right, tricksFor } from "./tricks.ts";

/** Answers that prove nothing: too many requests, or an error. */
const NOT_TRIED = new Set([429, 500, 502, 503, 504]);

/**
 * Tries what has let originals out of other servers.
 * @param original undefined if it is not known
 * @param rendition what visitors should get
 */
export async function originalsOf(
  about: string,
  right: Right,
  original: Uint8Array | undefined,
  rendition: Answer,
): Promise<Finding[]> {
  const came: string[] = [];
  let tried = 0;
  const tricks = tricksFor(right);
  for (const { what, url, headers, elsewhere, ...rest } of tricks) {
    const answer = await askSite(url, { ...rest, headers: { accept: ACCEPTS[0][1], ...headers } });
    if ("reason" in answer || NOT_TRIED.has(answer.status)) continue;
    tried += 1;
    if (answer.status > 299) continue;
    const etag = answer.headers.get("etag");
    const isRendition =
      isSame(answer.bytes, rendition.bytes) ||
      (etag !== null && etag === rendition.headers.get("etag"));
    const isOther = !elsewhere && !isRendition && sniff(answer.bytes) !== undefined;
    if (isOther || isSame(answer.bytes, original)) came.push(what);
  }
  if (came.length > 0) return [found(about, "tricks-work", { tricks: came.join("; by ") })];
  const none = `none of ${tried} tricks gets the original, or another size`;
  const unanswered = tricks.length - tried;
  if (unanswered === 0) return [well(about, "originals", none)];
  return [note(about, "originals", `${none}; ${unanswered} more were not answered: try again`)];
}
