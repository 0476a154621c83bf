// Has the doctor check what is deployed, as soon as it answers. A deploy is not undone, whatever the doctor finds.

import { isSecret } from "../../worker/config/read-secrets.ts";
import { type CommandFault, EXIT, type Exit, isFault, log, type World } from "../command.ts";
import { checkPresence } from "../http/ask-health.ts";
import type { sleep } from "../http/retry.ts";
import { commandLine } from "../terminal/shell.ts";
import type { ZonesSeen } from "../zone/zone-state.ts";
import { offerBareHosts } from "./bare-hosts.ts";
import type { Deployment } from "./check-s3.ts";

/** What the doctor is asked about, too. */
export type TargetOptions = {
  readonly env?: string;
  readonly secretsFile?: string;
};

/** Runs the doctor. */
export type Examine = (
  world: World,
  options: TargetOptions & { readonly url: string },
) => Promise<Examination | CommandFault>;

/** How the doctor ended, and what it reported. */
type Examination = {
  readonly outcome: Exit;
  readonly findings: readonly { readonly check: string; readonly severity: string }[];
};

type CheckTools = {
  readonly sleep: typeof sleep;
  readonly examine: Examine;
};

/**
 * @param url undefined: neither routes nor wrangler say where it is
 * @returns `done` if the doctor finds no error, else `partly`
 */
export async function checkDeployed(
  world: World,
  url: string | undefined,
  target: TargetOptions,
  deployment: Deployment,
  zones: ZonesSeen | undefined,
  tools: CheckTools,
): Promise<Exit> {
  if (url === undefined) {
    const command = commandLine("doctor", { url: "https://…", ...target });
    log(
      world.stderr,
      `It is deployed, but routes names no host to check. Put your domain there, or name one: ${command}`,
    );
    return EXIT.partly;
  }

  const command = commandLine("doctor", { url, ...target });
  const isThere = await waitForWorker(world, url, tools.sleep);
  if (!isThere && world.interrupted.aborted) {
    log(
      world.stderr,
      `It is deployed, and not checked. You interrupted it. Then check it: ${command}`,
    );
    return EXIT.partly;
  }
  if (!isThere) {
    log(
      world.stderr,
      `It is deployed, and not checked. ${url} does not answer: a new domain needs some minutes for DNS and its certificate. Then check it: ${command}`,
    );
    return EXIT.partly;
  }

  const examine = () => tools.examine(withoutS3Keys(world), { ...target, url });
  let examination = await examine();

  if (zones !== undefined && refusesSources(examination) && !world.interrupted.aborted) {
    const isAdded = await offerBareHosts(world, deployment, zones, tools.sleep);
    if (isAdded) examination = await examine();
  }

  // After Ctrl-C, the command ends with an exit code of its own, whatever is returned here.
  if (world.interrupted.aborted) return EXIT.done;

  // Warnings are shown, but a deploy may be right with them: a key may be meant to list the bucket.
  if (isRight(examination)) return EXIT.done;

  if (isFault(examination)) log(world.stderr, examination.fault);
  log(
    world.stderr,
    `It is deployed, but the doctor found errors. An older version may answer for a minute. To check it again: ${command}`,
  );
  return EXIT.partly;
}

/** About a minute of pauses: a new domain needs DNS and a certificate. */
const MAX_ATTEMPTS = 12;
const PAUSE_MS = 5000;

/** From this status on, Cloudflare says that there is no Worker yet. */
const NO_WORKER_STATUS = 520;

/** Waits until something answers at a URL. @returns false if nothing does, or after Ctrl-C */
async function waitForWorker(world: World, url: string, pause: typeof sleep): Promise<boolean> {
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
    if (world.interrupted.aborted) return false;
    if (attempt > 1) await pause(PAUSE_MS, world.interrupted);

    const absence = await checkPresence(url);
    if (absence === undefined) return true;

    const { status } = absence;
    if (status !== undefined && status < NO_WORKER_STATUS) return true;
  }
  return false;
}

/** Takes the shell's keys of S3 out of the environment: nobody knows whether they are deployed (S5). */
function withoutS3Keys(world: World): World {
  const entries = Object.entries(world.env);
  const visible = entries.filter(([name]) => !isSecret(name) || name === "HEALTH_TOKEN");
  return { ...world, env: Object.fromEntries(visible) };
}

/** Returns whether the doctor saw that the edge refuses an origin (9401). */
function refusesSources(examination: Examination | CommandFault): boolean {
  if (isFault(examination)) return false;
  return examination.findings.some(
    ({ check, severity }) => check === "sources" && severity === "error",
  );
}

/** Returns whether the doctor found no error. */
function isRight(examination: Examination | CommandFault): boolean {
  if (isFault(examination)) return false;
  const { outcome } = examination;
  return outcome === EXIT.done || outcome === EXIT.partly;
}
