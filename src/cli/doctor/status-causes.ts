// What is wrong where a visitor gets no image, as far as its status tells, and what mends it.

import { DASHBOARD } from "./edge-causes.ts";
import type { Cause } from "./finding.ts";

const LOG = "npx wrangler tail, then ask once more: the log says which";

/**
 * What a status of the Worker means, where nothing more is known of it.
 * @param local true of the local run
 */
export function statusCause(status: number, url: string, local: boolean): Cause {
  const cause = STATUSES[status] ?? (status >= 500 ? STATUSES[502] : undefined);
  const other = { check: "image", why: "visitors see no image", remedy: LOG } as const;
  const logged = local && (status === 404 || status >= 500);
  return { ...(cause ?? other), what: `${url} is ${status}`, ...(logged && { remedy: LOCAL_LOG }) };
}

const LOCAL_LOG =
  "take EDGE out of .dev.vars, if it is there, since it plays faults; else see what npm start says in its terminal: the log says which";

const STATUSES: Readonly<Record<number, Omit<Cause, "what">>> = {
  403: {
    check: "image",
    why: "something in front of the Worker denies it: a rule of the zone, or of a firewall. The Worker's own 403 is for pages that are not among origins",
    remedy: "in Cloudflare's dashboard, Security → Events, look for this request",
  },
  404: {
    check: "image",
    why: "the deployed Worker has no such route, preset or object",
    remedy:
      "npx wrangler deploy, if wrangler.toml has changed since; npx vitrine explain, with that URL; then the log: npx wrangler tail",
  },
  410: {
    check: "image",
    why: "the URL has expired: the clock here is wrong",
    remedy: "set this machine's clock: timedatectl set-ntp true",
  },
  415: {
    check: "image",
    why: "the object is no image that the edge reads, or over 100 MB, 100 megapixels or 12,000 px a side",
    remedy: "look at the object, or name another one: npx vitrine doctor --key …",
  },
  429: {
    check: "image",
    severity: "warning",
    why: "the rate limit counts this machine, too",
    remedy: "wait a minute, and try again",
  },
  500: {
    check: "configuration",
    why: "the deployed configuration is broken: nothing is served",
    remedy:
      "npx wrangler tail names each mistake; npm run check looks at wrangler.toml, and npx wrangler secret list at which secrets there are",
  },
  502: {
    check: "image",
    why: "S3, the keys, or the edge",
    remedy: `${LOG}. With HEALTH_TOKEN and a canary (docs/doctor.md, “Health”) the doctor sees it itself`,
  },
  503: {
    check: "quota",
    why: "the unique transformations of the month are used up: new variants are 503 until the next one",
    remedy: `a paid plan (${DASHBOARD}), or fewer presets and descriptors: npm run check counts them`,
  },
  504: {
    check: "image",
    why: "S3 or the edge takes longer than timeout",
    remedy:
      "a smaller original, or a longer timeout in ANSWERS of wrangler.toml; then the provider's status page",
  },
  508: {
    check: "image",
    why: "the request came from the image edge itself: a loop",
    remedy: "BUCKETS.*.endpoint in wrangler.toml, or an overlay, is Vitrine itself: put S3's there",
  },
};
