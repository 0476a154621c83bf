// vitrine check: says whether the configuration is right, in every environment. It starts and sends nothing.

import { Command, Option } from "@commander-js/extra-typings";
import { EXIT, log, type Outcome, print, type Run, type World } from "../command.ts";
import { checkEnvironments, type Report } from "../config/check-environments.ts";
import { configFault, type Warning, warningText } from "../config/mistakes.ts";
import { visible } from "../terminal/shell.ts";
import { environmentText } from "../wrangler/config-file.ts";
import { lockWarning } from "../wrangler/packages.ts";
import { fileWarnings, nameWarnings } from "./original-warnings.ts";

export function checkCommand(world: World, run: Run) {
  return new Command("check")
    .description("checks wrangler.toml, and says what visitors can make it cost")
    .option("--env <name>", "one environment; default: CLOUDFLARE_ENV, else all of them")
    .addOption(
      new Option("--all", "all environments, whatever CLOUDFLARE_ENV says").conflicts("env"),
    )
    .option("--json", "prints JSON")
    .addHelpText("after", HELP)
    .action((options) => run(() => check(world, options)));
}

const HELP = `
wrangler.jsonc is read as well. --env "" is the top level alone.

Examples:
  npx vitrine check
  npx vitrine check --env staging
  npx vitrine check --json`;

type Options = {
  readonly env?: string | undefined;
  readonly all?: true | undefined;
  readonly json?: true | undefined;
};

function check(world: World, { env, all, json }: Options): Outcome {
  const { folder } = world;
  const name = all ? undefined : (env ?? (world.env["CLOUDFLARE_ENV"] || undefined));
  const reports = checkEnvironments(folder, name, world.now()).map((report) => ({
    ...report,
    warnings: [...report.warnings, ...(report.reminders ?? []), ...nameWarnings(report)],
  }));
  const folderWarnings = [...fileWarnings(folder, reports)];
  const lock = lockWarning(folder);
  if (lock !== undefined) folderWarnings.unshift(lock);

  return json
    ? printJson(world, reports, folderWarnings)
    : printText(world, reports, folderWarnings);
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
function printJson(
  { stdout }: World,
  reports: readonly Report[],
  folderWarnings: readonly Warning[],
): Outcome {
  const environments = reports.map(({ environment, file, mistakes, warnings, summary }) => ({
    environment: environment ?? null, // the top level
    mistakes: mistakes.map(({ path, message, source = file }) => ({ path, message, source })),
    warnings: warnings.map(({ message, remedy }) => ({ message, remedy })),
    summary,
  }));
  const warnings = folderWarnings.map(({ message, remedy }) => ({ message, remedy }));
  print(stdout, visible(JSON.stringify({ environments, warnings }, null, 2)));

  const isRight = reports.every(({ mistakes }) => mistakes.length === 0);
  return isRight ? EXIT.done : EXIT.failed;
}
