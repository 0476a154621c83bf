// Checks of an image as visitors get it: its format, its headers, and that it is not the original.

import type { CheckEntry } from "./entry.ts";

const FIND_WORKER = "find out which Worker answers at that URL: npx wrangler deployments list";
const LET_PASS = "make sure that no rule, snippet or other Worker is in front of this Worker";

export const VISITOR_CHECKS = {
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
          "npx wrangler deploy if max_age has changed. Or set the zone's Browser Cache TTL to Respect Existing Headers",
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
        remedy: `${FIND_WORKER}. Vitrine itself passes on no header of S3`,
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
      "tricks-work": {
        what: "an image that no preset allows comes out by {tricks}",
        remedy: `${FIND_WORKER}. Find out what else answers on that domain, too`,
      },
    },
  },
} as const satisfies Record<string, CheckEntry>;
