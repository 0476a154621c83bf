// Requests that have got originals, or sizes that nobody allowed, out of other image servers.

/** The parts of a correct URL. */
export type Right = {
  readonly base: string;
  readonly path: string;
  readonly query: string;
  /** The variant, as in the URL. */
  readonly name: string;
  /** The object's part of the path. */
  readonly key: string;
  /** The URL of the bucket. */
  readonly source: string;
  /** Returns whether the configuration has a variant. */
  readonly allows: (variant: string) => boolean;
};

export type Trick = {
  /** In plain words. */
  readonly what: string;
  readonly url: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Another image may be at that URL, so only the original itself counts. */
  readonly elsewhere?: true;
};

/** What to ask instead of the correct URL. */
export function tricksFor(right: Right): Trick[] {
  const { base, path, query, name, key, source, allows } = right;
  const url = base + path + query;
  const preset = name.replace(/@.*/, "");
  const withQuery = (more: string): Trick => {
    return { what: `?${more}`, url: `${base}${path}${query ? `${query}&` : "?"}${more}` };
  };
  const withVariant = (variant: string): Trick => {
    const other = path.replace(`/${name}`, `/${encodeURIComponent(variant)}`);
    return { what: `the variant "${variant}"`, url: base + other + query };
  };
  const withHeaders = (what: string, headers: Record<string, string>): Trick => {
    return { what, url, headers };
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
    atPath(
      "the edge's own URLs, of the path",
      `/cdn-cgi/image/width=4000,fit=scale-up${path}${query}`,
    ),
    atPath("the edge's own URLs, of the object", `/cdn-cgi/image/width=4000/${source}${key}`),
    withHeaders("a range", { range: "bytes=0-99999999" }),
    withHeaders("cache-control: no-transform", { "cache-control": "no-transform" }),
    withHeaders("the edge's own via", { via: "1.1 image-resizing-proxy" }), // E8
    withHeaders("x-original-url", { "x-original-url": "/", "x-rewrite-url": "/" }),
    { what: "POST", url, method: "POST" },
  ];
}
