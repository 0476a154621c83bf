// What S3 itself says, without the edge, about a bucket and each of its slots: whether it answers, whether it
// knows the key, and who may read, list and write. It tries to write by one PUT of `s3.ts`.

import { writePath } from "../../url/grammar.ts";
import type { Bucket } from "../../worker/config/bucket.ts";
import { maskKeyId } from "../../worker/config/slot.ts";
import { verdictOf } from "../../worker/origin/verdict.ts";
import { followedBuckets, secretNamesOf } from "../config/buckets.ts";
import { configuredBucket, type Project, slotsAtHand, usesLocalS3 } from "../config/project.ts";
import type { S3Answer } from "../http/ask-s3.ts";
import type { Page } from "../objects/list-page.ts";
import { type Check, type Finding, fail, lessen, note, ok, type Result } from "./finding.ts";
import { checkObjects, type Sample } from "./objects.ts";
import { answerText, cannotList, diagnoseS3, openProbe, type S3Probe } from "./s3.ts";

/** What concerns the whole bucket, whatever key asks. */
const SHARED: readonly Check[] = ["reachable", "clock", "region", "bucket", "endpoint", "busy"];

/**
 * Checks a bucket. Only the Worker can ask an R2 binding.
 * @param keys objects to look at, below the prefix. @param hasSite whether the site is looked at, too
 * @returns what is found, and an object that visitors may ask for
 */
export async function checkBucket(
  project: Project,
  given: Bucket,
  keys: readonly string[],
  hasSite: boolean,
  now: () => number,
): Promise<{ readonly findings: readonly Finding[]; readonly sample?: Sample | undefined }> {
  const { name, prefix, baseUrl } = given;
  const canary =
    given.canary ?? (usesLocalS3(project) ? `${prefix}photos/dandelion.jpg` : undefined);
  const key = keys[0] === undefined ? canary : prefix + keys[0];
  const named = key === undefined ? undefined : { key, bytes: undefined };
  const configured = configuredBucket(project, given);
  if (configured.r2 !== undefined) return { findings: [], sample: named };
  const findings: Finding[] = [];
  const report = (about: string, ...results: readonly Result[]) => {
    const on = { about: `bucket ${name}${about}`, bucket: name };
    findings.push(...results.map((one) => ({ ...on, ...one })));
  };
  const bucket = { ...given, canary, bucket: configured.bucket };
  report(": its keys", ...checkSecrets(project, given, hasSite));
  const stranger = openProbe({ bucket, slot: "current" }, undefined, now);
  const probes = slotsAtHand(project, given).usable.map(({ name: slot, credentials }) => {
    const source = project.secrets.get(secretNamesOf(bucket, slot).accessKeyId)?.source;
    return openProbe({ bucket, slot, source }, credentials, now);
  });
  const absent = `${prefix}vitrine-doctor-${crypto.randomUUID()}`;
  const asked = (probes.length > 0 ? probes : [stranger]).map(async (probe) => {
    const answer = await probe.ask(absent);
    return { probe, answer, fault: diagnoseS3(answer, probe.query) };
  });
  const tried = await Promise.all(asked);
  const about = `: ${bucket.bucket} at ${new URL(baseUrl).host}`;
  const broken = tried.find(({ fault }) => fault && SHARED.includes(fault.check))?.fault;
  report(about, broken ?? ok("reachable", "S3 answers"));
  if (broken) return { findings, sample: named };

  // The S3 of the local run has no policies to try.
  const written = usesLocalS3(project) ? undefined : await stranger.tryWriting(absent);
  const mustList = !project.local && project.config.store !== undefined; // to see what is deleted (A6)
  const slots = tried.filter(({ probe }) => probe !== stranger); // its key means nothing
  const working = slots.find(({ fault }) => fault === undefined)?.probe;
  const isFollowed = followedBuckets(project.config.routes).has(given);
  for (const { probe, answer, fault } of slots) {
    const { slot, source } = probe.query;
    const key = `, slot ${slot}: the key ${probe.credentials && maskKeyId({ credentials: probe.credentials })}`;
    if (fault) {
      const impact = `only slot ${working?.query.slot} works`;
      report(key, weigh(project, working ? lessen(fault, impact) : fault, source));
      continue;
    }
    report(
      key,
      ok("key-id", `S3 knows it (from ${source})`),
      ok("secret", "it belongs to that id"),
    );
    if (written) report(key, await probeWriting(probe, absent, written));
    if (isFollowed && answer.code !== "NoSuchKey") {
      report(key, weigh(project, cannotList(bucket, true), source));
    } else if (written && !mustList && !isFollowed) {
      report(key, judgeRight(probe, "list", await probe.list()));
    }
  }
  const weighMissing = async (missing: Result, key: string) => {
    const next = project.config.routes.flatMap(({ mapping, buckets }) => {
      const leads = buckets.includes(given) && writePath(mapping, { variant: "-", key });
      return leads ? buckets.slice(buckets.indexOf(given) + 1) : [];
    });
    const { holder, unknown } = await findHolder(project, next, key, now);
    if (holder) return note("sample", `${prefix}${key} is not in ${name}: ${holder.name} has it`);
    const impact = `visitors get 404 for it, unless ${unknown?.name} has it: no key at hand tells`;
    return unknown ? lessen(missing, impact) : missing;
  };
  const objects = working && (await checkObjects(working, keys, weighMissing));
  for (const one of objects?.results ?? []) {
    report(about, one.check === "sample" ? weigh(project, one, working?.query.source) : one);
  }
  const sample = objects?.sample ?? named;
  report(about, await probePublicAccess(stranger, sample?.key, absent, written));
  return { findings, sample };
}

/**
 * Asks S3 with the keys at hand which bucket has an object.
 * @param key below the prefix
 * @returns the first that has it, and the first before it that cannot be asked from here
 */
export async function findHolder(
  project: Project,
  buckets: readonly Bucket[],
  key: string,
  now: () => number,
) {
  let unknown: Bucket | undefined;
  for (const bucket of buckets) {
    const [slot] = slotsAtHand(project, bucket).usable;
    const probe = openProbe({ bucket, slot: "current" }, slot?.credentials, now);
    const answer = slot && (await probe.ask(bucket.prefix + key));
    const fault = answer && verdictOf(answer, bucket.region).fault;
    if (fault === "none") return { holder: bucket, unknown };
    if (fault !== "object") unknown ??= bucket;
  }
  return { holder: undefined, unknown };
}

/** Keys of a shell are not the Worker's: what is wrong with them says nothing of visitors. */
function weigh({ local, secretsFile }: Project, result: Result, from: string | undefined): Result {
  const impact = `this is about ${from} alone: whether the Worker has this key is not known`;
  return local || from === secretsFile ? result : lessen(result, impact);
}

/** What is wrong with the secrets of slots that cannot be asked with. */
function checkSecrets(project: Project, bucket: Bucket, hasSite: boolean): Result[] {
  const { secrets } = project;
  const { usable, unusable } = slotsAtHand(project, bucket);
  const results = unusable.flatMap(({ slot, mistakes }) => {
    const names = Object.values(secretNamesOf(bucket, slot));
    const from = names.map((one) => secrets.get(one)?.source).find(Boolean) ?? "this machine";
    return mistakes.map(({ path, message }) => {
      const fault = fail("keys", {
        severity: usable.length > 0 ? "warning" : "error",
        seen: `${path} in ${from} ${secrets.has(path) ? message : "is missing"}`,
        impact: `slot ${slot} cannot be used`,
        remedy: `correct ${path} in ${from}, or remove all secrets of slot ${slot} there: the doctor does not ask with them`,
      });
      return weigh(project, fault, from);
    });
  });
  if (usable.length > 0 || results.length > 0) return results;
  const { accessKeyId: id, secretAccessKey: secret } = secretNamesOf(bucket);
  const seen = "there are no keys at hand, so the doctor asks S3 without a key";
  const file = project.local
    ? project.envConfig.devVars
    : "the environment, or use --secrets-file secrets.env";
  const remedy = `put ${id} and ${secret} into ${file}`;
  const impact = "the doctor cannot read the deployed secrets back, so it cannot check them";
  const severity = bucket.role !== undefined || hasSite ? "note" : "warning";
  return [{ check: "keys", severity, seen, impact, remedy }];
}

/** S3's answers to those who may write: no such upload, or the part is not what it claims to be. */
const MAY_WRITE: readonly (string | undefined)[] = ["NoSuchUpload", "BadDigest"];

const leftBehind = (absent: string) => `: this test left an empty object to remove, ${absent}`;

/**
 * Tries whether a key may write (A13).
 * @param absent the key of an object that does not exist. @param strangers what S3 answers to a write without a key
 */
async function probeWriting(probe: S3Probe, absent: string, strangers: S3Answer): Promise<Result> {
  const written = await probe.tryWriting(absent);
  const left = written.status === 200 ? leftBehind(absent) : "";
  // An S3 that says so to everyone has not looked at the key yet.
  const isAllowed = MAY_WRITE.includes(written.code) && strangers.code !== written.code;
  return judgeRight(probe, "write", left || isAllowed ? undefined : written, left);
}

/** @param reply what S3 answers; a page or undefined: the key may do it */
function judgeRight(
  { query: { bucket } }: S3Probe,
  check: "list" | "write",
  reply: S3Answer | Page | undefined,
  left = "",
): Result {
  // Other codes, such as SignatureDoesNotMatch, say nothing about rights.
  if (reply && !("objects" in reply)) {
    return reply.code === "AccessDenied"
      ? ok(check, `the key may not ${check}`)
      : note(check, `whether the key may ${check} is unknown: ${answerText(reply)}`);
  }
  return fail(check, {
    severity: "warning",
    seen: `the key may ${check}, which Vitrine does not need${left}`,
    impact: "who steals it learns the name of every object, or replaces what all visitors see",
    remedy: `if it is the Worker's key, its policy needs only s3:GetObject on arn:aws:s3:::${bucket.bucket}/${bucket.prefix}*`,
    bearing: "harmless",
  });
}

/**
 * Tries whether anyone gets in without a key.
 * @param known an object that exists, if one is known. @param written what S3 answers to a write without a key
 */
async function probePublicAccess(
  stranger: S3Probe,
  known: string | undefined,
  absent: string,
  written: S3Answer | undefined,
): Promise<Result> {
  const { bucket, region } = stranger.query.bucket;
  const object = await stranger.ask(known ?? absent);
  const page = await stranger.list();
  const list = "objects" in page ? undefined : page;
  const left = written?.status === 200 ? leftBehind(absent) : "";
  const mayWrite = MAY_WRITE.includes(written?.code); // or this S3 says so to everyone
  const acts = [
    ...(verdictOf(object, region).fault === "none" ? [`download ${known}`] : []),
    ...(list === undefined ? ["list it"] : []),
    ...(left ? ["write to it"] : []),
    ...(mayWrite ? ["perhaps write to it"] : []),
  ];
  if (acts.length > 0) {
    return fail("public", {
      severity: mayWrite && acts.length === 1 ? "warning" : "error",
      seen: `anyone can ${acts.join(" and ")} without a key${left}`,
      impact: "who finds the bucket's name gets past Vitrine, which then protects nothing",
      remedy: `aws s3api put-public-access-block --bucket ${bucket} --public-access-block-configuration BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true`,
      bearing: "harmless",
    });
  }
  // What is unknown is no proof: both must be refused.
  const unclear = [object, list].find((reply) => Math.floor((reply?.status ?? 0) / 100) !== 4);
  return known !== undefined && unclear === undefined
    ? ok("public", "it is private: S3 refuses requests without a key at this host")
    : note("public", `whether anyone may read is unknown: ${answerText(unclear ?? object)}`);
}
