// vitrine purge: has the Worker purge all renditions of objects, by its own /purge, in portions that it accepts, and once
// more after the time that a run of the Worker may take: an isolate that dies could have stored an old picture just
// before, and nobody would delete it. With --verify it then requests what is gone as visitors do. It deletes no object.
// The token goes only to a host that the configuration proves, and is never printed. The answer is not trusted.

import { Command } from "@commander-js/extra-typings";
import { keyFault } from "../../url/key.ts";
import type { Bucket } from "../../worker/config/bucket.ts";
import { readToken } from "../../worker/config/read-secrets.ts";
import type { VerifiedObject } from "../../worker/purge/report.ts";
import { objectsOf } from "../../worker/request/resolve-request.ts";
import { isPlainObject, parseJson } from "../../worker/util/json.ts";
import type { CommandFault, Exit, Outcome, Run, World } from "../command.ts";
import { EXIT, isFault, log, paint } from "../command.ts";
import { openProjectSite, type ProjectSite } from "../config/project.ts";
import { isHere } from "../config/site-url.ts";
import { fetchBody } from "../http/body.ts";
import { createSender, sleep } from "../http/retry.ts";
import { objectNameOf, parsePrefix } from "../objects/bucket-key.ts";
import { envOption, OBJECTS, urlOption } from "../options.ts";
import { valuesOf } from "../secrets/secrets.ts";
import { count, counted, createProgress } from "../terminal/progress.ts";
import { commandLine, visible } from "../terminal/shell.ts";
import { createPlanner, sendRenditionRequests } from "../urls/rendition-requests.ts";
import {
  reportNotDone,
  type SelectedObject,
  type Selection,
  selectObjects,
} from "../urls/select-objects.ts";
import { hintFor } from "../wrangler/config-file.ts";

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
    .option("--verify", "then proves it, and asks for every variant of what is gone")
    .addOption(envOption())
    .addOption(urlOption())
    .addHelpText("after", HELP);
}

const HELP = `
${OBJECTS}
The Worker's PURGE_TOKEN is in the environment, or in .dev.vars.
It prints the objects that were not purged on stdout. You can give them again.
It purges twice, some seconds apart: a picture may just be on its way to the store.
--prefix lists what is there: name deleted objects, or purge their bucket.

Examples:
  npx vitrine purge photos/fig.jpg https://images.example.com/images/card/photos/friends.jpg
  npx vitrine purge - < keys.txt > left.txt
  npx vitrine purge --prefix photos/2026/
  npx vitrine purge --verify photos/deleted.jpg`;

async function purge(world: World, names: readonly string[], options: Options): Promise<Outcome> {
  const { prefix, bucket, everything, verify, ...siteOptions } = options;
  const hasNames = names.length > 0 || prefix !== undefined;
  const isOneSelection = [hasNames, bucket !== undefined, everything].filter(Boolean).length === 1;
  if (!isOneSelection || (verify && !hasNames)) {
    const all = "objects, or a --prefix, or - for objects on stdin; or --bucket; or --everything";
    log(world.stderr, `Name ${all}. --verify needs objects: npx vitrine purge --help`);
    return EXIT.usage;
  }
  if (siteOptions.url !== undefined && isHere(siteOptions.url)) {
    return { fault: "The local run has no Workers Cache: nothing to purge" };
  }
  const site = openProjectSite(world, siteOptions);
  if (isFault(site)) return site;
  const buckets = site.config.buckets.map(({ name }) => name);
  if (bucket !== undefined && !buckets.includes(bucket)) {
    return { fault: `--bucket ${bucket}: there is no such bucket. There is ${buckets.join(", ")}` };
  }
  const token = readPurgeToken(site);
  if (isFault(token)) return token;
  const purgeSite = { ...site, token };
  if (!hasNames) return purgeWhole(world, purgeSite, bucket);

  // Nothing on this machine can open an R2 binding, so the Worker lists it.
  const r2Prefix = prefix === undefined ? undefined : readR2Prefix(site, prefix);
  if (isFault(r2Prefix)) return r2Prefix;

  const command = commandLine("purge", { verify, ...siteOptions });
  const listedHere = r2Prefix === undefined ? prefix : undefined;
  const selection = await selectObjects(world, site, names, listedHere, command);
  if (isFault(selection)) return selection;
  if (prefix !== undefined) log(world.stderr, DELETED_ARE_NOT_LISTED);

  let listed: Listed = { objects: new Map(), purged: new Set(), deleted: 0 };
  if (r2Prefix !== undefined) {
    const result = await purgeListed(world, purgeSite, r2Prefix);
    if (isFault(result)) return result;
    listed = result;
  }

  const named = inAllBuckets(selection);
  const all = { ...named, objects: new Map([...named.objects, ...listed.objects]) };
  const purged = await purgeObjects(world, purgeSite, all, listed, verify === true);
  const { exit } = purged;
  if (!verify || exit === EXIT.failed || all.objects.size === 0) return exit;
  if (world.interrupted.aborted) return EXIT.interrupted;

  const verified = await verifyObjects(world, site, all, purged.states);
  return exit === EXIT.done ? verified : exit;
}

const DELETED_ARE_NOT_LISTED =
  "--prefix purges the objects that are there. Purge deleted ones by their names, or with --bucket.";

/** A prefix of names in a bucket that is an R2 binding. `name`: with the bucket, as the Worker wants it. */
type R2Prefix = { readonly bucket: Bucket; readonly name: string };

/** @returns undefined if the bucket is listed with a key of S3 */
function readR2Prefix(
  { config }: ProjectSite,
  prefix: string,
): R2Prefix | CommandFault | undefined {
  const parsed = parsePrefix(config.buckets, prefix);
  if (isFault(parsed)) return { fault: `--prefix ${prefix}: ${parsed.fault}` };

  const { bucket, key } = parsed;
  return bucket.r2 ? { bucket, name: `${bucket.name}/${key}` } : undefined;
}

/** The object of a public URL may be in any bucket of its route: `media/a.jpg` → `media/a.jpg` and `archive/a.jpg`. */
function inAllBuckets({ objects, invalid }: Selection): Selection {
  const all = [...objects.values()].flatMap((object) => {
    const { bucket, key: relativeKey, publicUrl } = object;
    const request = publicUrl && { ...publicUrl, relativeKey, key: bucket.prefix + relativeKey };
    const candidates = request ? objectsOf(request) : [object];
    return candidates.map(({ bucket }) => {
      return [`${bucket.name}/${relativeKey}`, { ...object, bucket }] as const;
    });
  });
  return { objects: new Map(all), invalid };
}

/** How often the Worker may delete nothing in a row, although something is left. */
const MAX_IDLE = 5;

/** How long to wait before a purge that is not finished goes on: ms. */
const PAUSE_MS = 1_000;

/** Purges a bucket or everything, twice. @param bucket undefined: every bucket */
async function purgeWhole(world: World, site: PurgeSite, bucket?: string): Promise<Outcome> {
  const [name, body] = bucket ? [`${bucket}/*`, { bucket }] : ["*", { everything: true }];

  const first = await purgeUntilDone(world, site, name, body);
  if (isFault(first)) return first;
  const isOver = await waitForRuns(world, site);
  if (!isOver) return EXIT.interrupted;
  const second = await purgeUntilDone(world, site, name, body);
  if (isFault(second)) return second;

  log(world.stderr, `Purged ${name} of ${site.baseUrl}. ${browsersText(site)}`);
  logDeleted(world, first.deleted + second.deleted, second.left);
  return EXIT.done;
}

/** Sends the same purge as long as the Worker says that something is left. @param name as the Worker writes it */
async function purgeUntilDone(
  world: World,
  site: PurgeSite,
  name: string,
  body: object,
): Promise<Pick<PurgeReport, "deleted" | "left"> | CommandFault> {
  const post = createPurgeClient(world, site);
  const progress = createProgress(world, "stored renditions");
  let deleted = 0;
  let after: string | undefined;
  let idle = 0;

  for (;;) {
    const request = { ...body, ...(after !== undefined && { after }) };
    const answer = await post(
      () => request,
      (report) => isAbout(report, [name]),
    );
    if (isFault(answer)) return { fault: `${name} is not purged: ${answer.fault}` };

    progress.step(answer.deleted);
    deleted += answer.deleted;
    const [reason] = answer.notPurged.values();
    if (reason === undefined) {
      progress.clear();
      return { deleted, left: answer.left };
    }

    const isProgress = answer.deleted > 0 || answer.after !== after;
    idle = isProgress ? 0 : idle + 1;
    if (!answer.left || idle === MAX_IDLE) return { fault: `${name} is not purged: ${reason}` };

    after = answer.after;
    await sleep(PAUSE_MS, world.interrupted);
  }
}

/**
 * Waits as long as a run of the Worker may take. A run that began before the purge has asked S3 once more by then; or its
 * isolate has died, and what it stored is to be deleted by the second purge.
 * @returns false after Ctrl-C
 */
async function waitForRuns(world: World, { config }: PurgeSite): Promise<boolean> {
  const { timeout } = config.answers;
  const reason = "a picture may be on its way to the store";
  log(world.stderr, `Waiting for ${timeout} s, to purge once more: ${reason}.`);
  await sleep(timeout * 1000, world.interrupted);
  return !world.interrupted.aborted;
}

const browsersText = ({ config }: ProjectSite) =>
  `Browsers keep what they have for max_age: ${count(config.answers.max_age)} s.`;

/** Objects that the Worker has listed, and the names of those that it has purged. */
type Listed = {
  readonly objects: ReadonlyMap<string, SelectedObject>;
  readonly purged: ReadonlySet<string>;
  readonly deleted: number;
};

/** Has the Worker list and purge a prefix, portion by portion. */
async function purgeListed(
  world: World,
  site: PurgeSite,
  prefix: R2Prefix,
): Promise<Listed | CommandFault> {
  const { buckets } = site.config;
  const { bucket, name: namePrefix } = prefix;
  const post = createPurgeClient(world, site);
  const progress = createProgress(world, "listed objects");
  const objects = new Map<string, SelectedObject>();
  const purged = new Set<string>();
  let deleted = 0;
  let after: string | undefined;

  for (;;) {
    const request = { prefix: namePrefix, ...(after !== undefined && { after }) };
    const isListed = (report: PurgeReport) =>
      namesIn(report).every((name) => isBelow(prefix, name));
    const answer = await post(() => request, isListed);
    if (isFault(answer)) return { fault: `${namePrefix}* is not purged: ${answer.fault}` };

    const names = namesIn(answer);
    for (const name of names) {
      const key = name.slice(bucket.name.length + 1);
      objects.set(name, { bucket, key, input: objectNameOf(buckets, { bucket, key }) });
    }
    for (const name of answer.purged) purged.add(name);
    deleted += answer.deleted;
    progress.step(names.length);

    if (answer.after === undefined || answer.after === after) {
      progress.clear();
      return { objects, purged, deleted };
    }
    after = answer.after;
  }
}

const namesIn = ({ purged, notPurged }: PurgeReport) => [...purged, ...notPurged.keys()];

/** Returns whether a name of the Worker's answer can be one of the prefix. */
function isBelow({ bucket, name: prefix }: R2Prefix, name: string): boolean {
  const key = bucket.prefix + name.slice(bucket.name.length + 1);
  return name.startsWith(prefix) && keyFault(key) === undefined;
}

/** What became of objects: the exit code, and what S3 says of each. */
type Purged = { readonly exit: Exit; readonly states: ReadonlyMap<string, ObjectState> };

/** @param listed what the Worker has listed, and mostly purged, already */
async function purgeObjects(
  world: World,
  site: PurgeSite,
  { objects, invalid }: Selection,
  listed: Listed,
  verify: boolean,
): Promise<Purged> {
  const all = counted(objects.size, "object");
  log(world.stderr, `Purging ${all} of ${site.baseUrl}.`);

  const unpurged = [...objects.keys()].filter((name) => !listed.purged.has(name));
  const first = await purgeNames(world, site, unpurged, false);
  const onceDone = [...objects.keys()].filter((name) => !first.notPurged.has(name));
  const second = await purgeAgain(world, site, onceDone, verify);

  const notPurged = new Map([...first.notPurged, ...second.notPurged]);
  const done = objects.size - notPurged.size;
  if (done > 0) log(world.stderr, `Purged ${count(done)} of ${all}. ${browsersText(site)}`);
  if (notPurged.size === 0) {
    logDeleted(world, listed.deleted + first.deleted + second.deleted, second.left);
  }

  const failures = new Map<string, string>();
  for (const [name, reason] of notPurged) failures.set(objects.get(name)?.input ?? name, reason);
  const exit = reportNotDone(world, "NOT PURGED", done, failures, invalid);
  return { exit, states: second.states };
}

/** @param names what the first purge has done */
async function purgeAgain(
  world: World,
  site: PurgeSite,
  names: readonly string[],
  verify: boolean,
): Promise<NamesPurged> {
  const isOver = names.length === 0 || (await waitForRuns(world, site));
  if (isOver) return purgeNames(world, site, names, verify);

  const reason = "interrupted before it was purged once more";
  const notPurged = new Map(names.map((name) => [name, reason]));
  return { notPurged, deleted: 0, left: undefined, states: new Map() };
}

/** @param left what the last answers say. Without their `false`, nothing is proved */
function logDeleted(world: World, deleted: number, left: boolean | undefined): void {
  if (left !== false) return;
  const renditions = counted(deleted, "rendition");
  log(world.stderr, `Deleted ${renditions} from the store. A second list shows that none is left.`);
}

/** Proves that objects are not shown any more, as far as they are gone. */
async function verifyObjects(
  world: World,
  site: ProjectSite,
  { objects }: Selection,
  states: ReadonlyMap<string, ObjectState>,
): Promise<Outcome> {
  const { stderr } = world;
  const gone = new Map<string, SelectedObject>();
  const existing: string[] = [];
  const unknown: string[] = [];

  // A public URL may stand for an object in each of several buckets.
  for (const [input, entries] of Map.groupBy(objects, ([, { input }]) => input)) {
    const inputStates = entries.map(([name]) => states.get(name) ?? "unknown");
    if (inputStates.includes("there")) existing.push(input);
    else if (inputStates.includes("unknown")) unknown.push(input);
    else for (const [name, object] of entries.slice(0, 1)) gone.set(name, object);
  }

  if (existing.length > 0) {
    const text = `S3 has ${counted(existing.length, "object")}`;
    log(stderr, `${text}: of these, no picture is asked for. ${browsersText(site)}`);
  }
  const problems = unknown.map(
    (input) => `  not known: ${input}: S3 does not say whether it exists`,
  );
  log(stderr, ...problems.map(visible));

  const isUnknown = unknown.length > 0;
  if (gone.size === 0) return isUnknown ? EXIT.partly : EXIT.done;

  const exit = await verifyNotShown(world, site, { objects: gone, invalid: 0 });
  return isUnknown && exit === EXIT.done ? EXIT.partly : exit;
}

/** Requests objects as visitors do, in every variant and format, and prints each answer that is not a 404. */
async function verifyNotShown(
  world: World,
  site: ProjectSite,
  selection: Selection,
): Promise<Outcome> {
  const { stderr } = world;
  const { baseUrl } = site;
  const objects = [...selection.objects.values()];
  const plan = createPlanner(site, "all");
  if (isFault(plan)) throw new Error(plan.fault); // no preset is chosen that might be missing
  const requests = objects.flatMap(plan);
  const requested = new Set(requests.map(({ input }) => input));
  const notRequested = objects.filter(({ input }) => !requested.has(input));
  const problems = notRequested.map(({ input }) => `not asked for: ${input}: no route shows it`);
  log(stderr, `Asking for ${counted(requests.length, "rendition")} of ${baseUrl}, as visitors do.`);
  const stopped = await sendRenditionRequests(world, baseUrl, requests, (request, answer) => {
    const rendition = `${request.path}, by a browser that reads ${request.browser}`;
    if (answer.kind === "picture") {
      problems.push(`still comes: ${rendition}: cache ${answer.cache}`);
    } else if (answer.reason !== "404") {
      problems.push(`not known: ${rendition}: ${answer.reason}`);
    }
    return undefined;
  });
  if (world.interrupted.aborted) return EXIT.interrupted;
  if (stopped) problems.push(`not asked for: ${stopped.fault}`);
  log(stderr, ...problems.map((problem) => visible(`  ${problem}`)));
  if (problems.length === 0) {
    log(stderr, `Nothing comes: ${counted(requests.length, "answer")}, all 404.`);
    return EXIT.done;
  }
  const summary = `NOT GONE, or not known: ${problems.length}, as named above.`;
  log(stderr, paint(world, stderr, "red", summary));
  return EXIT.partly;
}

/** `token`: PURGE_TOKEN. */
type PurgeSite = ProjectSite & { readonly token: string };

function readPurgeToken({ secrets }: ProjectSite): string | CommandFault {
  if (!secrets.has("PURGE_TOKEN")) {
    const remedy = "Give the Worker one, and put the same into the environment here";
    return { fault: `PURGE_TOKEN is missing. ${remedy}: docs/purge-and-warm.md#purge` };
  }
  const token = readToken(valuesOf(secrets), "PURGE_TOKEN");
  return token ?? { fault: "PURGE_TOKEN is not 32 or more ASCII characters" };
}

type NotPurged = ReadonlyMap<string, string>;

/** What S3 says of an object: `denied` may be there or not. */
type ObjectState = VerifiedObject["state"];

type NamesPurged = {
  readonly notPurged: NotPurged;
  readonly deleted: number;
  /** False if this holds for each portion. */
  readonly left: boolean | undefined;
  readonly states: ReadonlyMap<string, ObjectState>;
};

/** So many objects are purged in one request, with and without a store. The Worker has the same limits. */
const MAX_OBJECTS = { store: 8, noStore: 200 };

/**
 * Has the Worker purge in portions. After a fault that would also fail the next request, it sends no more.
 * @param names as the Worker writes them: BUCKET/key
 */
async function purgeNames(
  world: World,
  site: PurgeSite,
  names: readonly string[],
  verify: boolean,
): Promise<NamesPurged> {
  const failures = new Map<string, string>();
  const states = new Map<string, ObjectState>();
  const progress = createProgress(world, "objects", names.length);
  const post = createPurgeClient(world, site);
  const maxObjects = site.config.store ? MAX_OBJECTS.store : MAX_OBJECTS.noStore;
  let deleted = 0;
  let isEmpty = names.length > 0;
  let stopped: string | undefined;

  for (let start = 0; start < names.length; start += maxObjects) {
    const portion = names.slice(start, start + maxObjects);
    progress.step(portion.length);
    if (stopped !== undefined) {
      for (const name of portion) failures.set(name, `not sent, after: ${stopped}`);
      continue;
    }

    // Where another try may help, only what is not purged yet is sent again.
    let left: boolean | undefined;
    let remaining: NotPurged = new Map(portion.map((name) => [name, ""]));
    const createBody = () => ({ objects: [...remaining.keys()], ...(verify && { verify }) });
    const take = (report: PurgeReport) => {
      if (!isAbout(report, [...remaining.keys()])) return false;
      remaining = report.notPurged;
      deleted += report.deleted;
      left = report.left;
      for (const [name, state] of report.states) states.set(name, state);
      return true;
    };
    const answer = await post(createBody, take);
    if (isFault(answer)) stopped = answer.fault;
    if (left !== false) isEmpty = false;
    for (const [name, reason] of remaining) failures.set(name, stopped ?? reason);
  }
  progress.clear();
  return { notPurged: failures, deleted, left: isEmpty ? false : undefined, states };
}

/** The Worker answers in less than 4 s. */
const TIMEOUT_S = 30;
const MAX_BYTES = 1_000_000;
const REASONS: Readonly<Record<number, string>> = {
  401: "the PURGE_TOKEN at hand is not the Worker's",
  404: "the Worker has no PURGE_TOKEN: npx wrangler secret put PURGE_TOKEN",
};
const LIMITS = { retries: 4, statuses: [429, 502, 503, 504], maxWaitMs: 310_000 };

/**
 * Creates a function that posts to /purge, and again where another try may help.
 * `createBody` is called for each try. `take` gets each report, and returns whether it is about what was sent.
 * It returns the last report, or why no further request would help.
 */
function createPurgeClient(world: World, site: PurgeSite) {
  const { now, interrupted: signal } = world;
  const { baseUrl, token, envConfig } = site;
  const send = createSender({ now, signal, ...LIMITS });
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };

  return async (
    createBody: () => object,
    take: (report: PurgeReport) => boolean,
  ): Promise<PurgeReport | CommandFault> => {
    const answer = await send(async () => {
      const init = { method: "POST", headers, body: JSON.stringify(createBody()), signal };
      const reply = await fetchBody(`${baseUrl}/purge`, init, TIMEOUT_S, () => MAX_BYTES);
      const report = readReport(new TextDecoder().decode(reply.bytes).replaceAll(token, "…"));

      // Whoever answers does not decide which names are printed, or counted as purged.
      const isForeign = report !== undefined && !take(report);

      // A purge that has come a step further goes on by another request, and not by the same one once more.
      const isStep = report?.after !== undefined || (report?.left && report.deleted > 0);
      return { ...reply, status: isStep ? 200 : reply.status, report, isForeign };
    });

    if (answer === undefined) return { fault: "interrupted" };
    if (typeof answer === "string") return { fault: `${answer} from ${baseUrl}` };
    const { report, isForeign, status } = answer;
    if (isForeign) return { fault: "the Worker answers about other objects" };
    if (report) return report;

    const reason = REASONS[status] ?? `the Worker answers ${status}: npx wrangler tail`;
    return { fault: hintFor(envConfig, reason) };
  };
}

/** The answer of the Worker's /purge. */
type PurgeReport = {
  readonly purged: readonly string[];
  readonly notPurged: NotPurged;
  readonly deleted: number;
  /** False if a last list of the store shows that nothing is left. Undefined: there is no store. */
  readonly left: boolean | undefined;
  /** Where the next request goes on. */
  readonly after: string | undefined;
  readonly states: ReadonlyMap<string, ObjectState>;
};

/** Returns whether a report names nothing but what was sent. */
function isAbout({ notPurged, states }: PurgeReport, names: readonly string[]): boolean {
  const sent = new Set(names);
  return [...notPurged.keys(), ...states.keys()].every((name) => sent.has(name));
}

const STATES: readonly unknown[] = ["there", "missing", "denied", "unknown"];
const isState = (value: unknown): value is ObjectState => STATES.includes(value);

/** Parses the answer of the Worker's /purge. @returns undefined if it is something else */
function readReport(text: string): PurgeReport | undefined {
  const report = parseJson(text);
  if (!isPlainObject(report) || !Array.isArray(report["not_purged"])) return undefined;

  const notPurged = new Map<string, string>();
  for (const entry of report["not_purged"]) {
    const { object, reason } = isPlainObject(entry) ? entry : {};
    if (typeof object !== "string") return undefined;
    notPurged.set(object, `${reason}`.slice(0, 300));
  }

  const states = new Map<string, ObjectState>();
  const verified = Array.isArray(report["verified"]) ? report["verified"] : [];
  for (const entry of verified) {
    const { object, state } = isPlainObject(entry) ? entry : {};
    if (typeof object !== "string" || !isState(state)) return undefined;
    states.set(object, state);
  }

  // A fault of the whole request names no object.
  const { ok, left: isLeft, deleted, after, purged: purgedNames } = report;
  const left = typeof isLeft === "boolean" ? isLeft : undefined;
  if (ok !== true && notPurged.size === 0 && !left) return undefined;

  const purged = Array.isArray(purgedNames) ? purgedNames : [];
  return {
    purged: purged.filter((name) => typeof name === "string"),
    notPurged,
    deleted: typeof deleted === "number" ? deleted : 0,
    left,
    after: typeof after === "string" ? after : undefined,
    states,
  };
}
