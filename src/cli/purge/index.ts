// vitrine purge: has the Worker drop all renditions of objects, by its own /purge, in portions that it takes. With
// --verify it then asks for them as visitors do. It deletes no object. The token goes only to a host that the
// configuration proves, and is never printed. The answer is not trusted.

import { Command } from "@commander-js/extra-typings";
import { readToken } from "../../worker/config/read-secrets.ts";
import { objectsOf } from "../../worker/request/resolve-request.ts";
import { isPlainObject, parseJson } from "../../worker/util/json.ts";
import type { End, Fault, Run, World } from "../command.ts";
import { EXIT, isFault, paint, say } from "../command.ts";
import { openSite, type Site } from "../config/project.ts";
import { isHere } from "../config/site-url.ts";
import { fetchBody } from "../http/body.ts";
import { createSender } from "../http/retry.ts";
import { envOption, OBJECTS, urlOption } from "../options.ts";
import { valuesOf } from "../secrets/secrets.ts";
import { count, counted, createProgress } from "../terminal/progress.ts";
import { commandLine, visible } from "../terminal/shell.ts";
import { type GivenObjects, gatherObjects, reportNotDone } from "../urls/object-arguments.ts";
import { askRenditions, createPlanner } from "../urls/rendition-requests.ts";
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
    .addHelpText(
      "after",
      `
${OBJECTS}
The Worker's PURGE_TOKEN is in the environment, or in .dev.vars.
It prints the objects that were not purged on stdout. You can give them again.

Examples:
  npx vitrine purge photos/fig.jpg https://images.example.com/images/card/photos/friends.jpg
  npx vitrine purge - < keys.txt > left.txt
  npx vitrine purge --prefix photos/2026/
  npx vitrine purge --verify photos/deleted.jpg`,
    );
}

async function purge(world: World, names: readonly string[], options: Options): Promise<End> {
  const { prefix, bucket, everything, verify, ...place } = options;
  const areNamed = names.length > 0 || prefix !== undefined;
  const isOne = [areNamed, bucket !== undefined, everything].filter(Boolean).length === 1;
  if (!isOne || (verify && !areNamed)) {
    const all = "objects, or a --prefix, or - for objects on stdin; or --bucket; or --everything";
    say(world.stderr, `Name ${all}. --verify needs objects: npx vitrine purge --help`);
    return EXIT.usage;
  }
  if (place.url !== undefined && isHere(place.url)) {
    return { fault: "The local run has no Workers Cache: nothing to purge" };
  }
  const site = openSite(world, place);
  if (isFault(site)) return site;
  const buckets = site.config.buckets.map(({ name }) => name);
  if (bucket !== undefined && !buckets.includes(bucket)) {
    const known = buckets.join(", ");
    return { fault: `--bucket ${bucket}: there is no such bucket. There is ${known}` };
  }
  const token = readPurgeToken(site);
  if (isFault(token)) return token;
  const worker = { ...site, token };
  if (!areNamed) return purgeWhole(world, worker, bucket);
  const command = commandLine("purge", { verify, ...place });
  const given = await gatherObjects(world, site, names, prefix, command);
  if (isFault(given)) return given;
  const exit = await purgeGiven(world, worker, withAllBuckets(given));
  if (!verify || exit === EXIT.failed || given.objects.size === 0) return exit;
  const verified = await verifyGone(world, site, given);
  return exit === EXIT.done ? verified : exit;
}

/** What a URL shows may be in any bucket of its route: it means the object of each. */
function withAllBuckets({ objects, impossible }: GivenObjects): GivenObjects {
  const all = [...objects.values()].flatMap((one) => {
    const { bucket, key: object, place } = one;
    const meant = place && objectsOf({ ...place, object, key: bucket.prefix + object }, {});
    return (meant ?? [one]).map(({ bucket }) => ({ ...one, bucket }));
  });
  const named = all.map((one) => [`${one.bucket.name}/${one.key}`, one] as const);
  return { objects: new Map(named), impossible };
}

/** @param bucket undefined: every bucket */
async function purgeWhole(world: World, worker: Worker, bucket: string | undefined): Promise<End> {
  const [name, body] = bucket ? [`${bucket}/*`, { bucket }] : ["*", { everything: true }];
  const [reason] = (await purgeNames(world, worker, [name], body)).values();
  if (reason !== undefined) return { fault: `${name} is not purged: ${reason}` };
  say(world.stderr, `Purged ${name} of ${worker.base}.`);
  return EXIT.done;
}

async function purgeGiven(world: World, worker: Worker, given: GivenObjects): Promise<End> {
  const { objects, impossible } = given;
  const all = counted(objects.size, "object");
  say(world.stderr, `Purging ${all} of ${worker.base}.`);
  const notPurged = await purgeNames(world, worker, [...objects.keys()]);
  const done = objects.size - notPurged.size;
  if (done > 0) {
    say(world.stderr, `Purged ${count(done)} of ${all}. Browsers keep what they have for max_age.`);
  }
  const left = new Map<string, string>();
  for (const [name, reason] of notPurged) left.set(objects.get(name)?.given ?? name, reason);
  return reportNotDone(world, "NOT PURGED", done, left, impossible);
}

/** Asks for objects as visitors do, in every variant and format, and says what still comes: nothing may. */
async function verifyGone(world: World, site: Site, given: GivenObjects): Promise<End> {
  const { stderr } = world;
  const { base } = site;
  const objects = [...given.objects.values()];
  const plan = createPlanner(site, "all");
  if (isFault(plan)) throw new Error(plan.fault); // no preset is chosen that might be missing
  const requests = objects.flatMap(plan);
  const isAsked = new Set(requests.map(({ given }) => given));
  const unasked = objects.filter(({ given }) => !isAsked.has(given)); // that is no proof
  const problems = unasked.map(({ given }) => `not asked for: ${given}: no route shows it`);
  say(stderr, `Asking for ${counted(requests.length, "rendition")} of ${base}, as visitors do.`);
  const stopped = await askRenditions(world, base, requests, (request, answer) => {
    const rendition = `${request.path}, by a browser that reads ${request.browser}`;
    if ("bytes" in answer) problems.push(`still comes: ${rendition}: cache ${answer.cache}`);
    else if (answer.reason !== "404") problems.push(`not known: ${rendition}: ${answer.reason}`);
    return undefined;
  });
  if (world.interrupted.aborted) return EXIT.interrupted;
  if (stopped) problems.push(`not asked for: ${stopped.fault}`);
  say(stderr, ...problems.map((problem) => visible(`  ${problem}`)));
  if (problems.length === 0) {
    say(stderr, `Nothing comes: ${counted(requests.length, "answer")}, all 404.`);
    return EXIT.done;
  }
  const summary = `NOT GONE, or not known: ${problems.length}, as named above.`;
  say(stderr, paint(world, stderr, "red", summary));
  return EXIT.partly;
}

/** `token`: for /purge. */
type Worker = Site & { readonly token: string };

function readPurgeToken({ secrets }: Site): string | Fault {
  if (!secrets.has("PURGE_TOKEN")) {
    const remedy = "Give the Worker one, and put the same into the environment here";
    return { fault: `PURGE_TOKEN is missing. ${remedy}: docs/purge-and-warm.md#purge` };
  }
  const token = readToken(valuesOf(secrets), "PURGE_TOKEN");
  return token ?? { fault: "PURGE_TOKEN is not 32 or more ASCII characters" };
}

type Report = ReadonlyMap<string, string>;

/**
 * Has the Worker purge. After a fault that another request would meet, too, it sends no more.
 * @param names as the Worker writes them: BUCKET/key; BUCKET/* or * for a whole bucket or all
 * @param whole the body that asks for a whole bucket or all
 */
async function purgeNames(
  world: World,
  worker: Worker,
  names: readonly string[],
  whole?: object,
): Promise<Report> {
  const left = new Map<string, string>();
  const progress = createProgress(world, "objects", names.length);
  const post = createPoster(world, worker, whole);
  const maxObjects = worker.config.store ? 20 : 200; // with a store, S3 is asked for each
  let stopped: string | undefined;
  for (let at = 0; at < names.length; at += maxObjects) {
    const portion = names.slice(at, at + maxObjects);
    if (stopped === undefined) {
      const result = await post(portion);
      ({ stopped } = result);
      for (const [name, reason] of result.notPurged) left.set(name, stopped ?? reason);
    } else for (const name of portion) left.set(name, `not sent, after: ${stopped}`);
    progress.step(portion.length);
  }
  progress.end();
  return left;
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
 * Creates a function that posts a portion, and posts what is left of it again if that may help.
 * @returns with `stopped`, if the next request would not help either
 */
function createPoster(world: World, { base, token, known }: Worker, whole?: object) {
  const { now, interrupted: signal } = world;
  const send = createSender({ now, signal, ...LIMITS });
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  return async (portion: readonly string[]) => {
    let notPurged: Report = new Map(portion.map((name) => [name, ""]));
    const answer = await send(async () => {
      const body = JSON.stringify(whole ?? { objects: [...notPurged.keys()] });
      const init = { method: "POST", headers, body, signal };
      const reply = await fetchBody(`${base}/purge`, init, TIMEOUT_S, () => MAX_BYTES);
      const report = readReport(new TextDecoder().decode(reply.bytes).replaceAll(token, "…"));
      // Whoever answers does not decide which names are printed, or counted as purged.
      const isForeign = [...(report?.keys() ?? [])].some((name) => !notPurged.has(name));
      if (report !== undefined && !isForeign) notPurged = report;
      return { ...reply, report, isForeign };
    });
    if (answer === undefined) return { notPurged, stopped: "interrupted" };
    if (typeof answer === "string") return { notPurged, stopped: `${answer} from ${base}` };
    const { report, isForeign, status } = answer;
    if (isForeign) return { notPurged, stopped: "the Worker answers about other objects" };
    const reason = REASONS[status] ?? `the Worker answers ${status}: npx wrangler tail`;
    return { notPurged, stopped: report === undefined ? hintFor(known, reason) : undefined };
  };
}

/** Reads what the Worker's /purge writes. @returns undefined if it is something else */
function readReport(text: string): Report | undefined {
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
