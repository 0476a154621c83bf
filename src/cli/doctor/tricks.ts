// What has let originals, or sizes that nobody allowed, out of other image servers.

/** The URL that is right, taken apart. */
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
  /** Whether a variant is one that the configuration allows. */
  readonly allows: (variant: string) => boolean;
};

type Trick = {
  /** Undefined where it would be none. */
  readonly ask: (right: Right) => Request | undefined;
  /** True where another image may be there by right, so that only the original itself is a find. */
  readonly elsewhere?: true;
};

type Request = {
  /** In plain words. */
  readonly what: string;
  readonly url: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
};

const withQuery = (query: string): Trick => ({
  ask: ({ base, path, query: own }) => ({
    what: `?${query}`,
    url: `${base}${path}${own ? `${own}&` : "?"}${query}`,
  }),
});

const withVariant = (other: (preset: string) => string): Trick => ({
  ask: ({ base, path, query, name, allows }) => {
    const variant = other(name.replace(/@.*/, ""));
    if (allows(variant)) return undefined;
    const url = base + path.replace(`/${name}`, `/${encodeURIComponent(variant)}`) + query;
    return { what: `the variant "${variant}"`, url };
  },
});

const withHeaders = (what: string, headers: Record<string, string>): Trick => ({
  ask: ({ base, path, query }) => ({ what, url: base + path + query, headers }),
});

const atPath = (what: string, of: (right: Right) => string): Trick => ({
  ask: (right) => ({ what, url: right.base + of(right) }),
  elsewhere: true,
});

export const TRICKS: readonly Trick[] = [
  withQuery("width=4000&height=4000&fit=scale-up"),
  withQuery("format=json"),
  withQuery("original=1&raw=1&download=1"),
  withVariant(() => "original"),
  withVariant(() => "public"),
  withVariant((preset) => `${preset}@4000w`),
  withVariant((preset) => `${preset}@3x`),
  withVariant(() => "width=4000,quality=100"),
  atPath("the key alone", ({ key }) => `/${key}`),
  atPath("a path without a variant", ({ path, name }) => path.replace(`/${name}`, "")),
  atPath("an encoded ..", ({ path, name }) => path.replace(`/${name}`, `/${name}/x%2F..%2F..`)),
  atPath("an encoded slash", ({ path, name }) => path.replace(`/${name}/`, `/${name}%2F`)),
  atPath("the edge's own URLs, of the path", ({ path, query }) => {
    return `/cdn-cgi/image/width=4000,fit=scale-up${path}${query}`;
  }),
  atPath("the edge's own URLs, of the object", ({ source, key }) => {
    return `/cdn-cgi/image/width=4000/${source}${key}`;
  }),
  withHeaders("a range", { range: "bytes=0-99999999" }),
  withHeaders("cache-control: no-transform", { "cache-control": "no-transform" }),
  withHeaders("the edge's own via", { via: "1.1 image-resizing-proxy" }), // E8
  withHeaders("x-original-url", { "x-original-url": "/", "x-rewrite-url": "/" }),
  {
    ask: ({ base, path, query }) => ({ what: "POST", url: base + path + query, method: "POST" }),
  },
];
