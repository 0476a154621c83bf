// vitrine check: says whether the configuration is right, in every environment. It starts and sends nothing.

import { Command, Option } from "@commander-js/extra-typings";
import { EXIT, log, type Outcome, type Run, type World } from "../command.ts";
import { checkEnvironments } from "../config/check-environments.ts";
import { configFault, warningText } from "../config/mistakes.ts";
import { environmentText } from "../wrangler/config-file.ts";
import { lockWarning } from "../wrangler/packages.ts";
import { originalWarnings } from "./original-warnings.ts";

export function checkCommand(world: World, run: Run) {
  return new Command("check")
    .description("checks wrangler.toml, and says what visitors can make it cost")
    .option("--env <name>", "one environment; default: CLOUDFLARE_ENV, else all of them")
    .addOption(
      new Option("--all", "all environments, whatever CLOUDFLARE_ENV says").conflicts("env"),
    )
    .addHelpText("after", HELP)
    .action((options) => run(() => check(world, options)));
}

const HELP = `
wrangler.jsonc is read as well. --env "" is the top level alone.

Examples:
  npx vitrine check
  npx vitrine check --env staging`;

type Options = { readonly env?: string | undefined; readonly all?: true | undefined };

function check(world: World, { env, all }: Options): Outcome {
  const { folder, stdout, stderr } = world;
  const name = all ? undefined : (env ?? (world.env["CLOUDFLARE_ENV"] || undefined));
  const reports = checkEnvironments(folder, name);
  const mistakes = reports.flatMap((report) => report.mistakes);
  const warnings = reports.flatMap((report) => report.warnings);
  const originals = originalWarnings(folder, reports);
  for (const warning of [lockWarning(folder) ?? [], warnings, originals].flat())
    log(stderr, `Warning: ${warningText(warning)}`);
  if (mistakes.length > 0) return configFault(mistakes);
  for (const { environment, summary } of reports) {
    if (reports.length > 1) log(stdout, `${environmentText(environment)}:`);
    log(stdout, ...summary);
  }
  return EXIT.done;
}
