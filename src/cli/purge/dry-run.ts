// What a purge would do: its objects, and how many requests it would send. It sends none.

import { EXIT, type Exit, isFault, log, print, type World } from "../command.ts";
import { counted } from "../terminal/progress.ts";
import { createPlanner } from "../urls/rendition-requests.ts";
import { printInputs, type SelectedObject } from "../urls/select-objects.ts";
import type { PurgeSite } from "./client.ts";
import { maxObjectsOf } from "./purge-objects.ts";
import { wholeName } from "./purge-whole.ts";
import { planRequests, requestsText } from "./verify.ts";

const DRY_RUN = "This was a dry run: nothing is purged.";

/** Prints the objects on stdout: they can be given again. @param invalid how many inputs name no object */
export function reportDryRun(
  world: World,
  site: PurgeSite,
  objects: ReadonlyMap<string, SelectedObject>,
  verify: boolean,
  invalid: number,
): Exit {
  const { stderr } = world;
  const inputs = new Set(objects.values().map(({ input }) => input));
  printInputs(world, inputs);

  // Each portion is purged twice.
  const portions = Math.ceil(objects.size / maxObjectsOf(site));
  const purges = counted(2 * portions, "request");
  const all = counted(objects.size, "object");
  log(stderr, `Would purge ${all} of ${site.baseUrl}, by ${purges}.`);

  const plan = createPlanner(site, "all");
  if (isFault(plan)) throw new Error(plan.fault); // no preset is chosen that might be missing

  const renditions = requestsText(planRequests(plan, objects.values()));
  if (verify) {
    log(stderr, `Would then send ${renditions}, to prove that what S3 does not have is gone.`);
  } else {
    log(stderr, `As visitors ask for these objects, that is ${renditions}.`);
  }
  log(stderr, DRY_RUN);

  if (invalid === 0) return EXIT.done;
  return objects.size > 0 ? EXIT.partly : EXIT.failed;
}

/** @param bucket undefined: every bucket */
export function reportDryRunOfWhole(
  { stdout, stderr }: World,
  site: PurgeSite,
  bucket: string | undefined,
): Exit {
  const name = wholeName(bucket);
  print(stdout, name);

  log(
    stderr,
    `Would purge ${name} of ${site.baseUrl}, by 2 requests, or more if the store has many renditions.`,
  );
  log(stderr, DRY_RUN);
  return EXIT.done;
}
