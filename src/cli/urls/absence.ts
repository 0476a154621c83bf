// Asks whether the local run is there, before a command asks it for much.

import type { Fault } from "../command.ts";
import type { Project } from "../config/project.ts";
import { askWhetherThere } from "../http/ask-health.ts";
import { envFlag } from "../wrangler/config-file.ts";

/** @returns a fault that says how to start the local run if nothing answers at this URL of it */
export async function absenceFault(
  { known }: Pick<Project, "known">,
  base: string,
): Promise<Fault | undefined> {
  const absent = await askWhetherThere(base);
  if (absent === undefined || absent.status !== undefined) return undefined;
  const start = `Is the local run started there? Start it: npx vitrine dev${envFlag(known)}`;
  return { fault: `${base} does not answer. ${start}` };
}
