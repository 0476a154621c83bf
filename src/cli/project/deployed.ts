// The configuration as a deploy from this folder has it.

import { type Broken, type Config, readConfig } from "../../worker/config/config.ts";
import type { KnownVars } from "./known-vars.ts";

const KEPT_KEYS = JSON.stringify({ kept: "x".repeat(32) });

/** Values that stand for the secrets that Cloudflare keeps: they cannot be read from here. */
export function keep(names: readonly string[]): Record<string, string> {
  const kept = (name: string) => (name === "URL_SIGNING_KEYS" ? KEPT_KEYS : "kept");
  return Object.fromEntries(names.map((name) => [name, kept(name)]));
}

/** Reads wrangler.toml, as if all secrets that it requires were set. */
export function readDeployed({
  deployed,
  secrets,
  stored,
}: Pick<KnownVars, "deployed" | "secrets" | "stored">): Config | Broken {
  return readConfig({ ...keep([...secrets, ...stored]), ...deployed });
}
