// Checks a bucket and each of its slots at S3 itself, without the edge: whether S3 answers, whether it knows the key,
// who may read, list and write, and whether the objects are images. It tries to write by one PUT of `s3.ts`.

import { writePath } from "../../url/grammar.ts";
import type { Bucket } from "../../worker/config/bucket.ts";
import { maskKeyId } from "../../worker/config/slot.ts";
import { verdictOf } from "../../worker/origin/verdict.ts";
import type { World } from "../command.ts";
import { followedBuckets, secretNamesOf } from "../config/buckets.ts";
import { configuredBucket, type Project, slotsAtHand, usesLocalS3 } from "../config/project.ts";
import type { S3RequestResult } from "../http/ask-s3.ts";

import { sniffImageType } from "../picture/sniff.ts";
import type { Check, Finding, Result } from "./finding.ts";
import {
  ALL_MISSING,
  findingsOf,
  LEAVE_PARAMETER_OUT,
  lessen,
  note,
  ok,
  problem,
} from "./finding.ts";
import { answerText, cannotList, diagnoseS3, misset, openProbe, type S3Probe } from "./s3.ts";

/** An original, without its bytes if it cannot be read from here. Visitors must never get it. */
export type Sample = { readonly key: string; readonly bytes: Uint8Array | undefined };

/** A project with the clock, in ms since 1970. */
export type Examination = Project & Pick<World, "now">;

/** The checks of the whole bucket, whatever key asks. */
const SHARED: readonly Check[] = ["reachable", "clock", "region", "bucket", "endpoint", "busy"];

/**
 * Checks a bucket, except an R2 binding, which only the Worker opens. `sample` is an object that visitors may ask for.
 * @param configBucket as `Project.config` has it: in the local run, the bucket that replaces it
 * @param keys objects to check, below the prefix. @param hasSite whether the site is checked, too
 */
export async function checkBucket(
  project: Examination,
  configBucket: Bucket,
  keys: readonly string[],
  hasSite: boolean,
): Promise<{ readonly findings: readonly Finding[]; readonly sample?: Sample | undefined }> {
  const { name, prefix, baseUrl } = configBucket;
  const canary =
    configBucket.canary ?? (usesLocalS3(project) ? `${prefix}photos/dandelion.jpg` : undefined);
  const key = keys[0] === undefined ? canary : prefix + keys[0];
  const namedSample = key === undefined ? undefined : { key, bytes: undefined };
  const tomlBucket = configuredBucket(project, configBucket);
  if (tomlBucket.r2 !== undefined) return { findings: [], sample: namedSample };

  const findings: Finding[] = [];
  const report = (part: string, ...results: readonly Result[]) =>
    findings.push(...findingsOf(`bucket ${name}${part}`, name, results));
  const bucket = { ...configBucket, canary, bucket: tomlBucket.bucket };
  report(": its keys", ...checkSecrets(project, configBucket, hasSite));

  const anonymous = openProbe({ bucket, slot: "current" }, undefined, project.now);
  const probes = slotsAtHand(project, configBucket).usable.map(({ name: slot, credentials }) => {
    const source = project.secrets.get(secretNamesOf(bucket, slot).accessKeyId)?.source;
    return openProbe({ bucket, slot, source }, credentials, project.now);
  });

  const absentKey = `${prefix}vitrine-doctor-${crypto.randomUUID()}`;
  const attempts = (probes.length > 0 ? probes : [anonymous]).map(async (probe) => {
    const answer = await probe.getFirstByte(absentKey);
    const fault = diagnoseS3(answer, probe.query, "an object that cannot exist");
    return { probe, answer, fault };
  });
  const results = await Promise.all(attempts);

  const address = `: ${bucket.bucket} at ${new URL(baseUrl).host}`;
  const broken = results.find(({ fault }) => fault && SHARED.includes(fault.check))?.fault;
  report(address, broken ?? ok("reachable", "S3 answers"));
  if (broken) return { findings, sample: namedSample };

  // What S3 answers to a write without a key. The S3 of the local run has no policies to try.
  const written = usesLocalS3(project) ? undefined : await anonymous.tryWriting(absentKey);
  const storeNeedsList = !project.local && project.config.store !== undefined; // to see what is deleted (A6)
  const slots = results.filter(({ probe }) => probe !== anonymous);
  const working = slots.find(({ fault }) => fault === undefined)?.probe;
  const isFollowed = followedBuckets(project.config.routes).has(configBucket); // its key must list, too (A6)

  for (const { probe, answer, fault } of slots) {
    const { slot, source } = probe.query;
    const part = `, slot ${slot}: the key ${probe.credentials && maskKeyId({ credentials: probe.credentials })}`;
    if (fault) {
      const impact = `only slot ${working?.query.slot} works`;
      report(part, weighKey(project, working ? lessen(fault, impact) : fault, source));
      continue;
    }
    report(part, ok("key-id", `S3 knows it (from ${source})`));
    report(part, ok("secret", "it belongs to that id"));
    if (written) report(part, await probeWriting(probe, absentKey, written));
    if (isFollowed && answer.code !== "NoSuchKey") {
      report(part, weighKey(project, cannotList(bucket, true), source));
    } else if (written && !storeNeedsList && !isFollowed) {
      const list = await probe.list();
      const denial = list.kind === "no-page" ? list.answer : undefined;
      report(part, diagnoseRight(probe, "list", denial));
    }
  }

  const objects = working && (await checkObjects(project, configBucket, working, keys));
  for (const result of objects?.results ?? []) {
    const isOfKey = result.check === "sample";
    report(address, isOfKey ? weighKey(project, result, working?.query.source) : result);
  }
  const sample = objects?.sample ?? namedSample;
  report(address, await probePublicAccess(anonymous, sample?.key, absentKey, written));
  return { findings, sample };
}

/**
 * Asks S3, with the keys at hand, which of some buckets has an object.
 * @param key below the prefix
 * @returns the first bucket that has the object, and the first one before that cannot be asked from here
 */
export async function findHolder(project: Examination, buckets: readonly Bucket[], key: string) {
  let unknown: Bucket | undefined;
  for (const bucket of buckets) {
    const [slot] = slotsAtHand(project, bucket).usable;
    const probe = openProbe({ bucket, slot: "current" }, slot?.credentials, project.now);
    const answer = slot && (await probe.getFirstByte(bucket.prefix + key));
    const result = answer && verdictOf(answer, bucket.region).result;
    if (result === "served") return { holder: bucket, unknown };
    if (result !== "object-refused") unknown ??= bucket;
  }
  return { holder: undefined, unknown };
}

/**
 * Checks objects of a bucket: whether the key may read them, and whether they are images. Sends only GETs.
 * @param keys below the prefix; none: the canary
 * @returns what is found, and the first object that the key may read
 */
async function checkObjects(
  project: Examination,
  configBucket: Bucket,
  probe: S3Probe,
  keys: readonly string[],
) {
  const { bucket } = probe.query;
  const { prefix, canary, hasSourceParameter, engine } = bucket;
  const whole = keys.map((path) => prefix + path);
  const results: Result[] = [];
  let sample: Sample | undefined;
  for (const key of whole.length === 0 && canary !== undefined ? [canary] : whole) {
    const answer = await probe.getObject(key);
    const result = await checkObject(probe, key, answer);
    const isMissing = answer.code === "NoSuchKey"; // else the next bucket is not asked
    const path = key.slice(prefix.length);
    results.push(isMissing ? await diagnoseMissing(project, configBucket, result, path) : result);
    if (answer.bytes !== undefined) sample ??= { key, bytes: answer.bytes };
  }
  if (results.length === 0) {
    const seen = "no image of this bucket is known, so nobody checked whether the key may read";
    const impact = "S3 may know a key and still allow it nothing";
    const change = "set canary. Or name an image, such as photos/fig.jpg";
    results.push({ ...misset("sample", bucket, seen, change), severity: "warning", impact });
  }
  if (sample !== undefined && hasSourceParameter && engine === "cf") {
    results.push(await checkParameter(probe, sample.key));
  }
  return { results, sample };
}

/** A missing object is no error if the next bucket of a route has it. @param path the key, below the prefix */
async function diagnoseMissing(
  project: Examination,
  bucket: Bucket,
  missing: Result,
  path: string,
): Promise<Result> {
  const laterBuckets = project.config.routes.flatMap(({ mapping, buckets }) => {
    const leads = buckets.includes(bucket) && writePath(mapping, { variant: "-", key: path });
    return leads ? buckets.slice(buckets.indexOf(bucket) + 1) : [];
  });
  const { holder, unknown } = await findHolder(project, laterBuckets, path);
  const { prefix, name } = bucket;
  if (holder) return note("sample", `${prefix}${path} is not in ${name}: ${holder.name} has it`);
  const impact = `visitors get 404 for it, unless ${unknown?.name} has it: no key at hand tells`;
  return unknown ? lessen(missing, impact) : missing;
}

async function checkObject(probe: S3Probe, key: string, answer: S3RequestResult): Promise<Result> {
  const { bytes, status, code, failure } = answer;
  const { bucket, name, prefix } = probe.query.bucket;
  const type = bytes && sniffImageType(bytes);
  if (bytes && type !== undefined) {
    return ok("sample", `S3 returns ${key}: ${bytes.length.toLocaleString("en")} bytes, ${type}`);
  }

  if (status === 200) {
    const broken = failure === "too large" ? "over 100 MB" : `not whole (${failure})`;
    return problem("sample", {
      severity: "warning",
      seen: `S3 returns ${key}, which is ${bytes ? "no image" : broken}`,
      impact: "visitors get 415 for it, or 502 if it is not whole", // L1
      remedy: `replace that object by an image that the edge can read, or name another object. If it is not whole, try again`,
    });
  }

  const fault = diagnoseS3(answer, probe.query);
  if (fault !== undefined) return { ...fault, seen: `${key}: ${fault.seen}` };

  const page = await probe.list();
  if (page.kind === "page" && page.objects.length === 0) {
    const seen = `there is no object below the prefix "${prefix}"`;
    const change = "correct prefix, or upload images there";
    return { ...misset("prefix", probe.query.bucket, seen, change), impact: ALL_MISSING };
  }

  // S3 does not always say which of the three is the cause (A6, A9).
  return problem("sample", {
    seen: `${key} is missing, in an archive, or denied to the key (${code ?? status})`,
    impact: "visitors get 404 for it, or for every object",
    remedy: `if it exists, the key's policy must allow s3:GetObject on arn:aws:s3:::${bucket}/${prefix}*, no bucket policy may deny it, and it must be restored from an archive. If not, name another object, or correct canary or prefix in BUCKETS.${name} of wrangler.toml`,
    needsDeploy: true,
  });
}

/** Checks whether S3 gives an object by a URL like the one that the edge fetches (A15). */
async function checkParameter(probe: S3Probe, key: string): Promise<Result> {
  const { bucket } = probe.query;
  const value = crypto.randomUUID().replaceAll("-", "");
  const answer = await probe.getFirstByte(key, `?x-vitrine=${value}`);
  const { status = 0, code } = answer;
  if (verdictOf(answer, bucket.region).result === "served") {
    return ok("parameter", "S3 ignores x-vitrine in the URL of an object");
  }
  const isRefusal = (status >= 300 && status < 500 && status !== 429) || status === 501;
  if (!isRefusal) {
    return note("parameter", `whether S3 ignores x-vitrine is unknown: ${answerText(answer)}`);
  }
  const seen = `S3 does not give ${key} by a URL with x-vitrine (${code ?? status}), and gives it without`;
  return misset("parameter", bucket, seen, `set ${LEAVE_PARAMETER_OUT}`);
}

/** A fault of a key that the Worker may not have is no error: visitors may see images all the same. */
function weighKey({ local, secretsFile }: Project, result: Result, source?: string): Result {
  const impact = `this is about ${source} alone: whether the Worker has this key is not known`;
  return local || source === secretsFile ? result : lessen(result, impact);
}

/** What is wrong with the secrets of slots that cannot be used, or that there are none at hand. */
function checkSecrets(project: Project, bucket: Bucket, hasSite: boolean): Result[] {
  const { secrets } = project;
  const { usable, unusable } = slotsAtHand(project, bucket);
  const results = unusable.flatMap(({ slot, mistakes }) => {
    const names = Object.values(secretNamesOf(bucket, slot));
    const source = names.map((name) => secrets.get(name)?.source).find(Boolean) ?? "this machine";
    return mistakes.map(({ path, message }) => {
      const fault = problem("keys", {
        severity: usable.length > 0 ? "warning" : "error",
        seen: `${path} in ${source} ${secrets.has(path) ? message : "is missing"}`,
        impact: `slot ${slot} cannot be used`,
        remedy: `correct ${path} in ${source}, or remove all secrets of slot ${slot} there: the doctor does not ask with them`,
      });
      return weighKey(project, fault, source);
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
 * @param absentKey the key of an object that does not exist. @param keyless what S3 answers to a write without a key
 */
async function probeWriting(
  probe: S3Probe,
  absentKey: string,
  keyless: S3RequestResult,
): Promise<Result> {
  const written = await probe.tryWriting(absentKey);
  const leftover = written.status === 200 ? leftBehind(absentKey) : "";
  // An S3 that answers the same without a key has not checked the key yet.
  const isAllowed = MAY_WRITE.includes(written.code) && keyless.code !== written.code;
  const denial = leftover || isAllowed ? undefined : written;
  return diagnoseRight(probe, "write", denial, leftover);
}

/** @param denial what S3 answered in place of doing it; undefined: the key may do it */
function diagnoseRight(
  { query: { bucket } }: S3Probe,
  check: "list" | "write",
  denial: S3RequestResult | undefined,
  leftover = "",
): Result {
  if (denial !== undefined) {
    if (denial.code === "AccessDenied") return ok(check, `the key may not ${check}`);
    // Other codes, such as SignatureDoesNotMatch, say nothing about rights.
    return note(check, `whether the key may ${check} is unknown: ${answerText(denial)}`);
  }

  return problem(check, {
    severity: "warning",
    seen: `the key may ${check}, which Vitrine does not need${leftover}`,
    impact: "who steals it learns the name of every object, or replaces what all visitors see",
    remedy: `if it is the Worker's key, its policy needs only s3:GetObject on arn:aws:s3:::${bucket.bucket}/${bucket.prefix}*`,
    bearing: "harmless",
  });
}

/**
 * Tries whether anyone gets in without a key.
 * @param objectKey an object that exists, if one is known. @param written what S3 answers to a write without a key
 */
async function probePublicAccess(
  anonymous: S3Probe,
  objectKey: string | undefined,
  absentKey: string,
  written: S3RequestResult | undefined,
): Promise<Result> {
  const { bucket, region } = anonymous.query.bucket;
  const object = await anonymous.getFirstByte(objectKey ?? absentKey);
  const page = await anonymous.list();
  const list = page.kind === "no-page" ? page.answer : undefined;
  const leftover = written?.status === 200 ? leftBehind(absentKey) : "";
  const mayWrite = MAY_WRITE.includes(written?.code); // or this S3 answers like this before it checks the key

  const acts = [
    ...(verdictOf(object, region).result === "served" ? [`download ${objectKey}`] : []),
    ...(list === undefined ? ["list it"] : []),
    ...(leftover ? ["write to it"] : []),
    ...(mayWrite ? ["perhaps write to it"] : []),
  ];
  if (acts.length > 0) {
    return problem("public", {
      severity: mayWrite && acts.length === 1 ? "warning" : "error",
      seen: `anyone can ${acts.join(" and ")} without a key${leftover}`,
      impact: "who finds the bucket's name gets past Vitrine, which then protects nothing",
      remedy: `aws s3api put-public-access-block --bucket ${bucket} --public-access-block-configuration BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true`,
      bearing: "harmless",
    });
  }

  // Only if S3 refuses both, the bucket is certainly private.
  const unclear = [object, list].find((reply) => Math.floor((reply?.status ?? 0) / 100) !== 4);
  return objectKey !== undefined && unclear === undefined
    ? ok("public", "it is private: S3 refuses requests without a key at this host")
    : note("public", `whether anyone may read is unknown: ${answerText(unclear ?? object)}`);
}
