// Checks the deployed Worker by what /healthz says: whether it answers, its configuration, its store, and each of its
// slots. A key at hand is compared with the Worker's before anything is blamed: most often the Worker has another one.

import type { Bucket } from "../../worker/config/bucket.ts";
import { isSecret } from "../../worker/config/read-secrets.ts";
import { maskKeyId } from "../../worker/config/slot.ts";
import type { S3Reply } from "../../worker/http/s3-reply.ts";
import type { BucketHealth } from "../../worker/operator.ts";
import type { RoleHealth, SlotHealth } from "../../worker/origin/health.ts";
import { tableOf } from "../../worker/util/json.ts";
import { secretNamesOf } from "../config/buckets.ts";
import { configuredBucket, sourceOfVariable } from "../config/project.ts";
import type { Absence } from "../http/ask-health.ts";
import { isNoAnswer, type NoAnswer } from "../http/body.ts";
import { environmentText } from "../wrangler/config-file.ts";
import {
  error,
  type Finding,
  note,
  ok,
  type Problem,
  RUN_AGAIN,
  SEE_CLOUDFLARE,
  type Subject,
  warning,
} from "./finding.ts";
import { describeKeyRefusal } from "./keys.ts";
import { describeListNeed, needsList } from "./list-right.ts";
import { type Observations, reportOf, visitorsOf } from "./observations.ts";
import type { BucketSeen, KeySeen } from "./observe-bucket.ts";
import { isShown, type SiteSeen } from "./observe-site.ts";
import { explainRefusedObject } from "./refused-object.ts";
import { explainReply } from "./s3-reply.ts";

/** Whether Vitrine answers at that URL, with the configuration of wrangler.toml. */
export function checkDeployed(seen: Observations): Finding[] {
  const { site, project } = seen;
  if (site === undefined) return [];

  const { baseUrl, absence, pictures, hasThisConfiguration } = site;
  const subject = { about: baseUrl };
  if (absence?.status === 500 && absence.isVitrine) return explainBrokenWorker(seen, site, absence);

  if (absence !== undefined) {
    const isElsewhere = pictures.length > 0 && pictures.some(isShown);
    const start =
      absence.obstacle === undefined ? "there is no Vitrine" : "something is in front of Vitrine";
    const text = `${start} at ${baseUrl}: at /healthz, ${absence.reason}`;
    const atHome =
      "start it: npx vitrine dev. It prints its http:// URL: pass that, without a path";
    const onZone = `look at the domain's DNS, and make sure that no rule of the zone is in front of the Worker. If routes in wrangler.toml does not have that domain, put it there, as { pattern = "images.example.com", custom_domain = true }, then npx vitrine deploy. At another route, let /healthz lead to the Worker, too`;
    const problem = {
      seen: text,
      remedy: project.isLocalRun ? atHome : (remedyOfAbsence(seen, absence) ?? onZone),
    };
    // On a domain with other apps, perhaps only /healthz belongs to another one.
    return [(isElsewhere ? warning : error)("deployed", subject, problem)];
  }

  const present = ok("deployed", subject, "Vitrine is there, and without mistakes");
  if (hasThisConfiguration) return [present];
  return [
    present,
    warning(
      "deployed",
      { about: `${baseUrl}/healthz` },
      {
        seen: "the deployed configuration is not that of wrangler.toml: it is not deployed yet",
        remedy: "if wrangler.toml is right, npx vitrine deploy. Else take its last change back",
      },
    ),
  ];
}

/** What to do where it is known what keeps requests from the Worker. */
function remedyOfAbsence({ project, site, buckets }: Observations, { obstacle, reason }: Absence) {
  const { customDomains } = project.envConfig;
  const host = site === undefined ? "" : new URL(site.baseUrl).hostname;

  switch (obstacle) {
    case "challenge":
      return "a rule of the zone challenges: make an exception for this host in Cloudflare's dashboard (Security → Events names the rule). Browsers may pass it";
    case "redirect":
      return "something in front of the Worker redirects, such as Cloudflare Access or a redirect rule: make an exception for this host";
    default:
      break;
  }
  if (/CERT|SSL|EPROTO|handshake/.test(reason)) {
    return `the certificate of ${host} is not ready or has expired. That of a new domain takes some minutes. Else look at SSL/TLS → Edge Certificates in Cloudflare's dashboard`;
  }
  if (!reason.includes("ENOTFOUND")) return undefined;

  const isOffline = buckets.some(({ keys, keyless }) =>
    [...keys.map(({ absent }) => absent), keyless].some((reply) => reply?.failure === "ENOTFOUND"),
  );
  if (isOffline) return "this machine finds no host at all: look at its network first";
  if (customDomains.includes(host)) {
    return `${host} has no DNS record. routes has it as a custom domain: npx vitrine deploy makes its record again`;
  }
  return `${host} has no DNS record: add one in Cloudflare's dashboard, proxied`;
}

/** The Worker answers 500 to everything. To its operator it names what is wrong. */
function explainBrokenWorker(seen: Observations, site: SiteSeen, absence: NoAnswer): Finding[] {
  const { baseUrl, health } = site;
  const subject = { about: `${baseUrl}/healthz` };
  const impact = "the Worker answers 500 to every request, as it just did";
  const failure = health !== undefined && isNoAnswer(health) ? health : undefined;
  const mistakes = failure?.mistakes ?? [];

  if (mistakes.length === 0) {
    return [
      error("configuration", subject, {
        seen: `${baseUrl}/healthz answers ${absence.status}: the Worker's configuration has a mistake`,
        impact,
        remedy: `npx wrangler tail names each mistake, and so does this command with HEALTH_TOKEN. In wrangler.toml, correct it: npx vitrine check. A secret: npx wrangler secret put, or npx wrangler secret delete. Then npx vitrine deploy if wrangler.toml has changed`,
      }),
    ];
  }
  return mistakes.map((mistake) => {
    const [name = ""] = mistake.split(/[.[:]/, 1);
    return error("configuration", subject, {
      seen: `the Worker's configuration has a mistake: ${mistake}`,
      impact,
      remedy: remedyOfMistake(seen, name, mistake),
    });
  });
}

function remedyOfMistake({ project }: Observations, name: string, mistake: string): string {
  const { isLocalRun, envConfig, secrets, secretsFile } = project;
  if (!isSecret(name)) {
    return `if wrangler.toml has it right (npx vitrine check), npx vitrine deploy. Else correct ${name} there, and deploy`;
  }
  if (isLocalRun) return `correct ${name} in ${envConfig.devVars}`;
  const isMissing = mistake.includes("is missing");
  const isInFile = secretsFile !== undefined && secrets.get(name)?.source === secretsFile;
  if (isInFile) {
    const correct = isMissing ? "" : `correct ${name} in ${secretsFile}, then `;
    return `${correct}npx vitrine deploy --secrets-file ${secretsFile}`;
  }
  if (isMissing) return `npx wrangler secret put ${name}`;
  // The edge does not pass the token of a session on (A11), so the Worker must have none.
  if (name.includes("_SESSION_TOKEN")) return `npx wrangler secret delete ${name}`;
  return `put the right one: npx wrangler secret put ${name}. If the Worker is to have none: npx wrangler secret delete ${name}`;
}

/** Whether /healthz reports at all. */
export function checkHealthReport(seen: Observations): Finding[] {
  const { site, project } = seen;
  const isVitrine = site !== undefined && site.absence === undefined;
  if (!isVitrine) return [];

  const subject = { about: `${site.baseUrl}/healthz` };
  const { health } = site;
  if (health === undefined) {
    const seen =
      "without a HEALTH_TOKEN of 16 or more ASCII characters, /healthz does not report which slot works and what the edge says (docs/doctor.md, “Health”)";
    return [note("health", subject, seen)];
  }
  if (!isNoAnswer(health)) return [];

  const { status, reason } = health;
  const source = project.secrets.get("HEALTH_TOKEN")?.source;
  if (status === 401 && source !== undefined && source === project.secretsFile) {
    const isFailing = visitorsOf(seen, undefined).kind === "failing";
    const environment = environmentText(project.envConfig.environment);
    return [
      (isFailing ? error : warning)("health", subject, {
        seen: `the Worker has another HEALTH_TOKEN than ${source}, or none: ${source} is not what was deployed, and which of both is right is not known`,
        remedy: `take the file that was deployed last. Only if ${source} is the right file of ${environment}, with all its secrets, deploy it: npx vitrine deploy --secrets-file ${source}`,
        isOfMachine: true,
      }),
    ];
  }

  const isPassing = status === undefined || status === 429;
  const other =
    "npx vitrine deploy if Vitrine has changed. Or something else may answer at /healthz";
  // The Worker's token may be used by monitoring.
  const token =
    "correct HEALTH_TOKEN on this machine, for the local run in .dev.vars: it must be the Worker's. If nobody has that one, set a new one, and tell your monitoring: npx wrangler secret put HEALTH_TOKEN";
  const refused = status === 401 ? token : other;
  return [
    warning("health", subject, {
      seen: `/healthz does not report: ${reason}`,
      impact: "the doctor sees only what visitors get",
      remedy: isPassing ? `wait a minute, ${RUN_AGAIN}` : refused,
    }),
  ];
}

/** Whether the store answers the Worker. */
export function checkStore(seen: Observations): Finding[] {
  const { site, project } = seen;
  const health = reportOf(site);
  if (health?.store === undefined || site === undefined) return [];

  const subject = { about: `${site.baseUrl}: the store` };
  const { state } = health.store;
  if (state === "ok") {
    const event = health.last_event ?? "none yet";
    const purge = health.last_purge ?? "none yet";
    const text = `it answers the Worker. The last event: ${event}. The last purge: ${purge}`;
    return [ok("store", subject, text)];
  }

  const binding = tableOf(project.envConfig.deployedVars["ANSWERS"])["store"];
  const { r2Buckets } = project.envConfig;
  const name = r2Buckets.find((bucket) => bucket.binding === binding)?.bucket_name;
  const bucketName = name ?? "NAME (the dashboard shows it among the Worker's bindings)";
  return [
    error("store", subject, {
      seen: `R2 does not give the Worker its store (${state})`,
      impact:
        "nothing is stored, and nothing that is stored is shown: an outage of S3 shows, and pictures are made again",
      remedy: `look in Cloudflare's dashboard, R2, whether its bucket is there. If it is not, npx wrangler r2 bucket create ${bucketName}: it fills by itself. If it is, wait, and ${SEE_CLOUDFLARE}`,
    }),
  ];
}

/** What /healthz says of the slots of a bucket, or of its R2 binding. */
export function checkWorkerSlots(
  seen: Observations,
  bucketSeen: BucketSeen,
  { slots, r2 }: BucketHealth,
): Finding[] {
  const { bucket } = bucketSeen;
  const prefix = `${seen.site?.baseUrl}: bucket ${bucket.name}`;
  if (r2 !== undefined) {
    const subject = { about: `${prefix}, its binding`, bucket: bucket.name };
    if (r2 === "ok") return [ok("r2", subject, "R2 answers the Worker")];
    return [
      error("r2", subject, {
        seen: `R2 does not answer the Worker (${r2})`,
        remedy: `wait a minute, ${RUN_AGAIN}, and ${SEE_CLOUDFLARE}. If it stays, look in the dashboard, R2, whether the bucket is there`,
      }),
    ];
  }

  const hasWorking = slots.some(({ state }) => state === "ok");
  return slots.flatMap((slot): Finding[] => {
    const key = slot.access_key === undefined ? "" : `: the key ${slot.access_key}`;
    const subject = { about: `${prefix}, slot ${slot.slot}${key}`, bucket: bucket.name };
    if (slot.state === "ok") {
      return [ok("health", subject, "it works"), ...compareWorkingKey(subject, bucketSeen, slot)];
    }

    const fault = describeSlotFault(seen, bucketSeen, slot, hasWorking);
    if (fault === undefined) return [];

    const { check, ...problem } = fault;
    const severity = hasWorking ? warning : error;
    return [severity(check, subject, problem)];
  });
}

/** Another key at hand than the Worker's is no fault, but explains what the doctor finds of it. */
function compareWorkingKey(
  subject: Subject,
  { keys }: BucketSeen,
  { slot, access_key: workerKey }: SlotHealth,
): Finding[] {
  const key = keys.find((candidate) => candidate.slot.name === slot);
  if (key === undefined || workerKey === undefined) return [];

  const masked = maskKeyId(key.slot);
  if (masked === workerKey) return [];
  const text = `the Worker has another key (${workerKey}) than ${key.source} (${masked}): what is found of that one is not about the Worker`;
  return [note("keys", subject, text)];
}

type SlotFault = Pick<Finding, "check"> & Problem;

/** Why a slot of the Worker does not work. @returns undefined if a deploy of wrangler.toml changes it */
function describeSlotFault(
  seen: Observations,
  bucketSeen: BucketSeen,
  slot: SlotHealth,
  hasWorking: boolean,
): SlotFault | undefined {
  const { project, site } = seen;
  if (slot.state === "incomplete") return describeIncompleteSlot(seen, bucketSeen.bucket, slot);

  const bucket = {
    ...bucketSeen.bucket,
    bucket: configuredBucket(project, bucketSeen.bucket).bucket,
  };
  const file = sourceOfVariable(project, "BUCKETS");
  const meaning = explainReply(replyOf(slot), bucket, file);
  switch (meaning.kind) {
    case "bucket-fault": {
      const { check, remedy, needsDeploy } = meaning;
      // The doctor says already that wrangler.toml is not deployed.
      if (needsDeploy && site?.hasThisConfiguration === false) return undefined;
      if (check !== "clock") return { check, seen: meaning.seen, remedy, needsDeploy };

      return { check, seen: meaning.seen, remedy: remedyOfWorkerClock(bucketSeen) };
    }
    case "key-refused":
      return describeRefusedKey(seen, bucketSeen, slot, meaning.code, hasWorking);
    case "accepted":
      return describeDeniedCanary(seen, bucketSeen, slot);
    default:
      return meaning satisfies never;
  }
}

/** S3 and the Worker differ. Where S3 and this machine agree, it is the Worker's clock. */
function remedyOfWorkerClock({ bucket, keys }: BucketSeen): string {
  const { host } = new URL(bucket.baseUrl);
  const agrees = keys.some(({ absent }) => explainReply(absent, bucket).kind === "accepted");
  if (agrees) return `wait, and ${SEE_CLOUDFLARE}: the Worker's clock is Cloudflare's`;
  return `set the clock of ${host}, or tell whoever runs it: the Worker's clock is Cloudflare's`;
}

/** The reply of S3 that a slot's state stands for. */
function replyOf({ state, answered, region, clock }: SlotHealth): S3Reply & { failure: string } {
  const failure = "the Worker cannot reach it";
  const isStatus = /^\d+$/.test(state);
  const status = isStatus ? Number(state) : answered;
  const isCode = !isStatus && state !== "unreachable";
  return {
    failure,
    ...(status !== undefined && { status }),
    ...(isCode && { code: state }),
    ...(region !== undefined && { region }),
    ...(clock !== undefined && { ahead: clock }),
  };
}

function describeIncompleteSlot(
  { project }: Observations,
  bucket: Bucket,
  { slot, mistakes = [] }: SlotHealth,
): SlotFault {
  const { accessKeyId, secretAccessKey } = secretNamesOf(bucket, slot);
  const seen = `slot ${slot} is incomplete: ${mistakes.join("; ")}`;
  if (project.isLocalRun) {
    const remedy = `correct ${accessKeyId} and ${secretAccessKey} in ${project.envConfig.devVars}`;
    return { check: "keys", seen, remedy };
  }

  const names = mistakes.map((mistake) => mistake.split(":", 1)[0] ?? "").filter(isSecret);
  const missing = names.length > 0 ? names : [accessKeyId, secretAccessKey];
  const puts = missing.map((name) => `npx wrangler secret put ${name}`).join(" and ");
  const rest = [accessKeyId, secretAccessKey].filter((name) => !missing.includes(name));
  const deletes = rest.map((name) => `npx wrangler secret delete ${name}`).join(" and ");
  const isAbandoned = slot === "next" && deletes !== "";
  const remedy = isAbandoned ? `${puts}. Or, if nobody rotates, ${deletes}` : puts;
  return { check: "keys", seen, remedy };
}

/** S3 does not accept the Worker's key. */
function describeRefusedKey(
  seen: Observations,
  bucketSeen: BucketSeen,
  slot: SlotHealth,
  code: string,
  hasWorking: boolean,
): SlotFault {
  const { project } = seen;
  const { bucket } = bucketSeen;
  const fault = describeKeyRefusal(code);
  const better = findBetterKey(seen, bucketSeen, slot);
  if (better !== undefined) {
    return { ...fault, seen: `${fault.seen}. ${better.seen}`, remedy: better.remedy };
  }

  const { accessKeyId, secretAccessKey } = secretNamesOf(bucket, slot.slot);
  if (project.isLocalRun) {
    const remedy = `correct ${accessKeyId} and ${secretAccessKey} in ${project.envConfig.devVars}`;
    return { ...fault, remedy };
  }

  // In a rotation, a key is deactivated on purpose: perhaps because it has leaked.
  if (hasWorking) {
    const remedy = `the other slot works, so visitors miss nothing. Finish the rotation with a key that is active: npx vitrine rotate (docs/rotate.md). A key that somebody deactivated on purpose stays so`;
    return { ...fault, remedy };
  }

  const puts = `put both secrets of one key: npx wrangler secret put ${accessKeyId} and npx wrangler secret put ${secretAccessKey}`;
  if (fault.check === "secret") return { ...fault, remedy: `${puts}. Or npx vitrine rotate` };

  // The three secrets of a session expire together (A11).
  const isSession = code === "ExpiredToken" || code === "InvalidToken";
  if (isSession && bucket.engine === "binding") {
    const { sessionToken } = secretNamesOf(bucket, slot.slot);
    const remedy = `${puts}, and npx wrangler secret put ${sessionToken}, all three of one new session`;
    return { ...fault, remedy };
  }

  const { access_key: key = "the key" } = slot;
  const remedy = `if somebody deactivated ${key} by mistake, and not because it leaked, activate it again at the provider (at AWS, aws iam list-access-keys --user-name USER lists the keys of its user). Else make a new key for that user: npx vitrine rotate, or ${puts}`;
  return { ...fault, remedy };
}

/** S3 accepts the Worker's key, and denies it the canary. */
function describeDeniedCanary(
  seen: Observations,
  bucketSeen: BucketSeen,
  slot: SlotHealth,
): SlotFault | undefined {
  const { project, site } = seen;
  const { bucket } = bucketSeen;
  const { state, missing, access_key: key = "the key" } = slot;
  const check = "sample";

  const better = findBetterKey(seen, bucketSeen, slot);
  if (better?.isOtherKey) {
    const text = `S3 denies the canary to the Worker (${state}). ${better.seen}`;
    return { check, seen: text, remedy: better.remedy };
  }
  // The same key reads the canary of wrangler.toml, so the deployed one is another. The doctor says already to deploy.
  if (better !== undefined && site?.hasThisConfiguration === false) return undefined;

  const problem = explainRefusedObject({
    name: "the canary",
    bucket,
    reply: { ...replyOf(slot), text: "" },
    mayList: missing === 404,
    keyName: `${key} of the Worker`,
    environment: environmentText(project.envConfig.environment),
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
  { project, keyOwners }: Observations,
  { bucket, keys, samples }: BucketSeen,
  { slot, access_key: workerKey }: SlotHealth,
): BetterKey | undefined {
  const key = keys.find((candidate) => candidate.slot.name === slot);
  const isDenied = samples.some(({ reply }) => reply !== undefined && reply.bytes === undefined);
  if (key === undefined || workerKey === undefined || isDenied || !opens(key, bucket)) {
    return undefined;
  }
  if (keyOwners.has(key.slot.credentials.accessKeyId)) return undefined;

  const masked = maskKeyId(key.slot);
  const isOtherKey = masked !== workerKey;
  const seen = isOtherKey
    ? `The Worker has another key (${workerKey}) than ${key.source} (${masked}), which S3 accepts`
    : `${key.source} has a secret for ${masked} that S3 accepts: the Worker has another secret`;
  const { accessKeyId, secretAccessKey } = secretNamesOf(bucket, slot);
  if (key.source === project.secretsFile) {
    const remedy = `deploy it: npx vitrine deploy --secrets-file ${key.source}${cautionOf(project, key.source, [accessKeyId, secretAccessKey])}`;
    return { seen, remedy, isOtherKey };
  }

  // The key of a shell may be the operator's own, which may do much more.
  const remedy = `if that is the key which was made for this Worker, put it: npx wrangler secret put ${accessKeyId} and npx wrangler secret put ${secretAccessKey}. Else put the right one`;
  return { seen, remedy, isOtherKey };
}

/** A file sets all of its secrets. If the Worker has just accepted its token, it is the Worker's file. */
function cautionOf(
  { secrets }: Observations["project"],
  file: string,
  keyNames: readonly string[],
): string {
  const isOfFile = (name: string) => secrets.get(name)?.source === file;
  if (isOfFile("HEALTH_TOKEN")) return "";

  const others = [...secrets.keys()].filter((name) => isOfFile(name) && !keyNames.includes(name));
  if (others.length === 0) return "";
  return `. It sets ${others.join(", ")}, too: make sure that these are right, because signed URLs and your monitoring depend on them`;
}

function opens({ absent }: KeySeen, bucket: Bucket): boolean {
  return explainReply(absent, bucket).kind === "accepted";
}

/** Whether the Worker's key or role may list, where that is needed: S3 answers 403 for what is missing if not (A6). */
export function checkWorkerListRight(
  seen: Observations,
  { bucket }: BucketSeen,
  { slots, role }: BucketHealth,
): Finding[] {
  const need = needsList(seen.project, bucket);
  if (need === "none") return [];

  // A credential that may not even read the canary may be the wrong one: it must not get a right.
  const isDenied = ({ state, missing }: SlotHealth | RoleHealth) =>
    state === "ok" && missing === 403;
  const slot = slots.find(isDenied);
  if (slot === undefined && (role === undefined || !isDenied(role))) return [];

  const owner = role ? `the role ${role.role}` : `the user of the Worker's key ${slot?.access_key}`;
  const subject = { about: `${seen.site?.baseUrl}: bucket ${bucket.name}`, bucket: bucket.name };
  const problem = describeListNeed(bucket, need, owner);
  return [(need === "follower" ? error : warning)("list", subject, problem)];
}
