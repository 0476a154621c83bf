// What operators and machines ask the Worker: /healthz, /purge, and two documents below /.well-known/. The Worker signs
// tokens to take a role of AWS, and AWS checks them by these two documents. Nobody opens /purge or the details of /healthz
// without a secret token. Without PURGE_TOKEN or `[vars.OIDC]` there are no such paths. While the configuration is broken,
// only /healthz answers. It tells a caller with the token what is wrong: names and messages, never the value of a secret.

import { hashConfig } from "./cache/config-hashes.ts";
import type { GatewayContext } from "./cache/loopback.ts";
import type { RenditionId } from "./cache/rendition-url.ts";
import type { Bucket, Role } from "./config/bucket.ts";
import type { Config, ConfigRefusal } from "./config/config.ts";
import { hashVars } from "./config/hash-vars.ts";
import { readToken } from "./config/read-secrets.ts";
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
import { issuerKeysOf, TOKEN_ALGORITHM } from "./origin/issuer-keys.ts";
import { openObject } from "./origin/open-object.ts";
import type { Credential } from "./origin/opened-object.ts";
import { purge } from "./purge/purge.ts";
import { type PurgeRequest, readPurge } from "./purge/read-purge.ts";
import {
  bodyText,
  logNotPurged,
  type PurgeAnswer,
  type QueuedAnswer,
  reportNothingPurged,
} from "./purge/report.ts";
import { renderBy } from "./renditions.ts";
import { hasToken, isFromCaller } from "./request/operator-token.ts";
import { plain } from "./response/answer.ts";
import { checkStore, type PurgeCall, recordCall } from "./store/last-calls.ts";
import { timingSafeEqual } from "./util/bytes.ts";
import { BUILD_VERSION } from "./util/version.ts";

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

/**
 * Answers /healthz of a Worker whose configuration is broken.
 * @param env what the configuration was read from
 * @returns undefined for another path, and for a caller without the token: they get what every visitor gets
 */
export async function answerBrokenHealth(
  { method, headers }: Request,
  pathname: string,
  { mistakes }: ConfigRefusal,
  env: object,
): Promise<Response | undefined> {
  if (pathname !== "/healthz") return undefined;
  if (method !== "GET" && method !== "HEAD") return undefined;

  const healthToken = readToken({ ...env }, "HEALTH_TOKEN");
  const mayAsk = healthToken !== undefined && (await isBearer(headers, healthToken));
  if (!mayAsk) return undefined;

  const report = { ok: false, version: BUILD_VERSION, mistakes: mistakes.map(mistakeText) };
  return plain(500, JSON.stringify(report, null, 2), JSON_TYPE);
}

function methodNotAllowed(method: string, allow: string): Refusal {
  return { event: "method-not-allowed", method, allow };
}

const JSON_TYPE = { "content-type": "application/json" };

/** How an engine renders the canary of a bucket: the one object that is tried. */
type EdgeHealth = {
  /**
   * `on`, `off`, the code of the edge or of the Images binding, the event of a refusal, or `unreachable`. If nothing was
   * tried: `no canary`, or the state of the role that does not work.
   */
  edge: string;
  /** The HTTP status of the answer if it is not a rendition: one code may have two causes, with a status each. */
  answered?: number | undefined;
  /**
   * What the header `cf-resized` reads, if that is not known (R1): pictures are then shown only if their bytes prove that
   * the edge made them.
   */
  resized?: string | undefined;
};

export type BucketHealth = EdgeHealth & {
  bucket: string;
  slots: SlotHealth[];
  /** Of an R2 bucket: `ok`, or `unreachable`. */
  r2?: string;
  /** Of a bucket with a role. */
  role?: RoleHealth;
  /**
   * Whether its key or role must be able to list: there is a store, or another bucket follows in a route. Otherwise S3 does
   * not say that an object is missing (A6), and `missing` is 403.
   */
  needs_list?: boolean;
};

/**
 * Without a token: "ok", since a broken configuration was refused before, in index.ts. With the bearer token, all that
 * opens a bucket is tried (its slots, which are two key pairs, or its role), and its engine: 503 if nothing opens a bucket.
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

  const { healthToken } = config;
  if (!healthToken) {
    return { event: "health-denied", reason: "HEALTH_TOKEN is missing or short" };
  }

  const isRight = await isBearer(headers, healthToken);
  if (!isRight) return { event: "health-denied", reason: "not the HEALTH_TOKEN" };

  const deadline = Date.now() + config.answers.timeout * 1000;
  const { store } = config;
  const checkingStore = store && checkStore(store, deadline);
  const checks = config.buckets.map((bucket) => checkBucket(bucket, config, { context, deadline }));
  const buckets = await Promise.all(checks);
  const storeReport = await checkingStore;

  // By the hash, an operator sees whether the [vars] of this Worker are those of wrangler.toml.
  const configuration = await hashVars({ ...env });
  // By these hashes, an operator sees which parts of the configuration differ.
  const hashes = await hashConfig(config, { ...env });
  const ok = buckets.every((bucket) => canBeOpened(bucket));
  const report = { ok, version: BUILD_VERSION, configuration, hashes, ...storeReport, buckets };
  return plain(ok ? 200 : 503, JSON.stringify(report, null, 2), JSON_TYPE);
}

/** Returns whether `authorization` has the token. The scheme may be written in any case, and be followed by several spaces. */
function isBearer(headers: Headers, token: string): Promise<boolean> {
  const authorization = headers.get("authorization") ?? "";
  const credentials = authorization.replace(/^bearer +/i, "Bearer ");
  return timingSafeEqual(credentials, `Bearer ${token}`);
}

/** Returns whether something opens the bucket: the binding of R2, the role or a slot. */
function canBeOpened({ slots, r2, role }: BucketHealth): boolean {
  if (r2) return r2 === "ok";
  if (role) return isWorking(role);
  return slots.some((slot) => isWorking(slot));
}

/** Tries what opens a bucket, and its engine with it. */
async function checkBucket(
  bucket: Bucket,
  config: Config,
  scope: RequestScope,
): Promise<BucketHealth> {
  if (bucket.r2) return checkR2Bucket(bucket, scope); // a binding may always list

  const { role } = bucket;
  const checking = role ? checkRoleBucket(bucket, role, scope) : checkSlotBucket(bucket, scope);
  const health = await checking;
  return needsList(bucket, config) ? { ...health, needs_list: true } : health;
}

/** Returns whether a missing object of a bucket must be told from a denied one. */
function needsList(bucket: Bucket, { store, routes }: Config): boolean {
  // What is stored of a missing object is deleted, and of a denied one it is not.
  if (store) return true;

  // A bucket that follows in a route is asked only for what is missing.
  return routes.some(({ buckets }) => buckets.slice(0, -1).includes(bucket));
}

async function checkR2Bucket(bucket: Bucket, scope: RequestScope): Promise<BucketHealth> {
  // A key that no object has will do as well: if R2 answers that the object is missing, R2 works.
  const key = bucket.canary ?? missingKey(bucket);
  const object = await openObject(bucket, key, { ...scope, part: "head" });
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

  // Without a session that opens the bucket, the engine is not tried: it would fail for the same reason. Then `edge` has
  // the state of the role.
  let edge: EdgeHealth = { edge: role.state };
  if (isWorking(role)) edge = await checkEngine(bucket, session, scope);
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

  // The engine is tried with a slot that works; if none works, with the first one. Without any usable slot it is not tried.
  // `edge` then has the value that it has without a canary.
  const working = usableHealth.find((health) => isWorking(health));
  const workingSlot = usable.find((slot) => slot.name === working?.slot);
  const credential = workingSlot ?? usable[0];
  if (!credential) return { bucket: name, slots, edge: "no canary" };

  const edge = await checkEngine(bucket, credential, scope);
  return { bucket: name, slots, ...edge };
}

/** The rendition of the canary with which an engine is tried: always the same, so it is billed once (docs/rules.md, L2). */
const CANARY_RENDITION = {
  version: undefined,
  formats: "own",
  isStorable: false,
  lifetimes: undefined,
  variant: {
    preset: "health",
    format: "png",
    avif: false,
    image: { width: 16, fit: "scale-down", metadata: "none", anim: false },
  },
} as const satisfies Omit<RenditionId, "bucket" | "key">;

/** The refusals of a rendition that the engine did make: only its size or its type was not as wished. */
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
    const { body, resized } = result.rendition;
    cancelBody(body);
    return { edge: "on", resized };
  }
  if (RENDERED_EVENTS.includes(result.event)) return { edge: "on" };

  // The engine's own code says most.
  const { edgeCode, status: answered, resized } = detailsOf(result);
  if (edgeCode) return { edge: edgeCode, answered };

  // The Images binding is no HTTP server, and has no status.
  if (engine === "binding") return { edge: result.event };

  // S3 gives the object to the Worker, and the edge says otherwise.
  if (result.event === "edge-contradicts") return { edge: result.event, answered };

  // The edge gave no answer at all, or one without a code: it does not transform.
  if (!answered) return { edge: "unreachable" };
  return { edge: "off", answered, resized };
}

/** How long a caller of /purge waits at most: ms. AWS's EventBridge, which reports changed objects, gives up after 5 s. */
const PURGE_TIMEOUT_MS = 3_700;

/** Purges what the body names. What could not be purged is in the answer, and the first ones are in the log. */
async function answerPurge(
  request: Request,
  config: Config,
  context: GatewayContext,
): Promise<Response | Refusal> {
  const { method, headers } = request;
  const deadline = Date.now() + PURGE_TIMEOUT_MS;
  const { purgeToken } = config;
  if (!purgeToken) return { event: "no-such-route", path: "/purge" };
  if (method !== "POST") return methodNotAllowed(method, "POST");

  // One reason for all three causes: a wrong token, a message of AWS's SNS, and a form of another site (isFromCaller).
  const mayPurge = isFromCaller(headers) && (await hasToken(headers, purgeToken));
  if (!mayPurge) {
    const reason = "not the PURGE_TOKEN, a topic of SNS, or a form of another site";
    return { event: "purge-denied", reason };
  }

  let answer: PurgeAnswer | QueuedAnswer;
  const parsed = await readPurge(request, deadline);
  if (parsed.kind === "bad-request") {
    answer = reportNothingPurged(parsed.status, parsed.reason);
  } else {
    answer = await purge(parsed, config, { context, deadline });
    const call = callOf(parsed, answer, config);
    if (config.store && call) context.waitUntil(recordCall(config.store, call, Date.now()));
  }

  const { body, status } = answer;
  if (answer.kind === "queued") return plain(status, bodyText(body), JSON_TYPE);

  const { retryAfter } = answer;
  logNotPurged(answer.body);
  return plain(status, bodyText(body), {
    ...JSON_TYPE,
    ...(retryAfter !== undefined && { "retry-after": `${retryAfter}` }),
  });
}

/**
 * Returns what /healthz reports of this call. An event counts even if nothing was purged: it shows that S3 sends events. If
 * there is a queue, the event counts only when the queue delivers it: an event in a queue that nobody reads purges nothing.
 * @returns undefined for an event that was queued, and for a call by hand that has purged nothing
 */
function callOf(
  { kind }: PurgeRequest,
  answer: PurgeAnswer | QueuedAnswer,
  { events }: Pick<Config, "events">,
): PurgeCall | undefined {
  if (kind === "event") return events ? undefined : "event";
  if (answer.kind === "queued") return undefined;
  return answer.body.purged.length > 0 ? "purge" : undefined;
}

const DISCOVERY_PATH = "/.well-known/openid-configuration";
const KEYS_PATH = "/.well-known/jwks.json";

/** A new key is to be visible within a minute: s. */
const ISSUER_CACHING = { "cache-control": "public, max-age=60" };

/** Answers with one of the documents by which AWS checks the Worker's tokens. @returns undefined if there are none */
async function answerIssuer(
  { method }: Request,
  pathname: typeof DISCOVERY_PATH | typeof KEYS_PATH,
  { oidc }: Config,
): Promise<Response | Refusal | undefined> {
  if (!oidc) return undefined;
  if (method !== "GET" && method !== "HEAD") return methodNotAllowed(method, "GET, HEAD");

  const { published: keys, mistakes } = await issuerKeysOf(oidc);
  if (keys.length === 0) return { event: "configuration-broken", mistakes };

  // The metadata of the issuer (OpenID Connect Discovery, 3).
  const { issuer } = oidc;
  const discovery = {
    issuer,
    jwks_uri: `${issuer}${KEYS_PATH}`,
    response_types_supported: ["id_token"],
    subject_types_supported: ["public"],
    id_token_signing_alg_values_supported: [TOKEN_ALGORITHM],
    claims_supported: ["aud", "exp", "iat", "iss", "jti", "sub"],
  };

  const document = pathname === KEYS_PATH ? { keys } : discovery;
  return plain(200, JSON.stringify(document), { ...JSON_TYPE, ...ISSUER_CACHING });
}
