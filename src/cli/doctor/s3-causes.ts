// What is wrong where S3 does not give what it should, and what mends it.

import type { SlotName } from "../../worker/base/slot-name.ts";
import { secretNames } from "../../worker/config/secret-names.ts";
import { verdictOf } from "../../worker/s3/verdict.ts";
import type { S3Answer } from "../net/ask-s3.ts";
import type { Cause } from "./finding.ts";

/** What was asked, and with what. */
export type Asked = {
  readonly host: string;
  /** The bucket's name in wrangler.toml, and at the provider. */
  readonly name: string;
  readonly bucket: string;
  readonly region: string;
  /** What the names of its secrets begin with. */
  readonly word: string;
  readonly slot: SlotName;
  /** Where a secret of that slot comes from, as `.dev.vars`; undefined: from the deployed Worker. */
  readonly from: string | undefined;
};

const ALL = "no image of this bucket is shown: visitors get 502";
const TLS =
  /^(?:CERT_|ERR_TLS_|ERR_SSL_|SELF_SIGNED|DEPTH_ZERO|UNABLE_TO_|EPROTO$|HOSTNAME_MISMATCH)/;

/** Why no answer came at all. */
export function failureCause({ failure = "unknown" }: S3Answer, asked: Asked): Cause {
  const { host, name, bucket } = asked;
  const own = host.startsWith(`${bucket}.`) ? ", or bucket, which stands in that host" : "";
  const at = `BUCKETS.${name}.endpoint${own}`;
  if (failure === "ENOTFOUND" || failure === "EAI_AGAIN") {
    return {
      check: "endpoint",
      what: `${host} has no address (${failure})`,
      why: ALL,
      remedy: `mend ${at}, in wrangler.toml: docs/configuration.md has a table of providers. If other hosts are not found either, this machine has no network`,
    };
  }
  if (TLS.test(failure)) {
    return {
      check: "tls",
      what: `${host} does not prove by TLS that it is that host (${failure})`,
      why: `${ALL}, since the edge asks over https alone`,
      remedy: `a certificate for ${host}; or addressing = "path" in BUCKETS.${name}, if the host has the bucket's name in front`,
    };
  }
  if (failure === "ECONNREFUSED") {
    return {
      check: "endpoint",
      what: `nothing listens at ${host}`,
      why: ALL,
      remedy: `mend ${at}, with its port; on your own machine, start that S3 (npm start)`,
    };
  }
  const late = failure === "timeout";
  return {
    check: "reachable",
    what: late
      ? `${host} does not answer in time`
      : `${host} breaks the connection off (${failure})`,
    why: ALL,
    remedy: `look at the provider's status page, and at what stands between: a firewall, a proxy. If it is fine, mend ${at}`,
  };
}

/**
 * What S3's words mean for a slot, where it was asked for an object that is not there.
 * @returns undefined where it knows the slot
 */
export function slotCause(said: S3Answer, asked: Asked): Cause | undefined {
  const { name, bucket, region, host } = asked;
  const { status, code, ahead } = said;
  if (status === undefined) return failureCause(said, asked);
  const verdict = verdictOf(said, region);
  if (code === "RequestTimeTooSkewed") {
    const apart = ahead === undefined ? "more than 15 minutes apart" : `${Math.abs(ahead)} s apart`;
    return {
      check: "clock",
      what: `the clock here and S3's are ${apart}`,
      why: "S3 takes no signature that is 15 minutes off. The deployed Worker has Cloudflare's clock, which is right",
      remedy: "set this machine's clock: timedatectl set-ntp true",
    };
  }
  if (code === "NoSuchBucket") {
    return {
      check: "bucket",
      what: `S3 has no bucket "${bucket}" at ${host}`,
      why: "every object is missing: visitors get 404",
      remedy: `mend BUCKETS.${name}.bucket in wrangler.toml, or its endpoint`,
    };
  }
  if (said.region !== undefined && said.region !== region) return regionCause(asked, said.region);
  if (verdict.fault === "setup") {
    return {
      check: "endpoint",
      what: `S3 redirects (${status}${code ? `, ${code}` : ""})`,
      why: `${ALL}, since a signature holds for one host`,
      remedy: `mend BUCKETS.${name}.endpoint and region in wrangler.toml`,
    };
  }
  if (verdict.fault === "slot") return refusedCause(verdict.origin, asked);
  if (verdict.fault === "object") return undefined;
  if (status === 429 || status >= 500) return busyCause(said);
  return {
    check: "endpoint",
    what:
      verdict.fault === "none"
        ? `${host} gives an object that cannot be there`
        : `S3 answers ${status} ${code ?? ""}`,
    why: ALL,
    remedy: `see that BUCKETS.${name}.endpoint in wrangler.toml is that of an S3, without the bucket`,
  };
}

/** The bucket is elsewhere (A5). */
export function regionCause({ name, region }: Asked, right: string): Cause {
  return {
    check: "region",
    what: `the bucket is in ${right}, and not in ${region}`,
    why: ALL,
    remedy: `set region = "${right}" in BUCKETS.${name} of wrangler.toml, and ${right} in its endpoint if that names ${region}; then npx wrangler deploy`,
  };
}

function busyCause({ status, code }: S3Answer): Cause {
  return {
    check: "busy",
    severity: "warning",
    what: `S3 answers ${status}${code ? ` ${code}` : ""}: it is busy, or has an error`,
    why: "visitors get 502 for what the edge has not kept",
    remedy: "try again in a minute; then the provider's status page",
  };
}

/** S3 refuses the slot (A7). */
function refusedCause(code: string, asked: Asked): Cause {
  const { word, slot, from } = asked;
  const { accessKeyId, secretAccessKey } = secretNames(word, slot);
  const put = (name: string) => {
    const there = `npx wrangler secret put ${name}`;
    return from === undefined ? there : `mend ${name} in ${from}. Deployed: ${there}`;
  };
  const why = `${ALL}, unless the other slot serves`;
  if (code === "SignatureDoesNotMatch") {
    return {
      check: "secret",
      what: `S3 knows the key id, and the secret is not its own (${code})`,
      why,
      remedy: put(secretAccessKey),
    };
  }
  if (code === "AuthorizationHeaderMalformed") {
    return {
      check: "region",
      what: `S3 finds the region ${asked.region}, or the access key id, impossible (${code})`,
      why,
      remedy: `mend BUCKETS.${asked.name}.region in wrangler.toml: docs/configuration.md has a table of providers; or ${put(accessKeyId)}`,
    };
  }
  if (/Token|Security/.test(code)) return sessionCause(accessKeyId, code);
  return {
    check: "key-id",
    what: `S3 does not know the access key id (${code}): it is revoked, or misspelt`,
    why,
    remedy: `${put(accessKeyId)}, and its secret. To see which there are: aws iam list-access-keys`,
  };
}

/** Temporary credentials (A11). */
export function sessionCause(accessKeyId: string, what: string): Cause {
  return {
    check: "session",
    what: `${accessKeyId} is a session's key: ${what}`,
    why: "such keys need a header that Cloudflare's image edge does not pass on, and end within hours",
    remedy: "make a key of an IAM user: aws iam create-access-key --user-name vitrine",
  };
}
