// Asks S3 with each key of a secrets file before anything is deployed. It refuses a key where the Worker would, by
// S3's own code, and one that may list the canary and not read it. What is not certain it says, and the deploy goes on.

import type { Bucket } from "../../worker/config/bucket.ts";
import { originUrl } from "../../worker/origin/object-url.ts";
import { sign } from "../../worker/origin/sigv4.ts";
import { verdictOf } from "../../worker/origin/verdict.ts";
import type { Fault } from "../command.ts";
import { secretPrefixesOf } from "../config/buckets.ts";
import type { EnvironmentConfig } from "../config/environment-config.ts";
import { readDeployed } from "../config/project.ts";
import { askS3 } from "../http/ask-s3.ts";
import { listPage } from "../objects/list-page.ts";
import { keyText, type SecretsToDeploy, type SlotToDeploy } from "./secrets-to-deploy.ts";

/**
 * Asks each bucket with each slot that opens it. An R2 binding and a role have no key to ask with.
 * @returns what S3's answers leave open, as whole lines, or a fault if it refuses a key
 */
export async function probeKeys(
  known: EnvironmentConfig,
  { slots, file }: SecretsToDeploy,
  now: () => number,
): Promise<readonly string[] | Fault> {
  const config = readDeployed(known);
  const prefixes = secretPrefixesOf(known.deployed["BUCKETS"]);
  const buckets = "mistakes" in config ? [] : config.buckets;
  const probes = await Promise.all(
    buckets.flatMap((bucket) =>
      slots
        .filter(({ secretPrefix }) => secretPrefix === prefixes.get(bucket.name))
        .map((slot) => probeKey(bucket, slot, now)),
    ),
  );
  const refused = probes.flatMap((probe) => probe.refused ?? []);
  if (refused.length === 0) return probes.flatMap((probe) => probe.unknown ?? []);
  const remedy =
    "write the id and the secret of an active key of this environment there. S3 may know a new key only after a minute";
  const head = `${file} has a key that S3 refuses. Nothing is deployed:`;
  return { fault: [head, ...refused, remedy].join("\n  ") };
}

/** Asks for the first byte of the canary, or of an object that does not exist. */
async function probeKey(
  bucket: Bucket,
  slot: SlotToDeploy,
  now: () => number,
): Promise<{ readonly refused?: string; readonly unknown?: string }> {
  const { base, prefix, region, canary, bucket: name } = bucket;
  const url = originUrl(base, canary ?? `${prefix}vitrine-deploy-${crypto.randomUUID()}`);
  const headers = new Headers(await sign(url, region, slot.credentials, now()));
  headers.set("range", "bytes=0-0");
  const answer = await askS3(url, { headers }, now());
  const { status, code } = answer;
  const { fault } = verdictOf(answer, region);
  const key = keyText(slot);
  if (fault === "none") return {};
  // Without a code it may be a proxy's answer.
  if (fault === "slot" && code) {
    const hint = code === "SignatureDoesNotMatch" ? ": the secret does not belong to this id" : "";
    return { refused: `S3 refuses ${key} for ${name}: ${code}${hint}` };
  }
  if (fault !== "object" || !code) {
    const reason =
      status === undefined ? `does not answer: ${answer.failure}` : `answers ${code ?? status}`;
    return { unknown: `Warning: whether S3 accepts ${key} for ${name} is not known. It ${reason}` };
  }
  // Only to a key that may list this bucket S3 says that an object is missing.
  if (status === 404) return {};
  if (canary === undefined) {
    const remedy = `Set BUCKETS.${bucket.name}.canary, and a deploy asks for that object`;
    return { unknown: `S3 knows ${key}. Whether it may read ${name} is not known. ${remedy}` };
  }
  const page = await listPage(bucket, slot.credentials, { prefix: canary, most: 1 }, now());
  if ("objects" in page && page.objects.some((one) => one.key === canary)) {
    const remedy = "Allow it s3:GetObject, or use another key: docs/deploy.md, step 4";
    return {
      refused: `S3 lists the canary ${canary} of ${name} to ${key}, and does not give it: ${code}. ${remedy}`,
    };
  }
  const reasons = "its policy does not allow it, it is of another bucket, or no such object exists";
  return {
    unknown: `Warning: S3 denies ${key} the canary ${canary} of ${name} (${code}): ${reasons}`,
  };
}
