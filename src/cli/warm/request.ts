// One request that vitrine warm sends. Types and the headers of browsers; no imports that run.

import type { Fault } from "../command.ts";
import type { Impossible } from "../terminal/lines.ts";

/** The `accept` headers of three kinds of browsers, by the best format that they read. */
export const ACCEPTS = {
  avif: "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8",
  webp: "image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8",
  none: "image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5",
} as const;

export type Reads = keyof typeof ACCEPTS;

/** A request to the public URL of a variant. */
export type WarmRequest = {
  /** The key, without the signature that a URL given as a key may have. */
  readonly name: string;
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

/** Returns the requests for a line of stdin. */
export type Planner = (line: string | Impossible) => readonly WarmRequest[] | Impossible;

/** A request in the queue. */
export type Queued = WarmRequest & {
  /** How many requests the queue has for this source. */
  readonly siblings: number;
};

/** What the keys need that were read ahead. */
export type Estimate = {
  readonly keys: number;
  /** Whether these are all keys. */
  readonly isWhole: boolean;
  readonly requests: number;
  /** How many unique transformations these requests cause (L2). */
  readonly transformations: number;
  /** How many requests were done before. */
  readonly done: number;
};
