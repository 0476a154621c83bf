// Begins a rotation, or continues one: checks what is there, and takes and tries the new key.

import { keyEnd, type Slot } from "../../worker/config/slot.ts";
import { type End, isFault } from "../command.ts";
import { createKey } from "./command-lines.ts";
import { takeKey, tryKey } from "./new-key.ts";
import { observe } from "./observe.ts";
import type { Begun, KeyRefused, Plan, Rotation } from "./plan.ts";
import {
  refuseFull,
  refuseKey,
  refuseRecord,
  refuseTrouble,
  refuseUnknown,
} from "./preconditions.ts";
import { hashOf, type RotationRecord, readRecord, writeRecord } from "./record.ts";
import { announce, stop, tell, tellDone } from "./report.ts";
import { type Health, isServed, serving, slotOf } from "./slots.ts";
import { nextMove } from "./steps.ts";

export async function begin(rotation: Rotation): Promise<Begun | End> {
  const { world, plan } = rotation;
  const { interrupted, folder, stderr } = world;
  const { keyFile, restart } = plan.options;
  const written = readRecord(folder, plan.place);
  // --restart keeps the old record until the new one replaces it.
  const known = restart ? undefined : written;
  if (isFault(known)) return known;
  const stale = known && refuseRecord(plan, known);
  if (stale !== undefined) return stale;

  const { health, failed } = await observe(world, plan);
  const { step, wrong } = nextMove(isFault(health) ? [] : health, known);
  if (interrupted.aborted) return stop(rotation, step);
  if (isFault(health)) return health;
  tell(stderr, `Now ${serving(health)}.`);
  const trouble = refuseTrouble(plan, health, failed, known);
  if (trouble !== undefined) return trouble;
  const broken = !health.every(isServed);
  if (broken) {
    const until = step.number > 2 ? "" : " until step 2 is done";
    tell(stderr, `S3 accepts no slot of a bucket, so images fail${until}.`);
  }
  if (!known && !restart && wrong.length > 0) return refuseFull(plan, health);
  if (known) tell(stderr, `Continuing in step ${known.step} of 6, with the key ${known.new}.`);
  if (known && known.step > 4) return { record: known, key: undefined, broken };

  if (!known) announce(world, step);
  if (!known && keyFile === undefined) {
    tell(stderr, "  Make one beside the old one, and paste it below:", `  ${createKey(plan)}`);
  }
  const key = await takeKey(world, plan);
  if (key === "cancelled" || interrupted.aborted) return stop(rotation, step);
  if (isFault(key)) return key;
  const refused = refuseKey(plan, key, health, known, written);
  if (refused !== undefined) return refused;
  const unknown = await tryPatiently(rotation, key);
  if (interrupted.aborted) return stop(rotation, step);
  if (unknown.length > 0) return refuseUnknown(plan, unknown, known);
  if (known) return { record: known, key, broken };

  const record = recordOf(plan, key, health);
  const unsaved = writeRecord(folder, plan.place, record);
  if (unsaved !== undefined) return unsaved;
  const names = plan.buckets.map(({ name }) => name).join(", ");
  tellDone(world, step, `S3 accepts ${record.new} for ${names}`);
  return { record, key, broken };
}

function recordOf(plan: Plan, key: Slot, health: Health): RotationRecord {
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

const UNKNOWN_ID = ["InvalidAccessKeyId", "Unauthorized"];

/** A key that was just made is not known everywhere at once. */
async function tryPatiently(
  { world: { interrupted, stderr }, plan, tools }: Rotation,
  key: Slot,
): Promise<readonly KeyRefused[]> {
  for (let tries = 1; ; tries += 1) {
    const refused = await tryKey(key, plan.buckets);
    const isUnknown = refused.some(({ state }) => UNKNOWN_ID.includes(state));
    if (!isUnknown || tries === 5 || interrupted.aborted) return refused;
    tell(stderr, "  S3 does not know the new key yet. Asking again ...");
    await tools.sleep(plan.local ? 250 : 3000, interrupted);
  }
}
