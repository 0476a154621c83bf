// What the codes of Cloudflare's image edge and of the Images binding mean, and the statuses that a visitor gets. Pure.

import { UPSTREAM_EVENTS, type UpstreamEvent } from "../../worker/base/refusal.ts";
import { failureFor } from "../../worker/edge/codes.ts";
import { shellQuote } from "../terminal/shell.ts";
import { fail, type Problem, type Result } from "./finding.ts";
import { LEAVE_PARAMETER_OUT, NAME_ANOTHER } from "./objects.ts";
import { SEE_PROVIDER, SET_CLOCK } from "./s3.ts";

const DASHBOARD = "in Cloudflare's dashboard, Images → Transformations";
const SIMULATED = "remove EDGE from .dev.vars: it simulates this. Deployed:";
// E13
const BREAK_LOOP =
  "if BUCKETS.*.endpoint in wrangler.toml, or an overlay, is the URL of Vitrine itself, set it to S3's. Else a transformation flow of the zone matches the Worker's URLs: change or remove that flow, in Cloudflare's dashboard under Images";
const LONGER_TIMEOUT =
  "see whether S3 is slow. Else use smaller originals, or a longer timeout in ANSWERS of wrangler.toml";
const UNREADABLE =
  "the edge cannot read this object as an image, or it is over 100 MB, 100 megapixels or 12,000 px a side";
const LOOK_UP =
  "look the code up: https://developers.cloudflare.com/images/reference/troubleshooting/";
export const SEE_CLOUDFLARE = "try again in a minute, then see https://www.cloudflarestatus.com";

const PASSING = { severity: "warning", bearing: "passing" } as const;
const CONSEQUENCE = { bearing: "consequence" } as const;
/** A setting is to be corrected, unless it only follows from what was found before, such as a dead key. */
const SETTING = { ...CONSEQUENCE, deploys: true } as const;

/** What has a cause of its own; `CODE/STATUS` if the status makes a difference. */
const CAUSES = new Map<string, Cause>([
  ["off", "not-transformed"],
  ["unreachable", "timed-out"],
  ["9401/403", "sources"],
  ["9403", "loop"],
  ["9509", "busy"],
  ["9420", "elsewhere"],
  ["9421", "elsewhere"],
  ["9519", "elsewhere"],
  ["origin-denied", "elsewhere"],
]);

type Cause = UpstreamEvent | "sources" | "loop" | "busy" | "elsewhere";

type Engine = {
  /** What to list under Sources for the bucket. */
  readonly entry: string;
  readonly isBinding: boolean;
  readonly local: boolean;
};

/**
 * What it means that the Worker gets no image of the canary.
 * @param code as /healthz reports it: `9401`, `off`, `unreachable`, or a word of the log
 * @param status of the edge's answer
 */
export function diagnoseEdge(code: string, status: number, engine: Engine): Result {
  const { event, reason } = failureFor(status, code, "");
  // In place of a code, /healthz has the event of the Worker's log where S3 gives it no canary.
  const logged = UPSTREAM_EVENTS.find((one) => one === code);
  const cause = CAUSES.get(`${code}/${status}`) ?? CAUSES.get(code) ?? logged ?? event;
  const name = engine.isBinding ? "the Images binding" : "the edge";
  const silent = code === "unreachable" && `${name} did not answer the Worker`;
  const reply = logged ? `S3 gives the Worker no canary (${code})` : `${name} answers ${code}`;
  const result = diagnoseCause(cause, silent || reply, reason ?? event, engine);
  const section = logged ?? UPSTREAM_EVENTS.find((one) => one === CAUSES.get(code)) ?? event;
  const check = engine.isBinding && result.check === "edge" ? "binding" : result.check;
  return { ...result, check, remedy: `${result.remedy}. See docs/errors.md#${section}` };
}

/** @param reply what was answered, as a clause. @param reason what the code means */
function diagnoseCause(cause: Cause, reply: string, reason: string, engine: Engine): Result {
  const { entry, isBinding, local } = engine;
  const simulated = local ? `${SIMULATED} ` : "";
  const parameter = `in BUCKETS.* of wrangler.toml, set ${LEAVE_PARAMETER_OUT}`;
  const edge = (seen: string, remedy: string, more: Partial<Problem> = SETTING) =>
    fail("edge", { seen: `${reply}: ${seen}`, remedy, ...more });
  switch (cause) {
    case "not-transformed":
      return fail("transformations", {
        seen: "the edge transforms nothing: its answers have no cf-resized header",
        impact: "the edge returns originals, which the Worker refuses: visitors get 502",
        remedy: `${simulated}${DASHBOARD}: select the domain, then Enable. It must be this Worker's domain, with no other Worker in front`,
      });
    case "sources": {
      const listed = `${entry} (domain, then path), exactly as it is spelt here. If it is listed: after the paid plan was bought, this was seen for three days`; // E11
      return fail("sources", {
        seen: `${reply}: the bucket is not among the zone's Sources`, // E5
        remedy: `${simulated}${DASHBOARD} → the domain → Sources: add the origin ${local ? "that npx vitrine check lists" : listed}`,
      });
    }
    case "quota-spent":
      return quotaSpent(reply, local);
    case "object-missing":
    case "object-denied": {
      const remedy = "upload it, or correct canary, prefix or bucket in wrangler.toml";
      const impact = "the deployed Worker finds no canary in the bucket";
      return edge("the object was not found, or may not be read", remedy, { ...SETTING, impact });
    }
    case "source-unreadable":
    case "too-large-for-avif":
    case "original-is-smaller":
    case "wrong-type": {
      const remedy = "repair it, or set another canary in wrangler.toml, a JPEG";
      const unreadable = { ...SETTING, impact: UNREADABLE };
      return edge("the canary is not an image that it can read", remedy, unreadable);
    }
    case "origin-denied":
    case "edge-contradicts": // E1, E5, A15, O12
      return edge(
        "S3 denies the object to the edge, or the edge has another one than S3",
        `make sure that Sources of the zone has ${entry}, that no bucket policy limits addresses, that the host of each overlay with a url allows it, and that the zone's caching level does not ignore query strings. If S3 refuses x-vitrine: ${parameter}. Else the edge does not pass the signature on, although Vitrine asks for origin-auth: report it`,
      );
    case "elsewhere": // A5, A15, E7
      return edge(
        "the origin denies the object: most often the region is wrong",
        `correct region and endpoint in wrangler.toml: npx vitrine doctor asks S3 for the region. If they are right, S3 may refuse x-vitrine: ${parameter}`,
      );
    case "loop": // E8
      return edge("a loop: the edge would read its own image", BREAK_LOOP, { deploys: true });
    case "timed-out": {
      const impact = "visitors get 504";
      return edge("the origin or the edge took too long", LONGER_TIMEOUT, { ...SETTING, impact });
    }
    case "edge-failed":
      return edge("Cloudflare is busy, or has an error", SEE_CLOUDFLARE, PASSING);
    case "busy":
      return edge(reason, `try again in a minute, then ${SEE_PROVIDER}`, PASSING);
    case "origin-failed":
      return edge(
        reason,
        `try again in a minute, then ${SEE_PROVIDER}. Else correct BUCKETS.*.endpoint or addressing in wrangler.toml: it must be reachable from the internet`,
      );
    case "edge-refused": {
      const remedy = isBinding
        ? "switch Images on in Cloudflare's dashboard, and check that the plan has it"
        : "BUCKETS.*.endpoint in wrangler.toml must be an https:// URL of usual characters. Compare each preset with docs/configuration.md";
      const setting = { deploys: !isBinding };
      return edge(`it refuses the request: ${reason}`, `${remedy}. Else ${LOOK_UP}`, setting);
    }
  }
}

/** The monthly limit is reached (L2). @param reply what says so */
function quotaSpent(reply: string, local: boolean): Result {
  return fail("quota", {
    seen: `${reply}: the limit of unique transformations is reached`,
    impact: "new variants get 503 until next month",
    remedy: `${local ? `${SIMULATED} ` : ""}use a paid plan (${DASHBOARD}), or fewer presets and descriptors: npx vitrine check counts them`,
  });
}

const READ_LOG =
  "run npx wrangler tail, then ask again: the log names the reason, and its section of docs/errors.md";
const LOCAL_LOG =
  "remove EDGE from .dev.vars if it is there: it simulates faults. Else see the terminal of npx vitrine dev: the log names the reason, and its section of docs/errors.md";
export const LET_PASS =
  "make sure that no rule, snippet or other Worker is in front of this Worker";

/** What a status means that a visitor gets, if nothing more is known. */
export function diagnoseStatus(status: number, url: string, local: boolean): Result {
  const seen = `${url} answers ${status}`;
  const image = (impact: string, remedy: string, more: Partial<Problem> = {}) =>
    fail("image", { seen, impact, remedy, ...more });
  const log = (remedy: string) => (local ? LOCAL_LOG : remedy);
  switch (status) {
    case 403: {
      const impact =
        "something in front of the Worker denies it: a rule of the zone, or a firewall";
      return image(impact, "look for this request in Cloudflare's dashboard, Security → Events");
    }
    case 404: {
      const remedy = `npx vitrine deploy if wrangler.toml has changed. Else npx vitrine explain ${shellQuote(url)}, or ${READ_LOG}`;
      const impact = "the deployed Worker has no such route, preset or object";
      return image(impact, log(remedy), CONSEQUENCE);
    }
    case 410: {
      const impact = "the signed URL has expired, although it was just signed";
      return image(impact, `if this machine's clock is off, ${SET_CLOCK}. Else ${LET_PASS}`);
    }
    case 415: {
      const remedy = `${NAME_ANOTHER}. Or replace that object by an image, and purge it: npx vitrine purge`;
      return image(UNREADABLE, remedy);
    }
    case 429:
      return image(
        "the rate limit counts this machine, too",
        "wait a minute, and try again",
        PASSING,
      );
    case 500:
      return fail("configuration", {
        seen,
        impact: "the deployed configuration has a mistake, so nothing is served",
        remedy: log(
          "npx wrangler tail shows each mistake. Correct it in wrangler.toml (npx vitrine check checks that), then npx vitrine deploy. A secret: npx wrangler secret put, or npx wrangler secret delete",
        ),
      });
    case 503:
      return quotaSpent(seen, local);
    case 504:
      return image("it takes longer than timeout", log(LONGER_TIMEOUT), SETTING);
    case 508:
      return image("the edge itself asks: a loop", log(BREAK_LOOP), SETTING);
  }
  if (status < 500)
    return image("visitors see no image, and the Worker gives no such answer", LET_PASS);
  const remedy = `${READ_LOG}. With HEALTH_TOKEN and a canary (docs/doctor.md, “Health”) the doctor finds it itself`;
  return image("S3, the keys or the edge failed", log(remedy), CONSEQUENCE);
}
