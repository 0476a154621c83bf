// vitrine doctor: says what is wrong, why it matters, and how to fix it. Changes nothing.

import { once } from "node:events";
import { Command, InvalidArgumentError } from "@commander-js/extra-typings";
import {
  align,
  type End,
  type Fault,
  isFault,
  print,
  type Run,
  say,
  type World,
} from "../command.ts";
import { bucketsOf } from "../config/buckets.ts";
import { checkEnvironment } from "../config/check-environments.ts";
import { readVars } from "../config/environment-config.ts";
import { bucketOfWorker, isPlayed, openProject, type Project } from "../config/project.ts";
import { findBaseUrl, hostOf, isHere, refuseUnprovenUrl } from "../config/site-url.ts";
import { askWhetherThere } from "../http/ask-health.ts";
import { PATIENCE_S } from "../http/ask-s3.ts";
import { type Found, nameOf, readKeys } from "../objects/object-name.ts";
import { envOption, jsonOption, OBJECTS, secretsFileOption } from "../options.ts";
import { optionOf } from "../terminal/shell.ts";
import { chooseEnvironment, envFlag } from "../wrangler/config-file.ts";
import { examineBound, withoutSlots } from "./bound.ts";
import { CHECKS } from "./checks/index.ts";
import { diagnoseConfiguration, diagnoseShell, diagnoseStore } from "./configuration.ts";
import { askClock } from "./diagnose-clock.ts";
import { examineBucket } from "./examine-bucket.ts";
import { examineIssuer } from "./examine-issuer.ts";
import type { Sample } from "./examine-objects.ts";
import { diagnoseAbsence, examineSite } from "./examine-site.ts";
import type { Finding } from "./finding.ts";
import { type Open, readAs } from "./reader.ts";
import { exitOf, findingsFor, tellFindings, withDeploys, withFirstCauses } from "./report.ts";
import { weigh } from "./weigh.ts";

type Options = ReturnType<ReturnType<typeof define>["opts"]>;

export function doctorCommand(world: World, run: Run) {
  return define().action((options) => run(() => doctor(world, options)));
}

/** Checks what is deployed at a URL, as `vitrine doctor --url` does. */
export function examineSiteAt(
  world: World,
  options: Omit<Options, "timeout" | "json"> & { readonly url: string },
): Promise<End> {
  return doctor(world, { ...options, timeout: PATIENCE_S });
}

function define() {
  return new Command("doctor")
    .description("checks the configuration, the keys, the buckets, and what is deployed")
    .addOption(envOption())
    .option("-u, --url <url>", "check the Vitrine at this URL, too; on this machine: the local run")
    .option("-k, --key <key...>", "objects to check, such as photos/fig.jpg")
    .addOption(secretsFileOption())
    .option("--timeout <seconds>", "how long S3 may take to answer", readSeconds, PATIENCE_S)
    .addOption(jsonOption())
    .addHelpText("after", HELP);
}

const HELP = `
The doctor asks S3 with each key at hand, then the deployed Worker. The edge makes a rendition for each
route, which is counted as usual, and the Worker logs each trick that it refuses. To see whether a key may
write, it sends a part of an upload that does not exist, with a wrong digest. Only an S3 that ignores both
stores it, as an empty object: the doctor then names that object.
With HEALTH_TOKEN among the secrets, it also reads /healthz, which knows what the image edge says.
${OBJECTS}

Checks:
${align(Object.entries(CHECKS).map(([name, { asks }]) => [`  ${name}`, asks])).join("\n")}

Examples:
  npx vitrine doctor
  npx vitrine doctor --url https://images.example.com --key photos/fig.jpg
  npx vitrine doctor --secrets-file secrets.env --json
  npx vitrine doctor --url http://localhost:8787`;

function readSeconds(text: string): number {
  const seconds = Number(text);
  if (!(seconds > 0 && seconds <= 600)) throw new InvalidArgumentError("A number up to 600.");
  return seconds;
}

async function doctor(world: World, options: Options): Promise<End> {
  const known = readVars(world.folder, chooseEnvironment(world, options.env));
  const base = options.url === undefined ? undefined : findBaseUrl(options.url, [], "--url");
  if (isFault(base)) return base;
  if (base === "") return { fault: "--url: say where Vitrine is, as https://images.example.com" };
  const local = base !== undefined && isHere(base);
  if (base === undefined) {
    const flag = isFault(known) ? "" : envFlag(known);
    const locally = `npx vitrine doctor${flag} --url http://localhost:8787`;
    say(world.stderr, `About what would be deployed. The local run: ${locally}`);
    const host = isFault(known) ? "*" : hostOf(known.patterns[0] ?? "*");
    const there = `npx vitrine doctor${flag} --url https://${host}`;
    if (!host.includes("*")) say(world.stderr, `What is deployed: ${there}`);
  }
  const report = isFault(known)
    ? { warnings: [], mistakes: [known.mistake] }
    : checkEnvironment(world.folder, known);
  const project = openProject(world, { ...options, url: base });
  const stopping = "mistakes" in project ? project.mistakes : [];
  if (isFault(project) && stopping.length === 0) return project;
  const unproven =
    !isFault(project) && base !== undefined && !local
      ? refuseUnprovenUrl(world.folder, project.known, base)
      : undefined;
  if (unproven !== undefined) return unproven;
  const file = isFault(known) ? known.mistake.path : known.file;
  const { secrets, deployed } = isFault(known) ? { secrets: [], deployed: {} } : known;
  const listed = { secrets, vars: Object.keys(deployed), secretsFile: options.secretsFile };
  const findings = diagnoseConfiguration(report, stopping, { file, local, ...listed });
  findings.push(...diagnoseShell(world, options.secretsFile));
  if (!isFault(project) && !local) findings.push(...diagnoseStore(project.known));
  if (!isFault(project)) {
    const named = readObjects(project, options.key);
    if (isFault(named)) return named;
    const parts = { here: [] as Finding[], site: [] as Finding[] };
    const collect = async () => {
      const steps = examine(world, project, base, named, options.timeout);
      for await (const { of, found } of steps) parts[of].push(...found);
    };
    // After Ctrl-C, what was found until then is reported.
    const { interrupted } = world;
    if (!interrupted.aborted) await Promise.race([once(interrupted, "abort"), collect()]);
    findings.push(...weigh(project, parts.here, parts.site), ...parts.site);
  }
  const all = withFirstCauses(withDeploys(findings, local));
  const told = isFault(known) ? all : findingsFor(known, all);
  if (options.json) print(world.stdout, JSON.stringify({ findings: told }, null, 2));
  else say(world.stdout, ...tellFindings(world, told));
  return exitOf(findings);
}

/** Reads the objects that `--key` names. Only a bucket that a route leads to is examined. */
function readObjects(
  { config: { buckets, routes } }: Project,
  keys: readonly string[] | undefined,
): readonly Found[] | Fault {
  const named = readKeys(buckets, keys);
  if (isFault(named)) return named;
  const unused = named.find(({ bucket }) => !bucketsOf(routes).has(bucket));
  if (unused === undefined) return named;
  const name = optionOf("--key", nameOf(buckets, unused));
  return { fault: `${name}: no route leads to the bucket ${unused.bucket.name}` };
}

/** What was found from this machine, or what the site shows. */
type Part = { readonly of: "here" | "site"; readonly found: readonly Finding[] };

/** @param named the objects to look at */
async function* examine(
  world: World,
  project: Project,
  base: string | undefined,
  named: readonly Found[],
  patience: number,
): AsyncGenerator<Part> {
  const asksHealth = base !== undefined && project.healthToken !== undefined;
  const samples = new Map<string, Sample>();
  if (base !== undefined && isPlayed(project)) {
    const absent = await askWhetherThere(base);
    if (absent !== undefined && absent.status === undefined) {
      // Its S3 would be there as well.
      const found = [{ about: base, ...diagnoseAbsence(base, absent, true) }];
      return yield { of: "site", found };
    }
  }
  const ofSite = base !== undefined && !project.local;
  const clock = ofSite ? await askClock(base, world.now) : undefined;
  for (const bucket of bucketsOf(project.config.routes)) {
    const { name, prefix, canary } = bucket;
    if (world.interrupted.aborted) return;
    if (bucket.r2 !== undefined) {
      const { known: sampled, findings } = examineBound(bucket, named);
      yield { of: "here", found: findings };
      if (sampled) samples.set(name, sampled);
      continue;
    }
    const wanted = named.filter((one) => one.bucket === bucket).map(({ key }) => key);
    say(world.stderr, `Asking S3 for bucket ${name} ...`);
    const open: Open = (credentials) => readAs(bucket, credentials, { now: world.now, patience });
    const examined = await examineBucket(project, bucket, wanted, asksHealth, clock, open);
    const isBound = bucketOfWorker(project, bucket).r2 !== undefined;
    const found = isBound ? withoutSlots(bucket, examined.findings) : examined.findings;
    yield { of: "here", found: found.map((finding) => ({ ...finding, bucket: name })) };
    const [first = canary?.slice(prefix.length)] = wanted;
    const sample = examined.sample ?? (first && { key: prefix + first, bytes: undefined });
    if (sample) samples.set(name, sample);
  }
  if (base === undefined || world.interrupted.aborted) return;
  say(world.stderr, `Asking ${base} ...`);
  const { oidc } = project.config;
  if (oidc !== undefined && !project.local) {
    yield { of: "site", found: await examineIssuer(oidc, project.secrets) };
  }
  yield { of: "site", found: await examineSite(project, base, samples, world.now(), clock) };
}
