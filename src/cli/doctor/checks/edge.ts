// Checks of Cloudflare's image edge, by what /healthz reports. `{seen}` is what the edge said.

import {
  BREAK_LOOP,
  type CheckEntry,
  DASHBOARD,
  LEAVE_PARAMETER_OUT,
  LONGER_TIMEOUT,
  REACH_S3,
  SEE_PROVIDER,
  UNREADABLE,
} from "./entry.ts";

const ENABLE = `${DASHBOARD}: select the domain, then Enable. It must be this Worker's domain, with no other Worker in front`;
const ADD_SOURCE = `${DASHBOARD} → the domain → Sources: add the origin`;
const SPEND_LESS = `use a paid plan (${DASHBOARD}), or fewer presets and descriptors: npx vitrine check counts them`;
const SIMULATED = "remove EDGE from .dev.vars: it simulates this. Deployed:";

export const EDGE_CHECKS = {
  transformations: {
    asks: "does the edge transform images?",
    what: "the edge transforms nothing: its answers have no cf-resized header",
    why: "the edge returns originals, which the Worker refuses: visitors get 502",
    remedy: ENABLE,
    here: `${SIMULATED} ${ENABLE}`,
  },
  // E5
  sources: {
    asks: "may the edge fetch from the bucket?",
    what: "{seen}: the bucket is not among the zone's Sources",
    // E11
    remedy: `${ADD_SOURCE} {entry} (domain, then path), exactly as it is spelt here. If it is listed: after the paid plan was bought, this was seen for three days`,
    here: `${SIMULATED} ${ADD_SOURCE} that npx vitrine check lists`,
  },
  // L2
  quota: {
    asks: "are there unique transformations left this month?",
    what: "{seen}: the limit of unique transformations is reached",
    why: "new variants get 503 until next month",
    remedy: SPEND_LESS,
    here: `${SIMULATED} ${SPEND_LESS}`,
  },
  edge: {
    asks: "does the edge turn the canary into an image?",
    what: "{seen}: it refuses the request{reason}",
    remedy: "look the code up: https://developers.cloudflare.com/images/reference/troubleshooting/",
    causes: {
      "canary-missing": {
        what: "{seen}: the object was not found",
        why: "the deployed Worker finds no canary in the bucket",
        remedy: "upload it, or correct canary, prefix or bucket in wrangler.toml",
        deploys: true,
      },
      "canary-unreadable": {
        what: "{seen}: the canary is not an image that the edge can read",
        why: UNREADABLE,
        remedy: "repair it, or set another canary in wrangler.toml, a JPEG",
        deploys: true,
      },
      // E1, E5, A15, O12
      "edge-contradicts": {
        what: "{seen}: S3 denies the object to the edge, or the edge has another one than S3",
        remedy: `make sure that Sources of the zone has {entry}, that no bucket policy limits addresses, that the host of each overlay with a url allows it, and that the zone's caching level does not ignore query strings. If S3 refuses x-vitrine: in BUCKETS.* of wrangler.toml, set ${LEAVE_PARAMETER_OUT}. Else the edge does not pass the signature on, although Vitrine asks for origin-auth: report it`,
        deploys: true,
        follows: true, // a dead key, for example
      },
      // A5, A15, E7
      "edge-elsewhere": {
        what: "{seen}: the origin denies the object: most often the region is wrong",
        remedy: `correct region and endpoint in wrangler.toml: npx vitrine doctor asks S3 for the region. If they are right, S3 may refuse x-vitrine: in BUCKETS.* of wrangler.toml, set ${LEAVE_PARAMETER_OUT}`,
        deploys: true,
        follows: true,
      },
      "origin-busy": {
        severity: "warning",
        what: "{seen}: S3 is busy, or has an error",
        remedy: `try again in a minute, then ${SEE_PROVIDER}`,
        passing: true,
      },
      "origin-failed": { what: "{seen}: the origin failed{reason}", remedy: REACH_S3 },
      "origin-unknown": {
        what: "{seen}: the origin's host has no address",
        remedy: "correct BUCKETS.*.endpoint or addressing in wrangler.toml",
        deploys: true,
      },
      "options-refused": {
        what: "{seen}: an option of the preset is not accepted",
        remedy: "compare the preset with docs/configuration.md, and correct it in wrangler.toml",
        deploys: true,
      },
      // E8
      "edge-loop": {
        what: "{seen}: a loop: the edge would read its own image",
        remedy: BREAK_LOOP,
        deploys: true,
      },
      // E6
      "url-refused": {
        what: "{seen}: the origin's URL is not accepted",
        remedy: "BUCKETS.*.endpoint in wrangler.toml must be an https:// URL of usual characters",
        deploys: true,
      },
      "edge-failed": {
        severity: "warning",
        what: "{seen}: Cloudflare is busy, or has an error",
        remedy: "try again in a minute, then see https://www.cloudflarestatus.com",
        passing: true,
      },
      "edge-slow": {
        what: "{seen}: the origin or the edge took too long",
        why: "visitors get 504",
        remedy: LONGER_TIMEOUT,
        deploys: true,
      },
    },
  },
} as const satisfies Record<string, CheckEntry>;
