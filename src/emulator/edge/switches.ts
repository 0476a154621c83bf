// What about the edge is not known, or depends on the zone, or can go wrong: each is a switch. A test
// throws one by `arrange({ quota: 1 })` (test/support/play.ts) or at any time by `stage.edge.switches.quota = 1`.

import type { Fault } from "./faults.ts";

export type Switches = {
  /** R2. False: transformations are off for the zone, and the original comes back. */
  transformations: boolean;
  /** E5. Hosts that the zone may transform images of, beside its own. */
  sources: readonly string[];
  /** L2. How many unique transformations there are until 9422. */
  quota: number;
  /** Any failure of the edge's own, busy (9522) among them, in place of all work. */
  trouble: Fault | undefined;
  /** E7, open. False: a redirect is followed without the headers that open the bucket. */
  authAfterRedirect: boolean;
  /** R8 and R1, open: whether an SVG that was passed on bears `cf-resized`. */
  svg: "marked" | "unmarked";
  /** O7, open: what comes for AVIF above 1,200 px. */
  avifTooLarge: "webp" | "jpeg" | "passed-through";
  /** O8, open: whether an animation that was too large bears `cf-resized`. */
  animationTooLarge: "marked" | "unmarked";
  /** R6, open: what "original is smaller" means, and what comes with it. */
  originalIsSmaller: { of: "bytes" | "sides"; sent: "original" | "print" };
  /** O6, open: what `format: "auto"` does, which Workers may not ask for. */
  formatAuto: "refused" | "first-come";
  /** E4, open: whether HEAD, Range, If-None-Match and User-Agent reach the origin. */
  conditions: "kept" | "passed-on";
  /** R7, open: whether headers of S3's come out. */
  originHeaders: "kept" | "leaked";
  /** O12, open: whether the headers that open the bucket are shown to overlays' hosts. */
  overlayAuth: boolean;
  /** O5, open: what the names of qualities stand for. */
  qualities: Readonly<Record<"high" | "medium-high" | "medium-low" | "low", number>>;
  /** L1. AVIF as an original is for Enterprise zones. */
  avifInput: boolean;
  /** L1 and O8: bytes, pixels, pixels a side, pixels of all frames of an animation. */
  limits: Readonly<Record<"bytes" | "pixels" | "side" | "animation", number>>;
  /** C1. False: nothing is kept, as one likes it where objects and keys change under one's hands. */
  cache: boolean;
  /** C1, open: for how many seconds a denial of the origin's is kept, unless the Worker says how long. */
  denialsKept: number;
  /** How long the edge waits for an origin, in milliseconds. */
  patience: number;
  /** E6. Hosts that may be asked without TLS: there are none but on one's own machine. */
  plain: readonly string[];
  /** Whether to refuse options that cannot be played here, or to leave them out. */
  unplayable: "refused" | "left-out";
};

/**
 * Production's documented behaviour; where a rule is open, the way that is harder on the Worker: what
 * it must not pass on comes marked as if it were a print, and what it must not show is shown to it.
 */
export const STRICT = {
  transformations: true,
  sources: [],
  quota: 5_000,
  trouble: undefined,
  authAfterRedirect: false,
  svg: "marked",
  avifTooLarge: "passed-through",
  animationTooLarge: "marked",
  originalIsSmaller: { of: "bytes", sent: "original" },
  formatAuto: "refused",
  conditions: "kept",
  originHeaders: "leaked",
  overlayAuth: true,
  qualities: { high: 90, "medium-high": 80, "medium-low": 65, low: 50 },
  avifInput: false,
  limits: { bytes: 100e6, pixels: 100e6, side: 12_000, animation: 50e6 },
  cache: true,
  denialsKept: 60,
  patience: 30_000,
  plain: [],
  unplayable: "refused",
} as const satisfies Switches;
