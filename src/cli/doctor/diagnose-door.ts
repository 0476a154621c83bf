// What the answers of `/cdn-cgi/image/` mean, and how open the side door is (E10). Pure.

import { PROTECTION } from "../../worker/answer/answer.ts";
import type { UpstreamEvent } from "../../worker/base/refusal.ts";
import { failureFor } from "../../worker/edge/codes.ts";
import type { Body } from "../http/body.ts";
import type { NoAnswer } from "./ask-site.ts";
import { type Diagnosis, diagnose, note, well } from "./finding.ts";

/** What the edge did with a source, and the words for it: `… answers 9404`. */
export type Said = {
  readonly did: "transformed" | "fetched" | "refused" | "blocked" | "passed-on" | "unknown";
  readonly seen: string;
};

/** What was asked about one bucket, and its texts. */
type Door = {
  /** What to list under Sources, and the host that others may have buckets on. */
  readonly entry: string;
  readonly host: string;
  /** The key of the object inside. */
  readonly key: string;
  /** The answers for another bucket, beside the prefix if there is one, and for what Vitrine serves. */
  readonly neighbour: Said;
  readonly beside: Said | undefined;
  readonly inside: readonly Said[];
};

/** Events that are possible only if the edge has asked the origin. */
const FETCHED: readonly UpstreamEvent[] = [
  "object-missing",
  "object-denied",
  "source-unreadable",
  "origin-denied",
  "origin-failed",
];

/**
 * What an answer of `/cdn-cgi/image/` says about a source. What is not sure is `unknown`, never `refused`.
 * @param asked the source, as the texts name it
 */
export function saidBy(asked: string, answer: Body | NoAnswer): Said {
  if ("reason" in answer) return { did: "unknown", seen: `${asked}: ${answer.reason}` };
  const { status, headers, bytes } = answer;
  const resized = headers.get("cf-resized") ?? "";
  const text = new TextDecoder().decode(bytes.subarray(0, 64));
  const code = /^err=(\d{4})/.exec(resized)?.[1] ?? /^ERROR (\d{4})\b/.exec(text)?.[1]; // R1, R3
  const seen = `${asked} answers ${code ?? status}`;
  if (code === undefined) return { did: withoutCode(status, headers, resized), seen };
  if (code === "9401" && status === 403) return { did: "refused", seen }; // E5
  // Whether the edge looks the host up before it reads Sources is not known.
  const isFetched = code !== "9407" && FETCHED.includes(failureFor(status, code, "").event);
  return { did: isFetched ? "fetched" : "unknown", seen };
}

function withoutCode(status: number, headers: Headers, resized: string): Said["did"] {
  if (status === 200 && /^internal=(?:ok|ram)\b/.test(resized)) return "transformed";
  const own = "content-security-policy";
  if (status === 404 && headers.get(own) === PROTECTION[own]) return "passed-on";
  // A challenge is no block: a browser can pass it.
  return status === 403 && !headers.has("cf-mitigated") ? "blocked" : "unknown";
}

/**
 * How open the side door of one bucket is. It is shut only if every answer says so.
 * @param serves whether visitors get images: then a plain 403 is not about this machine
 */
export function diagnoseDoor(door: Door, serves: boolean): Diagnosis {
  const { entry, host, key, neighbour, beside, inside } = door;
  const all = [neighbour, ...(beside ? [beside] : []), ...inside];
  const first = (did: Said["did"]) => all.find((said) => said.did === did);
  if (neighbour.did === "transformed" || neighbour.did === "fetched") {
    return diagnose("side-door", { entry, host, seen: neighbour.seen });
  }
  const shown = first("transformed");
  if (shown !== undefined) return diagnose("side-door-inside", { key, seen: shown.seen });
  const isShut = ({ did }: Said) =>
    did === "refused" || did === "passed-on" || (did === "blocked" && serves);
  const unknown = all.find((said) => said.did !== "fetched" && !isShut(said));
  if (unknown !== undefined) {
    return note("side-door", `whether the side door is open is unknown: ${unknown.seen}`);
  }
  const half = first("fetched");
  if (half !== undefined) return diagnose("side-door-half", { seen: half.seen });
  const { did, seen } = neighbour;
  const by = did === "passed-on" ? "the Worker itself answers" : "something in front blocks it";
  return well("side-door", `it is shut at this host: ${did === "refused" ? seen : by}`);
}
