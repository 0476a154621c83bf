// Answers /purge: who asks, what is to be purged, and what became of it. Without PURGE_TOKEN there is no
// such path. What could not be purged is named in the answer, and in the log, up to a limit.

import type { GatewayContext } from "./cache/loopback.ts";
import { bucketTag } from "./cache/rendition-url.ts";
import type { Config } from "./config/config.ts";
import type { Refusal } from "./http/refusal.ts";
import { callCache, type PurgeScope, purgeObjects } from "./purge/purge-cache.ts";
import { purgeStored } from "./purge/purge-store.ts";
import { type PurgeRequest, readPurge } from "./purge/read-purge.ts";
import * as report from "./purge/report.ts";
import { type Target, targetsNamed, targetsOfEvent } from "./purge/targets.ts";
import { plain } from "./response/answer.ts";
import { timingSafeEqual } from "./util/bytes.ts";

/** How long a caller waits at most. EventBridge gives up after 5 s: ms. */
const TIMEOUT_MS = 3_700;

const DENIED = { event: "purge-denied", reason: "not the PURGE_TOKEN, or a topic of SNS" } as const;

export async function answerPurge(
  request: Request,
  config: Config,
  context: GatewayContext,
): Promise<Response | Refusal> {
  const { method, headers } = request;
  const began = Date.now();
  if (!config.purgeToken) return { event: "no-such-route", path: "/purge" };
  if (method !== "POST") return { event: "method-not-allowed", method, allow: "POST" };
  const authorization = headers.get("authorization") ?? "";
  const isOfTopic = headers.has("x-amz-sns-message-type"); // who may publish there wrote the body
  if (isOfTopic || !(await hasToken(authorization, config.purgeToken))) return DENIED;

  const deadline = began + TIMEOUT_MS;
  const asked = await readPurge(request, deadline);
  const { body, status, retryAfter } =
    "status" in asked
      ? report.reportReason(asked.status, asked.reason)
      : await purge(asked, config, { context, deadline });
  report.logNotPurged(body.not_purged, body.reason);
  return plain(status, report.bodyText(body), {
    "content-type": "application/json",
    ...(retryAfter !== undefined && { "retry-after": `${retryAfter}` }),
  });
}

/** Returns whether `authorization` has the token: as a bearer, or as the password of HTTP Basic. */
function hasToken(authorization: string, token: string): Promise<boolean> {
  const [, scheme = "", given = ""] = /^(bearer|basic) +(.*)/is.exec(authorization) ?? [];
  return timingSafeEqual(scheme.toLowerCase() === "basic" ? passwordIn(given) : given, token);
}

/** What follows the first colon; "" if there is none. The name before it may be any. */
function passwordIn(encoded: string): string {
  try {
    const bytes = Uint8Array.from(atob(encoded), (character) => character.charCodeAt(0));
    return /:(.*)/s.exec(new TextDecoder().decode(bytes))?.[1] ?? "";
  } catch {
    return ""; // not base64
  }
}

async function purge(
  asked: PurgeRequest,
  config: Config,
  scope: PurgeScope,
): Promise<report.PurgeAnswer> {
  const { buckets, store } = config;
  switch (asked.form) {
    case "objects": {
      const { targets, others: wrong } = targetsNamed(buckets, asked.names);
      return report.reportPurge(targets, await purgeTargets(targets, store, scope), wrong);
    }
    case "event": {
      const { targets, others } = targetsOfEvent(buckets, asked.objects);
      const answer = report.reportPurge(targets, await purgeTargets(targets, store, scope));
      const notShown = others.length > 0 && { not_shown: others };
      return { ...answer, body: { ...answer.body, ...notShown } };
    }
    case "bucket": {
      const bucket = buckets.find(({ name }) => name === asked.name);
      if (!bucket) return report.reportReason(400, "wrangler.toml has no bucket of this name");
      const [name, tags] = [`${bucket.name}/*`, [await bucketTag(bucket)]];
      const failure = await callCache({ tags }, scope);
      return report.reportPurge([{ name, url: name }], new Map([[name, failure]]));
    }
    case "everything": {
      const all = { name: "*", url: "*" };
      const failure = await callCache({ purgeEverything: true }, scope);
      return report.reportPurge([all], new Map([[all.url, failure]]));
    }
  }
}

/** Objects a request: two calls (W10). With a store, S3 is asked for each of them, too. */
const MAX_OBJECTS = 200;
const MAX_STORED_OBJECTS = 20;

/** Purges the first objects, and refuses the others. */
async function purgeTargets(
  targets: readonly Target[],
  store: Config["store"],
  scope: PurgeScope,
): Promise<report.PurgeResults> {
  const most = store ? MAX_STORED_OBJECTS : MAX_OBJECTS;
  const purging = purgeEverywhere(targets.slice(0, most), store, scope);
  scope.context.waitUntil(purging); // also when the caller has left
  const reason = `at most ${most} objects a request: send these again`;
  const others = targets.slice(most).map(({ url }) => {
    return [url, { status: 429, retryAfter: 1, reason }] as const;
  });
  return new Map([...(await purging), ...others]);
}

/** The cache first: what it has is shown without a question to the store. */
async function purgeEverywhere(
  targets: readonly Target[],
  store: Config["store"],
  scope: PurgeScope,
): Promise<report.PurgeResults> {
  const results = await purgeObjects(targets, scope);
  if (!store) return results;
  const stored = targets.map(async (target) => {
    return [
      target.url,
      results.get(target.url) ?? (await purgeStored(target, store, scope)),
    ] as const;
  });
  return new Map(await Promise.all(stored));
}
