// Checks of a bucket: whether S3 answers there, and whether anyone gets in without a key.

import { ALL_MISSING, type CheckEntry, REACH_S3, SEE_PROVIDER, SET_CLOCK } from "./entry.ts";

const PROVIDERS = "docs/configuration.md lists providers";
const SKEWED = "S3 refuses signatures that are over 900 s off";
const SET_S3_CLOCK = "set the clock of {host}, or tell whoever runs it";
const CLOSE_BUCKET =
  "aws s3api put-public-access-block --bucket {bucket} --public-access-block-configuration BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true";

export const BUCKET_CHECKS = {
  reachable: {
    asks: "does S3 answer?",
    what: "{host} {silence}",
    remedy: `${SEE_PROVIDER}, and check firewalls and proxies. Else correct {setting}`,
    deploys: true,
    causes: {
      "s3-unreachable": { what: "S3 does not answer the deployed Worker", remedy: REACH_S3 },
    },
  },
  tls: {
    asks: "does the host have a valid TLS certificate?",
    what: "{host} has no valid TLS certificate ({failure}), which the edge needs",
    remedy: 'get a certificate, or set addressing = "path" if {host} begins with {bucket}',
    deploys: true,
  },
  endpoint: {
    asks: "is endpoint the address of an S3?",
    what: "{host} does not answer as an S3 does: {said}",
    remedy: "set BUCKETS.{name}.endpoint in wrangler.toml to an S3, without the bucket",
    deploys: true,
    causes: {
      "host-unknown": {
        what: "{host} has no address ({failure})",
        remedy: `if this machine is online, correct {setting}: ${PROVIDERS}`,
        deploys: true,
      },
      "nothing-listens": {
        what: "nothing listens at {host}",
        remedy: "start it, or correct {setting}, with its port",
        deploys: true,
      },
      "s3-redirects": {
        what: "S3 redirects to another host ({said}), where the signature is not valid",
        remedy: "correct BUCKETS.{name}.endpoint and region in wrangler.toml",
        deploys: true,
      },
    },
  },
  clock: {
    asks: "do the clocks of S3, the site and this machine agree?",
    what: "S3's clock is {apart} this machine's",
    why: SKEWED,
    remedy: `which of the two is off is not certain: compare this machine's with https://time.is. If it is off, ${SET_CLOCK}. Else ${SET_S3_CLOCK}`,
    causes: {
      "clock-here": {
        severity: "warning",
        what: "this machine's clock is off: S3's is {apart} it, and the site agrees with S3",
        why: `the doctor's own requests may fail: ${SKEWED}`,
        remedy: SET_CLOCK,
        harmless: true,
      },
      "clock-s3": {
        what: "S3's clock is {apart} this machine's, and the site agrees with this machine",
        remedy: SET_S3_CLOCK,
      },
      "clock-site": {
        severity: "warning",
        what: "the site's clock is {apart} this machine's, and S3 agrees with this machine",
        remedy:
          "make sure that nothing in front of the Worker sets the date header. Else tell Cloudflare",
        harmless: true,
      },
    },
  },
  // A5
  region: {
    asks: "is the bucket in that region?",
    what: "the bucket is in {right}, not in {region}",
    remedy: `set region = "{right}" in BUCKETS.{name} of wrangler.toml, and in its endpoint if that has {region}`,
    deploys: true,
    causes: {
      "region-malformed": {
        what: "S3 finds the region {region}, or the access key id, malformed ({code})",
        remedy: `if the key id is misspelt, {putId}. Else correct BUCKETS.{name}.region in wrangler.toml: ${PROVIDERS}`,
        deploys: true,
      },
    },
  },
  bucket: {
    asks: "does the bucket exist?",
    what: 'S3 has no bucket "{bucket}" at {host}',
    why: ALL_MISSING,
    remedy: "correct BUCKETS.{name}.bucket in wrangler.toml, or its endpoint",
    deploys: true,
    causes: {
      "bucket-elsewhere": {
        what: "this local run is of another folder: its S3 has no buckets of this one",
        why: "each folder has local buckets of its own, so the doctor cannot look at those of that run",
        remedy: "run the doctor in the folder where npx vitrine dev was started",
      },
    },
  },
  busy: {
    asks: "does S3 answer without an error of its own?",
    severity: "warning",
    what: "S3 answers {said}: it is busy, or has an error",
    why: "visitors get 502 for images that the edge has not cached",
    remedy: `try again in a minute, then ${SEE_PROVIDER}`,
    passing: true,
  },
  public: {
    asks: "is the bucket closed to requests without a key?",
    what: "the bucket is public: anyone can {can} without a key",
    why: "who finds the bucket's name gets past Vitrine, which then protects nothing",
    remedy: CLOSE_BUCKET,
    harmless: true,
    causes: {
      "public-write": {
        what: "anyone can {can} without a key: this test left an empty object to remove, {absent}",
      },
      "public-write-perhaps": {
        severity: "warning",
        what: "perhaps anyone can write to it: without a key, {said}",
        remedy: `${CLOSE_BUCKET}. If that is done already, this S3 gives everyone that answer`,
      },
    },
  },
} as const satisfies Record<string, CheckEntry>;
