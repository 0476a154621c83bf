// What S3 itself says, without the edge: of a bucket, of each of its slots, and of an object in it.

import type { Bucket } from "../../worker/config/bucket.ts";
import { secretNames } from "../../worker/config/secret-names.ts";
import { keyEnd, type Slot } from "../../worker/config/slot.ts";
import { verdictOf } from "../../worker/s3/verdict.ts";
import type { S3Answer } from "../net/ask-s3.ts";
import { type Operator, slotsAtHand } from "../project/operator.ts";
import { type Cause, type Check, type Finding, found, type Own, well } from "./finding.ts";
import { type Reader, readAs, type Watch } from "./reader.ts";
import { publicity, rightsOf } from "./rights.ts";
import { type Asked, failureCause, regionCause, sessionCause, slotCause } from "./s3-causes.ts";
import { examineSample, FIXTURE, findSample, type Sample } from "./sample.ts";

export type Examined = {
  readonly findings: readonly Finding[];
  /** An object that S3 gives to the key. */
  readonly sample: Sample | undefined;
};

/**
 * Examines a bucket, by the slots whose secrets are at hand.
 * @param keys objects of it to look at, below its prefix; none: one that is found
 * @param other true where /healthz tells of the keys that are deployed
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
  const own = (findings: readonly Own[]) => findings.map((finding) => ({ about, ...finding }));

  const stranger = readAs(bucket, undefined, watch);
  const greeted = await stranger.ask(absent);
  if (greeted.status === undefined) {
    return { findings: [found(about, failureCause(greeted, asked))], sample: undefined };
  }
  // What gives what cannot be there is no S3: nothing that it says means anything.
  const strange = verdictOf(greeted, region).fault === "none" && slotCause(greeted, asked);
  if (strange) return { findings: [found(about, strange)], sample: undefined };
  const tls = protocol === "https:" ? "over TLS" : "without TLS, as on one's own machine";
  const findings = [well(about, "reachable", `S3 answers, ${tls}`), ...clockOf(about, greeted)];

  // wrangler's S3 knows no policies.
  const strangely = isPlayed(operator) ? undefined : await stranger.tryWriting(absent);
  const { usable } = slotsAtHand(operator, name);
  findings.push(...unusableOf(operator, bucket, word, other));
  if (usable.length === 0) findings.push(...(await hintsOf(about, asked, greeted, stranger)));
  let working: { readonly slot: Slot; readonly reader: Reader } | undefined;
  for (const slot of usable) {
    const aboutSlot = `bucket ${name}, slot ${slot.name}: the key ${keyEnd(slot)}`;
    const from = operator.secrets.get(secretNames(word, slot.name).accessKeyId)?.from;
    const reader = readAs(bucket, slot.credentials, watch);
    const said = await reader.ask(absent);
    const right = isPlayed(operator) ? `${from}, as .dev.vars.example has it` : from;
    const cause = slotCause(said, { ...asked, slot: slot.name, from: right });
    if (cause !== undefined) {
      if (!isTold(cause, findings)) findings.push(found(aboutSlot, cause));
      continue;
    }
    findings.push(well(aboutSlot, "key-id", `S3 knows it (from ${from})`));
    findings.push(well(aboutSlot, "secret", "it signs rightly"));
    if (strangely !== undefined) {
      findings.push(...(await rightsOf(aboutSlot, bucket, reader, strangely, absent)));
    }
    working ??= { slot, reader };
  }

  let sample: Sample | undefined;
  if (working !== undefined) {
    const { reader, slot } = working;
    const sought = await findSample(bucket, reader, keys, isPlayed(operator));
    findings.push(...own(sought.findings));
    for (const key of sought.keys) {
      const examined = await examineSample({ ...asked, slot: slot.name }, bucket, reader, key);
      findings.push(...own([examined.finding]));
      sample ??= examined.sample;
    }
  }
  const [named] = keys;
  const fixture = isPlayed(operator) ? prefix + FIXTURE : undefined;
  const known = sample?.key ?? (named && prefix + named) ?? bucket.canary ?? fixture;
  findings.push(...own([await publicity(bucket, stranger, known, absent, strangely)]));
  return { findings: lessened(findings, working?.slot), sample };
}

/** True where `npm start` plays the buckets. */
export function isPlayed({ local, known }: Operator): boolean {
  return local && !known.local.has("BUCKETS");
}

/** True of what is no matter of one slot, and was found already. */
function isTold({ check }: Cause, findings: readonly Finding[]): boolean {
  const common: readonly Check[] = ["clock", "region", "bucket", "endpoint", "busy"];
  return (
    common.includes(check) && findings.some((one) => one.check === check && one.severity !== "ok")
  );
}

/** A slot that is refused is no more than a warning where the other one serves. */
function lessened(findings: readonly Finding[], working: Slot | undefined): Finding[] {
  const ofSlots: readonly Check[] = ["key-id", "secret", "session", "keys"];
  return findings.map((finding) => {
    const { check, severity } = finding;
    if (working === undefined || severity !== "error" || !ofSlots.includes(check)) return finding;
    return { ...finding, severity: "warning", why: `slot ${working.name} alone serves` };
  });
}

const MUCH_AHEAD_S = 300;
const MOST_AHEAD_S = 900; // A7

function clockOf(about: string, { ahead }: S3Answer): Finding[] {
  if (ahead === undefined) return [];
  const apart = `S3's clock is ${Math.abs(ahead)} s ${ahead < 0 ? "behind" : "ahead of"} the one here`;
  if (Math.abs(ahead) <= MUCH_AHEAD_S) return [well(about, "clock", apart)];
  return [
    found(about, {
      check: "clock",
      severity: Math.abs(ahead) >= MOST_AHEAD_S ? "error" : "warning",
      what: apart,
      why: "beyond 900 s S3 refuses every signature. The deployed Worker has Cloudflare's clock, which is right",
      remedy: "set this machine's clock: timedatectl set-ntp true",
    }),
  ];
}

/** What is wrong with the secrets of slots that cannot be asked with. */
function unusableOf(operator: Operator, { name }: Bucket, word: string, other: boolean): Finding[] {
  const about = `bucket ${name}: its keys`;
  const { usable, unusable } = slotsAtHand(operator, name);
  const begun = unusable.filter(({ slot }) =>
    Object.values(secretNames(word, slot)).some((secret) => operator.secrets.has(secret)),
  );
  const findings = begun.flatMap(({ slot, mistakes }) =>
    mistakes.map(({ path: secret, message }) =>
      /session/.test(message)
        ? found(about, sessionCause(secret, "it begins with ASIA"))
        : found(about, {
            check: "keys",
            what: `${secret} ${message.replace(/:.*/, "")}`,
            why: `slot ${slot} needs both of its secrets`,
            remedy: `put it beside the other one; and deployed: npx wrangler secret put ${secret}`,
          }),
    ),
  );
  if (usable.length > 0 || findings.length > 0) return findings;
  const { accessKeyId, secretAccessKey } = secretNames(word);
  return [
    {
      about,
      check: "keys",
      severity: other ? "note" : "warning",
      what: "none is at hand, so that S3 was asked as by a stranger alone",
      why: "whether they are right cannot be told: what wrangler has put cannot be read back",
      remedy: `put ${accessKeyId} and ${secretAccessKey} into the environment, or into a file: npx vitrine doctor --secrets-file secrets.env`,
    },
  ];
}

/** What can be told of a bucket without a key: whether it is there, and where (A5). */
async function hintsOf(
  about: string,
  asked: Asked,
  greeted: S3Answer,
  stranger: Reader,
): Promise<Finding[]> {
  const page = await stranger.list({ prefix: "", most: 1 });
  const region = "keys" in page ? undefined : page.region;
  if (region !== undefined && region !== asked.region)
    return [found(about, regionCause(asked, region))];
  const { status = 0, code } = greeted;
  if (code !== "NoSuchBucket" && status < 500) return [];
  const cause = slotCause(greeted, asked);
  return cause === undefined ? [] : [found(about, cause)];
}
