// Checks by what /healthz says whether each slot of the Worker opens its bucket, and may list it. A key at hand is compared
// with the Worker's before anything is blamed: most often the Worker has another one.

import type { Bucket } from "../../worker/config/bucket.ts";
import { isSecret } from "../../worker/config/read-secrets.ts";
import { maskKeyId } from "../../worker/config/slot.ts";
import type { S3Reply } from "../../worker/http/s3-reply.ts";
import type { BucketHealth } from "../../worker/operator.ts";
import type { RoleHealth, SlotHealth } from "../../worker/origin/health.ts";
import { page } from "../command.ts";
import { secretNamesOf } from "../config/buckets.ts";
import { configuredBucket, type Project, sourceOfVariable } from "../config/project.ts";
import { commandFor } from "../wrangler/config-file.ts";
import { workerText } from "../wrangler/settings.ts";
import { error, type Finding, note, ok, type Problem, type Subject, warning } from "./finding.ts";
import { describeKeyRefusal } from "./keys.ts";
import { describeListNeed, needsList } from "./list-right.ts";
import type { Observations } from "./observations.ts";
import type { BucketSeen, KeySeen } from "./observe-bucket.ts";
import { explainRefusedObject } from "./refused-object.ts";
import { explainBucketFault, isKeyAccepted, meaningOfReply } from "./s3-reply.ts";

/** What /healthz says of the slots of a bucket, or of its R2 binding. */
export function checkWorkerSlots(
  observations: Observations,
  bucketSeen: BucketSeen,
  { slots, r2 }: BucketHealth,
): Finding[] {
  const { bucket } = bucketSeen;
  const prefix = `${observations.site?.baseUrl}: bucket ${bucket.name}`;
  if (r2 !== undefined) {
    const subject = { about: `${prefix}, its binding`, bucket: bucket.name };
    return [checkBinding(subject, r2)];
  }

  const hasWorking = slots.some(({ state }) => state === "ok");
  return slots.flatMap((slot) => {
    const slotName = `${prefix}, slot ${slot.slot}`;
    const { access_key: key } = slot;
    const about = key === undefined ? slotName : `${slotName}: the key ${key}`;
    const subject = { about, bucket: bucket.name };
    return checkWorkerSlot(observations, subject, bucketSeen, slot, hasWorking);
  });
}

/** @param state `ok`, or `unreachable` */
function checkBinding(subject: Subject, state: string): Finding {
  if (state === "ok") return ok("r2", subject, "R2 answers the Worker");

  return error("r2", subject, {
    seen: `R2 does not answer the Worker (${state})`,
    remedy:
      "wait a minute, then run the doctor again, and see https://www.cloudflarestatus.com. If it stays, look in the dashboard, R2, whether the bucket is there",
  });
}

/** @param hasWorking whether any slot of the bucket works */
function checkWorkerSlot(
  observations: Observations,
  subject: Subject,
  bucketSeen: BucketSeen,
  slot: SlotHealth,
  hasWorking: boolean,
): Finding[] {
  if (slot.state === "ok") {
    return [ok("health", subject, "it works"), ...compareWorkingKey(subject, bucketSeen, slot)];
  }

  const fault = explainSlot(observations, bucketSeen, slot, hasWorking);
  if (fault === undefined) return [];

  const { check, ...problem } = fault;
  const report = hasWorking ? warning : error;
  return [report(check, subject, problem)];
}

/** Another key at hand than the Worker's is no fault, but explains what the doctor finds of it. */
function compareWorkingKey(
  subject: Subject,
  { keys }: BucketSeen,
  { slot, access_key: workerKey }: SlotHealth,
): Finding[] {
  const key = keys.find((keySeen) => keySeen.slot.name === slot);
  if (key === undefined || workerKey === undefined) return [];

  const maskedId = maskKeyId(key.slot);
  if (maskedId === workerKey) return [];

  const text = `the Worker has another key (${workerKey}) than ${key.source} (${maskedId}): what is found of that one is not about the Worker`;
  return [note("keys", subject, text)];
}

type SlotFault = Pick<Finding, "check"> & Problem;

/** Why a slot of the Worker does not work. @returns undefined if a deploy of wrangler.toml changes it */
function explainSlot(
  observations: Observations,
  bucketSeen: BucketSeen,
  slot: SlotHealth,
  hasWorking: boolean,
): SlotFault | undefined {
  const { project, site } = observations;
  if (slot.state === "incomplete") return explainIncompleteSlot(project, bucketSeen.bucket, slot);

  // Findings name the bucket as wrangler.toml does, also in the local run.
  const { bucket: bucketName } = configuredBucket(project, bucketSeen.bucket);
  const bucket = { ...bucketSeen.bucket, bucket: bucketName };
  const reply = replyOf(slot);
  const meaning = meaningOfReply(reply, bucket);
  switch (meaning.kind) {
    case "bucket-fault": {
      const fault = explainBucketFault(meaning.check, reply, bucket, project);

      // The doctor says already that wrangler.toml is not deployed.
      if (fault.needsDeploy && site?.hasThisConfiguration === false) return undefined;

      if (fault.check !== "clock") return fault;
      return { check: "clock", seen: fault.seen, remedy: remedyOfWorkerClock(bucketSeen) };
    }

    case "key-refused":
      return explainRefusedKey(observations, bucketSeen, slot, meaning.code, hasWorking);

    case "accepted":
      return explainDeniedCanary(observations, bucketSeen, slot);

    default:
      return meaning satisfies never;
  }
}

/** S3 and the Worker differ. Where S3 and this machine agree, it is the Worker's clock. */
function remedyOfWorkerClock({ bucket, keys }: BucketSeen): string {
  const { host } = new URL(bucket.baseUrl);
  const agrees = keys.some(({ absentReply }) => isKeyAccepted(absentReply, bucket));
  if (agrees) {
    return "wait, and see https://www.cloudflarestatus.com: the Worker's clock is Cloudflare's";
  }
  return `set the clock of ${host}, or tell whoever runs it: the Worker's clock is Cloudflare's`;
}

/** The reply of S3 that a slot's state stands for: a status, a code of S3, or `unreachable`. */
function replyOf(slot: SlotHealth): S3Reply & { readonly failure: string } {
  const { state, answered, region, clock } = slot;
  const failure = "the Worker cannot reach it";
  const details = {
    failure,
    ...(region !== undefined && { region }),
    ...(clock !== undefined && { ahead: clock }),
  };

  const isStatus = /^\d+$/.test(state);
  if (isStatus) return { ...details, status: Number(state) };

  const reply = { ...details, ...(answered !== undefined && { status: answered }) };
  return state === "unreachable" ? reply : { ...reply, code: state };
}

/** The Worker has a part of a key alone, or secrets that it cannot use. */
function explainIncompleteSlot(
  project: Project,
  bucket: Bucket,
  { slot, mistakes = [] }: SlotHealth,
): SlotFault {
  const { envConfig, isLocalRun } = project;
  const { accessKeyId, secretAccessKey } = secretNamesOf(bucket, slot);
  const texts = mistakes.map((mistake) => workerText(envConfig, mistake));
  const seen = `slot ${slot} is incomplete: ${texts.join("; ")}`;
  if (isLocalRun) {
    const remedy = `correct ${accessKeyId} and ${secretAccessKey} in ${envConfig.devVars}`;
    return { check: "keys", seen, remedy };
  }

  const wrongNames = mistakes.map(secretIn).filter((name) => name !== undefined);
  const namesToPut = wrongNames.length > 0 ? wrongNames : [accessKeyId, secretAccessKey];
  const put = commandFor(envConfig, "npx wrangler secret put");
  const puts = namesToPut.map((name) => `${put} ${name}`).join(" and ");

  // If nobody rotates, the half that is there may go.
  const remove = commandFor(envConfig, "npx wrangler secret delete");
  const others = [accessKeyId, secretAccessKey].filter((name) => !namesToPut.includes(name));
  const removals = others.map((name) => `${remove} ${name}`).join(" and ");
  const mayGo = slot === "next" && others.length > 0;
  const remedy = mayGo ? `${puts}. Or, if nobody rotates, ${removals}` : puts;
  return { check: "keys", seen, remedy };
}

/** The secret that a mistake such as `AWS_ACCESS_KEY_ID: is missing` is about. Another server may have written it. */
function secretIn(mistake: string): string | undefined {
  const [name = ""] = mistake.split(":", 1);
  return isSecret(name) ? name : undefined;
}

/** S3 does not accept the Worker's key. */
function explainRefusedKey(
  observations: Observations,
  bucketSeen: BucketSeen,
  slot: SlotHealth,
  code: string,
  hasWorking: boolean,
): SlotFault {
  const { project } = observations;
  const { bucket } = bucketSeen;
  const refusal = describeKeyRefusal(code);
  const better = findBetterKey(observations, bucketSeen, slot);
  if (better !== undefined) {
    const text = `${refusal.seen}. ${better.seen}`;
    return { check: refusal.check, seen: text, remedy: better.remedy };
  }

  const remedy = hasWorking
    ? remedyOfSpareSlot(project, bucket, slot)
    : remedyOfOnlySlot(project, bucket, slot, code);
  return { ...refusal, remedy };
}

/** In a rotation, a key is deactivated on purpose: perhaps because it has leaked. */
function remedyOfSpareSlot(project: Project, bucket: Bucket, { slot }: SlotHealth): string {
  const { isLocalRun, envConfig } = project;
  if (isLocalRun) return correctLocalSecrets(project, bucket, slot);

  const rotate = commandFor(envConfig, "npx vitrine rotate");
  return `the other slot works, so visitors miss nothing. Finish the rotation with a key that is active: ${rotate} (${page("docs/rotate.md")}). A key that somebody deactivated on purpose stays so`;
}

/** @param code with which S3 refuses the key */
function remedyOfOnlySlot(
  project: Project,
  bucket: Bucket,
  { slot, access_key: key = "the key" }: SlotHealth,
  code: string,
): string {
  const { isLocalRun, envConfig } = project;
  if (isLocalRun) return correctLocalSecrets(project, bucket, slot);

  const { accessKeyId, secretAccessKey, sessionToken } = secretNamesOf(bucket, slot);
  const put = commandFor(envConfig, "npx wrangler secret put");
  const rotate = commandFor(envConfig, "npx vitrine rotate");
  if (code === "SignatureDoesNotMatch") {
    return `put both secrets of one key: ${put} ${accessKeyId} and ${put} ${secretAccessKey}. Or ${rotate}`;
  }

  // The three secrets of a session expire together (A11).
  const isSession = code === "ExpiredToken" || code === "InvalidToken";
  if (isSession && bucket.engine === "binding") {
    return `put both secrets of one key: ${put} ${accessKeyId} and ${put} ${secretAccessKey}, and ${put} ${sessionToken}, all three of one new session`;
  }

  return `if somebody deactivated ${key} by mistake, and not because it leaked, activate it again at the provider (at AWS, aws iam list-access-keys --user-name USER lists the keys of its user). Else make a new key for that user: ${rotate}, or put both secrets of one key: ${put} ${accessKeyId} and ${put} ${secretAccessKey}`;
}

function correctLocalSecrets(
  { envConfig }: Project,
  bucket: Bucket,
  slot: SlotHealth["slot"],
): string {
  const { accessKeyId, secretAccessKey } = secretNamesOf(bucket, slot);
  return `correct ${accessKeyId} and ${secretAccessKey} in ${envConfig.devVars}`;
}

/** S3 accepts the Worker's key, and denies it the canary. */
function explainDeniedCanary(
  observations: Observations,
  bucketSeen: BucketSeen,
  slot: SlotHealth,
): SlotFault | undefined {
  const { project, site } = observations;
  const { state, missing, access_key: key = "the key" } = slot;
  const check = "sample";

  const better = findBetterKey(observations, bucketSeen, slot);
  if (better?.isOtherKey) {
    const text = `S3 denies the canary to the Worker (${state}). ${better.seen}`;
    return { check, seen: text, remedy: better.remedy };
  }

  // The same key reads the canary that wrangler.toml names, so the Worker has another canary. The doctor says already to deploy.
  if (better !== undefined && site?.hasThisConfiguration === false) return undefined;

  const problem = explainRefusedObject({
    name: "the canary",
    bucket: bucketSeen.bucket,
    reply: replyOf(slot),
    mayList: missing === 404,
    keyName: `${key} of the Worker`,
    envConfig: project.envConfig,
    file: sourceOfVariable(project, "BUCKETS"),
  });
  return { check, ...problem };
}

type BetterKey = {
  readonly seen: string;
  readonly remedy: string;
  /** False: it has the same id, so the Worker may have another secret. */
  readonly isOtherKey: boolean;
};

/** A key at hand that opens the bucket, where the Worker's does not: most often the Worker has another one. */
function findBetterKey(
  observations: Observations,
  { bucket, keys, samples }: BucketSeen,
  { slot, access_key: workerKey }: SlotHealth,
): BetterKey | undefined {
  const key = keys.find((keySeen) => keySeen.slot.name === slot);
  if (key === undefined || workerKey === undefined) return undefined;
  if (!isKeyAccepted(key.absentReply, bucket)) return undefined;

  // A key that may not read, or that is another environment's, is no better.
  const isDenied = samples.some(({ reply }) => reply !== undefined && reply.bytes === undefined);
  if (isDenied || observations.keyOwners.has(key.slot.credentials.accessKeyId)) return undefined;

  const { source } = key;
  const maskedId = maskKeyId(key.slot);
  const remedy = remedyByBetterKey(observations.project, bucket, key);
  if (maskedId === workerKey) {
    const text = `${source} has a secret for ${maskedId} that S3 accepts: the Worker has another secret`;
    return { seen: text, remedy, isOtherKey: false };
  }

  const text = `The Worker has another key (${workerKey}) than ${source} (${maskedId}), which S3 accepts`;
  return { seen: text, remedy, isOtherKey: true };
}

function remedyByBetterKey(project: Project, bucket: Bucket, { slot, source }: KeySeen): string {
  const { envConfig, secretsFile } = project;
  const { accessKeyId, secretAccessKey } = secretNamesOf(bucket, slot.name);

  // The key of a shell may be the operator's own, which may do much more.
  if (source !== secretsFile) {
    const put = commandFor(envConfig, "npx wrangler secret put");
    return `if that is the key which was made for this Worker, put it: ${put} ${accessKeyId} and ${put} ${secretAccessKey}. Else put the right one`;
  }

  const deploy = commandFor(envConfig, "npx vitrine deploy");
  const others = unprovenSecrets(project, source, [accessKeyId, secretAccessKey]);
  if (others.length === 0) return `deploy it: ${deploy} --secrets-file ${source}`;
  return `deploy it: ${deploy} --secrets-file ${source}. It sets ${others.join(", ")}, too: make sure that these are right, because signed URLs and your monitoring depend on them`;
}

/** The other secrets that a file would set. If the Worker has just accepted its token, it is the Worker's file: none. */
function unprovenSecrets(
  { secrets }: Project,
  file: string,
  keyNames: readonly string[],
): readonly string[] {
  if (secrets.get("HEALTH_TOKEN")?.source === file) return [];

  const names = [...secrets.keys()].filter((name) => secrets.get(name)?.source === file);
  return names.filter((name) => !keyNames.includes(name));
}

/** Whether the Worker's key or role may list, where that is needed: S3 answers 403 for what is missing if not (A6). */
export function checkWorkerListRight(
  observations: Observations,
  { bucket }: BucketSeen,
  { slots, role }: BucketHealth,
): Finding[] {
  const need = needsList(observations.project, bucket);
  if (need === "none") return [];

  const slot = slots.find(mayOnlyRead);
  const isRoleDenied = role !== undefined && mayOnlyRead(role);
  if (slot === undefined && !isRoleDenied) return [];

  const owner = role ? `the role ${role.role}` : `the user of the Worker's key ${slot?.access_key}`;
  const subject = {
    about: `${observations.site?.baseUrl}: bucket ${bucket.name}`,
    bucket: bucket.name,
  };
  const problem = describeListNeed(bucket, need, owner);
  const report = need === "follower" ? error : warning;
  return [report("list", subject, problem)];
}

/** A credential that may not even read the canary may be the wrong one: it must not get a right. */
function mayOnlyRead({ state, missing }: SlotHealth | RoleHealth): boolean {
  return state === "ok" && missing === 403;
}
