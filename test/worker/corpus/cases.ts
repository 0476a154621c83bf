// What is tried: pairs of factors. Each value of a factor meets each value of each other factor in at least one case.

import type { EdgeSettings } from "../../../src/emulator/edge/settings.ts";
import type { Random } from "../../bench/random.ts";
import { SHIPPED_PRESETS } from "../../support/env.ts";

export type Subject = {
  /** Its key in the bucket. */
  readonly name: string;
  /** Of the upright picture: px. */
  readonly width: number;
  readonly height: number;
  readonly isTransparent: boolean;
  readBytes(): Promise<Uint8Array>;
};

/** The presets of a new project, and one for each format that a preset may name. */
export const PRESETS = {
  ...SHIPPED_PRESETS,
  jpeg: { width: 1000, format: "jpeg" },
  webp: { width: 1000, format: "webp" },
  avif: { width: 1000, format: "avif" },
};

export type Variant = { readonly name: string; readonly format: "auto" | "jpeg" | "webp" | "avif" };

const VARIANTS: readonly Variant[] = [
  { name: "thumbnail", format: "auto" },
  { name: "thumbnail@2x", format: "auto" },
  { name: "card", format: "auto" },
  { name: "card@1.5x", format: "auto" },
  { name: "card@2x", format: "auto" },
  { name: "hero@640w", format: "auto" },
  { name: "hero@960w", format: "auto" },
  { name: "hero@1280w", format: "auto" },
  { name: "hero@1920w", format: "auto" },
  { name: "jpeg", format: "jpeg" },
  { name: "webp", format: "webp" },
  { name: "avif", format: "avif" },
];

/** An `Accept`, and which formats it names, besides JPEG and PNG. */
type Browser = { readonly accept: string; readonly avif: boolean; readonly webp: boolean };

const BROWSERS: readonly Browser[] = [
  { accept: "image/avif,image/webp,image/*,*/*;q=0.8", avif: true, webp: true },
  { accept: "image/webp,*/*", avif: false, webp: true },
  { accept: "image/avif,image/png,image/jpeg", avif: true, webp: false },
  { accept: "image/png,image/jpeg,image/gif", avif: false, webp: false },
  { accept: "*/*", avif: false, webp: false },
  { accept: "image/avif;q=0.5,image/webp;q=0.9,*/*;q=0.1", avif: true, webp: true },
  { accept: "image/avif;q=0,image/webp;q=0.4", avif: false, webp: true },
];

/** What is open about the edge, and the same about the binding. */
export type Switches = { readonly name: string; readonly settings: Partial<EdgeSettings> };

/** An original that is smaller by bytes is sent, and so is one that is too large for AVIF. */
export const DEFAULT_SWITCHES: Switches = { name: "strict", settings: {} };

/** The default stands here three times, because P5 needs many cases with it. */
const SWITCHES: readonly Switches[] = [
  DEFAULT_SWITCHES,
  DEFAULT_SWITCHES,
  DEFAULT_SWITCHES,
  {
    name: "smaller by sides",
    settings: { originalIsSmaller: { comparedBy: "sides", sent: "original" } },
  },
  {
    name: "smaller by sides, rendition sent",
    settings: { originalIsSmaller: { comparedBy: "sides", sent: "rendition" } },
  },
  {
    name: "smaller by bytes, rendition sent",
    settings: {
      originalIsSmaller: { comparedBy: "bytes", sent: "rendition" },
      bindingSmaller: "rendition",
    },
  },
  {
    name: "large AVIF becomes WebP",
    settings: { avifTooLarge: "webp", bindingAvif: "webp" },
  },
  {
    name: "large AVIF becomes JPEG, or an error of the binding",
    settings: { avifTooLarge: "jpeg", bindingAvif: "error" },
  },
  {
    name: "names no original",
    settings: { namesOriginal: false },
  },
];

const ENGINES = ["cf", "binding"] as const;

export type Case = {
  readonly subject: Subject;
  readonly variant: Variant;
  readonly browser: Browser;
  readonly switches: Switches;
  readonly engine: (typeof ENGINES)[number];
};

/** Returns a few more cases than there are pairs of a picture and a variant. */
export function createCases(subjects: readonly Subject[], random: Random): readonly Case[] {
  const sizes = [subjects, VARIANTS, BROWSERS, SWITCHES, ENGINES].map(({ length }) => length);
  const rows = coverPairs(sizes, random);

  return rows.flatMap(([s = 0, v = 0, b = 0, w = 0, e = 0]) => {
    const subject = subjects[s];
    const variant = VARIANTS[v];
    const browser = BROWSERS[b];
    const switches = SWITCHES[w];
    const engine = ENGINES[e];
    if (!subject || !variant || !browser || !switches || !engine) return [];

    return { subject, variant, browser, switches, engine };
  });
}

type Pair = readonly [factor: number, value: number, otherFactor: number, otherValue: number];

/**
 * Covers all pairs of values.
 * @param sizes how many values each factor has
 * @returns rows with the index of a value for each factor
 */
function coverPairs(sizes: readonly number[], random: Random): readonly (readonly number[])[] {
  const pairs = shuffle(pairsOf(sizes), random);
  const uncovered = new Set(pairs.map(String));
  const rows: number[][] = [];

  for (const pair of pairs) {
    if (!uncovered.has(String(pair))) continue;

    const [factor, value, otherFactor, otherValue] = pair;
    const row: (number | undefined)[] = sizes.map(() => undefined);
    row[factor] = value;
    row[otherFactor] = otherValue;

    const complete = sizes.map((size, at) => {
      row[at] ??= bestValue(row, at, size, uncovered, random);
      return row[at];
    });

    for (const covered of pairsIn(complete)) uncovered.delete(String(covered));

    rows.push(complete);
  }

  return rows;
}

/** The value of a factor that makes the most new pairs with those of a row. Of equal ones, any. */
function bestValue(
  row: readonly (number | undefined)[],
  factor: number,
  size: number,
  uncovered: ReadonlySet<string>,
  random: Random,
): number {
  const scores = Array.from({ length: size }, (_, value) => {
    const pairs = pairsIn(row.with(factor, value));
    return pairs.filter((pair) => uncovered.has(String(pair))).length;
  });
  const highest = Math.max(...scores);
  const best = [...scores.keys()].filter((value) => scores[value] === highest);

  return best[Math.floor(random() * best.length)] ?? 0;
}

function pairsIn(row: readonly (number | undefined)[]): readonly Pair[] {
  return row.flatMap((value, factor) =>
    row.flatMap((otherValue, otherFactor): Pair[] => {
      const isPair = factor < otherFactor && value !== undefined && otherValue !== undefined;
      return isPair ? [[factor, value, otherFactor, otherValue]] : [];
    }),
  );
}

function pairsOf(sizes: readonly number[]): readonly Pair[] {
  return sizes.flatMap((size, factor) =>
    sizes.flatMap((otherSize, otherFactor) => {
      if (factor >= otherFactor) return [];
      return Array.from({ length: size * otherSize }, (_, at): Pair => {
        const value = Math.floor(at / otherSize);
        return [factor, value, otherFactor, at % otherSize];
      });
    }),
  );
}

export function shuffle<Item>(items: readonly Item[], random: Random): readonly Item[] {
  const drawn = items.map((item) => ({ item, rank: random() }));
  return drawn.toSorted((a, b) => a.rank - b.rank).map(({ item }) => item);
}
