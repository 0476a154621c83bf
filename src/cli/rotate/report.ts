// What rotate says on the way: the step, what it waits for, why it stopped, and what to do then.

import { EXIT, type Exit, type Fault, paint, type Screen, say, type World } from "../command.ts";
import { visible } from "../terminal/shell.ts";
import { placeText } from "../wrangler/config-file.ts";
import { commandOf, doctorOf, setOldKey } from "./command-lines.ts";
import type { Plan, Rotation } from "./plan.ts";
import type { RotationRecord } from "./record.ts";
import type { Trouble } from "./settle.ts";
import { type BucketSeen, type Health, isServed, OUTAGE, slotOf } from "./slots.ts";
import { type Deviation, type Ends, type Step, stepOf } from "./steps.ts";

/** Says lines that may hold the words of others: none of them moves the cursor. */
export function tell(screen: Screen, ...lines: readonly string[]): void {
  say(screen, ...lines.map(visible));
}

export function announce(world: World, { number, title }: Step): void {
  say(world.stderr, paint(world, world.stderr, "bold", `Step ${number} of 6: ${title}`));
}

export function tellDone(world: World, { number, title }: Step, what: string): void {
  const done = paint(world, world.stdout, "green", `Done ${number} of 6:`);
  const sentence = what.charAt(0).toUpperCase() + what.slice(1);
  say(world.stdout, `${done} ${title}. ${visible(sentence)}.`);
}

/** Tells what it waits for, but not twice in a row. */
export function createWaiting(world: World, ends: Ends): (state: number | Trouble) => void {
  let last: string | undefined;
  return (state) => {
    const wrong = typeof state === "number" ? "" : detailsOf(state, ends).join("; ");
    if (wrong === last) return;
    last = wrong;
    const line = wrong ? `Waiting: ${wrong}` : `Everything works; watching for ${state} s more`;
    say(world.stderr, paint(world, world.stderr, "dim", `  ${visible(line)}`));
  };
}

export function stop({ world, plan }: Rotation, { number }: Step, declined = false): Exit {
  const where = number === 1 ? "Nothing has been changed." : "No step is half done.";
  // --restart discards the old record only when step 1 is done.
  const command = commandOf(plan, number === 1 && plan.options.restart);
  tell(world.stderr, "", `Stopped in step ${number} of 6. ${where} Continue with: ${command}`);
  return declined ? EXIT.partly : EXIT.interrupted;
}

function detailsOf({ wrong, failed }: Trouble, ends: Ends): string[] {
  return [...wrong.map((one) => deviationText(one, ends)), ...failed];
}

function deviationText({ bucket, slot, cause, found }: Deviation, ends: Ends): string {
  const has = `the ${slot} slot ${found ? `holds ${found.end ?? "half a key"}` : "is empty"}`;
  const old = ends.old === "" ? "" : `the old key ends in ${ends.old}, `;
  const texts: Record<Deviation["cause"], string> = {
    "not-empty": `the ${slot} slot is not empty`,
    "not-new": `${has}, but must hold the new key, ${ends.new}`,
    refused: `S3 answers ${found?.state} for the ${slot} slot`,
    "unknown-key": `${has}, an unknown key (${old}the new key in ${ends.new})`,
    "serves-alone": `${has}, and no other slot works`,
  };
  return `${bucket}: ${texts[cause]}`;
}

/** Says why a step cannot begin, or did not succeed, and what to do. */
export function explain(
  plan: Plan,
  record: RotationRecord,
  trouble: Trouble,
  when: "before" | "after",
): Fault {
  const { number } = stepOf(record);
  const begins = when === "before" ? `Step ${number} has not begun` : `After step ${number}`;
  const lines = [
    `${begins}: something is wrong.`,
    detailsOf(trouble, record).join("\n").replace(/^/gm, "  "),
    ...remediesOf(plan, record, trouble, when),
    `When this is fixed, continue with: ${commandOf(plan)}`,
  ];
  if (when === "before" && trouble.cause === "slots") {
    lines.push(`Or start again: ${commandOf(plan, true)}`);
  }
  return { fault: lines.join("\n") };
}

function remediesOf(
  plan: Plan,
  record: RotationRecord,
  { cause, health }: Trouble,
  when: "before" | "after",
): string[] {
  const step = stepOf(record);
  switch (cause) {
    case "no-health":
      return ["The state of the slots is unknown. Leave them as they are."];
    case "outage":
      return [`${OUTAGE} Leave the slots as they are.`];
    case "images": {
      const right = "The slots are as they must be, and S3 accepts the key.";
      const undone = when === "after" && record.worked ? undoAdvice(plan, step) : [];
      return [`${right} Look for another cause: ${doctorOf(plan)}`, ...undone];
    }
    case "slots": {
      // What an operator was told to do by hand may be done before the next run.
      const isUndone = when === "before" && !(step.byHand && record.told);
      if (isUndone) return wayBack(plan, step.number - 1, record, health);
      const hasArrived = health.every((bucket) => holds(bucket, step.puts, record));
      if (hasArrived) return wayBack(plan, step.number, record, health);
      const where = plan.local
        ? "Is npx vitrine dev running in this folder?"
        : `Is the Worker at ${plan.base} the one of ${placeText(plan.place)}?`;
      return [plan.options.print ? `Did you run the commands? ${where}` : where];
    }
  }
}

function holds(bucket: BucketSeen, puts: Step["puts"], { new: end }: Ends): boolean {
  if (puts === undefined) return true;
  const found = slotOf(bucket, puts.slot);
  return puts.value === "empty" ? found === undefined : found?.end === end;
}

const PUT_OLD_BACK =
  "put the old key back into the current slot while the next one serves. When S3 accepts it there, empty the next slot.";

/** What may help if images fail since a step, although S3 accepts the keys. */
export function undoAdvice(plan: Plan, { number }: Step): string[] {
  const since = "If images came until this step, ";
  if (number === 4) return [since + PUT_OLD_BACK];
  return number === 6 ? [`${since}activate the old key: ${setOldKey(plan, "Active")}`] : [];
}

/** How to go back to the state before a step. Nothing if that would remove a key that serves. */
function wayBack(
  plan: Plan,
  number: number,
  { new: end, old, worked }: RotationRecord,
  health: Health,
): string[] {
  if (number < 2) return [];
  if (!health.every(isServed))
    return [`No slot of a bucket works: ${rescue(plan, number, worked)}`];
  const allHold = (name: "current" | "next", key: string) =>
    health.every((bucket) => slotOf(bucket, name)?.end === key);
  if (number > 4 || !allHold("next", end)) return [];
  if (number === 4) {
    if (!allHold("current", end)) return [];
    return worked
      ? [`To go back, ${PUT_OLD_BACK}`]
      : ["There is no way back: S3 refused the old key."];
  }
  if (old !== "" && !allHold("current", old)) return [];
  return health.every((bucket) => slotOf(bucket, "current")?.state === "ok")
    ? ["To go back, empty the next slot. The current one has not changed."]
    : ["Leave the next slot as it is: a bucket has no other slot that works."];
}

function rescue(plan: Plan, number: number, worked: boolean): string {
  if (!worked || number < 4) {
    return `make another key, and start again: ${commandOf(plan, true)}`;
  }
  if (number === 4) return "put the old key back into the current slot.";
  const put = "put the old key into the next slot. It serves while S3 refuses the current one.";
  return number === 5 ? put : `${put} Activate it first: ${setOldKey(plan, "Active")}`;
}
