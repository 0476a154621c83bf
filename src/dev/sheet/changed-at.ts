// Remembers when each preset and each route changed last. The browser may still keep a rendition from
// before under the same URL.

import { existsSync, readFileSync } from "node:fs";
import { presetsOf } from "../../cli/app-file/make-app-file.ts";
import { replaceFile } from "../../cli/files/write-file.ts";
import { has, isPlainObject, parseJson } from "../../worker/base/json.ts";
import type { Vars } from "../../worker/config/schema.ts";

/** A setting as JSON, and when it changed, in ms since 1970; undefined: not since it was first seen. */
export type Seen = { readonly value: string; readonly at?: number };

export const presetName = (preset: string) => `preset ${preset}`;
export const routeName = (path: string) => `route ${path}`;

/** The presets and routes by their names. The secrets of a route are not in it. */
export function settingsOf(vars: Vars): Record<string, unknown> {
  const presets = [...presetsOf(vars)].map(([name, preset]) => [presetName(name), preset]);
  const list = parseJson(vars["ROUTES"]);
  const routes = (Array.isArray(list) ? list : []).map((route: unknown) => [
    routeName(has(route, "path") ? `${route.path}` : ""),
    route,
  ]);
  return Object.fromEntries([...presets, ...routes]);
}

/** Compares settings, by their names, with those seen before. Those that are gone stay known. */
export function noteChanges(
  before: Readonly<Record<string, Seen>>,
  settings: Readonly<Record<string, unknown>>,
  now: number,
): Record<string, Seen> {
  const noted = Object.entries(settings).map(([name, setting]): [string, Seen] => {
    const value = JSON.stringify(setting);
    const known = before[name];
    if (known?.value === value) return [name, known];
    return [name, known === undefined ? { value } : { value, at: now }];
  });
  return { ...before, ...Object.fromEntries(noted) };
}

/**
 * Notes the settings in a file. A file that is broken counts as none.
 * @param now ms since 1970
 */
export function rememberChanges(
  file: string,
  settings: Readonly<Record<string, unknown>>,
  now: number,
): Record<string, Seen> {
  const text = existsSync(file) ? readFileSync(file, "utf8") : "";
  const noted = noteChanges(seenIn(parseJson(text)), settings, now);
  const after = JSON.stringify(noted);
  if (after !== text) replaceFile(file, after);
  return noted;
}

function seenIn(read: unknown): Record<string, Seen> {
  const seen = Object.entries(isPlainObject(read) ? read : {}).flatMap(
    ([name, one]): [string, Seen][] => {
      if (!isPlainObject(one) || typeof one["value"] !== "string") return [];
      const { value, at } = one;
      return [[name, typeof at === "number" ? { value, at } : { value }]];
    },
  );
  return Object.fromEntries(seen);
}
