// Asks the Worker's /purge, and reads its answers: writer and reader of one protocol. The token goes only to a host that
// the configuration proves, and is never printed. The answer is not trusted: whoever answers does not decide which names
// are printed, or counted as purged.

import { readToken } from "../../worker/config/read-secrets.ts";
import type { VerifiedObject } from "../../worker/purge/report.ts";
import { isPlainObject, parseJson } from "../../worker/util/json.ts";
import type { CommandFault, World } from "../command.ts";
import type { ProjectSite } from "../config/project.ts";
import { withoutToken } from "../http/ask-health.ts";
import { fetchBody } from "../http/body.ts";
import { createSender } from "../http/retry.ts";
import { valuesOf } from "../secrets/secrets.ts";
import { hintFor } from "../wrangler/config-file.ts";

/** `token`: PURGE_TOKEN. */
export type PurgeSite = ProjectSite & { readonly token: string };

export function readPurgeToken({ secrets }: ProjectSite): string | CommandFault {
  if (!secrets.has("PURGE_TOKEN")) {
    const remedy = "Give the Worker one, and put the same into the environment here";
    return { fault: `PURGE_TOKEN is missing. ${remedy}: docs/purge-and-warm.md#purge` };
  }
  const token = readToken(valuesOf(secrets), "PURGE_TOKEN");
  return token ?? { fault: "PURGE_TOKEN is not 32 or more ASCII characters" };
}

export type NotPurged = ReadonlyMap<string, string>;

/** What S3 says of an object: `denied` may be there or not. */
export type ObjectState = VerifiedObject["state"];

/** The Worker answers in less than 4 s. */
const TIMEOUT_S = 30;
const MAX_BYTES = 1_000_000;
const REASONS: Readonly<Record<number, string>> = {
  401: "the PURGE_TOKEN at hand is not the Worker's",
  403: "something in front of the Worker answers 403, such as a rule of the zone: Security → Events in Cloudflare's dashboard names it",
  404: "the Worker has no PURGE_TOKEN: npx wrangler secret put PURGE_TOKEN",
};
const LIMITS = { retries: 4, statuses: [429, 502, 503, 504], maxWaitMs: 310_000 };

/**
 * Creates a function that posts to /purge, and again where another try may help.
 * `createBody` is called for each try. `take` gets each report, and returns whether it is about what was sent.
 * It returns the last report, or why no further request would help.
 */
export function createPurgeClient(world: World, site: PurgeSite) {
  const { now, interrupted: signal } = world;
  const { baseUrl, token, envConfig } = site;
  const send = createSender({ now, signal, ...LIMITS });
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };

  return async (
    createBody: () => object,
    take: (report: PurgeReport) => boolean,
  ): Promise<PurgeReport | CommandFault> => {
    const answer = await send(async () => {
      const init = { method: "POST", headers, body: JSON.stringify(createBody()), signal };
      const reply = await fetchBody(`${baseUrl}/purge`, init, TIMEOUT_S, () => MAX_BYTES);
      const text = new TextDecoder().decode(reply.bytes);
      const report = readReport(withoutToken(parseJson(text), token));

      // Whoever answers does not decide which names are printed, or counted as purged.
      const isForeign = report !== undefined && !take(report);

      // A purge that has come a step further goes on by another request, and not by the same one once more.
      const isStep = report?.after !== undefined || (report?.left && report.deleted > 0);
      return { ...reply, status: isStep ? 200 : reply.status, report, isForeign };
    });

    if (answer === undefined) return { fault: "interrupted" };
    if (typeof answer === "string") return { fault: `${answer} from ${baseUrl}` };
    const { report, isForeign, status } = answer;
    if (isForeign) return { fault: "the Worker answers about other objects" };
    if (report) return report;

    const reason = REASONS[status] ?? `the Worker answers ${status}: npx wrangler tail`;
    return { fault: hintFor(envConfig, reason) };
  };
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

const STATES: readonly unknown[] = ["there", "missing", "denied", "unknown"];
const isState = (value: unknown): value is ObjectState => STATES.includes(value);

/** Parses the answer of the Worker's /purge. @returns undefined if it is something else */
function readReport(report: unknown): PurgeReport | undefined {
  if (!isPlainObject(report) || !Array.isArray(report["not_purged"])) return undefined;

  const notPurged = new Map<string, string>();
  for (const entry of report["not_purged"]) {
    const { object, reason } = isPlainObject(entry) ? entry : {};
    if (typeof object !== "string") return undefined;
    notPurged.set(object, `${reason}`.slice(0, 300));
  }

  const states = new Map<string, ObjectState>();
  const verified = Array.isArray(report["verified"]) ? report["verified"] : [];
  for (const entry of verified) {
    const { object, state } = isPlainObject(entry) ? entry : {};
    if (typeof object !== "string" || !isState(state)) return undefined;
    states.set(object, state);
  }

  // A fault of the whole request names no object.
  const { ok, left: isLeft, deleted, after, purged: purgedNames } = report;
  const left = typeof isLeft === "boolean" ? isLeft : undefined;
  if (ok !== true && notPurged.size === 0 && !left) return undefined;

  const purged = Array.isArray(purgedNames) ? purgedNames : [];
  return {
    purged: purged.filter((name) => typeof name === "string"),
    notPurged,
    deleted: typeof deleted === "number" ? deleted : 0,
    left,
    after: typeof after === "string" ? after : undefined,
    states,
  };
}
