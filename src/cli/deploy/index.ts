// vitrine deploy: checks the configuration, asks S3 about the buckets and about the keys of a secrets file, asks wrangler
// about the queue of events, and Cloudflare about the zone if --setup says so. It prints what it changes. Then it sets the
// zone, makes the queue, deploys with the secrets of that file and no others (S5), makes the rules by which R2 writes into
// the queue, and runs the doctor. It never deploys a configuration or a file with a mistake.

import { Command } from "@commander-js/extra-typings";
import type { CommandFault, Outcome, Run, World } from "../command.ts";
import { EXIT, isFault, isMistake, log } from "../command.ts";
import { checkEnvironment } from "../config/check-environments.ts";
import { isEmptyTopLevel, noBucketsText, readEnvironment } from "../config/environment-config.ts";
import { configFault, warningText } from "../config/mistakes.ts";
import { findBaseUrl } from "../config/site-url.ts";
import { sleep } from "../http/retry.ts";
import { envOption } from "../options.ts";
import { chooseEnvironment } from "../wrangler/config-file.ts";
import { lockWarning } from "../wrangler/packages.ts";
import { type RunWrangler, wranglerAt } from "../wrangler/run-wrangler.ts";
import { checkDeployed, type Examine, type TargetOptions } from "./check-deployed.ts";
import { checkS3, type Deployment } from "./check-s3.ts";
import { makeQueues, makeRules, refuseEvents, seeEvents } from "./events.ts";
import { goBackLines } from "./go-back.ts";
import { askLiveWorker } from "./live-worker.ts";
import { planOf } from "./plan.ts";
import { prepareSecrets } from "./prepare-secrets.ts";
import { printSetup, type SetupOptions, seeZones, setUpZones } from "./setup.ts";
import { wranglerDeploy } from "./wrangler-deploy.ts";

export type DeployOptions = TargetOptions &
  SetupOptions & {
    readonly dryRun?: true;
    /** Events come another way than by R2's rules. */
    readonly eventsElsewhere?: true;
  };

export type DeployTools = {
  readonly run: RunWrangler;
  readonly sleep: typeof sleep;
  /** The doctor: no command imports another one. */
  readonly examine: Examine;
};

export function deployCommand(world: World, run: Run, examine: DeployTools["examine"]) {
  const tools = { run: wranglerAt(), sleep, examine };
  return new Command("deploy")
    .description("checks the configuration, deploys it, and runs the doctor on what is deployed")
    .addOption(envOption())
    .option("--secrets-file <file>", "the secrets to deploy; all others stay as they are deployed")
    .option("--setup", "sets what the zone of your domain lacks, before it deploys")
    .option("--yes", "with --setup: sets it without a question")
    .option("--dry-run", "says what a deploy would change, and deploys nothing")
    .option(
      "--events-elsewhere",
      "deploys a long keep, too, if R2 writes events elsewhere: something passes them on",
    )
    .addHelpText("after", HELP)
    .action((options) => run(() => deploy(world, options, tools)));
}

const HELP = `
It deploys the secrets of the file, where wrangler alone would prefer those of the shell. Nothing is deployed if
the configuration or the file has a mistake, if S3 refuses a key of the file, or if that is the key of another
environment. If wrangler.toml has a queue of events, it makes the queue, and the rules of R2, where they are missing.
With --setup it reads the zone of each domain under routes, says what it has, lacks, and gets, asks once, and sets it: a
rule that blocks /cdn-cgi/image/, the allowed origins (Sources), and transformations. It changes nothing else there. It
needs CLOUDFLARE_SETUP_TOKEN, and the package cloudflare.
It deploys nothing if pictures are kept for over an hour, and R2 certainly writes their events elsewhere.

Examples:
  npx vitrine deploy --secrets-file secrets.env --dry-run
  npx vitrine deploy --secrets-file secrets.env
  npx vitrine deploy --setup --secrets-file secrets.env
  npx vitrine deploy --env production`;

/** @returns a fault if nothing can be deployed, otherwise what `checkDeployed` returns */
export async function deploy(
  world: World,
  options: DeployOptions,
  tools: DeployTools,
): Promise<Outcome> {
  const { dryRun, eventsElsewhere, setup, yes, ...target } = options;
  const deployment = readDeployment(world, target);
  if (isFault(deployment)) return deployment;

  // Ask all who know something. Nothing is changed yet.
  const [refusal, live, events, zones] = await Promise.all([
    checkS3(world, deployment),
    askLiveWorker(world, deployment),
    seeEvents(world, tools.run, deployment),
    seeZones(world, deployment, { setup }, tools.sleep),
  ]);
  if (world.interrupted.aborted) return { fault: "interrupted: nothing is deployed" };
  if (refusal !== undefined) return refusal;

  const eventsRefusal = refuseEvents(deployment, events, eventsElsewhere === true);
  if (eventsRefusal !== undefined) return eventsRefusal;

  if (zones !== undefined) printSetup(world, deployment, zones);
  const plan = await planOf(deployment, live, events);
  log(world.stdout, ...plan);

  if (dryRun) {
    log(world.stderr, "Nothing is deployed: it was a dry run.");
    return EXIT.done;
  }

  // The zone first: a Worker in front of an open side door would cost its owner.
  const setupResult = await setUpZones(world, deployment, zones, { yes }, tools.sleep);
  if (isFault(setupResult)) return setupResult;
  if (setupResult === EXIT.interrupted) return setupResult;

  const queueFault = await makeQueues(world, tools.run, deployment, events);
  if (queueFault !== undefined) return queueFault;

  const { envConfig, secrets } = deployment;
  const deployed = await wranglerDeploy(world, tools.run, envConfig, secrets);
  if (isFault(deployed)) return deployed;

  const rules = await makeRules(world, tools.run, deployment);

  const routedUrl = findBaseUrl(undefined, envConfig.patterns, "--url");
  const url = isFault(routedUrl) ? deployed.url : routedUrl;
  const outcome = await checkDeployed(world, url, target, deployment, zones, tools);

  const isByHand = setupResult === "by-hand";
  if (isByHand) log(world.stderr, "The zone is not set up: see the steps by hand above");
  log(world.stderr, ...goBackLines(world.folder, deployment, eventsElsewhere));

  const isPartly = rules === "failed" || isByHand;
  return isPartly && outcome === EXIT.done ? EXIT.partly : outcome;
}

/** Reads what is about to be deployed. @returns a fault if anything of it is wrong */
function readDeployment(
  world: World,
  { env, secretsFile }: TargetOptions,
): Deployment | CommandFault {
  const envConfig = readEnvironment(world.folder, chooseEnvironment(world, env));
  if (isMistake(envConfig)) return configFault([envConfig]);
  if (isEmptyTopLevel(envConfig)) return { fault: noBucketsText(envConfig) };

  // After a roll-back without `npm ci`, another Vitrine would be bundled than the one that is committed.
  const lock = lockWarning(world.folder);
  if (lock !== undefined) return { fault: `${warningText(lock)}. Nothing is deployed` };

  const { mistakes, warnings, config } = checkEnvironment(world.folder, envConfig);
  if (config === undefined) return configFault(mistakes);
  for (const warning of warnings) log(world.stderr, `Warning: ${warningText(warning)}`);

  const secrets = prepareSecrets(world, secretsFile, envConfig, config);
  if (isFault(secrets)) return secrets;

  return { envConfig, config, secrets, secretsFile };
}
