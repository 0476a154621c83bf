// vitrine deploy: checks the configuration, tries the keys of a secrets file, deploys with the secrets of that file
// and no others (S5), and runs the doctor. It never deploys a configuration or a file with a mistake.

import { Command } from "@commander-js/extra-typings";
import { isSecret } from "../../worker/config/read-secrets.ts";
import {
  type End,
  EXIT,
  type Exit,
  isFault,
  print,
  type Run,
  say,
  type World,
} from "../command.ts";
import { checkEnvironment } from "../config/check-environments.ts";
import { carrierText, isCarrier, readEnvironment } from "../config/environment-config.ts";
import { configFault, warningText } from "../config/mistakes.ts";
import { findBaseUrl } from "../config/site-url.ts";
import { askWhetherThere } from "../http/ask-health.ts";
import { sleep } from "../http/retry.ts";
import { dryRunOption, envOption } from "../options.ts";
import { commandLine, visible } from "../terminal/shell.ts";
import { chooseEnvironment } from "../wrangler/config-file.ts";
import { lockWarning } from "../wrangler/packages.ts";
import { type RunWrangler, wranglerAt } from "../wrangler/run-wrangler.ts";
import { probeKeys } from "./probe-keys.ts";
import { readSecretsToDeploy, type SecretsToDeploy } from "./secrets-to-deploy.ts";
import { wranglerDeploy } from "./wrangler-deploy.ts";

export type Options = {
  readonly env?: string;
  readonly secretsFile?: string;
  readonly dryRun?: true;
};

/** Has effects or takes time, so a test can replace it. */
export type Tools = {
  readonly run: RunWrangler;
  readonly sleep: typeof sleep;
  /** The doctor: no command imports another one. */
  readonly examine: (
    world: World,
    options: Omit<Options, "dryRun"> & { readonly url: string },
  ) => Promise<End>;
};

export function deployCommand(world: World, run: Run, examine: Tools["examine"]) {
  const tools = { run: wranglerAt(), sleep, examine };
  return new Command("deploy")
    .description("checks the configuration, deploys it, and runs the doctor on what is deployed")
    .addOption(envOption())
    .option("--secrets-file <file>", "the secrets to deploy; all others stay as they are deployed")
    .addOption(dryRunOption())
    .addHelpText("after", HELP)
    .action((options) => run(() => deploy(world, options, tools)));
}

const HELP = `
It deploys the secrets of the file, and never one that the shell has under the same name. wrangler alone
would deploy the shell's. Nothing is deployed if the configuration or the file has a mistake, or if S3 refuses
a key of the file, or lists a canary to it and does not give it.

Examples:
  npx vitrine deploy --secrets-file secrets.env
  npx vitrine deploy
  npx vitrine deploy --env production --secrets-file production.env --dry-run`;

/** @returns a fault if nothing is deployed, otherwise what `checkDeployed` returns */
export async function deploy(world: World, options: Options, tools: Tools): Promise<End> {
  const target = readTarget(world, options.env);
  if (isFault(target)) return target;
  const { known } = target;
  const secrets = readSecretsToDeploy(world, options.secretsFile, known);
  if (isFault(secrets)) return secrets;

  const notes = await probeKeys(known, secrets, world.now);
  if (world.interrupted.aborted) {
    return { fault: "interrupted before anything was sent: nothing is deployed" };
  }
  if (isFault(notes)) return notes;
  for (const text of notes) say(world.stderr, visible(text));
  const warnings = [...target.warnings, ...secrets.warnings];
  for (const text of warnings) say(world.stderr, `Warning: ${text}`);
  print(world.stdout, `${target.text}: ${secrets.text}`);

  const isDry = options.dryRun === true;
  const deployed = await wranglerDeploy(world, tools.run, known, secrets.sent, isDry);
  if (isFault(deployed)) return deployed;
  if (isDry) return EXIT.done;
  const host = findBaseUrl(undefined, known.patterns, "--url");
  return checkDeployed(world, isFault(host) ? deployed.url : host, options, secrets.sent, tools);
}

/** What would be deployed, or why nothing may be. Sends nothing. */
function readTarget(world: World, env: string | undefined) {
  const known = readEnvironment(world.folder, chooseEnvironment(world, env));
  if (isFault(known)) return configFault([known.mistake]);
  const { file, worker, environment, patterns, workersDev } = known;
  if (isCarrier(known)) return { fault: carrierText(known) };
  if (worker === undefined) return { fault: `${file}: name is missing: it is the Worker's` };
  const { WRANGLER_CI_OVERRIDE_NAME: name = worker } = world.env;
  if (name !== worker) {
    const problem = `WRANGLER_CI_OVERRIDE_NAME would deploy this as ${name}, but it is ${worker}`;
    return { fault: `${problem}. Choose the environment with --env, or change name in ${file}` };
  }
  // After a roll-back without `npm ci`, another Vitrine would be bundled than the one that is committed.
  const lock = lockWarning(world.folder);
  if (lock !== undefined) return { fault: `${warningText(lock)}. Nothing is deployed` };
  const report = checkEnvironment(world.folder, known);
  const mistakes = report.mistakes.filter(({ from }) => from !== known.devVars);
  if (patterns.length === 0 && !workersDev) {
    const message = "is missing, or empty: put your domain there";
    mistakes.push({ environment, path: "routes", message });
  }
  if (mistakes.length > 0) return configFault(mistakes);
  const place = environment === undefined ? "the top level" : `environment ${environment}`;
  const text = `Worker ${worker} (${place}), at ${patterns.join(", ") || "a workers.dev address"}`;
  return { known, text, warnings: report.warnings.map(warningText) };
}

/** About a minute of pauses: a new domain needs DNS and a certificate. */
const ATTEMPTS = 12;
const PAUSE_MS = 5000;

/**
 * Has the doctor check what is deployed, as soon as it answers.
 * @param base undefined: neither routes nor wrangler say where it is
 * @returns `done` if the doctor finds no error, else `partly`: the deploy is not undone
 */
async function checkDeployed(
  world: World,
  base: string | undefined,
  { env, secretsFile }: Options,
  sent: SecretsToDeploy["sent"],
  { examine, sleep: pause }: Tools,
): Promise<Exit> {
  const again = commandLine("doctor", { env, url: base ?? "https://…", secretsFile });
  const endPartly = (...lines: string[]) => {
    say(world.stderr, ...lines);
    return EXIT.partly;
  };
  if (base === undefined) {
    return endPartly(`It is deployed, but routes names no host to check. Name one: ${again}`);
  }
  for (let attempt = 1; !world.interrupted.aborted && !(await isThere(base)); attempt += 1) {
    if (attempt === ATTEMPTS) {
      return endPartly(
        `It is deployed, but ${base} does not answer yet: a new domain needs some minutes for DNS and its certificate.`,
        `Then check it: ${again}`,
      );
    }
    if (attempt === 1) say(world.stderr, `Waiting for ${base} ...`);
    await pause(PAUSE_MS, world.interrupted);
  }
  if (world.interrupted.aborted) return endPartly(`It is deployed, and not checked: ${again}`);
  const given = {
    url: base,
    ...(env !== undefined && { env }),
    ...(secretsFile && { secretsFile }),
  };
  const end = await examine({ ...world, env: withoutOtherSecrets(world.env, sent) }, given);
  // Warnings are shown, but a deploy may be right with them: a key may be meant to list the bucket.
  if (end === EXIT.done || end === EXIT.partly || world.interrupted.aborted) return EXIT.done;
  if (isFault(end)) say(world.stderr, visible(end.fault));
  return endPartly(
    `It is deployed, but the doctor found errors. An older version may answer for a minute. To check it again: ${again}`,
    "If the deploy before was right, take this one back: docs/environments.md, “Roll back”",
  );
}

/** Returns whether a server answers. Without a status there is no DNS or no certificate; from 520 on, no Worker. */
async function isThere(base: string): Promise<boolean> {
  const absent = await askWhetherThere(base);
  return absent === undefined || (absent.status !== undefined && absent.status < 520);
}

/** Without the shell's keys of S3: nobody knows whether they are deployed. The doctor sees more with the others (S5). */
function withoutOtherSecrets(env: World["env"], sent: SecretsToDeploy["sent"]): World["env"] {
  const isKept = (name: string) =>
    !isSecret(name) || ["HEALTH_TOKEN", "URL_SIGNING_KEYS"].includes(name);
  return Object.fromEntries(
    Object.entries(env).filter(([name]) => isKept(name) && !(name in sent)),
  );
}
