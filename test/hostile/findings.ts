// The inputs that once broke a property.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { isTable } from "../../src/worker/base/json.ts";
import { isPropertyName, type PropertyName } from "./properties.ts";

export const FINDINGS = join(import.meta.dirname, "findings.json");

export type Finding = { readonly property: PropertyName; readonly input: unknown };

/** Reads them. */
export function readFindings(): Finding[] {
  const kept: unknown = JSON.parse(readFileSync(FINDINGS, "utf8"));
  if (!Array.isArray(kept)) throw new Error("findings.json is not a list");
  return kept.map((finding: unknown) => {
    const { property, input } = isTable(finding) ? finding : {};
    if (typeof property !== "string" || !isPropertyName(property)) {
      throw new Error(`findings.json has something that is of no property: ${property}`);
    }
    return { property, input };
  });
}
