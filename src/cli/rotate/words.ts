// What is said where a rotation stops: what was seen, whose fault it can be, and what to do.

import type { SlotName } from "../../worker/base/slot-name.ts";
import { EXIT, type Exit, paint, type Screen, say, type World } from "../command.ts";
import { visible } from "../terminal/visible.ts";
import type { BucketSeen } from "./health-check.ts";
import type { Unsettled } from "./look.ts";
import { commandOf, type Plan } from "./plan.ts";
import type { RotationRecord } from "./record.ts";
import { isOutage, type Step, slotOf } from "./steps.ts";

/** Says what may hold words of others, so that none of it moves the cursor. */
export function tell(screen: Screen, ...lines: readonly string[]): void {
  say(screen, ...lines.map(visible));
}

export function announce(world: World, { number, title }: Step): void {
  say(world.stderr, paint(world, world.stderr, "bold", `Step ${number} of 6: ${title}`));
}

export function tellDone(world: World, { number, title }: Step, what: string): void {
  const done = paint(world, world.stdout, "green", `Done ${number} of 6:`);
  say(world.stdout, `${done} ${title}. ${visible(what)}`);
}

/** Tells what is waited for, but not twice in a row. */
export function progress(world: World): (line: string) => void {
  let last = "";
  return (line) => {
    const kind = line.replace(/\d+ s\b/g, "");
    if (kind === last) return;
    last = kind;
    say(world.stderr, paint(world, world.stderr, "dim", `  ${visible(line)}`));
  };
}

/** Says where it stopped, and how to go on. */
export function stop(
  { world, plan }: { readonly world: World; readonly plan: Plan },
  { number }: Step,
  declined = false,
): Exit {
  const where = number === 1 ? "Nothing has been changed." : "Nothing is half done.";
  // What is to be forgotten is forgotten only once step 1 is done.
  const again = number === 1 && plan.options.restart ? ["--restart"] : [];
  const command = commandOf(plan, ...again);
  tell(world.stderr, "", `Stopped in step ${number} of 6. ${where} Go on with: ${command}`);
  return declined ? EXIT.partly : EXIT.interrupted;
}

const UNSEEN = "How the slots are cannot be seen: leave them as they are.";
const OUTAGE =
  "S3 itself is down or busy, which says nothing of a key: leave the slots as they are.";
const RIGHT =
  "The slots are as they must be, and S3 accepts the key: look for another cause, npx vitrine doctor.";

/** Why a step is not begun. */
export function contradiction(
  plan: Plan,
  { number }: Step,
  record: RotationRecord,
  seen: Unsettled,
): string {
  const because = (why: string, ...what: readonly string[]) =>
    [
      `Step ${number} is not begun, since ${why}:`,
      ...indent(seen.fault),
      ...what,
      `Once it is right again, go on with: ${commandOf(plan)}`,
    ].join("\n");
  const { health, slots } = seen;
  if (health === undefined) return because("there is no word of the slots", UNSEEN);
  if (isDown(health)) return because("S3 does not answer", OUTAGE);
  if (slots.length === 0) return because("images fail", RIGHT);
  return [
    because("all is not as the steps before left it", ...wayBack(plan, number - 1, record, health)),
    `Or begin anew: ${commandOf(plan, "--restart")}`,
  ].join("\n");
}

/** What is wrong after a step. */
export function failure(plan: Plan, step: Step, record: RotationRecord, seen: Unsettled): string {
  return [
    `After step ${step.number}, all is not as it should be:`,
    ...indent(seen.fault),
    ...advice(plan, step, record, seen),
    `To look again, and go on: ${commandOf(plan)}`,
  ].join("\n");
}

function advice(
  plan: Plan,
  step: Step,
  record: RotationRecord,
  { health, slots }: Unsettled,
): string[] {
  if (health === undefined) return [UNSEEN];
  if (isDown(health)) return [OUTAGE];
  if (slots.length === 0) return [RIGHT, ...ifSince(plan, step, record)];
  const arrived =
    step.puts === undefined || health.every((bucket) => holds(bucket, step.puts, record.new));
  if (arrived) return wayBack(plan, step.number, record, health);
  const asked = plan.local
    ? "Is npm start running in this folder?"
    : `Is the Worker at ${plan.base} the one that wrangler.toml names?`;
  return plan.options.print ? [`Was it done? ${asked}`] : [asked];
}

function holds(bucket: BucketSeen, puts: Step["puts"], end: string): boolean {
  const seen = puts && slotOf(bucket, puts.slot);
  return puts?.value === "empty" ? seen === undefined : seen?.end === end;
}

const OLD =
  "put the old key into the current slot again while the next one serves; once S3 accepts it there, empty that.";

/** What may help where images fail since a step, though S3 accepts what serves. */
function ifSince(plan: Plan, { number }: Step, { worked }: RotationRecord): string[] {
  if (!worked) return [];
  if (number === 4) return [`If images came until this step, ${OLD}`];
  if (number === 6)
    return [`If images came until this step, activate the old key: ${activate(plan)}`];
  return [];
}

function activate({ options: { userName } }: Plan): string {
  return `aws iam update-access-key --user-name ${userName} --access-key-id <the old id> --status Active`;
}

/** How to go back from where a step left it; nothing where that would take a key that serves. */
function wayBack(
  plan: Plan,
  number: number,
  { new: end, old, worked }: RotationRecord,
  health: readonly BucketSeen[],
): string[] {
  const serves = health.every(({ slots }) => slots.some(({ state }) => state === "ok"));
  if (number < 2) return [];
  if (!serves) return [`A bucket has no slot that works: ${rescue(plan, number, worked)}`];
  const has = (name: SlotName) => health.every((bucket) => slotOf(bucket, name)?.end === end);
  if (number > 4 || !has("next")) return [];
  if (number === 4) {
    if (!has("current")) return [];
    return [worked ? `To go back, ${OLD}` : "There is no way back: S3 refused the old key before."];
  }
  if (old !== "" && health.some((bucket) => slotOf(bucket, "current")?.end !== old)) return [];
  return currentWorks(health)
    ? ["To go back, empty the next slot: the current one is as it was."]
    : ["Leave the next slot as it is: a bucket has no other that works."];
}

function isDown(health: readonly BucketSeen[]): boolean {
  return health.some(({ slots }) => slots.some(({ state }) => isOutage(state)));
}

function currentWorks(health: readonly BucketSeen[]): boolean {
  return health.every((bucket) => slotOf(bucket, "current")?.state === "ok");
}

function rescue(plan: Plan, number: number, worked: boolean): string {
  if (!worked || number < 4) {
    return `make another key, and begin anew: ${commandOf(plan, "--restart")}`;
  }
  if (number === 4) return "put the old key into the current slot again.";
  const put = "put the old key into the next slot, which serves where S3 refuses the current one.";
  return number === 5 ? put : `${put} Activate it first: ${activate(plan)}`;
}

function indent(text: string): string[] {
  return text.split("\n").map((line) => `  ${line}`);
}
