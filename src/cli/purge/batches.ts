// Purges URLs in batches, in every zone, and notes what was not purged.

import { say, type World } from "../command.ts";
import { cloudflareApi, MOST_FILES, type Refused } from "../net/cloudflare.ts";
import { shareOut } from "../net/crew.ts";
import { counted, createProgress, time } from "../terminal/progress.ts";
import type { KnownZone, Outcome } from "./outcome.ts";
import { findZones, type ZoneHints } from "./zones.ts";

const WORKERS = 4;

/** After so many failed batches in a row, it stops. Each was tried several times. */
const MOST_TROUBLE = 8;

type Batch = { readonly zone: KnownZone; readonly files: readonly string[] };

/** @param sources the URLs to purge, each with what the operator gave for it */
export async function purgeAll(
  world: World,
  sources: ReadonlyMap<string, string>,
  token: string,
  hints: ZoneHints,
): Promise<Outcome> {
  const { stderr, interrupted, now } = world;
  const began = now();
  const urls = [...sources.keys()];
  const all = new Set(sources.values()).size;
  let tell = (line: string) => say(stderr, line);
  const api = cloudflareApi(world, token, (ms) =>
    tell(`Cloudflare's API asks to wait for ${time(ms / 1000)}.`),
  );
  const { zones, faults } = await findZones(hints, api);
  const left = new Map<string, string>();
  const leftIn = new Map<KnownZone, Set<string>>(zones.map((zone) => [zone, new Set()]));
  const leave = ({ zone, files }: Batch, reason: string) => {
    const text = zones.length > 1 ? `${reason} (in zone ${zone.id})` : reason;
    for (const url of files) {
      const given = sources.get(url) ?? url;
      left.set(given, text);
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
  const signal = AbortSignal.any([interrupted, stop.signal]);
  await shareOut([...batches], WORKERS, signal, async (batch) => {
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
  });
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
    ...{ count: all, left, faults, denied: [...denied.keys()] },
    zones: zones.map((zone) => ({ ...zone, purged: all - (leftIn.get(zone)?.size ?? 0) })),
    seconds: (now() - began) / 1000,
  };
}

function batchesOf(zone: KnownZone, urls: readonly string[]): Batch[] {
  const batches: Batch[] = [];
  for (let at = 0; at < urls.length; at += MOST_FILES) {
    batches.push({ zone, files: urls.slice(at, at + MOST_FILES) });
  }
  return batches;
}
