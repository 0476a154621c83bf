// vitrine doctor: reports what is wrong, what visitors were seen to get of it, and how to fix it. First it looks at
// everything once, then each check judges what was seen. It sends GETs alone, and changes nothing: only --write-events, which
// somebody must ask for, puts an object into a bucket.

import { once } from "node:events";
import { Command } from "@commander-js/extra-typings";
import type { Bucket } from "../../worker/config/bucket.ts";
import type { Config } from "../../worker/config/config.ts";
import type { BucketHealth } from "../../worker/operator.ts";
import type { CommandFault, Exit, Outcome, Run, World } from "../command.ts";
import { align, EXIT, isFault, isMistake, log, paint, print, withPages } from "../command.ts";
import { bucketsOf } from "../config/buckets.ts";
import { readEnvironment } from "../config/environment-config.ts";
import { locatedText } from "../config/mistakes.ts";
import { observeEvents } from "../config/observe-events.ts";
import type { OpenOptions, Project, ProjectSite } from "../config/project.ts";
import { openProject, openProjectSite } from "../config/project.ts";
import { findBaseUrl, isHere } from "../config/site-url.ts";
import { sleep } from "../http/retry.ts";
import { type BucketKey, parseObjectName } from "../objects/bucket-key.ts";
import { findKeyOwner, type KeyOwner } from "../objects/find-key-owner.ts";
import { envOption, OBJECTS, secretsFileOption, tokenOption } from "../options.ts";
import { readVisitorToken } from "../secrets/visitor-token.ts";
import { counted } from "../terminal/progress.ts";
import { visible } from "../terminal/shell.ts";
import { chooseEnvironment } from "../wrangler/config-file.ts";
import { wranglerAt } from "../wrangler/run-wrangler.ts";
import { checkConfiguration } from "./configuration.ts";
import { checkEngine } from "./engine.ts";
import { checkEvents } from "./events.ts";
import { CHECKS, completeFindings, type Finding, type Severity } from "./finding.ts";
import {
  checkDeployed,
  checkHealthReport,
  checkStore,
  checkWorkerListRight,
  checkWorkerSlots,
} from "./health.ts";
import { checkImages, checkWorkersCache } from "./image.ts";
import { checkBucketReply, checkKeysAtHand, checkListRight, checkSecretsAtHand } from "./keys.ts";
import { checkParameter, checkPublicAccess, checkSamples } from "./objects.ts";
import {
  addImpacts,
  type Observations,
  reportOf,
  tokenAdvice,
  zoneOfSite,
} from "./observations.ts";
import { type BucketSeen, observeBucket } from "./observe-bucket.ts";
import { observeIssuers } from "./observe-issuers.ts";
import { observeSite } from "./observe-site.ts";
import { checkOwnIssuer, checkRole, type OwnIssuerSeen, observeOwnIssuer } from "./role.ts";
import { checkSideDoor } from "./side-door.ts";
import { checkIssuers, checkTokenRoutes } from "./token.ts";
import { bucketToWrite, type DoctorTools, writeEvents } from "./write-events.ts";
import { checkOtherZones, checkZoneDoors, checkZoneOfSite, readZones } from "./zone.ts";

type Options = OpenOptions & {
  readonly json?: true | undefined;
  /** The file of a visitor's token. */
  readonly token?: string | undefined;
  /** The bucket to write into; `true`: the only one. */
  readonly writeEvents?: string | true | undefined;
};

const TOOLS: DoctorTools = { run: wranglerAt(), sleep };

export function doctorCommand(world: World, run: Run, tools: DoctorTools = TOOLS) {
  return new Command("doctor")
    .description("checks the configuration, the keys, the buckets, and what is deployed")
    .argument("[objects...]", "objects to check, such as photos/fig.jpg")
    .addOption(envOption())
    .option("-u, --url <url>", "check the Vitrine at this URL, too; on this machine: the local run")
    .addOption(secretsFileOption())
    .addOption(tokenOption())
    .option("--json", "prints JSON")
    .option(
      "--write-events [bucket]",
      "put and delete an object in the bucket, and wait for its event; needs --url",
    )
    .addHelpText("after", HELP)
    .action((objects, options) => run(() => examine(world, options, objects, tools)));
}

const HELP = `
The doctor asks S3 with each key at hand, then the deployed Worker. The edge makes a rendition for each
route, which is counted as usual. With HEALTH_TOKEN among the secrets, it also reads /healthz, and learns
why a picture is refused. A picture of a route with token is requested only with the token of a visitor who may
see it. With CLOUDFLARE_SETUP_TOKEN, or else CLOUDFLARE_API_TOKEN, in the environment, it reads the zone's settings.
It sends GETs alone, and changes nothing. --write-events alone writes: one object below vitrine-doctor/, by
wrangler into R2, by a key at hand into any other S3.
${OBJECTS}

Checks:
${align(Object.entries(CHECKS).map(([name, question]) => [`  ${name}`, question])).join("\n")}

Examples:
  npx vitrine doctor
  npx vitrine doctor photos/fig.jpg --url https://images.example.com
  npx vitrine doctor --url https://images.example.com --write-events
  npx vitrine doctor --url http://localhost:8787`;

/** What is checked of each bucket at S3 itself, in the order of the report. */
const BUCKET_CHECKS = [
  checkSecretsAtHand,
  checkBucketReply,
  checkKeysAtHand,
  checkListRight,
  checkSamples,
  checkParameter,
  checkPublicAccess,
] satisfies readonly ((seen: Observations, bucket: BucketSeen) => Finding[])[];

/** What is checked of the site as a whole. */
const SITE_CHECKS = [
  checkDeployed,
  checkHealthReport,
  checkStore,
  checkEvents,
] satisfies readonly ((seen: Observations) => Finding[])[];

/** What is checked of each bucket by the report of /healthz. */
const WORKER_CHECKS = [
  checkWorkerSlots,
  checkRole,
  checkWorkerListRight,
  checkEngine,
] satisfies readonly ((
  seen: Observations,
  bucket: BucketSeen,
  health: BucketHealth,
) => Finding[])[];

/** What is checked of pictures. A refused picture is explained by what was found before. */
const PICTURE_CHECKS = [checkImages, checkWorkersCache] satisfies readonly ((
  seen: Observations,
  earlier: readonly Finding[],
) => Finding[])[];

/** Judges what was seen. Pure. */
function judge(seen: Observations, ownIssuer: OwnIssuerSeen | undefined): Finding[] {
  const { buckets, site } = seen;
  const findings: Finding[] = [];
  for (const bucket of buckets) {
    for (const check of BUCKET_CHECKS) findings.push(...check(seen, bucket));
  }
  findings.push(...checkIssuers(seen));
  if (site === undefined) {
    findings.push(...checkOtherZones(seen), ...checkZoneDoors(seen));
    return findings;
  }

  if (ownIssuer !== undefined) findings.push(checkOwnIssuer(ownIssuer));
  for (const check of SITE_CHECKS) findings.push(...check(seen));
  for (const bucket of buckets) {
    // A bucket that only the deployed configuration has, or only wrangler.toml, is not judged.
    const health = reportOf(site)?.buckets.find(({ bucket: name }) => name === bucket.bucket.name);
    if (health === undefined) continue;
    for (const check of WORKER_CHECKS) findings.push(...check(seen, bucket, health));
  }
  findings.push(...checkTokenRoutes(seen), ...checkZoneOfSite(seen));
  for (const check of PICTURE_CHECKS) findings.push(...check(seen, findings));
  findings.push(...checkOtherZones(seen), ...checkZoneDoors(seen));

  const { worker } = seen.project.envConfig;
  const settings = { zone: zoneOfSite(seen), worker, advice: tokenAdvice(seen) };
  for (const sideDoor of site.sideDoors) findings.push(checkSideDoor(sideDoor, settings));
  return findings;
}

/** Runs the doctor, as the command does. @param names objects to look at */
async function examine(
  world: World,
  options: Options,
  names: readonly string[],
  tools: DoctorTools,
): Promise<Outcome> {
  const examination = await examineSite(world, options, names, tools);
  return isFault(examination) ? examination : examination.outcome;
}

/** How the doctor ended, and what it reported. */
export type Examination = {
  readonly outcome: Exit;
  readonly findings: readonly Finding[];
};

/** Runs the doctor, and says what it found. @param names objects to look at */
export async function examineSite(
  world: World,
  options: Options,
  names: readonly string[] = [],
  tools: DoctorTools = TOOLS,
): Promise<Examination | CommandFault> {
  const { folder, interrupted, stdout, stderr } = world;
  const baseUrl = options.url === undefined ? undefined : findBaseUrl(options.url, [], "--url");
  if (isFault(baseUrl)) return baseUrl;

  const envConfig = readEnvironment(folder, chooseEnvironment(world, options.env));
  if (isMistake(envConfig)) return { fault: locatedText(envConfig) };

  const open = baseUrl === undefined ? openProject : openProjectSite;
  const project = open(world, { ...options, url: baseUrl });
  const mistakes = isFault(project) ? (project.mistakes ?? []) : [];
  if (isFault(project) && mistakes.length === 0) return project;

  const objects = isFault(project) ? [] : readObjects(project.config, names);
  if (isFault(objects)) return objects;

  const token = await readVisitorToken(world, options.token);
  if (isFault(token)) return token;
  if (options.token !== undefined && baseUrl === undefined) {
    return { fault: "--token: say which Vitrine is asked for a picture with it: --url" };
  }

  const isLocal = baseUrl !== undefined && isHere(baseUrl);
  const written = isFault(project) ? undefined : readWritten(project, baseUrl, options);
  if (isFault(written)) return written;

  const { secretsFile } = options;
  const findings = checkConfiguration(folder, envConfig, mistakes, { isLocal, secretsFile });
  if (!isFault(project) && !interrupted.aborted) {
    if (baseUrl === undefined) log(stderr, "This is about what would be deployed. What is: --url");
    // After Ctrl-C, what was found of the configuration is reported.
    const abort = once(interrupted, "abort").then(() => []);
    const checks = runChecks(world, project, objects, { baseUrl, token }, tools);
    findings.push(...(await Promise.race([abort, checks])));
  }
  // Not beside Ctrl-C: what is put must be deleted.
  if (written !== undefined && !interrupted.aborted) {
    findings.push(...(await writeEvents(world, tools, written.site, written.bucket)));
  }

  const complete = completeFindings(findings, envConfig, isLocal);
  if (options.json) print(stdout, visible(JSON.stringify({ findings: complete }, null, 2)));
  else print(stdout, ...formatFindings(world, complete).map(withPages));

  return { outcome: exitOf(findings), findings };
}

function exitOf(findings: readonly Finding[]): Exit {
  if (findings.some(({ severity }) => severity === "error")) return EXIT.failed;
  return findings.some(({ severity }) => severity === "warning") ? EXIT.partly : EXIT.done;
}

type Written = { readonly site: ProjectSite; readonly bucket: Bucket };

/** Where `--write-events` writes; undefined: it is not asked for. */
function readWritten(
  project: Project,
  baseUrl: string | undefined,
  { writeEvents: name }: Options,
): Written | undefined | CommandFault {
  if (name === undefined) return undefined;
  if (baseUrl === undefined) {
    return { fault: "--write-events: say which Vitrine waits for the event: --url" };
  }
  if (project.isLocalRun) {
    return { fault: "--write-events: the local run sees files: replace one in objects/" };
  }

  const bucket = bucketToWrite(project, name);
  return isFault(bucket) ? bucket : { site: { ...project, baseUrl }, bucket };
}

function readObjects(
  { buckets, routes }: Config,
  names: readonly string[],
): BucketKey[] | CommandFault {
  const objects: BucketKey[] = [];
  for (const name of names) {
    const object = parseObjectName(buckets, name);
    if (isFault(object)) return { fault: `${name}: ${object.fault}` };
    if (!bucketsOf(routes).has(object.bucket)) {
      return { fault: `${name}: no route leads to the bucket ${object.bucket.name}` };
    }
    objects.push(object);
  }
  return objects;
}

/** The site to look at, and the token of a visitor to whom it shows pictures. */
type SiteToAsk = { readonly baseUrl: string | undefined; readonly token: string | undefined };

/** Looks at everything once, and judges it. */
async function runChecks(
  world: World,
  project: Project | ProjectSite,
  objects: readonly BucketKey[],
  { baseUrl, token }: SiteToAsk,
  { run, sleep: wait }: DoctorTools,
): Promise<Finding[]> {
  const { stderr, now, interrupted } = world;
  const buckets: BucketSeen[] = [];
  for (const bucket of bucketsOf(project.config.routes)) {
    const names = objects.filter((object) => object.bucket === bucket).map(({ key }) => key);
    if (bucket.r2 === undefined) log(stderr, `Asking S3 for bucket ${bucket.name} ...`);
    buckets.push(await observeBucket(project, bucket, names, now));
  }
  const keyOwners = await findKeyOwners(world, project, buckets);
  const issuers = await observeIssuers(project.config, now);
  const zones = await readZones(world, project, wait);
  const seenHere = { project, buckets, keyOwners, issuers, zones };
  if (baseUrl === undefined || interrupted.aborted) {
    const seen = { ...seenHere, site: undefined, events: undefined };
    return addImpacts(seen, judge(seen, undefined));
  }

  log(stderr, `Asking ${baseUrl} ...`);
  const { oidc } = project.config;
  const ownIssuer =
    oidc !== undefined && !project.isLocalRun ? await observeOwnIssuer(oidc) : undefined;
  const site = await observeSite({ ...project, baseUrl }, buckets, token, now);
  // The local run has a queue of its own.
  const events = project.isLocalRun
    ? undefined
    : await observeEvents(world, run, project, () => true);
  const seen = { ...seenHere, site, events };
  return addImpacts(seen, judge(seen, ownIssuer));
}

/** Asks the buckets of other environments, with each key that S3 knows and denies an object of this one. */
async function findKeyOwners(
  { folder, now }: World,
  { envConfig, isLocalRun }: Project,
  buckets: readonly BucketSeen[],
): Promise<ReadonlyMap<string, KeyOwner>> {
  const owners = new Map<string, KeyOwner>();
  if (isLocalRun) return owners;

  for (const { keys, samples } of buckets) {
    const isDenied = samples.some(({ reply }) => reply?.code === "AccessDenied");
    if (!isDenied) continue;

    for (const { slot } of keys) {
      const owner = await findKeyOwner({ folder, envConfig }, slot.credentials, now());
      if (owner !== undefined) owners.set(slot.credentials.accessKeyId, owner);
    }
  }
  return owners;
}

const SEVERITIES = ["error", "warning", "note"] as const;
const STYLES = { ok: "green", note: "cyan", warning: "yellow", error: "red" } as const;

function formatFindings(world: World, findings: readonly Finding[]): string[] {
  const { stdout } = world;
  const lines: string[] = [];
  for (const [about, group] of Map.groupBy(findings, (finding) => finding.about)) {
    const rows = group.flatMap((finding) => rowsOf(world, finding));
    lines.push(paint(world, stdout, "bold", visible(about)), ...align(rows), "");
  }

  const count = (severity: Severity) =>
    findings.filter((finding) => finding.severity === severity).length;
  const worst = SEVERITIES.find((severity) => count(severity) > 0) ?? "ok";
  const sum = SEVERITIES.map((severity) => counted(count(severity), severity)).join(", ");
  lines.push(paint(world, stdout, STYLES[worst], `${sum}, ${count("ok")} ok`));
  return lines;
}

function rowsOf(world: World, { check, severity, seen, impact, remedy }: Finding): string[][] {
  const { stdout } = world;
  const label = paint(world, stdout, STYLES[severity], severity);
  const rows = [[`  ${label}`, check, visible(seen)]];
  if (impact !== undefined) {
    rows.push(["", paint(world, stdout, "dim", "why"), visible(impact)]);
  }
  if (remedy !== undefined) {
    rows.push(["", paint(world, stdout, "dim", "remedy"), visible(remedy)]);
  }
  return rows;
}
