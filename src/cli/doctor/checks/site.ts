// Checks of what is deployed at a URL: Vitrine, its health, and an image as visitors get it. `{seen}` is a
// URL with its status.

import {
  BREAK_LOOP,
  type CheckEntry,
  LOCAL_LOG,
  LONGER_TIMEOUT,
  NAME_ANOTHER,
  READ_LOG,
  SET_CLOCK,
  UNREADABLE,
} from "./entry.ts";

const HEALTH_UNKNOWN = "the doctor cannot see which slot works, and what the edge says";
/** Only a consequence if something else is wrong; the reason is in a log. */
const IN_LOG = { here: LOCAL_LOG, follows: true } as const;
const FIND_WORKER = "find out which Workers answer on that domain: npx wrangler deployments list";
const LET_PASS = "make sure that no rule, snippet or other Worker is in front of this Worker";

export const SITE_CHECKS = {
  configuration: {
    asks: "is the configuration free of mistakes?",
    what: "{seen}",
    why: "the deployed configuration has a mistake, so nothing is served",
    remedy:
      "npx wrangler tail shows each mistake. Correct it in wrangler.toml (npx vitrine check checks that), then npx vitrine deploy. A secret: npx wrangler secret put, or npx wrangler secret delete",
    here: LOCAL_LOG,
  },
  deployed: {
    asks: "does Vitrine answer at that URL?",
    what: "there is no Vitrine at {url}: at /healthz, {reason}",
    why: "visitors see no image",
    remedy:
      'make sure that no rule of the zone is in front of it, and put that domain under routes in wrangler.toml, as { pattern = "images.example.com", custom_domain = true }',
    deploys: true,
    here: "start it: npx vitrine dev. It prints its http:// URL: pass that, without a path",
    causes: {
      "deployed-differs": {
        severity: "warning",
        what: "the deployed configuration is not that of wrangler.toml",
        why: "what is changed in wrangler.toml counts only after a deploy",
        remedy:
          "correct what is said above of wrangler.toml, if anything is, then deploy it: npx vitrine deploy",
      },
      "health-elsewhere": {
        severity: "warning",
        what: "the images are there, but /healthz is not Vitrine's",
        why: `${HEALTH_UNKNOWN}. vitrine rotate cannot see it either`,
        remedy: "let /healthz of that host lead to the Worker, too: a route in wrangler.toml",
        deploys: true,
      },
    },
  },
  health: {
    asks: "do the deployed keys work?",
    severity: "warning",
    what: "/healthz does not report: {reason}",
    why: HEALTH_UNKNOWN,
    remedy: "npx vitrine deploy if Vitrine has changed. Or something else may answer at /healthz",
    causes: {
      "health-token-wrong": {
        // That of the Worker may be used by monitoring.
        remedy:
          "correct HEALTH_TOKEN on this machine: it must be the Worker's. If nobody has that one, set a new one, and tell your monitoring: npx wrangler secret put HEALTH_TOKEN",
        here: "put the HEALTH_TOKEN of this machine into .dev.vars, then restart npx vitrine dev",
      },
      "health-busy": { remedy: "try again in a minute", passing: true },
    },
  },
  image: {
    asks: "does a visitor get an image?",
    what: "{seen}",
    why: "visitors see no image, and the Worker gives no such answer",
    remedy: LET_PASS,
    causes: {
      "no-object-known": {
        severity: "warning",
        what: "no image was requested, because no object is known",
        why: "the doctor did not see what visitors get",
        remedy: "name an object that exists, such as --key photos/fig.jpg",
        follows: true,
      },
      "site-silent": {
        what: "no answer: {reason}",
        why: "whether visitors get an answer is not known",
        remedy: "check that the domain leads to Cloudflare, and that this machine is online",
      },
      "blocked-in-front": {
        why: "something in front of the Worker denies it: a rule of the zone, or a firewall",
        remedy: "look for this request in Cloudflare's dashboard, Security → Events",
      },
      "not-found": {
        why: "the deployed Worker has no such route, preset or object",
        remedy: `npx vitrine deploy if wrangler.toml has changed. Else npx vitrine explain {quoted}, or ${READ_LOG}`,
        ...IN_LOG,
      },
      "url-expired": {
        why: "the signed URL has expired, although it was just signed",
        remedy: `if this machine's clock is off, ${SET_CLOCK}. Else ${LET_PASS}`,
      },
      "image-unreadable": {
        why: UNREADABLE,
        remedy: `${NAME_ANOTHER}. Or replace that object by an image, and purge it: npx vitrine purge`,
      },
      "rate-limited": {
        severity: "warning",
        why: "the rate limit counts this machine, too",
        remedy: "wait a minute, and try again",
        passing: true,
      },
      "image-failed": {
        why: "S3, the keys or the edge failed",
        remedy: `${READ_LOG}. With HEALTH_TOKEN and a canary (docs/doctor.md, “Health”) the doctor finds it itself`,
        ...IN_LOG,
      },
      "image-late": {
        ...IN_LOG,
        why: "it takes longer than timeout",
        remedy: LONGER_TIMEOUT,
        deploys: true,
      },
      "image-loop": {
        ...IN_LOG,
        why: "the edge itself asks: a loop",
        remedy: BREAK_LOOP,
        deploys: true,
      },
    },
  },
  formats: {
    asks: "does each browser get a format that it can read?",
    what: "a browser that reads {reads} gets {type}",
    why: "browsers show a broken image, or download more bytes than they need",
    remedy: "turn off what ignores the vary header: a cache rule of the zone, or cache.enabled",
    harmless: true,
  },
  cache: {
    asks: "do browsers keep the image as configured?",
    severity: "warning",
    what: "if-none-match with the image's etag gets {answer}, not 304",
    why: "browsers download again what they have, or keep what is old",
    remedy: LET_PASS,
    harmless: true,
    causes: {
      "cache-control-changed": {
        what: "cache-control is {control}, but wrangler.toml has max_age = {maxAge}",
        remedy:
          "npx vitrine deploy if max_age has changed. Or set the zone's Browser Cache TTL to Respect Existing Headers",
      },
    },
  },
  headers: {
    asks: "do the Worker's headers reach visitors?",
    severity: "warning",
    what: "{names}: not as the Worker sends it",
    why: "images are less protected from running as web pages",
    remedy: "a rule of the zone changes it (Rules → Transform Rules): remove that rule",
    harmless: true,
    causes: {
      "vary-missing": {
        severity: "error",
        what: "the format depends on the browser, but the vary header does not say so",
        why: "shared caches give one browser's format to all",
      },
      "s3-headers-shown": {
        severity: "error",
        what: "the answer has {names}",
        why: "visitors learn where the originals are",
        remedy: FIND_WORKER,
      },
      "head-refused": {
        what: "HEAD gets {answer}",
        why: "link checkers and monitors report the image as broken",
        remedy: LET_PASS,
      },
    },
  },
  originals: {
    asks: "do the originals stay in the bucket?",
    what: "the answer is the original, byte for byte",
    why: "originals must stay in the bucket, and every size costs money",
    remedy: FIND_WORKER,
    harmless: true,
    causes: {
      "tricks-work": { what: "an image that no preset allows comes out by {tricks}" },
    },
  },
} as const satisfies Record<string, CheckEntry>;
