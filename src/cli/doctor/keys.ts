// Checks S3 from this machine: whether it answers as the S3 of this bucket, and each key at hand. The keys of this machine
// are not the Worker's. What is wrong with them is a warning about them alone, unless they are in the file that
// `--secrets-file` names, which is to be deployed, or in the local run, which uses them.

import type { Bucket } from "../../worker/config/bucket.ts";
import { maskKeyId } from "../../worker/config/slot.ts";
import { secretNamesOf } from "../config/buckets.ts";
import { type Project, sourceOfVariable } from "../config/project.ts";
import type { S3RequestResult } from "../http/ask-s3.ts";
import { error, type Finding, note, ok, type Problem, type Subject, warning } from "./finding.ts";
import { describeListNeed, needsList } from "./list-right.ts";
import { type Observations, reportOf, visitorsOf } from "./observations.ts";
import { type BucketSeen, type KeySeen, subjectOf } from "./observe-bucket.ts";
import { type BucketFault, explainReply, offsetText } from "./s3-reply.ts";

/** How far two clocks may differ before S3 refuses: s. */
const MAX_SKEW_S = 900;

/** What S3 says of the whole bucket, whatever key asks; or that it answers. */
export function checkBucketReply(seen: Observations, bucketSeen: BucketSeen): Finding[] {
  const { bucket, keys, keyless } = bucketSeen;
  const subject = subjectOf(bucket);
  const replies = keys.map(({ absent }) => absent);
  if (keyless !== undefined) replies.push(keyless);
  if (replies.length === 0) return [];

  const fault = findBucketFault(seen.project, bucket, replies);
  if (fault === undefined) return [ok("reachable", subject, "S3 answers")];

  const visitors = visitorsOf(seen, bucket.name);
  const ownClock = fault.check === "clock" ? findOwnSkew(seen, replies) : undefined;
  if (ownClock !== undefined) return [ownClockWarning(subject, ownClock)];

  const { check, remedy, needsDeploy } = fault;
  const problem: Problem = { seen: fault.seen, remedy, needsDeploy };
  // S3 has just given the Worker a picture, with the same settings: what fails is between S3 and this machine, or passes.
  const worker = reportOf(seen.site)?.buckets.find((health) => health.bucket === bucket.name);
  const hasWorkingSlot = worker?.slots.some(({ state }) => state === "ok") ?? false;
  const isOfMachine = hasWorkingSlot || (visitors.kind === "shown" && visitors.isNew);
  const hasThisConfiguration = seen.site?.hasThisConfiguration ?? false;
  if (isOfMachine && hasThisConfiguration) return [warning(check, subject, problem)];

  // S3 may be well again in a minute.
  if (check === "busy" && visitors.kind !== "failing") return [warning(check, subject, problem)];
  return [error(check, subject, problem)];
}

function findBucketFault(
  project: Project,
  bucket: Bucket,
  replies: readonly S3RequestResult[],
): BucketFault | undefined {
  const file = sourceOfVariable(project, "BUCKETS");
  for (const reply of replies) {
    const meaning = explainReply(reply, bucket, file);
    if (meaning.kind === "bucket-fault") return meaning;
  }
  return undefined;
}

/** How far this machine's clock is ahead of the others, if S3 and the site agree against it: s. */
function findOwnSkew({ site }: Observations, replies: readonly S3RequestResult[]) {
  const siteAhead = site?.pictures.find(({ clockAhead }) => clockAhead !== undefined)?.clockAhead;
  const s3Ahead = replies.find(({ ahead }) => ahead !== undefined)?.ahead;
  if (siteAhead === undefined || Math.abs(siteAhead) <= MAX_SKEW_S) return undefined;

  const isAgreed = s3Ahead === undefined || Math.abs(s3Ahead + siteAhead) <= MAX_SKEW_S;
  return isAgreed ? siteAhead : undefined;
}

function ownClockWarning(subject: Subject, ahead: number): Finding {
  return warning("clock", subject, {
    seen: `this machine's clock is ${offsetText(ahead)}: S3 and the site agree with each other`,
    remedy:
      "set this machine's clock: timedatectl set-ntp true. Until then S3 refuses every key here, and nothing is known of them",
  });
}

/** Secrets of slots that cannot be used, or none at hand. */
export function checkSecretsAtHand(seen: Observations, bucketSeen: BucketSeen): Finding[] {
  const { project, site } = seen;
  const { bucket, keys, unusable } = bucketSeen;
  const subject = { about: `bucket ${bucket.name}: its keys`, bucket: bucket.name };
  const isAsked = keys.length > 0 || bucketSeen.keyless !== undefined;
  if (!isAsked) return [];

  const findings: Finding[] = [];
  for (const { slot, mistakes } of unusable) {
    const names = Object.values(secretNamesOf(bucket, slot));
    const sources = names.map((name) => project.secrets.get(name)?.source);
    const source = sources.find((name) => name !== undefined) ?? "this machine";
    for (const { path, message } of mistakes) {
      const state = project.secrets.has(path) ? message : "is missing";
      const problem = {
        seen: `${path} in ${source} ${state}`,
        ...impactOfMachine(project, source),
        remedy: `correct ${path} in ${source}, or remove all secrets of slot ${slot} there: the doctor does not ask with them`,
      };
      findings.push(ofMachine(seen, source, keys.length > 0)("keys", subject, problem));
    }
  }
  if (keys.length > 0 || findings.length > 0) return findings;

  const { accessKeyId, secretAccessKey } = secretNamesOf(bucket);
  const shell = "the environment, or use --secrets-file secrets.env";
  const file = project.isLocalRun ? project.envConfig.devVars : shell;
  const missing = "there are no keys at hand, so the doctor asks S3 without a key";
  // A role has no keys, and /healthz knows those of the Worker.
  if (bucket.role !== undefined || site !== undefined) return [note("keys", subject, missing)];
  return [
    warning("keys", subject, {
      seen: missing,
      impact: "the doctor cannot read the deployed secrets back, so it cannot check them",
      remedy: `put ${accessKeyId} and ${secretAccessKey} into ${file}`,
    }),
  ];
}

/** Whether S3 accepts each key at hand. */
export function checkKeysAtHand(seen: Observations, bucketSeen: BucketSeen): Finding[] {
  const { project } = seen;
  const { bucket, keys } = bucketSeen;
  const file = sourceOfVariable(project, "BUCKETS");
  const hasOther = keys.some(({ absent }) => isAccepted(absent, bucket));

  return keys.flatMap((key) => {
    const { slot, source, absent } = key;
    const subject = subjectOfKey(bucket, key);
    const meaning = explainReply(absent, bucket, file);
    switch (meaning.kind) {
      case "bucket-fault":
        return [];
      case "accepted":
        return [
          ok("key-id", subject, `S3 knows it (from ${source})`),
          ok("secret", subject, "it belongs to that id"),
        ];
      case "key-refused": {
        // What /healthz says of this very key is about visitors, too.
        if (isKeyOfWorker(seen, bucket, key)) return [];

        const { accessKeyId, secretAccessKey } = secretNamesOf(bucket, slot.name);
        const { check, seen: text } = describeKeyRefusal(meaning.code);
        const problem = {
          seen: text,
          ...impactOfKey(seen, bucket, key),
          remedy: `correct ${accessKeyId} and ${secretAccessKey} in ${source}, or take both out there`,
        };
        return [ofMachine(seen, source, hasOther)(check, subject, problem)];
      }
      default:
        return meaning satisfies never;
    }
  });
}

/** Returns whether /healthz reports a key of the same slot, with the same end of its id, that does not work. */
function isKeyOfWorker({ site }: Observations, { name }: Bucket, { slot }: KeySeen): boolean {
  const health = reportOf(site)?.buckets.find(({ bucket }) => bucket === name);
  const worker = health?.slots.find((candidate) => candidate.slot === slot.name);
  return worker?.access_key === maskKeyId(slot) && worker.state !== "ok";
}

/** What S3 says of a key that it refuses (A7, A11). */
export function describeKeyRefusal(code: string): Pick<Finding, "check" | "seen"> {
  if (code === "SignatureDoesNotMatch") {
    const seen = `S3 finds the signature wrong (${code}): the secret does not belong to the access key id, or this S3 does not know that id`;
    return { check: "secret", seen };
  }
  const seen = `S3 does not accept this access key id (${code}): it is deactivated, deleted, expired or misspelt`;
  return { check: "key-id", seen };
}

/** Whether each key at hand may list, where the Worker needs that (A6). */
export function checkListRight(seen: Observations, bucketSeen: BucketSeen): Finding[] {
  const { project } = seen;
  const { bucket, keys, samples } = bucketSeen;
  const need = needsList(project, bucket);
  if (need === "none") return [];

  // A key that may not read either may be the wrong one: it must not get a right.
  const isUnread = samples.some(({ reply }) => reply?.code === "AccessDenied");
  if (isUnread) return [];

  return keys.flatMap((key) => {
    const isDenied = isAccepted(key.absent, bucket) && key.absent.code !== "NoSuchKey";
    if (!isDenied || seen.keyOwners.has(key.slot.credentials.accessKeyId)) return [];

    const owner = `the user of the key ${maskKeyId(key.slot)} in ${key.source}`;
    const problem = describeListNeed(bucket, need, owner);
    const subject = subjectOfKey(bucket, key);
    const isOfFollower = need === "follower" && isDeployed(project, key.source);
    return [(isOfFollower ? error : warning)("list", subject, problem)];
  });
}

function isAccepted(reply: S3RequestResult, bucket: Bucket): boolean {
  return explainReply(reply, bucket).kind === "accepted";
}

function subjectOfKey(bucket: Bucket, { slot }: Pick<KeySeen, "slot">): Subject {
  const about = `bucket ${bucket.name}, slot ${slot.name}: the key ${maskKeyId(slot)}`;
  return { about, bucket: bucket.name };
}

/** Returns whether the secrets of a source are, or will be, those of the Worker. */
function isDeployed({ isLocalRun, secretsFile }: Project, source: string): boolean {
  return isLocalRun || source === secretsFile;
}

/** What is wrong with a key is an error only if the Worker has that key, or gets it, and no other one works. */
export function ofMachine({ project }: Observations, source: string, hasOther: boolean) {
  return isDeployed(project, source) && !hasOther ? error : warning;
}

/** What a fault of a key means, where only this machine is known to have that key. */
export function impactOfKey(
  { project, site }: Observations,
  { name }: Pick<Bucket, "name">,
  { slot, source }: Pick<KeySeen, "slot" | "source">,
): Pick<Problem, "impact" | "isOfMachine"> {
  if (project.isLocalRun) return {};

  const health = reportOf(site)?.buckets.find(({ bucket }) => bucket === name);
  const worker = health?.slots.find((candidate) => candidate.slot === slot.name);
  if (worker === undefined) {
    const impact = `this is about ${source} alone: whether the Worker has this key is not known`;
    return { impact, isOfMachine: true };
  }
  if (worker.access_key === maskKeyId(slot)) return {};

  const impact = `this is about ${source} alone: the Worker has another key (${worker.access_key})`;
  return { impact, isOfMachine: true };
}

/** The same for secrets of a slot that cannot be used. */
function impactOfMachine(
  { isLocalRun }: Project,
  source: string,
): Pick<Problem, "impact" | "isOfMachine"> {
  if (isLocalRun) return {};
  return { impact: `this is about ${source} alone`, isOfMachine: true };
}
