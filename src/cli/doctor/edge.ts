// What the codes of Cloudflare's image edge and of the Images binding mean, and the statuses that a visitor gets. Pure.

import { UPSTREAM_EVENTS, type UpstreamEvent } from "../../worker/base/refusal.ts";
import { failureFor } from "../../worker/edge/codes.ts";
import { type Check, fail, type Problem, type Result } from "./finding.ts";
import { LEAVE_PARAMETER_OUT, NAME_ANOTHER } from "./objects.ts";
import { SEE_PROVIDER, SET_CLOCK } from "./s3.ts";

const DASHBOARD = "in Cloudflare's dashboard, Images → Transformations";
const LOCALLY =
  "remove EDGE from .dev.vars if it is there: it simulates faults. The terminal of npx vitrine dev names the reason. If it is none of the simulation: ";
const UNREADABLE =
  "the edge cannot read this object as an image, or it is over 100 MB, 100 megapixels or 12,000 px a side";
const READ_LOG =
  "run npx wrangler tail, then ask again: the log names the reason, and its section of docs/errors.md";
export const SEE_CLOUDFLARE = "try again in a minute, then see https://www.cloudflarestatus.com";
export const LET_PASS =
  "make sure that no rule, snippet or other Worker is in front of this Worker";

/** What a code or a status means, if it is not an image that fails to come from the edge. */
type Cause = Omit<Problem, "seen"> & { readonly check?: Check; readonly meaning?: string };

const PASSING = { severity: "warning", bearing: "passing" } as const;
/** A setting is to be corrected, unless it only follows from what was found before, such as a dead key. */
const SETTING = { bearing: "consequence", deploys: true } as const;

/** What the word of /healthz is called in the log. */
const EVENTS: Readonly<Record<string, UpstreamEvent>> = {
  off: "not-transformed",
  unreachable: "timed-out",
};

const LOOP: Cause = {
  meaning: "a loop: the edge would read its own image", // E8, E13
  remedy:
    "if BUCKETS.*.endpoint in wrangler.toml, or an overlay, is the URL of Vitrine itself, set it to S3's. Else a transformation flow of the zone matches the Worker's URLs: change or remove that flow, in Cloudflare's dashboard under Images",
  deploys: true,
};
const SLOW: Cause = {
  meaning: "the origin or the edge took too long",
  impact: "visitors get 504",
  remedy:
    "see whether S3 is slow. Else use smaller originals, or a longer timeout in ANSWERS of wrangler.toml",
  ...SETTING,
};
const QUOTA: Cause = {
  check: "quota", // L2
  meaning: "the limit of unique transformations is reached",
  impact: "new variants get 503 until next month",
  remedy: `use a paid plan (${DASHBOARD}), or fewer presets and descriptors: npx vitrine check counts them`,
};
const NO_CANARY: Cause = {
  meaning: "the object was not found, or may not be read",
  impact: "the deployed Worker finds no canary in the bucket",
  remedy: "upload it, or correct canary, prefix or bucket in wrangler.toml",
  ...SETTING,
};
const NOT_READ: Cause = {
  meaning: "the canary is not an image that it can read",
  impact: UNREADABLE,
  remedy: "repair it, or set another canary in wrangler.toml, a JPEG",
  ...SETTING,
};

/** By `CODE/STATUS`, by code, or by the Worker's event. @param entry what to list under Sources */
function causesFor(entry: string) {
  const denied: Cause = {
    meaning: "the origin denies the object to the edge, or the edge has another one than S3", // A5, A15, E1, E5, E7
    remedy: `correct region and endpoint in wrangler.toml: npx vitrine doctor asks S3 for the region. If they are right, make sure that Sources of the zone has ${entry}, that no bucket policy limits addresses, that the host of each overlay with a url allows it, and that the zone's caching level does not ignore query strings. If S3 refuses x-vitrine, set in BUCKETS.* ${LEAVE_PARAMETER_OUT}`,
    ...SETTING,
  };
  const causes: Readonly<Record<string, Cause>> = {
    "9401/403": {
      check: "sources",
      meaning: "the bucket is not among the zone's Sources", // E5, E11
      remedy: `${DASHBOARD} → the domain → Sources: add the origin ${entry} (domain, then path), exactly as it is spelt here. If it is listed: after the paid plan was bought, this was seen for three days`,
    },
    "9403": LOOP,
    "9509": { remedy: `try again in a minute, then ${SEE_PROVIDER}`, ...PASSING },
    "not-transformed": {
      check: "transformations",
      meaning: "its answers have no cf-resized header",
      impact: "the edge returns originals, which the Worker refuses: visitors get 502",
      remedy: `${DASHBOARD}: select the domain, then Enable. It must be this Worker's domain, with no other Worker in front`,
    },
    "quota-spent": QUOTA,
    "object-missing": NO_CANARY,
    "object-denied": NO_CANARY,
    "origin-denied": denied,
    "edge-contradicts": denied,
    "timed-out": SLOW,
    "edge-failed": {
      meaning: "Cloudflare is busy, or has an error",
      remedy: SEE_CLOUDFLARE,
      ...PASSING,
    },
    "origin-failed": {
      remedy: `try again in a minute, then ${SEE_PROVIDER}. Else correct BUCKETS.*.endpoint or addressing in wrangler.toml: it must be reachable from the internet`,
      ...SETTING,
    },
    "edge-refused": {
      remedy:
        "for the Images binding, switch Images on in Cloudflare's dashboard, and check that the plan has it. For the edge, BUCKETS.*.endpoint in wrangler.toml must be an https:// URL of usual characters. Compare each preset with docs/configuration.md. Else look the code up: https://developers.cloudflare.com/images/reference/troubleshooting/",
      deploys: true,
    },
  };
  return causes;
}

/**
 * What it means that the Worker gets no image of the canary.
 * @param code as /healthz reports it: `9401`, `off`, `unreachable`, or an event of the log
 * @param status of the edge's answer
 * @param engine `entry` is what to list under Sources for the bucket
 */
export function diagnoseEdge(
  code: string,
  status: number,
  { entry, isBinding, local }: { entry: string; isBinding: boolean; local: boolean },
): Result {
  const failure = failureFor(status, code, "");
  // In place of a code, /healthz has the event of the Worker's log where S3 gives it no canary.
  const logged = UPSTREAM_EVENTS.find((one) => one === code);
  const event = logged ?? EVENTS[code] ?? failure.event;
  const causes = causesFor(entry);
  const cause = causes[`${code}/${status}`] ?? causes[code] ?? causes[event] ?? NOT_READ;
  const { check = isBinding ? "binding" : "edge", meaning, remedy, ...problem } = cause;
  const reply = logged
    ? `S3 gives the Worker no canary (${code})`
    : `${isBinding ? "the Images binding" : "the edge"} answers ${code}`;
  return fail(check, {
    ...problem,
    seen: `${reply}: ${meaning ?? failure.reason ?? event}`,
    remedy: `${local ? LOCALLY : ""}${remedy}. See docs/errors.md#${event}`,
  });
}

const STATUSES: Readonly<Record<number, Cause>> = {
  403: {
    impact: "something in front of the Worker denies it: a rule of the zone, or a firewall",
    remedy: "look for this request in Cloudflare's dashboard, Security → Events",
  },
  404: {
    impact: "the deployed Worker has no such route, preset or object",
    remedy: `npx vitrine deploy if wrangler.toml has changed. Else npx vitrine explain, with that URL, or ${READ_LOG}`,
    bearing: "consequence",
  },
  410: {
    impact: "the signed URL has expired, although it was just signed",
    remedy: `if this machine's clock is off, ${SET_CLOCK}. Else ${LET_PASS}`,
  },
  415: {
    impact: UNREADABLE,
    remedy: `${NAME_ANOTHER}. Or replace that object by an image, and purge it: npx vitrine purge`,
  },
  429: {
    impact: "the rate limit counts this machine, too",
    remedy: "wait a minute, and try again",
    ...PASSING,
  },
  500: {
    check: "configuration",
    impact: "the deployed configuration has a mistake, so nothing is served",
    remedy:
      "npx wrangler tail shows each mistake. Correct it in wrangler.toml (npx vitrine check checks that), then npx vitrine deploy. A secret: npx wrangler secret put, or npx wrangler secret delete",
  },
  503: QUOTA,
  504: SLOW,
  508: { ...LOOP, ...SETTING, impact: "the edge itself asks: a loop" },
};

/** What a status means that a visitor gets, if nothing more is known. */
export function diagnoseStatus(status: number, url: string, local: boolean): Result {
  const unusual: Cause = {
    impact: "visitors see no image, and the Worker gives no such answer",
    remedy: LET_PASS,
  };
  const failed: Cause = {
    impact: "S3, the keys or the edge failed",
    remedy: `${READ_LOG}. With HEALTH_TOKEN and a canary (docs/doctor.md, “Health”) the doctor finds it itself`,
    bearing: "consequence",
  };
  const cause = STATUSES[status] ?? (status < 500 ? unusual : failed);
  const { check = "image", meaning, remedy, ...problem } = cause;
  return fail(check, {
    ...problem,
    seen: `${url} answers ${status}${meaning === undefined ? "" : `: ${meaning}`}`,
    remedy: local ? LOCALLY + remedy : remedy,
  });
}
