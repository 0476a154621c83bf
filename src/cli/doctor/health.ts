// What a deployed Vitrine reports at /healthz, if the token is at hand: which slot works, and what the
// edge says.

import { hashVars } from "../../worker/config/hash-vars.ts";
import type { BucketHealth } from "../../worker/health.ts";
import type { SlotHealth } from "../../worker/try-slot.ts";
import { originOf } from "../config/buckets.ts";
import { configuredName, isPlayed, type Project } from "../config/project.ts";
import { askHealth } from "../http/ask-health.ts";
import { diagnoseClock } from "./diagnose-clock.ts";
import { diagnoseBinding, diagnoseR2, diagnoseRole } from "./diagnose-keyless.ts";
import { diagnoseS3 } from "./diagnose-s3.ts";
import { diagnoseEdge } from "./diagnose-site.ts";
import {
  type Diagnosis,
  diagnose,
  type Finding,
  findingsOn,
  lessen,
  note,
  well,
} from "./finding.ts";

/** @param clock how far the site's clock is ahead of this machine's: s */
export async function healthOf(
  project: Project,
  base: string,
  clock: number | undefined,
): Promise<readonly Finding[]> {
  const about = `${base}/healthz`;
  const { healthToken, secrets, local } = project;
  if (healthToken === undefined) {
    const from = secrets.get("HEALTH_TOKEN")?.from;
    const missing =
      from === undefined
        ? "without HEALTH_TOKEN"
        : `HEALTH_TOKEN in ${from} is not 16 or more ASCII characters. Without a valid one`;
    const silent = "/healthz does not report which slot works and what the edge says";
    return [{ about, ...note("health", `${missing} ${silent} (docs/doctor.md, “Health”)`) }];
  }
  const health = await askHealth(base, healthToken);
  if (!("buckets" in health)) {
    const { status = 429, reason } = health;
    const other = status === 429 ? "health-busy" : "health";
    const cause = status === 401 ? "health-token-wrong" : other;
    return [{ about, ...diagnose(cause, { reason }, local) }];
  }
  const differs = local ? undefined : await diagnoseDifference(project, health.configuration);
  const found = health.buckets.flatMap((bucket) => {
    const where = `${about}: ${makerOf(project, bucket)}, for bucket ${bucket.bucket}`;
    const edge = edgeOf(project, bucket).map((one) => ({ about: where, ...one }));
    const findings = [
      ...slotsOf(project, base, bucket, { differs: differs !== undefined, clock }),
      ...openedOf(project, base, bucket),
      ...edge,
    ];
    return findings.map((finding) => ({ ...finding, bucket: bucket.bucket }));
  });
  if (differs === undefined) return found;
  return [{ about, ...differs }, ...found.map((finding) => withDeployFirst(finding, differs))];
}

/** Whether the Worker runs with another configuration than that of wrangler.toml. */
async function diagnoseDifference({ known }: Project, hash: string | undefined) {
  if (hash === undefined || hash === (await hashVars(known.deployed))) return undefined;
  return diagnose("deployed-differs", {});
}

/** What a deployed setting does that may be right in wrangler.toml. Sources and the fallback, too, may be right. */
export function withDeployFirst({ deploys, ...finding }: Finding, differs: Diagnosis): Finding {
  const isOfSettings = deploys === true || ["sources", "fallback"].includes(finding.check);
  if (!isOfSettings || finding.why === undefined || differs.remedy === undefined) return finding;
  return {
    ...finding,
    why: `${finding.why}, perhaps because ${differs.what}`,
    remedy: differs.remedy,
  };
}

function makerOf({ config }: Project, { bucket }: BucketHealth): string {
  const known = config.buckets.find(({ name }) => name === bucket);
  return known?.engine === "binding" ? "the Images binding" : "the edge";
}

/** What opens a bucket without a key. */
function openedOf(project: Project, base: string, health: BucketHealth): Finding[] {
  const { config } = project;
  const { bucket: name, r2, role } = health;
  const bucket = config.buckets.find((one) => one.name === name);
  const about = `${base}: bucket ${name}`;
  return [
    ...(r2 === undefined ? [] : findingsOn(`${about}, its binding`, [diagnoseR2(r2)])),
    ...(role === undefined || bucket?.role === undefined
      ? []
      : findingsOn(`${about}, its role`, [
          ...diagnoseRole(bucket, bucket.role, role),
          ...listingOf(project, name, role),
        ])),
  ];
}

/** What is known of the site: whether its settings are not those of wrangler.toml, and how far its clock is ahead. */
type Known = { readonly differs: boolean; readonly clock: number | undefined };

function slotsOf(
  project: Project,
  base: string,
  { bucket, slots }: BucketHealth,
  known: Known,
): Finding[] {
  const works = slots.find(({ state }) => state === "ok");
  return slots.flatMap((health): Finding[] => {
    const { slot, state, access_key } = health;
    const key = access_key === undefined ? "" : `: the key ${access_key}`;
    const about = `${base}: bucket ${bucket}, slot ${slot}${key}`;
    if (state === "ok") {
      const used = health === works ? ", and is used" : "";
      const found = [well("health", `it works${used}`), ...listingOf(project, bucket, health)];
      return found.map((one) => ({ about, key: access_key, ...one }));
    }
    const finding = { about, ...diagnoseSlot(project, bucket, health, known) };
    return [works === undefined ? finding : lessen(finding, works.slot)];
  });
}

/** What a deployed key or role says of an object that is missing: 403 if it may not list the bucket (A6). */
function listingOf(
  { config, local }: Project,
  name: string,
  { missing }: Pick<SlotHealth, "missing">,
): Diagnosis[] {
  const bucket = config.buckets.find((one) => one.name === name);
  const isUnlisted = !local && config.store !== undefined && missing === 403;
  return bucket && isUnlisted ? [diagnose("list-for-store", bucket)] : [];
}

function diagnoseSlot(
  project: Project,
  name: string,
  health: SlotHealth,
  { differs, clock: siteClock }: Known,
): Diagnosis {
  const { config, words, local } = project;
  const { slot, state, region, clock, answered, mistakes = [] } = health;
  if (state === "unreachable") return diagnose("s3-unreachable", {});
  if (state === "incomplete") {
    return diagnose("slot-incomplete", { slot, mistakes: mistakes.join("; ") }, local);
  }
  const bucket = config.buckets.find((one) => one.name === name);
  const asked = {
    host: bucket === undefined ? name : new URL(bucket.base).host,
    name,
    bucket: differs ? "its deployed name" : bucket ? configuredName(project, bucket) : name,
    region: differs ? "the deployed region" : (bucket?.region ?? ""),
    word: words.get(name) ?? "AWS",
    slot,
    from: local ? ".dev.vars" : undefined,
    scope: isPlayed(project) ? ("local" as const) : undefined,
  };
  if (state === "RequestTimeTooSkewed" && clock !== undefined) {
    const s3 = siteClock === undefined ? clock : siteClock + clock;
    return diagnoseClock({ s3, site: siteClock }, asked.host);
  }
  const isStatus = /^\d+$/.test(state);
  const status = answered ?? (isStatus ? Number(state) : undefined);
  const said = {
    ...(status !== undefined && { status }), // older Workers report only the code
    code: isStatus ? undefined : state,
    region,
    ahead: clock,
    text: "",
  };
  return diagnoseS3(said, asked) ?? diagnose("canary-denied", { name, said: state });
}

function edgeOf({ config, local }: Project, health: BucketHealth): Diagnosis[] {
  const { bucket, edge, answered, role } = health;
  if (role !== undefined && role.state !== "ok") return []; // nothing is made then: openedOf says why
  const known = config.buckets.find(({ name }) => name === bucket);
  const isBound = known?.engine === "binding";
  if (edge === "on") {
    if (isBound) return [well("binding", "the Images binding makes a rendition")];
    return [
      well("transformations", "it transforms: cf-resized says so"),
      well("sources", "it may fetch from the bucket"),
    ];
  }
  if (edge === "no canary") {
    const of = local ? "the Worker that npx vitrine dev started" : "the deployed Worker";
    const unknown = `BUCKETS.${bucket} of ${of} has no canary, so what the edge says is unknown`;
    return [note("health", unknown)];
  }
  if (isBound) return [diagnoseBinding(edge, local)];
  const entry = known === undefined ? "of the bucket" : originOf(known).entry;
  return [diagnoseEdge(edge, answered, entry, local)];
}
