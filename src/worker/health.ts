// Answers /healthz. Without a token: only whether the configuration is right. With the bearer token,
// it tries every slot of every bucket, every role and the engine: 503 if a bucket has nothing that opens it.

import type { RenditionKey } from "./cache/rendition-url.ts";
import type { Bucket, Role } from "./config/bucket.ts";
import type { Config } from "./config/config.ts";
import { hashVars } from "./config/hash-vars.ts";
import { isRefusal, mistakeText, type Refusal, upstreamOf } from "./http/refusal.ts";
import { type Context, cancelBody, type RequestScope } from "./http/send.ts";
import { getSession } from "./origin/get-session.ts";
import { issuerKeysOf } from "./origin/issuer-keys.ts";
import { roleMemoryOf } from "./origin/memories.ts";
import { type Credential, openObject } from "./origin/open-object.ts";
import { isStsFailure } from "./origin/session.ts";
import { renderBy } from "./renditions.ts";
import { plain } from "./response/answer.ts";
import { missingKey, type SlotHealth, trySlot, works } from "./try-slot.ts";
import { timingSafeEqual } from "./util/bytes.ts";

type EdgeHealth = {
  /** `on`, `off`, the code of the edge or of the Images binding, `unreachable`, or `no canary`. */
  edge: string;
  /** The status of the answer if it is not a rendition: some codes mean two things. */
  answered?: number | undefined;
};

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
    const reason = "HEALTH_TOKEN is missing, or is not 16 or more ASCII characters";
    return { event: "health-denied", reason };
  }
  const bearer = authorization.replace(/^bearer +/i, "Bearer ");
  if (!(await timingSafeEqual(bearer, `Bearer ${healthToken}`))) {
    return { event: "health-denied", reason: "not the HEALTH_TOKEN" };
  }
  const scope = { context, deadline: Date.now() + timeout * 1000 };
  const tried = await Promise.all(buckets.map((bucket) => tryBucket(bucket, scope)));
  const ok = tried.every(({ slots, r2, role }) => {
    return slots.some(works) || r2 === "ok" || (role && works(role));
  });
  const report = { ok, configuration: await hashVars({ ...env }), buckets: tried };
  const type = { "content-type": "application/json" };
  return plain(ok ? 200 : 503, JSON.stringify(report, null, 2), type);
}

async function tryBucket(bucket: Bucket, scope: RequestScope): Promise<BucketHealth> {
  const { name, usable, canary = missingKey(bucket) } = bucket;
  if (bucket.r2) {
    const object = await openObject(bucket, canary, { ...scope, part: "head" });
    const isReached = !isRefusal(object) || object.event === "object-missing";
    const edge = await tryEngine(bucket, undefined, scope);
    return { bucket: name, slots: [], r2: isReached ? "ok" : "unreachable", ...edge };
  }
  if (bucket.role) {
    const { role, session } = await tryRole(bucket, bucket.role, scope);
    const edge = works(role) ? await tryEngine(bucket, session, scope) : { edge: role.state };
    return { bucket: name, slots: [], role, ...edge };
  }
  const tried = await Promise.all(usable.map((slot) => trySlot(bucket, slot, scope)));
  const unusable = bucket.unusable.map((one): SlotHealth => {
    return { slot: one.slot, state: "incomplete", mistakes: one.mistakes.map(mistakeText) };
  });
  const slots = [...tried, ...unusable].sort((one) => (one.slot === "current" ? -1 : 1));
  const working = usable[Math.max(0, tried.findIndex(works))];
  const edge = working ? await tryEngine(bucket, working, scope) : { edge: "no canary" };
  return { bucket: name, slots, ...edge };
}

/** Takes the role, or uses the credentials that are known, and asks S3 with them. */
async function tryRole(
  bucket: Bucket,
  role: Role,
  scope: RequestScope,
): Promise<{ role: RoleHealth; session?: Credential }> {
  const memory = roleMemoryOf(role);
  const { mistakes: wrong } = await issuerKeysOf(role.oidc);
  const mistakes = wrong.length > 0 ? { mistakes: wrong.map(mistakeText) } : {};
  const session = await getSession(memory, scope);
  if (isStsFailure(session)) {
    const { origin, reason } = session;
    return { role: { role: role.arn, state: origin, reason, ...mistakes } };
  }
  const { credentials, expires } = session;
  const asked = await trySlot(bucket, { name: "current", credentials }, scope);
  const { slot: _slot, access_key: _key, ...tried } = asked;
  const renewal = memory.state().failure?.origin;
  const until = new Date(expires).toISOString();
  return { role: { role: role.arn, ...tried, expires: until, renewal, ...mistakes }, session };
}

/** What an engine is asked to make of the canary. */
const TINY = {
  version: undefined,
  formats: "own",
  isStorable: false,
  variant: {
    preset: "health",
    format: "png",
    avif: false,
    image: { width: 16, fit: "scale-down", metadata: "none", anim: false },
  },
} as const satisfies Omit<RenditionKey, "bucket" | "key">;

/** Has the engine make a rendition of the canary: always the same one, which is billed once (L2). */
async function tryEngine(
  bucket: Bucket,
  credential: Credential | undefined,
  scope: RequestScope,
): Promise<EdgeHealth> {
  const { canary, engine } = bucket;
  if (!canary) return { edge: "no canary" };
  const object = await openObject(bucket, canary, { ...scope, part: "head", credential });
  if (isRefusal(object)) return { edge: object.event };
  const result = await renderBy({ bucket, key: canary, ...TINY }, object, [], scope);
  if (!isRefusal(result)) {
    cancelBody(result.rendition.body);
    return { edge: "on" };
  }
  // The engine did make something.
  if (["original-is-smaller", "wrong-type"].includes(result.event)) return { edge: "on" };
  const { edge, status: answered } = upstreamOf(result);
  if (edge) return { edge, answered };
  if (engine === "binding") return { edge: result.event };
  return { edge: answered === undefined ? "unreachable" : "off", answered };
}
