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
import { type Finding, fail, lessen, note, ok, type Result } from "./finding.ts";
import { diagnoseRole } from "./role.ts";
import { cannotList, diagnoseS3 } from "./s3.ts";

export async function checkHealth(project: Project, base: string): Promise<readonly Finding[]> {
  const about = `${base}/healthz`;
  const { healthToken, local, known } = project;
  if (healthToken === undefined) {
    const seen =
      "without a HEALTH_TOKEN of 16 or more ASCII characters, /healthz does not report which slot works and what the edge says (docs/doctor.md, “Health”)";
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
  const deploy =
    "npx vitrine deploy if Vitrine has changed. Or something else may answer at /healthz";
  const correct = // the Worker's token may be used by monitoring
    "correct HEALTH_TOKEN on this machine, for the local run in .dev.vars: it must be the Worker's. If nobody has that one, set a new one, and tell your monitoring: npx wrangler secret put HEALTH_TOKEN";
  return fail("health", {
    severity: "warning",
    seen: `/healthz does not report: ${reason}`,
    impact: "the doctor sees only what visitors get",
    remedy: isBusy ? "try again in a minute" : status === 401 ? correct : deploy,
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
  const findings: Finding[] = [];
  const add = (part: string, ...results: readonly Result[]) =>
    findings.push(
      ...results.map((one) => ({ about: `${base}: bucket ${name}${part}`, bucket: name, ...one })),
    );
  const working = slots.find(({ state }) => state === "ok");
  for (const one of slots) {
    const { slot, access_key: key } = one;
    const result = diagnoseSlot(project, bucket, isDeployed, one);
    const weighed = working ? lessen(result, `only slot ${working.slot} works`) : result;
    add(`, slot ${slot}${key === undefined ? "" : `: the key ${key}`}`, weighed);
  }
  const silent = { seen: "R2 does not answer the Worker", remedy: SEE_CLOUDFLARE };
  if (r2 === "ok") add(", its binding", ok("r2", "R2 answers the Worker"));
  else if (r2 !== undefined) add(", its binding", fail("r2", silent));
  if (role && bucket.role) add(", its role", ...diagnoseRole(bucket, bucket.role, role));
  // For an object that is missing, S3 answers 403 if the key may not list the bucket (A6).
  const tried = role === undefined ? slots : [role];
  const isDenied = tried.some(({ missing }) => missing === 403);
  if (!local && config.store !== undefined && isDenied) add("", cannotList(bucket));
  if (role !== undefined && role.state !== "ok") return findings; // it says why there is no image
  const isBinding = bucket.engine === "binding";
  const engine = isBinding ? ", the Images binding" : ", the edge";
  const seen = `BUCKETS.${name} of the deployed Worker has no canary, so what the edge says is unknown`;
  if (edge === "no canary") add(engine, note("health", seen));
  else if (edge !== "on") {
    const { entry } = originOf(bucket);
    add(engine, diagnoseEdge(edge, answered ?? 403, { entry, isBinding, local }));
  } else if (isBinding) add(engine, ok("binding", "the Images binding makes a rendition"));
  else {
    const fetches = ok("sources", "it may fetch from the bucket");
    add(engine, ok("transformations", "it transforms: cf-resized says so"), fetches);
  }
  return findings;
}

function diagnoseSlot(
  project: Project,
  bucket: Bucket,
  isDeployed: boolean,
  { slot, state, region, clock, answered, mistakes = [] }: SlotHealth,
): Result {
  const { name } = bucket;
  if (state === "ok") return ok("health", "it works");
  if (state === "incomplete") {
    return fail("keys", {
      seen: mistakes.join("; "),
      impact: `slot ${slot} needs both of its secrets`,
      remedy: `set what is named here, in .dev.vars for the local run: npx wrangler secret put`,
    });
  }
  const isStatus = /^\d+$/.test(state);
  const fault = diagnoseS3(
    {
      status: answered ?? (isStatus ? Number(state) : 0),
      code: isStatus || state === "unreachable" ? undefined : state,
      failure: "the Worker cannot reach it",
      region,
      ahead: clock,
      text: "",
    },
    {
      bucket: {
        ...bucket,
        bucket: isDeployed ? configuredName(project, bucket) : "its deployed name",
        region: isDeployed ? bucket.region : "the deployed region",
      },
      slot,
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
