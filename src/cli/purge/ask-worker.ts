// Has the Worker purge by its own /purge, in portions that it takes, and waits as it says. The token goes only to a
// host that the configuration proves, and is never printed. The answer is not trusted.

import { isPlainObject, parseJson } from "../../worker/base/json.ts";
import { readToken } from "../../worker/config/read-secrets.ts";
import { type Fault, isFault, type World } from "../command.ts";
import type { Project } from "../config/project.ts";
import { provenBase } from "../config/site-url.ts";
import { fetchBody } from "../http/body.ts";
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

/** @returns a fault if its token is not at hand, or the configuration does not prove where it is */
export function openWorker({ folder }: World, project: Project): Worker | Fault {
  const base = provenBase(folder, project);
  if (isFault(base)) return base;
  if (!project.secrets.has("PURGE_TOKEN")) {
    const remedy = "Give the Worker one, and put the same into the environment here";
    return { fault: `PURGE_TOKEN is missing. ${remedy}: docs/purge-and-warm.md#purge` };
  }
  const token = readToken(valuesOf(project.secrets), "PURGE_TOKEN");
  if (token === undefined) return { fault: "PURGE_TOKEN is not 32 or more ASCII characters" };
  const maxObjects = project.config.store ? MAX_OBJECTS_WITH_STORE : MAX_OBJECTS;
  return { base, token, maxObjects };
}

/**
 * Has the Worker purge. After a fault that another request would meet, too, it sends no more.
 * @param names as the Worker writes them: BUCKET/key; BUCKET/* or * for a whole bucket or all
 * @param bodyOf the body that asks for some of them
 * @returns the names that are not purged, and why
 */
export async function purgeNames(
  world: World,
  worker: Worker,
  names: readonly string[],
  bodyOf: (names: readonly string[]) => object = (objects) => ({ objects }),
): Promise<ReadonlyMap<string, string>> {
  const left = new Map<string, string>();
  const progress = createProgress(world, "objects", names.length);
  const post = createPoster(world, worker, bodyOf, progress.say);
  let stopped: string | undefined;
  for (let at = 0; at < names.length; at += worker.maxObjects) {
    const portion = names.slice(at, at + worker.maxObjects);
    if (stopped === undefined) {
      const result = await post(portion);
      ({ stopped } = result);
      for (const [name, reason] of result.notPurged) left.set(name, stopped ?? reason);
    } else for (const name of portion) left.set(name, `not sent, after: ${stopped}`);
    progress.step(portion.length);
  }
  progress.end();
  return left;
}

/** Why names are not purged. */
type Report = ReadonlyMap<string, string>;

/** The Worker answers in less than 4 s. */
const TIMEOUT_S = 30;
const MAX_BYTES = 1_000_000;
const LIMITS = { retries: 4, statuses: [429, 502, 503, 504], maxWaitMs: 310_000 };
/** A wait that is announced: ms. */
const LONG_WAIT_MS = 5_000;

/**
 * Creates a function that posts a portion, and posts what is left of it again if that may help.
 * @returns with `stopped`, if the next request would not help either
 */
function createPoster(
  { now, interrupted: signal }: World,
  { base, token }: Worker,
  bodyOf: (names: readonly string[]) => object,
  announce: (text: string) => void,
) {
  const send = createSender({ now, signal, ...LIMITS });
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  return async (portion: readonly string[]) => {
    let notPurged: Report = new Map(portion.map((name) => [name, ""]));
    const answer = await send(async () => {
      const body = JSON.stringify(bodyOf([...notPurged.keys()]));
      const init = { method: "POST", headers, body, signal };
      const reply = await fetchBody(`${base}/purge`, init, TIMEOUT_S, () => MAX_BYTES);
      const wait = waitOf(reply, now());
      if (wait > LONG_WAIT_MS) announce(`The Worker asks to wait for ${time(wait / 1000)}.`);
      const report = readReport(new TextDecoder().decode(reply.bytes).replaceAll(token, "…"));
      // Whoever answers does not decide which names are printed, or counted as purged.
      const isForeign = [...(report?.keys() ?? [])].some((name) => !notPurged.has(name));
      if (report !== undefined && !isForeign) notPurged = report;
      return { ...reply, report, isForeign };
    });
    if (answer === undefined) return { notPurged, stopped: "interrupted" };
    if (typeof answer === "string") return { notPurged, stopped: `${answer} from ${base}` };
    const { report, isForeign, status } = answer;
    if (report === undefined) return { notPurged, stopped: whyNoReport(status) };
    return { notPurged, stopped: isForeign ? "the Worker answers about other objects" : undefined };
  };
}

function whyNoReport(status: number): string {
  if (status === 401) return "the PURGE_TOKEN at hand is not the Worker's";
  if (status === 404) {
    return "the Worker has no PURGE_TOKEN: npx wrangler secret put PURGE_TOKEN";
  }
  return `the Worker answers ${status}: npx wrangler tail`;
}

const MAX_REASON_LENGTH = 300;

/** Reads what the Worker's /purge writes. @returns undefined if it is something else */
function readReport(text: string): Report | undefined {
  const report = parseJson(text);
  if (!isPlainObject(report) || !Array.isArray(report["not_purged"])) return undefined;
  const notPurged = new Map<string, string>();
  for (const entry of report["not_purged"]) {
    const { object, reason } = isPlainObject(entry) ? entry : {};
    if (typeof object !== "string") return undefined;
    notPurged.set(object, `${reason}`.slice(0, MAX_REASON_LENGTH));
  }
  // A fault of the whole request names no object.
  return report["ok"] === true || notPurged.size > 0 ? notPurged : undefined;
}
