// vitrine check: says whether the configuration is right, in every environment. Nothing is started, nothing
// is sent.

import { Command } from "@commander-js/extra-typings";
import { type End, EXIT, isFault, type Run, say, type World } from "../command.ts";
import { checkEnvironments, type EnvironmentReport } from "../config/check-environments.ts";
import { readVars } from "../config/environment-config.ts";
import { configFault, shellWarnings, warningText } from "../config/mistakes.ts";
import { compareVersions, lockWarning } from "../config/versions.ts";
import { type Secrets, secretsIn } from "../secrets/secrets.ts";
import { environmentText } from "../wrangler/config-file.ts";
import { VERSION } from "../wrangler/packages.ts";

export function checkCommand(world: World, run: Run) {
  return new Command("check")
    .description("checks wrangler.toml and .dev.vars, and says what visitors can make it cost")
    .option("--env <name>", "one environment; default: CLOUDFLARE_ENV, else all of them")
    .addHelpText("after", HELP)
    .action((options) => run(() => check(world, options)));
}

const HELP = `
wrangler.jsonc is read as well.

Examples:
  npx vitrine check
  npx vitrine check --env staging
  npx vitrine check --env ""`;

type Options = { readonly env?: string | undefined };

function check({ folder, env, stdout, stderr }: World, options: Options): End {
  const name = options.env ?? (env["CLOUDFLARE_ENV"] || undefined);
  const reports = checkEnvironments(folder, name);
  const mistakes = reports.flatMap((report) => report.mistakes);
  const { told, warning: newer, isUpgraded } = compareVersions(folder, VERSION);
  if (mistakes.length === 0) {
    for (const report of reports) say(stdout, ...linesOf(report, reports.length > 1));
  }
  // Without mistakes it is a result; otherwise only if it may explain them.
  if (told !== undefined && mistakes.length === 0) say(stdout, told);
  else if (told !== undefined && isUpgraded) say(stderr, told);
  const shell = shellWarnings(env, secretsOfDevVars(folder, name || undefined));
  const own = [newer, lockWarning(folder, VERSION)].filter((one) => one !== undefined);
  for (const warning of [...own, ...reports.flatMap(({ warnings }) => warnings), ...shell]) {
    say(stderr, `Warning: ${warningText(warning)}`);
  }
  return mistakes.length > 0 ? configFault(mistakes) : EXIT.done;
}

/** The secrets of .dev.vars. */
function secretsOfDevVars(folder: string, environment: string | undefined): Secrets {
  const known = readVars(folder, environment, "quiet");
  if (isFault(known)) return new Map();
  const { started, local, devVars } = known;
  const own = Object.entries(started).filter(([name]) => local.has(name));
  return secretsIn(Object.fromEntries(own), devVars);
}

function linesOf({ environment, isCarrier, told }: EnvironmentReport, named: boolean): string[] {
  const name = environmentText(environment);
  if (isCarrier) return [`${name}: it has no vars, so there is nothing to deploy from it.`];
  return [...(named ? [`${name}:`] : []), ...told];
}
