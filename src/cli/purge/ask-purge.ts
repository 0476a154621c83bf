// Asks /purge of a Vitrine. The answer is not trusted: anybody may answer at that host. The token is never
// printed.

import { isPlainObject, parseJson } from "../../worker/base/json.ts";
import { fetchText } from "../http/body.ts";
import { waitOf } from "../http/retrying.ts";
import { visible } from "../terminal/shell.ts";

/** What the Worker is asked to purge. */
export type PurgeBody =
  | { readonly objects: readonly string[] }
  | { readonly bucket: string }
  | { readonly everything: true };

export type Purged = {
  /** What is not purged, and why. */
  readonly left: ReadonlyMap<string, string>;
  /** How long to wait until trying again may help: ms. Undefined: it does not. */
  readonly wait?: number;
};

/** Why there is no answer to read. `access`: the next request would not help, either. */
export type NotAsked = { readonly reason: string; readonly kind: "access" | "trouble" };

/** The Worker answers in less than 4 s: s. */
const PATIENCE_S = 30;
const LONGEST = 1_000_000; // bytes
const LONGEST_REASON = 300;

const SAYS = new Map([
  [401, "the PURGE_TOKEN at hand is not the Worker's"],
  [404, "the Worker has no PURGE_TOKEN: npx wrangler secret put PURGE_TOKEN"],
  [405, "the Worker is older than POST /purge: npx vitrine deploy"],
  [500, "the Worker's configuration is broken; its log says how: npx wrangler tail"],
]);

export async function askPurge(
  base: string,
  token: string,
  body: PurgeBody,
  interrupted: AbortSignal,
): Promise<Purged | NotAsked> {
  const init = {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify(body),
    signal: interrupted,
  };
  const answer = await fetchText(`${base}/purge`, init, PATIENCE_S, LONGEST);
  if ("reason" in answer) {
    return { reason: `no answer from ${base}: ${answer.reason}`, kind: "trouble" };
  }
  const { status } = answer;
  const read = readReport(answer.text.replaceAll(token, "…"));
  if (read) return status === 429 || status === 503 ? { ...read, wait: waitOf(answer) } : read;
  const known = SAYS.get(status);
  const kind = known !== undefined || status < 500 ? "access" : "trouble";
  return { reason: known ?? `the Worker answers ${status}`, kind };
}

/** Reads what `src/worker/purge/report.ts` writes. */
function readReport(text: string): Purged | undefined {
  const report = parseJson(text);
  if (!isPlainObject(report) || typeof report["ok"] !== "boolean") return undefined;
  const { ok, not_purged: entries } = report;
  if (!Array.isArray(entries)) return undefined;
  const left = new Map<string, string>();
  for (const entry of entries) {
    const { object, reason: why } = isPlainObject(entry) ? entry : {};
    if (typeof object !== "string") return undefined;
    left.set(object, textOf(why));
  }
  // A fault of the whole request names no object.
  if (!ok && left.size === 0) return undefined;
  return { left };
}

function textOf(value: unknown): string {
  return visible(`${value}`.slice(0, LONGEST_REASON));
}
