// What S3 itself says, without the edge, about a bucket and each of its slots: whether it answers, whether it
// knows the key, and who may read, list and write. It tries to write by one PUT of `s3.ts`.

import type { Bucket } from "../../worker/config/bucket.ts";
import { secretNames } from "../../worker/config/read-secrets.ts";
import { keyEnd } from "../../worker/config/slot.ts";
import { verdictOf } from "../../worker/origin/verdict.ts";
import {
  bucketOfWorker,
  configuredName,
  isPlayed,
  type Project,
  slotsAtHand,
} from "../config/project.ts";
import type { S3Answer } from "../http/ask-s3.ts";
import {
  type Check,
  type Finding,
  fail,
  findingsOn,
  lessen,
  note,
  ok,
  type Result,
} from "./finding.ts";
import { checkObjects, type Sample } from "./objects.ts";
import {
  answerText,
  cannotList,
  checkClock,
  diagnoseS3,
  openProbe,
  type S3Probe,
  type S3Query,
} from "./s3.ts";

export type Examined = {
  readonly findings: readonly Finding[];
  /** An object that visitors may ask for. */
  readonly sample?: Sample | undefined;
};

/** What is given to look at a bucket. */
export type Given = {
  /** Objects to look at, below the prefix; none: the doctor looks for one. */
  readonly keys: readonly string[];
  /** Whether the site is looked at, too. */
  readonly hasSite: boolean;
  readonly now: () => number;
};

/** Checks a bucket. Only the Worker can ask an R2 binding. */
export async function checkBucket(
  project: Project,
  bucket: Bucket,
  given: Given,
): Promise<Examined> {
  const { name, prefix, canary } = bucket;
  const key = given.keys[0] === undefined ? canary : prefix + given.keys[0];
  const named = key === undefined ? undefined : { key, bytes: undefined };
  if (bucketOfWorker(project, bucket).r2 !== undefined) {
    const seen =
      "an R2 binding: only the Worker can ask it, and no key opens it. See /healthz, with --url and HEALTH_TOKEN";
    return { findings: findingsOn(`bucket ${name}`, [note("reachable", seen)]), sample: named };
  }
  const { findings, sample = named } = await checkS3(project, bucket, given, key);
  return { findings: findings.map((one) => ({ ...one, bucket: name })), sample };
}

/** What concerns the whole bucket, whatever key asks. */
const SHARED: readonly Check[] = ["reachable", "clock", "region", "bucket", "endpoint", "busy"];

async function checkS3(
  project: Project,
  given: Bucket,
  { keys, hasSite, now }: Given,
  known: string | undefined,
): Promise<Examined> {
  const bucket = { ...given, bucket: configuredName(project, given) };
  const { name, base, region, prefix } = bucket;
  const { host } = new URL(base);
  const about = `bucket ${name}: ${bucket.bucket} at ${host}`;
  const secretPrefix = project.words.get(name) ?? "AWS";
  const query = { ...{ host, name, region, secretPrefix }, bucket: bucket.bucket };
  const absent = `${prefix}vitrine-doctor-${crypto.randomUUID()}`;
  const stranger = openProbe(bucket, undefined, now);
  const greeting = await stranger.ask(absent);
  const broken = diagnoseStranger(greeting, { ...query, slot: "current", from: undefined });
  const secrets = checkSecrets(project, query, hasSite);
  const findings = findingsOn(`bucket ${name}: its keys`, secrets);
  if (broken !== undefined) return { findings: [...findings, ...findingsOn(about, [broken])] };

  const slots = slotsAtHand(project, name).usable.map(async ({ name: slot, credentials }) => {
    const from = project.secrets.get(secretNames(secretPrefix, slot).accessKeyId)?.from;
    const probe = openProbe(bucket, credentials, now);
    const ofSlot: S3Query = { ...query, slot, from };
    const fault = diagnoseS3(await probe.ask(absent), ofSlot);
    const key = `bucket ${name}, slot ${slot}: the key ${keyEnd({ credentials })}`;
    return { slot, from, key, probe, query: ofSlot, fault };
  });
  const tried = await Promise.all(slots);
  const working = tried.find(({ fault }) => fault === undefined);
  const clock = checkClock(greeting.ahead, host);
  const shared = tried.flatMap(({ fault }) => (fault && isShared(fault) ? [fault] : []));
  const others = shared.filter(({ check }) => check !== "clock" || clock.severity === "ok");
  findings.push(
    ...findingsOn(about, [ok("reachable", "S3 answers"), clock, ...others.slice(0, 1)]),
  );
  // The S3 of the local run has no policies to try.
  const trial = isPlayed(project)
    ? undefined
    : { absent, strangers: await stranger.tryWriting(absent) };
  const hasStore = !project.local && project.config.store !== undefined;
  for (const { key, probe, from, fault } of tried) {
    if (fault && isShared(fault)) continue;
    const accepted = [
      ok("key-id", `S3 knows it (from ${from})`),
      ok("secret", "it belongs to the key id"),
    ];
    const rights = fault || !trial ? [] : await probePermissions(bucket, probe, trial, hasStore);
    const results = fault ? [fault] : [...accepted, ...rights];
    const weighed = results.map((one) => weigh(project, one, from, working?.slot));
    findings.push(...findingsOn(key, weighed));
  }
  const objects = working && (await checkObjects(working.query, bucket, working.probe, keys));
  const results = objects?.results.map((one) =>
    one.check === "sample" ? weigh(project, one, working?.from) : one,
  );
  const sample = objects?.sample;
  const access = await probePublicAccess(bucket, stranger, sample?.key ?? known, trial);
  return { findings: [...findings, ...findingsOn(about, [...(results ?? []), access])], sample };
}

function isShared({ check }: Result): boolean {
  return SHARED.includes(check);
}

/** What is wrong with a bucket by its answer to a request without a key; undefined: a key has to ask (A5). */
function diagnoseStranger(greeting: S3Answer, query: S3Query): Result | undefined {
  const fault = diagnoseS3(greeting, query);
  // An S3 may refuse such a request by codes of its own.
  const isVague = fault?.check === "endpoint" && verdictOf(greeting, query.region).fault !== "none";
  return fault && isShared(fault) && fault.check !== "clock" && !isVague ? fault : undefined;
}

/**
 * Keys of a shell are not the Worker's: what is wrong with them says nothing of visitors.
 * @param from where the key comes from
 * @param workingSlot a fault of one slot matters less if another one works
 */
function weigh(
  { local, secretsFile }: Project,
  result: Result,
  from: string | undefined,
  workingSlot?: string,
): Result {
  const ofSlot = workingSlot ? lessen(result, `only slot ${workingSlot} works`) : result;
  if (local || from === secretsFile) return ofSlot;
  return lessen(
    ofSlot,
    `this is about ${from} alone: whether the Worker has this key is not known`,
  );
}

/** What is wrong with the secrets of slots that cannot be asked with. */
function checkSecrets(
  project: Project,
  { name, secretPrefix }: Pick<S3Query, "name" | "secretPrefix">,
  hasSite: boolean,
): Result[] {
  const { secrets, config } = project;
  const { usable, unusable } = slotsAtHand(project, name);
  const results = unusable.flatMap(({ slot, mistakes }) => {
    const names = Object.values(secretNames(secretPrefix, slot));
    const from = names.map((one) => secrets.get(one)?.from).find(Boolean) ?? "this machine";
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
  const { accessKeyId: id, secretAccessKey: secret } = secretNames(secretPrefix);
  const isByRole = config.buckets.some((one) => one.name === name && one.role !== undefined);
  const none = fail("keys", {
    severity: "warning",
    seen: "there are no keys at hand, so the doctor asks S3 without a key",
    impact: "the doctor cannot read the deployed secrets back, so it cannot check them",
    remedy: `put ${id} and ${secret} into the environment, or use --secrets-file secrets.env`,
  });
  return [isByRole || hasSite ? { ...none, severity: "note" } : none];
}

/** Writing as a test: to an object that does not exist. */
type Trial = {
  /** The key of that object. */
  readonly absent: string;
  /** What S3 answers to it without a key. */
  readonly strangers: S3Answer;
};

/** S3's answers to those who may write: no such upload, or the part is not what it claims to be. */
const MAY_WRITE: readonly (string | undefined)[] = ["NoSuchUpload", "BadDigest"];
/** S3's answer to those who may not. Other codes, such as SignatureDoesNotMatch, say nothing about rights. */
const DENIED = "AccessDenied";

const leftBehind = (absent: string) => `: this test left an empty object to remove, ${absent}`;

/**
 * Tries what a key may do beyond reading (A13).
 * @param hasStore whether it has to list, so that what is deleted is known (A6)
 */
async function probePermissions(
  bucket: Bucket,
  probe: S3Probe,
  { absent, strangers }: Trial,
  hasStore: boolean,
): Promise<Result[]> {
  const [page, written] = await Promise.all([
    probe.list({ prefix: bucket.prefix, most: 1 }),
    probe.tryWriting(absent),
  ]);
  const least = `if it is the Worker's key, its policy needs only s3:GetObject on arn:aws:s3:::${bucket.bucket}/${bucket.prefix}*`;
  const tooMuch = (check: Check, seen: string, impact: string) =>
    fail(check, { severity: "warning", seen, impact, remedy: least, bearing: "harmless" });
  return [listing(), writing()];

  function listing(): Result {
    if ("objects" in page) {
      if (hasStore) return ok("list", "the key may list the bucket, as the store needs it");
      const impact = "whoever steals the key learns the name of every object";
      return tooMuch("list", "the key may list the bucket (s3:ListBucket)", impact);
    }
    if (page.code === DENIED && hasStore) return cannotList(bucket);
    if (page.code === DENIED) return ok("list", `the key may not list the bucket (${DENIED})`);
    return note("list", `whether the key may list the bucket is unknown: ${answerText(page)}`);
  }

  function writing(): Result {
    // An S3 that says so to everyone has not looked at the key yet.
    const isLooked = MAY_WRITE.includes(written.code) && strangers.code !== written.code;
    if (written.status === 200 || isLooked) {
      const left = written.status === 200 ? leftBehind(absent) : "";
      const impact = "whoever steals the key can replace what all visitors see";
      return tooMuch("write", `the key may write (s3:PutObject)${left}`, impact);
    }
    if (written.code === DENIED) return ok("write", "the key may not write");
    return note("write", `whether the key may write is unknown: ${answerText(written)}`);
  }
}

const LIST = new Intl.ListFormat("en-GB");

/**
 * Tries whether anyone gets in without a key.
 * @param known an object that exists, if one is known
 */
async function probePublicAccess(
  { bucket, region, prefix }: Bucket,
  stranger: S3Probe,
  known: string | undefined,
  trial: Trial | undefined,
): Promise<Result> {
  const [object, page] = await Promise.all([
    stranger.ask(known ?? `${prefix}vitrine-doctor`),
    stranger.list({ prefix, most: 1 }),
  ]);
  const { status, code } = trial?.strangers ?? {};
  const certain = [
    ...(verdictOf(object, region).fault === "none" ? [`download ${known}`] : []),
    ...("objects" in page ? ["list it"] : []),
    ...(status === 200 ? ["write to it"] : []),
  ];
  const acts = MAY_WRITE.includes(code) ? [...certain, "perhaps write to it"] : certain;
  if (acts.length > 0) {
    const left = status === 200 && trial ? leftBehind(trial.absent) : "";
    return fail("public", {
      severity: certain.length > 0 ? "error" : "warning",
      seen: `anyone can ${LIST.format(acts)} without a key${left}`,
      impact: "who finds the bucket's name gets past Vitrine, which then protects nothing",
      remedy: `aws s3api put-public-access-block --bucket ${bucket} --public-access-block-configuration BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true`,
      bearing: "harmless",
    });
  }
  const answers = "objects" in page ? [object] : [object, page];
  const isRefused = answers.every((one) => (one.status ?? 0) >= 400 && (one.status ?? 0) < 500);
  if (isRefused && known !== undefined) {
    return ok("public", "it is private: S3 refuses requests without a key at this host");
  }
  const replies = answers.map(answerText).join(", and ");
  return note("public", `whether anyone may read is unknown, without a known object: ${replies}`);
}
