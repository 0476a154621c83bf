// Checks S3 from this machine: whether it answers as the S3 of this bucket, and each key at hand. The keys of this machine
// are not the Worker's. What is wrong with them is a warning about them alone, unless they are in the file that
// `--secrets-file` names, which is to be deployed, or in the local run, which uses them.

import type { Bucket } from "../../worker/config/bucket.ts";
import type { UnusableSlot } from "../../worker/config/read-secrets.ts";
import { maskKeyId } from "../../worker/config/slot.ts";
import type { SlotHealth } from "../../worker/origin/health.ts";
import { secretNamesOf } from "../config/buckets.ts";
import type { Project } from "../config/project.ts";
import type { S3RequestResult } from "../http/ask-s3.ts";
import { workerText } from "../wrangler/settings.ts";
import { error, type Finding, note, ok, type Problem, type Subject, warning } from "./finding.ts";
import { describeListNeed, needsList } from "./list-right.ts";
import { healthOfBucket, type Observations, visitorsOf } from "./observations.ts";
import { type BucketSeen, type KeySeen, subjectOf } from "./observe-bucket.ts";
import {
  type BucketFault,
  explainBucketFault,
  isKeyAccepted,
  meaningOfReply,
  offsetText,
} from "./s3-reply.ts";

/** How far two clocks may differ before S3 refuses: s. */
const MAX_SKEW_S = 900;

/** What S3 says of the whole bucket, whatever key asks; or that it answers. */
export function checkBucketReply(observations: Observations, bucketSeen: BucketSeen): Finding[] {
  const { bucket, keys, keyless } = bucketSeen;
  const subject = subjectOf(bucket);
  const replies = keys.map(({ absentReply }) => absentReply);
  if (keyless !== undefined) replies.push(keyless);
  if (replies.length === 0) return [];

  const fault = findBucketFault(observations.project, bucket, replies);
  if (fault === undefined) return [ok("reachable", subject, "S3 answers")];

  if (fault.check === "clock") {
    const ahead = findOwnSkew(observations, replies);
    if (ahead !== undefined) return [explainOwnClock(subject, ahead)];
  }

  const { check, ...problem } = fault;
  if (isBetweenS3AndMachine(observations, bucket)) return [warning(check, subject, problem)];

  // S3 may be well again in a minute.
  const visitors = visitorsOf(observations, bucket.name);
  const mayPass = check === "busy" && visitors.kind !== "failing";
  const report = mayPass ? warning : error;
  return [report(check, subject, problem)];
}

function findBucketFault(
  project: Project,
  bucket: Bucket,
  replies: readonly S3RequestResult[],
): BucketFault | undefined {
  for (const reply of replies) {
    const meaning = meaningOfReply(reply, bucket);
    if (meaning.kind === "bucket-fault") {
      return explainBucketFault(meaning.check, reply, bucket, project);
    }
  }
  return undefined;
}

/**
 * Returns whether S3 has just given the Worker a picture, with the same settings: then what fails is between S3 and this
 * machine, or passes.
 */
function isBetweenS3AndMachine(observations: Observations, { name }: Bucket): boolean {
  const { site } = observations;
  if (site === undefined || !site.hasThisConfiguration) return false;

  const slots = healthOfBucket(site, name)?.slots ?? [];
  const hasWorkingSlot = slots.some(({ state }) => state === "ok");
  if (hasWorkingSlot) return true;

  const visitors = visitorsOf(observations, name);
  return visitors.kind === "shown" && visitors.isNew;
}

/** How far this machine's clock is ahead of the others, if S3 and the site agree against it: s. */
function findOwnSkew({ site }: Observations, replies: readonly S3RequestResult[]) {
  const siteClock = site?.pictures.find(({ clockAhead }) => clockAhead !== undefined);
  const aheadOfSite = siteClock?.clockAhead;
  if (aheadOfSite === undefined || Math.abs(aheadOfSite) <= MAX_SKEW_S) return undefined;

  // S3 does not always tell its time.
  const s3Clock = replies.find(({ ahead }) => ahead !== undefined);
  if (s3Clock?.ahead === undefined) return aheadOfSite;

  const s3AheadOfSite = s3Clock.ahead + aheadOfSite;
  return Math.abs(s3AheadOfSite) <= MAX_SKEW_S ? aheadOfSite : undefined;
}

function explainOwnClock(subject: Subject, ahead: number): Finding {
  return warning("clock", subject, {
    seen: `this machine's clock is ${offsetText(ahead)}: S3 and the site agree with each other`,
    remedy:
      "set this machine's clock: timedatectl set-ntp true. Until then S3 refuses every key here, and nothing is known of them",
  });
}

/** Secrets of slots that cannot be used, or none at hand. */
export function checkSecretsAtHand(observations: Observations, bucketSeen: BucketSeen): Finding[] {
  const { keys, unusable, keyless } = bucketSeen;
  const isAsked = keys.length > 0 || keyless !== undefined;
  if (!isAsked) return [];

  const findings = unusable.flatMap((slot) => explainUnusableSlot(observations, bucketSeen, slot));
  if (keys.length > 0 || findings.length > 0) return findings;

  return [explainNoKeys(observations, bucketSeen.bucket)];
}

/** Each mistake of a slot is a finding. */
function explainUnusableSlot(
  observations: Observations,
  { bucket, keys }: BucketSeen,
  { slot, mistakes }: UnusableSlot,
): Finding[] {
  const { project } = observations;
  const subject = subjectOfKeys(bucket);
  const names = Object.values(secretNamesOf(bucket, slot));
  const sources = names.map((name) => project.secrets.get(name)?.source);
  const source = sources.find((name) => name !== undefined) ?? "this machine";
  const report = reportForKey(observations, source, keys.length > 0);

  return mistakes.map(({ path, message }) => {
    const isAtHand = project.secrets.has(path);
    const state = isAtHand ? workerText(project.envConfig, message) : "is missing";
    return report("keys", subject, {
      seen: `${path} in ${source} ${state}`,
      ...impactOfSecrets(project, source),
      remedy: `correct ${path} in ${source}, or remove all secrets of slot ${slot} there: the doctor does not ask with them`,
    });
  });
}

function explainNoKeys({ project, site }: Observations, bucket: Bucket): Finding {
  const subject = subjectOfKeys(bucket);
  const seen = "there are no keys at hand, so the doctor asks S3 without a key";

  // A role has no keys, and /healthz knows those of the Worker.
  if (bucket.role !== undefined || site !== undefined) return note("keys", subject, seen);

  const { accessKeyId, secretAccessKey } = secretNamesOf(bucket);
  const { isLocalRun, envConfig } = project;
  const remedy = isLocalRun
    ? `put ${accessKeyId} and ${secretAccessKey} into ${envConfig.devVars}`
    : `put ${accessKeyId} and ${secretAccessKey} into the environment, or use --secrets-file secrets.env`;
  return warning("keys", subject, {
    seen,
    impact: "the doctor cannot read the deployed secrets back, so it cannot check them",
    remedy,
  });
}

function subjectOfKeys({ name }: Bucket): Subject {
  return { about: `bucket ${name}: its keys`, bucket: name };
}

/**
 * Checks whether S3 accepts each key at hand. What decides is S3's reply about an object that does not exist (`absentReply`): a key
 * that S3 accepts gets 404, or a denial of the object.
 */
export function checkKeysAtHand(observations: Observations, bucketSeen: BucketSeen): Finding[] {
  const { bucket, keys } = bucketSeen;
  const hasAccepted = keys.some(({ absentReply }) => isKeyAccepted(absentReply, bucket));
  return keys.flatMap((key) => checkKeyAtHand(observations, bucket, key, hasAccepted));
}

/** @param hasAccepted whether S3 accepts any key at hand */
function checkKeyAtHand(
  observations: Observations,
  bucket: Bucket,
  key: KeySeen,
  hasAccepted: boolean,
): Finding[] {
  const { slot, source, absentReply } = key;
  const subject = subjectOfKey(bucket, key);
  const meaning = meaningOfReply(absentReply, bucket);
  switch (meaning.kind) {
    case "bucket-fault":
      return [];

    case "accepted":
      return [
        ok("key-id", subject, `S3 knows it (from ${source})`),
        ok("secret", subject, "it belongs to that id"),
      ];

    case "key-refused": {
      // checkWorkerSlots reports this very key, by what /healthz says of it: that is about visitors, too.
      if (isDeadKeyOfWorker(observations, bucket, key)) return [];

      const { accessKeyId, secretAccessKey } = secretNamesOf(bucket, slot.name);
      const refusal = describeKeyRefusal(meaning.code);
      const report = reportForKey(observations, source, hasAccepted);
      const finding = report(refusal.check, subject, {
        seen: refusal.seen,
        ...impactOfKey(observations, bucket, key),
        remedy: `correct ${accessKeyId} and ${secretAccessKey} in ${source}, or take both out there`,
      });
      return [finding];
    }

    default:
      return meaning satisfies never;
  }
}

/** Returns whether /healthz reports a key of the same slot, with the same end of its id, that does not work. */
function isDeadKeyOfWorker({ site }: Observations, bucket: Bucket, key: KeySeen): boolean {
  const workerSlot = findWorkerSlot(site, bucket, key);
  return workerSlot?.access_key === maskKeyId(key.slot) && workerSlot.state !== "ok";
}

/** What /healthz says of the slot in which a key is here. */
function findWorkerSlot(
  site: Observations["site"],
  { name }: Pick<Bucket, "name">,
  { slot }: Pick<KeySeen, "slot">,
): SlotHealth | undefined {
  const health = healthOfBucket(site, name);
  return health?.slots.find((workerSlot) => workerSlot.slot === slot.name);
}

/** What S3 says of a key that it refuses (A7, A11). */
export function describeKeyRefusal(code: string): Pick<Finding, "check" | "seen"> {
  if (code === "SignatureDoesNotMatch") {
    return {
      check: "secret",
      seen: `S3 finds the signature wrong (${code}): the secret does not belong to the access key id, or this S3 does not know that id`,
    };
  }

  return {
    check: "key-id",
    seen: `S3 does not accept this access key id (${code}): it is deactivated, deleted, expired or misspelt`,
  };
}

/** Whether each key at hand may list, where the Worker needs that (A6). */
export function checkListRight(observations: Observations, bucketSeen: BucketSeen): Finding[] {
  const { project, keyOwners } = observations;
  const { bucket, keys, samples } = bucketSeen;
  const need = needsList(project, bucket);
  if (need === "none") return [];

  // A key that may not read either may be the wrong one: it must not get a right.
  const isUnread = samples.some(({ reply }) => reply?.code === "AccessDenied");
  if (isUnread) return [];

  const findings: Finding[] = [];
  for (const key of keys) {
    const { slot, source, absentReply } = key;
    const mayNotList = isKeyAccepted(absentReply, bucket) && absentReply.code !== "NoSuchKey";
    const isOfOtherBucket = keyOwners.has(slot.credentials.accessKeyId);
    if (!mayNotList || isOfOtherBucket) continue;

    const subject = subjectOfKey(bucket, key);
    const owner = `the user of the key ${maskKeyId(slot)} in ${source}`;
    const problem = describeListNeed(bucket, need, owner);
    const isWrong = need === "follower" && isDeployed(project, source);
    const report = isWrong ? error : warning;
    findings.push(report("list", subject, problem));
  }
  return findings;
}

function subjectOfKey(bucket: Bucket, { slot }: Pick<KeySeen, "slot">): Subject {
  const about = `bucket ${bucket.name}, slot ${slot.name}: the key ${maskKeyId(slot)}`;
  return { about, bucket: bucket.name };
}

/** Returns whether the secrets of a source are, or will be, those of the Worker. */
function isDeployed({ isLocalRun, secretsFile }: Project, source: string): boolean {
  return isLocalRun || source === secretsFile;
}

/**
 * Returns the function that reports a fault of a key: `error` only if the Worker has that key, or gets it, and no other
 * key works; else `warning`.
 * @param source of the key's secrets
 */
export function reportForKey(
  { project }: Observations,
  source: string,
  hasOther: boolean,
): typeof error {
  return isDeployed(project, source) && !hasOther ? error : warning;
}

type KeyImpact = Pick<Problem, "impact" | "isOfMachine">;

/** What a fault of a key means, where only this machine is known to have that key. */
export function impactOfKey(
  { project, site }: Observations,
  bucket: Pick<Bucket, "name">,
  key: Pick<KeySeen, "slot" | "source">,
): KeyImpact {
  const { slot, source } = key;
  if (project.isLocalRun) return {};

  const workerSlot = findWorkerSlot(site, bucket, key);
  if (workerSlot === undefined) {
    const impact = `this is about ${source} alone: whether the Worker has this key is not known`;
    return { impact, isOfMachine: true };
  }

  const { access_key: workerKey } = workerSlot;
  if (workerKey === maskKeyId(slot)) return {};

  const impact = `this is about ${source} alone: the Worker has another key (${workerKey})`;
  return { impact, isOfMachine: true };
}

/** The same for secrets of a slot that cannot be used. */
function impactOfSecrets({ isLocalRun }: Project, source: string): KeyImpact {
  if (isLocalRun) return {};

  return { impact: `this is about ${source} alone`, isOfMachine: true };
}
