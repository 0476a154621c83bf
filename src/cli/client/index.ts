// npm run client: writes one TypeScript file for an app in another repository, the client and the types of
// the presets together, from wrangler.toml.

import { writeClient } from "../project/app-file/make.ts";
import { readVars } from "../project/vars.ts";

const outcome = writeClient(process.argv.slice(2), readVars);
if (typeof outcome === "string") console.log(outcome);
else {
  console.error(outcome.fault);
  process.exitCode = 1;
}
