// Asks S3 before a deploy: without a key, whether each bucket is there, and with each key of the file, what it opens. A
// deploy that cannot work is refused, above all one with the key of another environment: it would take the place of a key
// that works, and no roll-back of a commit brings that one back. What proves nothing warns: a deploy must be possible
// while S3 is down. Only GETs are sent. No message holds any part of a secret.

import type { Bucket } from "../../worker/config/bucket.ts";
import type { Config } from "../../worker/config/config.ts";
import { maskKeyId, type Slot } from "../../worker/config/slot.ts";
import { verdictOf } from "../../worker/origin/verdict.ts";
import { type CommandFault, log, page, type World } from "../command.ts";
import { hasSecrets, listNeedOf, slotsIn } from "../config/buckets.ts";
import type { EnvironmentConfig } from "../config/environment-config.ts";
import { askWithKey, type KeyAnswer } from "../objects/ask-with-key.ts";
import { findKeyOwner, type KeyOwner } from "../objects/find-key-owner.ts";
import { listPage } from "../objects/list-page.ts";
import type { SecretValues } from "../secrets/secrets.ts";
import { configFileText, environmentText } from "../wrangler/config-file.ts";

/** What is about to be deployed. */
export type Deployment = {
  readonly envConfig: EnvironmentConfig;
  readonly config: Config;
  readonly secrets: SecretValues;
  /** The file that has the secrets. */
  readonly secretsFile: string | undefined;
};

/** What S3 answers about a bucket without a key. */
type BucketProbe = {
  readonly bucket: Bucket;
  readonly answer: KeyAnswer;
};

/** What S3 answers to a key of the file. */
type KeyProbe = BucketProbe & {
  readonly slot: Slot;
  /** Of a key that opens the bucket, and needs the right to list it: whether S3 denies that. */
  readonly cannotList?: boolean;
  /** Of a key to which S3 denies the canary: whether S3 lists it. Undefined: it may not list, or there is no canary. */
  readonly isListed?: boolean | undefined;
  /** Of a key that does not open the bucket: whose key it is. Undefined: not known. */
  readonly owner?: KeyOwner | undefined;
  /** The same: another bucket of this environment that it opens. */
  readonly sibling?: Bucket | undefined;
};

/** Says what S3 thinks of each key. @returns why nothing may be deployed */
export async function checkS3(
  world: World,
  deployment: Deployment,
): Promise<CommandFault | undefined> {
  const { envConfig, config, secretsFile } = deployment;
  const buckets = config.buckets.filter(({ r2 }) => r2 === undefined);
  const keys = keysOf(deployment);

  const now = world.now();
  const [bucketProbes, keyProbes] = await Promise.all([
    Promise.all(buckets.map((bucket) => probeBucket(bucket, now))),
    Promise.all(keys.map((key) => probeKey(world, deployment, key))),
  ]);

  const bucketMistakes = findBucketMistakes(world, envConfig, [...bucketProbes, ...keyProbes]);
  if (bucketMistakes.length > 0) return refuse(envConfig.file, bucketMistakes);

  const keyMistakes: string[] = [];
  for (const probe of keyProbes) {
    const withoutKey = bucketProbes.find(({ bucket }) => bucket === probe.bucket);
    const isPublic = withoutKey?.answer.kind === "opens";
    const { kind, text } = judgeKey(probe, deployment, isPublic);
    if (kind === "mistake") keyMistakes.push(text);
    else log(world.stderr, text);
  }
  if (keyMistakes.length > 0) return refuse(`${secretsFile}`, keyMistakes);

  // What S3 answers to a key is printed already.
  const bucketsWithKey = keys.map(({ bucket }) => bucket);
  for (const probe of bucketProbes) {
    if (!isUnanswered(probe) || bucketsWithKey.includes(probe.bucket)) continue;

    log(
      world.stderr,
      `Warning: whether there is a bucket ${probe.bucket.bucket} is not known: ${replyText(probe)}`,
    );
  }
  return undefined;
}

export function refuse(file: string, mistakes: readonly string[]): CommandFault {
  const lines = [`${file} is wrong. Nothing is deployed:`, ...new Set(mistakes)];
  return { fault: lines.join("\n  ") };
}

/** A key of the file, and the bucket that it has to open. */
type BucketWithKey = {
  readonly bucket: Bucket;
  readonly slot: Slot;
};

function keysOf({ config, secrets }: Deployment): BucketWithKey[] {
  const keys: BucketWithKey[] = [];
  for (const bucket of config.buckets.filter(hasSecrets)) {
    const { usable } = slotsIn(secrets, bucket);
    for (const slot of usable) keys.push({ bucket, slot });
  }
  return keys;
}

async function probeBucket(bucket: Bucket, now: number): Promise<BucketProbe> {
  return { bucket, answer: await askWithKey(bucket, undefined, now) };
}

async function probeKey(
  world: World,
  { envConfig, config }: Deployment,
  { bucket, slot }: BucketWithKey,
): Promise<KeyProbe> {
  const { credentials } = slot;
  const now = world.now();
  const answer = await askWithKey(bucket, credentials, now);

  if (answer.kind === "opens") {
    if (listNeedOf(config, bucket) === "none") return { bucket, slot, answer };

    const page = await listPage(bucket, credentials, { prefix: bucket.prefix, maxKeys: 1 }, now);
    const cannotList = page.kind === "no-page" && page.answer.code === "AccessDenied";
    return { bucket, slot, answer, cannotList };
  }

  const [isListed, owner, sibling] = await Promise.all([
    answer.kind === "denied" ? isCanaryListed(bucket, slot, now) : undefined,
    findKeyOwner({ folder: world.folder, envConfig }, credentials, now),
    findSibling(config, bucket, slot, now),
  ]);
  return { bucket, slot, answer, isListed, owner, sibling };
}

async function isCanaryListed(
  bucket: Bucket,
  slot: Slot,
  now: number,
): Promise<boolean | undefined> {
  const { canary } = bucket;
  if (canary === undefined) return undefined;

  const page = await listPage(bucket, slot.credentials, { prefix: canary, maxKeys: 1 }, now);
  if (page.kind === "no-page") return undefined;
  return page.objects.some((object) => object.key === canary);
}

/** Finds the bucket of the same environment whose key this is: the secrets of two buckets may be swapped. */
async function findSibling(
  { buckets }: Config,
  bucket: Bucket,
  slot: Slot,
  now: number,
): Promise<Bucket | undefined> {
  const others = buckets.filter((other) => hasSecrets(other) && other.access !== bucket.access);
  const answers = await Promise.all(
    others.map((other) => askWithKey(other, slot.credentials, now)),
  );
  return others.find((_other, index) => answers[index]?.kind === "opens");
}

function findBucketMistakes(
  world: World,
  envConfig: EnvironmentConfig,
  probes: readonly BucketProbe[],
): string[] {
  const file = configFileText(envConfig);
  const mistakes: string[] = [];
  for (const probe of probes) {
    const mistake = findBucketMistake(probe, file, usesProxy(world));
    if (mistake !== undefined) mistakes.push(mistake);
  }
  return mistakes;
}

/** Returns whether wrangler reaches Cloudflare by a proxy. Then this machine may know no host by its name. */
function usesProxy({ env }: World): boolean {
  const names = ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"];
  return names.some((name) => Boolean(env[name]));
}

/** The codes of a host that has no certificate for its name, or does not speak TLS. An expired one may soon be renewed. */
const NO_TLS = ["ERR_TLS_CERT_ALTNAME_INVALID", "ERR_SSL_WRONG_VERSION_NUMBER"];

/**
 * Returns what is certainly wrong with the settings of a bucket: no key can open it.
 * @param file as `env.staging of wrangler.toml`
 * @param hasProxy whether a host that is not found may exist all the same
 */
function findBucketMistake(
  { bucket: { name, bucket, baseUrl, region }, answer }: BucketProbe,
  file: string,
  hasProxy: boolean,
): string | undefined {
  const { code, status, failure, region: rightRegion } = answer.reply;
  const { host } = new URL(baseUrl);

  if (failure === "ENOTFOUND" && !hasProxy) {
    return `there is no host ${host}: in BUCKETS.${name} of ${file}, correct endpoint. If it is right, get this machine online`;
  }

  if (failure !== undefined && NO_TLS.includes(failure)) {
    return `${host} has no valid TLS certificate (${failure}): in BUCKETS.${name} of ${file}, correct endpoint or addressing`;
  }

  if (code === "NoSuchBucket") {
    return `S3 has no bucket "${bucket}" at ${host}: in BUCKETS.${name} of ${file}, correct bucket or endpoint`;
  }

  // S3 names the right region by a redirect, or where it refuses the region of a signature (A5).
  const isRedirect = status === 301 || status === 307;
  const isAboutRegion = isRedirect || code === "AuthorizationHeaderMalformed";
  if (isAboutRegion && rightRegion !== undefined && rightRegion !== region) {
    return `the bucket ${bucket} is in ${rightRegion}, not in ${region}: in BUCKETS.${name} of ${file}, set region = "${rightRegion}", and correct endpoint if that has ${region}`;
  }
  return undefined;
}

type Judgement = {
  /** `warning`: it is deployed all the same. */
  readonly kind: "accepted" | "warning" | "mistake";
  readonly text: string;
};

/** @param isPublic whether S3 gives the same without a key */
function judgeKey(probe: KeyProbe, deployment: Deployment, isPublic: boolean): Judgement {
  switch (probe.answer.kind) {
    case "opens":
      return judgeOpening(probe, isPublic);

    case "refused": {
      const sentences = [
        `S3 refuses ${keyText(probe)} for ${probe.bucket.bucket}: ${probe.answer.reply.code}`,
        ...ownerTexts(probe),
        "Take an active key of this environment",
        "A new one may work only after a minute",
      ];
      return { kind: "mistake", text: sentences.join(". ") };
    }

    case "denied":
      return judgeDenial(probe, deployment);

    case "unknown": {
      const owner = ownerTexts(probe);
      const sentences = [`${unknownText(probe)}: ${replyText(probe)}`, ...owner];
      if (owner.length > 0) sentences.push("Is it the right file?");
      return { kind: "warning", text: sentences.join(". ") };
    }
  }
}

/** What a warning begins with, of a key of which S3's answer proves nothing. */
function unknownText(probe: KeyProbe): string {
  return `Warning: whether ${keyText(probe)} may read ${probe.bucket.bucket} is not known`;
}

/** Judges a key that opens its bucket. */
function judgeOpening(probe: KeyProbe, isPublic: boolean): Judgement {
  const { bucket, answer, cannotList } = probe;
  if (isPublic) {
    const text = `${unknownText(probe)}: everybody may read it, without a key`;
    return { kind: "warning", text };
  }

  const isCanaryMissing = bucket.canary !== undefined && answer.reply.status === 404;
  const missing = isCanaryMissing ? [`It has no ${bucket.canary}, the canary`] : [];
  const acceptance = `S3 accepts ${keyText(probe)} for ${bucket.bucket}`;
  if (!cannotList) {
    const sentences = [acceptance, ...missing];
    return { kind: "accepted", text: sentences.join(". ") };
  }

  const sentences = [
    `Warning: ${acceptance}, and does not let it list the bucket`,
    ...missing,
    listNeededText(),
  ];
  return { kind: "warning", text: sentences.join(". ") };
}

/** Judges AccessDenied, which S3 also answers about a missing object, to a key that may not list (A6). */
function judgeDenial(probe: KeyProbe, { config, envConfig }: Deployment): Judgement {
  const { bucket, isListed } = probe;
  const { name, bucket: s3Name, canary } = bucket;
  const key = keyText(probe);
  const step = `${page("docs/deploy.md")}, step 4`;

  const { environment, environments } = envConfig;
  const takeRightKey =
    environments.length === 0
      ? `Take the key for BUCKETS.${name}`
      : `Take the key of ${environmentText(environment)} for BUCKETS.${name}`;

  const owner = ownerTexts(probe);
  if (owner.length > 0) {
    const sentences = [
      `S3 denies ${s3Name} to ${key}`,
      ...owner,
      takeRightKey,
      canary === undefined
        ? `If one key is meant for both, set BUCKETS.${name}.canary, and a deploy asks for it`
        : `If one key is meant for both, make sure that ${canary} is there: it is the canary`,
    ];
    return { kind: "mistake", text: sentences.join(". ") };
  }

  if (isListed) {
    const text = `S3 lists ${canary} of ${s3Name} to ${key}, and does not give it. ${takeRightKey}. Only if this is it, allow it s3:GetObject: ${step}`;
    return { kind: "mistake", text };
  }

  const needsList = listNeedOf(config, bucket) !== "none";
  if (canary !== undefined && needsList) {
    const text = `S3 denies ${canary} of ${s3Name} to ${key}. With the rights of ${step}, S3 would give it, or say that it is missing. ${takeRightKey}. Or correct bucket, if it is misspelt: the buckets of others answer the same. Only if the key is the right one, correct its policy`;
    return { kind: "mistake", text };
  }

  const unknown = unknownText(probe);
  if (canary !== undefined && isListed === undefined) {
    const text = `${unknown}: S3 denies it ${canary}, and does not tell it whether that is there. Look for ${canary}, the canary, in the bucket. If it is there, take another key`;
    return { kind: "warning", text };
  }

  if (canary !== undefined) {
    const text = `${unknown}: S3 denies it ${canary}, and does not list it. Look for ${canary}, the canary, in the bucket. If it is there, take another key`;
    return { kind: "warning", text };
  }

  if (needsList) {
    const text = `${unknown}: S3 answers AccessDenied, so it may not list the bucket. ${listNeededText()}. Set BUCKETS.${name}.canary, and a deploy asks for it`;
    return { kind: "warning", text };
  }

  const text = `${unknown}: S3 answers AccessDenied. Set BUCKETS.${name}.canary, and a deploy asks for it`;
  return { kind: "warning", text };
}

function listNeededText(): string {
  return `A store, or a bucket after this one in a route, needs that: ${page("docs/deploy.md")}, step 4`;
}

function keyText({ bucket, slot }: KeyProbe): string {
  return `the key ${maskKeyId(slot)} (${bucket.access}, slot ${slot.name})`;
}

/** Says whose key it is, if that is known: one sentence, or none. */
function ownerTexts({ owner, sibling }: KeyProbe): string[] {
  if (sibling !== undefined) return [`It is the key of BUCKETS.${sibling.name}`];
  if (owner === undefined) return [];

  const environment = environmentText(owner.environment);
  return [`It is the key of ${environment}: it opens ${owner.bucket.bucket}`];
}

/** Returns whether S3 may be down, or is not what answers. An answer with a code of S3 shows that it is there. */
function isUnanswered({ answer }: BucketProbe): boolean {
  if (answer.kind === "opens") return false;

  const { status, code } = answer.reply;
  if (code === undefined) return true;
  return status !== undefined && status >= 500;
}

function replyText({ bucket, answer }: BucketProbe): string {
  const { reply } = answer;
  const { failure, code, status } = reply;
  if (failure !== undefined) return `S3 does not answer: ${failure}`;

  // An object in an archive, or encrypted with a key that is disabled: S3 has accepted the key.
  const verdict = verdictOf(reply, bucket.region);
  if (code !== undefined && verdict.result === "object-refused") {
    return `S3 answers ${code} for ${bucket.canary}: ${verdict.reason}`;
  }

  if (code !== undefined) return `S3 answers ${code}`;

  const { host } = new URL(bucket.baseUrl);
  const type = reply.headers?.get("content-type")?.slice(0, 60) ?? "no type";
  return `${host} does not answer as S3 does: ${status}, ${type}`;
}
