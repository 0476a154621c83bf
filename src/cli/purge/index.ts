// vitrine purge: has the Worker purge all renditions of objects, by its own /purge, and once more some seconds later. With
// --verify it then requests what is gone as visitors do. It deletes no object.

import { Command } from "@commander-js/extra-typings";
import { objectsOf } from "../../worker/request/resolve-request.ts";
import type { CommandFault, Exit, Outcome, Run, World } from "../command.ts";
import { EXIT, isFault, log, paint, print } from "../command.ts";
import { type OpenOptions, openProjectSite } from "../config/project.ts";
import { isHere } from "../config/site-url.ts";
import { envOption, OBJECTS, urlOption } from "../options.ts";
import { count, counted } from "../terminal/progress.ts";
import { commandLine, visible } from "../terminal/shell.ts";
import {
  logNotDone,
  reportNotDone,
  type SelectedObject,
  type Selection,
  selectObjects,
} from "../urls/select-objects.ts";
import { type PurgeSite, readPurgeToken } from "./client.ts";
import { type PurgeResult, purgeObjects } from "./purge-objects.ts";
import { type Listed, purgeListed, readR2Prefix } from "./purge-prefix.ts";
import { purgeWhole } from "./purge-whole.ts";
import { type Verified, verifyObjects } from "./verify.ts";

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
--prefix lists what is there: name deleted objects, or purge their bucket.

Examples:
  npx vitrine purge photos/fig.jpg https://images.example.com/images/card/photos/friends.jpg
  npx vitrine purge - < keys.txt > left.txt
  npx vitrine purge --prefix photos/2026/
  npx vitrine purge --verify photos/deleted.jpg`;

async function purge(world: World, names: readonly string[], options: Options): Promise<Outcome> {
  const { prefix, bucket, everything, verify = false, ...siteOptions } = options;
  const hasNames = names.length > 0 || prefix !== undefined;
  const isOneSelection = [hasNames, bucket !== undefined, everything].filter(Boolean).length === 1;
  if (!isOneSelection || (verify && !hasNames)) {
    const all = "objects, or a --prefix, or - for objects on stdin; or --bucket; or --everything";
    log(world.stderr, `Name ${all}. --verify needs objects: npx vitrine purge --help`);
    return EXIT.usage;
  }

  const site = openPurgeSite(world, siteOptions);
  if (isFault(site)) return site;
  const buckets = site.config.buckets.map(({ name }) => name);
  if (bucket !== undefined && !buckets.includes(bucket)) {
    return { fault: `--bucket ${bucket}: there is no such bucket. There is ${buckets.join(", ")}` };
  }

  if (!hasNames) {
    const whole = await purgeWhole(world, site, bucket);
    return isFault(whole) ? whole : EXIT.done;
  }

  const r2Prefix = prefix === undefined ? undefined : readR2Prefix(site, prefix);
  if (isFault(r2Prefix)) return r2Prefix;

  const command = commandLine("purge", { verify: verify || undefined, ...siteOptions });
  const listedHere = r2Prefix === undefined ? prefix : undefined;
  const selection = await selectObjects(world, site, names, listedHere, command);
  if (isFault(selection)) return selection;
  if (prefix !== undefined) log(world.stderr, DELETED_ARE_NOT_LISTED);

  let listed: Listed = { objects: new Map(), purged: new Set(), deleted: 0 };
  if (r2Prefix !== undefined) {
    const result = await purgeListed(world, site, r2Prefix);
    if (isFault(result)) return result;
    listed = result;
  }

  const { invalid } = selection;
  const objects = new Map([...inAllBuckets(selection), ...listed.objects]);
  const purged = await purgeObjects(world, site, [...objects.keys()], listed, verify);
  if (!verify) return reportPurged(world, objects, purged, invalid);

  const verified = await verifyObjects(world, site, objects, purged);
  return reportVerified(world, verified, purged, invalid);
}

function openPurgeSite(world: World, options: OpenOptions): PurgeSite | CommandFault {
  if (options.url !== undefined && isHere(options.url)) {
    return { fault: "The local run has no Workers Cache: nothing to purge" };
  }

  const site = openProjectSite(world, options);
  if (isFault(site)) return site;
  const token = readPurgeToken(site);
  if (isFault(token)) return token;
  return { ...site, token };
}

/** Prints what can be given again. */
function reportPurged(
  world: World,
  objects: ReadonlyMap<string, SelectedObject>,
  { purged, notPurged }: PurgeResult,
  invalid: number,
): Exit {
  const failures = new Map<string, string>();
  for (const [name, reason] of notPurged) failures.set(objects.get(name)?.input ?? name, reason);
  return reportNotDone(world, "NOT PURGED", purged.length, failures, invalid);
}

/** Prints a line about each object. */
function reportVerified(
  world: World,
  verified: readonly Verified[],
  { purged, notPurged }: PurgeResult,
  invalid: number,
): Exit {
  const { stderr, stdout, interrupted } = world;
  for (const { result, object, reason, time } of verified) {
    const line = `${result}: ${object}: ${reason}, ${new Date(time).toISOString()}`;
    print(stdout, visible(line));
  }

  const exit = logNotDone(world, "NOT PURGED", purged.length, notPurged, invalid);
  const unproved = verified.filter(({ result }) => result !== "proved");
  const all = counted(verified.length, "object");
  if (unproved.length > 0) {
    const summary = `NOT PROVED: ${count(unproved.length)} of ${all}. The lines on stdout say why.`;
    log(stderr, paint(world, stderr, "red", summary));
  } else if (verified.length > 0) {
    log(stderr, `Proved: ${all}. Nothing shows what is gone.`);
  }

  if (interrupted.aborted) return EXIT.interrupted;
  return exit === EXIT.done && unproved.length > 0 ? EXIT.partly : exit;
}

const DELETED_ARE_NOT_LISTED =
  "--prefix purges the objects that are there. Purge deleted ones by their names, or with --bucket.";

/** The object of a public URL may be in any bucket of its route: `media/a.jpg` → `media/a.jpg` and `archive/a.jpg`. */
function inAllBuckets({ objects }: Selection): ReadonlyMap<string, SelectedObject> {
  const all = [...objects.values()].flatMap((object) => {
    const { bucket, key: relativeKey, publicUrl } = object;
    const request = publicUrl && { ...publicUrl, relativeKey, key: bucket.prefix + relativeKey };
    const candidates = request ? objectsOf(request) : [object];
    return candidates.map(({ bucket }) => {
      return [`${bucket.name}/${relativeKey}`, { ...object, bucket }] as const;
    });
  });
  return new Map(all);
}
