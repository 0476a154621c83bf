// ROUTES and PRESETS may each be split in two, because Cloudflare takes no variable with more than 5,000 bytes (L4). The
// routes of ROUTES_2 stand behind those of ROUTES, and the presets of PRESETS_2 beside those of PRESETS. What reads one of
// them as it is written reads both here: else a route of the second could show what a token guards in the first.
// Nothing is judged here. No I/O.

import { parseJson, tableOf } from "../util/json.ts";
import type { Vars } from "./schema.ts";

/** In the order in which their routes are tried. */
export const ROUTE_VARIABLES = ["ROUTES", "ROUTES_2"] as const;
const PRESET_VARIABLES = ["PRESETS", "PRESETS_2"] as const;

/** A route as it is written. */
export type WrittenRoute = {
  /** Where it stands: `ROUTES[0]`, `ROUTES_2[0]`. */
  readonly option: string;
  /** Nobody has checked it. */
  readonly value: unknown;
};

/** A preset as it is written. */
export type WrittenPreset = WrittenRoute & { readonly name: string };

/** Returns all routes, in the order in which they are tried. A variable that is no list has none. */
export function writtenRoutes(vars: Vars): WrittenRoute[] {
  return ROUTE_VARIABLES.flatMap((variable) => {
    const routes = parseJson(vars[variable]);
    if (!Array.isArray(routes)) return [];

    const values: readonly unknown[] = routes;
    return values.map((value, index) => ({ option: `${variable}[${index}]`, value }));
  });
}

/** Returns all presets. A name that both variables have, which is a mistake, is there twice. */
export function writtenPresets(vars: Vars): WrittenPreset[] {
  return PRESET_VARIABLES.flatMap((variable) => {
    const presets = Object.entries(tableOf(vars[variable]));
    return presets.map(([name, value]) => ({ option: `${variable}.${name}`, name, value }));
  });
}

/** Returns where a preset stands: `PRESETS.card`, `PRESETS_2.card`. */
export function presetOption(vars: Vars, name: string): string {
  const preset = writtenPresets(vars).find((written) => written.name === name);
  return preset?.option ?? `PRESETS.${name}`;
}
