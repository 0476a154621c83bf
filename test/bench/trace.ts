// Invents the months of a site from a seed: which picture is asked for, where, on what screen, and which pictures
// are replaced. It does not depend on how they are shown.

import { logNormal, type Random, seeded, weighted, zipf } from "./random.ts";

export type Settings = {
  readonly seed: number;
  /** Requests for images in a month. */
  readonly requests: number;
  readonly objects: number;
  /** Data centres. Each has its own cache. */
  readonly places: number;
  /** Overwritten objects in a month. */
  readonly replacements: number;
  /** The exponent of Zipf's law for objects. 0: all are equal. */
  readonly zipf: number;
};

export type Visit = {
  readonly kind: "visit";
  /** ms since 1970. */
  readonly at: number;
  /** From 0: the busiest place. */
  readonly place: number;
  /** From 0: the most popular object. */
  readonly object: number;
  /** The Accept header of the browser. */
  readonly accept: string;
  /** The place of the picture on the page: a preset of `designs.ts`. */
  readonly preset: Slot;
  /** Its width on the visitor's page, in CSS px. */
  readonly width: number;
  /** Device px for one CSS px. */
  readonly dpr: number;
};

export type Replacement = {
  readonly kind: "replacement";
  readonly at: number;
  readonly object: number;
};

export type Slot = keyof typeof SLOTS;

type Month = { readonly start: number; readonly end: number };

/** A calendar month, because it is the billing period of transformations (L2). @param month 1: the first one */
function monthAt(month: number): Month {
  return { start: Date.UTC(2026, 9 + month, 1), end: Date.UTC(2026, 10 + month, 1) };
}

export const MONTH = monthAt(1);

/** The sizes of originals from cameras, in bytes. The edge accepts up to 100 MB (L1). */
const MEDIAN_BYTES = 2_500_000;
const SIGMA = 0.6;
const MOST_BYTES = 100_000_000;

/** The Accept headers of browsers, with their shares in percent. */
const BROWSERS = [
  { share: 93, accept: "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8" },
  { share: 4, accept: "image/webp,image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5" },
  { share: 3, accept: "image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5" },
] as const;

/** The widths of windows in CSS px, and dprs. Those of phones and tablets are fixed. */
const SCREENS = [
  { share: 60, widths: [360, 375, 384, 390, 393, 402, 412, 414, 428, 430, 440], dprs: [2, 3] },
  { share: 8, widths: [744, 768, 800, 810, 820, 834, 1024], dprs: [2] },
  { share: 32, widths: { from: 900, to: 1920 }, dprs: [1, 1.25, 1.5, 2] },
] as const;

/** Places on a page: their share of pictures in percent, and their width in a window. */
const SLOTS = {
  thumbnail: { share: 60, width: (window: number) => clamp(window / 8, 96, 160) },
  card: { share: 30, width: (window: number) => clamp(window / 3, 280, 480) },
  hero: { share: 10, width: (window: number) => Math.min(window, 1920) },
} as const;

const NAMES = ["thumbnail", "card", "hero"] as const satisfies readonly Slot[];

/** The sizes of the objects in bytes, the most popular object first. */
export function bytesOfObjects({ seed, objects }: Settings): Float64Array {
  const random = seeded(seed ^ 0x0b1ec7);
  return Float64Array.from({ length: objects }, () =>
    Math.min(MOST_BYTES, Math.round(logNormal(random, MEDIAN_BYTES, SIGMA))),
  );
}

/**
 * The events of a month, in order. Each month has other visits to the same objects, which are liked as much.
 * @param month 1: the first one
 */
export function* traceOf(settings: Settings, month = 1): Generator<Visit | Replacement> {
  const { start, end } = monthAt(month);
  const ofMonth = { ...settings, seed: settings.seed + month - 1, start, end };
  const replacements = replacementsOf(ofMonth);
  let next = replacements.next();
  for (const visit of visitsOf(ofMonth)) {
    for (; !next.done && next.value.at <= visit.at; next = replacements.next()) yield next.value;
    yield visit;
  }
  for (; !next.done; next = replacements.next()) yield next.value;
}

function* visitsOf({
  seed,
  requests,
  objects,
  places,
  zipf: exponent,
  ...month
}: Settings & Month): Generator<Visit> {
  const random = seeded(seed);
  const object = zipf(objects, exponent);
  const place = zipf(places, 1); // cities differ as much
  const browser = weighted(BROWSERS.map(({ share }) => share));
  const screen = weighted(SCREENS.map(({ share }) => share));
  const slot = weighted(NAMES.map((name) => SLOTS[name].share));
  for (const at of moments(requests, month, random)) {
    const { widths, dprs } = SCREENS[screen(random)] ?? SCREENS[0];
    const window =
      "from" in widths
        ? widths.from + Math.floor(random() * (widths.to - widths.from + 1))
        : oneOf(widths, random);
    const preset = NAMES[slot(random)] ?? "thumbnail";
    yield {
      kind: "visit",
      at,
      place: place(random),
      object: object(random),
      accept: (BROWSERS[browser(random)] ?? BROWSERS[0]).accept,
      preset,
      width: Math.round(SLOTS[preset].width(window)),
      dpr: oneOf<number>(dprs, random),
    };
  }
}

/** Any object may be replaced, popular or not. */
function* replacementsOf({
  seed,
  objects,
  replacements,
  ...month
}: Settings & Month): Generator<Replacement> {
  const random = seeded(seed ^ 0x2e91ace);
  for (const at of moments(replacements, month, random)) {
    yield { kind: "replacement", at, object: Math.floor(random() * objects) };
  }
}

/** Random times in whole ms, in order, and equally distributed over the month. */
function* moments(count: number, { start, end }: Month, random: Random): Generator<number> {
  for (let at = 0; at < count; at++) {
    yield start + Math.floor(((at + random()) / count) * (end - start));
  }
}

function oneOf<Value>(values: readonly [Value, ...Value[]], random: Random): Value {
  return values[Math.floor(random() * values.length)] ?? values[0];
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(most, Math.max(least, value));
}
