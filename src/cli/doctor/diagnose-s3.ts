// Chooses the cause from what S3 said, or from why it said nothing. Pure.

import type { SlotName } from "../../worker/base/refusal.ts";
import { secretNames } from "../../worker/config/read-secrets.ts";
import { verdictOf } from "../../worker/origin/verdict.ts";
import type { S3Answer } from "../http/ask-s3.ts";
import { apartness, type Diagnosis, diagnose } from "./finding.ts";

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
  /** Whether the local run simulates the bucket, or the key is of this machine and not to be deployed. */
  readonly scope?: "local" | "at-hand" | undefined;
};

/** What S3's answer about an absent object means; undefined: it accepts the credentials. */
export function diagnoseS3(said: S3Answer, asked: Asked): Diagnosis | undefined {
  const { region, scope = "deployed" } = asked;
  const found = s3Cause(said, region);
  const cause = found && (SCOPED.get(`${found}/${scope}`) ?? found);
  return cause && diagnose(cause, factsOf(said, asked), scope === "local");
}

/** What has another remedy in a scope. */
const SCOPED = new Map<string, "bucket-elsewhere" | "key-id-at-hand">([
  ["bucket/local", "bucket-elsewhere"],
  ["key-id/at-hand", "key-id-at-hand"],
]);

function s3Cause(said: S3Answer, region: string) {
  const { code } = said;
  if (said.status === undefined && code === undefined) return silenceCause(said.failure ?? "");
  if (code === "Unauthorized") return "key-id"; // A7
  if (code === "RequestTimeTooSkewed") return "clock";
  if (code === "NoSuchBucket") return "bucket";
  if (said.region !== undefined && said.region !== region) return "region";
  const status = said.status ?? UNSEEN;
  const verdict = verdictOf({ ...said, status }, region);
  if (verdict.fault === "setup") return "s3-redirects";
  if (verdict.fault === "slot") return SLOT_CAUSES.get(verdict.origin) ?? "key-id";
  if (verdict.fault === "object") return undefined;
  return status === UNSEEN || status === 429 || status >= 500 ? "busy" : "endpoint";
}

/** Stands for a status that an older Worker did not report. Only the code counts then. */
const UNSEEN = 0;

/** By S3's code (A7, A11); any other refusal concerns the access key id. */
const SLOT_CAUSES = new Map<string, "secret" | "region-malformed" | "session">([
  ["SignatureDoesNotMatch", "secret"],
  ["AuthorizationHeaderMalformed", "region-malformed"],
  ["ExpiredToken", "session"],
  ["InvalidToken", "session"],
  ["InvalidSecurity", "session"],
]);

const TLS =
  /^(?:CERT_|ERR_TLS_|ERR_SSL_|SELF_SIGNED|DEPTH_ZERO|UNABLE_TO_|EPROTO$|HOSTNAME_MISMATCH)/;

/** @param failure the code that Node.js has for it */
function silenceCause(failure: string) {
  if (failure === "ENOTFOUND" || failure === "EAI_AGAIN") return "host-unknown";
  if (TLS.test(failure)) return "tls";
  return failure === "ECONNREFUSED" ? "nothing-listens" : "reachable";
}

function factsOf(said: S3Answer, asked: Asked) {
  const { status, code = "", failure = "unknown", region = "" } = said;
  const impossible = verdictOf(said, asked.region).fault === "none";
  const { host, name, bucket, word, slot, from } = asked;
  const { accessKeyId, secretAccessKey } = secretNames(word, slot);
  const put = (secret: string) =>
    from === undefined ? `npx wrangler secret put ${secret}` : `correct ${secret} in ${from}`;
  const part = host.startsWith(`${bucket}.`) ? ", or bucket, which is part of that host" : "";
  const late = failure === "timeout";
  return {
    ...asked,
    failure,
    silence: late ? "does not answer in time" : `closes the connection (${failure})`,
    setting: `BUCKETS.${name}.endpoint${part}, in wrangler.toml`,
    right: region,
    apart: apartness(said.ahead),
    said: impossible
      ? `${status} for an object that cannot exist`
      : `${status ?? ""} ${code}`.trim(),
    code: code || `${status}`,
    sign: `S3 answers ${code}`,
    id: accessKeyId,
    secret: secretAccessKey,
    putId: put(accessKeyId),
    putSecret: put(secretAccessKey),
    place: from ?? "the Worker",
  };
}

/** What S3 answered, as a clause. */
export function answerText({ status, code = "", failure }: S3Answer): string {
  if (status === undefined) return `S3 does not answer: ${failure}`;
  return `S3 answers ${status}${failure === undefined ? ` ${code}`.trimEnd() : `: ${failure}`}`;
}
