// How a rotation begins, or is taken up again: what is there is looked at, and the new key is tried.

import { keyEnd, type Slot } from "../slot.ts";
import type { BucketSeen } from "./health-check.ts";
import { takeKey, tryKey } from "./new-key.ts";
import { commandsFor } from "./put-secrets.ts";
import { look } from "./rotation-look.ts";
import { commandOf, type Plan } from "./rotation-plan.ts";
import {
  forgetRecord,
  hashOf,
  type RotationRecord,
  readRecord,
  writeRecord,
} from "./rotation-record.ts";
import { changeOf, STEPS, serving } from "./rotation-steps.ts";
import type { Rotation, Tools } from "./rotation-walk.ts";
import { announce, stop, tell, tellDone } from "./rotation-words.ts";
import { type Exit, type Fault, isFault, type World } from "./world.ts";

/** Looks how all is, and takes the new key where it is still needed. */
export async function begin(
  world: World,
  plan: Plan,
  tools: Tools,
): Promise<(Rotation & { readonly record: RotationRecord }) | Exit | Fault> {
  const { interrupted, folder, stderr } = world;
  const [first] = STEPS;
  if (plan.options.restart) forgetRecord(folder);
  const known = readRecord(folder);
  if (isFault(known)) return known;
  if (known && (known.word !== plan.word || known.url !== plan.base)) {
    const what = `${known.word} at ${known.url}, in step ${known.step}`;
    return {
      fault: `Another rotation is under way here: ${what}. End that first, or forget it with --restart`,
    };
  }
  const at = STEPS[(known?.step ?? 1) - 1] ?? first;
  const { health, failed } = await look(world, plan);
  if (interrupted.aborted) return stop({ world, plan }, at);
  if (isFault(health)) return health;
  tell(stderr, `Now ${serving(health)}.`);
  const broken = health.some(({ slots }) => slots.every(({ state }) => state !== "ok"));
  if (failed.length > 0 && !broken) {
    const fault = `${failed.join("\n")}\nThe key is not at fault: S3 accepts it. Mend that first`;
    return { fault: [fault, at.back].join("\n").trim() };
  }
  if (broken) tell(stderr, "S3 accepts no slot of a bucket: images fail until step 2 is done.");
  if (known === undefined && !plan.options.restart) {
    const fault = foundFull(plan, health);
    if (fault !== undefined) return fault;
  }
  if (known) tell(stderr, `Taken up in step ${known.step} of 6, with the key ${known.new}.`);
  if (known && known.step > 4) return { world, plan, tools, key: undefined, broken, record: known };

  if (!known) announce(world, first);
  if (!known && plan.options.keyFile === undefined) {
    const command = `aws iam create-access-key --user-name ${plan.options.userName}`;
    tell(stderr, "  Make one, beside the old one, and paste it below:", `  ${command}`);
  }
  const key = await takeKey(world, plan.options.keyFile);
  if (key === "cancelled" || interrupted.aborted) return stop({ world, plan }, at);
  if (isFault(key)) return key;
  const fault = isOther(key, known) ?? isCurrent(key, known, health, plan);
  if (fault !== undefined) return fault;
  const refused = await tryPatiently(world, plan, tools, key);
  if (interrupted.aborted) return stop({ world, plan }, at);
  if (refused.length > 0) {
    const said = ["S3 does not take the new key:", ...refused].join("\n  ");
    return { fault: `${said}\nNothing has been changed.` };
  }
  if (known) return { world, plan, tools, key, broken, record: known };
  const record: RotationRecord = {
    ...{ word: plan.word, url: plan.base, step: 2, told: false },
    ...{ hash: hashOf(key.credentials.accessKeyId), new: keyEnd(key) },
    old: currentOf(health) ?? "",
  };
  const unsaved = writeRecord(folder, record);
  if (unsaved !== undefined) return unsaved;
  const names = plan.buckets.map(({ name }) => name).join(", ");
  tellDone(world, first, `S3 accepts ${record.new} for ${names}.`);
  return { world, plan, tools, key, broken, record };
}

function foundFull(plan: Plan, health: readonly BucketSeen[]): Fault | undefined {
  const next = health.flatMap(({ slots }) => slots).find(({ slot }) => slot === "next");
  if (next === undefined) return undefined;
  const has = `The next slot is not empty (${next.end ?? "half a key"}, ${next.state})`;
  const ways = [
    "Where another rotation is under way, go on with that one, where it was begun.",
    `Where what is in it may be replaced: ${commandOf(plan, "--restart")}`,
  ];
  return { fault: [`${has}, and no rotation is under way here.`, ...ways].join("\n") };
}

function isOther(key: Slot, known: RotationRecord | undefined): Fault | undefined {
  if (!known || known.hash === hashOf(key.credentials.accessKeyId)) return undefined;
  const given = `That key (${keyEnd(key)}) is not the one that this rotation began with, ${known.new}`;
  return { fault: `${given}: give that one, or begin anew with --restart` };
}

/** To rotate to the key that serves would end with the only one deactivated. */
function isCurrent(
  key: Slot,
  known: RotationRecord | undefined,
  health: readonly BucketSeen[],
  plan: Plan,
): Fault | undefined {
  const current = health.flatMap(({ slots }) => slots.filter(({ slot }) => slot === "current"));
  const same = current.some(({ end, state }) => end === keyEnd(key) && state === "ok");
  if (known !== undefined || !same) return undefined;
  const [, , , , empties] = STEPS;
  const commands = commandsFor(changeOf(empties, plan.word)).map((line) => `  ${line}`);
  const told = `The current slot has that key (${keyEnd(key)}) already, or one that ends like it.`;
  return { fault: [told, "If the next slot is full still, empty it:", ...commands].join("\n") };
}

function currentOf(health: readonly BucketSeen[]): string | undefined {
  return health[0]?.slots.find(({ slot }) => slot === "current")?.end;
}

/** A key that was made only just is not known everywhere at once. */
async function tryPatiently({ interrupted, stderr }: World, plan: Plan, tools: Tools, key: Slot) {
  for (let tries = 1; ; tries += 1) {
    const refused = await tryKey(key, plan.buckets);
    const unknown = refused.some((line) => /: (?:InvalidAccessKeyId|Unauthorized)\b/.test(line));
    if (!unknown || tries === 5 || interrupted.aborted) return refused;
    tell(stderr, "  S3 does not know the new key yet; asking again ...");
    await tools.sleep(plan.local ? 250 : 3000, interrupted);
  }
}
