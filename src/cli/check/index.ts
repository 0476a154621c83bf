// npm run check, its first part: is the configuration right? Nothing is started, nothing is sent.

import { checkConfiguration } from "../project/configuration.ts";
import { listMistakes } from "../project/deployed.ts";
import { readVars } from "../project/vars.ts";

const known = readVars();
const { told, warned, mistakes } =
  "fault" in known ? { told: [], warned: [], mistakes: [known.fault] } : checkConfiguration(known);
for (const line of told) console.log(line);
for (const line of warned) console.error(`Warning: ${line}`);
if (mistakes.length > 0) {
  console.error(listMistakes(mistakes));
  process.exitCode = 1;
}
