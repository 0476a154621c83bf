// Says what was purged, and loudly what was not.

import { EXIT, type Exit, paint, print, say, type World } from "../command.ts";
import { count, counted, time } from "../terminal/progress.ts";
import { visible } from "../terminal/shell.ts";

export type Outcome = {
  /** How many objects were to be purged. */
  readonly count: number;
  /** What was not purged, as it was given, and why. */
  readonly left: ReadonlyMap<string, string>;
  /** How many that were given cannot be objects. */
  readonly impossible: number;
  readonly seconds: number;
};

/** Prints what was not purged. In a file it stands as it was given, to be given again. */
export function tellLeft({ stdout }: World, left: Iterable<string>): void {
  for (const key of left) print(stdout, stdout.isTTY ? visible(key) : key);
}

/** @param maxAge how long browsers may show what they have: s */
export function tellOutcome(
  world: World,
  { count: all, left, impossible, seconds }: Outcome,
  maxAge: number,
): Exit {
  const { stderr } = world;
  const warn = (text: string) => say(stderr, paint(world, stderr, "red", text));
  const done = all - left.size;
  const objects = counted(all, "object");
  tellLeft(world, left.keys());
  if (done > 0) {
    const browsers = `Browsers keep what they have for up to ${maxAge} s (max-age)`;
    say(
      stderr,
      `Purged ${count(done)} of ${objects} in ${time(seconds)}.`,
      `${browsers}, or until a signed URL expires.`,
    );
  }
  if (left.size > 0) {
    const what = `NOT PURGED: ${count(left.size)} of ${objects}`;
    warn(`${what}. Their keys are on stdout: give them again.`);
    const reasons = new Map<string, number>();
    for (const reason of left.values()) reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
    for (const [reason, times] of reasons) say(stderr, `  ${count(times)}: ${visible(reason)}`);
  }
  if (impossible > 0) warn(`NOT SENT: ${counted(impossible, "impossible key")} (see above).`);
  if (done === 0) return EXIT.failed;
  return left.size > 0 || impossible > 0 ? EXIT.partly : EXIT.done;
}
