// vitrine rotate: leads through the rotation of a key without a failed request. Each step is: look at
// /healthz, decide, do, say. It remembers nothing, so it can be killed at any time and started again.

import { Command } from "@commander-js/extra-typings";
import { keyEnd } from "../../worker/config/slot.ts";
import * as cli from "../command.ts";
import { type End, EXIT, type Fault, isFault, type World } from "../command.ts";
import { sleep } from "../http/retry.ts";
import { envOption, urlOption } from "../options.ts";
import { putDevVars } from "../secrets/dev-vars.ts";
import { askYes, hasTerminal } from "../terminal/prompts.ts";
import { visible } from "../terminal/shell.ts";
import { showWrangler, wranglerAt } from "../wrangler/run-wrangler.ts";
import { deactivateAdvice, explain, newKeyAdvice, type OldKey } from "./advice.ts";
import { readKey, tryKey } from "./new-key.ts";
import {
  commandOf,
  type KeyedRotation,
  type Options,
  openRotation,
  type Tools,
} from "./rotation.ts";
import { changeOf, DEACTIVATE, isServed, MAKE, STEPS, type Step, slotOf } from "./steps.ts";
import { judge, look, type Seen, serving, watch } from "./watch.ts";

export function rotateCommand(world: World, run: cli.Run) {
  return new Command("rotate")
    .description("leads through the rotation of an S3 key, step by step, without a failed request")
    .addOption(envOption())
    .addOption(urlOption())
    .option("-b, --bucket <name>", "a bucket whose key you want to rotate")
    .option("-f, --key-file <file>", "the new key as aws prints it, or KEY=VALUE lines")
    .option("-y, --yes", "asks nothing")
    .addHelpText(
      "after",
      `
Steps:
${STEPS.map(({ title }) => `  ${title}`).join("\n")}

Without --key-file it says how things are. You can stop it at any time, and run it again.

Examples:
  npx vitrine rotate
  npx vitrine rotate --key-file key.json
  npx vitrine rotate --url http://localhost:8787 --key-file key.json`,
    )
    .action((options) => run(() => rotate(world, options)));
}

export async function rotate(
  world: World,
  options: Options,
  tools: Tools = { run: wranglerAt(), sleep },
): Promise<End> {
  const opened = openRotation(world, options, tools);
  if (isFault(opened)) return opened;
  const seen = await look(opened);
  if (isFault(seen)) return seen;
  cli.say(world.stderr, visible(`Now ${serving(seen.buckets)}.`));
  if (options.keyFile === undefined) {
    cli.say(world.stdout, ...newKeyAdvice(opened));
    return EXIT.partly;
  }
  const key = readKey(world.folder, options.keyFile);
  if (isFault(key)) return key;
  const rotation = { ...opened, key, newEnd: keyEnd(key) };
  const oldKey = findOldKey(rotation, seen);
  const begins = judge(rotation, seen, MAKE);
  if ("cause" in begins) return explain(rotation, MAKE, begins, oldKey);
  const refused = await tryKey(rotation);
  return refused ?? walk(rotation, oldKey);
}

/** What the first look shows of the key that is replaced: nothing if the current slot holds the new one. */
function findOldKey({ newEnd }: { newEnd: string }, { buckets }: Seen): OldKey {
  const current = buckets.map((bucket) => slotOf(bucket, "current"));
  const end = current.map((slot) => slot?.access_key).find((one) => one !== newEnd);
  return {
    end,
    isGood: current.every((slot) => slot?.state === "ok" && slot.access_key !== newEnd),
  };
}

async function walk(rotation: KeyedRotation, oldKey: OldKey): Promise<End> {
  const { world } = rotation;
  for (let last = MAKE; ; ) {
    const next = await watch(rotation, last);
    if (next === undefined) return stop(rotation);
    if ("cause" in next) return explain(rotation, last, next, oldKey);
    const { step, seen } = next;
    const serves = visible(serving(seen.buckets));
    const done = cli.paint(world, world.stdout, "green", "Done:");
    if (last !== MAKE) cli.say(world.stdout, `${done} ${last.title}. Now ${serves}.`);
    if (step === DEACTIVATE) {
      cli.say(world.stdout, `The key is rotated: ${rotation.newEnd} serves.`);
      cli.say(world.stdout, ...deactivateAdvice(rotation, seen, oldKey));
      return EXIT.done;
    }
    if (!seen.buckets.every(isServed)) cli.say(world.stderr, "S3 accepts no slot: images fail.");
    const refused = await confirm(rotation, step);
    if (refused !== undefined) return refused;
    // The question may have waited for an hour: look again.
    const now = judge(rotation, await look(rotation), last);
    if (world.interrupted.aborted) return stop(rotation);
    if ("cause" in now) return explain(rotation, last, now, oldKey);
    if (now.step !== step) continue;
    const fault = await put(rotation, step);
    if (fault !== undefined) return fault;
    last = step;
  }
}

/** Asks whether to do a step. @returns how the rotation ends if not */
async function confirm(rotation: KeyedRotation, { title }: Step): Promise<End | undefined> {
  const { world, options } = rotation;
  cli.say(world.stderr, cli.paint(world, world.stderr, "bold", title));
  if (options.yes) return undefined;
  if (!hasTerminal(world)) {
    return { fault: "There is no terminal to ask on. Use --yes to continue without questions" };
  }
  const answer = await askYes(world, `${title}?`);
  return answer === true ? undefined : stop(rotation, answer === false);
}

/** Changes the secrets of a slot, all at once (S1). */
async function put(rotation: KeyedRotation, step: Step): Promise<Fault | undefined> {
  const { world, known: place, key, tools, local } = rotation;
  const change = changeOf(step, rotation, key.credentials);
  const names = Object.keys(change).join(", ");
  cli.say(world.stderr, `  ${local ? place.devVars : "npx wrangler secret bulk"}: ${names}`);
  // An empty environment is the top level (S6).
  const args = ["secret", "bulk", "--config", place.file, `--env=${place.environment ?? ""}`];
  const secrets = [key.credentials.accessKeyId, key.credentials.secretAccessKey]; // not shown
  const given = { place, input: JSON.stringify(change), secrets };
  const fault = local
    ? putDevVars(world.folder, change, place.devVars)
    : await showWrangler(world, tools.run, args, given);
  return fault && { fault: `${fault.fault}\nGo on with: ${commandOf(rotation)}` };
}

function stop(rotation: KeyedRotation, isDeclined = false): End {
  const { stderr } = rotation.world;
  cli.say(stderr, `Stopped. No step is half done. Go on with: ${commandOf(rotation)}`);
  return isDeclined ? EXIT.partly : EXIT.interrupted;
}
