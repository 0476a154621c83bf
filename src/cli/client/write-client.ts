// Writes the app file.

import { basename } from "node:path";
import { type Fault, isFault } from "../command.ts";
import { FIRST_LINES, makeAppFile } from "../project/app-file/make-app-file.ts";
import { findBaseUrl } from "../project/base-url.ts";
import { configFault } from "../project/config-fault.ts";
import { readDeployed } from "../project/deployed.ts";
import { placeText } from "../project/environment.ts";
import type { KnownVars } from "../project/known-vars.ts";
import { writeOwnFile } from "../project/own-file.ts";
import { counted } from "../terminal/progress.ts";

/** @returns what the file has in it, in one line */
export function writeClient(
  vars: Pick<KnownVars, "deployed" | "secrets" | "stored" | "patterns" | "file" | "environment">,
  file: string,
  givenUrl?: string,
): string | Fault {
  const config = readDeployed(vars);
  if ("mistakes" in config) {
    const { environment } = vars;
    return configFault(config.mistakes.map((mistake) => ({ ...mistake, environment })));
  }
  const baseUrl = findBaseUrl(givenUrl, vars.patterns, "--base-url", placeText(vars));
  if (isFault(baseUrl)) return baseUrl;
  const { text, clients, presets } = makeAppFile(config, vars.deployed, baseUrl);
  const fault = writeOwnFile(".", file, text, isOurs);
  if (fault !== undefined) return { fault: `${file}: ${fault}` };
  const what = `with ${counted(clients.length, "route")} and ${counted(presets, "preset")}`;
  const from = `./${basename(file, ".ts")}`;
  const where = baseUrl || "the page's own host";
  return `Wrote ${file}, ${what}, for ${where}: import { ${clients.join(", ")} } from "${from}";`;
}

function isOurs(text: string): boolean {
  return FIRST_LINES.some((line) => text.startsWith(line));
}
