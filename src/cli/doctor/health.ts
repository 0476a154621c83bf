// What a deployed Vitrine reports at /healthz, if the token is at hand: which slot works, and what the
// edge says.

import type { BucketHealth, SlotHealth } from "../../worker/health.ts";
import { askHealth } from "../net/ask-health.ts";
import type { Project } from "../project/project.ts";
import { diagnoseS3 } from "./diagnose-s3.ts";
import { diagnoseEdge } from "./diagnose-site.ts";
import { type Diagnosis, diagnose, type Finding, found, note, well } from "./finding.ts";

export async function healthOf(project: Project, base: string): Promise<Finding[]> {
  const about = `${base}/healthz`;
  const { healthToken, secrets, local } = project;
  if (healthToken === undefined) {
    const from = secrets.get("HEALTH_TOKEN")?.from;
    const missing =
      from === undefined
        ? "without HEALTH_TOKEN"
        : `HEALTH_TOKEN in ${from} is not 16 or more ASCII characters. Without a valid one`;
    const silent = "/healthz does not report which slot works and what the edge says";
    return [note(about, "health", `${missing} ${silent} (docs/doctor.md, “Health”)`)];
  }
  const health = await askHealth(base, healthToken);
  if (!("buckets" in health)) {
    const { status, reason } = health;
    const isBusy = status === undefined || status === 429;
    const other = isBusy ? "health-busy" : "health";
    return [found(about, status === 401 ? "health-token-wrong" : other, { reason }, local)];
  }
  return health.buckets.flatMap((bucket) => {
    const findings = [
      ...slotFindings(project, base, bucket),
      ...edgeFindings(project, about, bucket),
    ];
    return findings.map((finding) => ({ ...finding, bucket: bucket.bucket }));
  });
}

function slotFindings(project: Project, base: string, { bucket, slots }: BucketHealth): Finding[] {
  const works = slots.find(({ state }) => state === "ok");
  return slots.map((health): Finding => {
    const { slot, state, access_key } = health;
    const key = access_key === undefined ? "" : `: the key ${access_key}`;
    const about = `${base}: bucket ${bucket}, slot ${slot}${key}`;
    if (state === "ok") {
      return well(about, "health", health === works ? "it works, and is used" : "it works");
    }
    const finding = { about, ...diagnoseSlot(project, bucket, health) };
    if (works === undefined) return finding;
    return { ...finding, severity: "warning", why: `only slot ${works.slot} works` };
  });
}

/** The status that comes with a code of S3, if it is not 403. */
const STATUSES: Readonly<Record<string, number>> = { NoSuchBucket: 404, Unauthorized: 401 };

function diagnoseSlot(project: Project, name: string, health: SlotHealth): Diagnosis {
  const { config, words, local } = project;
  const { slot, state, region, clock, mistakes = [] } = health;
  if (state === "unreachable") return diagnose("s3-unreachable", {});
  if (state === "incomplete") {
    return diagnose("slot-incomplete", { mistakes: mistakes.join("; ") }, local);
  }
  const configured = config.buckets.find((bucket) => bucket.name === name);
  const asked = {
    host: configured === undefined ? name : new URL(configured.base).host,
    name,
    bucket: configured?.bucket ?? name,
    region: configured?.region ?? "",
    word: words.get(name) ?? "AWS",
    slot,
    from: local ? ".dev.vars" : undefined,
  };
  const isStatus = /^\d+$/.test(state);
  const said = {
    status: isStatus ? Number(state) : (STATUSES[state] ?? 403),
    code: isStatus ? undefined : state,
    region,
    ahead: clock,
    text: "",
  };
  return diagnoseS3(said, asked) ?? diagnose("canary-denied", { name, said: state });
}

function edgeFindings({ config, local }: Project, about: string, health: BucketHealth): Finding[] {
  const { bucket, edge, answered } = health;
  const where = `${about}: the edge, for bucket ${bucket}`;
  if (edge === "on") {
    return [
      well(where, "transformations", "it transforms: cf-resized says so"),
      well(where, "sources", "it may fetch from the bucket's host"),
    ];
  }
  if (edge === "no canary") {
    const of = local ? "the Worker that npm start started" : "the deployed Worker";
    const unknown = `BUCKETS.${bucket} of ${of} has no canary, so what the edge says is unknown`;
    return [note(where, "health", unknown)];
  }
  const base = config.buckets.find(({ name }) => name === bucket)?.base;
  const host = base === undefined ? "the origin's host" : new URL(base).host;
  return [{ about: where, ...diagnoseEdge(edge, answered, host, local) }];
}
