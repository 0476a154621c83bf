// The types of the strict edge: what it is made with, and what it offers. Codes such as E5 are rules of docs/rules.md.

import { call, host, isHost, isRecord, optional, type Rule } from "../check.ts";
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
  /** The host of the Worker: `images.example`, or `name.workers.dev`. Its own images are always allowed (E5). */
  readonly zone: string;
  /** The network: the global `fetch`, or the `fetch` of an S3. It is called without `init.cf`. */
  readonly fetch: Network;
  /** ms since 1970. Left out: the clock of this machine. */
  readonly now?: () => number;
  /**
   * Workers, by the host that each answers for.
   * - The one on the zone's own host is the Worker itself (E8).
   * - The edge asks them for originals and overlays.
   * - The Worker asks them by `fetch`, and their answer is never transformed (E9).
   *
   * Left out: there are none, and all hosts are on the network.
   */
  readonly workers?: Readonly<Record<string, (request: Request) => Promise<Response>>>;
};

/**
 * The second argument of an edge's `fetch`. The edge reads `cf`. All else, such as the headers, reaches the network.
 * @example
 * const init: EdgeInit = { headers, cf: { image: { width: 160, "origin-auth": "share-publicly" } } };
 */
export type EdgeInit = FetchInit & {
  readonly cf?: {
    /** Left out: nothing is transformed, and the network answers. */
    readonly image?: ImageOptions;
    /**
     * For how long the edge keeps an original: s, by status or range of statuses, as in `{ "200-299": 60, "404": -1 }`. Less
     * than 0: it is not kept (C4). Left out: as long as the origin says, and an hour at least (C1).
     */
    readonly cacheTtlByStatus?: Readonly<Record<string, number>>;
    /** The edge ignores all other options of `cf`. */
    readonly [other: string]: unknown;
  };
};

/** What `fetch` of an edge is, with its switches. `Edge` adds the Images binding. */
export type EdgeCore = {
  /** `fetch` as a Worker sees it. Without `cf.image` it asks the network. */
  fetch(input: FetchInput, init?: EdgeInit): Promise<Response>;
  /** The answer of the URL interface, `/cdn-cgi/image/…`, which comes before any Worker (E10). Undefined: none. */
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
    if (!isRecord(value)) return false;

    const entries = Object.entries(value);
    return entries.every(([name, worker]) => isHost(name) && typeof worker === "function");
  },
};

type SettingName = Exclude<keyof EdgeSettings, keyof Switches>;

/** The rules of the settings, without the switches. */
export const EDGE_SETTING_RULES = {
  zone: host,
  fetch: call<EdgeSettings["fetch"]>(),
  now: optional(call<() => number>()),
  workers: optional(workers),
} satisfies Record<SettingName, Rule>;
