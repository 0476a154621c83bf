// The environment for programs that Vitrine starts, other than wrangler: without keys and tokens.

import { isSecret } from "../../worker/config/read-secrets.ts";
import type { World } from "../command.ts";

/** Leaves out the Worker's secrets, and what tools of AWS and Cloudflare read. */
export function withoutSecrets(env: World["env"]): NodeJS.ProcessEnv {
  const visible: NodeJS.ProcessEnv = {
    ...process.env, // for its type: `wrangler types` requires the vars of this repository in it
  };

  for (const name of Object.keys({ ...process.env, ...env })) {
    const isHidden = isSecret(name) || /^(?:AWS|CLOUDFLARE)_/.test(name);
    visible[name] = isHidden ? undefined : env[name];
  }
  return visible;
}
