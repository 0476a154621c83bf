// What operators and machines ask the Worker: /healthz, /purge, and the documents of the issuer at /.well-known/, by which
// AWS checks the Worker's tokens. Nobody opens /purge or the details of /healthz without a token. Without PURGE_TOKEN or
// `[vars.OIDC]` there are no such paths.

import { decodeBase64 } from "../url/encoding.ts";
import type { GatewayContext } from "./cache/loopback.ts";
import type { RenditionId } from "./cache/rendition-url.ts";
import type { Bucket, Role } from "./config/bucket.ts";
import type { Config } from "./config/config.ts";
import { hashVars } from "./config/hash-vars.ts";
import { detailsOf, isRefusal, mistakeText, type Refusal } from "./http/refusal.ts";
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
import { openObject } from "./origin/open-object.ts";
import type { Credential } from "./origin/opened-object.ts";
import { purge } from "./purge/purge.ts";
import { readPurge } from "./purge/read-purge.ts";
import { bodyText, logNotPurged, type PurgeAnswer, reportNothingPurged } from "./purge/report.ts";
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
  switch (pathname) {
    case "/healthz":
      return answerHealth(request, config, env, context);
    case "/purge":
      return answerPurge(request, config, context);
    case DISCOVERY_PATH:
    case KEYS_PATH:
      return answerIssuer(request, pathname, config);
    default:
      return undefined;
  }
}

function methodNotAllowed(method: string, allow: string): Refusal {
  return { event: "method-not-allowed", method, allow };
}

const JSON_TYPE = { "content-type": "application/json" };

/** How an engine renders the canary of a bucket: the one object that is tried. */
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
  config: Config,
  env: object,
  context: Context,
): Promise<Response | Refusal> {
  if (method !== "GET" && method !== "HEAD") return methodNotAllowed(method, "GET, HEAD");

  const authorization = headers.get("authorization");
  if (authorization === null) return plain(200, "ok");
  const denied = await checkHealthToken(authorization, config.healthToken);
  if (denied) return denied;

  const deadline = Date.now() + config.answers.timeout * 1000;
  const checks = config.buckets.map((bucket) => checkBucket(bucket, { context, deadline }));
  const buckets = await Promise.all(checks);

  const ok = buckets.every((bucket) => canBeOpened(bucket));
  const report = { ok, configuration: await hashVars({ ...env }), buckets };
  return plain(ok ? 200 : 503, JSON.stringify(report, null, 2), JSON_TYPE);
}

/** @returns undefined if the header has the token */
async function checkHealthToken(
  authorization: string,
  healthToken: string | undefined,
): Promise<Refusal | undefined> {
  if (healthToken === undefined) {
    return { event: "health-denied", reason: "HEALTH_TOKEN is missing or short" };
  }

  const bearer = authorization.replace(/^bearer +/i, "Bearer ");
  const isRight = await timingSafeEqual(bearer, `Bearer ${healthToken}`);
  return isRight ? undefined : { event: "health-denied", reason: "not the HEALTH_TOKEN" };
}

function canBeOpened({ slots, r2, role }: BucketHealth): boolean {
  if (r2 !== undefined) return r2 === "ok";
  if (role !== undefined) return isWorking(role);
  return slots.some((slot) => isWorking(slot));
}

/** Tries what opens a bucket, and its engine with it: of R2 its binding, else its role, else its slots. */
function checkBucket(bucket: Bucket, scope: RequestScope): Promise<BucketHealth> {
  if (bucket.r2 !== undefined) return checkR2Bucket(bucket, scope);
  if (bucket.role !== undefined) return checkRoleBucket(bucket, bucket.role, scope);
  return checkSlotBucket(bucket, scope);
}

async function checkR2Bucket(bucket: Bucket, scope: RequestScope): Promise<BucketHealth> {
  const key = bucket.canary ?? missingKey(bucket);
  const object = await openObject(bucket, key, { ...scope, part: "head" });
  // R2 that says of a key that it is missing works.
  const isReached = !isRefusal(object) || object.event === "object-missing";

  const edge = await checkEngine(bucket, undefined, scope);
  return { bucket: bucket.name, slots: [], r2: isReached ? "ok" : "unreachable", ...edge };
}

async function checkRoleBucket(
  bucket: Bucket,
  bucketRole: Role,
  scope: RequestScope,
): Promise<BucketHealth> {
  const { role, session } = await checkRole(bucket, bucketRole, scope);
  if (!isWorking(role)) return { bucket: bucket.name, slots: [], role, edge: role.state };

  const edge = await checkEngine(bucket, session, scope);
  return { bucket: bucket.name, slots: [], role, ...edge };
}

async function checkSlotBucket(bucket: Bucket, scope: RequestScope): Promise<BucketHealth> {
  const { name, usable, unusable } = bucket;
  const usableHealth = await Promise.all(usable.map((slot) => checkSlot(bucket, slot, scope)));
  const unusableHealth = unusable.map(({ slot, mistakes }): SlotHealth => {
    return { slot, state: "incomplete", mistakes: mistakes.map(mistakeText) };
  });
  const slots = [...usableHealth, ...unusableHealth];
  slots.sort((a, b) => a.slot.localeCompare(b.slot));

  // The engine is tried with a slot that works. If none does, its answer to the first one is all that is known.
  const workingIndex = usableHealth.findIndex((health) => isWorking(health));
  const credential = usable[workingIndex] ?? usable[0];
  if (credential === undefined) return { bucket: name, slots, edge: "no canary" };

  const edge = await checkEngine(bucket, credential, scope);
  return { bucket: name, slots, ...edge };
}

/** The rendition of the canary that an engine is tried with: always the same, which is billed once (L2). */
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

/** The engine did render something, if this is all that its guard had to refuse. */
const RENDERED_EVENTS: readonly string[] = ["original-is-smaller", "wrong-type"];

/** Has the engine render the canary. */
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
  if (RENDERED_EVENTS.includes(result.event)) return { edge: "on" };

  const { edgeCode, status: answered } = detailsOf(result);
  if (edgeCode) return { edge: edgeCode, answered };
  if (engine === "binding") return { edge: result.event };
  if (answered === undefined) return { edge: "unreachable", answered };
  return { edge: "off", answered };
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
  if (config.purgeToken === undefined) return { event: "no-such-route", path: "/purge" };
  if (method !== "POST") return methodNotAllowed(method, "POST");

  const mayPurge = await hasPurgeRight(headers, config.purgeToken);
  if (!mayPurge) {
    const reason = "not the PURGE_TOKEN, a topic of SNS, or a form of another site";
    return { event: "purge-denied", reason };
  }

  const answer = await readAndPurge(request, config, { context, deadline });
  const { body, status, retryAfter } = answer;
  logNotPurged(body);
  return plain(status, bodyText(body), {
    ...JSON_TYPE,
    ...(retryAfter !== undefined && { "retry-after": `${retryAfter}` }),
  });
}

async function readAndPurge(
  request: Request,
  config: Config,
  scope: RequestScope & { readonly context: GatewayContext },
): Promise<PurgeAnswer> {
  const parsed = await readPurge(request, scope.deadline);
  if (parsed.kind === "bad-request") {
    return reportNothingPurged(parsed.status, parsed.reason);
  }
  return purge(parsed, config, scope);
}

/** Returns whether a caller has the token, and whether the caller itself has written the request. */
async function hasPurgeRight(headers: Headers, purgeToken: string): Promise<boolean> {
  // Whoever may publish to the topic wrote the body, and SNS adds the token.
  const isFromSns = headers.has("x-amz-sns-message-type");
  if (isFromSns) return false;

  // A page of another site wrote the body, and the browser may add the password.
  const isCrossSite = headers.get("sec-fetch-site") === "cross-site";
  if (isCrossSite) return false;

  const authorization = headers.get("authorization");
  return authorization !== null && hasToken(authorization, purgeToken);
}

/** `Bearer TOKEN`, or `Basic` and a user name and password in base64. */
const AUTHORIZATION = /^(?<scheme>bearer|basic) +(?<credentials>.*)/is;

/** Returns whether `authorization` has the token: as a bearer, or as the password of HTTP Basic. */
async function hasToken(authorization: string, token: string): Promise<boolean> {
  const groups = AUTHORIZATION.exec(authorization)?.groups;
  if (groups === undefined) return false;

  const { scheme = "", credentials = "" } = groups;
  const isBasic = scheme.toLowerCase() === "basic";
  const candidate = isBasic ? passwordIn(credentials) : credentials;
  return candidate !== undefined && timingSafeEqual(candidate, token);
}

/** The text after the first colon. The user name does not matter. @returns undefined if there is no password */
function passwordIn(encoded: string): string | undefined {
  try {
    const text = new TextDecoder().decode(decodeBase64(encoded));
    return /:(?<password>.*)/s.exec(text)?.groups?.["password"];
  } catch {
    return undefined; // not base64
  }
}

const DISCOVERY_PATH = "/.well-known/openid-configuration";
const KEYS_PATH = "/.well-known/jwks.json";

/** A new key is to be visible soon: s. */
const ISSUER_CACHING = { "cache-control": "public, max-age=60" };

/** Answers with the documents by which AWS checks the Worker's tokens. @returns undefined if there is no issuer */
async function answerIssuer(
  { method }: Request,
  pathname: typeof DISCOVERY_PATH | typeof KEYS_PATH,
  { oidc }: Config,
): Promise<Response | Refusal | undefined> {
  if (oidc === undefined) return undefined;
  if (method !== "GET" && method !== "HEAD") return methodNotAllowed(method, "GET, HEAD");

  const { published: keys, mistakes } = await issuerKeysOf(oidc);
  if (keys.length === 0) return { event: "configuration-broken", mistakes };

  const document = pathname === KEYS_PATH ? { keys } : discoveryOf(oidc.issuer);
  return plain(200, JSON.stringify(document), { ...JSON_TYPE, ...ISSUER_CACHING });
}

/** The metadata of the issuer (OpenID Connect Discovery, 3). */
function discoveryOf(issuer: string): object {
  return {
    issuer,
    jwks_uri: `${issuer}${KEYS_PATH}`,
    response_types_supported: ["id_token"],
    subject_types_supported: ["public"],
    id_token_signing_alg_values_supported: ["ES256"],
    claims_supported: ["aud", "exp", "iat", "iss", "jti", "sub"],
  };
}
