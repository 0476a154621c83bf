// Has the Worker purge objects by its own /purge, in portions that it takes, and waits as it says. The token goes only
// to a host that the configuration proves, and is never printed. The answer is not trusted.

import { isPlainObject, parseJson } from "../../worker/base/json.ts";
import { readToken } from "../../worker/config/read-secrets.ts";
import { type Fault, isFault, type World } from "../command.ts";
import type { Project } from "../config/project.ts";
import { provenBase } from "../config/site-url.ts";
import { fetchText } from "../http/body.ts";
import { sleep, waitOf } from "../http/retry.ts";
import { valuesOf } from "../secrets/secrets.ts";
import { createProgress, time } from "../terminal/progress.ts";

/** A Vitrine that has a token for /purge. */
export type Worker = {
  readonly base: string;
  readonly token: string;
  /** How many objects it takes in a request. */
  readonly maxObjects: number;
};

/** What the Worker is asked to purge. */
export type PurgeBody =
  | { readonly objects: readonly string[] }
  | { readonly bucket: string }
  | { readonly everything: true };

const MAX_OBJECTS = 200;
/** With a store, the Worker asks S3 for each. */
const MAX_OBJECTS_WITH_STORE = 20;

/** @returns a fault if its token is not at hand, or the configuration does not prove where it is */
export function openWorker({ folder }: World, project: Project): Worker | Fault {
  const { secrets, config } = project;
  const base = provenBase(folder, project);
  if (isFault(base)) return base;
  if (!secrets.has("PURGE_TOKEN")) {
    return {
      fault:
        "PURGE_TOKEN is missing. Give the Worker one, and put the same into the environment here: docs/purge-and-warm.md#purge",
    };
  }
  const token = readToken(valuesOf(secrets), "PURGE_TOKEN");
  if (token === undefined) return { fault: "PURGE_TOKEN is not 32 or more ASCII characters" };
  return { base, token, maxObjects: config.store ? MAX_OBJECTS_WITH_STORE : MAX_OBJECTS };
}

/** Purges a whole bucket, or everything. @returns a fault if it is not purged */
export async function purgeWhole(
  { interrupted, now }: World,
  worker: Worker,
  body: PurgeBody,
): Promise<Fault | undefined> {
  const reply = await postPurge(worker, body, interrupted, now());
  const [reason] = reply.notPurged === undefined ? [reply.reason] : reply.notPurged.values();
  return reason === undefined ? undefined : { fault: reason };
}

/**
 * @param names BUCKET/key each
 * @returns the names that are not purged, and why
 */
export async function purgeObjects(
  world: World,
  worker: Worker,
  names: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const notPurged = new Map<string, string>();
  const progress = createProgress(world, "objects", names.length);
  for (let at = 0; at < names.length; at += worker.maxObjects) {
    const portion = names.slice(at, at + worker.maxObjects);
    const result = await purgePortion(world, worker, portion, progress.say);
    for (const [name, reason] of result.notPurged) notPurged.set(name, reason);
    progress.step(portion.length);
    if (result.stopped === undefined) continue;
    const reason = `not sent, after: ${result.stopped}`;
    for (const name of names.slice(at + worker.maxObjects)) notPurged.set(name, reason);
    break;
  }
  progress.end();
  return notPurged;
}

type PortionResult = {
  readonly notPurged: ReadonlyMap<string, string>;
  /** Why no more is to be sent. */
  readonly stopped?: string;
};

/** How often the same objects are tried, if none of them is purged. */
const MAX_TRIES = 5;

/** How long to wait after no answer, and at most: ms. A longer wait than the last one is announced. */
const PAUSE_MS = 2_000;
const MAX_WAIT_MS = 310_000;
const LONG_WAIT_MS = 5_000;

async function purgePortion(
  { interrupted, now }: World,
  worker: Worker,
  portion: readonly string[],
  announce: (line: string) => void,
): Promise<PortionResult> {
  let pending = portion;
  const stop = (stopped: string): PortionResult => {
    return { notPurged: new Map(pending.map((name) => [name, stopped])), stopped };
  };
  for (let tries = 1; ; tries += 1) {
    const reply = await postPurge(worker, { objects: pending }, interrupted, now());
    if (interrupted.aborted) return stop("interrupted");
    if (reply.notPurged === undefined) {
      if (!reply.mayPass || tries >= MAX_TRIES) return stop(reply.reason);
      await sleep(PAUSE_MS, interrupted);
      continue;
    }
    const { notPurged, wait } = reply;
    const remaining = pending.filter((name) => notPurged.has(name));
    // Whoever answers does not decide which names are printed, or counted as purged.
    if (remaining.length < notPurged.size) return stop("the Worker answers about other objects");
    if (remaining.length < pending.length) tries = 0;
    if (remaining.length === 0 || wait === undefined || tries >= MAX_TRIES) return { notPurged };
    pending = remaining;
    if (wait >= LONG_WAIT_MS) announce(`The Worker asks to wait for ${time(wait / 1000)}.`);
    await sleep(Math.min(wait, MAX_WAIT_MS), interrupted);
  }
}

type Reply =
  | {
      /** What is not purged, and why. */
      readonly notPurged: ReadonlyMap<string, string>;
      /** How long to wait until another try may help: ms. Undefined: it does not. */
      readonly wait?: number;
    }
  /** There is no answer to read. `mayPass`: the next request may be answered. */
  | { readonly notPurged?: undefined; readonly reason: string; readonly mayPass: boolean };

/** The Worker answers in less than 4 s. */
const TIMEOUT_S = 30;
const MAX_BYTES = 1_000_000;
const MAX_REASON_LENGTH = 300;

const REASONS = new Map([
  [401, "the PURGE_TOKEN at hand is not the Worker's"],
  [404, "the Worker has no PURGE_TOKEN: npx wrangler secret put PURGE_TOKEN"],
  [405, "the Worker is older than POST /purge: npx vitrine deploy"],
  [500, "the Worker's configuration is broken; its log says how: npx wrangler tail"],
]);

async function postPurge(
  { base, token }: Worker,
  body: PurgeBody,
  signal: AbortSignal,
  now: number,
): Promise<Reply> {
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  const init = { method: "POST", headers, body: JSON.stringify(body), signal };
  const answer = await fetchText(`${base}/purge`, init, TIMEOUT_S, MAX_BYTES);
  if ("reason" in answer) {
    return { reason: `no answer from ${base}: ${answer.reason}`, mayPass: true };
  }
  const { status, text } = answer;
  const notPurged = readReport(text.replaceAll(token, "…"));
  if (notPurged !== undefined) {
    const isBusy = status === 429 || status === 503;
    return { notPurged, ...(isBusy && { wait: waitOf(answer, now) }) };
  }
  const reason = REASONS.get(status);
  const mayPass = reason === undefined && status >= 500;
  return { reason: reason ?? `the Worker answers ${status}`, mayPass };
}

/** Reads what the Worker's /purge writes. @returns undefined if it is something else */
function readReport(text: string): ReadonlyMap<string, string> | undefined {
  const report = parseJson(text);
  if (!isPlainObject(report) || typeof report["ok"] !== "boolean") return undefined;
  const { ok, not_purged: entries } = report;
  if (!Array.isArray(entries)) return undefined;
  const notPurged = new Map<string, string>();
  for (const entry of entries) {
    const { object, reason } = isPlainObject(entry) ? entry : {};
    if (typeof object !== "string") return undefined;
    notPurged.set(object, `${reason}`.slice(0, MAX_REASON_LENGTH));
  }
  // A fault of the whole request names no object.
  return ok || notPurged.size > 0 ? notPurged : undefined;
}
