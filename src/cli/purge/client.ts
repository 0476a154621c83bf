// Asks the Worker's /purge, and reads its answers: writer and reader of one protocol. The token goes only to a host that
// the configuration proves, and is never printed. The answer is not trusted: whoever answers does not decide which names
// are printed, or counted as purged.

import { readToken } from "../../worker/config/read-secrets.ts";
import type { VerifiedObject } from "../../worker/purge/report.ts";
import { isPlainObject, parseJson } from "../../worker/util/json.ts";
import { type CommandFault, page, type World } from "../command.ts";
import type { ProjectSite } from "../config/project.ts";
import { withoutToken } from "../http/ask-health.ts";
import { fetchBody, isNoAnswer } from "../http/body.ts";
import { createSender } from "../http/retry.ts";
import { tokenRule, valuesOf } from "../secrets/secrets.ts";
import { commandFor } from "../wrangler/config-file.ts";

export type PurgeSite = ProjectSite & {
  /** PURGE_TOKEN. */
  readonly token: string;
};

export function readPurgeToken({ secrets }: ProjectSite): string | CommandFault {
  if (!secrets.has("PURGE_TOKEN")) {
    const purging = page("docs/purge-and-warm.md");
    return {
      fault: `PURGE_TOKEN is missing. Give the Worker one, and put the same into the environment here: ${purging}#purge`,
    };
  }

  const token = readToken(valuesOf(secrets), "PURGE_TOKEN");
  return token ?? { fault: `PURGE_TOKEN ${tokenRule("PURGE_TOKEN")}` };
}

export type NotPurged = ReadonlyMap<string, string>;

/** What S3 says of an object: `denied` may be there or not. */
export type ObjectState = VerifiedObject["state"];

/** The Worker answers in less than 4 s. */
const TIMEOUT_S = 30;
const MAX_BYTES = 1_000_000;
const LIMITS = { retries: 4, statuses: [429, 502, 503, 504], maxWaitMs: 310_000 };

/** Gets each report, and returns whether it is about what was sent. */
type TakeReport = (report: PurgeReport) => boolean;

/**
 * Creates a function that posts to /purge, and again where another try may help.
 * `createBody` is called for each try. The function returns the last report, or why no further request would help.
 */
export function createPurgeClient(world: World, site: PurgeSite) {
  const { now, interrupted: signal } = world;
  const send = createSender({ now, signal, ...LIMITS });

  return async (
    createBody: () => object,
    take: TakeReport,
  ): Promise<PurgeReport | CommandFault> => {
    const answer = await send(() => post(site, createBody(), take, signal));
    if (answer === undefined) return { fault: "interrupted" };
    if (isNoAnswer(answer)) return { fault: `${answer.reason} from ${site.baseUrl}` };
    const { report, isForeign, status } = answer;
    if (isForeign) return { fault: "the Worker answers about other objects" };
    return report ?? { fault: statusText(status, site) };
  };
}

/** The answer to one request. */
type Answer = Pick<Response, "status" | "headers"> & {
  /** Undefined: it is not the answer of a Vitrine's /purge. */
  readonly report: PurgeReport | undefined;
  /** Whether the report is about something else than what was sent. */
  readonly isForeign: boolean;
};

async function post(
  { baseUrl, token }: PurgeSite,
  body: object,
  take: TakeReport,
  signal: AbortSignal,
): Promise<Answer> {
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  const init = { method: "POST", headers, body: JSON.stringify(body), signal };
  const reply = await fetchBody(`${baseUrl}/purge`, init, TIMEOUT_S, () => MAX_BYTES);

  const text = new TextDecoder().decode(reply.bytes);
  const report = readReport(withoutToken(parseJson(text), token));
  if (report === undefined) return { ...reply, report, isForeign: false };

  // Whoever answers does not decide which names are printed, or counted as purged.
  const isForeign = !take(report);

  // A purge that has come a step further goes on by another request, and not by the same one once more.
  const hasDeletedPart = report.left === true && report.deleted > 0;
  const isStep = report.after !== undefined || hasDeletedPart;
  return { ...reply, status: isStep ? 200 : reply.status, report, isForeign };
}

/** Says what the status of an answer without a report means. */
function statusText(status: number, { envConfig }: PurgeSite): string {
  switch (status) {
    case 401:
      return "the PURGE_TOKEN at hand is not the Worker's";
    case 403:
      return "something in front of the Worker answers 403, such as a rule of the zone: Security → Events in Cloudflare's dashboard names it";
    case 404: {
      const command = commandFor(envConfig, "npx wrangler secret put PURGE_TOKEN");
      return `the Worker has no PURGE_TOKEN: ${command}`;
    }
    default:
      return `the Worker answers ${status}: ${commandFor(envConfig, "npx wrangler tail")}`;
  }
}

/** The answer of the Worker's /purge. */
export type PurgeReport = {
  readonly purged: readonly string[];
  readonly notPurged: NotPurged;
  readonly deleted: number;
  /** False if a last list of the store shows that nothing is left. Undefined: there is no store. */
  readonly left: boolean | undefined;
  /** Where the next request goes on. */
  readonly after: string | undefined;
  readonly states: ReadonlyMap<string, ObjectState>;
};

/** Returns whether a report names nothing but what was sent. */
export function isAbout({ notPurged, states }: PurgeReport, names: readonly string[]): boolean {
  const sent = new Set(names);
  return [...notPurged.keys(), ...states.keys()].every((name) => sent.has(name));
}

/** Parses the answer of the Worker's /purge. @returns undefined if it is something else */
function readReport(report: unknown): PurgeReport | undefined {
  if (!isPlainObject(report)) return undefined;

  const notPurged = readNotPurged(report["not_purged"]);
  const states = readStates(report["verified"]);
  if (notPurged === undefined || states === undefined) return undefined;

  // A fault of the whole request names no object.
  const { ok, left, deleted, after, purged } = report;
  if (ok !== true && notPurged.size === 0 && left !== true) return undefined;

  return {
    purged: Array.isArray(purged) ? purged.filter((name) => typeof name === "string") : [],
    notPurged,
    deleted: typeof deleted === "number" ? deleted : 0,
    left: typeof left === "boolean" ? left : undefined,
    after: typeof after === "string" ? after : undefined,
    states,
  };
}

/** Part of a reason is enough: characters. */
const MAX_REASON_LENGTH = 300;

function readNotPurged(list: unknown): NotPurged | undefined {
  if (!Array.isArray(list)) return undefined;

  const reasons = new Map<string, string>();
  for (const item of list) {
    if (!isPlainObject(item)) return undefined;

    const { object, reason } = item;
    if (typeof object !== "string") return undefined;
    reasons.set(object, `${reason}`.slice(0, MAX_REASON_LENGTH));
  }
  return reasons;
}

function readStates(list: unknown): ReadonlyMap<string, ObjectState> | undefined {
  const states = new Map<string, ObjectState>();
  if (!Array.isArray(list)) return states;

  for (const item of list) {
    if (!isPlainObject(item)) return undefined;

    const { object, state } = item;
    if (typeof object !== "string" || !isState(state)) return undefined;
    states.set(object, state);
  }
  return states;
}

const STATES: readonly unknown[] = ["there", "missing", "denied", "unknown"];

function isState(value: unknown): value is ObjectState {
  return STATES.includes(value);
}
