// What `npm run client` does with its arguments.

import { existsSync, readFileSync, realpathSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { parseArgs } from "node:util";
import type { Config } from "../../../worker/config/config.ts";
import type { Vars } from "../../../worker/config/schema.ts";
import { findBaseUrl } from "../base-url.ts";
import { type ConfigFault, configFault } from "../config-fault.ts";
import { presetsOf, readDeployed } from "../deployed.ts";
import type { KnownVars, Unreadable } from "../vars.ts";
import { type AppFile, FIRST_LINE, writeAppFile } from "./app-file.ts";
import { joinModules } from "./join.ts";

const USAGE = `Usage: npm run client -- [--base-url <url>] <file>
  Writes one TypeScript file for an app: the client, and the routes and presets of wrangler.toml.
  <file>             where to, as ../app/src/vitrine.ts
  --base-url <url>   where Vitrine is, as https://images.example.com, or "" for the page's own host;
                     else the first domain under routes in wrangler.toml`;

/** Each imports from those before it alone. */
const MODULES = [
  "url/key.ts",
  "url/grammar.ts",
  "url/grant.ts",
  ...["dimensions", "types", "site", "img", "index", "asked", "next", "nuxt", "unpic", "sign"].map(
    (name) => `client/${name}.ts`,
  ),
];
/** What package.json exports. */
const ENTRIES = ["index", "sign", "next", "nuxt", "unpic"].map((name) => `client/${name}.ts`);

type Fault = { readonly fault: string };

/**
 * Writes the file, and says what is in it.
 * @param readVars is asked once the arguments are right
 */
export function writeClient(
  args: string[],
  readVars: () => Pick<KnownVars, "deployed" | "secrets" | "stored" | "patterns"> | Unreadable,
): string | Fault | ConfigFault {
  const asked = readArguments(args);
  if ("fault" in asked) return asked;
  const { file } = asked;
  const vars = readVars();
  if ("fault" in vars) return configFault([vars.mistake]);
  const config = readDeployed(vars);
  if ("mistakes" in config) return configFault(config.mistakes);
  const baseUrl = findBaseUrl(asked.baseUrl, vars.patterns);
  if (typeof baseUrl !== "string") return baseUrl;
  const made = makeAppFile(config, vars.deployed, baseUrl);
  const fault = write(file, made.text);
  if (fault !== undefined) return { fault: `${file}: ${fault}` };
  const what = `with ${count(made.clients.length, "route")} and ${count(made.presets, "preset")}`;
  const from = `./${basename(file, ".ts")}`;
  const where = baseUrl || "the page's own host";
  return `Wrote ${file}, ${what}, for ${where}: import { ${made.clients.join(", ")} } from "${from}";`;
}

/**
 * What the file is to hold.
 * @param vars where `PRESETS` stands as it was written
 */
export function makeAppFile(config: Config, vars: Vars, baseUrl: string): AppFile {
  const client = joinModules(MODULES.map(readModule), ENTRIES);
  return writeAppFile({ client, baseUrl, routes: config.routes, presets: presetsOf(vars) });
}

function readArguments(
  args: string[],
): Fault | { readonly file: string; readonly baseUrl: string | undefined } {
  try {
    const options = { "base-url": { type: "string" }, help: { type: "boolean" } } as const;
    const { values, positionals } = parseArgs({ args, options, allowPositionals: true });
    const [file, ...more] = positionals;
    if (values.help || file === undefined || more.length > 0) return { fault: USAGE };
    if (!/(?<!\.d)\.ts$/.test(file)) return { fault: `${file}: does not end in .ts\n${USAGE}` };
    return { file, baseUrl: values["base-url"] };
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return { fault: `${error.message}\n${USAGE}` };
  }
}

function readModule(file: string) {
  return { file, text: readFileSync(join(import.meta.dirname, "../../..", file), "utf8") };
}

/** Writes a file whole or not at all, and over none but its own. @returns what is wrong */
function write(file: string, text: string): string | undefined {
  try {
    if (existsSync(file) && !readFileSync(file, "utf8").startsWith(FIRST_LINE)) {
      return "is there, and was not written by this command: remove it, or name another file";
    }
    const place = existsSync(file) ? realpathSync(file) : file;
    const beside = `${place}.${process.pid}.tmp`;
    try {
      writeFileSync(beside, text, { flag: "wx" });
      renameSync(beside, place);
    } finally {
      rmSync(beside, { force: true });
    }
    return undefined;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const missing = "code" in error && error.code === "ENOENT";
    return missing ? "there is no such folder: make it first" : error.message;
  }
}

function count(many: number, what: string): string {
  return `${many} ${what}${many === 1 ? "" : "s"}`;
}
