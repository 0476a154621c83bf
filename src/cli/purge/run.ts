// Purges batch after batch, zone after zone, and says loudly what was not purged.

import { EXIT, type Exit, paint, say, type World } from "../command.ts";
import { type Api, MOST_FILES, type Refused } from "../net/cloudflare.ts";
import { shareOut } from "../net/crew.ts";
import { count, counted, createProgress, time } from "../terminal/progress.ts";
import { visible } from "../terminal/visible.ts";
import type { Gathered } from "./keys.ts";
import type { KnownZone, Zones } from "./zone.ts";

export type Outcome = {
  readonly count: number;
  /** Why they were not purged everywhere, by what was given. */
  readonly left: ReadonlyMap<string, string>;
  /** The zones that are known, and how many objects were purged in each. */
  readonly zones: readonly (KnownZone & { readonly purged: number })[];
  /** What is to be done before it can go on. */
  readonly remedies: readonly string[];
  /** How long it took. */
  readonly seconds: number;
};

/** Requests under way. */
const WORKERS = 4;

/** After so many batches in a row that failed again and again, the rest is left. */
const MOST_TROUBLE = 8;

type With = {
  readonly api: (tell: (ms: number) => void) => Api;
  readonly findZones: (api: Api) => Promise<Zones>;
};

type Batch = { readonly zone: KnownZone; readonly files: readonly string[] };

export async function purgeAll(
  world: World,
  { sources, count: all }: Gathered,
  { api: makeApi, findZones }: With,
): Promise<Outcome> {
  const { stderr, interrupted, now } = world;
  const began = now();
  const urls = [...sources.keys()];
  let tell = (line: string) => say(stderr, line);
  const api = makeApi((ms) =>
    tell(`Cloudflare's API wants to be left alone for ${time(ms / 1000)}.`),
  );
  const { zones, faults } = await findZones(api);
  const left = new Map<string, string>();
  /** What was given, and is left, by zone. */
  const leftIn = new Map<KnownZone, Set<string>>(zones.map((zone) => [zone, new Set()]));
  const leave = ({ zone, files }: Batch, reason: string) => {
    const words = zones.length > 1 ? `${reason} (in zone ${zone.id})` : reason;
    for (const url of files) {
      const given = sources.get(url) ?? url;
      left.set(given, words);
      leftIn.get(zone)?.add(given);
    }
  };

  for (const { id, from } of zones) {
    say(stderr, `Purging ${counted(all, "object")} in zone ${id} (${from}).`);
  }
  const progress = createProgress(world, "URLs", urls.length * zones.length);
  tell = progress.say;
  const stop = new AbortController();
  const denied = new Map<KnownZone, Refused>();
  let last: Refused | undefined;
  let trouble = 0;
  const batches = new Set(zones.flatMap((zone) => batchesOf(zone, urls)));
  await shareOut(
    [...batches],
    WORKERS,
    AbortSignal.any([interrupted, stop.signal]),
    async (batch) => {
      if (denied.has(batch.zone)) return;
      batches.delete(batch);
      const refused = await api.purge(batch.zone.id, batch.files);
      trouble = refused?.kind === "trouble" ? trouble + 1 : 0;
      if (refused !== undefined) leave(batch, refused.reason);
      if (refused?.kind === "access") denied.set(batch.zone, refused);
      if (trouble >= MOST_TROUBLE) {
        last = refused;
        stop.abort();
      }
      progress.step(batch.files.length);
    },
  );
  progress.end();
  for (const batch of batches) {
    const after = denied.get(batch.zone) ?? last;
    leave(batch, interrupted.aborted ? "interrupted" : `not sent, after: ${after?.reason}`);
  }
  if (faults.length > 0) {
    const reason = `${zones.length === 0 ? "the zone" : "one of the zones"} is not known`;
    for (const given of sources.values()) left.set(given, reason);
  }
  return {
    ...{ count: all, left },
    zones: zones.map((zone) => ({ ...zone, purged: all - (leftIn.get(zone)?.size ?? 0) })),
    remedies: [...faults, ...[...denied.keys()].map(remedyOf)],
    seconds: (now() - began) / 1000,
  };
}

function remedyOf({ id }: KnownZone): string {
  return `CLOUDFLARE_API_TOKEN must be a token that may Zone, Cache Purge, Purge of zone ${id} (https://dash.cloudflare.com/profile/api-tokens), and the zone Vitrine's own.`;
}

function batchesOf(zone: KnownZone, urls: readonly string[]): Batch[] {
  const batches: Batch[] = [];
  for (let at = 0; at < urls.length; at += MOST_FILES) {
    batches.push({ zone, files: urls.slice(at, at + MOST_FILES) });
  }
  return batches;
}

/** Prints what was not purged: in a file as it is, to be given again. */
export function tellLeft({ stdout }: World, left: Iterable<string>): void {
  for (const key of left) say(stdout, stdout.isTTY ? visible(key) : key);
}

/**
 * Says how it ended: on stdout what was not purged everywhere, and on stderr why.
 * @param maxAge seconds that browsers keep an image
 * @param impossible how many keys were not even tried
 */
export function tellOutcome(
  world: World,
  { count: all, left, zones, remedies, seconds }: Outcome,
  maxAge: number,
  impossible: number,
): Exit {
  const { stderr } = world;
  const done = all - left.size;
  const isBegun = zones.some(({ purged }) => purged > 0);
  tellLeft(world, left.keys());
  if (done > 0)
    say(stderr, `Purged ${count(done)} of ${counted(all, "object")} in ${time(seconds)}.`);
  if (zones.length > 1 || (isBegun && done === 0)) {
    for (const { id, from, purged } of zones) {
      say(stderr, `  in zone ${id} (${from}): ${count(purged)} of ${counted(all, "object")}`);
    }
  }
  if (isBegun) {
    const text = `Browsers keep what they have until its max-age is over, which is ${maxAge} s, or until a signed URL expires.`;
    say(stderr, text);
  }
  if (left.size > 0) {
    const loud = `NOT PURGED: ${count(left.size)} of ${counted(all, "object")}: what is on stdout, to be given again.`;
    const reasons = new Map<string, number>();
    for (const reason of left.values()) reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
    say(stderr, paint(world, stderr, "red", loud));
    for (const [reason, times] of reasons) say(stderr, `  ${count(times)}: ${visible(reason)}`);
    say(stderr, ...remedies.map(visible));
  }
  if (impossible > 0) {
    const text = `NOT SENT: ${counted(impossible, "key")} that cannot be, as named above.`;
    say(stderr, paint(world, stderr, "red", text));
  }
  if (!isBegun) return EXIT.failed;
  return left.size > 0 || impossible > 0 ? EXIT.partly : EXIT.done;
}
