// What the codes of Cloudflare's image edge and of the Images binding mean, and the statuses that a visitor gets. Pure.

import { failureFor } from "../../worker/edge/codes.ts";
import type { Check, Problem, Result } from "./finding.ts";
import { LEAVE_PARAMETER_OUT, problem, SEE_PROVIDER } from "./finding.ts";

const DASHBOARD = "in Cloudflare's dashboard, Images → Transformations";
const LOCALLY =
  "remove EDGE from .dev.vars if it is there: it simulates faults. The terminal of npx vitrine dev names the reason. If it is none of the simulation: ";
const READ_LOG =
  "run npx wrangler tail, then ask again: the log names the reason, and its section of docs/errors.md";
export const SEE_CLOUDFLARE = "try again in a minute, then see https://www.cloudflarestatus.com";
export const LET_PASS =
  "make sure that no rule, snippet or other Worker is in front of this Worker (Security → Events in the dashboard)";

type Cause = Omit<Problem, "seen"> & { readonly check?: Check };

/** A cause in wrangler.toml, unless it only follows from an earlier finding, such as a dead key. */
const setting = (remedy: string): Cause => ({ remedy, bearing: "consequence", needsDeploy: true });
const passing = (remedy: string): Cause => ({ remedy, severity: "warning", bearing: "passing" });

/** The codes do not say whether the canary is damaged, or the edge had an error. */
const REPAIR = setting(
  "try again in a minute. If it is the same then, repair the canary, or set another canary in wrangler.toml",
);

const LOGGED: Cause = { remedy: READ_LOG, bearing: "consequence" };

/** By `CODE/STATUS` or code of the edge, by event of the Worker's log, or by status that a visitor gets. */
const CAUSES: Readonly<Record<string, Cause>> = {
  "9401/403": {
    check: "sources", // E5, E11
    remedy: `${DASHBOARD} → the domain → Sources: add the origin {entry} (domain, then path), exactly as it is spelt here. If it is listed: after the paid plan was bought, this was seen for three days`,
  },
  // E8, E13
  "9403": {
    ...setting(
      "if BUCKETS.*.endpoint in wrangler.toml, or an overlay, is the URL of Vitrine itself, set it to S3's. Else change or remove the transformation flow of the zone that matches the Worker's URLs",
    ),
    impact: "no new image of this bucket is shown: visitors get 508",
  },
  "9509": passing(`try again in a minute, then ${SEE_PROVIDER}`),
  "9516": REPAIR,
  "9523": REPAIR,
  "not-transformed": {
    check: "transformations",
    remedy: `${DASHBOARD}: select the domain, then Enable. It must be this Worker's domain, with no other Worker in front`,
  },
  "quota-spent": {
    check: "quota", // L2
    impact: "new variants get 503 until next month",
    remedy: `use a paid plan (${DASHBOARD}), or fewer presets and descriptors: npx vitrine check counts them`,
  },
  "object-missing": setting("upload it, or correct canary, prefix or bucket in wrangler.toml"),
  "source-unreadable": setting("repair the canary, or set another canary in wrangler.toml"),
  // A5, A15, E1, E5, E7
  "origin-denied": setting(
    `correct region and endpoint in wrangler.toml. If they are right, make sure that Sources of the zone has {entry}, that no bucket policy limits addresses, and that the zone's caching level does not ignore query strings. If S3 refuses x-vitrine, set in BUCKETS.* ${LEAVE_PARAMETER_OUT}`,
  ),
  "timed-out": setting("use smaller originals, or a longer timeout in ANSWERS of wrangler.toml"),
  "edge-failed": passing(SEE_CLOUDFLARE),
  "origin-failed": setting(
    `try again in a minute, then ${SEE_PROVIDER}. Else correct BUCKETS.*.endpoint or addressing in wrangler.toml`,
  ),
  "edge-refused": setting(
    "for the Images binding, switch Images on in Cloudflare's dashboard. For the edge, BUCKETS.*.endpoint in wrangler.toml must be an https:// URL of usual characters. Compare each preset with docs/configuration.md. Else look the code up: https://developers.cloudflare.com/images/reference/troubleshooting/",
  ),
  404: {
    remedy: `npx vitrine deploy if wrangler.toml has changed. Else npx vitrine explain, with that URL, or ${READ_LOG}`,
    bearing: "consequence",
  },
  415: { remedy: "name another object, or replace that one by an image: then npx vitrine purge" },
  429: passing("wait a minute, and try again"),
  500: {
    check: "configuration",
    impact: "the deployed configuration has a mistake, so nothing is served",
    remedy:
      "npx wrangler tail shows each mistake. Correct it in wrangler.toml (npx vitrine check checks that), then npx vitrine deploy. A secret: npx wrangler secret put, or npx wrangler secret delete",
  },
};

/** By code or event. A code that is not here means what the Worker's log says of it. */
const MEANINGS: Readonly<Record<string, string>> = {
  "9401/403": "the bucket is not among the zone's Sources",
  "not-transformed": "it returns originals, which the Worker refuses",
  "quota-spent": "no unique transformation is left this month",
  "object-missing": "S3 does not have the canary",
  "source-unreadable": "the canary is no image that it can read",
  "origin-denied": "S3 does not give it the canary",
  "origin-failed": "S3 fails, or is busy",
  "timed-out": "no answer came in time",
  "edge-refused": "it refuses the request",
};

const EXPLAINED_AS: Readonly<Record<string, string>> = {
  off: "not-transformed",
  unreachable: "timed-out",
  "object-denied": "object-missing",
  "edge-contradicts": "origin-denied",
  "wrong-type": "source-unreadable",
  503: "quota-spent",
  504: "timed-out",
  508: "9403",
};

function findCause(...names: readonly string[]): Cause | undefined {
  return names
    .map((name) => CAUSES[EXPLAINED_AS[name] ?? name])
    .find((cause) => cause !== undefined);
}

/**
 * What it means that the Worker gets no image of the canary.
 * @param code as /healthz reports it: `9401`, `off`, `unreachable`, or an event of the log where S3 gives it none
 * @param status of the edge's answer
 * @param engine `entry` is what to list under Sources for the bucket
 */
export function diagnoseEdge(
  code: string,
  status: number,
  { entry, isBinding, local }: { entry: string; isBinding: boolean; local: boolean },
): Result {
  const { event, reason } = failureFor(status, code, "");
  const cause = findCause(`${code}/${status}`, code, event) ?? LOGGED;
  const { check: causeCheck, remedy, ...details } = cause;
  const engineCheck = isBinding ? "binding" : "edge";
  const section = /^\d/.test(code) ? event : (EXPLAINED_AS[code] ?? code);
  const meaning = MEANINGS[`${code}/${status}`] ?? reason ?? MEANINGS[section] ?? "it fails";
  return problem(causeCheck ?? engineCheck, {
    ...details,
    seen: `${isBinding ? "the Images binding" : "the edge"} answers ${code}: ${meaning}`,
    remedy: `${local ? LOCALLY : ""}${remedy.replace("{entry}", () => entry)}. See docs/errors.md#${section}`,
  });
}

export function diagnoseStatus(status: number, url: string, local: boolean): Result {
  const unknown = status < 500 ? { remedy: LET_PASS } : LOGGED;
  const { check = "image", ...cause } = findCause(`${status}`) ?? unknown;
  const details = { impact: "visitors see no image", seen: `${url} answers ${status}`, ...cause };

  return problem(check, { ...details, remedy: (local ? LOCALLY : "") + details.remedy });
}
