// Checks that the engine of each bucket can make the presets that a route shows of the bucket. An engine makes the
// pictures. It is `cf`, Cloudflare's image edge, or `binding`, the Images binding, which has fewer options. Without
// this check, only a visitor's request would show that an option is lacking. No I/O.

import { isPlainObject, parseJson } from "../util/json.ts";
import type { Bucket } from "./bucket.ts";
import type { Engine } from "./bucket-settings.ts";
import { bindingLacks, type Preset } from "./preset.ts";
import { parseObjectPattern } from "./routes.ts";
import type { ReportMistake, Tables, Vars } from "./schema.ts";

/** A bucket, and the presets that one route shows of it. */
type BucketUse = {
  readonly bucket: Bucket;
  /** The names that the route lists, unchecked. Undefined means all presets. */
  readonly presetNames: readonly unknown[] | undefined;
};

/** An option of a preset that an engine lacks. */
type Limit = {
  /** The path in the preset: `zoom`, or `draw[0].zoom` in an overlay. */
  readonly path: string;
  /** The name of the option: `zoom`. */
  readonly option: string;
  /** The value of the option, if it is text: the engine may take another text. */
  readonly value?: string;
};

/** The options of an image, or of an overlay that is drawn on it. */
type Layer = Omit<Preset, "draw"> | NonNullable<Preset["draw"]>[number];

/** Reports the options that the engine of a bucket lacks, for each preset that a route shows of the bucket. */
export function checkEngines(
  vars: Vars,
  buckets: Tables<Bucket>,
  presets: Tables<Preset>,
  report: ReportMistake,
): void {
  for (const { bucket, presetNames } of bucketUsesOf(vars, buckets)) {
    for (const [name, preset] of presets) {
      const isShown = presetNames === undefined || presetNames.includes(name);
      if (!preset || !isShown) continue;

      for (const limit of limitsOf(bucket.engine, preset)) {
        report(`PRESETS.${name}.${limit.path}`, describeLimit(limit, bucket));
      }
    }
  }
}

/** Reads `ROUTES` unchecked: `readRoutes` returns no route at all if one of them has a mistake. */
function bucketUsesOf(vars: Vars, buckets: Tables<Bucket>): readonly BucketUse[] {
  const routes = parseJson(vars["ROUTES"]);
  if (!Array.isArray(routes)) return [];

  const uses: BucketUse[] = [];
  for (const route of routes.filter(isPlainObject)) {
    const { object, fallback, presets } = route;
    const presetNames: BucketUse["presetNames"] = Array.isArray(presets) ? presets : undefined;

    // `object` may be a list of patterns.
    const patterns: readonly unknown[] = [object, fallback].flat();
    for (const pattern of patterns) {
      if (typeof pattern !== "string") continue;

      const { bucket } = parseObjectPattern(pattern, buckets);
      if (bucket) uses.push({ bucket, presetNames });
    }
  }
  return uses;
}

/** Returns the options of a preset that an engine does not have (B7). */
function limitsOf(engine: Engine, preset: Preset): readonly Limit[] {
  const { draw: overlays = [], ...image } = preset;
  const limits: Limit[] = [];

  // The edge reads overlays by URL only, and the binding gets them by key only.
  const lackingSource = engine === "cf" ? "key" : "url";
  for (const [index, overlay] of overlays.entries()) {
    if (overlay[lackingSource] === undefined) continue;
    limits.push({ path: `draw[${index}].${lackingSource}`, option: lackingSource });
  }
  if (engine === "cf") return limits;

  limits.push(...bindingLimitsOf(image, ""));
  for (const [index, overlay] of overlays.entries()) {
    limits.push(...bindingLimitsOf(overlay, `draw[${index}].`));
  }
  return limits;
}

/**
 * Returns the options that the Images binding lacks.
 * @param prefix of the paths: empty for the image itself, `draw[0].` for an overlay
 */
function bindingLimitsOf(layer: Layer, prefix: string): readonly Limit[] {
  const limits: Limit[] = [];

  for (const [option, value] of Object.entries(layer)) {
    if (!bindingLacks(option, value)) continue;

    const isText = typeof value === "string";
    limits.push({ path: prefix + option, option, ...(isText && { value }) });
  }
  return limits;
}

function describeLimit(limit: Limit, bucket: Bucket): string {
  const { option, value } = limit;
  const lacking = value === undefined ? option : `${option} "${value}"`;
  const fault = `bucket ${bucket.name} has engine "${bucket.engine}", which has no ${lacking}`;

  if (option === "key") return `${fault}: set url in its place`;
  return `${fault}: remove it, or leave the preset out of the bucket's routes`;
}
