// The configuration as a deploy from this folder has it.

import { type Broken, type Config, readConfig } from "../../worker/config/config.ts";
import type { KnownVars } from "./known-vars.ts";
import { keep } from "./secrets.ts";

/** Reads wrangler.toml, as if all secrets that it requires were set. */
export function readDeployed({
  deployed,
  secrets,
  stored,
}: Pick<KnownVars, "deployed" | "secrets" | "stored">): Config | Broken {
  return readConfig({ ...keep([...secrets, ...stored]), ...deployed });
}
