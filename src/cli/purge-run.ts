// Purges batch after batch, and says loudly what was not purged.

import { type Api, MOST_FILES, type Refused } from "./cloudflare.ts";
import { shareOut } from "./crew.ts";
import { count, counted, createProgress, time } from "./progress.ts";
import type { Gathered } from "./purge-keys.ts";
import { EXIT, type Exit, type Fault, isFault, paint, say, type World } from "./world.ts";
import type { KnownZone } from "./zone.ts";

export type Outcome = {
  readonly count: number;
  /** Why they were not purged, by what was given. */
  readonly left: ReadonlyMap<string, string>;
  readonly zone: KnownZone | undefined;
  /** What is to be done before it can go on. */
  readonly remedy: string | undefined;
  /** How long it took. */
  readonly seconds: number;
};

/** Requests under way. */
const WORKERS = 4;

/** After so many batches in a row that failed again and again, the rest is left. */
const MOST_TROUBLE = 8;

const REMEDY =
  "CLOUDFLARE_API_TOKEN must be a token that may Zone, Cache Purge, Purge of this zone (https://dash.cloudflare.com/profile/api-tokens), and the zone Vitrine's own.";

type With = {
  readonly api: (tell: (ms: number) => void) => Api;
  readonly findZone: (api: Api) => Promise<KnownZone | Fault>;
};

export async function purgeAll(
  world: World,
  { sources, count: all }: Gathered,
  { api: makeApi, findZone }: With,
): Promise<Outcome> {
  const { stderr, interrupted, now } = world;
  const began = now();
  const left = new Map<string, string>();
  const urls = [...sources.keys()];
  const progress = createProgress(world, "URLs", urls.length);
  const api = makeApi((ms) =>
    progress.say(`Cloudflare's API wants to be left alone for ${time(ms / 1000)}.`),
  );
  const end = (zone?: KnownZone, remedy?: string): Outcome => {
    progress.end();
    return { count: all, left, zone, remedy, seconds: (now() - began) / 1000 };
  };
  const leave = (files: readonly string[], reason: string) => {
    for (const url of files) left.set(sources.get(url) ?? url, reason);
  };

  const zone = await findZone(api);
  if (isFault(zone)) {
    leave(urls, "the zone is not known");
    return end(undefined, zone.fault);
  }
  say(stderr, `Purging ${counted(all, "object")} in zone ${zone.id} (${zone.from}).`);

  const stop = new AbortController();
  let last: Refused | undefined;
  let trouble = 0;
  const batches = new Set(batchesOf(urls));
  await shareOut(
    [...batches],
    WORKERS,
    AbortSignal.any([interrupted, stop.signal]),
    async (files) => {
      batches.delete(files);
      const refused = await api.purge(zone.id, files);
      trouble = refused?.kind === "trouble" ? trouble + 1 : 0;
      if (refused !== undefined) leave(files, refused.reason);
      if (refused?.kind === "access" || trouble >= MOST_TROUBLE) {
        last = refused;
        stop.abort();
      }
      progress.step(files.length);
    },
  );
  const reason = interrupted.aborted ? "interrupted" : `not sent, after: ${last?.reason}`;
  for (const files of batches) leave(files, reason);
  return end(zone, last?.kind === "access" ? REMEDY : undefined);
}

function batchesOf(urls: readonly string[]): string[][] {
  const batches: string[][] = [];
  for (let at = 0; at < urls.length; at += MOST_FILES) {
    batches.push(urls.slice(at, at + MOST_FILES));
  }
  return batches;
}

/**
 * Says how it ended: on stdout what was not purged, and on stderr why.
 * @param maxAge seconds that browsers keep an image
 * @param impossible how many keys were not even tried
 */
export function tellOutcome(
  world: World,
  { count: all, left, remedy, seconds }: Outcome,
  maxAge: number,
  impossible: number,
): Exit {
  const { stdout, stderr } = world;
  const done = all - left.size;
  for (const key of left.keys()) say(stdout, key);
  if (done > 0) {
    say(
      stderr,
      `Purged ${count(done)} of ${counted(all, "object")} in ${time(seconds)}.`,
      `Browsers keep what they have until its max-age is over, which is ${maxAge} s, or until a signed URL expires.`,
    );
  }
  if (left.size > 0) {
    const loud = `NOT PURGED: ${count(left.size)} of ${counted(all, "object")}: what is on stdout, to be given again.`;
    const reasons = new Map<string, number>();
    for (const reason of left.values()) reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
    say(stderr, paint(world, stderr, "red", loud));
    for (const [reason, times] of reasons) say(stderr, `  ${count(times)}: ${reason}`);
    if (remedy !== undefined) say(stderr, remedy);
  }
  if (impossible > 0) {
    const text = `NOT SENT: ${counted(impossible, "key")} that cannot be, as named above.`;
    say(stderr, paint(world, stderr, "red", text));
  }
  if (done === 0) return EXIT.failed;
  return left.size > 0 || impossible > 0 ? EXIT.partly : EXIT.done;
}
