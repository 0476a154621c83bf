// The lines for wrangler.toml that a try comes to.

import { type Preset, presetSchema } from "../../../../worker/config/preset.ts";
import { el } from "../dom.ts";
import { snippetOf } from "../snippet.ts";

/** A focal point: how far from the left and from the top, 0 to 1. */
export type Point = { readonly x: number; readonly y: number };

/** The options that can be tried. */
export type Options = {
  readonly quality?: string | number;
  readonly format?: string;
  readonly gravity?: Point;
};

/** The lines to copy. A format that the preset as a whole cannot have is left out, and why. */
export function linesOf(
  name: string,
  preset: Preset,
  { format, ...options }: Options,
): HTMLElement {
  const all = { ...options, ...(format !== undefined && { format }) };
  const faults = faultsOf(name, { ...preset, ...all });
  const isFormat = faults.length > 0 && faultsOf(name, { ...preset, ...options }).length === 0;
  if (faults.length > 0 && !isFormat) {
    return el("div", {}, ...faults.map((fault) => el("p", { class: "fault" }, fault)));
  }
  const lines = Object.entries(isFormat ? options : all).map(
    ([option, value]) => `${option} = ${tomlOf(value)}`,
  );
  return el(
    "div",
    { class: "lines" },
    el("p", { class: "hint" }, "For ", el("code", {}, `[vars.PRESETS.${name}]`)),
    snippetOf(lines.join("\n")),
    ...(isFormat ? [el("p", { class: "hint" }, `Without format = "${format}": ${NO_FORMAT}`)] : []),
  );
}

/** O7 */
const NO_FORMAT =
  "a size of the preset is over 1,200 px, and the edge makes no such AVIF. " +
  "With format auto, browsers get AVIF where it is possible.";

function faultsOf(name: string, preset: unknown): string[] {
  const faults: string[] = [];
  presetSchema(preset, name, (path, message) => faults.push(`${path}: ${message}`));
  return faults;
}

function tomlOf(value: string | number | Point): string {
  if (typeof value === "object") return `{ x = ${value.x}, y = ${value.y} }`;
  return JSON.stringify(value);
}
