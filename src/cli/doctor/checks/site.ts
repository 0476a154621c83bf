// Checks of what is deployed at a URL: Vitrine, its health, an image. `{seen}` is a URL with its status.

import { BREAK_LOOP, type CheckEntry, LONGER_TIMEOUT, NAME_ANOTHER, UNREADABLE } from "./entry.ts";

const HEALTH_UNKNOWN = "the doctor cannot see which slot works, and what the edge says";
const READ_LOG = "run npx wrangler tail, then ask again: the log names the reason";
const LOCAL_LOG =
  "remove EDGE from .dev.vars if it is there: it simulates faults. Else see the terminal of npm start: the log names the reason";

export const SITE_CHECKS = {
  configuration: {
    asks: "is the configuration free of mistakes?",
    what: "{seen}",
    why: "the deployed configuration has a mistake, so nothing is served",
    remedy: "npx wrangler tail shows each mistake. npm run check checks wrangler.toml",
    here: LOCAL_LOG,
  },
  deployed: {
    asks: "does Vitrine answer at that URL?",
    what: "there is no Vitrine at {url}: at /healthz, {reason}",
    why: "visitors see no image",
    remedy:
      'put that domain under routes in wrangler.toml, as { pattern = "images.example.com", custom_domain = true }, then npx wrangler deploy. Or a rule of the zone is in front of it',
    here: "start it: npm start. It prints its http:// URL: pass that, without a path",
    causes: {
      "health-elsewhere": {
        severity: "warning",
        what: "the images are there, but /healthz is not Vitrine's",
        why: `${HEALTH_UNKNOWN}. vitrine rotate cannot see it either`,
        remedy: "let /healthz of that host lead to the Worker, too: a route in wrangler.toml",
      },
    },
  },
  health: {
    asks: "do the deployed keys work?",
    severity: "warning",
    what: "/healthz does not report: {reason}",
    why: HEALTH_UNKNOWN,
    remedy: "npx wrangler deploy if Vitrine has changed. Or something else may answer at /healthz",
    causes: {
      "health-token-wrong": {
        remedy: "deploy the HEALTH_TOKEN of this machine: npx wrangler secret put HEALTH_TOKEN",
        here: "put the HEALTH_TOKEN of this machine into .dev.vars, then restart npm start",
      },
      "health-busy": { remedy: "try again in a minute" },
    },
  },
  image: {
    asks: "does a visitor get an image?",
    what: "{seen}",
    why: "visitors see no image",
    remedy: READ_LOG,
    causes: {
      "no-object-known": {
        severity: "warning",
        what: "no image was requested, because no object is known",
        why: "the doctor did not see what visitors get",
        remedy: "name an object that exists: npx vitrine doctor --url … --key photos/fig.jpg",
        follows: true,
      },
      "site-silent": {
        what: "no answer: {reason}",
        remedy: "check that the domain leads to Cloudflare, and that this machine is online",
      },
      "blocked-in-front": {
        why: "something in front of the Worker denies it: a rule of the zone, or a firewall",
        remedy: "look for this request in Cloudflare's dashboard, Security → Events",
      },
      "not-found": {
        why: "the deployed Worker has no such route, preset or object",
        remedy: `npx wrangler deploy if wrangler.toml has changed. Or ${READ_LOG}`,
        here: LOCAL_LOG,
        follows: true,
      },
      "url-expired": {
        why: "the signed URL has expired: this machine's clock is wrong",
        remedy: "set it: timedatectl set-ntp true",
      },
      "image-unreadable": { why: UNREADABLE, remedy: `check that object, ${NAME_ANOTHER}` },
      "rate-limited": {
        severity: "warning",
        why: "the rate limit counts this machine, too",
        remedy: "wait a minute, and try again",
      },
      "image-failed": {
        why: "S3, the keys or the edge failed",
        remedy: `${READ_LOG}. With HEALTH_TOKEN and a canary (docs/doctor.md, “Health”) the doctor finds it itself`,
        here: LOCAL_LOG,
        follows: true,
      },
      "image-late": {
        why: "S3 or the edge takes longer than timeout",
        remedy: LONGER_TIMEOUT,
        here: LOCAL_LOG,
        follows: true,
      },
      "image-loop": {
        why: "the request came from the image edge itself: a loop",
        remedy: BREAK_LOOP,
        here: LOCAL_LOG,
        follows: true,
      },
    },
  },
} as const satisfies Record<string, CheckEntry>;
