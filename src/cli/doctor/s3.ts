// What S3 itself says, without the edge, about a bucket, each of its slots, and an object in it.

import type { Bucket } from "../../worker/config/bucket.ts";
import { secretNames } from "../../worker/config/secret-names.ts";
import { keyEnd, type Slot } from "../../worker/config/slot.ts";
import { verdictOf } from "../../worker/s3/verdict.ts";
import type { S3Answer } from "../net/ask-s3.ts";
import { type Operator, slotsAtHand } from "../project/operator.ts";
import { type Check, isOfSlot } from "./checks/index.ts";
import { type Asked, apartness, diagnoseS3 } from "./diagnose-s3.ts";
import { type Diagnosis, diagnose, type Finding, found, well } from "./finding.ts";
import { type Reader, readAs, type Watch } from "./reader.ts";
import { publicity, rightsOf } from "./rights.ts";
import { examineSample, FIXTURE, findSample, type Sample } from "./sample.ts";

export type Examined = {
  readonly findings: readonly Finding[];
  /** An object that the key may read. */
  readonly sample: Sample | undefined;
};

/**
 * Examines a bucket, with the slots whose secrets are at hand.
 * @param keys objects of it to look at, below its prefix; none: the doctor looks for one
 * @param other whether /healthz reports on the deployed keys
 */
export async function examineBucket(
  operator: Operator,
  bucket: Bucket,
  keys: readonly string[],
  other: boolean,
  watch: Watch,
): Promise<Examined> {
  const { name, bucket: at, base, region, prefix } = bucket;
  const { host, protocol } = new URL(base);
  const about = `bucket ${name}: ${at} at ${host}`;
  const word = operator.words.get(name) ?? "AWS";
  const asked: Asked = { host, name, bucket: at, region, word, slot: "current", from: undefined };
  const absent = `${prefix}vitrine-doctor-${crypto.randomUUID()}`;
  const played = isPlayed(operator);
  const own = (findings: readonly Diagnosis[]) => findings.map((one) => ({ about, ...one }));

  const stranger = readAs(bucket, undefined, watch);
  const greeted = await stranger.ask(absent);
  const broken = hostFault(greeted, asked);
  if (broken !== undefined) return { findings: own([broken]), sample: undefined };
  const tls = protocol === "https:" ? "over TLS" : "without TLS, as on your own machine";
  const findings = [well(about, "reachable", `S3 answers, ${tls}`), ...clockOf(about, greeted)];

  // wrangler's S3 has no policies.
  const strangely = played ? undefined : await stranger.tryWriting(absent);
  const { usable } = slotsAtHand(operator, name);
  findings.push(...unusableOf(operator, bucket, word, other));
  if (usable.length === 0) findings.push(...own(await hintsOf(asked, greeted, stranger)));
  let working: { readonly slot: Slot; readonly reader: Reader } | undefined;
  for (const slot of usable) {
    const aboutSlot = `bucket ${name}, slot ${slot.name}: the key ${keyEnd(slot)}`;
    const from = operator.secrets.get(secretNames(word, slot.name).accessKeyId)?.from;
    const reader = readAs(bucket, slot.credentials, watch);
    const said = await reader.ask(absent);
    const right = played ? `${from}, as .dev.vars.example has it` : from;
    const fault = diagnoseS3(said, { ...asked, slot: slot.name, from: right });
    if (fault !== undefined) {
      if (!isReported(fault, findings)) findings.push({ about: aboutSlot, ...fault });
      continue;
    }
    findings.push(well(aboutSlot, "key-id", `S3 knows it (from ${from})`));
    findings.push(well(aboutSlot, "secret", "it belongs to the key id"));
    if (strangely !== undefined) {
      findings.push(...(await rightsOf(aboutSlot, bucket, reader, strangely, absent)));
    }
    working ??= { slot, reader };
  }

  let sample: Sample | undefined;
  if (working !== undefined) {
    const { reader, slot } = working;
    const sought = await findSample(bucket, reader, keys, played);
    if ("fault" in sought) findings.push(...own([sought.fault]));
    for (const key of "keys" in sought ? sought.keys : []) {
      const examined = await examineSample({ ...asked, slot: slot.name }, bucket, reader, key);
      findings.push(...own([examined.finding]));
      sample ??= examined.sample;
    }
  }
  const [named] = keys;
  const fixture = played ? prefix + FIXTURE : undefined;
  const known = sample?.key ?? (named && prefix + named) ?? bucket.canary ?? fixture;
  findings.push(await publicity(about, bucket, stranger, known, absent, strangely));
  return { findings: lessened(findings, working?.slot), sample };
}

/** Returns whether `npm start` simulates the buckets. */
export function isPlayed({ local, known }: Operator): boolean {
  return local && !known.local.has("BUCKETS");
}

/** What keeps the host from being an S3: nothing else that it says means anything then. */
function hostFault(greeted: S3Answer, asked: Asked): Diagnosis | undefined {
  const isStrange = verdictOf(greeted, asked.region).fault === "none";
  return greeted.status === undefined || isStrange ? diagnoseS3(greeted, asked) : undefined;
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

const MUCH_AHEAD_S = 300;
const MOST_AHEAD_S = 900; // A7

function clockOf(about: string, { ahead }: S3Answer): Finding[] {
  if (ahead === undefined) return [];
  const apart = apartness(ahead);
  const clock = found(about, "clock", { apart });
  if (Math.abs(ahead) <= MUCH_AHEAD_S) return [well(about, "clock", clock.what)];
  return [{ ...clock, severity: Math.abs(ahead) >= MOST_AHEAD_S ? "error" : "warning" }];
}

/** What is wrong with the secrets of slots that cannot be asked with. */
function unusableOf(operator: Operator, { name }: Bucket, word: string, other: boolean): Finding[] {
  const about = `bucket ${name}: its keys`;
  const { secrets } = operator;
  const { usable, unusable } = slotsAtHand(operator, name);
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

/** What can be said about a bucket without a key: whether it exists, and where (A5). */
async function hintsOf(asked: Asked, greeted: S3Answer, stranger: Reader): Promise<Diagnosis[]> {
  const page = await stranger.list({ prefix: "", most: 1 });
  const region = "keys" in page ? undefined : page.region;
  if (region !== undefined && region !== asked.region) {
    return [diagnose("region", { ...asked, right: region })];
  }
  const { status = 0, code } = greeted;
  if (code !== "NoSuchBucket" && status < 500) return [];
  const fault = diagnoseS3(greeted, asked);
  return fault === undefined ? [] : [fault];
}
