// What operators and machines ask the Worker: /healthz, /purge, and the documents of the issuer at /.well-known/.
// Without PURGE_TOKEN or `[vars.OIDC]` there are no such paths.

import { decodeBase64 } from "../url/encoding.ts";
import type { GatewayContext } from "./cache/loopback.ts";
import type { RenditionId } from "./cache/rendition-url.ts";
import type { Bucket } from "./config/bucket.ts";
import type { Config } from "./config/config.ts";
import { hashVars } from "./config/hash-vars.ts";
import { isRefusal, mistakeText, type Refusal, upstreamOf } from "./http/refusal.ts";
import { type Context, cancelBody, type RequestScope } from "./http/send.ts";
import {
  checkRole,
  checkSlot,
  isWorking,
  missingKey,
  type RoleHealth,
  type SlotHealth,
} from "./origin/health.ts";
import { issuerKeysOf } from "./origin/issuer-keys.ts";
import { type Credential, openObject } from "./origin/open-object.ts";
import { purge } from "./purge/purge.ts";
import { readPurge } from "./purge/read-purge.ts";
import { bodyText, logNotPurged, reportNothingPurged } from "./purge/report.ts";
import { renderBy } from "./renditions.ts";
import { plain } from "./response/answer.ts";
import { timingSafeEqual } from "./util/bytes.ts";

/**
 * Answers a request that is no visitor's.
 * @param env what the configuration was read from
 * @returns undefined for another path
 */
export async function answerOperator(
  request: Request,
  pathname: string,
  config: Config,
  env: object,
  context: GatewayContext,
): Promise<Response | Refusal | undefined> {
  if (pathname === "/healthz") return answerHealth(request, config, env, context);
  if (pathname === "/purge") return answerPurge(request, config, context);
  const isIssuerDocument = pathname === DISCOVERY || pathname === KEYS;
  return isIssuerDocument ? answerIssuer(request, pathname, config) : undefined;
}

function methodNotAllowed(method: string, allow: string): Refusal {
  return { event: "method-not-allowed", method, allow };
}

const JSON_TYPE = { "content-type": "application/json" };

type EdgeHealth = {
  /** `on`, `off`, the code of the edge or of the Images binding, `unreachable`, or `no canary`. */
  edge: string;
  /** The status of the answer if it is not a rendition: some codes mean two things. */
  answered?: number | undefined;
};

export type BucketHealth = EdgeHealth & {
  bucket: string;
  slots: SlotHealth[];
  /** Of an R2 bucket: `ok`, or `unreachable`. */
  r2?: string;
  /** Of a bucket with a role. */
  role?: RoleHealth;
};

/**
 * Without a token: only whether the configuration is right. With the bearer token, each slot of each bucket, each role
 * and the engine are tried: 503 if a bucket has nothing that opens it.
 */
async function answerHealth(
  { method, headers }: Request,
  { buckets, healthToken, answers: { timeout } }: Config,
  env: object,
  context: Context,
): Promise<Response | Refusal> {
  if (method !== "GET" && method !== "HEAD") return methodNotAllowed(method, "GET, HEAD");
  const authorization = headers.get("authorization");
  if (authorization === null) return plain(200, "ok");
  if (!healthToken) return { event: "health-denied", reason: "HEALTH_TOKEN is missing or short" };
  const bearer = authorization.replace(/^bearer +/i, "Bearer ");
  if (!(await timingSafeEqual(bearer, `Bearer ${healthToken}`))) {
    return { event: "health-denied", reason: "not the HEALTH_TOKEN" };
  }
  const scope = { context, deadline: Date.now() + timeout * 1000 };
  const results = await Promise.all(buckets.map((bucket) => checkBucket(bucket, scope)));
  const ok = results.every(({ slots, r2, role }) => {
    return slots.some(isWorking) || r2 === "ok" || (role && isWorking(role));
  });
  const report = { ok, configuration: await hashVars({ ...env }), buckets: results };
  return plain(ok ? 200 : 503, JSON.stringify(report, null, 2), JSON_TYPE);
}

async function checkBucket(bucket: Bucket, scope: RequestScope): Promise<BucketHealth> {
  const { name, usable, canary = missingKey(bucket) } = bucket;
  if (bucket.r2) {
    const object = await openObject(bucket, canary, { ...scope, part: "head" });
    const isReached = !isRefusal(object) || object.event === "object-missing";
    const edge = await checkEngine(bucket, undefined, scope);
    return { bucket: name, slots: [], r2: isReached ? "ok" : "unreachable", ...edge };
  }
  if (bucket.role) {
    const { role, session } = await checkRole(bucket, bucket.role, scope);
    const edge = isWorking(role) ? await checkEngine(bucket, session, scope) : { edge: role.state };
    return { bucket: name, slots: [], role, ...edge };
  }
  const results = await Promise.all(usable.map((slot) => checkSlot(bucket, slot, scope)));
  const incomplete = bucket.unusable.map(({ slot, mistakes }): SlotHealth => {
    return { slot, state: "incomplete", mistakes: mistakes.map(mistakeText) };
  });
  const slots = [...results, ...incomplete].sort((a, b) => a.slot.localeCompare(b.slot));
  const working = usable[Math.max(0, results.findIndex(isWorking))];
  const edge = working ? await checkEngine(bucket, working, scope) : { edge: "no canary" };
  return { bucket: name, slots, ...edge };
}

/** The rendition of the canary that an engine is tried with. */
const CANARY_RENDITION = {
  version: undefined,
  formats: "own",
  isStorable: false,
  variant: {
    preset: "health",
    format: "png",
    avif: false,
    image: { width: 16, fit: "scale-down", metadata: "none", anim: false },
  },
} as const satisfies Omit<RenditionId, "bucket" | "key">;

/** Has the engine render the canary: always in the same way, which is billed once (L2). */
async function checkEngine(
  bucket: Bucket,
  credential: Credential | undefined,
  scope: RequestScope,
): Promise<EdgeHealth> {
  const { canary, engine } = bucket;
  if (!canary) return { edge: "no canary" };
  const object = await openObject(bucket, canary, { ...scope, part: "head", credential });
  if (isRefusal(object)) return { edge: object.event };
  const result = await renderBy({ bucket, key: canary, ...CANARY_RENDITION }, object, [], scope);
  if (!isRefusal(result)) {
    cancelBody(result.rendition.body);
    return { edge: "on" };
  }
  // The engine did render something.
  if (["original-is-smaller", "wrong-type"].includes(result.event)) return { edge: "on" };
  const { edgeCode, status: answered } = upstreamOf(result);
  if (edgeCode) return { edge: edgeCode, answered };
  if (engine === "binding") return { edge: result.event };
  return { edge: answered === undefined ? "unreachable" : "off", answered };
}

/** How long a caller of /purge waits at most. EventBridge gives up after 5 s: ms. */
const PURGE_TIMEOUT_MS = 3_700;

/** What could not be purged is named in the answer, and in the log, up to a limit. */
async function answerPurge(
  request: Request,
  config: Config,
  context: GatewayContext,
): Promise<Response | Refusal> {
  const { method, headers } = request;
  const deadline = Date.now() + PURGE_TIMEOUT_MS;
  if (!config.purgeToken) return { event: "no-such-route", path: "/purge" };
  if (method !== "POST") return methodNotAllowed(method, "POST");
  const authorization = headers.get("authorization") ?? "";
  const isFromSns = headers.has("x-amz-sns-message-type"); // who may publish there wrote the body
  const isCrossSite = headers.get("sec-fetch-site") === "cross-site"; // the browser may add the password
  if (isFromSns || isCrossSite || !(await hasToken(authorization, config.purgeToken))) {
    const reason = "not the PURGE_TOKEN, a topic of SNS, or a form of another site";
    return { event: "purge-denied", reason };
  }

  const parsed = await readPurge(request, deadline);
  const { body, status, retryAfter } =
    "status" in parsed
      ? reportNothingPurged(parsed.status, parsed.reason)
      : await purge(parsed, config, { context, deadline });
  logNotPurged(body.not_purged, body.reason);
  return plain(status, bodyText(body), {
    ...JSON_TYPE,
    ...(retryAfter !== undefined && { "retry-after": `${retryAfter}` }),
  });
}

/** Returns whether `authorization` has the token: as a bearer, or as the password of HTTP Basic. */
function hasToken(authorization: string, token: string): Promise<boolean> {
  const [, scheme = "", value = ""] = /^(bearer|basic) +(.*)/is.exec(authorization) ?? [];
  return timingSafeEqual(scheme.toLowerCase() === "basic" ? passwordIn(value) : value, token);
}

/** The text after the first colon; "" if there is none. The user name does not matter. */
function passwordIn(encoded: string): string {
  try {
    return /:(.*)/s.exec(new TextDecoder().decode(decodeBase64(encoded)))?.[1] ?? "";
  } catch {
    return ""; // not base64
  }
}

const DISCOVERY = "/.well-known/openid-configuration";
const KEYS = "/.well-known/jwks.json";

/** A new key is to be visible soon: s. */
const ISSUER_CACHING = { "cache-control": "public, max-age=60" };

/** The documents by which AWS checks the Worker's tokens. */
async function answerIssuer(
  { method }: Request,
  pathname: string,
  { oidc }: Config,
): Promise<Response | Refusal | undefined> {
  if (!oidc) return undefined;
  if (method !== "GET" && method !== "HEAD") return methodNotAllowed(method, "GET, HEAD");
  const { published: keys, mistakes } = await issuerKeysOf(oidc);
  if (keys.length === 0) return { event: "configuration-broken", mistakes };
  const { issuer } = oidc;
  const discovery = {
    issuer,
    jwks_uri: `${issuer}${KEYS}`,
    response_types_supported: ["id_token"],
    subject_types_supported: ["public"],
    id_token_signing_alg_values_supported: ["ES256"],
    claims_supported: ["aud", "exp", "iat", "iss", "jti", "sub"],
  };
  const document = JSON.stringify(pathname === KEYS ? { keys } : discovery);
  return plain(200, document, { ...JSON_TYPE, ...ISSUER_CACHING });
}
