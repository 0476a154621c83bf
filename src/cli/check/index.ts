// npm run check, its first part: is the configuration right? Nothing is started, nothing is sent.

import { checkConfiguration } from "../project/check-configuration.ts";
import { configFault } from "../project/config-fault.ts";
import { readVars } from "../project/vars.ts";

const known = readVars();
const { told, warnings, mistakes } =
  "fault" in known
    ? { told: [], warnings: [], mistakes: [known.mistake] }
    : checkConfiguration(known);
for (const line of told) console.log(line);
for (const { what, remedy } of warnings) console.error(`Warning: ${what}: ${remedy}`);
if (mistakes.length > 0) {
  console.error(configFault(mistakes).fault);
  process.exitCode = 1;
}
