// Examines each bucket from this machine, and then what is deployed.

import type { Bucket } from "../../worker/config/bucket.ts";
import { bucketsOf } from "../../worker/config/routes.ts";
import { say, type World } from "../command.ts";
import { askWhetherThere } from "../net/ask-health.ts";
import type { Found } from "../project/object-name.ts";
import { bucketOfWorker, isPlayed, type Project } from "../project/project.ts";
import { isOfSlot } from "./checks/index.ts";
import { askClock } from "./diagnose-clock.ts";
import { examineBucket } from "./examine-bucket.ts";
import { examineIssuer } from "./examine-issuer.ts";
import type { Sample } from "./examine-objects.ts";
import { diagnoseAbsence, examineSite } from "./examine-site.ts";
import { type Finding, note } from "./finding.ts";
import { type Open, readAs } from "./reader.ts";

/** What was found from this machine, or what the site shows. */
export type Part = { readonly of: "here" | "site"; readonly found: readonly Finding[] };

/** What is found through the local S3 in a bucket that the Worker reads by its binding, without a key. */
function withoutSlots({ name }: Bucket, found: readonly Finding[]): Finding[] {
  const about = `bucket ${name}`;
  const what = "an R2 binding: the local run has it in wrangler's own R2, and no key opens it";
  const others = found.filter(
    ({ check, severity }) => !isOfSlot(check) && (severity !== "ok" || check === "sample"),
  );
  return [note("reachable", what), ...others].map((one) => ({ ...one, about }));
}

/** Only the deployed Worker can ask an R2 binding. */
function examineBound({ name, prefix, canary }: Bucket, named: readonly Found[]) {
  const [first] = named.filter(({ bucket }) => bucket.name === name);
  const key = first === undefined ? canary : prefix + first.key;
  const what =
    "an R2 binding: only the Worker can ask it. See /healthz, with --url and HEALTH_TOKEN";
  const findings = [{ about: `bucket ${name}`, bucket: name, ...note("reachable", what) }];
  return { findings, known: key === undefined ? undefined : { key, bytes: undefined } };
}

/** @param named the objects to look at */
export async function* examine(
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
