// The transformations that the Worker asks for, and what they can cost at most (L2). Nothing is sent.

import type { Config } from "../../worker/config/config.ts";
import type { Variant } from "../../worker/config/preset.ts";
import type { ReportMistake, Vars } from "../../worker/config/schema.ts";
import { integer, numberBetween, optional, table } from "../../worker/config/schema.ts";
import { edgeOptions, factsOptions } from "../../worker/edge/render-at-edge.ts";
import { createTransformRequest } from "../../worker/request/transform-request.ts";
import { parseJson, tableOf } from "../../worker/util/json.ts";
import { count } from "../terminal/progress.ts";

/** Unique transformations a month that are free, and the US dollars for each more (L2). */
export const FREE = 5_000;
export const PRICE = 0.5 / 1_000;

export const SOME_OBJECTS = 10_000;

/**
 * How many sets of options one object costs at a variant, at most. The Worker asks for the quality
 * that fits the object, in as many formats as it takes: a format is free (L2). Where all of them are longer than the object,
 * it asks for one more set, with a lower quality and one pixel less. A transparent picture may need two more, without a
 * quality: for a browser that reads neither AVIF nor WebP, it is a PNG (O5). They are named, and not counted.
 */
const MAX_SETS = 2;

/** Reads `COSTS`, which the Worker does not use: about how many objects each bucket shows, and US dollars a month. */
export function readBounds(vars: Vars, report: ReportMistake) {
  const names = Object.keys(tableOf(vars["BUCKETS"]));
  const counts = Object.fromEntries(names.map((name) => [name, optional(integer(1, 1e12))]));
  const schema = table({ most: optional(numberBetween(0, 1e9)), objects: optional(table(counts)) });
  return schema(parseJson(vars["COSTS"] ?? {}), "COSTS", report);
}

export function transformationsOf({ buckets, routes, variants }: Config): Map<string, number> {
  return new Map(
    buckets.map((bucket) => {
      const leading = routes.filter((route) => route.buckets.includes(bucket));
      const options = [...variants.values()].flatMap((variant) => {
        const showing = leading.filter(({ presets }) => presets?.has(variant.preset) ?? true);
        if (showing.length === 0) return [];
        const hasFacts = bucket.engine === "cf" && showing.some((route) => route.facts);
        return uniqueOptions(variant, hasFacts);
      });
      return [bucket.name, new Set(options).size];
    }),
  );
}

/**
 * The sets of options of a variant, each as a text. Each set counts once for an object, whatever the format.
 * An option `anim` (O8) makes another set.
 * @param hasFacts whether the edge is asked for facts, too, which may be one more set (R9)
 */
export function uniqueOptions(variant: Variant, hasFacts: boolean): string[] {
  const facts = hasFacts ? [billedAs(factsOptions(createTransformRequest(variant, "facts")))] : [];
  const formats = variant.format === "auto" ? (["webp", "plain"] as const) : (["own"] as const);
  const images = formats.flatMap((format) =>
    (["image/gif", "image/png"] as const).map((type) =>
      edgeOptions(createTransformRequest(variant, format, { type })),
    ),
  );
  const sets = images.flatMap((image) => billedSets(variant, image));
  return [...new Set([...facts, ...sets])];
}

/**
 * The sets of options that one request for a variant can cost, each as a text. The quality in the text is that of the
 * preset, also where the Worker chooses another one or none: it is the same for all formats.
 */
export function billedSets(variant: Variant, image: RequestInitCfPropertiesImage): string[] {
  const { quality } = variant.image;
  const first = billedAs({ ...image, ...(quality !== undefined && { quality }) });
  const sets = [first];
  while (sets.length < MAX_SETS) sets.push(`${first} ${sets.length}`);
  return sets;
}

/** Options that are billed once have one text. Facts may be billed apart from their rendition (R9). */
function billedAs({ format, ...options }: RequestInitCfPropertiesImage): string {
  return JSON.stringify([Object.entries(options).sort(), format === "json"]);
}

export function describeCosts(config: Config, bounds: ReturnType<typeof readBounds>) {
  const { objects = {}, most: maxDollars } = { ...bounds };
  let all = 0;
  const rows = [...transformationsOf(config)].flatMap(([bucket, each]) => {
    const total = objects[bucket] ?? SOME_OBJECTS;
    all += each * total;
    const counts = `${each} for an object, ${count(each * total)} for ${count(total)} objects`;
    const hint = objects[bucket] ? "" : " (assumed: COSTS.objects does not name it)";
    return each === 0 ? [] : [`  ${bucket}: ${counts}${hint}`];
  });
  const dollars = Math.max(0, all - FREE) * PRICE;
  const lines = [
    "Unique transformations that visitors can cause, all variants of all objects:",
    ...rows,
    `  Each variant counts ${MAX_SETS}: another quality is billed, too, where the first made more bytes than the object has.`,
    "  Most objects need 1; a transparent one may need 4, if old browsers ask.",
    `  at most ${money(dollars)} a month for transformations alone (5,000 are free, then $0.50 for 1,000).`,
    ...(config.buckets.some(({ images }) => images !== undefined)
      ? ["  Whether the Images binding knows an original again is not known. If not, it is more."]
      : []),
    config.store
      ? "  The store holds what was made, but no overlays by URL: after the first month only what is new is billed"
      : "  They are billed again in every month. With store in [vars.ANSWERS], only what is new: docs/costs.md",
  ];
  if (maxDollars === undefined || dollars <= maxDollars) return { lines, warnings: [] };
  const message = `COSTS.most is ${money(maxDollars)} a month, and visitors can make it ${money(dollars)}`;
  const remedy = "fewer presets, fewer descriptors, presets on routes";
  return { lines, warnings: [{ message, remedy }] };
}

export function money(dollars: number): string {
  const rounded = dollars && Math.max(dollars, 0.01); // an upper limit, so not $0.00
  return `$${rounded.toLocaleString("en", { minimumFractionDigits: 2, maximumFractionDigits: 2 })}`;
}
