// The inputs that once broke a property.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { isPlainObject } from "../../src/worker/base/json.ts";
import { type Engine, isEngine } from "./engines.ts";
import { isPropertyName, type PropertyName } from "./properties.ts";

export const FINDINGS = join(import.meta.dirname, "findings.json");

export type Finding = {
  readonly property: PropertyName;
  /** Absent: "cf". */
  readonly engine?: Engine;
  readonly input: unknown;
};

/** Reads them. */
export function readFindings(): Finding[] {
  const kept: unknown = JSON.parse(readFileSync(FINDINGS, "utf8"));
  if (!Array.isArray(kept)) throw new Error("findings.json is not a list");
  return kept.map((finding: unknown) => {
    const { property, engine = "cf", input } = isPlainObject(finding) ? finding : {};
    if (typeof property !== "string" || !isPropertyName(property)) {
      throw new Error(`findings.json has something that is of no property: ${property}`);
    }
    if (typeof engine !== "string" || !isEngine(engine)) {
      throw new Error(`findings.json has something that is of no engine: ${engine}`);
    }
    return { property, engine, input };
  });
}
