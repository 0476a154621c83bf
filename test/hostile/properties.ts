// All properties that the Worker must keep for any request, and the inputs that once broke one.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { isPlainObject } from "../../src/worker/util/json.ts";
import { ofAddresses } from "./addresses.ts";
import { ofCacheKey } from "./cache-key.ts";
import { ofLifetimes } from "./cache-lifetimes.ts";
import { ofCertainty } from "./certainty.ts";
import { ofCookies } from "./cookies.ts";
import { type Engine, isEngine } from "./engines.ts";
import { ofFacts } from "./facts.ts";
import { ofIdentity } from "./identity.ts";
import { ofRequests } from "./requests.ts";
import { ofStore } from "./store.ts";
import { ofTokens } from "./tokens.ts";
import { ofUsers } from "./users.ts";
import { ofVisitors } from "./visitors.ts";

export const PROPERTIES = {
  ...ofRequests,
  ...ofAddresses,
  ...ofVisitors,
  ...ofCertainty,
  ...ofCacheKey,
  ...ofLifetimes,
  ...ofFacts,
  ...ofIdentity,
  ...ofStore,
  ...ofCookies,
  ...ofTokens,
  ...ofUsers,
};

export type PropertyName = keyof typeof PROPERTIES;

export function isPropertyName(name: string): name is PropertyName {
  return Object.hasOwn(PROPERTIES, name);
}

export const PROPERTY_NAMES = Object.keys(PROPERTIES).filter(isPropertyName);

export const FINDINGS = join(import.meta.dirname, "findings.json");

export type Finding = {
  readonly property: PropertyName;
  /** Absent: "cf". */
  readonly engine?: Engine;
  readonly input: unknown;
};

export function readFindings(): Finding[] {
  const findings: unknown = JSON.parse(readFileSync(FINDINGS, "utf8"));
  if (!Array.isArray(findings)) throw new Error("findings.json is not a list");
  return findings.map((finding: unknown) => {
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
