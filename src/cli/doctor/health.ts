// Checks what a deployed Vitrine says at /healthz, if the token is at hand: which slot works, and what the edge or
// the Images binding makes of the canary.

import type { Bucket } from "../../worker/config/bucket.ts";
import { hashVars } from "../../worker/config/hash-vars.ts";
import type { BucketHealth } from "../../worker/health.ts";
import type { SlotHealth } from "../../worker/try-slot.ts";
import { originOf } from "../config/buckets.ts";
import { configuredName, isPlayed, type Project } from "../config/project.ts";
import { askHealth } from "../http/ask-health.ts";
import { diagnoseEdge, SEE_CLOUDFLARE } from "./edge.ts";
import {
  type Finding,
  fail,
  findingsOn,
  lessen,
  note,
  ok,
  type Result,
  withDeployFirst,
} from "./finding.ts";
import { diagnoseRole } from "./role.ts";
import { cannotList, compareClocks, diagnoseS3, SEE_PROVIDER } from "./s3.ts";

/** @param siteClock how far the site's clock is ahead of this machine's: s */
export async function checkHealth(
  project: Project,
  base: string,
  siteClock: number | undefined,
): Promise<readonly Finding[]> {
  const about = `${base}/healthz`;
  const { healthToken, secrets, local, known } = project;
  if (healthToken === undefined) {
    const from = secrets.get("HEALTH_TOKEN")?.from;
    const invalid = `HEALTH_TOKEN in ${from} is not 16 or more ASCII characters. Without a valid one`;
    const missing = from === undefined ? "without HEALTH_TOKEN" : invalid;
    const silent = "/healthz does not report which slot works and what the edge says";
    return [{ about, ...note("health", `${missing} ${silent} (docs/doctor.md, “Health”)`) }];
  }
  const health = await askHealth(base, healthToken);
  if (!("buckets" in health)) {
    return [{ about, ...noHealth(health.status, health.reason, local) }];
  }
  const isDeployed =
    local || !health.configuration || health.configuration === (await hashVars(known.deployed));
  const site = { base, isDeployed, clock: siteClock };
  const findings = health.buckets.flatMap((one) => diagnoseBucket(project, site, one));
  if (isDeployed) return findings;
  const differs = fail("deployed", {
    severity: "warning",
    seen: "the deployed configuration is not that of wrangler.toml",
    impact: "what is changed in wrangler.toml counts only after a deploy",
    remedy:
      "correct what is said above of wrangler.toml, if anything is, then deploy it: npx vitrine deploy",
  });
  return [{ about, ...differs }, ...findings.map((one) => withDeployFirst(one, differs))];
}

function noHealth(status = 429, reason: string, local: boolean): Result {
  // The Worker's token may be used by monitoring.
  const correct =
    "correct HEALTH_TOKEN on this machine: it must be the Worker's. If nobody has that one, set a new one, and tell your monitoring: npx wrangler secret put HEALTH_TOKEN";
  const put = "put the HEALTH_TOKEN of this machine into .dev.vars, then restart npx vitrine dev";
  const remedies: Readonly<Record<number, string>> = {
    401: local ? put : correct,
    429: "try again in a minute",
  };
  return fail("health", {
    severity: "warning",
    seen: `/healthz does not report: ${reason}`,
    impact: "the doctor cannot see which slot works, and what the edge says",
    remedy:
      remedies[status] ??
      "npx vitrine deploy if Vitrine has changed. Or something else may answer at /healthz",
    ...(status === 429 && { bearing: "passing" }),
  });
}

type Site = {
  readonly base: string;
  /** Whether its settings are those of wrangler.toml. */
  readonly isDeployed: boolean;
  readonly clock: number | undefined;
};

function diagnoseBucket(project: Project, site: Site, health: BucketHealth): Finding[] {
  const { bucket: name, slots, r2, role } = health;
  const bucket = project.config.buckets.find((one) => one.name === name);
  const about = `${site.base}: bucket ${name}`;
  const findings = slots.map((one) => diagnoseSlot(project, site, name, one));
  const working = slots.find(({ state }) => state === "ok");
  const r2Result =
    r2 === "ok"
      ? ok("r2", "R2 answers the Worker")
      : fail("r2", { seen: "R2 does not answer the Worker", remedy: SEE_CLOUDFLARE });
  const roleResults =
    role === undefined || !bucket?.role ? [] : diagnoseRole(bucket, bucket.role, role);
  const engine = bucket?.engine === "binding" ? "the Images binding" : "the edge";
  return [
    ...findings.map((one) =>
      working && one.severity === "error" ? lessen(one, working.slot) : one,
    ),
    ...(r2 === undefined ? [] : findingsOn(`${about}, its binding`, [r2Result])),
    ...findingsOn(`${about}, its role`, roleResults),
    ...listingOf(project, health, about),
    ...findingsOn(
      `${site.base}/healthz: ${engine}, for bucket ${name}`,
      diagnoseEngine(project, bucket, health),
    ),
  ].map((one) => ({ ...one, bucket: name }));
}

/** What a deployed key or role says of an object that is missing: 403 if it may not list the bucket (A6). */
function listingOf({ config, local }: Project, health: BucketHealth, about: string): Finding[] {
  const bucket = config.buckets.find((one) => one.name === health.bucket);
  if (bucket === undefined || local || config.store === undefined) return [];
  const tried = [...health.slots, ...(health.role ? [health.role] : [])];
  return tried.some(({ missing }) => missing === 403)
    ? findingsOn(about, [cannotList(bucket)])
    : [];
}

function diagnoseSlot(project: Project, site: Site, name: string, health: SlotHealth): Finding {
  const { slot, state, region, clock, answered, access_key: key, mistakes = [] } = health;
  const about = `${site.base}: bucket ${name}, slot ${slot}${key === undefined ? "" : `: the key ${key}`}`;
  const on = (result: Result): Finding => ({ about, key, ...result });
  if (state === "ok") return on(ok("health", "it works"));
  if (state === "unreachable") {
    const seen = "S3 does not answer the deployed Worker";
    const remedy = `make sure that BUCKETS.*.endpoint is reachable from the internet, then ${SEE_PROVIDER}`;
    return on(fail("reachable", { seen, remedy, deploys: true }));
  }
  if (state === "incomplete") {
    const where = project.local
      ? "correct the secrets that are named here, in .dev.vars"
      : "set the secrets that are named here: npx wrangler secret put";
    const impact = `slot ${slot} needs both of its secrets`;
    return on(fail("keys", { seen: mistakes.join("; "), impact, remedy: where }));
  }
  const bucket = project.config.buckets.find((one) => one.name === name);
  const host = bucket === undefined ? name : new URL(bucket.base).host;
  if (state === "RequestTimeTooSkewed" && clock !== undefined) {
    const s3 = site.clock === undefined ? clock : site.clock + clock;
    return on(compareClocks({ s3, site: site.clock }, host));
  }
  const isStatus = /^\d+$/.test(state);
  const answer = {
    status: answered ?? (isStatus ? Number(state) : 0),
    code: isStatus ? undefined : state,
    region,
    ahead: clock,
    text: "",
  };
  const fault = diagnoseS3(answer, {
    ...{ host, name, slot },
    bucket: !site.isDeployed
      ? "its deployed name"
      : bucket
        ? configuredName(project, bucket)
        : name,
    region: site.isDeployed ? (bucket?.region ?? "") : "the deployed region",
    secretPrefix: project.words.get(name) ?? "AWS",
    from: project.local ? ".dev.vars" : undefined,
    scope: isPlayed(project) ? "local" : undefined,
  });
  const denied = fail("sample", {
    seen: `S3 denies the canary (${state}): the key may not read it, or it does not exist`,
    impact: "visitors get 404 for it, or for every object",
    remedy: `make sure that the key may read it, or correct canary or prefix in BUCKETS.${name} of wrangler.toml`,
    deploys: true,
  });
  return on(fault ?? denied);
}

/** What it means that the Worker gets no image of the canary. */
function diagnoseEngine(
  { local }: Project,
  bucket: Bucket | undefined,
  { bucket: name, edge: code, answered = 403, role }: BucketHealth,
): Result[] {
  if (role !== undefined && role.state !== "ok") return []; // nothing is made then, and the role says why
  const isBinding = bucket?.engine === "binding";
  if (code === "on" && isBinding) return [ok("binding", "the Images binding makes a rendition")];
  if (code === "on") {
    return [
      ok("transformations", "it transforms: cf-resized says so"),
      ok("sources", "it may fetch from the bucket"),
    ];
  }
  if (code === "no canary") {
    const worker = local ? "the Worker that npx vitrine dev started" : "the deployed Worker";
    const unknown = `BUCKETS.${name} of ${worker} has no canary, so what the edge says is unknown`;
    return [note("health", unknown)];
  }
  const entry = bucket === undefined ? "of the bucket" : originOf(bucket).entry;
  return [diagnoseEdge(code, answered, { entry, isBinding, local })];
}
