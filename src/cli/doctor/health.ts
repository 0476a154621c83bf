// Checks /healthz of a deployed Vitrine: whether it answers, and, if the token is at hand, which slot works and what the
// edge or the Images binding makes of the canary.

import type { Bucket } from "../../worker/config/bucket.ts";
import { hashVars } from "../../worker/config/hash-vars.ts";
import type { BucketHealth } from "../../worker/operator.ts";
import type { SlotHealth } from "../../worker/origin/health.ts";
import { followedBuckets, sourceEntryOf } from "../config/buckets.ts";
import { configuredBucket, type Project, type ProjectSite } from "../config/project.ts";
import { fetchHealth } from "../http/ask-health.ts";
import { isNoAnswer, type NoAnswer } from "../http/body.ts";
import { diagnoseEdge, diagnoseStatus, SEE_CLOUDFLARE } from "./edge.ts";
import { type Finding, findingsOf, lessen, note, ok, problem, type Result } from "./finding.ts";
import { diagnoseRole } from "./role.ts";
import { cannotList, diagnoseS3 } from "./s3.ts";

export function diagnoseAbsence(url: string, noAnswer: NoAnswer, local: boolean): Result {
  const { status, reason } = noAnswer;
  if (status === 500) return diagnoseStatus(500, `${url}/healthz`, local);
  return problem("deployed", {
    seen: `there is no Vitrine at ${url}: at /healthz, ${reason}`,
    impact: "visitors see no image",
    remedy: local
      ? "start it: npx vitrine dev. It prints its http:// URL: pass that, without a path"
      : 'make sure that no rule of the zone is in front of it, and put that domain under routes in wrangler.toml, as { pattern = "images.example.com", custom_domain = true }. At another route, let /healthz lead to the Worker, too',
    needsDeploy: true,
  });
}

export async function checkHealth(site: ProjectSite): Promise<readonly Finding[]> {
  const { baseUrl, healthToken, local, envConfig } = site;
  const about = `${baseUrl}/healthz`;
  if (healthToken === undefined) {
    const seen =
      "without a HEALTH_TOKEN of 16 or more ASCII characters, /healthz does not report which slot works and what the edge says (docs/doctor.md, “Health”)";
    return [{ about, ...note("health", seen) }];
  }

  const result = await fetchHealth(baseUrl, healthToken);
  if (isNoAnswer(result)) return [{ about, ...diagnoseHealthFailure(result) }];

  const { configuration: hash, buckets } = result;
  const isDeployed = local || !hash || hash === (await hashVars(envConfig.deployed));
  const findings = buckets.flatMap((bucket) => diagnoseBucket(site, bucket));
  if (isDeployed) return findings;

  // What is said of settings may be right in wrangler.toml, and explains what visitors get.
  const current = findings.filter(({ needsDeploy }) => !needsDeploy);
  const differs = problem("deployed", {
    severity: "warning",
    seen: "the deployed configuration is not that of wrangler.toml: it is not deployed yet",
    impact: "what is changed in wrangler.toml counts only after a deploy",
    remedy: "correct what is said above of wrangler.toml, if anything is: then npx vitrine deploy",
    ...(current.length < findings.length && { bearing: "passing" }),
  });

  return [{ about, ...differs }, ...current];
}

function diagnoseHealthFailure({ status, reason }: NoAnswer): Result {
  const seen = `/healthz does not report: ${reason}`;
  const impact = "the doctor sees only what visitors get";
  const details = { severity: "warning", seen, impact } as const;

  if (status === undefined || status === 429) {
    return problem("health", { ...details, remedy: "try again in a minute", bearing: "passing" });
  }

  const remedy =
    status === 401 // the Worker's token may be used by monitoring
      ? "correct HEALTH_TOKEN on this machine, for the local run in .dev.vars: it must be the Worker's. If nobody has that one, set a new one, and tell your monitoring: npx wrangler secret put HEALTH_TOKEN"
      : "npx vitrine deploy if Vitrine has changed. Or something else may answer at /healthz";
  return problem("health", { ...details, remedy });
}

function diagnoseBucket(
  site: ProjectSite,
  { bucket: name, slots, r2, role, edge, answered, resized }: BucketHealth,
): Finding[] {
  const { config, baseUrl, local } = site;
  const bucket = config.buckets.find((configured) => configured.name === name);
  if (bucket === undefined) return []; // wrangler.toml has it no more
  const findings: Finding[] = [];
  const add = (part: string, ...results: readonly Result[]) =>
    findings.push(...findingsOf(`${baseUrl}: bucket ${name}${part}`, name, results));
  const working = slots.find(({ state }) => state === "ok");
  for (const slot of slots) {
    const result = diagnoseSlot(site, bucket, slot);
    const slotResult = working ? lessen(result, `only slot ${working.slot} works`) : result;
    const key = slot.access_key === undefined ? "" : `: the key ${slot.access_key}`;
    add(`, slot ${slot.slot}${key}`, slotResult);
  }
  const fault = { seen: "R2 does not answer the Worker", remedy: SEE_CLOUDFLARE };
  const r2Result = r2 === "ok" ? ok("r2", "R2 answers the Worker") : problem("r2", fault);
  if (r2 !== undefined) add(", its binding", r2Result);
  if (role && bucket.role) add(", its role", ...diagnoseRole(bucket, bucket.role, role));
  // For an object that is missing, S3 answers 403 if the key may not list the bucket (A6).
  const isDenied = (role ? [role] : slots).some(({ missing }) => missing === 403);
  const isFollowed = followedBuckets(config.routes).has(bucket);
  if (isDenied && (isFollowed || (!local && config.store))) add("", cannotList(bucket, isFollowed));
  if (role !== undefined && role.state !== "ok") return findings; // the finding of the role says why there is no image
  const isBinding = bucket.engine === "binding";
  const engine = isBinding ? ", the Images binding" : ", the edge";
  const entry = sourceEntryOf(bucket);
  if (edge === "no canary") {
    add(engine, note("health", `BUCKETS.${name} has no canary, so what it says is unknown`));
  } else if (edge !== "on") {
    const fault = diagnoseEdge(edge, answered ?? 403, { entry, isBinding, local });
    const hasNext = config.routes.some(({ buckets }) => buckets.slice(0, -1).includes(bucket));
    const impact = "visitors get it if the next bucket has it, but monitoring fails";
    add(engine, hasNext && edge === "object-missing" ? lessen(fault, impact) : fault);
  } else if (isBinding) add(engine, ok("binding", "the Images binding makes a rendition"));
  else add(engine, ok("transformations", "it is on"), ok("sources", "it may fetch the canary"));
  if (resized !== undefined) add(engine, diagnoseUnknownResult(resized, edge));
  return findings;
}

/** The edge's word for a success is documented nowhere, and has changed (R1). */
function diagnoseUnknownResult(resized: string, edge: string): Result {
  return problem("edge", {
    severity: "warning",
    seen: `cf-resized reads ${resized}, which Vitrine does not know`,
    impact:
      edge === "on"
        ? "a picture is shown only if its bytes prove that the edge made it: smaller, or of another type than the original"
        : "nothing else says that the edge transforms the canary",
    remedy:
      "update Vitrine. If there is no newer version, report it. See docs/errors.md#unknown-proof",
    bearing: "harmless",
  });
}

function diagnoseSlot(
  project: Project,
  bucket: Bucket,
  { slot, state, region, clock: ahead, answered, mistakes = [] }: SlotHealth,
): Result {
  if (state === "ok") return ok("health", "it works");
  if (state === "incomplete") {
    const remedy = "set what is named here, locally in .dev.vars: npx wrangler secret put";
    const impact = `slot ${slot} needs both of its secrets`;
    return problem("keys", { seen: mistakes.join("; "), impact, remedy });
  }
  const isStatus = /^\d+$/.test(state);
  const status = answered ?? (isStatus ? Number(state) : 0);
  const code = isStatus || state === "unreachable" ? undefined : state;
  const failure = "the Worker cannot reach it";
  const named = { ...bucket, bucket: configuredBucket(project, bucket).bucket };
  const source = project.local ? ".dev.vars" : undefined;
  const answer = { status, code, failure, region, ahead, text: "" };
  const fault = diagnoseS3(answer, { bucket: named, slot, source });
  if (fault !== undefined) return fault;
  return problem("sample", {
    seen: `S3 denies the canary (${state}): the key may not read it, or it does not exist`,
    impact: "visitors get 404 for it, or for every object",
    remedy: `make sure that the key may read it, or correct canary or prefix in BUCKETS.${bucket.name} of wrangler.toml`,
    needsDeploy: true,
  });
}
