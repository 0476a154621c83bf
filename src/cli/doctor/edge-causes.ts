// What is wrong where the image edge, or the deployed Worker, does not give what it should, and what
// mends it.

import type { UpstreamEvent } from "../../worker/base/refusal.ts";
import { refusalOf } from "../../worker/edge/codes.ts";
import type { Cause } from "./finding.ts";

const NOTHING = "no image is shown: visitors get 502";
export const DASHBOARD = "in Cloudflare's dashboard, Images → Transformations";
const STATUS_PAGE = "https://www.cloudflarestatus.com";

/** What the edge can say, and what it means of the object that was asked for. */
const CAUSES = {
  "object-missing": {
    means: "the object was not found",
    check: "edge",
    why: "the canary is not in the bucket, as the deployed Worker sees it",
    remedy:
      "upload it, or mend canary, prefix or bucket in wrangler.toml; then npx wrangler deploy",
  },
  "object-denied": {
    means: "the object was denied",
    check: "edge",
    why: "S3 denies the canary",
    remedy: "the key's policy needs s3:GetObject on it",
  },
  "source-unreadable": {
    means: "the source is no image that it reads",
    check: "edge",
    why: "the object is no image that the edge reads, or over 100 MB, 100 megapixels or 12,000 px a side",
    remedy: "another canary in wrangler.toml, a JPEG, and npx wrangler deploy; or mend that object",
  },
  "origin-denied": {
    means: "the origin denies the object",
    check: "edge",
    why: "S3 denies the edge what it gives to others: a policy that knows addresses, or a host that is not the bucket's own",
    remedy:
      "see that no bucket policy limits addresses (aws:SourceIp, a VPC): the edge has Cloudflare's; then endpoint and region in wrangler.toml",
  },
  "origin-failed": {
    means: "the origin failed",
    check: "edge",
    why: NOTHING,
    remedy:
      "see that BUCKETS.*.endpoint is reachable from the internet; then the provider's status page",
  },
  "quota-spent": {
    means: "the limit of unique transformations is reached",
    check: "quota",
    why: "the unique transformations of the month are used up: new variants are 503 until the next one",
    remedy: `a paid plan (${DASHBOARD}), or fewer presets and descriptors: npm run check counts them`,
  },
  "edge-refused": {
    means: "it refuses the request",
    check: "edge",
    why: NOTHING,
    remedy: "look the code up: https://developers.cloudflare.com/images/reference/troubleshooting/",
  },
  "edge-failed": {
    means: "it is busy, or has an error inside",
    check: "edge",
    severity: "warning",
    why: "the edge is busy, or has an error of its own",
    remedy: `try again in a minute; then ${STATUS_PAGE}`,
  },
  "timed-out": {
    means: "the origin, or the edge itself, took too long",
    check: "edge",
    why: "S3 or the edge takes too long: visitors get 504",
    remedy:
      "smaller originals, or a longer timeout in ANSWERS of wrangler.toml; then the provider's status page",
  },
  "not-transformed": {
    means: "nothing was transformed",
    check: "transformations",
    why: "the edge hands back originals, which the Worker refuses: visitors get 502",
    remedy: `${DASHBOARD}: select the domain, and Enable. It must be the domain that the Worker is on, and no other Worker in front`,
  },
  "too-large-for-avif": {
    means: "the image was too large for AVIF",
    check: "edge",
    why: NOTHING,
    remedy: "another canary",
  },
  "original-is-smaller": {
    means: "the original is smaller",
    check: "edge",
    why: NOTHING,
    remedy: "another canary",
  },
  "wrong-type": {
    means: "the type is another one",
    check: "edge",
    why: NOTHING,
    remedy: "another canary",
  },
} as const satisfies Record<UpstreamEvent, Omit<Cause, "what"> & { means: string }>;

// E7
const REDIRECTED = {
  check: "edge",
  why: "S3 redirects the edge: the bucket is in another region",
  remedy:
    "region and endpoint of the bucket in wrangler.toml; npx vitrine doctor asks S3 which it is",
} as const;

/** Codes that have a remedy of their own. */
const CODES: Readonly<Record<string, Omit<Cause, "what">>> = {
  // E5
  "9401/403": {
    check: "sources",
    why: NOTHING,
    remedy: `${DASHBOARD} → the domain → Sources: add the origin HOST, exactly as it is spelt here`,
  },
  "9401/400": {
    check: "edge",
    why: "the edge takes no such options",
    remedy: "see what the preset says against docs/configuration.md: npm run check",
  },
  "9403": {
    check: "edge",
    why: "the edge is asked for what it has resized itself: a loop",
    remedy: "BUCKETS.*.endpoint in wrangler.toml, or an overlay, is Vitrine itself: put S3's there",
  },
  "9407": {
    check: "edge",
    why: NOTHING,
    remedy: "the host has no address: mend BUCKETS.*.endpoint or addressing in wrangler.toml",
  },
  // E6
  "9406": {
    check: "edge",
    why: NOTHING,
    remedy: "BUCKETS.*.endpoint in wrangler.toml must be an https:// URL",
  },
  "9419": {
    check: "edge",
    why: NOTHING,
    remedy: "BUCKETS.*.endpoint in wrangler.toml must be an https:// URL without other characters",
  },
  // A5, A7
  "9519": {
    check: "edge",
    why: "S3 finds the request bad (400): the region, most often",
    remedy:
      "region and endpoint of the bucket in wrangler.toml; npx vitrine doctor asks S3 which it is",
  },
  "9420": REDIRECTED,
  "9421": REDIRECTED,
};

/**
 * What a code of the edge means.
 * @param code as `/healthz` tells it: `9401`, or `off`
 * @param status of the edge's answer; undefined: an older Worker did not say
 * @param host the origin's
 * @param local true of the local run, where the edge is played
 */
export function edgeCause(
  code: string,
  status: number | undefined,
  host: string,
  local: boolean,
): Cause {
  const cause = meaningOf(code, status, local ? "that npm run check lists" : host);
  if (!local || !PLAYED.includes(cause.check)) return cause;
  return {
    ...cause,
    remedy: `take EDGE out of .dev.vars, which plays that. Deployed: ${cause.remedy}`,
  };
}

/** What nothing but the line EDGE of .dev.vars makes the played edge do. */
const PLAYED: readonly Cause["check"][] = ["transformations", "sources", "quota"];

function meaningOf(code: string, status: number | undefined, host: string): Cause {
  if (code === "off") {
    const { means: _means, ...cause } = CAUSES["not-transformed"];
    return { ...cause, what: "the edge transforms nothing: its answers have no cf-resized" };
  }
  if (code === "unreachable") {
    const { means: _means, ...cause } = CAUSES["timed-out"];
    return { ...cause, what: "the edge did not answer the Worker in time" };
  }
  const { means, ...usual } = CAUSES[refusalOf(status ?? 403, code, "").event];
  const { remedy, ...cause } = CODES[`${code}/${status ?? 403}`] ?? CODES[code] ?? usual;
  const { reason = means } = refusalOf(status ?? 403, code, "");
  return {
    ...cause,
    what: `the edge answers ${code}: ${reason}`,
    remedy: remedy.replace("HOST", host),
  };
}
