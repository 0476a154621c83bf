// Checks of the objects in a bucket: whether the key may read them, below the prefix.

import {
  ALL_MISSING,
  type CheckEntry,
  LEAVE_PARAMETER_OUT,
  NAME_ANOTHER,
  SEE_PROVIDER,
} from "./entry.ts";

const KNOWN_IS_NOT_ALLOWED = "S3 may know a key and still allow it nothing";
const NAME_AN_IMAGE =
  "name an image, --key photos/fig.jpg, or set canary in BUCKETS.{name} of wrangler.toml";
const ALLOW =
  "the key's policy must allow s3:GetObject on arn:aws:s3:::{bucket}/{prefix}*, and no bucket policy may deny it";

export const OBJECT_CHECKS = {
  prefix: {
    asks: "are there objects below the prefix?",
    what: 'there is no object below the prefix "{prefix}"',
    why: ALL_MISSING,
    remedy: "correct BUCKETS.{name}.prefix in wrangler.toml{others}",
    deploys: true,
    causes: {
      "prefix-wrong": {
        what: '{key} is missing, but {bare} exists: the prefix "{prefix}" is wrong',
        remedy: "remove prefix from BUCKETS.{name} in wrangler.toml, or correct it",
        deploys: true,
      },
    },
  },
  // A6
  sample: {
    asks: "may the key read an object, and is that an image?",
    what: "the key may not read {key}, or it does not exist ({said})",
    why: "visitors get 404 for it, or for every object",
    remedy: `if it exists, ${ALLOW}. If not, ${NAME_ANOTHER}, or correct prefix or canary in BUCKETS.{name} of wrangler.toml`,
    deploys: true,
    causes: {
      "object-denied": {
        what: "the key may not read {key}, which is in the bucket ({said})",
        remedy: ALLOW,
      },
      "no-sample": {
        severity: "warning",
        what: "no image of this bucket is known ({reason}), so nobody checked whether the key may read",
        why: KNOWN_IS_NOT_ALLOWED,
        remedy: NAME_AN_IMAGE,
        deploys: true,
      },
      "not-listed": {
        severity: "warning",
        what: "the bucket could not be listed ({said}), so nobody checked whether the key may read",
        why: KNOWN_IS_NOT_ALLOWED,
        remedy: `try again. Or ${NAME_AN_IMAGE}`,
      },
      // A9
      "object-archived": {
        what: "{key} is in an archive ({said})",
        why: "visitors get 404 for it",
        remedy: "aws s3api restore-object --bucket {bucket} {named} --restore-request Days=7",
      },
      "object-absent": {
        what: "{key} is not in the bucket ({said})",
        remedy: `upload it, ${NAME_ANOTHER}, or correct canary or prefix in BUCKETS.{name} of wrangler.toml`,
        deploys: true,
      },
      "not-an-image": {
        severity: "warning",
        what: "S3 returns {key}: {size} bytes, no image",
        why: "visitors get 415 for it",
        remedy: `replace that object by an image, or ${NAME_ANOTHER}`,
      },
      // L1
      "object-too-large": {
        severity: "warning",
        what: "S3 returns {key}, which is over 100 MB",
        why: "the edge reads no object of that size: visitors get 415",
        remedy: `use a smaller original, or ${NAME_ANOTHER}`,
      },
      "object-cut-short": {
        what: "S3 begins to send {key}, then {ends}",
        why: "the edge gets no complete image: visitors get 502 or 504",
        remedy: `try again, with --timeout 60 if the object is large. Then ${SEE_PROVIDER}`,
      },
      "canary-denied": {
        what: "S3 denies the canary ({said}): the key may not read it, or it does not exist",
        remedy:
          "make sure that the key may read it, or correct canary or prefix in BUCKETS.{name} of wrangler.toml",
        deploys: true,
      },
    },
  },
  // A15
  parameter: {
    asks: "does S3 ignore the parameter x-vitrine of the URL that the edge fetches?",
    what: "S3 does not give {key} by a URL with x-vitrine ({said}), and gives it without",
    remedy: `in BUCKETS.{name} of wrangler.toml, set ${LEAVE_PARAMETER_OUT}`,
    deploys: true,
  },
} as const satisfies Record<string, CheckEntry>;
