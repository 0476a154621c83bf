// The types of the strict edge: what it is made with, and what it offers.

import { call, host, isHost, optional, type Rule } from "../check.ts";
import type { FetchInit, FetchInput, Network } from "../fetch.ts";
import type { Quota } from "./edge-cache.ts";
import type { ImageOptions } from "./options.ts";
import type { Refusal } from "./refusal.ts";
import type { Switches } from "./switches.ts";

/**
 * What an edge is made with: its zone, its network, and any of its switches.
 * @example
 * const settings: EdgeSettings = { zone: "images.example", sources: ["*.example"], fetch: s3.fetch };
 */
export type EdgeSettings = Partial<Switches> & {
  /** The host of the Worker: in its zone, or on workers.dev. Its own images are always allowed (E5). */
  readonly zone: string;
  /** The network: the global `fetch`, or the `fetch` of an S3. It never gets `cf`. */
  readonly fetch: Network;
  /** ms since 1970. Left out: the clock of this machine. */
  readonly now?: () => number;
  /**
   * Workers, by the host that each answers for: what they answer to another Worker is not transformed (E9). The edge asks
   * them for originals and overlays, too. The one on the zone's own host is the Worker itself (E8). Left out: none, and
   * all hosts are on the network.
   */
  readonly workers?: Readonly<Record<string, (request: Request) => Promise<Response>>>;
};

/**
 * The second argument of an edge's `fetch`. What the edge does not read reaches the network.
 * @example
 * const init: EdgeInit = { headers, cf: { image: { width: 160, "origin-auth": "share-publicly" } } };
 */
export type EdgeInit = FetchInit & {
  readonly cf?: {
    /** Left out: nothing is transformed, and the network answers. */
    readonly image?: ImageOptions;
    /**
     * Seconds, by status (`404`) or range of statuses (`200-299`); less than 0: do not keep (C4). Left out: as long as
     * the origin says, and an hour at least (C1).
     */
    readonly cacheTtlByStatus?: Readonly<Record<string, number>>;
    /** The edge ignores all other options. */
    readonly [other: string]: unknown;
  };
};

/** What `fetch` of an edge is, with its switches. `Edge` adds the Images binding. */
export type EdgeCore = {
  /** `fetch` as a Worker sees it. Without `cf.image` it asks the network. */
  fetch(input: FetchInput, init?: EdgeInit): Promise<Response>;
  /** The answer of the URL interface, which comes before any Worker (E10). Undefined: none. */
  visit(request: Request): Promise<Response | undefined>;
  /** May be changed at any time. */
  readonly switches: Switches;
  /** The URLs of the requests with `cf.image`, in order. */
  readonly requests: readonly string[];
  /** The URLs from which originals were fetched, in order. */
  readonly originFetches: readonly string[];
  /** What the edge and its Images binding refused, in order, and why. The answer itself only has the code. */
  readonly refusals: readonly Refusal[];
  /** The URLs that came back untransformed: without `cf.image`, or with transformations off. */
  readonly passedOn: readonly string[];
  readonly quota: Quota;
  /** Adds what the Images binding refused. */
  addRefusal(refusal: Refusal): void;
  /** Drops an original and all its variants, by its source URL (C3). */
  purge(url: string): void;
};

type Workers = NonNullable<EdgeSettings["workers"]>;

const workers: Rule<Workers> = {
  expected: "a table of functions by the hosts that they answer for",
  test: (value): value is Workers => {
    const entries = Object.entries(Object(value));
    return entries.every(([name, worker]) => isHost(name) && typeof worker === "function");
  },
};

/** What each setting may be that is no switch. */
export const EDGE_SETTING_RULES = {
  zone: host,
  fetch: call<EdgeSettings["fetch"]>(),
  now: optional(call<() => number>()),
  workers: optional(workers),
} satisfies Record<Exclude<keyof EdgeSettings, keyof Switches>, Rule>;
