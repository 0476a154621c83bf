// What S3 itself says, without the edge, about a bucket, each of its slots, and an object in it.

import type { Bucket } from "../../worker/config/bucket.ts";
import { secretNames } from "../../worker/config/secret-names.ts";
import { keyEnd, type Slot } from "../../worker/config/slot.ts";
import type { S3Answer } from "../net/ask-s3.ts";
import { type Project, slotsAtHand } from "../project/project.ts";
import { type Check, isOfSlot } from "./checks/index.ts";
import { type Asked, diagnoseS3 } from "./diagnose-s3.ts";
import { type Diagnosis, type Finding, found, well } from "./finding.ts";
import { clockOf, hintsOf, hostFault } from "./greeting.ts";
import { type Reader, readAs, type Watch } from "./reader.ts";
import { publicity, rightsOf } from "./rights.ts";
import { examineSample, FIXTURE, findSample, type Sample } from "./sample.ts";

export type Examined = {
  readonly findings: readonly Finding[];
  /** An object that the key may read. */
  readonly sample: Sample | undefined;
};

/** What is asked about a bucket, and by whom. */
type Case = {
  readonly project: Project;
  readonly bucket: Bucket;
  readonly asked: Asked;
  readonly watch: Watch;
  /** Asks without a key. */
  readonly stranger: Reader;
  /** The key of an object that does not exist. */
  readonly absent: string;
  /** What S3 said to a write without a key; undefined: wrangler's S3 has no policies to try. */
  readonly strangely: S3Answer | undefined;
};

type Working = { readonly slot: Slot; readonly reader: Reader };

/**
 * Examines a bucket, with the slots whose secrets are at hand.
 * @param keys objects of it to look at, below its prefix; none: the doctor looks for one
 * @param other whether /healthz reports on the deployed keys
 */
export async function examineBucket(
  project: Project,
  bucket: Bucket,
  keys: readonly string[],
  other: boolean,
  watch: Watch,
): Promise<Examined> {
  const { name, bucket: at, base, region, prefix } = bucket;
  const { host, protocol } = new URL(base);
  const about = `bucket ${name}: ${at} at ${host}`;
  const word = project.words.get(name) ?? "AWS";
  const asked: Asked = { host, name, bucket: at, region, word, slot: "current", from: undefined };
  const absent = `${prefix}vitrine-doctor-${crypto.randomUUID()}`;
  const stranger = readAs(bucket, undefined, watch);
  const greeted = await stranger.ask(absent);
  const broken = hostFault(greeted, asked);
  if (broken !== undefined) return { findings: [{ about, ...broken }], sample: undefined };
  const tls = protocol === "https:" ? "over TLS" : "without TLS, as on your own machine";
  const greeting = [well(about, "reachable", `S3 answers, ${tls}`), ...clockOf(about, greeted)];

  const played = isPlayed(project);
  const strangely = played ? undefined : await stranger.tryWriting(absent);
  const examined: Case = { project, bucket, asked, watch, stranger, absent, strangely };
  const { usable } = slotsAtHand(project, name);
  const hints = usable.length > 0 ? [] : await hintsOf(asked, greeted, stranger);
  const before = [
    ...greeting,
    ...unusableOf(project, bucket, word, other),
    ...hints.map((hint) => ({ about, ...hint })),
  ];
  const { findings, working } = await examineSlots(examined, usable, before);
  const objects = working && (await examineObjects(examined, working, keys));
  const [named] = keys;
  const fixture = played ? prefix + FIXTURE : undefined;
  const known = objects?.sample?.key ?? (named && prefix + named) ?? bucket.canary ?? fixture;
  const all = [
    ...findings,
    ...(objects?.diagnoses ?? []).map((one) => ({ about, ...one })),
    await publicity(about, bucket, stranger, known, absent, strangely),
  ];
  return { findings: lessened(all, working?.slot), sample: objects?.sample };
}

/** @returns what was found before, and about each slot; and the first slot that S3 accepts */
async function examineSlots(
  { project, bucket, asked, watch, absent, strangely }: Case,
  slots: readonly Slot[],
  before: readonly Finding[],
): Promise<{ readonly findings: readonly Finding[]; readonly working: Working | undefined }> {
  const findings = [...before];
  let working: Working | undefined;
  for (const slot of slots) {
    const about = `bucket ${bucket.name}, slot ${slot.name}: the key ${keyEnd(slot)}`;
    const from = project.secrets.get(secretNames(asked.word, slot.name).accessKeyId)?.from;
    const right = isPlayed(project) ? `${from}, as .dev.vars.example has it` : from;
    const reader = readAs(bucket, slot.credentials, watch);
    const said = await reader.ask(absent);
    const fault = diagnoseS3(said, { ...asked, slot: slot.name, from: right });
    if (fault !== undefined) {
      if (!isReported(fault, findings)) findings.push({ about, ...fault });
      continue;
    }
    findings.push(well(about, "key-id", `S3 knows it (from ${from})`));
    findings.push(well(about, "secret", "it belongs to the key id"));
    if (strangely !== undefined) {
      findings.push(...(await rightsOf(about, bucket, reader, strangely, absent)));
    }
    working ??= { slot, reader };
  }
  return { findings, working };
}

/** @returns a finding for each object, and the first one that the key may read */
async function examineObjects(
  { project, bucket, asked }: Case,
  { slot, reader }: Working,
  keys: readonly string[],
): Promise<{ readonly diagnoses: readonly Diagnosis[]; readonly sample: Sample | undefined }> {
  const sought = await findSample(bucket, reader, keys, isPlayed(project));
  if ("fault" in sought) return { diagnoses: [sought.fault], sample: undefined };
  const diagnoses: Diagnosis[] = [];
  let sample: Sample | undefined;
  for (const key of sought.keys) {
    const examined = await examineSample({ ...asked, slot: slot.name }, bucket, reader, key);
    diagnoses.push(examined.finding);
    sample ??= examined.sample;
  }
  return { diagnoses, sample };
}

/** Returns whether `npm start` simulates the buckets. */
export function isPlayed({ local, known }: Project): boolean {
  return local && !known.local.has("BUCKETS");
}

/** What concerns the whole bucket, so one slot is enough to report it. */
const SHARED: readonly Check[] = ["clock", "region", "bucket", "endpoint", "busy"];

/** Returns whether it was found already, by another slot or without a key. */
function isReported({ check }: Diagnosis, findings: readonly Finding[]): boolean {
  return (
    SHARED.includes(check) && findings.some((one) => one.check === check && one.severity !== "ok")
  );
}

/** A slot that S3 refuses is only a warning if the other one works. */
function lessened(findings: readonly Finding[], working: Slot | undefined): Finding[] {
  return findings.map((finding) => {
    const { check, severity } = finding;
    if (working === undefined || severity !== "error" || !isOfSlot(check)) return finding;
    return { ...finding, severity: "warning", why: `only slot ${working.name} works` };
  });
}

/** What is wrong with the secrets of slots that cannot be asked with. */
function unusableOf(project: Project, { name }: Bucket, word: string, other: boolean): Finding[] {
  const about = `bucket ${name}: its keys`;
  const { secrets } = project;
  const { usable, unusable } = slotsAtHand(project, name);
  const begun = unusable.filter(({ slot }) =>
    Object.values(secretNames(word, slot)).some((secret) => secrets.has(secret)),
  );
  const findings = begun.flatMap(({ slot, mistakes }) =>
    mistakes.map(({ path: secret, message }) => {
      const value = secrets.get(secret)?.value;
      if (value?.startsWith("ASIA") && secret === secretNames(word, slot).accessKeyId) {
        return found(about, "session", { id: secret, sign: "it begins with ASIA" });
      }
      const fault = value === undefined ? "is missing" : message;
      return found(about, "keys", { secret, slot, fault });
    }),
  );
  if (usable.length > 0 || findings.length > 0) return findings;
  const { accessKeyId: id, secretAccessKey: secret } = secretNames(word);
  const none = found(about, "no-keys-at-hand", { id, secret });
  return [other ? { ...none, severity: "note" } : none];
}
