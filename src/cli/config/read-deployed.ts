// The configuration as a deploy from this folder has it.

import { readConfig } from "../../worker/config/config.ts";
import { placeholderSecrets } from "../secrets/secrets.ts";
import type { KnownVars } from "./known-vars.ts";

/** Reads wrangler.toml, as if all secrets that it requires were set. */
export function readDeployed(vars: Pick<KnownVars, "deployed" | "secrets">) {
  const { deployed, secrets } = vars;
  return readConfig({ ...placeholderSecrets(secrets), ...deployed });
}
