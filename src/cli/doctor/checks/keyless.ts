// Checks of the Images binding, of R2 buckets, and of a role of AWS: each link between the Worker and S3.

import { type CheckEntry, NO_IMAGE } from "./entry.ts";

const PROVIDER =
  "compare the provider in IAM with {issuer} and {audience}: aws iam get-open-id-connect-provider, docs/keyless.md";

export const KEYLESS_CHECKS = {
  r2: {
    asks: "does the Worker reach the R2 bucket?",
    what: "R2 does not answer the Worker",
    remedy: "try again in a minute, then see https://www.cloudflarestatus.com",
  },
  binding: {
    asks: "does the Images binding turn the canary into an image?",
    what: "the Images binding answers {code}",
    remedy:
      "look the code up: https://developers.cloudflare.com/images/reference/troubleshooting/, or the word: docs/errors.md",
    causes: {
      "binding-denied": {
        what: "the Images binding refuses this account ({code})",
        remedy: "switch Images on in Cloudflare's dashboard, and check that the plan has it",
      },
      // L2
      "binding-quota": {
        what: "the limit of unique transformations is reached ({code})",
        why: "new variants get 503 until next month",
        remedy: "use a paid plan, or fewer presets and descriptors: npx vitrine check counts them",
      },
      "binding-unreadable": {
        what: "the Images binding cannot read the canary ({code})",
        why: "it reads no SVG, and nothing over 20 MB or 100 megapixels",
        remedy: "set another canary in wrangler.toml, a JPEG",
        deploys: true,
      },
      "binding-missing": {
        what: "the canary is not there, or may not be read ({code})",
        remedy: "upload it, or correct canary, prefix or bucket in wrangler.toml",
        deploys: true,
      },
      "binding-late": {
        severity: "warning",
        what: "the Images binding or the bucket is slow or busy ({code})",
        remedy: "try again in a minute, then see https://www.cloudflarestatus.com",
      },
    },
  },
  issuer: {
    asks: "does AWS find the Worker's public keys?",
    what: "{url} answers {seen}",
    why: "AWS reads it before it trusts the Worker: without it, the role cannot be taken",
    remedy:
      "OIDC.issuer in wrangler.toml must be the address of this Worker, without a firewall in front",
    deploys: true,
    causes: {
      "issuer-unreachable": { what: "{url} cannot be reached: {seen}" },
      "issuer-other": {
        what: "{url} says that the issuer is {seen}, not {issuer}",
        remedy: "deploy this configuration: npx vitrine deploy. Or correct OIDC.issuer",
      },
      "issuer-without-keys": {
        what: "{url} shows no public key",
        remedy:
          "put OIDC_SIGNING_KEY again, with all its lines (docs/keyless.md): npx wrangler secret put OIDC_SIGNING_KEY",
      },
      "issuer-key-other": {
        severity: "warning",
        what: "the key {secret} at hand ({kid}) is not among the public keys of the Worker",
        why: "the Worker has another key, or none under that name",
        remedy:
          "take it out of {place}. If it is the Worker's new key, docs/keyless.md says how to change keys",
      },
    },
  },
  role: {
    asks: "does STS give the Worker credentials of the role?",
    what: "STS answers {code}: {reason}",
    remedy: "see docs/keyless.md for each answer of STS",
    causes: {
      "role-denied": {
        what: "STS does not let the Worker take the role (AccessDenied)",
        remedy:
          "compare the role's trust policy (aws iam get-role), character by character, and create the provider if it is missing: {trust}",
      },
      "role-token": {
        what: "STS does not accept the Worker's token ({code})",
        remedy: PROVIDER,
      },
      "role-issuer": {
        what: "STS cannot reach the issuer (IDPCommunicationError)",
        remedy: "let AWS read {issuer}/.well-known/ without a challenge of a firewall",
      },
      "role-unknown": {
        what: "for STS, this is not the ARN of a role ({code})",
        remedy: "correct BUCKETS.{name}.role in wrangler.toml: {role}",
        deploys: true,
      },
      "role-key": {
        what: "the Worker has no key that can sign: {reason}",
        remedy:
          "put OIDC_SIGNING_KEY again, with all its lines (docs/keyless.md): npx wrangler secret put OIDC_SIGNING_KEY",
      },
      "role-unreachable": {
        what: "STS cannot be reached from the Worker: {reason}",
        remedy: "wait: see AWS's status page. Else correct BUCKETS.{name}.sts in wrangler.toml",
        deploys: true,
      },
      "role-renewal": {
        severity: "warning",
        what: "STS gives no new credentials ({code}). The old ones are good until {expires}",
        why: "after that, visitors get 502",
        remedy: "fix it before then: docs/keyless.md has each answer of STS",
      },
      "role-next-key": {
        severity: "warning",
        what: "a key of the issuer cannot be used: {reason}",
        why: "the other key still signs",
        remedy: "put it again, with all its lines: docs/keyless.md",
      },
    },
  },
  "role-rights": {
    asks: "may the role read the bucket?",
    what: "S3 answers {code} to credentials of the role",
    why: NO_IMAGE,
    remedy: "give the role this policy: {policy}. Check the bucket's policy and its KMS key, too",
  },
} as const satisfies Record<string, CheckEntry>;
