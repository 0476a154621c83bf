// Asks S3 as the Worker and the edge do, and says what its answers mean. One request is a PUT: a part of an upload
// that does not exist, with a wrong digest. S3 refuses it; only a server that ignores both stores an empty object.

import type { SlotName } from "../../worker/base/refusal.ts";
import type { Bucket } from "../../worker/config/bucket.ts";
import { secretNames } from "../../worker/config/read-secrets.ts";
import type { Credentials } from "../../worker/config/slot.ts";
import { originUrl } from "../../worker/origin/object-url.ts";
import { sign } from "../../worker/origin/sigv4.ts";
import { verdictOf } from "../../worker/origin/verdict.ts";
import { askS3, type S3Answer } from "../http/ask-s3.ts";
import { type ListOptions, listPage } from "../objects/list-page.ts";
import { fail, NO_IMAGE, note, ok, type Result } from "./finding.ts";

/** Keys begin with the prefix of the bucket. */
export type S3Probe = ReturnType<typeof openProbe>;

/** Not the digest of an empty body. */
const WRONG_MD5 = Buffer.alloc(16).toString("base64");

/** @param now milliseconds since 1970 */
export function openProbe(bucket: Bucket, credentials: Credentials | undefined, now: () => number) {
  const prepare = async (key: string, query = "", method?: "PUT") => {
    const at = now();
    const url = originUrl(bucket.base, key) + query;
    const signed = credentials && (await sign(url, bucket.region, credentials, at, method));
    return { at, url, headers: new Headers(signed) };
  };
  return {
    ask: async (key: string, query = "") => {
      const { url, headers, at } = await prepare(key, query);
      headers.set("range", "bytes=0-0");
      return askS3(url, { headers }, at);
    },
    fetch: async (key: string, maxBytes?: number) => {
      const { url, headers, at } = await prepare(key);
      if (maxBytes !== undefined) headers.set("range", `bytes=0-${maxBytes - 1}`);
      return askS3(url, { headers, readsObject: true }, at);
    },
    list: (options: ListOptions) => listPage(bucket, credentials, options, now()),
    /** A key that may write learns that there is no such upload; any other one is denied. */
    tryWriting: async (key: string) => {
      const query = "?partNumber=1&uploadId=vitrine-doctor";
      const { url, headers, at } = await prepare(key, query, "PUT");
      headers.set("content-md5", WRONG_MD5);
      return askS3(url, { method: "PUT", headers }, at);
    },
  };
}

/**
 * Returns whether an object exists that S3 does not return; undefined: S3 does not tell a key that may not
 * list (A6).
 */
export async function isInBucket(
  probe: S3Probe,
  key: string,
  { status }: S3Answer,
): Promise<boolean | undefined> {
  if (status === 404) return false;
  const page = await probe.list({ prefix: key, most: 1 });
  return "objects" in page ? page.objects[0]?.key === key : undefined;
}

/** What was asked, and with what. */
export type S3Query = {
  readonly host: string;
  /** The bucket's name in wrangler.toml, and at the provider. */
  readonly name: string;
  readonly bucket: string;
  readonly region: string;
  readonly secretPrefix: string;
  readonly slot: SlotName;
  /** Where a secret of that slot comes from, as `.dev.vars`; undefined: from the deployed Worker. */
  readonly from: string | undefined;
  /** Whether the local run simulates the bucket, or the key is of this machine and not to be deployed. */
  readonly scope?: "local" | "at-hand" | undefined;
};

export const SEE_PROVIDER = "see the provider's status page";
const PROVIDERS = "docs/configuration.md lists providers";
const TLS =
  /^(?:CERT_|ERR_TLS_|ERR_SSL_|SELF_SIGNED|DEPTH_ZERO|UNABLE_TO_|EPROTO$|HOSTNAME_MISMATCH)/;

/** What S3's answer about an absent object means; undefined: it accepts the credentials. */
export function diagnoseS3(answer: S3Answer, query: S3Query): Result | undefined {
  const { status, code, failure = "", ahead } = answer;
  const { host, name, bucket, region, scope } = query;
  if (status === undefined && code === undefined) return diagnoseSilence(failure, query);
  if (code === "RequestTimeTooSkewed") return clockFault(`S3's clock is ${offset(ahead)}`, host);
  if (code === "NoSuchBucket" && scope === "local") {
    return fail("bucket", {
      seen: "this local run is of another folder: its S3 has no buckets of this one",
      impact: "each folder has local buckets of its own: the doctor cannot look at that run's",
      remedy: "run the doctor in the folder where npx vitrine dev was started",
    });
  }
  if (code === "NoSuchBucket") {
    return fail("bucket", {
      seen: `S3 has no bucket "${bucket}" at ${host}`,
      impact: "every object is missing: visitors get 404",
      remedy: `correct BUCKETS.${name}.bucket in wrangler.toml, or its endpoint`,
      deploys: true,
    });
  }
  const verdict = verdictOf(answer, region);
  if (code !== "Unauthorized" && answer.region !== undefined && answer.region !== region) {
    return fail("region", {
      seen: `the bucket is in ${answer.region}, not in ${region}`,
      remedy: `set region = "${answer.region}" in BUCKETS.${name} of wrangler.toml, and in its endpoint if that has ${region}`,
      deploys: true,
    });
  }
  if (verdict.fault === "slot") return diagnoseKey(verdict.origin, query);
  if (verdict.fault === "object") return undefined;
  const reply = `${status ?? ""} ${code ?? ""}`.trim();
  if (verdict.fault === "setup") {
    return fail("endpoint", {
      seen: `S3 redirects to another host (${reply}), where the signature is not valid`,
      remedy: `correct BUCKETS.${name}.endpoint and region in wrangler.toml`,
      deploys: true,
    });
  }
  if (status === 429 || (status ?? 0) >= 500) {
    return fail("busy", {
      severity: "warning",
      seen: `S3 answers ${reply}: it is busy, or has an error`,
      impact: "visitors get 502 for images that the edge has not cached",
      remedy: `try again in a minute, then ${SEE_PROVIDER}`,
      bearing: "passing",
    });
  }
  const impossible = verdict.fault === "none" ? `${status} for an object that cannot exist` : reply;
  return fail("endpoint", {
    seen: `${host} does not answer as an S3 does: ${impossible}`,
    remedy: `set BUCKETS.${name}.endpoint in wrangler.toml to an S3, without the bucket`,
    deploys: true,
  });
}

/** @param failure the code that Node.js has for it */
function diagnoseSilence(failure: string, { host, name, bucket }: S3Query): Result {
  const part = host.startsWith(`${bucket}.`) ? ", or bucket, which is part of that host" : "";
  const setting = `BUCKETS.${name}.endpoint${part}, in wrangler.toml`;
  const deploys = true;
  if (failure === "ENOTFOUND" || failure === "EAI_AGAIN") {
    const remedy = `if this machine is online, correct ${setting}: ${PROVIDERS}`;
    return fail("endpoint", { seen: `${host} has no address (${failure})`, remedy, deploys });
  }
  if (failure === "ECONNREFUSED") {
    const remedy = `start it, or correct ${setting}, with its port`;
    return fail("endpoint", { seen: `nothing listens at ${host}`, remedy, deploys });
  }
  if (TLS.test(failure)) {
    const seen = `${host} has no valid TLS certificate (${failure}), which the edge needs`;
    const remedy = `get a certificate, or set addressing = "path" if ${host} begins with ${bucket}`;
    return fail("tls", { seen, remedy, deploys });
  }
  const silence =
    failure === "timeout" ? "does not answer in time" : `closes the connection (${failure})`;
  const remedy = `${SEE_PROVIDER}, and check firewalls and proxies. Else correct ${setting}`;
  return fail("reachable", { seen: `${host} ${silence}`, remedy, deploys });
}

/** What is wrong with the credentials, by S3's code (A7, A11). */
function diagnoseKey(code: string, query: S3Query): Result {
  const { name, region, secretPrefix, slot, from, scope } = query;
  const { accessKeyId: id, secretAccessKey: secret } = secretNames(secretPrefix, slot);
  const put = (one: string) =>
    from === undefined ? `npx wrangler secret put ${one}` : `correct ${one} in ${from}`;
  const impact = `${NO_IMAGE}, unless the other slot works`;
  const takeOut = `remove ${id} and ${secret} from ${from}: the local run has keys of its own. Or correct them`;
  switch (code) {
    case "SignatureDoesNotMatch":
      return fail("secret", {
        seen: `S3 finds the signature wrong (${code}): the secret does not belong to the access key id, or this S3 does not know that id`,
        impact,
        remedy:
          scope === "local" ? takeOut : `${put(secret)}. If that secret is right, correct ${id}`,
      });
    case "AuthorizationHeaderMalformed":
      return fail("region", {
        seen: `S3 finds the region ${region}, or the access key id, malformed (${code})`,
        remedy: `if the key id is misspelt, ${put(id)}. Else correct BUCKETS.${name}.region in wrangler.toml: ${PROVIDERS}`,
        deploys: true,
      });
  }
  const anotherKey = `take ${id} and ${secret} out of ${from}, or check the Worker's key with --secrets-file secrets.env`;
  const deployed = `${put(id)}, and its secret. To list the keys: aws iam list-access-keys`;
  return fail("key-id", {
    seen: `S3 does not accept this access key id (${code}): it is revoked, expired or misspelt`,
    impact,
    remedy: scope === "local" ? takeOut : scope === "at-hand" ? anotherKey : deployed,
  });
}

/** What S3 answered, as a clause. */
export function answerText({ status, code = "", failure }: S3Answer): string {
  if (status === undefined) return `S3 does not answer: ${failure}`;
  return `S3 answers ${status}${failure === undefined ? ` ${code}`.trimEnd() : `: ${failure}`}`;
}

const NEAR_S = 300;
/** S3 refuses signatures that are as far off (A7): s. */
const TOO_FAR_S = 900;
const SKEWED = `S3 refuses signatures that are over ${TOO_FAR_S} s off`;
export const SET_CLOCK = "set this machine's clock: timedatectl set-ntp true";

/** How many seconds a clock is ahead of this machine's; undefined: not known. */
export type Clocks = { readonly s3: number | undefined; readonly site: number | undefined };

/** Whose clock is off: S3's, the site's or this machine's. One is named only where the two others agree. */
export function compareClocks({ s3, site }: Clocks, host: string): Result {
  if (s3 === undefined) return note("clock", "S3 tells no time");
  const isNear = (seconds: number) => Math.abs(seconds) <= NEAR_S;
  const seen = `S3's clock is ${offset(s3)}`;
  if (isNear(s3) && (site === undefined || isNear(site))) return ok("clock", seen);
  if (site !== undefined && isNear(s3)) {
    return fail("clock", {
      severity: "warning",
      seen: `the site's clock is ${offset(site)}, and S3 agrees with this machine`,
      impact: SKEWED,
      remedy:
        "make sure that nothing in front of the Worker sets the date header. Else tell Cloudflare",
      bearing: "harmless",
    });
  }
  if (site !== undefined && isNear(site - s3) && !isNear(site)) {
    return fail("clock", {
      severity: "warning",
      seen: `this machine's clock is off: ${seen}, and the site agrees with S3`,
      impact: `the doctor's own requests may fail: ${SKEWED}`,
      remedy: SET_CLOCK,
      bearing: "harmless",
    });
  }
  const isS3 = site !== undefined && isNear(site) && !isNear(site - s3);
  const found = isS3
    ? clockFault(
        `${seen}, and the site agrees with this machine`,
        host,
        `set the clock of ${host}, or tell whoever runs it`,
      )
    : clockFault(seen, host);
  return Math.abs(s3) < TOO_FAR_S ? { ...found, severity: "warning" } : found;
}

function clockFault(seen: string, host: string, remedy?: string): Result {
  const unsure = `which of the two is off is not certain: compare this machine's with https://time.is. If it is off, ${SET_CLOCK}. Else set the clock of ${host}, or tell whoever runs it`;
  return fail("clock", { seen, impact: SKEWED, remedy: remedy ?? unsure });
}

/** @param ahead seconds; undefined: S3 says only that it is too far off */
function offset(ahead: number | undefined): string {
  if (ahead === undefined) return "more than 15 minutes off this machine's";
  return `${Math.abs(ahead)} s ${ahead < 0 ? "behind" : "ahead of"} this machine's`;
}

/** A store needs a key or a role that may list: else nobody can tell a deleted object from a denied one (A6). */
export function cannotList({ bucket }: Pick<Bucket, "bucket">): Result {
  return fail("list", {
    severity: "warning",
    seen: "the key may not list the bucket (s3:ListBucket), and there is a store",
    impact:
      "S3 does not say that an object is deleted: what is stored of it stays, and visitors may see it again while S3 is down",
    remedy: `if it is the Worker's key, add s3:ListBucket on arn:aws:s3:::${bucket} to its policy: docs/deploy.md, “A store”. Or have S3 send events: docs/purge-and-warm.md, “By event”`,
    bearing: "harmless",
  });
}
