// vitrine doctor: says what is wrong, why it matters, and how to fix it. It sends GET, HEAD and POST that change nothing,
// and one PUT that S3 refuses: `s3.ts`.

import { once } from "node:events";
import { Command } from "@commander-js/extra-typings";
import { parseS3Reply } from "../../worker/base/s3-reply.ts";
import {
  align,
  type End,
  EXIT,
  type Exit,
  type Fault,
  isFault,
  paint,
  print,
  type Run,
  say,
  type World,
} from "../command.ts";
import { bucketsOf } from "../config/buckets.ts";
import { checkEnvironment } from "../config/check-environments.ts";
import { type EnvironmentConfig, readEnvironment } from "../config/environment-config.ts";
import { isPlayed, openProject, type Project } from "../config/project.ts";
import { findBaseUrl, hostOf, isHere, refuseUnprovenUrl } from "../config/site-url.ts";
import { askWhetherThere } from "../http/ask-health.ts";
import { fetchText } from "../http/body.ts";
import { type Found, nameOf, readObject } from "../objects/object-name.ts";
import { envOption, jsonOption, OBJECTS, secretsFileOption } from "../options.ts";
import { counted } from "../terminal/progress.ts";
import { argumentsOf, visible } from "../terminal/shell.ts";
import { chooseEnvironment, envFlag } from "../wrangler/config-file.ts";
import { checkBucket } from "./bucket.ts";
import { checkConfiguration, checkShell, checkStore } from "./configuration.ts";
import { CHECKS, type Finding, finish, type Severity, weigh } from "./finding.ts";
import type { Sample } from "./objects.ts";
import { checkIssuer } from "./role.ts";
import { checkSite, diagnoseAbsence } from "./site.ts";

type Options = {
  readonly env?: string | undefined;
  readonly url?: string | undefined;
  readonly secretsFile?: string | undefined;
  readonly json?: true | undefined;
};

export function doctorCommand(world: World, run: Run) {
  return new Command("doctor")
    .description("checks the configuration, the keys, the buckets, and what is deployed")
    .argument("[objects...]", "objects to check, such as photos/fig.jpg")
    .addOption(envOption())
    .option("-u, --url <url>", "check the Vitrine at this URL, too; on this machine: the local run")
    .addOption(secretsFileOption())
    .addOption(jsonOption())
    .addHelpText("after", HELP)
    .action((objects, options) => run(() => doctor(world, objects, options)));
}

/** Checks what is deployed at a URL, as `vitrine doctor --url` does. */
export function examineSiteAt(
  world: World,
  options: Omit<Options, "json"> & { readonly url: string },
): Promise<End> {
  return doctor(world, [], options);
}

const HELP = `
The doctor asks S3 with each key at hand, then the deployed Worker. The edge makes a rendition for each
route, which is counted as usual, and the Worker logs each trick that it refuses. To see whether a key may
write, it sends a part of an upload that does not exist, with a wrong digest. Only an S3 that ignores both
stores it, as an empty object: the doctor then names that object.
With HEALTH_TOKEN among the secrets, it also reads /healthz, which knows what the image edge says.
${OBJECTS}

Checks:
${align(Object.entries(CHECKS).map(([name, question]) => [`  ${name}`, question])).join("\n")}

Examples:
  npx vitrine doctor
  npx vitrine doctor photos/fig.jpg --url https://images.example.com
  npx vitrine doctor --secrets-file secrets.env --json
  npx vitrine doctor --url http://localhost:8787`;

async function doctor(world: World, names: readonly string[], options: Options): Promise<End> {
  const known = readEnvironment(world.folder, chooseEnvironment(world, options.env));
  const place = isFault(known) ? undefined : known;
  const base = options.url === undefined ? undefined : findBaseUrl(options.url, [], "--url");
  if (isFault(base)) return base;
  if (base === "") return { fault: "--url: say where Vitrine is, as https://images.example.com" };
  if (base === undefined) suggestOthers(world, place);
  const local = base !== undefined && isHere(base);
  const project = openProject(world, { ...options, url: base });
  const stopping = "mistakes" in project ? project.mistakes : [];
  if (isFault(project) && stopping.length === 0) return project;
  const unproven =
    !isFault(project) && base !== undefined && !local
      ? refuseUnprovenUrl(world.folder, project.known, base)
      : undefined;
  if (unproven !== undefined) return unproven;
  const objects = isFault(project) ? [] : readObjects(project, names);
  if (isFault(objects)) return objects;

  const report = isFault(known)
    ? { warnings: [], mistakes: [known.mistake] }
    : checkEnvironment(world.folder, known);
  const findings = checkConfiguration(report, stopping, {
    file: isFault(known) ? known.mistake.path : known.file,
    secrets: place?.secrets ?? [],
    vars: Object.keys(place?.deployed ?? {}),
    secretsFile: options.secretsFile,
    local,
  });
  findings.push(...checkShell(world, options.secretsFile));
  if (!isFault(project)) {
    if (!local) findings.push(...checkStore(project.known));
    const walked: Walked = { local: [], site: [] };
    // After Ctrl-C, what was found until then is reported.
    const { interrupted } = world;
    const walking = () => walk(world, project, { base, objects }, walked);
    if (!interrupted.aborted) await Promise.race([once(interrupted, "abort"), walking()]);
    findings.push(...weigh(project, walked.local, walked.site), ...walked.site);
  }
  const finished = finish(findings, { place, local });
  if (options.json) print(world.stdout, JSON.stringify({ findings: finished }, null, 2));
  else say(world.stdout, ...layOut(world, finished));
  return exitOf(findings);
}

/** Says how to look at the local run, and at what is deployed. */
function suggestOthers({ stderr }: World, known: EnvironmentConfig | undefined): void {
  const command = `npx vitrine doctor${known ? envFlag(known) : ""}`;
  const local = `${command} --url http://localhost:8787`;
  say(stderr, `About what would be deployed. The local run: ${local}`);
  const host = hostOf(known?.patterns[0] ?? "*");
  if (!host.includes("*")) say(stderr, `What is deployed: ${command} --url https://${host}`);
}

/** Reads the objects that are named. Only a bucket that a route leads to is examined. */
function readObjects(
  { config: { buckets, routes } }: Project,
  names: readonly string[],
): readonly Found[] | Fault {
  const objects: Found[] = [];
  for (const name of names) {
    const found = readObject(buckets, name, (one) => argumentsOf([one]));
    if ("reason" in found) return { fault: `${name}: ${found.reason}` };
    if (!bucketsOf(routes).has(found.bucket)) {
      return {
        fault: `${nameOf(buckets, found)}: no route leads to the bucket ${found.bucket.name}`,
      };
    }
    objects.push(found);
  }
  return objects;
}

/** What is found from this machine, and what the site shows. */
type Walked = { readonly local: Finding[]; readonly site: Finding[] };

type Target = { readonly base: string | undefined; readonly objects: readonly Found[] };

/** Looks at each bucket, and then at the site. @param walked gets what is found, as it is found */
async function walk(
  { stderr, now, interrupted }: World,
  project: Project,
  { base, objects }: Target,
  walked: Walked,
): Promise<void> {
  if (base !== undefined && isPlayed(project)) {
    const absent = await askWhetherThere(base);
    if (absent !== undefined && absent.status === undefined) {
      // Its S3 would be there as well.
      walked.site.push({ about: base, ...diagnoseAbsence(base, absent, true) });
      return;
    }
  }
  const samples = new Map<string, Sample>();
  const clock = base !== undefined && !project.local ? await readClock(base, now) : undefined;
  const hasHealth = base !== undefined && project.healthToken !== undefined;
  for (const bucket of bucketsOf(project.config.routes)) {
    if (interrupted.aborted) return;
    const keys = objects.filter((one) => one.bucket === bucket).map(({ key }) => key);
    if (bucket.r2 === undefined) say(stderr, `Asking S3 for bucket ${bucket.name} ...`);
    const given = { keys, hasHealth, siteClock: clock, now };
    const { findings, sample } = await checkBucket(project, bucket, given);
    walked.local.push(...findings.map((one) => ({ ...one, bucket: bucket.name })));
    if (sample) samples.set(bucket.name, sample);
  }
  if (base === undefined || interrupted.aborted) return;
  say(stderr, `Asking ${base} ...`);
  const { oidc } = project.config;
  if (oidc !== undefined && !project.local) {
    walked.site.push(await checkIssuer(oidc));
  }
  walked.site.push(...(await checkSite(project, base, samples, now())));
}

const CLOCK_TIMEOUT_S = 10;

/** How many seconds the site's clock is ahead, by its Date header. */
async function readClock(base: string, now: () => number): Promise<number | undefined> {
  const at = now();
  const answer = await fetchText(`${base}/healthz`, {}, CLOCK_TIMEOUT_S, 1_000);
  return "reason" in answer ? undefined : parseS3Reply(answer, "", at).ahead;
}

const STYLES = { ok: "green", note: "cyan", warning: "yellow", error: "red" } as const;

/** The findings, grouped by what they are about, and a last line that counts them. */
function layOut(world: World, findings: readonly Finding[]): string[] {
  const { stdout } = world;
  const dim = (text: string) => paint(world, stdout, "dim", text);
  const rowsOf = ({ check, severity, seen, impact, remedy }: Finding) => [
    [`  ${paint(world, stdout, STYLES[severity], severity)}`, check, visible(seen)],
    ...(impact === undefined ? [] : [["", dim("why"), visible(impact)]]),
    ...(remedy === undefined ? [] : [["", dim("remedy"), visible(remedy)]]),
  ];
  const groups = [...Map.groupBy(findings, ({ about }) => about)];
  const aligned = align(groups.flatMap(([, group]) => group.flatMap(rowsOf)));
  const lines = groups.flatMap(([about, group]) => [
    paint(world, stdout, "bold", visible(about)),
    ...aligned.splice(0, group.flatMap(rowsOf).length),
    "",
  ]);
  const count = (severity: Severity) => findings.filter((one) => one.severity === severity).length;
  const [errors, warnings] = [count("error"), count("warning")];
  const worst = errors > 0 ? "error" : warnings > 0 ? "warning" : "ok";
  const wrong = `${counted(errors, "error")}, ${counted(warnings, "warning")}`;
  const sum = `${wrong}, ${counted(count("note"), "note")}, ${count("ok")} ok`;
  return [...lines, paint(world, stdout, STYLES[worst], sum)];
}

/** What the doctor ends with: the worst that it found. */
function exitOf(findings: readonly Finding[]): Exit {
  if (findings.some(({ severity }) => severity === "error")) return EXIT.failed;
  return findings.some(({ severity }) => severity === "warning") ? EXIT.partly : EXIT.done;
}
