// The configuration of a local run, for the tests of the contact sheet.

import type { LocalConfig } from "../../../src/dev/sheet/contents.ts";
import { readConfig } from "../../../src/worker/config/config.ts";
import type { Vars } from "../../../src/worker/config/schema.ts";

export function configOf(vars: Vars): LocalConfig {
  const config = readConfig({ ...vars });
  if ("mistakes" in config) throw new Error(JSON.stringify(config.mistakes));
  return { config, vars };
}
