// What a deployed Vitrine says of itself, if it may be asked.

import type { BucketHealth } from "../../worker/health.ts";
import { askHealth } from "../net/ask-health.ts";
import type { Operator } from "../project/operator.ts";
import { edgeCause } from "./edge-causes.ts";
import { type Cause, type Finding, found, well } from "./finding.ts";
import { slotCause } from "./s3-causes.ts";

/** Which slot serves, and what the edge says. */
export async function healthOf(operator: Operator, base: string): Promise<Finding[]> {
  const about = `${base}/healthz`;
  const { healthToken, secrets } = operator;
  if (healthToken === undefined) {
    const from = secrets.get("HEALTH_TOKEN")?.from;
    const fault =
      from === undefined
        ? "without HEALTH_TOKEN"
        : `HEALTH_TOKEN in ${from} is not 16 or more ASCII characters: without one that is,`;
    return [
      {
        about,
        check: "health",
        severity: "note",
        what: `${fault} it does not tell which slot serves, nor what the edge says (docs/doctor.md, “Health”)`,
      },
    ];
  }
  const health = await askHealth(base, healthToken);
  if (!("buckets" in health)) {
    return [
      found(about, {
        check: "health",
        severity: "warning",
        what: `it does not tell how it is: ${health.reason}`,
        why: "which slot serves, and what the edge says, cannot be told",
        remedy: remedyFor(health.status, operator.local),
      }),
    ];
  }
  return health.buckets.flatMap((bucket) => {
    const findings = [
      ...slotFindings(operator, base, bucket),
      ...edgeFindings(operator, about, bucket),
    ];
    return findings.map((finding) => ({ ...finding, bucket: bucket.bucket }));
  });
}

function remedyFor(status: number | undefined, local: boolean): string {
  if (status === 401) {
    return local
      ? "put the same HEALTH_TOKEN into .dev.vars as here, and start again"
      : "npx wrangler secret put HEALTH_TOKEN, with the same as here";
  }
  if (status === undefined || status === 429) return "try again in a minute";
  return "npx wrangler deploy, if Vitrine has changed since; something else may answer at /healthz, or in front of it: a rule of the zone, a Worker";
}

function slotFindings(
  operator: Operator,
  base: string,
  { bucket, slots }: BucketHealth,
): Finding[] {
  const { config, words, local } = operator;
  const configured = config.buckets.find(({ name }) => name === bucket);
  const region = configured?.region ?? "";
  const works = slots.find(({ state }) => state === "ok");
  return slots.map((health): Finding => {
    const { slot, state } = health;
    const key = health.access_key === undefined ? "" : `: the key ${health.access_key}`;
    const about = `${base}: bucket ${bucket}, slot ${slot}${key}`;
    if (state === "ok")
      return well(about, "health", slot === works?.slot ? "it serves" : "it would serve");
    const word = words.get(bucket) ?? "AWS";
    const host = configured === undefined ? bucket : new URL(configured.base).host;
    const asked = {
      host,
      name: bucket,
      bucket: configured?.bucket ?? bucket,
      region,
      word,
      slot,
      from: local ? ".dev.vars" : undefined,
    };
    const status = STATUSES[state] ?? (/^\d+$/.test(state) ? Number(state) : 403);
    const said = {
      status,
      code: state,
      region: health.region,
      ahead: health.clock,
      text: "",
    };
    const cause = stateCause(state, local, health.mistakes) ??
      slotCause(said, asked) ?? {
        check: "sample",
        what: `S3 denies the canary (${state})`,
        why: "the key may not read it, or it is not there",
        remedy: `see canary and prefix of BUCKETS.${bucket} in wrangler.toml, and that the key's policy allows s3:GetObject there`,
      };
    const finding = found(about, cause);
    if (works === undefined) return finding;
    return {
      ...finding,
      severity: "warning",
      why: `slot ${works.slot} serves; it is the only one that does`,
    };
  });
}

/** What S3 answers with, where it is not 403. */
const STATUSES: Readonly<Record<string, number>> = { NoSuchBucket: 404, Unauthorized: 401 };

function stateCause(
  state: string,
  local: boolean,
  mistakes: readonly string[] = [],
): Cause | undefined {
  if (state === "unreachable") {
    return {
      check: "reachable",
      what: "S3 does not answer the deployed Worker",
      why: "visitors get 502 for what the edge has not kept",
      remedy:
        "the provider's status page; BUCKETS.*.endpoint in wrangler.toml, which must be reachable from the internet",
    };
  }
  if (state !== "incomplete") return undefined;
  return {
    check: "keys",
    what: mistakes.join("; "),
    why: "that slot cannot be used",
    remedy: local
      ? "mend what is named here, in .dev.vars"
      : "npx wrangler secret put, for what is named here",
  };
}

function edgeFindings({ config, local }: Operator, about: string, health: BucketHealth): Finding[] {
  const { bucket, edge, answered } = health;
  const where = `${about}: the edge, for bucket ${bucket}`;
  if (edge === "on") {
    return [
      well(where, "transformations", "it transforms: cf-resized says so"),
      well(where, "sources", "it may ask the origin"),
    ];
  }
  if (edge === "no canary") {
    const of = local ? "the Worker that npm start started" : "the deployed Worker";
    const what = `BUCKETS.${bucket} of ${of} has no canary, so that it does not tell what the edge says`;
    return [{ about: where, check: "health", severity: "note", what }];
  }
  const base = config.buckets.find(({ name }) => name === bucket)?.base;
  return [
    found(
      where,
      edgeCause(
        edge,
        answered,
        base === undefined ? "the origin's host" : new URL(base).host,
        local,
      ),
    ),
  ];
}
