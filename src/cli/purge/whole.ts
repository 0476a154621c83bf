// Has the Worker purge a whole bucket, or everything.

import { type End, EXIT, isFault, say, type World } from "../command.ts";
import type { Project } from "../config/project.ts";
import { askPurge, type PurgeBody } from "./ask-purge.ts";
import { readWorker } from "./by-worker.ts";

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
    say(
      stderr,
      "Give keys or a --prefix, or --bucket, or --everything: one of them alone. --verify needs keys.",
    );
    return EXIT.usage;
  }
  const names = project.config.buckets.map(({ name }) => name);
  if (bucket !== undefined && !names.includes(bucket)) {
    return { fault: `--bucket ${bucket}: there is no such bucket. There is ${names.join(", ")}` };
  }
  const what = bucket === undefined ? "everything" : `bucket ${bucket}`;
  const worker = readWorker(world, project);
  if (isFault(worker)) return worker;
  if (dryRun) {
    say(stderr, `It would purge ${what} of ${worker.base}.`);
    return EXIT.done;
  }
  const said = await askPurge(worker.base, worker.token, body, interrupted);
  if (!("left" in said)) return { fault: `${what} is not purged: ${said.reason}` };
  const [reason] = said.left.values();
  if (reason !== undefined) return { fault: `${what} is not purged: ${reason}` };
  say(stderr, `Purged ${what} of ${worker.base}.`);
  return EXIT.done;
}
