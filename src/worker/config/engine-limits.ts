// Checks that the engine of each bucket has the options of the presets that a route shows of it. Pure.

import { isPlainObject, parseJson } from "../util/json.ts";
import type { Bucket } from "./bucket.ts";
import type { Engine } from "./bucket-settings.ts";
import { bindingLacks, type Preset } from "./preset.ts";
import { parseObjectPattern } from "./routes.ts";
import type { ReportMistake, Tables, Vars } from "./schema.ts";

/** An option that an engine does not have; with a value, if it has others of it. */
type Limit = { readonly option: string; readonly value: string };

/** The options of a preset that an engine does not have (B7). */
function limitsOf(engine: Engine, { draw = [], ...image }: Preset): readonly Limit[] {
  const absent = engine === "cf" ? "key" : "url";
  const limits = draw.flatMap((overlay, at) =>
    overlay[absent] === undefined ? [] : [{ option: `draw[${at}].${absent}`, value: "" }],
  );
  if (engine === "cf") return limits;
  for (const [at, one] of [image, ...draw].entries()) {
    for (const [option, value] of Object.entries(one)) {
      const path = at === 0 ? "" : `draw[${at - 1}].`;
      const lacking = { option: path + option, value: typeof value === "string" ? value : "" };
      if (bindingLacks(option, value)) limits.push(lacking);
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
      if (!preset || presetNames?.includes(name) === false) continue;
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

/** The buckets and presets (undefined: all) of the routes that can be read: others may have mistakes. */
function bucketUsesOf(vars: Vars, buckets: Tables<Bucket>) {
  const routes = parseJson(vars["ROUTES"]);
  if (!Array.isArray(routes)) return [];
  return routes.filter(isPlainObject).flatMap(({ object, fallback, presets }) =>
    [object, fallback].flat().flatMap((named) => {
      const { bucket } = parseObjectPattern(typeof named === "string" ? named : "", buckets);
      const names: readonly unknown[] | undefined = Array.isArray(presets) ? presets : undefined;
      return bucket ? [{ bucket, presets: names }] : [];
    }),
  );
}
