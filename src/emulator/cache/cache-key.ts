// The key of a request in Workers Cache (W3, W4). No I/O.

/** W3. Request headers that an app may build its answer from, so that they would poison a cache. */
const POISONOUS = [
  "cloudflare-workers-version-key",
  "forwarded",
  "x-forwarded-host",
  "x-forwarded-scheme",
  "x-host",
  "x-http-method",
  "x-http-method-override",
  "x-method-override",
  "x-original-url",
  "x-rewrite-url",
];

type Target = {
  /** The entrypoint's name in `ctx.exports`. */
  readonly name: string;
  readonly props: unknown;
  /** The deployed version, or undefined with `cross_version_cache` (W4). */
  readonly version: string | undefined;
};

/** Returns the key: neither the host, nor the method, nor another header is in it (W3). */
export function cacheKey(request: Request, { name, props, version }: Target): string {
  const { pathname, search } = new URL(request.url);
  const own: unknown = Object(Object(request).cf).cacheKey;
  const what = typeof own === "string" ? { own } : { path: pathname + search };
  const poison = POISONOUS.map((header) => request.headers.get(header));
  return JSON.stringify([name, what, props ?? null, version ?? null, poison]);
}
