// vitrine purge: has the Worker purge all renditions of objects, by its own /purge, and once more some seconds later. With
// --verify it then requests what is gone as visitors do. It deletes no object.

import { Command } from "@commander-js/extra-typings";
import type { Bucket } from "../../worker/config/bucket.ts";
import { objectsOf } from "../../worker/request/resolve-request.ts";
import type { CommandFault, Outcome, Run, World } from "../command.ts";
import { EXIT, isFault, log } from "../command.ts";
import { openProjectSite } from "../config/project.ts";
import { isHere } from "../config/site-url.ts";
import { envOption, OBJECTS, urlOption } from "../options.ts";
import { commandLine } from "../terminal/shell.ts";
import { type SelectedObject, type Selection, selectObjects } from "../urls/select-objects.ts";
import { type PurgeSite, readPurgeToken } from "./client.ts";
import { reportDryRun, reportDryRunOfWhole } from "./dry-run.ts";
import { purgeObjects } from "./purge-objects.ts";
import { NONE_LISTED, purgeListed, readR2Prefix } from "./purge-prefix.ts";
import { purgeWhole } from "./purge-whole.ts";
import { protocolFileFault, reportPurge } from "./report.ts";
import { verifyObjects } from "./verify.ts";

type Options = ReturnType<ReturnType<typeof define>["opts"]>;

export function purgeCommand(world: World, run: Run) {
  return define().action((names, options) => run(() => purge(world, names, options)));
}

function define() {
  return new Command("purge")
    .description("drops all variants of objects from Workers Cache and from the store")
    .argument("[objects...]", "objects, or public URLs of them; - is stdin, one on each line")
    .option("--prefix <prefix>", "all objects that are there and begin with it")
    .option("--bucket <name>", "all of this bucket")
    .option("--everything", "all of every bucket")
    .option("--verify", "then proves that the objects are gone: nothing shows them")
    .option("--dry-run", "names what it would purge, and purges nothing")
    .option("--json", "prints JSON: what was purged, and what is proved")
    .option("--protocol <file>", "writes the same as a page to print: HTML")
    .addOption(envOption())
    .addOption(urlOption())
    .addHelpText("after", HELP);
}

const HELP = `
${OBJECTS}
The Worker's PURGE_TOKEN is in the environment, or in .dev.vars.
It prints the objects that were not purged on stdout. You can give them again.
With --verify, it prints a line about each object: proved, still there, not known, or not purged.
It purges twice, some seconds apart: a picture may just be on its way to the store.
--prefix lists what is there. It never reaches deleted objects: name these, or purge with --bucket or
--everything.

Examples:
  npx vitrine purge photos/fig.jpg https://images.example.com/images/card/photos/friends.jpg
  npx vitrine purge - < keys.txt > left.txt
  npx vitrine purge --prefix photos/2026/
  npx vitrine purge --verify photos/deleted.jpg`;

async function purge(world: World, names: readonly string[], options: Options): Promise<Outcome> {
  const began = world.now();
  const { prefix, bucket, dryRun } = options;

  // Check the options.
  const hasNames = names.length > 0 || prefix !== undefined;
  const usage = usageFault(options, hasNames);
  if (usage !== undefined) {
    log(world.stderr, usage);
    return EXIT.usage;
  }

  const site = openPurgeSite(world, options);
  if (isFault(site)) return site;

  const optionFault = bucketFault(site, options) ?? protocolFault(world, options);
  if (optionFault !== undefined) return optionFault;

  // Purge objects.
  if (hasNames) {
    const outcome = await purgeSelected(world, site, names, options, began);
    if (prefix !== undefined && !isFault(outcome)) log(world.stderr, DELETED_ARE_NOT_LISTED);
    return outcome;
  }

  // Purge a bucket, or everything.
  if (dryRun) return reportDryRunOfWhole(world, site, bucket);

  const purged = await purgeWhole(world, site, bucket);
  if (isFault(purged)) return purged;

  const run = { purged, verified: undefined, invalid: 0, began };
  return reportPurge(world, site, new Map(), run, options);
}

/** Returns why the options make no sense. */
function usageFault(options: Options, hasNames: boolean): string | undefined {
  const { bucket, everything, verify, dryRun, json, protocol } = options;

  const selections = [hasNames, bucket !== undefined, everything === true];
  const selectionCount = selections.filter(Boolean).length;
  if (selectionCount !== 1 || (verify && !hasNames)) {
    return "Name objects, or a --prefix, or - for objects on stdin; or --bucket; or --everything. --verify needs objects: npx vitrine purge --help";
  }

  const isReported = json === true || protocol !== undefined;
  if (dryRun && isReported) return "--dry-run purges nothing: leave out --json and --protocol";
  return undefined;
}

function openPurgeSite(world: World, { env, url }: Options): PurgeSite | CommandFault {
  if (url !== undefined && isHere(url)) {
    return { fault: "The local run has no Workers Cache: nothing to purge" };
  }

  const site = openProjectSite(world, { env, url });
  if (isFault(site)) return site;

  const token = readPurgeToken(site);
  if (isFault(token)) return token;
  return { ...site, token };
}

function bucketFault({ config }: PurgeSite, { bucket }: Options): CommandFault | undefined {
  const buckets = config.buckets.map(({ name }) => name);
  if (bucket === undefined || buckets.includes(bucket)) return undefined;
  return { fault: `--bucket ${bucket}: there is no such bucket. There is ${buckets.join(", ")}` };
}

function protocolFault({ folder }: World, { protocol }: Options): CommandFault | undefined {
  if (protocol === undefined) return undefined;

  const fault = protocolFileFault(folder, protocol);
  if (fault === undefined) return undefined;
  return { fault: `--protocol ${protocol}: ${fault}` };
}

const DELETED_ARE_NOT_LISTED =
  "--prefix never reaches deleted objects: a list does not have them. Purge these by their names, or with --bucket or --everything.";

/** Purges objects by their names, and those that begin with a prefix. */
async function purgeSelected(
  world: World,
  site: PurgeSite,
  names: readonly string[],
  options: Options,
  began: number,
): Promise<Outcome> {
  const { prefix, verify = false, dryRun, json, protocol, env, url } = options;

  // The Worker lists an R2 binding. Any other bucket is listed here.
  const r2Prefix = prefix === undefined ? undefined : readR2Prefix(site, prefix);
  if (isFault(r2Prefix)) return r2Prefix;

  if (r2Prefix !== undefined && dryRun) {
    const { name } = r2Prefix.bucket;
    return {
      fault: `--dry-run: ${name} is an R2 binding, which the Worker lists only to purge it`,
    };
  }

  const listedHere = r2Prefix === undefined ? prefix : undefined;
  const command = commandLine("purge", {
    verify: options.verify,
    dryRun,
    json,
    protocol,
    env,
    url,
  });
  const selection = await selectObjects(world, site, names, listedHere, command);
  if (isFault(selection)) return selection;

  const { invalid } = selection;
  const named = inAllBuckets(selection);
  if (dryRun) return reportDryRun(world, site, named, verify, invalid);

  // Purge, verify, report.
  const listed = r2Prefix === undefined ? NONE_LISTED : await purgeListed(world, site, r2Prefix);
  if (isFault(listed)) return listed;

  const objects = new Map([...named, ...listed.objects]);
  const purged = await purgeObjects(world, site, [...objects.keys()], listed, verify);
  const verified = verify ? await verifyObjects(world, site, objects, purged) : undefined;
  return reportPurge(world, site, objects, { purged, verified, invalid, began }, options);
}

/** The objects of a selection, by the names that the Worker uses: BUCKET/key. */
function inAllBuckets({ objects }: Selection): ReadonlyMap<string, SelectedObject> {
  const named = new Map<string, SelectedObject>();
  for (const object of objects.values()) {
    for (const bucket of bucketsOf(object)) {
      named.set(`${bucket.name}/${object.key}`, { ...object, bucket });
    }
  }
  return named;
}

/** The object of a public URL may be in any bucket of its route: `media/a.jpg` → `media/a.jpg` and `archive/a.jpg`. */
function bucketsOf({ bucket, key, publicUrl }: SelectedObject): readonly Bucket[] {
  if (publicUrl === undefined) return [bucket];

  const { route } = publicUrl;
  const locations = objectsOf({ route, relativeKey: key, key: bucket.prefix + key });
  return locations.map((location) => location.bucket);
}
