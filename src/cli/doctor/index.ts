// vitrine doctor: reports what is wrong, what visitors were seen to get of it, and how to fix it. First it looks at
// everything once, then each check judges what was seen. It sends GETs alone, and changes nothing: only --write-events, which
// somebody must ask for, puts an object into a bucket.

import { once } from "node:events";
import { Command } from "@commander-js/extra-typings";
import type { Bucket } from "../../worker/config/bucket.ts";
import type { Config } from "../../worker/config/config.ts";
import type { CommandFault, Exit, LocatedMistake, Outcome, Run, World } from "../command.ts";
import { align, EXIT, isFault, isMistake, log, paint, print } from "../command.ts";
import { bucketsOf } from "../config/buckets.ts";
import { type EnvironmentConfig, readEnvironment } from "../config/environment-config.ts";
import { locatedText } from "../config/mistakes.ts";
import type { OpenOptions, Project, ProjectSite } from "../config/project.ts";
import { openProject, openProjectSite } from "../config/project.ts";
import { findBaseUrl, isHere } from "../config/site-url.ts";
import { sleep } from "../http/retry.ts";
import { type BucketKey, parseObjectName } from "../objects/bucket-key.ts";
import { envOption, OBJECTS, secretsFileOption, tokenOption } from "../options.ts";
import { readVisitorToken } from "../secrets/visitor-token.ts";
import { counted } from "../terminal/progress.ts";
import { visible } from "../terminal/shell.ts";
import { chooseEnvironment } from "../wrangler/config-file.ts";
import { wranglerAt } from "../wrangler/run-wrangler.ts";
import { checkConfiguration } from "./configuration.ts";
import { CHECKS, completeFindings, type Finding, type Severity } from "./finding.ts";
import { judge } from "./judge.ts";
import { addImpacts } from "./observations.ts";
import { observe } from "./observe.ts";
import { bucketToWrite, type DoctorTools, writeEvents } from "./write-events.ts";

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
    .action((objects, options) => run(() => runDoctor(world, options, objects, tools)));
}

const CHECK_ROWS = Object.entries(CHECKS).map(([name, question]) => [`  ${name}`, question]);
const CHECK_LINES = align(CHECK_ROWS);

const HELP = `
The doctor asks S3 with each key at hand, then the deployed Worker. The edge makes a rendition for each
route, which is counted as usual. With HEALTH_TOKEN among the secrets, it also reads /healthz, and learns
why a picture is refused. A picture of a route with token is requested only with the token of a visitor who may
see it. With CLOUDFLARE_SETUP_TOKEN, or else CLOUDFLARE_API_TOKEN, in the environment, it reads the zone's settings.
It sends GETs alone, and changes nothing. --write-events alone writes: one object below vitrine-doctor/, by
wrangler into R2, by a key at hand into any other S3.
${OBJECTS}

Checks:
${CHECK_LINES.join("\n")}

Examples:
  npx vitrine doctor
  npx vitrine doctor photos/fig.jpg --url https://images.example.com
  npx vitrine doctor --url https://images.example.com --write-events
  npx vitrine doctor --url http://localhost:8787`;

// The steps of a run: examineSite reads the arguments and the files (readArguments), checks them, and lets checkProject ask
// S3, the Worker and the zone. checkProject leaves that to observeAndJudge, and adds the check of --write-events.

/** Runs the doctor for the command, which needs its exit code alone. @param names objects to look at */
async function runDoctor(
  world: World,
  options: Options,
  names: readonly string[],
  tools: DoctorTools,
): Promise<Outcome> {
  const result = await examineSite(world, options, names, tools);
  return isFault(result) ? result : result.outcome;
}

/** How the doctor ended, and what it reported. */
export type DoctorResult = { readonly outcome: Exit; readonly findings: readonly Finding[] };

/** Runs the doctor, prints the report, and also returns the findings: `deploy` reads them. @param names objects to look at */
export async function examineSite(
  world: World,
  options: Options,
  names: readonly string[] = [],
  tools: DoctorTools = TOOLS,
): Promise<DoctorResult | CommandFault> {
  const { folder, interrupted, stdout } = world;
  const examination = await readArguments(world, options, names);
  if (isFault(examination)) return examination;

  const { envConfig, isLocal, mistakes, project } = examination;
  const { secretsFile } = options;
  const findings = checkConfiguration(folder, envConfig, mistakes, { isLocal, secretsFile });

  // With such mistakes, nothing else can be checked.
  if (project !== undefined && !interrupted.aborted) {
    findings.push(...(await checkProject(world, project, examination, tools)));
  }

  const complete = completeFindings(findings, envConfig, isLocal);
  if (options.json) print(stdout, visible(JSON.stringify({ findings: complete }, null, 2)));
  else print(stdout, ...formatFindings(world, complete));

  return { outcome: exitOf(findings), findings };
}

function exitOf(findings: readonly Finding[]): Exit {
  const severities = new Set(findings.map(({ severity }) => severity));
  if (severities.has("error")) return EXIT.failed;
  return severities.has("warning") ? EXIT.partly : EXIT.done;
}

/** What is examined, as the arguments and the files of this folder say. */
type Examination = {
  readonly envConfig: EnvironmentConfig;
  /** Whether the site is the local run. */
  readonly isLocal: boolean;
  /** Undefined without `--url`. */
  readonly baseUrl: string | undefined;
  /** The token of a visitor to whom the site shows pictures. */
  readonly visitorToken: string | undefined;
  /** Undefined: `mistakes` are why it cannot be opened. */
  readonly project: Project | undefined;
  readonly mistakes: readonly LocatedMistake[];
  /** The objects to look at. */
  readonly objects: readonly BucketKey[];
  /** What `--write-events` asks for. */
  readonly eventTarget: EventTarget | undefined;
};

/** The bucket that `--write-events` writes into, and the site that waits for the event. */
type EventTarget = { readonly site: ProjectSite; readonly bucket: Bucket };

/** @returns a fault if nothing can be examined */
async function readArguments(
  world: World,
  options: Options,
  names: readonly string[],
): Promise<Examination | CommandFault> {
  const { url, token, writeEvents: bucketName } = options;
  const baseUrl = url === undefined ? undefined : findBaseUrl(url, [], "--url");
  if (isFault(baseUrl)) return baseUrl;

  // The project reads it once more below. Here it is read for the report, which needs it even if the project cannot be opened.
  const environment = chooseEnvironment(world, options.env);
  const envConfig = readEnvironment(world.folder, environment);
  if (isMistake(envConfig)) return { fault: locatedText(envConfig) };

  const opened = openForDoctor(world, { ...options, url: baseUrl });
  if (isFault(opened)) return opened;

  const { project, mistakes } = opened;
  const objects = project === undefined ? [] : readObjects(project.config, names);
  if (isFault(objects)) return objects;

  const visitorToken = await readVisitorToken(world, token);
  if (isFault(visitorToken)) return visitorToken;
  if (token !== undefined && baseUrl === undefined) {
    return { fault: "--token: say which Vitrine is asked for a picture with it: --url" };
  }

  const eventTarget = project && readEventTarget(project, baseUrl, bucketName);
  if (isFault(eventTarget)) return eventTarget;

  const isLocal = baseUrl !== undefined && isHere(baseUrl);
  return {
    envConfig,
    isLocal,
    baseUrl,
    visitorToken,
    project,
    mistakes,
    objects,
    eventTarget,
  };
}

/** Opens the project. Mistakes of the configuration become findings; any other fault ends the command. */
function openForDoctor(
  world: World,
  options: OpenOptions,
): Pick<Examination, "project" | "mistakes"> | CommandFault {
  const open = options.url === undefined ? openProject : openProjectSite;
  const opened = open(world, options);
  if (!isFault(opened)) return { project: opened, mistakes: [] };

  if (opened.mistakes === undefined) return opened;
  return { project: undefined, mistakes: opened.mistakes };
}

function readObjects(
  { buckets, routes }: Config,
  names: readonly string[],
): BucketKey[] | CommandFault {
  const shownBuckets = bucketsOf(routes);
  const objects: BucketKey[] = [];
  for (const name of names) {
    const object = parseObjectName(buckets, name);
    if (isFault(object)) return { fault: `${name}: ${object.fault}` };

    if (!shownBuckets.has(object.bucket)) {
      return { fault: `${name}: no route leads to the bucket ${object.bucket.name}` };
    }
    objects.push(object);
  }
  return objects;
}

/** @param name of the bucket; `true`: the only one; undefined: nothing is to be written */
function readEventTarget(
  project: Project,
  baseUrl: string | undefined,
  name: string | true | undefined,
): EventTarget | undefined | CommandFault {
  if (name === undefined) return undefined;

  if (baseUrl === undefined) {
    return { fault: "--write-events: say which Vitrine waits for the event: --url" };
  }
  if (project.isLocalRun) {
    return { fault: "--write-events: the local run sees files: replace one in objects/" };
  }

  const bucket = bucketToWrite(project, name);
  if (isFault(bucket)) return bucket;

  return { site: { ...project, baseUrl }, bucket };
}

/** Looks at everything once, and judges it. After Ctrl-C, what was found of the configuration alone is reported. */
async function checkProject(
  world: World,
  project: Project,
  examination: Examination,
  tools: DoctorTools,
): Promise<Finding[]> {
  const { interrupted, stderr } = world;
  if (examination.baseUrl === undefined) {
    log(stderr, "This is about what would be deployed. What is: --url");
  }

  const abort = once(interrupted, "abort").then(() => []);
  const judging = observeAndJudge(world, project, examination, tools);
  const findings: Finding[] = await Promise.race([abort, judging]);

  // Not beside Ctrl-C: what is put must be deleted.
  const { eventTarget } = examination;
  if (eventTarget === undefined || interrupted.aborted) return findings;

  const { site, bucket } = eventTarget;
  const eventFindings = await writeEvents(world, tools, site, bucket);
  return [...findings, ...eventFindings];
}

async function observeAndJudge(
  world: World,
  project: Project,
  examination: Examination,
  tools: DoctorTools,
): Promise<Finding[]> {
  const observations = await observe(world, project, examination, tools);
  const findings = judge(observations);
  return addImpacts(observations, findings);
}

const SEVERITIES = ["error", "warning", "note"] as const;
const STYLES = { ok: "green", note: "cyan", warning: "yellow", error: "red" } as const;

/** The lines of the report: a paragraph for each thing that findings are about, and the sum. */
function formatFindings(world: World, findings: readonly Finding[]): string[] {
  const { stdout } = world;
  const lines: string[] = [];
  const groups = Map.groupBy(findings, ({ about }) => about);
  for (const [about, group] of groups) {
    const rows = group.flatMap((finding) => rowsOf(world, finding));
    lines.push(paint(world, stdout, "bold", visible(about)), ...align(rows), "");
  }

  const count = (severity: Severity) => {
    return findings.filter((finding) => finding.severity === severity).length;
  };
  const worst = SEVERITIES.find((severity) => count(severity) > 0) ?? "ok";
  const sum = SEVERITIES.map((severity) => counted(count(severity), severity)).join(", ");
  lines.push(paint(world, stdout, STYLES[worst], `${sum}, ${count("ok")} ok`));
  return lines;
}

/** Quoted texts, such as the key of an object, may be a stranger's: they must not move the cursor. */
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
