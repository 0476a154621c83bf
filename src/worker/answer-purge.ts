// Answers /purge: who asks, what is to be purged, and what became of it. Without PURGE_TOKEN there is no
// such path. What could not be purged is named in the answer, and in the log, up to a limit.

import { plain, refusalAnswer } from "./answer/answer.ts";
import { logNotice } from "./base/log.ts";
import type { Refusal } from "./base/refusal.ts";
import type { GatewayContext } from "./cache/loopback.ts";
import { bucketTag } from "./cache/tags.ts";
import type { Config } from "./config/config.ts";
import { gatherPurge } from "./gather-purge.ts";
import { readBody } from "./purge/body.ts";
import { confirm, subscribeUrl } from "./purge/confirm.ts";
import { purgeKept } from "./purge/purge-kept.ts";
import type { PurgeRequest } from "./purge/purge-request.ts";
import { readPurge } from "./purge/read-purge.ts";
import * as report from "./purge/report.ts";
import { targetsNamed, targetsOfEvent } from "./purge/targets.ts";
import { hasToken } from "./purge/token.ts";

/** How long a caller waits at most. EventBridge gives up after 5 s, SNS after 15 s: ms. */
const PATIENCE_MS = 3_700;

const DENIED = { event: "purge-denied", reason: "not the PURGE_TOKEN" } as const;

export async function answerPurge(
  request: Request,
  config: Config,
  context: GatewayContext,
): Promise<Response | Refusal> {
  const { method, headers } = request;
  const began = Date.now();
  // EventBridge and SNS send again after that, and neither after 404 nor after 200.
  if (config.isPurgeClosed) return plain(503, "Not available now", { "retry-after": "60" });
  if (!config.purgeToken) return { event: "no-such-route", path: "/purge" };
  if (method !== "POST") return { event: "method-not-allowed", method, allow: "POST" };
  const authorization = headers.get("authorization");
  // SNS sends the password of its URL only after it was asked for it: that is nothing for the log.
  if (authorization === null) return refusalAnswer(DENIED, {}, began);
  if (!(await hasToken(authorization, config.purgeToken))) return DENIED;

  const deadline = began + PATIENCE_MS;
  const text = await readBody(request, deadline);
  if (typeof text !== "string") return answer(report.fault(text.status, text.reason));
  const asked = readPurge(text, headers);
  if ("unreadable" in asked) return answer(report.fault(400, asked.unreadable));
  return answer(await purge(asked, config, context, deadline));
}

/** Purges what is asked for, in the caches that can be asked. */
async function purge(
  asked: PurgeRequest,
  config: Config,
  context: GatewayContext,
  deadline: number,
): Promise<report.Outcome> {
  const { buckets } = config;
  const caches = { edge: config.edgePurge, kept: context.exports?.Renditions };
  switch (asked.form) {
    case "objects":
    case "event": {
      const isEvent = asked.form === "event";
      const found = isEvent
        ? targetsOfEvent(buckets, asked.objects)
        : targetsNamed(buckets, asked.names);
      const fates = await gatherPurge(found.targets, config, caches, { context, deadline });
      return report.ofObjects(found, fates, caches, isEvent);
    }
    case "bucket": {
      const bucket = buckets.find(({ name }) => name === asked.name);
      if (!bucket) return report.fault(400, "wrangler.toml has no bucket of this name");
      const tags = [await bucketTag(bucket)];
      const hindered = await purgeKept(caches.kept, { tags }, deadline);
      return report.ofAll(`${bucket.name}/*`, [bucket], hindered, caches);
    }
    case "everything":
      return report.ofAll(
        "*",
        buckets,
        await purgeKept(caches.kept, { purgeEverything: true }, deadline),
        caches,
      );
    case "subscription": {
      const url = subscribeUrl(asked.url);
      if (!url) return report.fault(400, "SubscribeURL does not lead to SNS");
      return report.ofNothing("the subscription is confirmed", await confirm(url, deadline));
    }
    case "nothing":
      return report.ofNothing(asked.why);
  }
}

/** Tells the caller, and the log if something is not purged. */
function answer({ report: said, status, wait, isLogged }: report.Outcome): Response {
  if (!said.ok && !isLogged) {
    const { not_purged: left, reason = left[0]?.reason ?? "" } = said;
    const names = left.map(({ object }) => object);
    logNotice(report.noticeOf(reason, names));
  }
  return plain(status, report.reportText(said), {
    "content-type": "application/json",
    ...(wait !== undefined && { "retry-after": `${wait}` }),
  });
}
