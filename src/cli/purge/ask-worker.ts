// Has the Worker purge objects by its own /purge, in portions that it takes, and waits as it says. The token goes only
// to a host that the configuration proves, and is never printed. The answer is not trusted.

import { isPlainObject, parseJson } from "../../worker/base/json.ts";
import { readToken } from "../../worker/config/read-secrets.ts";
import { type Fault, isFault, type World } from "../command.ts";
import type { Project } from "../config/project.ts";
import { provenBase } from "../config/site-url.ts";
import { fetchText } from "../http/body.ts";
import { createSender, waitOf } from "../http/retry.ts";
import { valuesOf } from "../secrets/secrets.ts";
import { createProgress, time } from "../terminal/progress.ts";

/** A Vitrine that has a token for /purge. */
export type Worker = {
  readonly base: string;
  readonly token: string;
  /** How many objects it takes in a request. */
  readonly maxObjects: number;
};

const MAX_OBJECTS = 200;
/** With a store, the Worker asks S3 for each. */
const MAX_OBJECTS_WITH_STORE = 20;

const NO_TOKEN =
  "PURGE_TOKEN is missing. Give the Worker one, and put the same into the environment here: docs/purge-and-warm.md#purge";

/** @returns a fault if its token is not at hand, or the configuration does not prove where it is */
export function openWorker({ folder }: World, project: Project): Worker | Fault {
  const { secrets, config } = project;
  const base = provenBase(folder, project);
  if (isFault(base)) return base;
  if (!secrets.has("PURGE_TOKEN")) return { fault: NO_TOKEN };
  const token = readToken(valuesOf(secrets), "PURGE_TOKEN");
  if (token === undefined) return { fault: "PURGE_TOKEN is not 32 or more ASCII characters" };
  return { base, token, maxObjects: config.store ? MAX_OBJECTS_WITH_STORE : MAX_OBJECTS };
}

/** Purges a whole bucket, or everything. @returns a fault if it is not purged */
export async function purgeWhole(
  world: World,
  worker: Worker,
  body: { readonly bucket: string } | { readonly everything: true },
): Promise<Fault | undefined> {
  const { notPurged, stopped } = await createPoster(world, worker, () => {})(() => body);
  const [reason = stopped] = notPurged.values();
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
  const left = new Map<string, string>();
  const progress = createProgress(world, "objects", names.length);
  const post = createPoster(world, worker, progress.say);
  let stopped: string | undefined;
  for (let at = 0; at < names.length; at += worker.maxObjects) {
    const portion = names.slice(at, at + worker.maxObjects);
    if (stopped === undefined) {
      // Whoever answers does not decide which names are printed, or counted as purged.
      const isLeft = (report: Report) => portion.filter((name) => report.get(name) !== undefined);
      const result = await post((last) => ({ objects: last ? isLeft(last) : portion }));
      const { notPurged } = result;
      const isForeign = notPurged.size > isLeft(notPurged).length;
      stopped = isForeign ? "the Worker answers about other objects" : result.stopped;
      for (const name of stopped ? portion : isLeft(notPurged)) {
        left.set(name, stopped ?? notPurged.get(name) ?? "");
      }
    } else {
      for (const name of portion) left.set(name, `not sent, after: ${stopped}`);
    }
    progress.step(portion.length);
  }
  progress.end();
  return left;
}

/** What the Worker says that it has not purged, and why. */
type Report = ReadonlyMap<string, string>;

/** The Worker answers in less than 4 s. */
const TIMEOUT_S = 30;
const MAX_BYTES = 1_000_000;
const LIMITS = { retries: 4, statuses: [429, 502, 503, 504], maxWaitMs: 310_000 };
/** A wait that is announced: ms. */
const LONG_WAIT_MS = 5_000;

const REASONS = new Map([
  [401, "the PURGE_TOKEN at hand is not the Worker's"],
  [404, "the Worker has no PURGE_TOKEN: npx wrangler secret put PURGE_TOKEN"],
  [405, "the Worker is older than POST /purge: npx vitrine deploy"],
  [500, "the Worker's configuration is broken; its log says how: npx wrangler tail"],
]);

/**
 * Creates a function that posts what is to be purged, and posts what is left again if that may help.
 * @returns with `stopped`, if the next request would not help either
 */
function createPoster(
  { now, interrupted }: World,
  worker: Worker,
  announce: (text: string) => void,
) {
  const { base, token } = worker;
  const url = `${base}/purge`;
  const timeoutMs = 3 * TIMEOUT_S * 1000; // the inner one comes first
  const send = createSender({ now, signal: interrupted, timeoutMs, ...LIMITS });
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };

  return async (
    bodyAfter: (last: Report | undefined) => object,
  ): Promise<{ readonly notPurged: Report; readonly stopped?: string }> => {
    let last: Report | undefined;
    const answer = await send(url, async (signal) => {
      const body = JSON.stringify(bodyAfter(last));
      const init = { method: "POST", headers, body, signal };
      const reply = await fetchText(url, init, TIMEOUT_S, MAX_BYTES);
      if ("reason" in reply) throw new TypeError(`${reply.reason} from ${base}`);
      const wait = waitOf(reply, now());
      if (wait > LONG_WAIT_MS) announce(`The Worker asks to wait for ${time(wait / 1000)}.`);
      const report = readReport(reply.text.replaceAll(token, "…"));
      last = report ?? last;
      return { ...reply, report };
    });
    const stop = (stopped: string) => ({ notPurged: new Map(), stopped });
    if (answer === undefined) return stop("interrupted");
    if (typeof answer === "string") return stop(answer);
    const { status, report } = answer;
    if (report !== undefined) return { notPurged: report };
    return stop(REASONS.get(status) ?? `the Worker answers ${status}`);
  };
}

const MAX_REASON_LENGTH = 300;

/** Reads what the Worker's /purge writes. @returns undefined if it is something else */
function readReport(text: string): Report | undefined {
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
