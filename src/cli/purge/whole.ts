// Purges a whole bucket, or everything, in the Worker's cache. The edge has no such call (C3).

import { type End, EXIT, isFault, paint, say, type World } from "../command.ts";
import { askPurge, type PurgeBody } from "../net/ask-purge.ts";
import type { Project } from "../project/project.ts";
import { readWorker } from "./tokens.ts";

type WholeOptions = {
  readonly bucket?: string | undefined;
  readonly everything?: true | undefined;
  readonly dryRun?: true | undefined;
};

/** @returns undefined if single objects are meant */
export function wholeOf({ bucket, everything }: WholeOptions): PurgeBody | undefined {
  if (bucket !== undefined) return { bucket };
  return everything ? { everything } : undefined;
}

/** @param given whether objects are given, too */
export async function purgeWhole(
  world: World,
  project: Project,
  body: PurgeBody,
  { bucket, everything, dryRun }: WholeOptions,
  given: boolean,
): Promise<End> {
  const { stderr, interrupted } = world;
  if (given || (bucket !== undefined && everything)) {
    say(stderr, "Give keys or a --prefix, or --bucket, or --everything: one of them alone.");
    return EXIT.usage;
  }
  const names = project.config.buckets.map(({ name }) => name);
  if (bucket !== undefined && !names.includes(bucket)) {
    return { fault: `--bucket ${bucket}: there is no such bucket. There is ${names.join(", ")}` };
  }
  const what = bucket === undefined ? "everything" : `bucket ${bucket}`;
  const worker = readWorker(world, project);
  if (isFault(worker)) return worker;
  if (worker === undefined) {
    return {
      fault:
        "PURGE_TOKEN is missing. Only the Worker can purge that: give it a PURGE_TOKEN, and put the same into the environment here, or into the file of --secrets-file (docs/purge-and-warm.md)",
    };
  }
  if (dryRun) {
    say(stderr, `It would purge ${what} in the cache of ${worker.base}.`);
    return EXIT.done;
  }
  const said = await askPurge(worker.base, worker.token, body, interrupted);
  if (!("left" in said)) return { fault: `${what} is not purged: ${said.reason}` };
  const [reason] = said.left.values();
  if (reason !== undefined) return { fault: `${what} is not purged: ${reason}` };
  say(stderr, `Purged ${what} in the cache of ${worker.base}.`);
  say(stderr, paint(world, stderr, "yellow", `The edge is ${said.edge}.`));
  return EXIT.done;
}
