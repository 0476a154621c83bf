// A month of a site, made up from a seed: who wants which picture, where, on what screen, and which
// pictures are replaced. Knows nothing of how they are shown.

import { logNormal, type Random, seeded, weighted, zipf } from "./random.ts";

export type Settings = {
  readonly seed: number;
  /** For images, in the whole month. */
  readonly requests: number;
  readonly objects: number;
  /** Data centres that answer visitors, each with a cache of its own. */
  readonly places: number;
  /** Objects that are overwritten, in the whole month. */
  readonly replacements: number;
  /** Of Zipf's law for objects: 0 for all alike. */
  readonly zipf: number;
};

export type Visit = {
  readonly kind: "visit";
  /** Milliseconds since 1970. */
  readonly at: number;
  /** From 0, the busiest first. */
  readonly place: number;
  /** From 0, the most wanted first. */
  readonly object: number;
  /** What the browser says it reads. */
  readonly accept: string;
  /** Where on the page the picture stands, as the presets of `designs.ts` are called. */
  readonly preset: Slot;
  /** How wide it is on that visitor's page, in CSS pixels. */
  readonly width: number;
  /** Device pixels for a CSS pixel. */
  readonly dpr: number;
};

export type Replacement = {
  readonly kind: "replacement";
  readonly at: number;
  readonly object: number;
};

export type Slot = keyof typeof SLOTS;

/** One calendar month, since transformations are billed by it (L2). */
export const MONTH = { start: Date.UTC(2026, 10, 1), end: Date.UTC(2026, 11, 1) };

/** Bytes of originals, as cameras make them; the edge takes up to 100 MB (L1). */
const MEDIAN_BYTES = 2_500_000;
const SIGMA = 0.6;
const MOST_BYTES = 100_000_000;

/** What browsers send for an image, and how many in a hundred are such. */
const BROWSERS = [
  { share: 93, accept: "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8" },
  { share: 4, accept: "image/webp,image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5" },
  { share: 3, accept: "image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5" },
] as const;

/** Windows' widths in CSS pixels, and dprs: phones and tablets have fixed ones, desktops any. */
const SCREENS = [
  { share: 60, widths: [360, 375, 384, 390, 393, 402, 412, 414, 428, 430, 440], dprs: [2, 3] },
  { share: 8, widths: [744, 768, 800, 810, 820, 834, 1024], dprs: [2] },
  { share: 32, widths: { from: 900, to: 1920 }, dprs: [1, 1.25, 1.5, 2] },
] as const;

/** Places on a page: how many in a hundred pictures stand there, and how wide in a window. */
const SLOTS = {
  thumbnail: { share: 60, width: (window: number) => clamp(window / 8, 96, 160) },
  card: { share: 30, width: (window: number) => clamp(window / 3, 280, 480) },
  hero: { share: 10, width: (window: number) => Math.min(window, 1920) },
} as const;

const NAMES = ["thumbnail", "card", "hero"] as const satisfies readonly Slot[];

/** The sizes of the objects in bytes, the most wanted first. */
export function bytesOfObjects({ seed, objects }: Settings): Float64Array {
  const random = seeded(seed ^ 0x0b1ec7);
  return Float64Array.from({ length: objects }, () =>
    Math.min(MOST_BYTES, Math.round(logNormal(random, MEDIAN_BYTES, SIGMA))),
  );
}

/** The month's events, in order. */
export function* traceOf(settings: Settings): Generator<Visit | Replacement> {
  const replacements = replacementsOf(settings);
  let next = replacements.next();
  for (const visit of visitsOf(settings)) {
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
}: Settings): Generator<Visit> {
  const random = seeded(seed);
  const object = zipf(objects, exponent);
  const place = zipf(places, 1); // cities differ so much, too
  const browser = weighted(BROWSERS.map(({ share }) => share));
  const screen = weighted(SCREENS.map(({ share }) => share));
  const slot = weighted(NAMES.map((name) => SLOTS[name].share));
  for (const at of moments(requests, random)) {
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

/** Any object may be replaced, wanted or not. */
function* replacementsOf({ seed, objects, replacements }: Settings): Generator<Replacement> {
  const random = seeded(seed ^ 0x2e91ace);
  for (const at of moments(replacements, random)) {
    yield { kind: "replacement", at, object: Math.floor(random() * objects) };
  }
}

/** So many whole milliseconds of the month, in order, and about as many in each hour. */
function* moments(count: number, random: Random): Generator<number> {
  const length = MONTH.end - MONTH.start;
  for (let at = 0; at < count; at++) {
    yield MONTH.start + Math.floor(((at + random()) / count) * length);
  }
}

function oneOf<Value>(values: readonly [Value, ...Value[]], random: Random): Value {
  return values[Math.floor(random() * values.length)] ?? values[0];
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(most, Math.max(least, value));
}
