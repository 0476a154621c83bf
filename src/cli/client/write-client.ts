// Writes the app file whole or not at all, and never over a file that something else wrote.

import { existsSync, readFileSync } from "node:fs";
import { basename, dirname } from "node:path";
import { type Fault, isFault } from "../command.ts";
import { FIRST_LINES, makeAppFile } from "../project/app-file/make-app-file.ts";
import { findBaseUrl } from "../project/base-url.ts";
import { configFault } from "../project/config-fault.ts";
import { readDeployed } from "../project/deployed.ts";
import { placeText } from "../project/environment.ts";
import type { KnownVars } from "../project/known-vars.ts";
import { replaceFile } from "../project/replace-file.ts";
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
  const fault = write(file, text);
  if (fault !== undefined) return { fault: `${file}: ${fault}` };
  const what = `with ${counted(clients.length, "route")} and ${counted(presets, "preset")}`;
  const from = `./${basename(file, ".ts")}`;
  const where = baseUrl || "the page's own host";
  return `Wrote ${file}, ${what}, for ${where}: import { ${clients.join(", ")} } from "${from}";`;
}

/** @returns why it was not written */
function write(file: string, text: string): string | undefined {
  try {
    if (!existsSync(dirname(file))) return "there is no such folder: make it first";
    if (existsSync(file) && !isOurs(readFileSync(file, "utf8"))) {
      return "this command did not write that file: remove it, or name another file";
    }
    replaceFile(file, text, 0o666);
    return undefined;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return error.message;
  }
}

function isOurs(text: string): boolean {
  return FIRST_LINES.some((line) => text.startsWith(line));
}
