// Compares two formats and qualities of a picture, one on top of the other, with a slider between them.

import { variantsOf } from "../../../../worker/config/preset.ts";
import { el } from "../dom.ts";
import { bytesOf } from "../words.ts";
import { createSide, type Format, type Side } from "./side.ts";
import { stageOf } from "./stage.ts";
import type { Target } from "./target.ts";

/** O5 */
const DEFAULT_QUALITY = 85;
const QUALITY_NAMES = ["high", "medium-high", "medium-low", "low"];

/** What the other side begins with. */
const OTHER = { avif: "webp", webp: "jpeg", jpeg: "webp", png: "webp" } as const satisfies Record<
  Format,
  Format
>;

const HINTS = [
  "A preset without format gives each browser the best format that it reads. Often, quality alone is enough.",
  "The same number is another quality in another format, and Cloudflare encodes in its own way. Compare what you see first, then the bytes.",
];

export function comparePanel(target: Target): HTMLElement {
  const { preset } = target;
  const names = QUALITY_NAMES.map((value) => el("option", { value }));
  const list = el("datalist", { id: "qualities" }, ...names);
  const difference = el("p", { class: "difference", role: "status" });
  const quality = preset.quality ?? DEFAULT_QUALITY;
  const now = formatNow(target);
  const left: Side = createSide("Left", target, { format: now, quality }, list.id, tell);
  const right: Side = createSide("Right", target, { format: OTHER[now], quality }, list.id, tell);
  left.begin();
  right.begin();

  function tell(): void {
    const [one, other] = [left.made(), right.made()];
    difference.textContent = one && other ? differenceOf(one.bytes, other.bytes) : "";
  }
  return el(
    "div",
    { class: "compare" },
    stageOf(left, right),
    difference,
    el("div", { class: "sides" }, left.controls, right.controls, list),
    ...HINTS.map((hint) => el("p", { class: "hint" }, hint)),
  );
}

/** The format that the sheet shows now. */
function formatNow({ name, preset, variant }: Target): Format {
  switch (preset.format) {
    case "auto":
      return new Map(variantsOf(name, preset)).get(variant)?.avif ? "avif" : "webp"; // O7
    case "baseline-jpeg":
      return "jpeg";
    case "png-force":
      return "png";
    default:
      return preset.format;
  }
}

function differenceOf(left: number, right: number): string {
  if (left === right) return "Both have the same number of bytes.";
  const percent = Math.round(100 * Math.abs(right / left - 1));
  const apart = `${bytesOf(Math.abs(right - left))} (${percent}\u00a0%)`;
  return `The right picture has ${apart} ${right > left ? "more" : "less"} than the left one.`;
}
