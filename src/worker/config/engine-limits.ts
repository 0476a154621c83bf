// Checks that the engine of each bucket has the options of the presets that a route shows of it. Pure.

import { isPlainObject, parseJson } from "../util/json.ts";
import type { Bucket } from "./bucket.ts";
import type { Engine } from "./bucket-settings.ts";
import { bindingLacks, type Preset } from "./preset.ts";
import { parseObjectPattern } from "./routes.ts";
import type { ReportMistake, Tables, Vars } from "./schema.ts";

/** An option that an engine lacks, or one value of an option. */
type Limit = { readonly option: string; readonly value: string };

/** The options of a preset that an engine does not have (B7). */
function limitsOf(engine: Engine, { draw = [], ...image }: Preset): readonly Limit[] {
  const absent = engine === "cf" ? "key" : "url";
  const limits = draw.flatMap((overlay, at) =>
    overlay[absent] === undefined ? [] : [{ option: `draw[${at}].${absent}`, value: "" }],
  );
  if (engine === "cf") return limits;
  for (const [at, layer] of [image, ...draw].entries()) {
    for (const [option, value] of Object.entries(layer)) {
      const path = at === 0 ? "" : `draw[${at - 1}].`;
      const limit = { option: path + option, value: typeof value === "string" ? value : "" };
      if (bindingLacks(option, value)) limits.push(limit);
    }
  }
  return limits;
}

/** Reports the options that the engine of a bucket does not have, of each preset that a route shows of it. */
export function checkEngines(
  vars: Vars,
  buckets: Tables<Bucket>,
  presets: Tables<Preset>,
  report: ReportMistake,
): void {
  for (const { bucket, presets: presetNames } of bucketUsesOf(vars, buckets)) {
    const engine = `bucket ${bucket.name} has engine "${bucket.engine}"`;
    for (const [name, preset] of presets) {
      const isShown = presetNames?.includes(name) ?? true;
      if (!preset || !isShown) continue;
      for (const { option, value } of limitsOf(bucket.engine, preset)) {
        const lacking = `${option.replace(/.*\./, "")}${value && ` "${value}"`}`;
        const remedy = option.endsWith(".key")
          ? "set url in its place"
          : "remove it, or leave the preset out of the bucket's routes";
        report(`PRESETS.${name}.${option}`, `${engine}, which has no ${lacking}: ${remedy}`);
      }
    }
  }
}

/** The buckets and presets (undefined: all) of `ROUTES`, unchecked: one mistake hides all routes of `readRoutes`. */
function bucketUsesOf(vars: Vars, buckets: Tables<Bucket>) {
  const routes = parseJson(vars["ROUTES"]);
  if (!Array.isArray(routes)) return [];
  return routes.filter(isPlainObject).flatMap(({ object, fallback, presets }) =>
    [object, fallback].flat().flatMap((pattern) => {
      const { bucket } = parseObjectPattern(typeof pattern === "string" ? pattern : "", buckets);
      const names: readonly unknown[] | undefined = Array.isArray(presets) ? presets : undefined;
      return bucket ? [{ bucket, presets: names }] : [];
    }),
  );
}
