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

/** An entry of `sources`: `images.example`, `*.example` (a host and its subdomains), or `*.example/photos`. */
export const SOURCES_ENTRY = /^(?<withSubdomains>\*\.)?(?<domain>[^/]+)(?<path>\/.*)?$/s;

const sources = listOf(
  "hosts, each with or without a path, such as *.example/photos",
  (entry) => typeof entry === "string" && isHost(SOURCES_ENTRY.exec(entry)?.groups?.["domain"]),
);

/**
 * The strict value is what is documented of production. Where a rule is open, it is the worse one for the Worker: bytes
 * that it must not pass on look like a rendition, and headers that it must not show are there. All edges share these
 * lists and tables, so they are frozen.
 */
const SWITCHES = {
  /** False: transformations are off for the zone, and the edge returns the original (R2). */
  transformations: switchOf(flag, true),
  /** What a Worker on a workers.dev address gets of a source on another host (R2, open). */
  workersDev: switchOf(oneOf("original", "transformed"), "original"),
  /**
   * What `cf-resized` says of a success: `internal=…`, or words that nobody has documented; `everywhere`: of an
   * original that is passed on, too (R1, open).
   */
  resizedHeader: switchOf(oneOf("internal", "other", "other-everywhere"), "internal"),
  /** Other images that the zone may transform: hosts or `*.host`, with or without a path (E5). */
  sources: switchOf(sources, Object.freeze([])),
  /** The answer for a source that is not among `sources`: 9401, or the original without an error (E5, seen). */
  foreignSources: switchOf(oneOf("refused", "untransformed"), "refused"),
  /** Whether an entry with the path `/a/b` allows `/a/bc` as well (E5, open). */
  sourcePaths: switchOf(oneOf("segments", "characters"), "segments"),
  /** `off`: the URL interface is off. `off-for-workers-too`: `cf.image` is off, too, which is open (E12). */
  urlTransformations: switchOf(oneOf("on", "off", "off-for-workers-too"), "on"),
  /** True: a rule of the zone blocks all paths that begin with `/cdn-cgi/image/` (E10). */
  firewall: switchOf(flag, false),
  /** Whether the URL interface gives anybody what is cached of a private object (E10 and C1, open). */
  urlInterfaceShowsPrivate: switchOf(flag, true),
  /** How many unique transformations are allowed. The next one is 9422 (L2). */
  quota: switchOf(wholeNumber, 5_000),
  /** The edge and the binding answer every request with this failure: `{ code: 9522, status: 503 }` (R3). */
  failure: switchOf(faultRule, undefined),
  /** False: after a redirect, the edge drops the headers that open the bucket (E7, open). */
  authAfterRedirect: switchOf(flag, false),
  /** Whether a Worker that the edge itself has asked may have an image transformed (E8, open). */
  resizedTwice: switchOf(oneOf("refused", "resized"), "refused"),
  /** Whether an SVG that was passed on has `cf-resized` (R8 and R1, open). */
  svg: switchOf(marks, "marked"),
  /** What the edge sends in place of an AVIF above 1,200 px (O7, open). */
  avifTooLarge: switchOf(oneOf("webp", "jpeg", "passed-through"), "passed-through"),
  /** Whether an animation that was too large has `cf-resized` (O8, open). */
  animationTooLarge: switchOf(marks, "marked"),
  /**
   * Whether `bytes` or `sides` make an original smaller; whether the original or the rendition is sent (R6, open).
   */
  originalIsSmaller: switchOf(
    table({ comparedBy: oneOf("bytes", "sides"), sent: oneOf("original", "rendition") }),
    Object.freeze({ comparedBy: "bytes", sent: "original" }),
  ),
  /** How facts spell the type of the original: `image/jpeg`, or `jpeg` (R9, open). */
  originalFormat: switchOf(oneOf("type", "name"), "type"),
  /** The sides of the original in facts, before or after the rotation by EXIF (R9 and O9, open). */
  originalSides: switchOf(oneOf("stored", "upright"), "stored"),
  /** Whether facts are a unique transformation of their own (R9 and L2, open). */
  factsBilled: switchOf(oneOf("apart", "with-rendition"), "apart"),
  /** What `format: "auto"` does: the edge refuses it, or all get the format of the first browser (O6, open). */
  formatAuto: switchOf(oneOf("refused", "first-come"), "refused"),
  /** Whether HEAD, Range, If-None-Match and User-Agent reach the origin (E4, open). */
  conditions: switchOf(oneOf("kept", "passed-on"), "kept"),
  /** False: the answer has no `etag` and no `last-modified` of the original (R4, R7). */
  namesOriginal: switchOf(flag, true),
  /** Whether the edge passes on the headers of S3 (R7, open). */
  originHeaders: switchOf(oneOf("kept", "leaked"), "leaked"),
  /** Whether the hosts of overlays get the headers that open the bucket (O12, open). */
  overlayAuth: switchOf(flag, true),
  /** The numbers behind the names of qualities (O5, open). */
  qualities: switchOf(
    table({
      high: wholeNumber,
      "medium-high": wholeNumber,
      "medium-low": wholeNumber,
      low: wholeNumber,
    }),
    Object.freeze({ high: 90, "medium-high": 80, "medium-low": 65, low: 50 }),
  ),
  /** Only Enterprise zones may have AVIF originals (L1). */
  avifInput: switchOf(flag, false),
  /** Whether HEIC is read. True: such an original throws, because sharp decodes none. False: 9412 (L1, open). */
  heicInput: switchOf(flag, true),
  /** Bytes, pixels, pixels a side, pixels of all frames of an animation (L1 and O8). */
  limits: switchOf(
    table({ bytes: wholeNumber, pixels: wholeNumber, side: wholeNumber, animation: wholeNumber }),
    Object.freeze({ bytes: 100e6, pixels: 100e6, side: 12_000, animation: 50e6 }),
  ),
  /** False: nothing is cached, which suits work on objects and keys that change (C1). */
  cache: switchOf(flag, true),
  /** False: a zone that ignores query strings, also in the URL of a source (A15, open). */
  queryInKey: switchOf(flag, true),
  /** For how long a denial or a 404 of the origin is cached, unless the Worker says so: s (C1, open). */
  denialTtl: switchOf(wholeNumber, 60),
  /** How long the edge waits for an origin: ms (R3). */
  originTimeout: switchOf(wholeNumber, 30_000),
  /** Hosts with their port that may be asked by `http:`, as `127.0.0.1:9000`. In production there are none (E6). */
  httpHosts: switchOf(
    listOf("hosts, without http:// and without a path", isHost),
    Object.freeze([]),
  ),
  /** Options that the emulator does not implement throw, or are ignored (`left-out`). */
  unsupportedOptions: switchOf(oneOf("refused", "left-out"), "refused"),
  /** False: the account may not use the Images binding (B3). */
  bindingAllowed: switchOf(flag, true),
  /** How many bytes an image may have that the binding gets (B1). */
  bindingBytes: switchOf(wholeNumber, 20e6),
  /** Whether the binding keeps the EXIF data in a JPEG (B9, open). */
  bindingMetadata: switchOf(oneOf("dropped", "kept"), "kept"),
  /** What comes of an animation that is too large (B6, open). */
  bindingAnimation: switchOf(oneOf("original", "error"), "original"),
  /** Whether the original comes back where it is smaller than its rendition (B6, open). */
  bindingSmaller: switchOf(oneOf("original", "rendition"), "original"),
  /** What comes in place of an AVIF above 1,200 px (B6, open). */
  bindingAvif: switchOf(oneOf("original", "error", "webp"), "original"),
  /** What is the same source to the binding: the same bytes, or nothing at all (B10, open). */
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
