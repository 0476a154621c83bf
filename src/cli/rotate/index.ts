// vitrine rotate: leads through the rotation of a key without a failed request. Each step is: poll /healthz, decide, do,
// report. It remembers nothing, so it can be killed at any time and started again.

import { Command } from "@commander-js/extra-typings";
import { secretNames } from "../../worker/config/read-secrets.ts";
import { maskKeyId } from "../../worker/config/slot.ts";
import type { BucketHealth } from "../../worker/operator.ts";
import type { Outcome, Run, World } from "../command.ts";
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
import {
  CREATE,
  decideStep,
  isBlocked,
  isServed,
  type Put,
  STEPS,
  type Step,
  slotOf,
} from "./steps.ts";
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
  if (world.interrupted.aborted) return reportStopped(opened, CREATE);
  if (isFault(buckets)) return buckets;
  log(world.stderr, `Now ${servingText(buckets)}.`);
  if (options.keyFile === undefined) {
    const commands = [`${iamCommand(opened, "create")} > key.json`, commandOf(opened, "key.json")];
    const begin = "Make a new key beside the old one, and give its file:";
    log(world.stdout, begin, ...commands.map((command) => `  ${command}`), ...userAdvice(opened));
    return EXIT.partly;
  }
  const key = readNewKey(world.folder, options.keyFile);
  if (isFault(key)) return key;
  const rotation = { ...opened, key, newMaskedId: maskKeyId(key) };
  // The old key, for the advice at the end: what those current slots hold that do not have the new key yet.
  const currentSlots = buckets.map((bucket) => slotOf(bucket, "current"));
  const notRotated = currentSlots.filter((slot) => slot?.access_key !== rotation.newMaskedId);
  const maskedId = notRotated.find((slot) => slot?.access_key)?.access_key;
  const isOldAccepted = currentSlots.every(
    (slot) => slot?.state === "ok" && notRotated.includes(slot),
  );
  const oldKey = { maskedId, isAccepted: isOldAccepted };
  const decision = decideStep(rotation.newMaskedId, buckets, CREATE);
  if (isBlocked(decision)) return blockedFault(rotation, CREATE, decision, oldKey);
  const refusal = await tryKey(rotation);
  if (world.interrupted.aborted) return reportStopped(rotation, CREATE);
  return refusal ?? runSteps(rotation, oldKey);
}

function logDone(world: World, title: string, buckets: readonly BucketHealth[]): void {
  const done = paint(world, world.stdout, "green", "Done:");
  const serving = visible(servingText(buckets));
  print(world.stdout, `${done} ${title}. Now ${serving}.`);
}

async function runSteps(rotation: KeyedRotation, oldKey: OldKey): Promise<Outcome> {
  const { world } = rotation;
  for (let last = CREATE; ; ) {
    const next = await waitForStep(rotation, last);
    if (next === undefined) return reportStopped(rotation, last);
    if (isBlocked(next)) return blockedFault(rotation, last, next, oldKey);
    const { step, buckets } = next;
    if (last !== CREATE) logDone(world, last.title, buckets);
    if (step.puts === undefined) {
      log(world.stdout, `The key is rotated: ${rotation.newMaskedId} serves.`);
      log(world.stdout, ...deactivateAdvice(rotation, oldKey));
      return EXIT.done;
    }
    if (!buckets.every(isServed)) log(world.stderr, "S3 accepts no slot: images fail.");
    const declined = await confirm(rotation, step, last);
    if (declined !== undefined) return declined;
    // The question may have waited for an hour: decide again.
    const current = decideStep(rotation.newMaskedId, await pollHealth(rotation), last);
    if (world.interrupted.aborted) return reportStopped(rotation, last);
    if (isBlocked(current)) return blockedFault(rotation, last, current, oldKey);
    if (current.step !== step) continue;
    const fault = await putSlot(rotation, step.puts);
    if (fault) return { fault: `${fault.fault}\nGo on with: ${commandOf(rotation)}` };
    last = step;
  }
}

/** @returns undefined if the operator agrees, or has said --yes */
async function confirm(
  rotation: KeyedRotation,
  { title }: Step,
  last: Step,
): Promise<Outcome | undefined> {
  const { world, options } = rotation;
  logInColour(world, "bold", title);
  if (options.yes) return undefined;
  if (!hasTerminal(world))
    return { fault: "There is no terminal to ask on. Use --yes to continue without questions" };
  const answer = await askYes(world, `${title}?`);
  return answer === true ? undefined : reportStopped(rotation, last, answer === false);
}

/** Changes the secrets of a slot, all at once (S1). A session token goes with its key: S3 refuses it beside another. */
async function putSlot(rotation: KeyedRotation, { slot, value }: Put) {
  const { world, envConfig: config, tools, isLocalRun } = rotation;
  const { file, environment, devVars } = config;
  const { accessKeyId, secretAccessKey } = rotation.key.credentials;
  const names = secretNames(rotation.secretPrefix, slot);
  const change = {
    ...(rotation.hasSessions && { [names.sessionToken]: null }),
    [names.accessKeyId]: value === "empty" ? null : accessKeyId,
    [names.secretAccessKey]: value === "empty" ? null : secretAccessKey,
  };
  const writer = isLocalRun ? devVars : "npx wrangler secret bulk";
  log(world.stderr, `  ${writer}: ${Object.keys(change).join(", ")}`);
  if (isLocalRun) return putDevVars(world.folder, change, devVars);
  // An empty environment is the top level (S6).
  const args = ["secret", "bulk", "--config", file, `--env=${environment ?? ""}`];
  const secrets = [accessKeyId, secretAccessKey]; // not shown
  return showWrangler(world, tools.run, args, { config, input: JSON.stringify(change), secrets });
}

/** @param last the step that this run has done last */
function reportStopped(rotation: Rotation, last: Step, isDeclined = false): Outcome {
  const { stderr } = rotation.world;
  const left = STEPS.slice(STEPS.indexOf(last) + 1).map(({ title }) => `“${title}”`);
  const done =
    last === CREATE
      ? "Stopped. This run has changed nothing."
      : `Stopped after “${last.title}”. No step is half done. Left: ${left.join(", ")}.`;
  log(stderr, `${done} Go on with: ${commandOf(rotation)}`);
  return isDeclined ? EXIT.partly : EXIT.interrupted;
}
