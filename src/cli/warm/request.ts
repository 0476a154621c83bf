// One request that vitrine warm sends. Types and the headers of browsers; no imports that run.

import type { Fault } from "../command.ts";

/** The `accept` headers of three kinds of browsers, by the best format that they read. */
export const ACCEPTS = {
  avif: "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8",
  webp: "image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8",
  none: "image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5",
} as const;

export type Reads = keyof typeof ACCEPTS;

/** A request to the public URL of a variant. */
export type WarmRequest = {
  readonly key: string;
  readonly variant: string;
  readonly reads: Reads;
  /** The path of the public URL, without a signature. */
  readonly path: string;
  /** Returns the query that signs the URL; empty if the route is not signed. */
  readonly sign: (now: number) => Promise<string | Fault>;
  /** A hash of the bucket and the source URL. With `options`, it names a rendition at the edge (C1). */
  readonly source: string;
  readonly options: string;
  /** A hash of the options without the format. Cloudflare bills it once a month for each source (L2). */
  readonly unique: string;
};

/** A request in the queue. */
export type Queued = WarmRequest & {
  /** How many requests the queue has for this source. */
  readonly siblings: number;
};
