// What S3 itself says, without the edge, about a bucket and each of its slots: whether it answers, whether it
// knows the key, and who may read, list and write. It tries to write by one PUT of `s3.ts`.

import type { Bucket } from "../../worker/config/bucket.ts";
import { secretNames } from "../../worker/config/read-secrets.ts";
import { keyEnd, type Slot } from "../../worker/config/slot.ts";
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
  isOfSlot,
  lessen,
  note,
  type Observation,
  ok,
  type Result,
} from "./finding.ts";
import { checkObjects, FIXTURE, type Sample } from "./objects.ts";
import {
  answerText,
  type Clocks,
  cannotList,
  compareClocks,
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
  /** Whether /healthz reports on the deployed keys. */
  readonly hasHealth: boolean;
  /** How far the site's clock is ahead: s. */
  readonly siteClock: Clocks["site"];
  readonly now: () => number;
};

/** Checks a bucket. Only the Worker can ask an R2 binding. */
export async function checkBucket(
  project: Project,
  bucket: Bucket,
  given: Given,
): Promise<Examined> {
  const { name, prefix, canary } = bucket;
  const fallback = canary ?? (isPlayed(project) ? prefix + FIXTURE : undefined);
  const key = given.keys[0] === undefined ? fallback : prefix + given.keys[0];
  const named = key === undefined ? undefined : { key, bytes: undefined };
  if (bucketOfWorker(project, bucket).r2 !== undefined) {
    const seen =
      "an R2 binding: only the Worker can ask it, and no key opens it. See /healthz, with --url and HEALTH_TOKEN";
    return { findings: findingsOn(`bucket ${name}`, [note("reachable", seen)]), sample: named };
  }
  const { findings, sample = named } = await checkS3(project, bucket, { ...given, known: key });
  return { findings, sample };
}

async function checkS3(
  project: Project,
  given: Bucket,
  options: Given & { readonly known: string | undefined },
): Promise<Examined> {
  const bucket = { ...given, bucket: configuredName(project, given) };
  const { name, base, region, prefix } = bucket;
  const { host, protocol } = new URL(base);
  const about = `bucket ${name}: ${bucket.bucket} at ${host}`;
  const isSimulated = isPlayed(project);
  const query: S3Query = {
    ...{ host, name, bucket: bucket.bucket, region, slot: "current", from: undefined },
    ...{ secretPrefix: project.words.get(name) ?? "AWS", scope: isSimulated ? "local" : undefined },
  };
  const absent = `${prefix}vitrine-doctor-${crypto.randomUUID()}`;
  const stranger = openProbe(bucket, undefined, options.now);
  const greeting = await stranger.ask(absent);
  // If the host is no S3, nothing else that it says means anything.
  const isStrange = greeting.status === undefined || verdictOf(greeting, region).fault === "none";
  const broken = isStrange ? diagnoseS3(greeting, query) : undefined;
  if (broken !== undefined) return { findings: findingsOn(about, [broken]) };

  const trial = { absent, strangers: isSimulated ? undefined : await stranger.tryWriting(absent) };
  const { usable } = slotsAtHand(project, name);
  const tls = protocol === "https:" ? "over TLS" : "without TLS, as on your own machine";
  const clock = compareClocks({ s3: greeting.ahead, site: options.siteClock }, host);
  const findings = [
    ...findingsOn(about, [ok("reachable", `S3 answers, ${tls}`), clock]),
    ...findingsOn(`bucket ${name}: its keys`, checkSecrets(project, query, options.hasHealth)),
    ...findingsOn(about, usable.length > 0 ? [] : await checkWithoutKey(query, greeting, stranger)),
  ];
  let working: { query: S3Query; probe: S3Probe } | undefined;
  for (const slot of usable) {
    const probe = openProbe(bucket, slot.credentials, options.now);
    const checked = await checkSlot(project, bucket, slot, { query, probe, trial });
    findings.push(...checked.findings.filter((one) => isNew(one, findings)));
    if (checked.isAccepted) working ??= { query: checked.query, probe };
  }
  const objects = working
    ? await checkObjects(working.query, bucket, working.probe, options.keys, isSimulated)
    : undefined;
  const known = objects?.sample?.key ?? options.known;
  const access = await probePublicAccess(bucket, stranger, known, trial);
  const results = [...(objects?.results ?? []), access];
  const all = [...findings, ...findingsOn(about, results)];
  const lessened = all.map((one) =>
    working && one.severity === "error" && isOfSlot(one) ? lessen(one, working.query.slot) : one,
  );
  return { findings: lessened, sample: objects?.sample };
}

/** What concerns the whole bucket, so one slot is enough to report it. */
const SHARED: readonly Check[] = ["clock", "region", "bucket", "endpoint", "busy"];

function isNew({ check }: Finding, before: readonly Finding[]): boolean {
  const isReported = before.some((one) => one.check === check && one.severity !== "ok");
  return !SHARED.includes(check) || !isReported;
}

/** What can be said about a bucket without a key: whether it exists, and where (A5). */
async function checkWithoutKey(
  query: S3Query,
  greeting: S3Answer,
  stranger: S3Probe,
): Promise<Result[]> {
  const page = await stranger.list({ prefix: "", most: 1 });
  const isElsewhere = "region" in page && page.region !== undefined && page.region !== query.region;
  const { status = 0, code } = greeting;
  if (!isElsewhere && code !== "NoSuchBucket" && status < 500) return [];
  const fault = diagnoseS3(isElsewhere ? page : greeting, query);
  return fault === undefined ? [] : [fault];
}

/** Writing as a test: to an object that does not exist. */
type Trial = {
  /** The key of an object that does not exist. */
  readonly absent: string;
  /** What S3 answers to it without a key; undefined: wrangler's S3 has no policies to try. */
  readonly strangers: S3Answer | undefined;
};

async function checkSlot(
  project: Project,
  bucket: Bucket,
  slot: Slot,
  { query, probe, trial }: { query: S3Query; probe: S3Probe; trial: Trial },
) {
  const { accessKeyId } = secretNames(query.secretPrefix, slot.name);
  const from = project.secrets.get(accessKeyId)?.from;
  const isAtHand = !project.local && from !== project.secretsFile;
  const ofSlot = {
    ...query,
    slot: slot.name,
    from,
    ...(isAtHand && { scope: "at-hand" as const }),
  };
  const fault = diagnoseS3(await probe.ask(trial.absent), ofSlot);
  const hasStore = !project.local && project.config.store !== undefined;
  const results = fault
    ? [fault]
    : [
        ok("key-id", `S3 knows it (from ${from})`),
        ok("secret", "it belongs to the key id"),
        ...(await probePermissions(bucket, probe, trial, hasStore)),
      ];
  const about = `bucket ${query.name}, slot ${slot.name}: the key ${keyEnd(slot)}`;
  const findings = findingsOn(about, results).map((one) =>
    isOfSlot(one) ? { ...one, from, key: keyEnd(slot) } : one,
  );
  return { findings, query: ofSlot, isAccepted: fault === undefined };
}

/** What is wrong with the secrets of slots that cannot be asked with. */
function checkSecrets(project: Project, query: S3Query, hasHealth: boolean): Observation[] {
  const { secrets, local, secretsFile, config } = project;
  const { usable, unusable } = slotsAtHand(project, query.name);
  const results = unusable.flatMap(({ slot, mistakes }) => {
    const names = secretNames(query.secretPrefix, slot);
    const from = Object.values(names)
      .map((name) => secrets.get(name)?.from)
      .find(Boolean);
    const place = from ?? "this machine";
    return mistakes.map(({ path: secret, message }) => {
      const value = secrets.get(secret)?.value;
      const isToken = secret === names.sessionToken;
      if (!isToken && !value?.startsWith("ASIA")) {
        const halves = fail("keys", {
          seen: `${secret} ${value === undefined ? "is missing" : message}`,
          impact: `slot ${slot} needs both of its secrets`,
          remedy: `correct it in ${place}, or remove all secrets of slot ${slot} there: the doctor cannot ask with half a key`,
        });
        return { ...halves, from };
      }
      if (local || place === secretsFile) {
        const temporary = fail("session", {
          seen: `${names.accessKeyId} is a temporary key: ${isToken ? `it has ${secret}` : "it begins with ASIA"}`,
          impact:
            "it expires within hours, and needs a header that the image edge does not pass on",
          remedy: `use a key of an IAM user (aws iam create-access-key --user-name vitrine): correct ${names.accessKeyId} in ${place}, and its secret, without a session token`,
        });
        return { ...temporary, from };
      }
      const session = fail("session", {
        severity: "warning",
        seen: `${place} has temporary credentials, as of an AWS session (${secret}): S3 is not asked with them`,
        impact: "they are those of a person, not the Worker's: deployed, they would break it",
        remedy: `deploy none of them. To check a key of S3, use --secrets-file secrets.env, or take them out of ${place}`,
      });
      return { ...session, from };
    });
  });
  if (usable.length > 0 || results.length > 0) return results;
  const { accessKeyId: id, secretAccessKey: secret } = secretNames(query.secretPrefix);
  if (config.buckets.some(({ name, role }) => name === query.name && role !== undefined)) {
    const role = "a role opens it, for the Worker alone: S3 is asked without a key";
    return [note("keys", `${role}. With a key of yours in ${id}, the doctor sees more`)];
  }
  const none = fail("keys", {
    severity: "warning",
    seen: "there are no keys at hand, so the doctor asks S3 without a key",
    impact: "the doctor cannot read the deployed secrets back, so it cannot check them",
    remedy: `put ${id} and ${secret} into the environment, or use --secrets-file secrets.env`,
  });
  return [{ ...none, ...(hasHealth && { severity: "note" }), from: "this machine" }];
}

/** S3's answers to those who may write: no such upload, or the part is not what it claims to be. */
const MAY_WRITE: readonly (string | undefined)[] = ["NoSuchUpload", "BadDigest"];
/** S3's answer to those who may not. Other codes, such as SignatureDoesNotMatch, say nothing about rights. */
const DENIED = "AccessDenied";

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
  if (strangers === undefined) return [];
  const [page, written] = await Promise.all([
    probe.list({ prefix: bucket.prefix, most: 1 }),
    probe.tryWriting(absent),
  ]);
  const least = `if it is the Worker's key, its policy needs only s3:GetObject on arn:aws:s3:::${bucket.bucket}/${bucket.prefix}*`;
  return [listing(), writing()];

  function listing(): Result {
    if ("objects" in page && hasStore)
      return ok("list", "the key may list the bucket, as the store needs it");
    if ("objects" in page) {
      return fail("list", {
        severity: "warning",
        seen: "the key may list the bucket (s3:ListBucket)",
        impact: "whoever steals the key learns the name of every object",
        remedy: `${least}. Keep it if the log should tell missing objects from denied ones`,
        bearing: "harmless",
      });
    }
    if (page.code === DENIED && hasStore) return cannotList(bucket);
    if (page.code === DENIED) return ok("list", `the key may not list the bucket (${DENIED})`);
    return note("list", `whether the key may list the bucket is unknown: ${answerText(page)}`);
  }

  function writing(): Result {
    // An S3 that says so to everyone has not looked at the key yet.
    const isLooked = MAY_WRITE.includes(written.code) && strangers?.code !== written.code;
    if (written.status === 200 || isLooked) {
      const left = `: this test left an empty object to remove, ${absent}`;
      return fail("write", {
        severity: "warning",
        seen:
          written.status === 200 ? `the key may write${left}` : "the key may write (s3:PutObject)",
        impact: "whoever steals the key can replace what all visitors see",
        remedy: least,
        bearing: "harmless",
      });
    }
    if (written.code === DENIED) return ok("write", "the key may not write");
    return note(
      "write",
      `whether the key may write to ${bucket.name} is unknown: ${answerText(written)}`,
    );
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
  { absent, strangers }: Trial,
): Promise<Result> {
  const key = known ?? absent;
  const [object, page] = await Promise.all([stranger.ask(key), stranger.list({ prefix, most: 1 })]);
  const canWrite = strangers?.status === 200;
  const mayWrite = strangers !== undefined && MAY_WRITE.includes(strangers.code);
  const acts = [
    ...(verdictOf(object, region).fault === "none" ? [`download ${key}`] : []),
    ...("objects" in page ? ["list it"] : []),
    ...(canWrite ? ["write to it"] : []),
  ];
  const impact = "who finds the bucket's name gets past Vitrine, which then protects nothing";
  const remedy = `aws s3api put-public-access-block --bucket ${bucket} --public-access-block-configuration BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true`;
  if (acts.length > 0) {
    const can = LIST.format(acts) + (mayWrite ? ", and perhaps write to it," : "");
    const left = canWrite ? `: this test left an empty object to remove, ${absent}` : "";
    const seen = `the bucket is public: anyone can ${can} without a key${left}`;
    return fail("public", { seen, impact, remedy, bearing: "harmless" });
  }
  if (mayWrite) {
    return fail("public", {
      severity: "warning",
      seen: `perhaps anyone can write to it: without a key, ${answerText(strangers)}`,
      ...{ impact, bearing: "harmless" },
      remedy: `${remedy}. If that is done already, this S3 gives everyone that answer`,
    });
  }
  const answers = "objects" in page ? [object] : [object, page];
  const isRefused = answers.every(({ status = 0 }) => status >= 400 && status < 500);
  if (isRefused && known !== undefined) {
    return ok("public", "it is private: S3 refuses requests without a key at this host");
  }
  const statuses = answers.map(({ status, failure }) => status ?? failure).join(" and ");
  const unknown = isRefused
    ? "without a key nobody may list it. Whether they may read is unknown: name an object that exists"
    : `whether the bucket is public is unknown: S3 answers ${statuses} without a key`;
  return note("public", unknown);
}
