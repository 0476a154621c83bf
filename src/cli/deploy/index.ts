// vitrine deploy: checks the configuration, asks S3 about the buckets and about the keys of a secrets file, asks wrangler
// about the queue of events, and Cloudflare about the zone if --setup says so. It prints what it changes. Then it sets the
// zone, makes the queue, deploys with the secrets of that file and no others (S5), makes the rules by which R2 writes into
// the queue, and runs the doctor. It never deploys a configuration or a file with a mistake.

import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { Command } from "@commander-js/extra-typings";
import { isSecret } from "../../worker/config/read-secrets.ts";
import type { CommandFault, Exit, Outcome, Run, World } from "../command.ts";
import { EXIT, isFault, isMistake, log } from "../command.ts";
import { checkEnvironment } from "../config/check-environments.ts";
import type { EnvironmentConfig } from "../config/environment-config.ts";
import { isEmptyTopLevel, noBucketsText, readEnvironment } from "../config/environment-config.ts";
import { configFault, warningText } from "../config/mistakes.ts";
import { findBaseUrl } from "../config/site-url.ts";
import { checkPresence } from "../http/ask-health.ts";
import { sleep } from "../http/retry.ts";
import { envOption } from "../options.ts";
import type { SecretValues } from "../secrets/secrets.ts";
import { commandLine } from "../terminal/shell.ts";
import { chooseEnvironment } from "../wrangler/config-file.ts";
import { lockWarning } from "../wrangler/packages.ts";
import {
  isAtTerminal,
  type RunWrangler,
  showWrangler,
  wranglerAt,
} from "../wrangler/run-wrangler.ts";
import type { ZonesSeen } from "../zone/zone-state.ts";
import { checkS3, type Deployment } from "./check-s3.ts";
import { makeQueues, makeRules, refuseEvents, seeEvents } from "./events.ts";
import { goBackLines } from "./go-back.ts";
import { askLiveWorker, planOf } from "./plan.ts";
import { prepareSecrets } from "./prepare-secrets.ts";
import { offerBareHosts, printSetup, type SetupOptions, seeZones, setUpZones } from "./setup.ts";

/** What the doctor is asked about, too. */
type TargetOptions = { readonly env?: string; readonly secretsFile?: string };

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
  readonly examine: (
    world: World,
    options: TargetOptions & { readonly url: string },
  ) => Promise<Examination | CommandFault>;
};

/** How the doctor ended, and what it reported. */
type Examination = {
  readonly outcome: Exit;
  readonly findings: readonly { readonly check: string; readonly severity: string }[];
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
  { dryRun, eventsElsewhere, setup, yes, ...options }: DeployOptions,
  tools: DeployTools,
): Promise<Outcome> {
  const deployment = readDeployment(world, options);
  if (isFault(deployment)) return deployment;
  const { envConfig, secrets } = deployment;

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

  const setupResult = zones && (await setUpZones(world, deployment, zones, { yes }, tools.sleep));
  if (isFault(setupResult)) return setupResult;
  if (setupResult === EXIT.interrupted) return setupResult;

  const queueFault = await makeQueues(world, tools.run, deployment, events);
  if (queueFault !== undefined) return queueFault;

  const deployed = await wranglerDeploy(world, tools.run, envConfig, secrets);
  if (isFault(deployed)) return deployed;

  const rules = await makeRules(world, tools.run, deployment);
  const host = findBaseUrl(undefined, envConfig.patterns, "--url");
  const url = isFault(host) ? deployed.url : host;
  const outcome = await checkDeployed(world, url, options, deployment, zones, tools);
  if (setupResult === "by-hand") {
    log(world.stderr, "The zone is not set up: see the steps by hand above");
  }
  log(world.stderr, ...goBackLines(world.folder, deployment, eventsElsewhere));
  const isPartly = rules === "failed" || setupResult === "by-hand";
  return isPartly && outcome === EXIT.done ? EXIT.partly : outcome;
}

/** Reads what is about to be deployed. @returns a fault if anything of it is wrong */
function readDeployment(
  world: World,
  { env, secretsFile }: DeployOptions,
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
  return isFault(secrets) ? secrets : { envConfig, config, secrets, secretsFile };
}

/** A closed terminal, a cancelled job and Ctrl-\: without a listener, they end the process at once. */
const ENDINGS = ["SIGHUP", "SIGTERM", "SIGQUIT"] as const;

/**
 * Runs `wrangler deploy` with the secrets in a temporary file. All other secrets of the Worker stay as they are.
 * @public a test runs it in a process of its own
 * @returns the workers.dev address of the Worker, if wrangler says one
 */
export async function wranglerDeploy(
  world: World,
  run: RunWrangler,
  config: EnvironmentConfig,
  secrets: SecretValues,
) {
  const folder = mkdtempSync(join(tmpdir(), "vitrine-"));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  const exit = () => process.exit(1); // its listener removes the folder
  process.once("exit", remove);
  for (const signal of ENDINGS) process.once(signal, exit);
  try {
    const file = join(folder, "secrets.json");
    // JSON: in any other file wrangler replaces values by those of its environment and of .env, and expands `$` (S5).
    writeFileSync(file, JSON.stringify(secrets), { mode: 0o600 });
    const output = join(folder, "output.json");
    const env = {
      ...world.env,
      WRANGLER_OUTPUT_FILE_PATH: output,
      // Without this name, CI, or a file .env that wrangler reads, could name another Worker for these secrets.
      WRANGLER_CI_OVERRIDE_NAME: config.worker,
    };
    const args = ["deploy", "--config", config.file, "--env", config.environment ?? ""];
    const values = Object.values(secrets);
    if (values.length > 0) args.push("--secrets-file", file);
    let heard = "";
    const listen: RunWrangler = (wranglerWorld, wranglerArgs, input, hear) =>
      run(wranglerWorld, wranglerArgs, input, (text) => {
        heard += text;
        hear(text);
      });
    const fault = await showWrangler({ ...world, env }, listen, args, { config, secrets: values });
    if (fault !== undefined) return { fault: `${fault.fault}${halfwayText(world, heard)}` };
    return { url: workersDevUrl(output, config.worker ?? "") };
  } finally {
    remove();
    process.off("exit", remove);
    for (const signal of ENDINGS) process.off(signal, exit);
  }
}

/** Says that wrangler failed after the upload: the domains, the queue's consumer and the like come behind it. */
function halfwayText(world: World, output: string): string {
  const state =
    "its new version may be live, without what comes after. Correct it, and deploy again";
  if (/^Uploaded \S+ \(/m.test(stripVTControlCharacters(output))) {
    return `. The Worker is uploaded: ${state}`;
  }
  const isUnheard = isAtTerminal(world);
  return isUnheard ? `. If wrangler says “Uploaded” above, the Worker is uploaded: ${state}` : "";
}

/** The Worker's own address in wrangler's file, which is not there if wrangler was interrupted. */
function workersDevUrl(file: string, worker: string): string | undefined {
  const text = existsSync(file) ? readFileSync(file, "utf8") : "";
  const urls = text.match(/(?<=")https:\/\/[\w-]+\.[\w-]+\.workers\.dev(?=")/g) ?? [];
  return urls.findLast((url) => url.startsWith(`https://${worker}.`));
}

/** About a minute of pauses: a new domain needs DNS and a certificate. */
const MAX_ATTEMPTS = 12;
const PAUSE_MS = 5000;

/**
 * Has the doctor check what is deployed, as soon as it answers.
 * @param url undefined: neither routes nor wrangler say where it is
 * @returns `done` if the doctor finds no error, else `partly`: the deploy is not undone
 */
async function checkDeployed(
  world: World,
  url: string | undefined,
  options: TargetOptions,
  deployment: Deployment,
  zones: ZonesSeen | undefined,
  tools: DeployTools,
): Promise<Outcome> {
  const endPartly = (problem: string) => {
    const again = commandLine("doctor", { url: url ?? "https://…", ...options });
    log(world.stderr, `It is deployed, ${problem}: ${again}`);
    return EXIT.partly;
  };
  if (url === undefined)
    return endPartly("but routes names no host to check. Put your domain there, or name one");
  let isThere = false;
  for (let n = 0; !isThere && n < MAX_ATTEMPTS && !world.interrupted.aborted; n += 1) {
    if (n > 0) await tools.sleep(PAUSE_MS, world.interrupted);
    const absence = await checkPresence(url);
    isThere = absence === undefined || (absence.status ?? 520) < 520; // from 520 on, there is no Worker yet
  }
  if (!isThere) {
    const silent = `${url} does not answer: a new domain needs some minutes for DNS and its certificate`;
    const reason = world.interrupted.aborted ? "You interrupted it" : silent;
    return endPartly(`and not checked. ${reason}. Then check it`);
  }
  // Without the shell's keys of S3: nobody knows whether they are deployed (S5).
  const isShown = (name: string) => !isSecret(name) || name === "HEALTH_TOKEN";
  const env = Object.fromEntries(Object.entries(world.env).filter(([name]) => isShown(name)));
  const examine = () => tools.examine({ ...world, env }, { ...options, url });
  let examination = await examine();
  if (zones !== undefined && refusesSources(examination) && !world.interrupted.aborted) {
    const isAdded = await offerBareHosts(world, deployment, zones, tools.sleep);
    if (isAdded) examination = await examine();
  }
  const outcome = isFault(examination) ? examination : examination.outcome;
  // Warnings are shown, but a deploy may be right with them: a key may be meant to list the bucket.
  const isRight = outcome === EXIT.done || outcome === EXIT.partly;
  if (isRight || world.interrupted.aborted) return EXIT.done;
  if (isFault(outcome)) log(world.stderr, outcome.fault);
  return endPartly(
    "but the doctor found errors. An older version may answer for a minute. To check it again",
  );
}

/** Returns whether the doctor saw that the edge refuses an origin (9401). */
function refusesSources(examination: Examination | CommandFault): boolean {
  if (isFault(examination)) return false;
  return examination.findings.some(
    ({ check, severity }) => check === "sources" && severity === "error",
  );
}
