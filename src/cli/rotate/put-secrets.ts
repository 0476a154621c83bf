// Puts secrets into a deployed Worker with the wrangler of this project. They go to its stdin, and nowhere else.

import type { Fault, World } from "../command.ts";
import type { Change } from "../secrets/dev-vars.ts";
import type { Place } from "../wrangler/config-file.ts";
import { type RunWrangler, showWrangler } from "../wrangler/run-wrangler.ts";
import { bulkOf } from "./command-lines.ts";

/** Changes secrets of the deployed Worker, all at once. Shows what wrangler says, without the secrets. */
export function putByWrangler(
  world: World,
  change: Change,
  run: RunWrangler,
  place: Pick<Place, "file" | "environment" | "environments">,
): Promise<Fault | undefined> {
  const secrets = Object.values(change).filter((value) => value !== null);
  return showWrangler(world, run, bulkOf(place), { place, input: JSON.stringify(change), secrets });
}
