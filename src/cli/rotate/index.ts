// vitrine rotate: leads through the rotation of a key without a failed request. Each step is: poll /healthz, decide, do,
// report. It remembers nothing, so it can be killed at any time and started again.

import { Command } from "@commander-js/extra-typings";
import { secretNames } from "../../worker/config/read-secrets.ts";
import { maskKeyId } from "../../worker/config/slot.ts";
import type { BucketHealth } from "../../worker/operator.ts";
import type { CommandFault, Exit, Outcome, Run, World } from "../command.ts";
import { EXIT, isFault, log, logInColour, paint, print } from "../command.ts";
import { sleep } from "../http/retry.ts";
import { envOption, urlOption } from "../options.ts";
import { putDevVars } from "../secrets/secrets.ts";
import { askYes, hasTerminal } from "../terminal/prompts.ts";
import { visible } from "../terminal/shell.ts";
import { showWrangler, wranglerAt } from "../wrangler/run-wrangler.ts";
import { blockedFault, deactivateAdvice, type OldKey, userAdvice } from "./advice.ts";
import { readNewKey, tryKey } from "./new-key.ts";
import type { KeyedRotation, RotateOptions, RotateTools, Rotation } from "./rotation.ts";
import { commandOf, iamCommand, openRotation } from "./rotation.ts";
import { decideStep, isServed, type Put, type Step, slotOf, stepsAfter } from "./steps.ts";
import { pollHealth, servingText, waitForStep } from "./watch.ts";

export function rotateCommand(world: World, run: Run) {
  return new Command("rotate")
    .description("leads through the rotation of an S3 key, step by step, without a failed request")
    .addOption(envOption())
    .addOption(urlOption())
    .option("-b, --bucket <name>", "a bucket whose key you want to rotate")
    .option("-f, --key-file <file>", "the new key as aws prints it, or KEY=VALUE lines")
    .option("-y, --yes", "asks nothing")
    .addHelpText("after", HELP)
    .action((options) => run(() => rotate(world, options)));
}

const HELP = `
Without --key-file it says how things are. You can stop it at any time, and run it again.

Examples:
  npx vitrine rotate
  npx vitrine rotate --key-file key.json
  npx vitrine rotate --url http://localhost:8787 --key-file key.json`;

export async function rotate(
  world: World,
  options: RotateOptions,
  tools: RotateTools = { run: wranglerAt(), sleep },
): Promise<Outcome> {
  const opened = openRotation(world, options, tools);
  if (isFault(opened)) return opened;

  const buckets = await pollHealth(opened);
  if (world.interrupted.aborted) return reportStopped(opened);
  if (isFault(buckets)) return buckets;
  log(world.stderr, `Now ${servingText(buckets)}.`);

  if (options.keyFile === undefined) return explainFirstStep(opened);

  const key = readNewKey(world.folder, options.keyFile);
  if (isFault(key)) return key;

  const newMaskedId = maskKeyId(key);
  const rotation = { ...opened, key, newMaskedId };
  const oldKey = findOldKey(buckets, newMaskedId);

  const decision = decideStep(newMaskedId, buckets, undefined);
  if (decision.kind === "blocked") return blockedFault(rotation, undefined, decision, oldKey);

  const refusal = await tryKey(rotation);
  if (world.interrupted.aborted) return reportStopped(rotation);
  if (refusal !== undefined) return refusal;

  return runSteps(rotation, oldKey);
}

/** Says how to make a new key, and how to go on with it. */
function explainFirstStep(rotation: Rotation): Outcome {
  log(
    rotation.world.stdout,
    "Make a new key beside the old one, and give its file:",
    `  ${iamCommand(rotation, "create-access-key")} > key.json`,
    `  ${commandOf(rotation, "key.json")}`,
    ...userAdvice(rotation),
  );
  return EXIT.partly;
}

/**
 * Finds the old key, for the advice at the end: it is in the current slots that do not have the new key. A run that was
 * stopped may have put the new one into all of them.
 */
function findOldKey(buckets: readonly BucketHealth[], newMaskedId: string): OldKey {
  let maskedId: string | undefined;
  let isAccepted = true;

  for (const bucket of buckets) {
    const slot = slotOf(bucket, "current");
    const isRotated = slot?.access_key === newMaskedId;
    if (isRotated || slot?.state !== "ok") isAccepted = false;
    if (!isRotated) maskedId ??= slot?.access_key;
  }
  return { maskedId, isAccepted };
}

async function runSteps(rotation: KeyedRotation, oldKey: OldKey): Promise<Outcome> {
  const { world, newMaskedId } = rotation;
  let last: Step | undefined;

  for (;;) {
    const next = await waitForStep(rotation, last);
    if (next === undefined) return reportStopped(rotation, last);
    if (next.kind === "blocked") return blockedFault(rotation, last, next, oldKey);

    const { step, buckets } = next;
    // Only now is the last step done: this poll has seen its effect.
    if (last !== undefined) logDone(world, last, buckets);

    // Only the last step is the operator's.
    if (step.puts === undefined) {
      log(world.stdout, `The key is rotated: ${newMaskedId} serves.`);
      log(world.stdout, ...deactivateAdvice(rotation, oldKey));
      return EXIT.done;
    }

    const isServing = buckets.every(isServed);
    if (!isServing) log(world.stderr, "S3 accepts no slot: images fail.");

    const declined = await confirm(rotation, step, last);
    if (declined !== undefined) return declined;

    // The question may have waited for an hour: decide again.
    const health = await pollHealth(rotation);
    if (world.interrupted.aborted) return reportStopped(rotation, last);

    const decision = decideStep(newMaskedId, health, last);
    if (decision.kind === "blocked") return blockedFault(rotation, last, decision, oldKey);
    if (decision.step !== step) continue;

    const fault = await putSlot(rotation, step.puts);
    if (fault !== undefined) {
      return { fault: `${fault.fault}\nGo on with: ${commandOf(rotation)}` };
    }
    last = step;
  }
}

function logDone(world: World, { title }: Step, buckets: readonly BucketHealth[]): void {
  const done = paint(world, world.stdout, "green", "Done:");
  const serving = visible(servingText(buckets));
  print(world.stdout, `${done} ${title}. Now ${serving}.`);
}

/** @returns undefined if the operator agrees, or has said --yes */
async function confirm(
  rotation: KeyedRotation,
  { title }: Step,
  last: Step | undefined,
): Promise<Outcome | undefined> {
  const { world, options } = rotation;
  logInColour(world, "bold", title);
  if (options.yes) return undefined;

  if (!hasTerminal(world)) {
    return { fault: "There is no terminal to ask on. Use --yes to continue without questions" };
  }

  const answer = await askYes(world, `${title}?`);
  if (answer === true) return undefined;

  const interrupted = reportStopped(rotation, last);
  return answer === "cancelled" ? interrupted : EXIT.partly;
}

/** Changes the secrets of a slot, all at once (S1). A session token goes with its key: S3 refuses it beside another. */
async function putSlot(
  rotation: KeyedRotation,
  { slot, value }: Put,
): Promise<CommandFault | undefined> {
  const { world, envConfig, tools, isLocalRun } = rotation;
  const { file, environment, devVars } = envConfig;
  const { accessKeyId, secretAccessKey } = rotation.key.credentials;

  const names = secretNames(rotation.secretPrefix, slot);
  const isEmptied = value === "empty";
  const change = {
    ...(rotation.canHoldSessions && { [names.sessionToken]: null }),
    [names.accessKeyId]: isEmptied ? null : accessKeyId,
    [names.secretAccessKey]: isEmptied ? null : secretAccessKey,
  };

  const changedNames = Object.keys(change).join(", ");
  if (isLocalRun) {
    log(world.stderr, `  ${devVars}: ${changedNames}`);
    return putDevVars(world.folder, change, devVars);
  }

  // An empty environment is the top level (S6).
  log(world.stderr, `  npx wrangler secret bulk: ${changedNames}`);
  const args = ["secret", "bulk", "--config", file, `--env=${environment ?? ""}`];
  return showWrangler(world, tools.run, args, {
    config: envConfig,
    input: JSON.stringify(change),
    secrets: [accessKeyId, secretAccessKey],
  });
}

/** @param last the step that this run has done last; undefined: it has done none */
function reportStopped(rotation: Rotation, last?: Step): Exit {
  const { stderr } = rotation.world;
  const command = commandOf(rotation);
  if (last === undefined) {
    log(stderr, `Stopped. This run has changed nothing. Go on with: ${command}`);
    return EXIT.interrupted;
  }

  const titles = stepsAfter(last).map(({ title }) => `“${title}”`);
  log(
    stderr,
    `Stopped after “${last.title}”. No step is half done. Left: ${titles.join(", ")}. Go on with: ${command}`,
  );
  return EXIT.interrupted;
}
