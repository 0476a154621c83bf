// What an engine cannot make. Pure.

import type { Bucket } from "./bucket.ts";
import type { Engine } from "./bucket-settings.ts";
import type { Preset, Variant } from "./preset.ts";
import type { Use } from "./routes.ts";
import type { Named, Report } from "./schema.ts";

/** What an engine is asked to make. */
type Options = Pick<Variant, "image" | "format">;

/** An option that an engine does not have; with a value, if it has others of it. */
type Limit = { readonly option: string; readonly value: string };

/** The options of a preset that an engine does not have (B7). */
function limitsOf(engine: Engine, { image, format }: Options): readonly Limit[] {
  const { draw = [], metadata, compression } = image;
  const limits: Limit[] = [];
  const add = (option: string, value = "") => void limits.push({ option, value });
  const other = engine === "cf" ? "key" : "url";
  for (const [at, one] of draw.entries()) {
    if (one[other] !== undefined) add(`draw[${at}].${other}`);
  }
  if (engine === "cf") return limits;
  for (const [at, one] of [image, ...draw].entries()) {
    const place = at === 0 ? "" : `draw[${at - 1}].`;
    if (one.zoom !== undefined) add(`${place}zoom`);
    if (one.upscale !== undefined) add(`${place}upscale`, one.upscale);
    if (one.fit === "scale-up") add(`${place}fit`, one.fit);
  }
  if (metadata !== "none") add("metadata", metadata);
  if (compression !== undefined) add("compression", compression);
  if (format === "baseline-jpeg") add("format", format);
  return limits;
}

/** Reports the options that the engine of a bucket does not have, of each preset that a route shows of it. Each once. */
export function checkEngines(uses: readonly Use[], presets: Named<Preset>, report: Report): void {
  const seen = new Set<string>();
  for (const { bucket, presets: shown } of uses) {
    for (const [name, preset] of presets) {
      if (!preset || shown?.includes(name) === false) continue;
      for (const [option, why] of missing(bucket, preset)) {
        const at = `PRESETS.${name}.${option}`;
        const said = `${at} ${bucket.name}`;
        if (!seen.has(said)) report(at, why);
        seen.add(said);
      }
    }
  }
}

type Missing = readonly (readonly [option: string, why: string])[];

/** What keeps the engine of a bucket from making a preset, and what to do. */
function missing({ name, engine }: Bucket, preset: Preset): Missing {
  const { format, dpr: _dpr, widths: _widths, ...image } = preset;
  return limitsOf(engine, { image, format }).map(({ option, value }) => {
    const what = `${option.replace(/.*\./, "")}${value && ` "${value}"`}`;
    const lack = `bucket ${name} has engine "${engine}", which has no ${what}`;
    const remedy = option.endsWith(".key")
      ? "set url in its place"
      : "remove it, or leave the preset out of the bucket's routes";
    return [option, `${lack}: ${remedy}`];
  });
}
