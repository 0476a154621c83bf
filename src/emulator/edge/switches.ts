// Everything about the edge and the Images binding that is unknown, depends on the zone, or can go wrong: a row
// each, with its possible values and its strict value. A test may set a row at any time: `createEdge({ quota: 1, … })`
// or `edge.switches.quota = 1`.

import {
  flag,
  isHost,
  listOf,
  oneOf,
  type Rule,
  type SwitchValues,
  strictValues,
  switchOf,
  table,
  wholeNumber,
} from "../check.ts";
import { type Fault, isEdgeFault } from "./faults.ts";

const marks = oneOf("marked", "unmarked");

const faultRule: Rule<Fault | undefined> = {
  expected: "the { code, status } of a failure of the edge, such as { code: 9522, status: 503 }",
  test: (value): value is Fault | undefined => value === undefined || isEdgeFault(value),
};

const sources = listOf("hosts, each with or without a path, such as *.example/photos", (entry) => {
  const [, name] = /^(?:\*\.)?([^/]+)(?:\/.*)?$/s.exec(`${entry}`) ?? [];
  return typeof entry === "string" && isHost(name);
});

/**
 * The strict value is what is documented of production. For an open rule, it is the worse one for the Worker:
 * bytes that it must not pass on look like a rendition, and headers that it must not show are there.
 * All edges share these lists and tables: they are frozen.
 */
const SWITCHES = {
  /** R2. False: transformations are off for the zone, and the edge returns the original. */
  transformations: switchOf(flag, true),
  /** R2, open: what a Worker on a workers.dev address gets of a source on another host. */
  workersDev: switchOf(oneOf("original", "transformed"), "original"),
  /**
   * R1, open: what `cf-resized` says of a success: `internal=…`, or words that nobody has documented; `everywhere`: of an
   * original that is passed on, too.
   */
  resizedHeader: switchOf(oneOf("internal", "other", "other-everywhere"), "internal"),
  /** E5. Other images that the zone may transform: hosts or `*.host`, with or without a path. */
  sources: switchOf(sources, Object.freeze([])),
  /** E5, seen: the answer for a source that is not among `sources`: 9401, or the original without an error. */
  foreignSources: switchOf(oneOf("refused", "untransformed"), "refused"),
  /** E5, open: whether an entry with the path `/a/b` allows `/a/bc` as well. */
  sourcePaths: switchOf(oneOf("segments", "characters"), "segments"),
  /** E12. `off`: the URL interface is off. `off-for-workers-too`: `cf.image` is off, too, which is open. */
  urlTransformations: switchOf(oneOf("on", "off", "off-for-workers-too"), "on"),
  /** E10. True: a rule of the zone blocks all paths that begin with `/cdn-cgi/image/`. */
  firewall: switchOf(flag, false),
  /** E10 and C1, open: whether the URL interface gives anybody what is cached of a private object. */
  urlInterfaceShowsPrivate: switchOf(flag, true),
  /** L2. How many unique transformations are allowed. The next one is 9422. */
  quota: switchOf(wholeNumber, 5_000),
  /** R3. The edge and the binding answer every request with this failure: `{ code: 9522, status: 503 }`. */
  failure: switchOf(faultRule, undefined),
  /** E7, open. False: after a redirect, the edge drops the headers that open the bucket. */
  authAfterRedirect: switchOf(flag, false),
  /** E8, open: whether a Worker that the edge itself has asked may have an image transformed. */
  resizedTwice: switchOf(oneOf("refused", "resized"), "refused"),
  /** R8 and R1, open: whether an SVG that was passed on has `cf-resized`. */
  svg: switchOf(marks, "marked"),
  /** O7, open: what the edge sends in place of an AVIF above 1,200 px. */
  avifTooLarge: switchOf(oneOf("webp", "jpeg", "passed-through"), "passed-through"),
  /** O8, open: whether an animation that was too large has `cf-resized`. */
  animationTooLarge: switchOf(marks, "marked"),
  /** R6, open: whether `bytes` or `sides` make an original smaller; whether the original or the rendition is sent. */
  originalIsSmaller: switchOf(
    table({ comparedBy: oneOf("bytes", "sides"), sent: oneOf("original", "rendition") }),
    Object.freeze({ comparedBy: "bytes", sent: "original" }),
  ),
  /** R9, open: how facts spell the type of the original: `image/jpeg`, or `jpeg`. */
  originalFormat: switchOf(oneOf("type", "name"), "type"),
  /** R9 and O9, open: the sides of the original in facts, before or after the rotation by EXIF. */
  originalSides: switchOf(oneOf("stored", "upright"), "stored"),
  /** R9 and L2, open: whether facts are a unique transformation of their own. */
  factsBilled: switchOf(oneOf("apart", "with-rendition"), "apart"),
  /** O6, open: what `format: "auto"` does: the edge refuses it, or all get the format of the first browser. */
  formatAuto: switchOf(oneOf("refused", "first-come"), "refused"),
  /** E4, open: whether HEAD, Range, If-None-Match and User-Agent reach the origin. */
  conditions: switchOf(oneOf("kept", "passed-on"), "kept"),
  /** R4, R7. False: the answer has no `etag` and no `last-modified` of the original. */
  namesOriginal: switchOf(flag, true),
  /** R7, open: whether the edge passes on the headers of S3. */
  originHeaders: switchOf(oneOf("kept", "leaked"), "leaked"),
  /** O12, open: whether the hosts of overlays get the headers that open the bucket. */
  overlayAuth: switchOf(flag, true),
  /** O5, open: the numbers behind the names of qualities. */
  qualities: switchOf(
    table({
      high: wholeNumber,
      "medium-high": wholeNumber,
      "medium-low": wholeNumber,
      low: wholeNumber,
    }),
    Object.freeze({ high: 90, "medium-high": 80, "medium-low": 65, low: 50 }),
  ),
  /** L1. Only Enterprise zones may have AVIF originals. */
  avifInput: switchOf(flag, false),
  /** L1, open: whether HEIC is read. True: such an original throws, because sharp decodes none. False: 9412. */
  heicInput: switchOf(flag, true),
  /** L1 and O8: bytes, pixels, pixels a side, pixels of all frames of an animation. */
  limits: switchOf(
    table({ bytes: wholeNumber, pixels: wholeNumber, side: wholeNumber, animation: wholeNumber }),
    Object.freeze({ bytes: 100e6, pixels: 100e6, side: 12_000, animation: 50e6 }),
  ),
  /** C1. False: nothing is cached, which suits work on objects and keys that change. */
  cache: switchOf(flag, true),
  /** A15, open. False: a zone that ignores query strings, also in the URL of a source. */
  queryInKey: switchOf(flag, true),
  /** C1, open: for how long a denial or a 404 of the origin is cached, unless the Worker says so: s. */
  denialTtl: switchOf(wholeNumber, 60),
  /** R3. How long the edge waits for an origin: ms. */
  originTimeout: switchOf(wholeNumber, 30_000),
  /** E6. Hosts with their port that may be asked by `http:`, as `127.0.0.1:9000`. In production there are none. */
  httpHosts: switchOf(
    listOf("hosts, without http:// and without a path", isHost),
    Object.freeze([]),
  ),
  /** Options that the emulator does not implement throw, or are ignored (`left-out`). */
  unsupportedOptions: switchOf(oneOf("refused", "left-out"), "refused"),
  /** B3. False: the account may not use the Images binding. */
  bindingAllowed: switchOf(flag, true),
  /** B1: how many bytes an image may have that the binding gets. */
  bindingBytes: switchOf(wholeNumber, 20e6),
  /** B9, open: whether the binding keeps the EXIF data in a JPEG. */
  bindingMetadata: switchOf(oneOf("dropped", "kept"), "kept"),
  /** B6, open: what comes of an animation that is too large. */
  bindingAnimation: switchOf(oneOf("original", "error"), "original"),
  /** B6, open: whether the original comes back where it is smaller than its rendition. */
  bindingSmaller: switchOf(oneOf("original", "rendition"), "original"),
  /** B6, open: what comes in place of an AVIF above 1,200 px. */
  bindingAvif: switchOf(oneOf("original", "error", "webp"), "original"),
  /** B10, open: what is the same source to the binding: the same bytes, or nothing at all. */
  bindingSame: switchOf(oneOf("call", "bytes"), "call"),
  /**
   * What goes wrong with the binding. It throws, or never answers; its output stops or breaks off midway, is
   * of another type than it says, or is the original.
   */
  bindingFault: switchOf(
    oneOf(undefined, "throws", "stalls", "stalls-midway", "breaks-off", "lies", "original"),
    undefined,
  ),
};

/**
 * The switches of the edge and of the Images binding, by the rules of docs/rules.md.
 * @example
 * const switches: Partial<Switches> = { transformations: false };
 */
export type Switches = SwitchValues<typeof SWITCHES>;

export const SWITCH_RULES: { readonly [Name in keyof Switches]: Rule<Switches[Name]> } = SWITCHES;

export const STRICT: Readonly<Switches> = strictValues(SWITCHES);
