// `vitrine doctor --write-events`: puts an object into a bucket, deletes it, and waits until the Worker has taken an event. It
// is the one part of the doctor that writes, and it writes nothing but that object, under a name that no picture has.
// Others may change objects meanwhile: then an event of theirs may be taken for this one.

import type { Bucket } from "../../worker/config/bucket.ts";
import { originUrl } from "../../worker/origin/object-url.ts";
import { sign } from "../../worker/origin/sigv4.ts";
import { type CommandFault, log, page, type World } from "../command.ts";
import { bucketsOf } from "../config/buckets.ts";
import { r2BucketNamesOf } from "../config/event-queue.ts";
import { configuredBucket, type ProjectSite, slotsAtHand } from "../config/project.ts";
import { fetchHealth } from "../http/ask-health.ts";
import { requestS3 } from "../http/ask-s3.ts";
import { isNoAnswer } from "../http/body.ts";
import type { sleep } from "../http/retry.ts";
import { type ConfigFile, commandFor } from "../wrangler/config-file.ts";
import { bucketArgs } from "../wrangler/queues.ts";
import { askWrangler, type RunWrangler } from "../wrangler/run-wrangler.ts";
import { error, type Finding, note, ok, type Subject, warning } from "./finding.ts";
import { statusText } from "./s3-reply.ts";

export type DoctorTools = { readonly run: RunWrangler; readonly sleep: typeof sleep };

/** No picture has this folder. */
const FOLDER = "vitrine-doctor/";
const TEXT = "vitrine doctor --write-events wrote this. It may be deleted.\n";

/**
 * How long an event before may still be noted: ms. An isolate notes one a minute (src/worker/store/last-calls.ts), and the
 * consumer takes each message once more within a minute and a half (src/worker/purge/consume.ts).
 */
const NOTE_PERIOD_MS = 150_000;

/** The queue waits for a batch, and the consumer between two purges. EventBridge takes some seconds. */
const MAX_WAIT_MS = 180_000;

const PAUSE_MS = 5_000;

/** The bucket that `--write-events` means. @param name `true`: the only one */
export function bucketToWrite(
  { config }: Pick<ProjectSite, "config">,
  name: string | true,
): Bucket | CommandFault {
  const buckets = [...bucketsOf(config.routes)];
  const names = buckets.map((bucket) => bucket.name);

  if (name === true) {
    const [only] = buckets;
    if (buckets.length === 1 && only !== undefined) return only;
    return { fault: `--write-events: name one of ${names.join(", ")}` };
  }

  const bucket = buckets.find((candidate) => candidate.name === name);
  if (bucket !== undefined) return bucket;

  const fault = `--write-events ${name}: no bucket that a route shows: --write-events=${names[0]}`;
  return { fault };
}

/** Where the object is put, and where its event must come. */
type EventTrial = {
  readonly world: World;
  readonly tools: DoctorTools;
  readonly site: ProjectSite;
  readonly bucket: Bucket;
  /** Of the object. */
  readonly key: string;
};

/** Puts and deletes an object, and waits for its event. */
export async function writeEvents(
  world: World,
  tools: DoctorTools,
  site: ProjectSite,
  bucket: Bucket,
): Promise<Finding[]> {
  const { healthToken, config, envConfig } = site;
  const subject = { about: `events of bucket ${bucket.name}`, bucket: bucket.name };
  if (healthToken === undefined) return [explainUnseen(subject, noTokenText(envConfig))];

  if (config.store === undefined) {
    const tail = commandFor(envConfig, "npx wrangler tail");
    const reason = `without a store, /healthz has no last_event. Look for purged-by-event in ${tail}`;
    return [explainUnseen(subject, reason)];
  }

  const before = await readLastEvent(site, healthToken);
  if (before.kind === "unknown") return [explainUnseen(subject, before.reason)];

  await waitUntilNoted(world, tools, before.at);
  if (world.interrupted.aborted) return [];

  const key = `${bucket.prefix}${FOLDER}${crypto.randomUUID()}.txt`;
  log(world.stderr, `Putting and deleting ${key} in bucket ${bucket.name} ...`);
  const startedAt = world.now();
  const trial = { world, tools, site, bucket, key };
  const writing = await writeObject(trial);
  if (writing.kind !== "done") return [explainFailure(subject, key, writing)];

  log(world.stderr, "Waiting for its event, for up to three minutes ...");
  const isTaken = await waitForEvent(trial, healthToken, before.at, startedAt);
  if (isTaken) {
    const seconds = Math.round((world.now() - startedAt) / 1000);
    return [ok("events", subject, `the Worker took an event ${seconds} s after ${key} was put`)];
  }
  if (world.interrupted.aborted) return [];

  const finding = warning("events", subject, {
    seen: `${key} was put and deleted, and no event came to the Worker within three minutes`,
    remedy: `go through ${page("docs/events.md")}, “See that it works”: each link of the way is there`,
  });
  return [finding];
}

function explainUnseen(subject: Subject, reason: string): Finding {
  const text = `nothing is written, because it could not be seen whether its event comes: ${reason}`;
  return note("events", subject, text);
}

function noTokenText(config: ConfigFile): string {
  const put = commandFor(config, "npx wrangler secret put");
  return `there is no HEALTH_TOKEN at hand. Put the Worker's into your shell: export HEALTH_TOKEN=…. If it has none, make one (openssl rand -base64 32), and set it: ${put} HEALTH_TOKEN (${page("docs/doctor.md")}, “Health”)`;
}

type LastEvent =
  /** `at`: ms since 1970; undefined: none came yet. */
  | { readonly kind: "known"; readonly at: number | undefined }
  | { readonly kind: "unknown"; readonly reason: string };

/** Reads when the Worker took its last event. */
async function readLastEvent(site: ProjectSite, healthToken: string): Promise<LastEvent> {
  const { baseUrl, envConfig } = site;
  const tail = commandFor(envConfig, "npx wrangler tail");
  const health = await fetchHealth(baseUrl, healthToken, tail);
  if (isNoAnswer(health)) {
    return { kind: "unknown", reason: `${baseUrl}/healthz: ${health.reason}` };
  }
  if (health.store?.state !== "ok") return { kind: "unknown", reason: "the store does not answer" };

  const at = Date.parse(health.last_event ?? "");
  return { kind: "known", at: Number.isNaN(at) ? undefined : at };
}

/** Waits until an event before this one is certainly noted, or an interruption. @param last ms since 1970 */
async function waitUntilNoted(
  world: World,
  { sleep: pause }: DoctorTools,
  last: number | undefined,
): Promise<void> {
  if (last === undefined) return;

  const rest = last + NOTE_PERIOD_MS - world.now();
  if (rest <= 0) return;

  const text = "An event came just now. Waiting up to 150 s, to tell it from the next one ...";
  log(world.stderr, text);

  // A clock that is wrong must not make this wait longer.
  await pause(Math.min(rest, NOTE_PERIOD_MS), world.interrupted);
}

/** @returns whether an event came that is newer than the one before */
async function waitForEvent(
  { world, tools, site }: EventTrial,
  healthToken: string,
  before: number | undefined,
  startedAt: number,
): Promise<boolean> {
  while (world.now() - startedAt < MAX_WAIT_MS && !world.interrupted.aborted) {
    await tools.sleep(PAUSE_MS, world.interrupted);
    const after = await readLastEvent(site, healthToken);
    if (after.kind === "known" && isNewer(after.at, before)) return true;
  }
  return false;
}

function isNewer(after: number | undefined, before: number | undefined): boolean {
  if (after === undefined) return false;
  return before === undefined || after > before;
}

type Writing =
  | { readonly kind: "done" }
  /** Nothing was written. */
  | { readonly kind: "refused"; readonly reason: string }
  /** The PUT failed, perhaps after it was done. What it may have written is deleted. */
  | { readonly kind: "undone"; readonly reason: string }
  /** It is not deleted. `isPut`: it certainly was there. */
  | { readonly kind: "left"; readonly isPut: boolean; readonly reason: string };

type Method = "PUT" | "DELETE";

type Reply =
  | { readonly kind: "done" }
  /** Whoever asked may not do this. */
  | { readonly kind: "refused"; readonly reason: string }
  | { readonly kind: "failed"; readonly reason: string };

async function writeObject(trial: EventTrial): Promise<Writing> {
  const { site, bucket } = trial;
  const isBinding = configuredBucket(site, bucket).r2 !== undefined;
  const send = isBinding ? sendByWrangler : sendByKey;

  const put = await send(trial, "PUT");
  if (put.kind === "refused") return put;

  // A PUT may be done, and its answer be an error: it is deleted all the same.
  const deletion = await send(trial, "DELETE");
  if (deletion.kind !== "done") {
    return { kind: "left", isPut: put.kind === "done", reason: deletion.reason };
  }
  if (put.kind === "failed") return { kind: "undone", reason: put.reason };
  return put;
}

/** What wrangler says of a command that it may not do. */
const REFUSED = /\b40[13]\b|not logged in|CLOUDFLARE_API_TOKEN|code: (?:10000|9109)\b/;

async function sendByWrangler(
  { world, tools, site, bucket, key }: EventTrial,
  method: Method,
): Promise<Reply> {
  const { envConfig, config } = site;
  const r2Buckets = r2BucketNamesOf(envConfig, config);
  const r2Bucket = r2Buckets.find(({ name }) => name === bucket.name);
  if (r2Bucket === undefined) return { kind: "refused", reason: "its name at R2 is not known" };

  const [name = "", ...options] = bucketArgs(r2Bucket);
  const target = [`${name}/${key}`, "--remote", ...options];
  const putArgs = ["r2", "object", "put", ...target, "--pipe", "--content-type", "text/plain"];
  const deleteArgs = ["r2", "object", "delete", ...target];

  const asking =
    method === "PUT"
      ? askWrangler(world, tools.run, envConfig, putArgs, TEXT)
      : askWrangler(world, tools.run, envConfig, deleteArgs);
  const { code, output, reason } = await asking;
  if (code === 0) return { kind: "done" };

  return { kind: REFUSED.test(output) ? "refused" : "failed", reason };
}

async function sendByKey({ world, site, bucket, key }: EventTrial, method: Method): Promise<Reply> {
  const [slot] = slotsAtHand(site, bucket).usable;
  if (slot === undefined) return { kind: "refused", reason: "there is no key of S3 at hand" };

  const url = originUrl(bucket.baseUrl, key);
  const sentAt = world.now();
  const signedHeaders = await sign(url, bucket.region, slot.credentials, sentAt, method);
  const headers = new Headers(signedHeaders);
  const reply = await requestS3(url, { method, headers }, sentAt);

  const { status, failure } = reply;
  const isDone = status !== undefined && status < 300 && failure === undefined;
  if (isDone) return { kind: "done" };

  // What is not there needs no deletion.
  if (method === "DELETE" && status === 404) return { kind: "done" };

  const reason = `S3 answers ${failure ?? statusText(reply)}`;
  const isRefused = status === 401 || status === 403;
  return { kind: isRefused ? "refused" : "failed", reason };
}

function explainFailure(
  subject: Subject,
  key: string,
  writing: Exclude<Writing, { kind: "done" }>,
): Finding {
  const { kind, reason } = writing;
  switch (kind) {
    case "refused": {
      const text = `${key} could not be put: ${reason}. A key that may only read is right for the Worker: put and delete an object by your own, and look at last_event in /healthz`;
      return note("events", subject, text);
    }

    case "undone": {
      const text = `${key} could not be put: ${reason}. It was deleted, too, so nothing is left. Run the doctor again later`;
      return note("events", subject, text);
    }

    case "left":
      break;

    default:
      return kind satisfies never;
  }

  if (!writing.isPut) {
    return warning("events", subject, {
      seen: `${key} could not be put, and could not be deleted: ${reason}. It may be there all the same`,
      remedy: `look for ${key} in your bucket, and delete it`,
    });
  }

  return error("events", subject, {
    seen: `${key} was put, and could not be deleted: ${reason}`,
    impact: "the object stays in your bucket",
    remedy: `delete ${key} there`,
  });
}
