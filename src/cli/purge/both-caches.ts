// Purges objects in the edge's cache, and then in the Worker's. The other way round, what a visitor asks for
// between the two would be made of what the edge still keeps, and be kept anew.

import { say, type World } from "../command.ts";
import { counted } from "../terminal/progress.ts";
import { purgeAll } from "./batches.ts";
import { purgeByWorker } from "./by-worker.ts";
import type { Outcome } from "./outcome.ts";
import type { Gathered } from "./sources.ts";
import type { Tokens } from "./tokens.ts";
import type { ZoneHints } from "./zones.ts";

/** @param hints where the edge is purged by Cloudflare's API */
export async function purgeCaches(
  world: World,
  { sources, names, unfetched }: Pick<Gathered, "sources" | "names" | "unfetched">,
  { edge, worker }: Tokens,
  hints: Omit<ZoneHints, "env">,
): Promise<Outcome> {
  const began = world.now();
  const atEdge = new Map([...sources].filter(([, one]) => !unfetched.has(one)));
  const first =
    edge && atEdge.size > 0
      ? await purgeAll(world, atEdge, edge.token, { ...hints, env: edge.zone })
      : undefined;
  if (!worker) {
    const outcome = first ?? nothing(0);
    const bound = [...unfetched].map((one) => [one, NO_WORKER] as const);
    return { ...outcome, left: new Map([...outcome.left, ...bound]) };
  }
  const outcome = first ?? nothing(names.size);
  const left = new Map(outcome.left);
  const given = new Map(
    [...names].filter(([one]) => !left.has(one)).map(([one, name]) => [name, one]),
  );
  say(world.stderr, `Purging ${counted(given.size, "object")} in the cache of ${worker.base}.`);
  const ended = await purgeByWorker(world, worker, [...given.keys()]);
  for (const [name, reason] of ended.left) left.set(given.get(name) ?? name, reason);
  if (!edge) {
    const isPurged = ended.edge === "purged" || ended.edge === "see not_purged";
    for (const [name, one] of given) {
      if (!isPurged && !unfetched.has(one) && !ended.left.has(name))
        left.set(one, `edge: ${ended.edge}`);
    }
    for (const [url, one] of atEdge) {
      if (new URL(url).search !== "" && !left.has(one)) left.set(one, VERSION);
    }
  }
  return { ...outcome, left, seconds: (world.now() - began) / 1000 };
}

const NO_WORKER =
  'Worker: only its cache has this object (engine = "binding"), and PURGE_TOKEN is missing';

const VERSION =
  "edge: the Worker knows no versions of signed URLs. CLOUDFLARE_API_TOKEN can purge them";

function nothing(count: number): Outcome {
  return { ...{ count, left: new Map(), zones: [], faults: [], denied: [] }, seconds: 0 };
}
