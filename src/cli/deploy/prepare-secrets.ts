// Reads the secrets of a file, and tries each S3 key of it at its buckets, before anything is deployed. It refuses a
// key where the Worker would, and one that may list the canary and not read it. No message holds any part of a secret.

import { createPrivateKey } from "node:crypto";
import type { Bucket } from "../../worker/config/bucket.ts";
import { readIssuerKey } from "../../worker/config/oidc.ts";
import { readToken, readUrlKeys, secretNames } from "../../worker/config/read-secrets.ts";
import type { ReportMistake } from "../../worker/config/schema.ts";
import { maskKeyId, type Slot } from "../../worker/config/slot.ts";
import { isRefusal, SLOT_NAMES } from "../../worker/http/refusal.ts";
import { originUrl } from "../../worker/origin/object-url.ts";
import { sign } from "../../worker/origin/sigv4.ts";
import { verdictOf } from "../../worker/origin/verdict.ts";
import { type CommandFault, isFault, log, type World } from "../command.ts";
import { hasSecrets, slotsIn } from "../config/buckets.ts";
import type { EnvironmentConfig } from "../config/environment-config.ts";
import { isLocalSigningKey, isOfLocalKey } from "../config/local-run.ts";
import { readDeployed } from "../config/project.ts";
import { requestS3 } from "../http/ask-s3.ts";
import { listPage } from "../objects/list-page.ts";
import { readSecretsFile, type SecretValues } from "../secrets/secrets.ts";
import { visible } from "../terminal/shell.ts";

const OIDC_KEYS = ["OIDC_SIGNING_KEY", "OIDC_SIGNING_KEY_NEXT"];

/** Says what S3 thinks of each key. @returns the secrets, or why none of them may be deployed */
export async function prepareSecrets(
  world: World,
  file: string | undefined,
  envConfig: EnvironmentConfig,
): Promise<SecretValues | CommandFault> {
  if (file === undefined) return {};

  const secrets = readSecretsFile(world, file);
  if (isFault(secrets)) return secrets;

  const config = readDeployed(envConfig);
  const buckets = isRefusal(config) ? [] : config.buckets.filter(hasSecrets);
  const mistakes = findMistakes(secrets, buckets, envConfig);
  if (mistakes.length === 0) {
    const probes = buckets.flatMap((bucket) =>
      slotsIn(secrets, bucket).usable.map((slot) => probeKey(bucket, slot, world.now())),
    );
    for (const probed of await Promise.all(probes)) {
      if (isFault(probed)) mistakes.push(probed.fault);
      else log(world.stderr, visible(probed));
    }
  }

  if (mistakes.length === 0) return secrets;
  return { fault: [`${file} is wrong. Nothing is deployed:`, ...new Set(mistakes)].join("\n  ") };
}

/** What is wrong with the secrets: one line each. Half a slot is a mistake. */
function findMistakes(
  secrets: SecretValues,
  buckets: readonly Bucket[],
  { deployed, secrets: listed }: EnvironmentConfig,
): string[] {
  const mistakes = new Map<string, string>();
  const report = (name: string, message: string) => {
    if (!mistakes.has(name)) mistakes.set(name, message);
  };
  const slots = buckets.flatMap(({ access }) =>
    SLOT_NAMES.map((slot) => secretNames(access, slot)),
  );
  const used = new Set([
    ...slots.flatMap((names) => Object.values(names)),
    ...(deployed["OIDC"] === undefined ? [] : OIDC_KEYS),
    ...["HEALTH_TOKEN", "URL_SIGNING_KEYS", "PURGE_TOKEN", ...listed],
  ]);
  for (const [name, value] of Object.entries(secrets)) {
    if (!used.has(name)) report(name, "is no secret of this Worker: take it out, or rename it");
    else if (value === "") report(name, "is empty: fill it in, or take it out");
    else if (isOfLocalKey(value) || isLocalSigningKey(name, value)) {
      report(name, "is the one of the local run: make one for each environment");
    } else if (name === "HEALTH_TOKEN" || name === "PURGE_TOKEN") {
      if (!readToken(secrets, name)) report(name, "is too short, or not ASCII");
    } else if (OIDC_KEYS.includes(name)) checkIssuerKey(name, value, report);
    else if (name === "URL_SIGNING_KEYS") readUrlKeys(secrets, report);
  }
  for (const bucket of buckets) {
    const slotMistakes = slotsIn(secrets, bucket).unusable.flatMap((slot) => slot.mistakes);
    for (const { path, message } of slotMistakes) {
      report(path, path in secrets ? message : "is missing: a slot needs both secrets");
    }
  }
  return [...mistakes].map((mistake) => mistake.join(": "));
}

function checkIssuerKey(name: string, pem: string, report: ReportMistake): void {
  if (!readIssuerKey(name, pem, report)) return;
  try {
    createPrivateKey(pem);
  } catch {
    // The error may quote the key.
    report(name, "is damaged: make it with openssl genpkey, as docs/keyless.md says");
  }
}

/** Asks for the first byte of the canary, or of an object that does not exist. @returns a fault if S3 refuses the key */
async function probeKey(bucket: Bucket, slot: Slot, now: number): Promise<string | CommandFault> {
  const { baseUrl, prefix, region, canary, bucket: name, access } = bucket;
  const url = originUrl(baseUrl, canary ?? `${prefix}vitrine-deploy-${crypto.randomUUID()}`);
  const headers = new Headers(await sign(url, region, slot.credentials, now));
  headers.set("range", "bytes=0-0");
  const reply = await requestS3(url, { headers }, now);
  const { status, code, failure } = reply;
  const { result } = verdictOf(reply, region);
  const key = `the key ${maskKeyId(slot)} (${access}, slot ${slot.name})`;

  if (failure === "ENOTFOUND") {
    const remedy = `correct BUCKETS.${bucket.name}.endpoint. If it is right, get this machine online`;
    return { fault: `there is no host ${new URL(url).host}: ${remedy}` };
  }

  // Without a code it may be a proxy's reply. Only to a key that may list this bucket S3 says that an object is missing.
  if (result === "served" || (result === "object-refused" && code && status === 404)) {
    return `S3 accepts ${key} for ${name}`;
  }

  if (result === "slot-refused" && code) {
    const remedy = "Take an active key of this environment. A new one may work only after a minute";
    return { fault: `S3 refuses ${key} for ${name}: ${code}. ${remedy}` };
  }

  if (result === "object-refused" && code && canary !== undefined) {
    const options = { prefix: canary, maxKeys: 1 };
    const page = await listPage(bucket, slot.credentials, options, now);
    if (page.kind === "page" && page.objects.some((object) => object.key === canary)) {
      const remedy = "Allow it s3:GetObject, or use another key: docs/deploy.md, step 4";
      return { fault: `S3 lists ${canary} of ${name} to ${key}, and does not give it. ${remedy}` };
    }
  }

  const hint = `. Set BUCKETS.${bucket.name}.canary, and a deploy asks for it`;
  const answer = failure ? `does not answer: ${failure}` : `answers ${code ?? status}`;
  return `Warning: whether ${key} may read ${name} is not known: S3 ${answer}${canary || !code ? "" : hint}`;
}
