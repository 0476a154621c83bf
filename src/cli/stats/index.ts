// vitrine stats: says what the site did in a period, what went wrong, and what it may cost. It reads the data points of
// Analytics Engine by SQL, or those of the local run. It changes nothing, and writes no file but the page of --open.

import { Command, Option } from "@commander-js/extra-typings";
import { isRefusal } from "../../worker/http/refusal.ts";
import { hasProperty } from "../../worker/util/json.ts";
import type { CommandFault, Outcome, Run, World } from "../command.ts";
import { EXIT, isFault, isMistake, log, page, print } from "../command.ts";
import {
  type EnvironmentConfig,
  isEmptyTopLevel,
  noBucketsText,
  readEnvironment,
} from "../config/environment-config.ts";
import { readExpectedCosts } from "../config/expected-costs.ts";
import { configFault } from "../config/mistakes.ts";
import { readDeployed } from "../config/project.ts";
import { dollarsOf, worstCaseOf } from "../config/transformations.ts";
import { type LocalPoints, pointsFile, readLocalPoints } from "../metrics/points.ts";
import { type Period, queriesOf, rowsOf, type StatsRows } from "../metrics/rows.ts";
import { envOption, NO_DURATION, parseDuration } from "../options.ts";
import { counted } from "../terminal/progress.ts";
import { visible } from "../terminal/shell.ts";
import { chooseEnvironment, commandFor } from "../wrangler/config-file.ts";
import { settingsFor } from "../wrangler/settings.ts";
import { openStatsPage } from "./open-page.ts";
import { createReport, type ReportFrame, type StatsReport } from "./report.ts";
import { askRows, findSqlApi } from "./sql-api.ts";
import { reportLines } from "./text.ts";

export function statsCommand(world: World, run: Run) {
  return new Command("stats")
    .description("says what the site did this month, what went wrong, and what it may cost")
    .addOption(envOption())
    .addOption(new Option("--since <time>", "the last 12h or 7d; default: since the month began"))
    .addOption(new Option("--month <month>", "a whole month, such as 2026-11").conflicts("since"))
    .option("--local", "the requests of the local run on this machine: without an account")
    .addOption(new Option("--sql", "prints the SQL, and asks nothing").conflicts(["local", "open"]))
    .option("--open", "opens a page with charts in the browser, too")
    .option("--json", "prints JSON")
    .addHelpText("after", HELP)
    .action((options) => run(() => stats(world, options)));
}

const HELP = `
Months are those of UTC. Cloudflare keeps data points for three months, if wrangler.toml has the
dataset METRICS: ${page("docs/metrics.md")}. It is asked with CLOUDFLARE_API_TOKEN and
CLOUDFLARE_ACCOUNT_ID.

Examples:
  npx vitrine stats --env production --open
  npx vitrine stats --since 7d
  npx vitrine stats --month 2026-11 --json
  npx vitrine stats --local`;

type Options = {
  readonly env?: string | undefined;
  readonly since?: string | undefined;
  readonly month?: string | undefined;
  readonly local?: true | undefined;
  readonly sql?: true | undefined;
  readonly open?: true | undefined;
  readonly json?: true | undefined;
};

async function stats(world: World, options: Options): Promise<Outcome> {
  const { stdout, stderr } = world;

  // Read the arguments and the project.
  const period = readPeriod(options, world.now());
  if (isFault(period)) return period;

  const environment = chooseEnvironment(world, options.env);
  const envConfig = readEnvironment(world.folder, environment);
  if (isMistake(envConfig)) return configFault([envConfig]);
  if (isEmptyTopLevel(envConfig)) return { fault: noBucketsText(envConfig) };

  if (options.sql) return printSql(world, envConfig, period);

  // Get the rows, and make the report.
  const rows = options.local
    ? localRows(world, envConfig, period)
    : await deployedRows(world, envConfig, period);
  if (isFault(rows)) return rows;

  const source = options.local ? "local" : "cloudflare";
  const report = createReport(rows, frameOf(envConfig, source, period));

  // Print it.
  if (options.json) print(stdout, visible(JSON.stringify(report, null, 2)));
  else log(stdout, ...reportLines(report));

  if (options.open) {
    const file = await openStatsPage(world, report);
    log(stderr, `The charts are in ${file}`);
  }
  return EXIT.done;
}

const DAY_MS = 86_400_000;

/** Analytics Engine has nothing older. */
const MAX_AGE_DAYS = 93;

/** Reads which time is asked for. Both ends are whole seconds, as SQL has them. */
function readPeriod({ since, month, local }: Options, now: number): Period | CommandFault {
  const until = Math.floor(now / 1000) * 1000 + 1000;

  if (since !== undefined) {
    const seconds = parseDuration(since);
    if (seconds === undefined) return { fault: `--since ${since}: ${NO_DURATION}` };
    if (seconds * 1000 > MAX_AGE_DAYS * DAY_MS) {
      return { fault: `--since ${since}: Cloudflare keeps data points for three months` };
    }
    return { from: until - seconds * 1000, until };
  }

  if (month === undefined) return { from: monthStart(now, 0), until };

  const groups = /^(?<year>20\d\d)-(?<month>0[1-9]|1[0-2])$/.exec(month)?.groups;
  if (groups === undefined) return { fault: `--month ${month} is not like 2026-11` };

  const from = Date.UTC(Number(groups["year"]), Number(groups["month"]) - 1);
  if (from > now) return { fault: `--month ${month} has not begun` };

  const monthEnd = monthStart(from, 1);
  if (local !== true && now - monthEnd > MAX_AGE_DAYS * DAY_MS) {
    return { fault: `--month ${month}: Cloudflare keeps data points for three months` };
  }
  return { from, until: Math.min(monthEnd, until) };
}

/** When a month of UTC began. @param months how many months later */
function monthStart(time: number, months: number): number {
  const date = new Date(time);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + months);
}

function printSql({ stdout }: World, envConfig: EnvironmentConfig, period: Period): Outcome {
  const dataset = findDataset(envConfig);
  if (isFault(dataset)) return dataset;

  const queries = queriesOf(dataset, period);
  log(stdout, Object.values(queries).join("\n\n"));
  return EXIT.done;
}

function findDataset(envConfig: EnvironmentConfig): string | CommandFault {
  const { dataset } = envConfig;
  if (dataset !== undefined && /^[\w-]+$/.test(dataset)) return dataset;
  if (dataset !== undefined) {
    return {
      fault: `the dataset of METRICS is not a name of letters, digits, - and _: ${dataset}`,
    };
  }

  const tables = settingsFor(envConfig, "[[analytics_engine_datasets]]");
  return {
    fault: `nothing is measured: add ${tables} with the binding METRICS, and deploy (${page("docs/metrics.md")}). The requests of the local run: ${commandFor(envConfig, "npx vitrine stats --local")}`,
  };
}

async function deployedRows(
  world: World,
  envConfig: EnvironmentConfig,
  period: Period,
): Promise<StatsRows | CommandFault> {
  const dataset = findDataset(envConfig);
  if (isFault(dataset)) return dataset;

  const api = findSqlApi(world, envConfig);
  if (isFault(api)) return api;
  return askRows(world, api, dataset, period);
}

function localRows(
  world: World,
  envConfig: EnvironmentConfig,
  period: Period,
): StatsRows | CommandFault {
  const { environment } = envConfig;
  const file = pointsFile(environment);
  const startCommand = commandFor(envConfig, "npx vitrine dev");

  let local: LocalPoints | undefined;
  try {
    local = readLocalPoints(world.folder, environment);
  } catch (error) {
    // It may be a folder, or a file of another user.
    const isOfSystem = error instanceof Error && hasProperty(error, "code");
    if (!isOfSystem) throw error;
    return {
      fault: `${file} cannot be read: ${error.message}. Remove it, and start ${startCommand}`,
    };
  }
  if (local === undefined) {
    return { fault: `there is no ${file}: start ${startCommand}, and ask for a picture` };
  }

  const { points, unreadable } = local;
  if (unreadable > 0) {
    log(world.stderr, `${counted(unreadable, "line")} of ${file} cannot be read, and is left out`);
  }
  return rowsOf(points, period);
}

/** A configuration with mistakes has no worst case. `vitrine check` names them. */
function frameOf(
  envConfig: EnvironmentConfig,
  source: StatsReport["source"],
  period: Period,
): ReportFrame {
  const expected = readExpectedCosts(envConfig.deployedVars, () => {});
  const config = readDeployed(envConfig);
  const worstCase = isRefusal(config) ? undefined : worstCaseOf(config, expected);

  return {
    source,
    environment: envConfig.environment ?? "",
    period,
    dollarsOf,
    worstCase,
    budget: expected?.most,
  };
}
