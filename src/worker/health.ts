// Answers /healthz. Without a token: only whether the configuration is right. With the bearer token,
// it tries every slot of every bucket, and every role: 503 if a bucket has nothing that opens it.

import { plain } from "./answer/answer.ts";
import { mistakeText } from "./base/mistake.ts";
import type { Refusal } from "./base/refusal.ts";
import { isSameText } from "./base/same-text.ts";
import { LATE, within } from "./base/time-limit.ts";
import type { R2Source } from "./config/bindings.ts";
import type { Bucket, Role } from "./config/bucket.ts";
import type { Config } from "./config/config.ts";
import { hashVars } from "./config/hash-vars.ts";
import { roleMemoryOf } from "./isolate.ts";
import { getSession } from "./origin/get-session.ts";
import { issuerKeysOf } from "./origin/issuer-keys.ts";
import { type Context, PATIENCE_MS, type Visit } from "./origin/probe.ts";
import { isFailure } from "./origin/session.ts";
import { type EdgeHealth, tryEngines } from "./try-engines.ts";
import { type SlotHealth, trySlot, works } from "./try-slot.ts";

/** What STS says of a role, and S3 of the credentials that STS gave. */
export type RoleHealth = Omit<SlotHealth, "slot" | "access_key"> & {
  /** The ARN of the role. */
  role: string;
  /** What to do where STS gives none. */
  reason?: string;
  /** When the credentials expire: ISO 8601. */
  expires?: string;
  /** STS's code, if it gives no new ones, while the old ones are good. */
  renewal?: string | undefined;
};

export type BucketHealth = EdgeHealth & {
  bucket: string;
  slots: SlotHealth[];
  /** Of an R2 bucket: `ok`, or `unreachable`. */
  r2?: string;
  /** Of a bucket with a role. */
  role?: RoleHealth;
};

/** @param env what the configuration was read from */
export async function answerHealth(
  request: Request,
  { buckets, healthToken, answers: { timeout } }: Config,
  env: object,
  context: Context,
): Promise<Response | Refusal> {
  const { method } = request;
  if (method !== "GET" && method !== "HEAD") {
    return { event: "method-not-allowed", method, allow: "GET, HEAD" };
  }
  const authorization = request.headers.get("authorization");
  if (authorization === null) return plain(200, "ok");
  if (!healthToken) {
    return {
      event: "health-denied",
      reason: "HEALTH_TOKEN is missing, or is not 16 or more ASCII characters",
    };
  }
  if (
    !(await isSameText(authorization.replace(/^bearer +/i, "Bearer "), `Bearer ${healthToken}`))
  ) {
    return { event: "health-denied", reason: "not the HEALTH_TOKEN" };
  }
  const visit = { context, deadline: Date.now() + timeout * 1000 };
  const tried = await Promise.all(buckets.map((bucket) => tryBucket(bucket, visit)));
  const ok = tried.every(({ slots, r2, role }) => {
    return slots.some(works) || r2 === "ok" || (role && works(role));
  });
  const report = { ok, configuration: await hashVars({ ...env }), buckets: tried };
  const type = { "content-type": "application/json" };
  return plain(ok ? 200 : 503, JSON.stringify(report, null, 2), type);
}

async function tryBucket(bucket: Bucket, visit: Visit): Promise<BucketHealth> {
  const { name, usable, r2 } = bucket;
  if (bucket.role) {
    const role = await tryRole(bucket, bucket.role, visit);
    const edge = works(role) ? await tryEngines(bucket, undefined, visit) : { edge: role.state };
    return { bucket: name, slots: [], role, ...edge };
  }
  const tried = await Promise.all(usable.map((slot) => trySlot(bucket, slot)));
  const unusable = bucket.unusable.map((one): SlotHealth => {
    return { slot: one.slot, state: "incomplete", mistakes: one.mistakes.map(mistakeText) };
  });
  const slots = [...tried, ...unusable].sort((one) => (one.slot === "current" ? -1 : 1));
  const working = tried.findIndex(works);
  const edge = await tryEngines(bucket, usable[Math.max(0, working)], visit);
  return { bucket: name, slots, ...(r2 && { r2: await tryR2(bucket, r2) }), ...edge };
}

/** Takes the role, or uses the credentials that are known, and asks S3 with them. */
async function tryRole(bucket: Bucket, role: Role, visit: Visit): Promise<RoleHealth> {
  const memory = roleMemoryOf(role);
  const { mistakes: wrong } = await issuerKeysOf(role.oidc);
  const mistakes = wrong.length > 0 ? { mistakes: wrong.map(mistakeText) } : {};
  const session = await getSession(memory, visit);
  if (isFailure(session)) {
    const { origin, reason } = session;
    return { role: role.arn, state: origin, reason, ...mistakes };
  }
  const { credentials, expires } = session;
  const asked = await trySlot(bucket, { name: "current", credentials });
  const { slot: _slot, access_key: _key, ...tried } = asked;
  const renewal = memory.state().failure?.origin;
  const until = new Date(expires).toISOString();
  return { role: role.arn, ...tried, expires: until, renewal, ...mistakes };
}

/** Asks R2 for the canary, or for an object that is missing. */
async function tryR2({ prefix, canary }: Bucket, r2: R2Source): Promise<string> {
  try {
    const asked = r2.head(canary ?? `${prefix}vitrine-health-${crypto.randomUUID()}`);
    return (await within(PATIENCE_MS, asked)) === LATE ? "unreachable" : "ok";
  } catch {
    return "unreachable";
  }
}
