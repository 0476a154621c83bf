// Chooses the cause from what the edge said, or from the status that a visitor gets. Pure.

import type { UpstreamEvent } from "../../worker/base/refusal.ts";
import { failureFor } from "../../worker/edge/codes.ts";
import { shellQuote } from "../terminal/shell.ts";
import type { EDGE_CHECKS } from "./checks/edge.ts";
import { type Diagnosis, diagnose } from "./finding.ts";

type EdgeCause = keyof typeof EDGE_CHECKS | keyof typeof EDGE_CHECKS.edge.causes;

/** What the edge says that has a cause of its own; `CODE/STATUS` if the status makes a difference. */
const CODES = new Map<string, EdgeCause>([
  ["off", "transformations"],
  ["unreachable", "edge-slow"],
  ["9401/403", "sources"],
  ["9401/400", "options-refused"],
  ["9403", "edge-loop"],
  ["9406", "url-refused"],
  ["9407", "origin-unknown"],
  ["9419", "url-refused"],
  ["9509", "origin-busy"],
  ["9420", "edge-elsewhere"],
  ["9421", "edge-elsewhere"],
  ["9519", "edge-elsewhere"],
]);

/** The words of the Worker's log that /healthz has in place of a code: why S3 gives the Worker no canary. */
const WORDS_OF_LOG = new Map<string, EdgeCause>([
  ["object-missing", "canary-missing"],
  ["object-denied", "canary-missing"],
  ["origin-denied", "edge-elsewhere"],
  ["origin-failed", "origin-busy"],
  ["timed-out", "edge-slow"],
  ["edge-contradicts", "edge-contradicts"],
]);

/** The cause for all other codes, by the event that the Worker logs. */
const EVENTS: Readonly<Record<UpstreamEvent, EdgeCause>> = {
  "object-missing": "canary-missing",
  "object-denied": "edge-contradicts",
  "source-unreadable": "canary-unreadable",
  "origin-denied": "edge-contradicts",
  "origin-failed": "origin-failed",
  "edge-contradicts": "edge-contradicts",
  "quota-spent": "quota",
  "edge-refused": "edge",
  "edge-failed": "edge-failed",
  "timed-out": "edge-slow",
  "not-transformed": "transformations",
  "too-large-for-avif": "canary-unreadable",
  "original-is-smaller": "canary-unreadable",
  "wrong-type": "canary-unreadable",
};

/** What the Worker logs where /healthz has a word of its own. */
const WORDS = new Map<string, UpstreamEvent>([
  ["off", "not-transformed"],
  ["unreachable", "timed-out"],
]);

const SEEN = new Map([
  ["unreachable", "the edge did not answer the Worker"],
  ["edge-contradicts", "the edge contradicts S3"],
]);

/**
 * What it means that the Worker gets no image of the canary.
 * @param code as `/healthz` reports it: `9401`, `off`, `unreachable`, or a word of the log
 * @param status of the edge's answer; older Workers do not report it
 * @param entry what to list under Sources for the bucket
 */
export function diagnoseEdge(code: string, status = 403, entry: string, local: boolean): Diagnosis {
  const { event, reason = "" } = failureFor(status, code, "");
  const logged = WORDS_OF_LOG.get(code);
  const cause = logged ?? CODES.get(`${code}/${status}`) ?? CODES.get(code) ?? EVENTS[event];
  const answers = logged ? `S3 gives the Worker no canary (${code})` : `the edge answers ${code}`;
  const seen = SEEN.get(code) ?? answers;
  const facts = { entry, reason: reason && `: ${reason}`, seen };
  const { remedy, ...found } = diagnose(cause, facts, local);
  const isContradiction = cause === "edge-contradicts";
  const section = logged ? code : isContradiction ? cause : (WORDS.get(code) ?? event);
  return { ...found, remedy: `${remedy}. See docs/errors.md#${section}` };
}

const STATUSES = {
  403: "blocked-in-front",
  404: "not-found",
  410: "url-expired",
  415: "image-unreadable",
  429: "rate-limited",
  500: "configuration",
  503: "quota",
  504: "image-late",
  508: "image-loop",
} as const;

/** What a status means that a visitor gets, if nothing more is known. */
export function diagnoseStatus(status: number, url: string, local: boolean): Diagnosis {
  const statuses: Readonly<Record<number, (typeof STATUSES)[keyof typeof STATUSES]>> = STATUSES;
  const cause = statuses[status] ?? (status >= 500 ? "image-failed" : "image");
  return diagnose(cause, { seen: `${url} answers ${status}`, quoted: shellQuote(url) }, local);
}
