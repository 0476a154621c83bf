// What S3 itself says, without the edge, about a bucket, each of its slots, and an object in it.

import type { Bucket } from "../../worker/config/bucket.ts";
import { secretNames } from "../../worker/config/read-secrets.ts";
import { keyEnd } from "../../worker/config/slot.ts";
import { verdictOf } from "../../worker/origin/verdict.ts";
import { configuredName, isPlayed, type Project, slotsAtHand } from "../config/project.ts";
import type { S3Answer } from "../http/ask-s3.ts";
import { type CauseId, type Check, isOfSlot } from "./checks/index.ts";
import { type Clocks, diagnoseClock } from "./diagnose-clock.ts";
import { type Asked, diagnoseS3 } from "./diagnose-s3.ts";
import { fallbacksIn } from "./examine-fallbacks.ts";
import { examineObjects, FIXTURE, type Sample } from "./examine-objects.ts";
import {
  type Diagnosis,
  diagnose,
  type Finding,
  findingsOn,
  lessen,
  note,
  well,
} from "./finding.ts";
import type { Open, Reader } from "./reader.ts";
import { publicity, rightsOf, type Trial } from "./rights.ts";

/**
 * Examines a bucket, with the slots whose secrets are at hand.
 * @param keys objects of it to look at, below its prefix; none: the doctor looks for one
 * @param other whether /healthz reports on the deployed keys
 * @param site how far the site's clock is ahead: s
 * @returns what is found, and an object that the key may read
 */
export async function examineBucket(
  project: Project,
  given: Bucket,
  keys: readonly string[],
  other: boolean,
  site: Clocks["site"],
  open: Open,
): Promise<{ readonly findings: readonly Finding[]; readonly sample?: Sample | undefined }> {
  const bucket = { ...given, bucket: configuredName(project, given) };
  const { name, bucket: at, base, region, prefix } = bucket;
  const { host, protocol } = new URL(base);
  const about = `bucket ${name}: ${at} at ${host}`;
  const word = project.words.get(name) ?? "AWS";
  const played = isPlayed(project);
  const scope = played ? "local" : undefined;
  const slot = { slot: "current", from: undefined, scope } as const;
  const asked: Asked = { host, name, bucket: at, region, word, ...slot };
  const absent = `${prefix}vitrine-doctor-${crypto.randomUUID()}`;
  const stranger = open(undefined);
  const greeted = await stranger.ask(absent);
  // If the host is no S3, nothing else that it says means anything.
  const isStrange = greeted.status === undefined || verdictOf(greeted, region).fault === "none";
  const broken = isStrange ? diagnoseS3(greeted, asked) : undefined;
  if (broken !== undefined) return { findings: findingsOn(about, [broken]) };

  const trial = { absent, strangely: played ? undefined : await stranger.tryWriting(absent) };
  const { usable } = slotsAtHand(project, name);
  const tls = protocol === "https:" ? "over TLS" : "without TLS, as on your own machine";
  const clock = diagnoseClock({ s3: greeted.ahead, site }, host);
  const before = [
    ...findingsOn(about, [well("reachable", `S3 answers, ${tls}`), clock]),
    ...findingsOn(`bucket ${name}: its keys`, unusableOf(project, name, word, other)),
    ...findingsOn(about, usable.length > 0 ? [] : await hintsOf(asked, greeted, stranger)),
  ];
  const { findings, working } = await examineSlots(project, bucket, asked, open, trial, before);
  const { diagnoses = [], sample } = working
    ? await examineObjects(working.asked, bucket, working.reader, keys, played)
    : {};
  const fallbacks = working ? await fallbacksIn(project, bucket, working.reader) : [];
  const [named] = keys;
  const fixture = played ? prefix + FIXTURE : undefined;
  const known = sample?.key ?? (named && prefix + named) ?? bucket.canary ?? fixture;
  const access = await publicity(bucket, stranger, known, trial);
  const objects = [...diagnoses, ...fallbacks].map((one) =>
    OF_KEY.includes(one.cause) ? { ...one, from: working?.from } : one,
  );
  const all = [...findings, ...findingsOn(about, [...objects, access])];
  const lessened = all.map((finding) => {
    const isLess = working && finding.severity === "error" && isOfSlot(finding.check);
    return isLess ? lessen(finding, working.asked.slot) : finding;
  });
  return { findings: lessened, sample };
}

/** What can be said about a bucket without a key: whether it exists, and where (A5). */
async function hintsOf(asked: Asked, greeted: S3Answer, stranger: Reader): Promise<Diagnosis[]> {
  const page = await stranger.list({ prefix: "", most: 1 });
  const region = "objects" in page ? undefined : page.region;
  if (region !== undefined && region !== asked.region) {
    return [diagnose("region", { ...asked, right: region })];
  }
  const { status = 0, code } = greeted;
  if (code !== "NoSuchBucket" && status < 500) return [];
  const fault = diagnoseS3(greeted, asked);
  return fault === undefined ? [] : [fault];
}

type Working = {
  readonly asked: Asked;
  readonly reader: Reader;
  /** Where its key comes from. */
  readonly from: string | undefined;
};

/** What another key may see otherwise. */
const OF_KEY: readonly (CauseId | undefined)[] = [
  "sample",
  "no-sample",
  "not-listed",
  "object-denied",
  "fallback-denied",
];

/** @returns what was found before, and about each slot; and the first slot that S3 accepts */
async function examineSlots(
  project: Project,
  bucket: Bucket,
  asked: Asked,
  open: Open,
  trial: Trial,
  before: readonly Finding[],
): Promise<{ readonly findings: readonly Finding[]; readonly working: Working | undefined }> {
  const findings = [...before];
  let working: Working | undefined;
  for (const slot of slotsAtHand(project, asked.name).usable) {
    const about = `bucket ${asked.name}, slot ${slot.name}: the key ${keyEnd(slot)}`;
    const from = project.secrets.get(secretNames(asked.word, slot.name).accessKeyId)?.from;
    const isAtHand = !project.local && from !== project.secretsFile;
    const own: Asked = { ...asked, slot: slot.name, from, ...(isAtHand && { scope: "at-hand" }) };
    const reader = open(slot.credentials);
    const fault = diagnoseS3(await reader.ask(trial.absent), own);
    const diagnoses = fault ? [fault] : [well("key-id", `S3 knows it (from ${from})`)];
    if (!fault) diagnoses.push(well("secret", "it belongs to the key id"));
    const hasStore = !project.local && project.config.store !== undefined;
    if (!fault) diagnoses.push(...(await rightsOf(bucket, reader, trial, hasStore)));
    const isNew = ({ check }: Diagnosis) =>
      !SHARED.includes(check) ||
      findings.every((one) => one.check !== check || one.severity === "ok");
    const found = findingsOn(about, diagnoses.filter(isNew));
    const key = { from, key: keyEnd(slot) };
    findings.push(...found.map((one) => (isOfSlot(one.check) ? { ...one, ...key } : one)));
    if (fault === undefined) working ??= { asked: own, reader, from };
  }
  return { findings, working };
}

/** What concerns the whole bucket, so one slot is enough to report it. */
const SHARED: readonly Check[] = ["clock", "region", "bucket", "endpoint", "busy"];

/** What is wrong with the secrets of slots that cannot be asked with. */
function unusableOf(project: Project, bucket: string, word: string, other: boolean): Diagnosis[] {
  const { secrets, local, secretsFile } = project;
  const { usable, unusable } = slotsAtHand(project, bucket);
  const found = unusable.flatMap(({ slot, mistakes }) =>
    mistakes.map(({ path: secret, message }) => {
      const names = secretNames(word, slot);
      const value = secrets.get(secret)?.value;
      const place = Object.values(names)
        .map((name) => secrets.get(name)?.from)
        .find((from) => from !== undefined);
      const own = { from: place };
      const facts = { ...names, slot, place: place ?? "this machine" };
      const isSession = secret === names.sessionToken || value?.startsWith("ASIA");
      if (isSession && !local && place !== secretsFile) {
        return { ...diagnose("session-at-hand", { ...facts, sign: secret }), ...own };
      }
      if (isSession) {
        const sign = secret === names.sessionToken ? `it has ${secret}` : "it begins with ASIA";
        const putId = `correct ${names.accessKeyId} in ${facts.place}`;
        return { ...diagnose("session", { id: names.accessKeyId, sign, putId }), ...own };
      }
      const fault = value === undefined ? "is missing" : message;
      return { ...diagnose("keys", { ...facts, secret, fault }), ...own };
    }),
  );
  if (usable.length > 0 || found.length > 0) return found;
  const { accessKeyId: id, secretAccessKey: secret } = secretNames(word);
  if (project.config.buckets.some(({ name, role }) => name === bucket && role !== undefined)) {
    const whose = "a role opens it, for the Worker alone: S3 is asked without a key";
    return [note("keys", `${whose}. With a key of yours in ${id}, the doctor sees more`)];
  }
  const none = diagnose("no-keys-at-hand", { id, secret });
  return [{ ...none, ...(other && { severity: "note" }), from: "this machine" }];
}
