// The transformations that the Worker asks for, and what they can cost at most (L2). Nothing is sent.

import type { Config } from "../../worker/config/config.ts";
import type { Variant } from "../../worker/config/preset.ts";
import type { BoundRoute } from "../../worker/config/routes.ts";
import { edgeOptions, factsOptions } from "../../worker/edge/render-at-edge.ts";
import { createTransformRequest } from "../../worker/request/transform-request.ts";
import { page } from "../command.ts";
import { count } from "../terminal/progress.ts";
import { settingsFor } from "../wrangler/settings.ts";
import type { EnvironmentConfig } from "./environment-config.ts";
import type { ExpectedCosts } from "./expected-costs.ts";
import type { Warning } from "./mistakes.ts";

/** Unique transformations a month that are free, and the US dollars for each more (L2). */
export const FREE = 5_000;
export const PRICE = 0.5 / 1_000;

/** How many objects a bucket is assumed to show if `COSTS` does not say it. */
export const SOME_OBJECTS = 10_000;

/**
 * How many sets of options one object costs at a variant, at most.
 *
 * The Worker asks for the quality that fits the object, in as many formats as it takes: a format is free (L2). Where all
 * of them are longer than the object, it asks for one more set, with a lower quality and one pixel less.
 *
 * A transparent picture may need two more, without a quality: for a browser that reads neither AVIF nor WebP, it is a
 * PNG (O5). They are named, and not counted.
 */
const MAX_SETS = 2;

/** How many unique transformations an object of each bucket can cause. */
export function transformationsOf({ buckets, routes, variants }: Config): Map<string, number> {
  const transformations = new Map<string, number>();

  for (const bucket of buckets) {
    const leading = routes.filter((route) => route.buckets.includes(bucket));
    const options = new Set<string>();

    for (const variant of variants.values()) {
      const showing = leading.filter((route) => hasPreset(route, variant.preset));
      if (showing.length === 0) continue;

      const hasFacts = bucket.engine === "cf" && showing.some((route) => route.facts);
      for (const set of uniqueOptions(variant, hasFacts)) options.add(set);
    }
    transformations.set(bucket.name, options.size);
  }
  return transformations;
}

/** Returns whether a route shows a preset. A route that names none shows all. */
function hasPreset({ presets }: BoundRoute, preset: string): boolean {
  return presets === undefined || presets.has(preset);
}

/** A GIF may move (`anim`), and a PNG has no quality: such options make another set (O8). */
const TYPES = ["image/gif", "image/png"] as const;

/**
 * The sets of options of a variant, each as a text. Each set counts once for an object, whatever the format.
 * @param hasFacts whether the edge is asked for facts, too, which may be one more set (R9)
 */
export function uniqueOptions(variant: Variant, hasFacts: boolean): string[] {
  const sets = new Set<string>();
  if (hasFacts) {
    const request = createTransformRequest(variant, "facts");
    sets.add(billedAs(factsOptions(request)));
  }

  const formats = variant.format === "auto" ? (["webp", "plain"] as const) : (["own"] as const);
  for (const format of formats) {
    for (const type of TYPES) {
      const request = createTransformRequest(variant, format, { type });
      for (const set of billedSets(variant, edgeOptions(request))) sets.add(set);
    }
  }
  return [...sets];
}

/**
 * The sets of options that one request for a variant can cost, each as a text. The quality in the text is that of the
 * preset, also where the Worker chooses another one or none: it is the same for all formats.
 */
export function billedSets(variant: Variant, image: RequestInitCfPropertiesImage): string[] {
  const { quality } = variant.image;
  const options = quality === undefined ? image : { ...image, quality };

  const first = billedAs(options);
  const sets = [first];
  while (sets.length < MAX_SETS) sets.push(`${first} ${sets.length}`);
  return sets;
}

/** Options that are billed once have one text. Facts may be billed apart from their rendition (R9). */
function billedAs({ format, ...options }: RequestInitCfPropertiesImage): string {
  const isFacts = format === "json";
  return JSON.stringify([Object.entries(options).sort(), isFacts]);
}

export type WorstCase = {
  /** A month. */
  readonly transformations: number;
  /** US dollars a month. */
  readonly dollars: number;
};

/** What visitors can cause in a month: all variants of all objects. */
export function worstCaseOf(config: Config, expected: ExpectedCosts | undefined): WorstCase {
  let transformations = 0;
  for (const [bucket, perObject] of transformationsOf(config)) {
    transformations += perObject * (expected?.objects?.[bucket] ?? SOME_OBJECTS);
  }
  return { transformations, dollars: dollarsOf(transformations) };
}

/** US dollars of so many unique transformations in a month (L2). */
export function dollarsOf(transformations: number): number {
  return Math.max(0, transformations - FREE) * PRICE;
}

/** Returns the presets with the hashes of all their variants. */
export function presetHashes(
  variants: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const presets: Record<string, string> = {};
  for (const [name, hash] of Object.entries(variants)) {
    const [preset = name] = name.split("@");
    const earlierHashes = presets[preset] ?? "";
    presets[preset] = `${earlierHashes} ${hash}`;
  }
  return presets;
}

type CostReport = {
  readonly lines: readonly string[];
  readonly warnings: readonly Warning[];
};

/** @param expected undefined: as if `COSTS` were empty */
export function describeCosts(
  envConfig: EnvironmentConfig,
  config: Config,
  expected: ExpectedCosts | undefined,
): CostReport {
  const lines = ["Unique transformations that visitors can cause, all variants of all objects:"];

  for (const [bucket, perObject] of transformationsOf(config)) {
    if (perObject === 0) continue;

    const expectedCount = expected?.objects?.[bucket];
    const objectCount = expectedCount ?? SOME_OBJECTS;
    const total = perObject * objectCount;
    const line = `  ${bucket}: ${perObject} for an object, ${count(total)} for ${count(objectCount)} objects`;
    const isAssumed = expectedCount === undefined;
    lines.push(isAssumed ? `${line} (assumed: COSTS.objects does not name it)` : line);
  }

  const { dollars } = worstCaseOf(config, expected);
  lines.push(
    `  Each variant counts ${MAX_SETS}: another quality is billed, too, where the first made more bytes than the object has.`,
    "  Most objects need 1; a transparent one may need 4, if old browsers ask.",
    `  at most ${money(dollars)} a month for transformations alone (5,000 are free, then $0.50 for 1,000).`,
  );

  if (config.buckets.some(({ images }) => images !== undefined)) {
    lines.push(
      "  Whether the Images binding knows an original again is not known. If not, it is more.",
    );
  }

  if (config.store === undefined) {
    const answers = settingsFor(envConfig, "[vars.ANSWERS]");
    lines.push(
      `  They are billed again in every month. With store in ${answers}, only what is new: ${page("docs/costs.md")}`,
    );
  } else {
    lines.push(
      "  The store holds what was made, but no overlays by URL: after the first month only what is new is billed",
    );
  }

  return { lines, warnings: costWarnings(dollars, expected?.most) };
}

function costWarnings(dollars: number, maxDollars: number | undefined): readonly Warning[] {
  if (maxDollars === undefined || dollars <= maxDollars) return [];
  return [
    {
      path: "COSTS.most",
      message: `COSTS.most is ${money(maxDollars)} a month, and visitors can make it ${money(dollars)}`,
      remedy: "fewer presets, fewer descriptors, presets on routes",
    },
  ];
}

export function money(dollars: number): string {
  // An upper limit that is not 0 is at least a cent.
  const rounded = dollars === 0 ? 0 : Math.max(dollars, 0.01);
  return `$${rounded.toLocaleString("en", { minimumFractionDigits: 2, maximumFractionDigits: 2 })}`;
}
