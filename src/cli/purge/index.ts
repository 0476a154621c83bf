// vitrine purge: has the Worker purge all renditions of objects, by its own /purge, in portions that it accepts. With
// --verify it then requests them as visitors do. It deletes no object. The token goes only to a host that the
// configuration proves, and is never printed. The answer is not trusted.

import { Command } from "@commander-js/extra-typings";
import { readToken } from "../../worker/config/read-secrets.ts";
import { objectsOf } from "../../worker/request/resolve-request.ts";
import { isPlainObject, parseJson } from "../../worker/util/json.ts";
import type { CommandFault, Outcome, Run, World } from "../command.ts";
import { EXIT, isFault, log, paint } from "../command.ts";
import { openProjectSite, type ProjectSite } from "../config/project.ts";
import { isHere } from "../config/site-url.ts";
import { fetchBody } from "../http/body.ts";
import { createSender } from "../http/retry.ts";
import { envOption, OBJECTS, urlOption } from "../options.ts";
import { valuesOf } from "../secrets/secrets.ts";
import { count, counted, createProgress } from "../terminal/progress.ts";
import { commandLine, visible } from "../terminal/shell.ts";
import { createPlanner, sendRenditionRequests } from "../urls/rendition-requests.ts";
import { reportNotDone, type Selection, selectObjects } from "../urls/select-objects.ts";
import { hintFor } from "../wrangler/config-file.ts";

type Options = ReturnType<ReturnType<typeof define>["opts"]>;

export function purgeCommand(world: World, run: Run) {
  return define().action((names, options) => run(() => purge(world, names, options)));
}

function define() {
  return new Command("purge")
    .description(
      "drops all variants of objects from Workers Cache; from the store, if they are gone",
    )
    .argument("[objects...]", "objects, or public URLs of them; - is stdin, one on each line")
    .option("--prefix <prefix>", "all objects that begin with it, if your S3 key may list them")
    .option("--bucket <name>", "all of this bucket")
    .option("--everything", "all of every bucket")
    .option("--verify", "then asks for every variant in every format, and says what still comes")
    .addOption(envOption())
    .addOption(urlOption())
    .addHelpText("after", HELP);
}

const HELP = `
${OBJECTS}
The Worker's PURGE_TOKEN is in the environment, or in .dev.vars.
It prints the objects that were not purged on stdout. You can give them again.

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
  if (!hasNames) return purgeBuckets(world, purgeSite, bucket);
  const command = commandLine("purge", { verify, ...siteOptions });
  const selection = await selectObjects(world, site, names, prefix, command);
  if (isFault(selection)) return selection;
  const exit = await purgeObjects(world, purgeSite, inAllBuckets(selection));
  if (!verify || exit === EXIT.failed || selection.objects.size === 0) return exit;
  const verified = await verifyNotShown(world, site, selection);
  return exit === EXIT.done ? verified : exit;
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

/** @param bucket undefined: every bucket */
async function purgeBuckets(world: World, site: PurgeSite, bucket?: string): Promise<Outcome> {
  const [name, body] = bucket ? [`${bucket}/*`, { bucket }] : ["*", { everything: true }];
  const [reason] = (await purgeNames(world, site, [name], body)).values();
  if (reason !== undefined) return { fault: `${name} is not purged: ${reason}` };
  log(world.stderr, `Purged ${name} of ${site.baseUrl}.`);
  return EXIT.done;
}

async function purgeObjects(world: World, site: PurgeSite, selection: Selection): Promise<Outcome> {
  const { objects, invalid } = selection;
  const all = counted(objects.size, "object");
  log(world.stderr, `Purging ${all} of ${site.baseUrl}.`);
  const notPurged = await purgeNames(world, site, [...objects.keys()]);
  const done = objects.size - notPurged.size;
  if (done > 0) {
    log(world.stderr, `Purged ${count(done)} of ${all}. Browsers keep what they have for max_age.`);
  }
  const failures = new Map<string, string>();
  for (const [name, reason] of notPurged) failures.set(objects.get(name)?.input ?? name, reason);
  return reportNotDone(world, "NOT PURGED", done, failures, invalid);
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

/**
 * Has the Worker purge in portions. After a fault that would also fail the next request, it sends no more.
 * @param names as the Worker writes them: BUCKET/key; BUCKET/* or * for a whole bucket or all
 * @param whole the body that purges a whole bucket or all
 */
async function purgeNames(
  world: World,
  site: PurgeSite,
  names: readonly string[],
  whole?: object,
): Promise<NotPurged> {
  const failures = new Map<string, string>();
  const progress = createProgress(world, "objects", names.length);
  const post = createPurgeSender(world, site, whole);
  const maxObjects = site.config.store ? 20 : 200; // with a store, each needs a request to S3
  let stopped: string | undefined;
  for (let start = 0; start < names.length; start += maxObjects) {
    const portion = names.slice(start, start + maxObjects);
    if (stopped === undefined) {
      const result = await post(portion);
      stopped = result.stopped;
      for (const [name, reason] of result.notPurged) failures.set(name, stopped ?? reason);
    } else for (const name of portion) failures.set(name, `not sent, after: ${stopped}`);
    progress.step(portion.length);
  }
  progress.clear();
  return failures;
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
 * Creates a function that posts a portion. Where another try may help, it posts what the Worker has not purged yet.
 * It returns what is not purged, and why no further request would help: `stopped`.
 */
function createPurgeSender(world: World, site: PurgeSite, whole?: object) {
  const { now, interrupted: signal } = world;
  const { baseUrl, token, envConfig } = site;
  const send = createSender({ now, signal, ...LIMITS });
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  return async (portion: readonly string[]) => {
    let remaining: NotPurged = new Map(portion.map((name) => [name, ""]));
    const answer = await send(async () => {
      const body = JSON.stringify(whole ?? { objects: [...remaining.keys()] });
      const init = { method: "POST", headers, body, signal };
      const reply = await fetchBody(`${baseUrl}/purge`, init, TIMEOUT_S, () => MAX_BYTES);
      const report = readReport(new TextDecoder().decode(reply.bytes).replaceAll(token, "…"));
      // Whoever answers does not decide which names are printed, or counted as purged.
      const hasOtherNames = [...(report?.keys() ?? [])].some((name) => !remaining.has(name));
      if (report !== undefined && !hasOtherNames) remaining = report;
      return { ...reply, report, hasOtherNames };
    });
    const notPurged = remaining;
    if (answer === undefined) return { notPurged, stopped: "interrupted" };
    if (typeof answer === "string") return { notPurged, stopped: `${answer} from ${baseUrl}` };
    const { report, hasOtherNames, status } = answer;
    if (hasOtherNames) return { notPurged, stopped: "the Worker answers about other objects" };
    const reason = REASONS[status] ?? `the Worker answers ${status}: npx wrangler tail`;
    return { notPurged, stopped: report === undefined ? hintFor(envConfig, reason) : undefined };
  };
}

/** Parses the answer of the Worker's /purge. @returns undefined if it is something else */
function readReport(text: string): NotPurged | undefined {
  const report = parseJson(text);
  if (!isPlainObject(report) || !Array.isArray(report["not_purged"])) return undefined;
  const notPurged = new Map<string, string>();
  for (const entry of report["not_purged"]) {
    const { object, reason } = isPlainObject(entry) ? entry : {};
    if (typeof object !== "string") return undefined;
    notPurged.set(object, `${reason}`.slice(0, 300));
  }
  // A fault of the whole request names no object.
  return report["ok"] === true || notPurged.size > 0 ? notPurged : undefined;
}
