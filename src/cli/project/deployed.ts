// The configuration as a deploy from here would have it.

import { isTable, json } from "../../worker/base/json.ts";
import { type Broken, type Config, readConfig } from "../../worker/config/config.ts";
import { type Preset, presetSchema } from "../../worker/config/preset.ts";
import type { Vars } from "../../worker/config/schema.ts";
import type { KnownVars } from "./vars.ts";

/** What stands for a secret whose value is kept at Cloudflare, where it matters what it looks like. */
const KEPT: Readonly<Record<string, string>> = {
  URL_SIGNING_KEYS: JSON.stringify({ kept: "x".repeat(32) }),
};

/** Secrets kept at Cloudflare cannot be read from here: that they are required is all there is to see. */
export function keep(names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.map((name) => [name, KEPT[name] ?? "kept"]));
}

/** What wrangler.toml says, with what stands for the secrets that it requires. */
export function readDeployed({
  deployed,
  secrets,
  stored,
}: Pick<KnownVars, "deployed" | "secrets" | "stored">): Config | Broken {
  return readConfig({ ...keep([...secrets, ...stored]), ...deployed });
}

/** The presets of a configuration that is right, as they are written. */
export function presetsOf({ PRESETS: given }: Vars): ReadonlyMap<string, Preset> {
  const tables = json(given);
  const presets = new Map<string, Preset>();
  for (const [name, entry] of Object.entries(isTable(tables) ? tables : {})) {
    const preset = presetSchema(entry, name, () => {});
    if (preset !== undefined) presets.set(name, preset);
  }
  return presets;
}
