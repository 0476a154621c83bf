// Presets that have a number of bytes as JSON. A colour may be any text.

import { VARS } from "../env.ts";

/** @param letter what most of the colours are made of: JSON may escape it, and UTF-8 may give it several bytes */
export function sizedPresets(bytes: number, letter = "x"): Readonly<Record<string, object>> {
  const presets: Record<string, object> = { ...VARS.PRESETS };
  const bytesLeft = () => bytes - Buffer.byteLength(JSON.stringify(presets));

  while (bytesLeft() > 600) {
    presets[`p${Object.keys(presets).length}`] = { width: 1, background: letter.repeat(40) };
  }

  presets["pad"] = { width: 1, background: "" };
  presets["pad"] = { width: 1, background: "x".repeat(bytesLeft()) };

  return presets;
}
