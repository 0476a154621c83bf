// Everything about the edge that is unknown, depends on the zone, or can go wrong. Each is a switch,
// which a test may set at any time: `createEdge({ quota: 1, … })` or `edge.switches.quota = 1`.

import { type BindingSwitches, STRICT_BINDING } from "./binding-switches.ts";
import type { Fault } from "./faults.ts";

/**
 * The switches of the edge and of the Images binding.
 * @example
 * const switches: Partial<Switches> = { transformations: false };
 */
export type Switches = EdgeSwitches & BindingSwitches;

/**
 * The switches of the edge. The binding has those of its own, and shares `trouble`, `quota`, `avifInput`,
 * `limits` and `originalSides`.
 * @example
 * const switches: Partial<EdgeSwitches> = { quota: 1 };
 */
export type EdgeSwitches = {
  /** R2. False: transformations are off for the zone, and the edge returns the original. */
  transformations: boolean;
  /** R2, open: what a Worker on a workers.dev address gets of a source on another host. */
  workersDev: "original" | "transformed";
  /** E5. Other images that the zone may transform: hosts or `*.host`, with or without a path. */
  sources: readonly string[];
  /** E5, seen: what comes of a source that is not among them: 9401, or the original without an error. */
  foreignSources: "refused" | "untransformed";
  /** E5, open: whether an entry with the path `/a/b` allows `/a/bc` as well. */
  sourcePaths: "segments" | "characters";
  /** E12. `off`: the URL interface is off. Whether `cf.image` then is off as well is open. */
  urlTransformations: "on" | "off" | "off-for-workers-too";
  /** E10. A rule of the zone blocks all paths that begin with /cdn-cgi/image/. */
  firewall: boolean;
  /** E10 and C1, open: whether the URL interface gives anybody what is kept of a private object. */
  keptForAll: boolean;
  /** L2. How many unique transformations are allowed. The next one is 9422. */
  quota: number;
  /** The edge answers every request with this failure, for example busy (9522). */
  trouble: Fault | undefined;
  /** E7, open. False: after a redirect, the edge drops the headers that open the bucket. */
  authAfterRedirect: boolean;
  /** R8 and R1, open: whether an SVG that was passed on has `cf-resized`. */
  svg: "marked" | "unmarked";
  /** O7, open: what the edge sends in place of an AVIF above 1,200 px. */
  avifTooLarge: "webp" | "jpeg" | "passed-through";
  /** O8, open: whether an animation that was too large has `cf-resized`. */
  animationTooLarge: "marked" | "unmarked";
  /** R6, open: what "original is smaller" means, and what the edge sends. */
  originalIsSmaller: {
    readonly of: "bytes" | "sides";
    readonly sent: "original" | "rendition";
  };
  /** R9, open: how facts spell the type of the original: `image/jpeg`, or `jpeg`. */
  originalFormat: "type" | "name";
  /** R9 and O9, open: the sides of the original in facts, before or after the rotation by EXIF. */
  originalSides: "stored" | "upright";
  /** R9 and L2, open: whether facts are a unique transformation of their own. */
  factsBilled: "apart" | "with-rendition";
  /** O6, open: what `format: "auto"` does. Workers may not ask for it. */
  formatAuto: "refused" | "first-come";
  /** E4, open: whether HEAD, Range, If-None-Match and User-Agent reach the origin. */
  conditions: "kept" | "passed-on";
  /** R4, R7. False: the answer has no `etag` and no `last-modified` of the original. */
  namesOriginal: boolean;
  /** R7, open: whether the edge passes on the headers of S3. */
  originHeaders: "kept" | "leaked";
  /** O12, open: whether the hosts of overlays get the headers that open the bucket. */
  overlayAuth: boolean;
  /** O5, open: the numbers behind the names of qualities. */
  qualities: Readonly<Record<"high" | "medium-high" | "medium-low" | "low", number>>;
  /** L1. Only Enterprise zones may have AVIF originals. */
  avifInput: boolean;
  /** L1 and O8: bytes, pixels, pixels a side, pixels of all frames of an animation. */
  limits: Readonly<Record<"bytes" | "pixels" | "side" | "animation", number>>;
  /** C1. False: nothing is kept, which suits work on objects and keys that change. */
  cache: boolean;
  /** A15, open. False: a zone that ignores query strings, also in the URL of a source. */
  queryInKey: boolean;
  /** C1, open: how long the edge keeps a denial or a 404 of the origin, in seconds, unless the Worker says. */
  denialsKept: number;
  /** How long the edge waits for an origin, in ms. */
  patience: number;
  /** E6. Hosts that may be asked without TLS. In production there are none. */
  plain: readonly string[];
  /** What happens with options that the emulator does not implement. */
  unplayable: "refused" | "left-out";
};

/**
 * What is documented of production. For an open rule, the value that is harder for the Worker: what
 * it must not pass on looks like a rendition, and what it must not show is there to be shown. All edges
 * share these lists and tables: they are frozen.
 */
export const STRICT = {
  transformations: true,
  workersDev: "original",
  sources: Object.freeze([]),
  foreignSources: "refused",
  sourcePaths: "segments",
  urlTransformations: "on",
  firewall: false,
  keptForAll: true,
  quota: 5_000,
  trouble: undefined,
  authAfterRedirect: false,
  svg: "marked",
  avifTooLarge: "passed-through",
  animationTooLarge: "marked",
  originalIsSmaller: Object.freeze({ of: "bytes", sent: "original" }),
  originalFormat: "type",
  originalSides: "stored",
  factsBilled: "apart",
  formatAuto: "refused",
  conditions: "kept",
  namesOriginal: true,
  originHeaders: "leaked",
  overlayAuth: true,
  qualities: Object.freeze({ high: 90, "medium-high": 80, "medium-low": 65, low: 50 }),
  avifInput: false,
  limits: Object.freeze({ bytes: 100e6, pixels: 100e6, side: 12_000, animation: 50e6 }),
  cache: true,
  queryInKey: true,
  denialsKept: 60,
  patience: 30_000,
  plain: Object.freeze([]),
  unplayable: "refused",
  ...STRICT_BINDING,
} as const satisfies Switches;
