// What server-timing says of the cache in front of renditions, and what that means. Pure.

import { cacheWord } from "../http/ask-picture.ts";
import type { Body } from "../http/body.ts";
import type { NoAnswer } from "./ask-site.ts";
import { type Diagnosis, diagnose, note, well } from "./finding.ts";

/** What one answer says of the cache, and the words for it. */
export type Said = {
  readonly did: "kept" | "stored" | "made" | "direct" | "older" | "unknown";
  readonly seen: string;
};

const WORDS = new Map<string, Said["did"]>([
  ["hit", "kept"],
  ["stale", "kept"],
  ["stored", "stored"],
  ["miss", "made"],
  ["direct", "direct"],
]);

/** If renditions are kept for less than that, a second request may be too late: s. */
const SHORT_S = 60;

/** What an answer says of the cache. What is not sure is `unknown`, never `older`. */
export function saidBy(answer: Body | NoAnswer): Said {
  if ("reason" in answer) return { did: "unknown", seen: answer.reason };
  const { status, headers } = answer;
  if (status !== 200) return { did: "unknown", seen: `the image answers ${status}` };
  const timing = headers.get("server-timing") ?? "";
  const word = cacheWord(headers);
  if (word !== undefined) return { did: WORDS.get(word) ?? "unknown", seen: `cache is "${word}"` };
  // Every Vitrine measures the edge; without that, something in front has changed the header.
  if (/(?:^|,)\s*edge\s*;/i.test(timing)) return { did: "older", seen: timing };
  return { did: "unknown", seen: `server-timing is ${timing || "missing"}` };
}

/**
 * What the answers mean for an image that was there before.
 * @param keep for how long wrangler.toml has renditions kept: s
 */
export function diagnoseKept(said: readonly Said[], keep: number): Diagnosis {
  const [one] = ORDER.flatMap((did) => said.filter((each) => each.did === did));
  const seen = one?.seen ?? "nothing was asked";
  const unknown = note("kept", `whether renditions are kept is unknown: ${seen}`);
  if (one === undefined || one.did === "unknown") return unknown;
  if (one.did === "older") return diagnose("kept-unknown-to-it", { seen });
  if (keep === 0) {
    if (one.did === "direct" || one.did === "stored")
      return note("kept", "they are not, as keep = 0 in wrangler.toml says");
    return diagnose("kept-anyway", { seen });
  }
  if (one.did === "kept") return well("kept", `they are kept worldwide: ${seen}`);
  if (one.did === "direct") return diagnose("kept-unusable", { seen });
  if (keep >= SHORT_S) return diagnose("kept", { seen });
  return note("kept", `${seen}, and keep is only ${keep} s: that may be too short to see it`);
}

/** One answer out of the cache is enough. What was not seen each time is not known. */
const ORDER: readonly Said["did"][] = ["kept", "unknown", "older", "direct", "stored", "made"];
