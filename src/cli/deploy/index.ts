// vitrine deploy: checks the configuration, deploys it with the secrets of a file and no others (S5), and
// runs the doctor on what is deployed. It never deploys a configuration or a file with a mistake.

import { Command } from "@commander-js/extra-typings";
import { mistakeText } from "../../worker/base/refusal.ts";
import {
  type End,
  EXIT,
  type Fault,
  isFault,
  print,
  type Run,
  say,
  type World,
} from "../command.ts";
import { checkEnvironment } from "../config/check-environments.ts";
import { type KnownVars, readVars } from "../config/environment-config.ts";
import { configFault, shellWarnings, type Warning, warningText } from "../config/mistakes.ts";
import { sleep } from "../http/retry.ts";
import { dryRunOption, envOption } from "../options.ts";
import { readSecretsFile, secretsIn, slotStem } from "../secrets/secrets.ts";
import { visible } from "../terminal/shell.ts";
import { chooseEnvironment, hintFor } from "../wrangler/config-file.ts";
import { type RunWrangler, showWrangler, wranglerAt } from "../wrangler/run-wrangler.ts";
import { askKeys } from "./ask-keys.ts";
import {
  type Tools as CheckTools,
  checkDeployed,
  type Examine,
  type Options,
} from "./check-deployed.ts";
import { type Chosen, chooseSecrets } from "./choose-secrets.ts";
import { hearUrl } from "./deployed-url.ts";
import { baseOf, domainMistakes, lockFault, placeFault } from "./place.ts";
import { tellPlan } from "./tell-plan.ts";
import { withSecretsFile } from "./with-secrets-file.ts";

/** Has effects or takes time, so a test can replace it. */
export type Tools = CheckTools & { readonly run: RunWrangler };

/** @param examine the doctor: no command imports another one */
export function deployCommand(world: World, run: Run, examine: Examine) {
  const tools = { run: wranglerAt(), sleep, examine };
  return new Command("deploy")
    .description("checks the configuration, deploys it, and runs the doctor on what is deployed")
    .addOption(envOption())
    .option("--secrets-file <file>", "the secrets to deploy; all others stay as they are deployed")
    .option(
      "-u, --url <url>",
      "where the doctor looks; default: the first domain under routes, else what wrangler says",
    )
    .option("-k, --key <key...>", "objects for the doctor to check, below the prefix")
    .addOption(dryRunOption())
    .addHelpText("after", HELP)
    .action((options) => run(() => deploy(world, options, tools)));
}

const HELP = `
It deploys the secrets of the file, and never one that the shell has under the same name. wrangler alone
would deploy the shell's. Nothing is deployed if the configuration or the file has a mistake, or if S3 refuses
a key of the file, or lists a canary to it and does not give it.

Exit codes:
  0    it is deployed, and the doctor finds no errors; warnings are shown
  1    it is deployed, but the doctor finds errors, or cannot see it yet
  2    it is not deployed; or in part, if wrangler says so

Examples:
  npx vitrine deploy --secrets-file secrets.env
  npx vitrine deploy
  npx vitrine deploy --env staging --key photos/fig.jpg
  npx vitrine deploy --env production --secrets-file production.env --dry-run`;

/**
 * Deploys, and has the doctor check what is deployed.
 * @returns a fault if nothing is deployed, otherwise what `checkDeployed` returns
 */
export async function deploy(world: World, options: Options, tools: Tools): Promise<End> {
  const prepared = prepare(world, options);
  if (isFault(prepared)) return prepared;
  const { known, chosen, base, warnings } = prepared;
  const { refused, unknown } = await askKeys(world, known, chosen.slots);
  if (world.interrupted.aborted)
    return { fault: "interrupted before anything was sent: nothing is deployed" };
  if (refused.length > 0) return refusedFault(refused, options.secretsFile ?? "");
  for (const text of unknown) say(world.stderr, visible(text));
  for (const warning of warnings) say(world.stderr, `Warning: ${warningText(warning)}`);
  print(world.stdout, ...tellPlan(known, chosen, options.secretsFile ?? ""));
  const args = ["deploy", "--config", known.file, "--env", known.environment ?? ""];
  const secrets = Object.values(chosen.sent);
  // Else a file .env could name another Worker: wrangler reads it, too.
  const named = { ...world.env, WRANGLER_CI_OVERRIDE_NAME: known.worker };
  const runDeploy = (more: readonly string[], env: World["env"] = named) =>
    showWrangler({ ...world, env }, tools.run, [...args, ...more], { place: known, secrets });
  if (options.dryRun) return (await runDeploy(["--dry-run"])) ?? EXIT.done;
  const { ended: failed, url } = await hearUrl(named, known.worker ?? "", (env) =>
    secrets.length === 0
      ? runDeploy([], env)
      : withSecretsFile(chosen.sent, (file) => runDeploy(["--secrets-file", file], env)),
  );
  return failed ?? checkDeployed(world, base ?? url, options, chosen.sent, tools);
}

function refusedFault(refused: readonly string[], file: string): Fault {
  const lines = [
    `${file} has a key that S3 refuses. Nothing is deployed:`,
    ...refused,
    "write the id and the secret of an active key of this environment there. S3 may know a new key only after a minute",
  ];
  return { fault: lines.join("\n  ") };
}

type Prepared = {
  readonly known: KnownVars;
  readonly chosen: Chosen;
  /** Where it will be; undefined if only Cloudflare knows. */
  readonly base: string | undefined;
  readonly warnings: readonly Warning[];
};

/** Finds out what would be deployed, or why nothing may be. Sends nothing. */
function prepare(world: World, options: Options): Prepared | Fault {
  const known = readVars(world.folder, chooseEnvironment(world, options.env));
  if (isFault(known)) return configFault([known.mistake]);
  const misplaced = placeFault(world, known) ?? lockFault(world);
  if (misplaced !== undefined) return misplaced;
  const checked = checkEnvironment(world.folder, known);
  const own = checked.mistakes.filter(({ from }) => from !== known.devVars);
  const mistakes = [...own, ...domainMistakes(known)];
  if (mistakes.length > 0) return configFault(mistakes);
  const base = baseOf(world, known, options.url);
  if (isFault(base)) return base;
  const read = readSecrets(world, known, options.secretsFile);
  if (isFault(read)) return read;
  const warnings = [...checked.warnings, ...read.warnings];
  return { known, base, chosen: read.chosen, warnings };
}

/** Reads the secrets of a file, or says what is wrong with it. Without a file there are none. */
function readSecrets(
  world: World,
  known: KnownVars,
  file: string | undefined,
): Pick<Prepared, "chosen" | "warnings"> | Fault {
  const given = file === undefined ? {} : readSecretsFile(world, file);
  if (isFault(given)) return given;
  const chosen = chooseSecrets(given, known);
  const wrong = file === undefined ? undefined : secretsFault(chosen, file);
  if (wrong !== undefined) return wrong;
  const unused = chosen.unused.map(({ path, message }) => {
    const section = slotStem(path) === path ? "[secrets]" : "Credentials of a bucket";
    const remedy = `it ${message}: docs/configuration.md, “${section}”`;
    return { what: `${path} of ${file} is not deployed`, remedy };
  });
  const tokens = chosen.tokens.map((name) => {
    const what = `${file} has a new key without ${name}: if the Worker has one, S3 refuses the two together`;
    const after = `after this deploy, npx wrangler secret delete ${name}, if npx wrangler secret list shows it`;
    const remedy = `npx vitrine rotate changes both in one step. Or, ${after}`;
    return { what, remedy: hintFor(known, remedy) };
  });
  return {
    chosen,
    warnings: [...unused, ...tokens, ...shellWarnings(world.env, secretsIn(given, file ?? ""))],
  };
}

/** What is wrong with a secrets file. Who names one must not believe that it was deployed if it was not. */
function secretsFault({ sent, unused, mistakes }: Chosen, file: string): Fault | undefined {
  const isEmpty = Object.keys(sent).length === 0;
  if (mistakes.length === 0 && !isEmpty) return undefined;
  const what = isEmpty ? "no secret that the Worker uses" : "mistakes";
  const lines = [
    ...[...mistakes, ...unused].map(mistakeText),
    ...(isEmpty
      ? ["write each value as AWS_ACCESS_KEY_ID='…', or all as JSON: docs/deploy.md, step 5"]
      : []),
  ];
  return { fault: [`${file} has ${what}. Nothing is deployed:`, ...lines].join("\n  ") };
}
