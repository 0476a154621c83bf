// Asks S3 with each key pair of a secrets file before anything is deployed. It refuses a key where the Worker
// would, by S3's own code, and one that may list the canary and not read it. What is not certain, it says, and
// the deploy goes on.

import type { Bucket } from "../../worker/config/bucket.ts";
import { keyEnd } from "../../worker/config/slot.ts";
import { originUrl } from "../../worker/origin/object-url.ts";
import { sign } from "../../worker/origin/sigv4.ts";
import { verdictOf } from "../../worker/origin/verdict.ts";
import type { World } from "../command.ts";
import type { KnownVars } from "../config/environment-config.ts";
import { wordsOf } from "../config/local-run.ts";
import { readDeployed } from "../config/project.ts";
import { askS3, PATIENCE_S, type S3Answer } from "../http/ask-s3.ts";
import { listPage } from "../objects/list-page.ts";
import type { Chosen } from "./choose-secrets.ts";

type SlotToDeploy = Chosen["slots"][number];

/** What S3 says of all keys that would be deployed. */
export type AskedKeys = {
  /** Of the keys that S3 refuses. */
  readonly refused: readonly string[];
  /** What S3's answers leave open, as whole lines. */
  readonly unknown: readonly string[];
};

/** Asks each bucket with each slot that opens it. An R2 binding and a role have no key to ask with. */
export async function askKeys(
  { now }: Pick<World, "now">,
  known: KnownVars,
  slots: readonly SlotToDeploy[],
): Promise<AskedKeys> {
  const config = readDeployed(known);
  if ("mistakes" in config) return { refused: [], unknown: [] };
  const words = wordsOf(known.deployed["BUCKETS"]);
  const asked = config.buckets.flatMap((bucket) =>
    slots
      .filter(({ word }) => word === words.get(bucket.name))
      .map(async (slot) => {
        const answer = await askBucket(bucket, slot, now());
        const canary = answer.code === "AccessDenied" ? bucket.canary : undefined;
        const isListed = canary !== undefined && (await lists(bucket, canary, slot, now()));
        return isListed ? unreadable(bucket, canary, slot) : judge(bucket, slot, answer);
      }),
  );
  const judged = await Promise.all(asked);
  return {
    refused: judged.flatMap(({ refused = [] }) => refused),
    unknown: judged.flatMap(({ unknown = [] }) => unknown),
  };
}

/** Asks for the first byte of the canary, or of an object that does not exist. */
async function askBucket(bucket: Bucket, { credentials }: SlotToDeploy, now: number) {
  const { base, prefix, region, canary } = bucket;
  const url = originUrl(base, canary ?? `${prefix}vitrine-deploy-${crypto.randomUUID()}`);
  const headers = new Headers(await sign(url, region, credentials, now));
  headers.set("range", "bytes=0-0");
  return askS3(url, { headers }, now, PATIENCE_S);
}

/** Returns whether S3 lists this object to the key. Then it exists, and the key may not read it. */
async function lists(bucket: Bucket, object: string, { credentials }: SlotToDeploy, now: number) {
  const page = await listPage(bucket, credentials, { prefix: object, most: 1 }, now);
  return "objects" in page && page.objects.some(({ key }) => key === object);
}

function unreadable(bucket: Bucket, canary: string, slot: SlotToDeploy): Partial<AskedKeys> {
  const what = `S3 lists the canary ${canary} of ${bucket.bucket} to ${keyText(slot)}, and does not give it: AccessDenied`;
  const remedy = "Allow it s3:GetObject, or use another key: docs/deploy.md, step 4";
  return { refused: [`${what}. ${remedy}`] };
}

function keyText(slot: SlotToDeploy): string {
  return `the key ${keyEnd(slot)} (${slot.word}, slot ${slot.name})`;
}

function judge(bucket: Bucket, slot: SlotToDeploy, answer: S3Answer): Partial<AskedKeys> {
  const { status, code, failure } = answer;
  const { name, bucket: at, region, canary } = bucket;
  const key = keyText(slot);
  const { fault } = verdictOf(answer, region);
  if (fault === "none") return {};
  // Without a code it may be a proxy's answer.
  if (fault === "slot" && code) {
    const hint = code === "SignatureDoesNotMatch" ? ": the secret does not belong to this id" : "";
    return { refused: [`S3 refuses ${key} for ${at}: ${code}${hint}`] };
  }
  if (fault !== "object" || !code) {
    const said = status === undefined ? `does not answer: ${failure}` : `answers ${code ?? status}`;
    return {
      unknown: [`Warning: whether S3 accepts ${key} for ${at} is not known. It ${said}`],
    };
  }
  // Only to a key that may list this bucket S3 says that an object is missing.
  if (status === 404) return {};
  if (canary === undefined) {
    const remedy = `Set BUCKETS.${name}.canary, and a deploy asks for that object`;
    return { unknown: [`S3 knows ${key}. Whether it may read ${at} is not known. ${remedy}`] };
  }
  const reasons = "its policy does not allow it, it is of another bucket, or no such object exists";
  const what = `S3 denies ${key} the canary ${canary} of ${at} (${code}): ${reasons}`;
  return { unknown: [`Warning: ${what}`] };
}
