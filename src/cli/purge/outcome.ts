// Says what was purged, and loudly what was not.

import { EXIT, type Exit, paint, print, say, type World } from "../command.ts";
import { count, counted, time } from "../terminal/progress.ts";
import { visible } from "../terminal/visible.ts";

export type KnownZone = { readonly id: string; readonly from: string };

export type Zones = {
  readonly zones: readonly KnownZone[];
  /** Why there may be more zones, and what to do about it. */
  readonly faults: readonly string[];
};

export type Outcome = {
  readonly count: number;
  /** What was not purged in every zone, as it was given, and why. */
  readonly left: ReadonlyMap<string, string>;
  /** The known zones, and how many objects were purged in each. */
  readonly zones: readonly (KnownZone & { readonly purged: number })[];
  readonly faults: Zones["faults"];
  readonly denied: readonly KnownZone[];
  readonly seconds: number;
};

/** Prints what was not purged. In a file it stands as it was given, to be given again. */
export function tellLeft({ stdout }: World, left: Iterable<string>): void {
  for (const key of left) print(stdout, stdout.isTTY ? visible(key) : key);
}

/** For how long old images may be seen after a purge: s. */
export type Keeping = {
  /** In browsers. */
  readonly max_age: number;
  /** In Workers Cache; undefined: it was purged, too. */
  readonly kept: number | undefined;
};

export function tellOutcome(
  world: World,
  { count: all, left, zones, faults, denied, seconds }: Outcome,
  { max_age: maxAge, kept }: Keeping,
  impossible: number,
): Exit {
  const { stderr } = world;
  const warn = (text: string) => say(stderr, paint(world, stderr, "red", text));
  const done = all - left.size;
  const isBegun = done > 0 || zones.some(({ purged }) => purged > 0);
  const objects = counted(all, "object");
  tellLeft(world, left.keys());
  if (done > 0) say(stderr, `Purged ${count(done)} of ${objects} in ${time(seconds)}.`);
  if (zones.length > 1 || (isBegun && done === 0)) {
    for (const { id, from, purged } of zones) {
      say(stderr, `  in zone ${id} (${from}): ${count(purged)} of ${objects}`);
    }
  }
  if (isBegun) {
    const keep = `Browsers keep what they have for up to ${maxAge} s (max-age)`;
    say(stderr, `${keep}, or until a signed URL expires.`);
    if (kept) say(stderr, paint(world, stderr, "yellow", keptText(kept)));
  }
  if (left.size > 0) {
    const what = `NOT PURGED: ${count(left.size)} of ${objects}`;
    warn(`${what}. Their keys are on stdout: give them again.`);
    const reasons = new Map<string, number>();
    for (const reason of left.values()) reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
    for (const [reason, times] of reasons) say(stderr, `  ${count(times)}: ${visible(reason)}`);
    say(stderr, ...faults.map(visible), ...denied.map(remedyOf));
  }
  if (impossible > 0) warn(`NOT SENT: ${counted(impossible, "impossible key")} (see above).`);
  if (!isBegun) return EXIT.failed;
  return left.size > 0 || impossible > 0 ? EXIT.partly : EXIT.done;
}

/** Says that a cache is left, and how to purge it, too. */
function keptText(kept: number): string {
  const what = `Workers Cache was not purged: it keeps its renditions for up to ${kept} s (keep).`;
  return `${what} To purge it, too, give the Worker a PURGE_TOKEN, and have it at hand here.`;
}

function remedyOf({ id }: KnownZone): string {
  return `CLOUDFLARE_API_TOKEN needs the permission Zone, Cache Purge, Purge for zone ${id} (https://dash.cloudflare.com/profile/api-tokens). Check also that Vitrine is in this zone.`;
}
