// vitrine doctor: reports what is wrong, why it matters, and how to fix it. Each file of this folder has the checks of
// one subject. It sends GET and HEAD, and PUTs of one kind, which S3 refuses: `s3.ts`.

import { once } from "node:events";
import { Command } from "@commander-js/extra-typings";
import type { Config } from "../../worker/config/config.ts";
import { isSecret } from "../../worker/config/read-secrets.ts";
import { mistakeText } from "../../worker/http/refusal.ts";
import type { CommandFault, LocatedMistake, Outcome, Run, World } from "../command.ts";
import { align, EXIT, isFault, isMistake, log, paint, print } from "../command.ts";
import { bucketsOf, edgeBucketsOf } from "../config/buckets.ts";
import { checkEnvironment } from "../config/check-environments.ts";
import { type EnvironmentConfig, readEnvironment } from "../config/environment-config.ts";
import { locatedText, pageFor } from "../config/mistakes.ts";
import type { OpenOptions, Project, ProjectSite } from "../config/project.ts";
import { openProject, openProjectSite } from "../config/project.ts";
import { findBaseUrl, isHere } from "../config/site-url.ts";
import { checkPresence } from "../http/ask-health.ts";
import { type BucketKey, parseObjectName } from "../objects/bucket-key.ts";
import { envOption, OBJECTS, secretsFileOption } from "../options.ts";
import { counted } from "../terminal/progress.ts";
import { visible } from "../terminal/shell.ts";
import { chooseEnvironment } from "../wrangler/config-file.ts";
import { checkBucket, type Examination, type Sample } from "./bucket.ts";
import type { Finding, Result, Severity } from "./finding.ts";
import { CHECKS, ok, problem, reportable } from "./finding.ts";
import { checkHealth, diagnoseAbsence } from "./health.ts";
import { checkFallbacks, checkRoutes, checkWorkersCache } from "./image.ts";
import { checkIssuer } from "./role.ts";
import { checkSideDoor, SIDE_DOOR } from "./side-door.ts";

type Options = OpenOptions & { readonly json?: true | undefined };

export function doctorCommand(world: World, run: Run) {
  return new Command("doctor")
    .description("checks the configuration, the keys, the buckets, and what is deployed")
    .argument("[objects...]", "objects to check, such as photos/fig.jpg")
    .addOption(envOption())
    .option("-u, --url <url>", "check the Vitrine at this URL, too; on this machine: the local run")
    .addOption(secretsFileOption())
    .option("--json", "prints JSON")
    .addHelpText("after", HELP)
    .action((objects, options) => run(() => examine(world, options, objects)));
}

const HELP = `
The doctor asks S3 with each key at hand, then the deployed Worker. The edge makes a rendition for each
route, which is counted as usual, and the Worker logs each trick that it refuses. With HEALTH_TOKEN among
the secrets, it also reads /healthz. To see whether a key may write, it sends what S3 refuses to store.
${OBJECTS}

Checks:
${align(Object.entries(CHECKS).map(([name, question]) => [`  ${name}`, question])).join("\n")}

Examples:
  npx vitrine doctor
  npx vitrine doctor photos/fig.jpg --url https://images.example.com
  npx vitrine doctor --url http://localhost:8787`;

/** Runs the doctor, as the command does. @param names objects to look at */
export async function examine(
  world: World,
  options: Options,
  names: readonly string[] = [],
): Promise<Outcome> {
  const baseUrl = options.url === undefined ? undefined : findBaseUrl(options.url, [], "--url");
  if (isFault(baseUrl)) return baseUrl;
  const envConfig = readEnvironment(world.folder, chooseEnvironment(world, options.env));
  if (isMistake(envConfig)) return { fault: locatedText(envConfig) };
  const open = baseUrl === undefined ? openProject : openProjectSite;
  const project = open(world, { ...options, url: baseUrl });
  const mistakes = (isFault(project) && project.mistakes) || [];
  if (isFault(project) && mistakes.length === 0) return project;
  const objects = isFault(project) ? [] : readObjects(project.config, names);
  if (isFault(objects)) return objects;

  const local = baseUrl !== undefined && isHere(baseUrl);
  const { secretsFile } = options;
  const { folder, interrupted, stdout, stderr } = world;
  const findings = checkConfiguration(folder, envConfig, mistakes, { local, secretsFile });
  if (!isFault(project) && !interrupted.aborted) {
    if (baseUrl === undefined) log(stderr, "This is about what would be deployed. What is: --url");
    // After Ctrl-C, what was found of the configuration is reported.
    const abort = once(interrupted, "abort").then(() => []);
    findings.push(...(await Promise.race([abort, runChecks(world, project, objects, baseUrl)])));
  }
  const finished = reportable(findings, envConfig, local);
  if (options.json) print(stdout, visible(JSON.stringify({ findings: finished }, null, 2)));
  else log(stdout, ...formatFindings(world, finished));
  if (findings.some(({ severity }) => severity === "error")) return EXIT.failed;
  return findings.some(({ severity }) => severity === "warning") ? EXIT.partly : EXIT.done;
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

async function runChecks(
  { stderr, now, interrupted }: World,
  project: Project,
  objects: readonly BucketKey[],
  baseUrl: string | undefined,
): Promise<Finding[]> {
  const findings: Finding[] = [];
  const samples = new Map<string, Sample>();
  const hasSite = baseUrl !== undefined;
  for (const bucket of bucketsOf(project.config.routes)) {
    const keys = objects.filter((object) => object.bucket === bucket).map(({ key }) => key);
    if (bucket.r2 === undefined) log(stderr, `Asking S3 for bucket ${bucket.name} ...`);
    const { sample, ...examined } = await checkBucket({ ...project, now }, bucket, keys, hasSite);
    findings.push(...examined.findings);
    if (sample) samples.set(bucket.name, sample);
  }
  if (baseUrl === undefined || interrupted.aborted) return findings;
  log(stderr, `Asking ${baseUrl} ...`);
  const { oidc } = project.config;
  if (oidc !== undefined && !project.local) findings.push(await checkIssuer(oidc));
  findings.push(...(await checkSite({ ...project, baseUrl, now }, samples)));
  return findings;
}

/** Checks what is deployed at a URL. @param samples an original of each bucket, by the bucket's name, if known */
async function checkSite(
  site: ProjectSite & Examination,
  samples: ReadonlyMap<string, Sample>,
): Promise<readonly Finding[]> {
  const { config, baseUrl, local } = site;
  const absence = await checkPresence(baseUrl);
  const absent = absence && { about: baseUrl, ...diagnoseAbsence(baseUrl, absence, local) };
  if (absent && (absence?.status === undefined || absence.status === 500)) return [absent];
  const health = absent ? [] : await checkHealth(site);
  const { findings: images, example } = await checkRoutes(site, samples);
  // On a domain with other apps, perhaps only /healthz belongs to another one.
  if (absent && example === undefined) return [absent];
  const present = { about: baseUrl, ...ok("deployed", "Vitrine is there, and without mistakes") };
  const impact = "neither the doctor nor vitrine rotate can see which slot works";
  const deployed: Finding = absent ? { ...absent, severity: "warning", impact } : present;
  const findings = [deployed, ...health, ...images, ...(await checkFallbacks(site))];
  if (local) return findings; // the local run has no Workers Cache, and no zone
  if (example !== undefined) {
    const result = await checkWorkersCache(example, config.answers.keep);
    findings.push({ about: baseUrl + example.path, bucket: example.route.bucket.name, ...result });
  }
  for (const bucket of edgeBucketsOf(config.routes)) {
    const { name } = bucket;
    const about = `${baseUrl}${SIDE_DOOR}, for bucket ${name}`;
    const result = await checkSideDoor(bucket, baseUrl, samples.get(name), example !== undefined);
    findings.push({ about, bucket: name, ...result });
  }
  return findings;
}

const SEVERITIES = ["error", "warning", "note"] as const;
const STYLES = { ok: "green", note: "cyan", warning: "yellow", error: "red" } as const;

function formatFindings(world: World, findings: readonly Finding[]): string[] {
  const { stdout } = world;
  const dim = (text: string) => paint(world, stdout, "dim", text);
  const rowsOf = ({ check, severity, seen, impact, remedy }: Finding) => [
    [`  ${paint(world, stdout, STYLES[severity], severity)}`, check, visible(seen)],
    ...(impact === undefined ? [] : [["", dim("why"), visible(impact)]]),
    ...(remedy === undefined ? [] : [["", dim("remedy"), visible(remedy)]]),
  ];
  const lines = [...Map.groupBy(findings, ({ about }) => about)].flatMap(([about, group]) => [
    paint(world, stdout, "bold", visible(about)),
    ...align(group.flatMap(rowsOf)),
    "",
  ]);
  const count = (severity: Severity) =>
    findings.filter((finding) => finding.severity === severity).length;
  const worst = SEVERITIES.find((severity) => count(severity) > 0) ?? "ok";
  const sum = SEVERITIES.map((severity) => counted(count(severity), severity)).join(", ");
  return [...lines, paint(world, stdout, STYLES[worst], `${sum}, ${count("ok")} ok`)];
}

/**
 * Finds what is wrong with the configuration, each mistake once.
 * @param blocking the mistakes with which the project cannot be opened, so nothing else is checked
 */
function checkConfiguration(
  folder: string,
  config: EnvironmentConfig,
  blocking: readonly LocatedMistake[],
  { local, secretsFile }: { readonly local: boolean; readonly secretsFile: string | undefined },
): Finding[] {
  const { devVars, file } = config;
  const { warnings, mistakes } = checkEnvironment(folder, config);
  const texts = new Set(mistakes.map(mistakeText));
  const blockingTexts = new Set(blocking.map(mistakeText));
  const unreported = blocking.filter((mistake) => !texts.has(mistakeText(mistake)));
  const faults = [...mistakes, ...unreported].map((mistake) => {
    const { path } = mistake;
    const defaultSource = local && isSecret(path) ? devVars : file;
    const source = mistake.source ?? defaultSource;
    // Secrets of this machine are not the Worker's, unless they are in the file that is deployed.
    const isOfWorker = [file, secretsFile].includes(source);
    const page = pageFor(path);
    const holder = source === file && isSecret(path) ? `[secrets] or vars of ${source}` : source;
    const broken = "nothing is served with it: visitors get 500";
    const isError = local ? blockingTexts.has(mistakeText(mistake)) : isOfWorker;
    return problem("configuration", {
      severity: isError ? "error" : "warning",
      seen: locatedText(mistake),
      impact: isOfWorker ? broken : `this is about ${source}`,
      remedy: `fix ${path} in ${holder}${page === undefined ? "" : `: ${page} says what it may be`}`,
      needsDeploy: source === file,
    });
  });
  const warning = { check: "configuration", severity: "warning" } as const;
  const warned = warnings.map(({ message, remedy }) => ({ ...warning, seen: message, remedy }));
  const results: Result[] = [...faults, ...warned];
  if (results.length === 0) results.push(ok("configuration", "it has no mistakes"));
  return results.map((result) => ({ about: file, ...result }));
}
