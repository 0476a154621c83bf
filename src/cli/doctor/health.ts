// Checks what a deployed Vitrine says at /healthz, if the token is at hand: which slot works, and what the edge or
// the Images binding makes of the canary.

import type { Bucket } from "../../worker/config/bucket.ts";
import { hashVars } from "../../worker/config/hash-vars.ts";
import type { BucketHealth } from "../../worker/health.ts";
import type { SlotHealth } from "../../worker/try-slot.ts";
import { originOf } from "../config/buckets.ts";
import { configuredName, type Project } from "../config/project.ts";
import { askHealth, type NoHealth } from "../http/ask-health.ts";
import { diagnoseEdge, SEE_CLOUDFLARE } from "./edge.ts";
import { type Finding, fail, note, ok, type Result } from "./finding.ts";
import { diagnoseRole } from "./role.ts";
import { cannotList, diagnoseS3, SEE_PROVIDER } from "./s3.ts";

export async function checkHealth(project: Project, base: string): Promise<readonly Finding[]> {
  const about = `${base}/healthz`;
  const { healthToken, secrets, local, known } = project;
  if (healthToken === undefined) {
    const from = secrets.get("HEALTH_TOKEN")?.from;
    const invalid = `HEALTH_TOKEN in ${from} is not 16 or more ASCII characters. Without a valid one`;
    const without = from === undefined ? "without HEALTH_TOKEN" : invalid;
    const seen = `${without} /healthz does not report which slot works and what the edge says (docs/doctor.md, “Health”)`;
    return [{ about, ...note("health", seen) }];
  }
  const health = await askHealth(base, healthToken);
  if (!("buckets" in health)) return [{ about, ...diagnoseNoHealth(health) }];
  const { configuration, buckets } = health;
  const isDeployed = local || !configuration || configuration === (await hashVars(known.deployed));
  const findings = buckets.flatMap((one) => diagnoseBucket(project, base, isDeployed, one));
  if (isDeployed) return findings;
  const differs = fail("deployed", {
    severity: "warning",
    seen: "the deployed configuration is not that of wrangler.toml: it is not deployed yet",
    impact: "what is changed in wrangler.toml counts only after a deploy",
    remedy: "correct what is said above of wrangler.toml, if anything is: then npx vitrine deploy",
  });
  const remedy =
    "npx vitrine deploy, because wrangler.toml may be right. Then run the doctor again";
  const weighed = findings.map((one) => (one.deploys ? { ...one, remedy, deploys: false } : one));
  return [{ about, ...differs }, ...weighed];
}

function diagnoseNoHealth({ status, reason }: NoHealth): Result {
  const isBusy = status === undefined || status === 429;
  const remedy = isBusy
    ? "try again in a minute"
    : status === 401 // the Worker's token may be used by monitoring
      ? "correct HEALTH_TOKEN on this machine, for the local run in .dev.vars: it must be the Worker's. If nobody has that one, set a new one, and tell your monitoring: npx wrangler secret put HEALTH_TOKEN"
      : "npx vitrine deploy if Vitrine has changed. Or something else may answer at /healthz";
  return fail("health", {
    severity: "warning",
    seen: `/healthz does not report: ${reason}`,
    impact: "the doctor cannot see which slot works, and what the edge says",
    remedy,
    ...(isBusy && { bearing: "passing" }),
  });
}

function diagnoseBucket(
  project: Project,
  base: string,
  isDeployed: boolean,
  { bucket: name, slots, r2, role, edge, answered }: BucketHealth,
): Finding[] {
  const { config, local } = project;
  const bucket = config.buckets.find((one) => one.name === name);
  if (bucket === undefined) return []; // wrangler.toml has it no more
  const about = `${base}: bucket ${name}`;
  const findings: Finding[] = [];
  const working = slots.find(({ state }) => state === "ok");
  for (const one of slots) {
    const { slot, access_key: key } = one;
    const result = diagnoseSlot(project, bucket, isDeployed, one);
    const isHarmless = working !== undefined && result.severity === "error";
    findings.push({
      about: `${about}, slot ${slot}${key === undefined ? "" : `: the key ${key}`}`,
      ...result,
      ...(isHarmless && { severity: "warning", impact: `only slot ${working.slot} works` }),
    });
  }
  if (r2 !== undefined) {
    const seen = "R2 does not answer the Worker";
    const result =
      r2 === "ok"
        ? ok("r2", "R2 answers the Worker")
        : fail("r2", { seen, remedy: SEE_CLOUDFLARE });
    findings.push({ about: `${about}, its binding`, ...result });
  }
  if (role !== undefined && bucket.role !== undefined) {
    const results = diagnoseRole(bucket, bucket.role, role);
    findings.push(...results.map((one) => ({ about: `${about}, its role`, ...one })));
  }
  // For an object that is missing, S3 answers 403 if the key may not list the bucket (A6).
  const tried = role === undefined ? slots : [role];
  if (!local && config.store !== undefined && tried.some(({ missing }) => missing === 403)) {
    findings.push({ about, ...cannotList(bucket) });
  }
  if (role === undefined || role.state === "ok") {
    const engine = bucket.engine === "binding" ? "the Images binding" : "the edge";
    const on = `${base}/healthz: ${engine}, for bucket ${name}`;
    const results = diagnoseEngine(bucket, local, edge, answered);
    findings.push(...results.map((one) => ({ about: on, ...one })));
  }
  return findings.map((one) => ({ ...one, bucket: name }));
}

function diagnoseSlot(
  project: Project,
  bucket: Bucket,
  isDeployed: boolean,
  { slot, state, region, clock, answered, mistakes = [] }: SlotHealth,
): Result {
  const { name } = bucket;
  if (state === "ok") return ok("health", "it works");
  if (state === "unreachable") {
    const seen = "S3 does not answer the deployed Worker";
    const remedy = `make sure that BUCKETS.*.endpoint is reachable from the internet, then ${SEE_PROVIDER}`;
    return fail("reachable", { seen, remedy, deploys: true });
  }
  if (state === "incomplete") {
    const remedy =
      "set the secrets that are named here, for the local run in .dev.vars: npx wrangler secret put";
    const impact = `slot ${slot} needs both of its secrets`;
    return fail("keys", { seen: mistakes.join("; "), impact, remedy });
  }
  const isStatus = /^\d+$/.test(state);
  const status = answered ?? (isStatus ? Number(state) : 0);
  const code = isStatus ? undefined : state;
  const fault = diagnoseS3(
    { status, code, region, ahead: clock, text: "" },
    {
      host: new URL(bucket.base).host,
      name,
      slot,
      bucket: isDeployed ? configuredName(project, bucket) : "its deployed name",
      region: isDeployed ? bucket.region : "the deployed region",
      secretPrefix: project.words.get(name) ?? "AWS",
      from: project.local ? ".dev.vars" : undefined,
    },
  );
  const denied = fail("sample", {
    seen: `S3 denies the canary (${state}): the key may not read it, or it does not exist`,
    impact: "visitors get 404 for it, or for every object",
    remedy: `make sure that the key may read it, or correct canary or prefix in BUCKETS.${name} of wrangler.toml`,
    deploys: true,
  });
  return fault ?? denied;
}

/** What it means that the Worker gets an image of the canary, or none. */
function diagnoseEngine(
  bucket: Bucket,
  local: boolean,
  code: string,
  answered = 403,
): readonly Result[] {
  const isBinding = bucket.engine === "binding";
  if (code === "on" && isBinding) return [ok("binding", "the Images binding makes a rendition")];
  if (code === "on") {
    return [
      ok("transformations", "it transforms: cf-resized says so"),
      ok("sources", "it may fetch from the bucket"),
    ];
  }
  if (code === "no canary") {
    const seen = `BUCKETS.${bucket.name} of the deployed Worker has no canary, so what the edge says is unknown`;
    return [note("health", seen)];
  }
  return [diagnoseEdge(code, answered, { entry: originOf(bucket).entry, isBinding, local })];
}
