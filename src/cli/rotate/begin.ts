// How a rotation begins, or is taken up again: what is there is looked at, and the new key is tried.

import { keyEnd, type Slot } from "../../worker/config/slot.ts";
import { type Exit, type Fault, isFault, type World } from "../command.ts";
import type { Cancelled } from "../terminal/prompts.ts";
import {
  refuseFull,
  refuseOther,
  refuseRecord,
  refuseReplacing,
  refuseSame,
  refuseTrouble,
  refuseUnknown,
} from "./doubts.ts";
import type { BucketSeen } from "./health-check.ts";
import { look } from "./look.ts";
import { takeKey, tryKey } from "./new-key.ts";
import type { Plan } from "./plan.ts";
import { hashOf, type RotationRecord, readRecord, writeRecord } from "./record.ts";
import { STEPS, serving, slotOf } from "./steps.ts";
import type { Rotation, Tools } from "./walk.ts";
import { announce, stop, tell, tellDone } from "./words.ts";

type Begun = Rotation & { readonly record: RotationRecord };

/** Looks how all is, and takes the new key where it is still needed. */
export async function begin(world: World, plan: Plan, tools: Tools): Promise<Begun | Exit | Fault> {
  const { interrupted, folder, stderr } = world;
  const [first] = STEPS;
  const written = readRecord(folder);
  // One that is to be forgotten stays until the new one is written over it.
  const known = plan.options.restart ? undefined : written;
  if (isFault(known)) return known;
  const stale = known && refuseRecord(known, plan);
  if (stale !== undefined) return stale;
  const at = STEPS[(known?.step ?? 1) - 1] ?? first;
  const { health, failed } = await look(world, plan);
  if (interrupted.aborted) return stop({ world, plan }, at);
  if (isFault(health)) return health;
  tell(stderr, `Now ${serving(health)}.`);
  const broken = health.some(({ slots }) => slots.every(({ state }) => state !== "ok"));
  const trouble = refuseTrouble(health, failed, broken);
  if (trouble !== undefined) return trouble;
  if (broken) {
    const until = known && known.step > 2 ? "" : " until step 2 is done";
    tell(stderr, `S3 accepts no slot of a bucket: images fail${until}.`);
  }
  const full = known || plan.options.restart ? undefined : refuseFull(plan, health);
  if (full !== undefined) return full;
  if (known) tell(stderr, `Taken up in step ${known.step} of 6, with the key ${known.new}.`);
  if (known && known.step > 4) return { world, plan, tools, key: undefined, broken, record: known };

  if (!known) announce(world, first);
  const key = await askKey(world, plan, known);
  if (key === "cancelled" || interrupted.aborted) return stop({ world, plan }, at);
  if (isFault(key)) return key;
  const refused = known ? refuseOther(key, known) : refuseNew(plan, keyEnd(key), health, written);
  if (refused !== undefined) return refused;
  const said = await tryPatiently(world, plan, tools, key);
  if (interrupted.aborted) return stop({ world, plan }, at);
  if (said.length > 0) return refuseUnknown(plan, said, known);
  const begun = { world, plan, tools, key, broken };
  if (known) return { ...begun, record: known };
  const record = recordOf(plan, key, health);
  const unsaved = writeRecord(folder, record);
  if (unsaved !== undefined) return unsaved;
  const names = plan.buckets.map(({ name }) => name).join(", ");
  tellDone(world, first, `S3 accepts ${record.new} for ${names}.`);
  return { ...begun, record };
}

function refuseNew(
  plan: Plan,
  end: string,
  health: readonly BucketSeen[],
  written: RotationRecord | Fault | undefined,
): Fault | undefined {
  return refuseSame(plan, end, health) ?? refuseReplacing(plan, end, health, written);
}

async function askKey(
  world: World,
  { options: { keyFile, userName } }: Plan,
  known: RotationRecord | undefined,
): Promise<Slot | Fault | Cancelled> {
  if (!known && keyFile === undefined) {
    const command = `aws iam create-access-key --user-name ${userName}`;
    tell(world.stderr, "  Make one, beside the old one, and paste it below:", `  ${command}`);
  }
  return takeKey(world, keyFile);
}

function recordOf(plan: Plan, key: Slot, health: readonly BucketSeen[]): RotationRecord {
  const end = keyEnd(key);
  const current = health.map((bucket) => slotOf(bucket, "current"));
  const next = health.map((bucket) => slotOf(bucket, "next")?.end);
  const replaces = next.find((one) => one !== undefined && one !== end);
  return {
    ...{ word: plan.word, url: plan.base, step: 2, told: false },
    ...{ hash: hashOf(key.credentials.accessKeyId), new: end },
    old: current.find((slot) => slot?.end !== undefined)?.end ?? "",
    worked: current.every((slot) => slot?.state === "ok"),
    ...(replaces !== undefined && { replaces }),
  };
}

/** A key that was made only just is not known everywhere at once. */
async function tryPatiently(
  { interrupted, stderr }: World,
  plan: Plan,
  tools: Tools,
  key: Slot,
): Promise<string[]> {
  for (let tries = 1; ; tries += 1) {
    const refused = await tryKey(key, plan.buckets);
    const unknown = refused.some((line) => /: (?:InvalidAccessKeyId|Unauthorized)\b/.test(line));
    if (!unknown || tries === 5 || interrupted.aborted) return refused;
    tell(stderr, "  S3 does not know the new key yet; asking again ...");
    await tools.sleep(plan.local ? 250 : 3000, interrupted);
  }
}
