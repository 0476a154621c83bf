// What is said where a rotation stops, and on the way.

import { commandOf, type Plan } from "./rotation-plan.ts";
import type { Step } from "./rotation-steps.ts";
import { visible } from "./visible.ts";
import { EXIT, type Exit, type Fault, paint, type Screen, say, type World } from "./world.ts";

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

/** Says where it stopped, and how to go on. */
export function stop(
  { world, plan }: { readonly world: World; readonly plan: Plan },
  { number }: Step,
  declined = false,
): Exit {
  const where = number === 1 ? "Nothing has been changed." : "Nothing is half done.";
  tell(world.stderr, "", `Stopped in step ${number} of 6. ${where} Go on with: ${commandOf(plan)}`);
  return declined ? EXIT.partly : EXIT.interrupted;
}

export function contradiction(plan: Plan, { number, back }: Step, { fault }: Fault): string {
  return [
    `Step ${number} is not begun, since all is not as the steps before left it:`,
    ...fault.split("\n").map((line) => `  ${line}`),
    back,
    `Once it is right again, go on with: ${commandOf(plan)}`,
    `Or begin anew: ${commandOf(plan, "--restart")}`,
  ].join("\n");
}

export function failure(plan: Plan, { number, back, puts }: Step, { fault }: Fault): string {
  const other = puts && !plan.local && /slot (?:is empty|has|is not empty)/.test(fault);
  return [
    `After step ${number}, all is not as it should be:`,
    ...fault.split("\n").map((line) => `  ${line}`),
    ...(other ? [`Is the Worker at ${plan.base} the one that wrangler.toml names?`] : []),
    back,
    `To look again, and go on: ${commandOf(plan)}`,
  ].join("\n");
}

/** Tells what is waited for: on one line of a terminal, and elsewhere only what is new. */
export function progress(world: World): (line: string) => void {
  let last = "";
  return (line) => {
    const kind = line.replace(/\d+ s\b/g, "");
    if (kind === last) return;
    last = kind;
    say(world.stderr, paint(world, world.stderr, "dim", `  ${visible(line)}`));
  };
}
