// vitrine check: says whether the configuration is right, in every environment. It sends nothing, and starts nothing but,
// with --types, wrangler.

import { Command, Option } from "@commander-js/extra-typings";
import { hashConfig } from "../../worker/cache/config-hashes.ts";
import {
  type CommandFault,
  EXIT,
  isFault,
  type LocatedMistake,
  log,
  type Outcome,
  print,
  type Run,
  type World,
} from "../command.ts";
import { checkEnvironments, type Report } from "../config/check-environments.ts";
import { configFault, mistakeRemedy, type Warning, warningText } from "../config/mistakes.ts";
import { presetHashes, worstCaseOf } from "../config/transformations.ts";
import { visible } from "../terminal/shell.ts";
import { configFileText, environmentText, findConfigFile } from "../wrangler/config-file.ts";
import { lockWarning } from "../wrangler/packages.ts";
import { type RunWrangler, showWrangler, wranglerAt } from "../wrangler/run-wrangler.ts";
import { fileWarnings, nameWarnings } from "./original-warnings.ts";

export function checkCommand(world: World, run: Run) {
  return new Command("check")
    .description("checks wrangler.toml, and says what visitors can make it cost")
    .option("--env <name>", "one environment; default: CLOUDFLARE_ENV, else all of them")
    .addOption(
      new Option("--all", "all environments, whatever CLOUDFLARE_ENV says").conflicts("env"),
    )
    .addOption(new Option("--json", "prints JSON").conflicts("types"))
    .option("--types", "has wrangler write the types of Env, too, and shows its errors alone")
    .addHelpText("after", HELP)
    .action((options) => run(() => check(world, options, wranglerAt())));
}

const HELP = `
wrangler.jsonc is read as well. --env "" is the top level alone.

Examples:
  npx vitrine check
  npx vitrine check --env staging
  npx vitrine check --types
  npx vitrine check --json`;

type Options = {
  readonly env?: string | undefined;
  readonly all?: true | undefined;
  readonly json?: true | undefined;
  readonly types?: true | undefined;
};

async function check(world: World, options: Options, wrangler: RunWrangler): Promise<Outcome> {
  const { folder } = world;

  const reports: Report[] = [];
  for (const report of checkEnvironments(folder, nameOf(world, options), world.now())) {
    const { warnings, reminders = [] } = report;
    reports.push({ ...report, warnings: [...warnings, ...reminders, ...nameWarnings(report)] });
  }

  const folderWarnings: Warning[] = [];
  const lock = lockWarning(folder);
  if (lock !== undefined) folderWarnings.push(lock);
  folderWarnings.push(...fileWarnings(folder, reports));

  if (options.json === true) return printJson(world, reports, folderWarnings);
  const outcome = printText(world, reports, folderWarnings);
  if (isFault(outcome) || options.types !== true) return outcome;

  return (await writeTypes(world, wrangler)) ?? outcome;
}

/** Has wrangler write worker-configuration.d.ts, and shows only errors of all that wrangler says. */
async function writeTypes(world: World, wrangler: RunWrangler): Promise<CommandFault | undefined> {
  const file = findConfigFile(world.folder);
  if (isFault(file)) return file;

  const quietWorld = { ...world, env: { ...world.env, WRANGLER_LOG: "error" } };
  const args = ["types", "--include-runtime=false"];
  const config = { file, environment: undefined, environments: [] };
  return showWrangler(quietWorld, wrangler, args, { config, secrets: [] });
}

/** The environment to check: `""` is the top level, and undefined all of them. */
function nameOf({ env }: World, options: Options): string | undefined {
  if (options.all === true) return undefined;
  if (options.env !== undefined) return options.env;

  const variable = env["CLOUDFLARE_ENV"];
  return variable === "" ? undefined : variable;
}

function printText(
  { stdout, stderr }: World,
  reports: readonly Report[],
  folderWarnings: readonly Warning[],
): Outcome {
  const warnings = [...reports.flatMap((report) => report.warnings), ...folderWarnings];
  for (const warning of warnings) log(stderr, `Warning: ${warningText(warning)}`);

  const mistakes = reports.flatMap((report) => report.mistakes);
  if (mistakes.length > 0) return configFault(mistakes);

  for (const { environment, summary } of reports) {
    if (reports.length > 1) log(stdout, `${environmentText(environment)}:`);
    log(stdout, ...summary);
  }
  return EXIT.done;
}

/** Prints what is found of each environment, also if there are mistakes, and what is found of the folder. */
async function printJson(
  { stdout }: World,
  reports: readonly Report[],
  folderWarnings: readonly Warning[],
): Promise<Outcome> {
  const environments: object[] = [];
  for (const report of reports)
    environments.push({ ...jsonOf(report), ...(await costsOf(report)) });

  const warnings = folderWarnings.map((warning) => jsonOfWarning(warning));
  print(stdout, visible(JSON.stringify({ environments, warnings }, null, 2)));

  const isRight = reports.every(({ mistakes }) => mistakes.length === 0);
  return isRight ? EXIT.done : EXIT.failed;
}

function jsonOf({ environment, file, mistakes, warnings, summary }: Report): object {
  return {
    environment: environment ?? null, // the top level
    mistakes: mistakes.map((mistake) => jsonOfMistake(mistake, file)),
    warnings: warnings.map((warning) => jsonOfWarning(warning, file)),
    summary,
  };
}

function jsonOfMistake(mistake: LocatedMistake, file: string): object {
  const { environment, path, message, source = file } = mistake;
  const config = { file, environment, environments: [] };
  const holder = source === file ? configFileText(config) : source;
  return { path, message, source, remedy: mistakeRemedy(mistake, holder) };
}

/** @param file that which the warning is about, if it names no other */
function jsonOfWarning(warning: Warning, file?: string): object {
  const { path, message, remedy, source = file } = warning;
  return { path, message, source, remedy };
}

/** What visitors can cause in a month, and the hash of each preset: another hash makes its renditions anew. */
async function costsOf({ config, expectedCosts }: Report): Promise<object> {
  if (config === undefined) return {};

  const { variants } = await hashConfig(config, {});
  return { worstCase: worstCaseOf(config, expectedCosts), presets: presetHashes(variants) };
}
