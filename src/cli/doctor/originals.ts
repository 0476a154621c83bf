// Tries to get an original, or a size that nobody allowed, out of the deployed Worker: by requests that
// have got them out of other image servers.

import type { Body } from "../http/body.ts";
import { sniff } from "../picture/sniff.ts";
import { ACCEPTS, askSite, isSame, type Visit } from "./ask-site.ts";
import { type Diagnosis, diagnose, note, well } from "./finding.ts";

type Trick = RequestInit & {
  /** In plain words. */
  readonly what: string;
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Another image may be at that URL, so only the original itself counts. */
  readonly elsewhere?: true;
};

/** Answers that prove nothing: too many requests, or an error. */
const NOT_TRIED = new Set([429, 500, 502, 503, 504]);

/**
 * @param allows returns whether the configuration has a variant
 * @param rendition what visitors should get
 */
export async function originalsOf(
  visit: Visit,
  allows: (variant: string) => boolean,
  rendition: Body,
): Promise<Diagnosis> {
  const came: string[] = [];
  let tried = 0;
  const tricks = tricksFor(visit, allows);
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
    if (isOther || isSame(answer.bytes, visit.original)) came.push(what);
  }
  if (came.length > 0) return diagnose("tricks-work", { tricks: came.join("; by ") });
  const none = `none of ${tried} tricks gets the original, or another size`;
  const unanswered = tricks.length - tried;
  if (unanswered === 0) return well("originals", none);
  return note("originals", `${none}; ${unanswered} more were not answered: try again`);
}

function tricksFor(visit: Visit, allows: (variant: string) => boolean): Trick[] {
  const { base, path, query, name, key } = visit;
  const url = base + path + query;
  const preset = name.replace(/@.*/, "");
  const withQuery = (more: string): Trick => {
    return { what: `?${more}`, url: `${url}${query ? "&" : "?"}${more}` };
  };
  const withVariant = (variant: string): Trick => {
    const other = path.replace(`/${name}`, `/${encodeURIComponent(variant)}`);
    return { what: `the variant "${variant}"`, url: base + other + query };
  };
  const atPath = (what: string, other: string): Trick => {
    return { what, url: base + other, elsewhere: true };
  };
  const variants = ["original", "public", `${preset}@4000w`, `${preset}@3x`];
  return [
    withQuery("width=4000&height=4000&fit=scale-up"),
    withQuery("format=json"),
    withQuery("original=1&raw=1&download=1"),
    ...[...variants, "width=4000,quality=100"].filter((one) => !allows(one)).map(withVariant),
    atPath("the key alone", `/${key}`),
    atPath("a path without a variant", path.replace(`/${name}`, "")),
    atPath("an encoded ..", path.replace(`/${name}`, `/${name}/x%2F..%2F..`)),
    atPath("an encoded slash", path.replace(`/${name}/`, `/${name}%2F`)),
    atPath("the edge's own URLs", `/cdn-cgi/image/width=4000,fit=scale-up${path}${query}`),
    { what: "a range", url, headers: { range: "bytes=0-99999999" } },
    { what: "cache-control: no-transform", url, headers: { "cache-control": "no-transform" } },
    { what: "the edge's own via", url, headers: { via: "1.1 image-resizing-proxy" } }, // E8
    { what: "x-original-url", url, headers: { "x-original-url": "/", "x-rewrite-url": "/" } },
    { what: "POST", url, method: "POST" },
  ];
}
