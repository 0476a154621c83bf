// The configuration as a deploy from this folder has it.

import { type Broken, type Config, readConfig } from "../../worker/config/config.ts";
import { type Preset, presetSchema } from "../../worker/config/preset.ts";
import type { Vars } from "../../worker/config/schema.ts";
import { type KnownVars, tableOf } from "./known-vars.ts";

/** Stands for a secret that Cloudflare keeps, if its value must have a form. */
const KEPT: Readonly<Record<string, string>> = {
  URL_SIGNING_KEYS: JSON.stringify({ kept: "x".repeat(32) }),
};

/** Values that stand for the secrets that Cloudflare keeps: they cannot be read from here. */
export function keep(names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.map((name) => [name, KEPT[name] ?? "kept"]));
}

/** Reads wrangler.toml, as if all secrets that it requires were set. */
export function readDeployed({
  deployed,
  secrets,
  stored,
}: Pick<KnownVars, "deployed" | "secrets" | "stored">): Config | Broken {
  return readConfig({ ...keep([...secrets, ...stored]), ...deployed });
}

/** The presets of a right configuration, as they are written. */
export function presetsOf({ PRESETS: given }: Vars): ReadonlyMap<string, Preset> {
  const presets = new Map<string, Preset>();
  for (const [name, entry] of Object.entries(tableOf(given))) {
    const preset = presetSchema(entry, name, () => {});
    if (preset !== undefined) presets.set(name, preset);
  }
  return presets;
}
