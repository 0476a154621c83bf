// Has the edge make a rendition of an object.

import { isRefusal, type Refusal } from "../base/refusal.ts";
import { drop, type Reply } from "../base/send.ts";
import type { Asked } from "../request/format.ts";
import type { SignedHeaders } from "../s3/sigv4.ts";
import { askEdge, edgeOptions } from "./ask-edge.ts";
import { guard, type Passed } from "./guard.ts";
import { judge } from "./judge.ts";
import { originalType } from "./original.ts";
import { secondChance } from "./retry.ts";

/** What the edge made of an object, and the guard let pass. */
export type Rendition = Reply &
  Passed & {
    /** Whether it is a still that stands in for what may be an animation: the edge did not tell. */
    readonly standsIn: boolean;
  };

/**
 * Has the edge make one rendition.
 * @param headers those that sign the origin request
 * @param deadline when to stop waiting for the headers of the last answer: ms since 1970
 */
export async function makeRendition(
  url: string,
  headers: SignedHeaders,
  wanted: Asked,
  deadline: number,
): Promise<Rendition | Refusal> {
  let asked = wanted;
  if (!asked.still) {
    // Only a GIF may move. One that is too large comes back as it is, and its type shows that (O8).
    const original = asked.original ?? (await originalType(url, headers, asked, deadline));
    if (isRefusal(original)) return original;
    asked = { ...asked, original, still: original !== "image/gif" };
  }
  const made = await askForImage(url, headers, asked, deadline);
  if (isRefusal(made)) return made;
  return { ...made, standsIn: !wanted.still && asked.original === "unknown" };
}

/**
 * Asks the edge, and asks once more where another way of asking may succeed. The edge is asked to
 * describe the original where only that shows whether it made the bytes (R6).
 */
async function askForImage(
  url: string,
  headers: SignedHeaders,
  wanted: Asked,
  deadline: number,
): Promise<(Reply & Passed) | Refusal> {
  let asked = wanted;
  const reply = await askEdge(url, headers, edgeOptions(asked), deadline);
  const first = guarded(reply, asked);
  if (!isRefusal(first)) return first;

  let isMade = false;
  if (first.event === "original-is-smaller" && asked.original === undefined) {
    const original = await originalType(url, headers, asked, deadline);
    if (isRefusal(original)) return original;
    asked = { ...asked, original };
    isMade = !isRefusal(reply) && judge(reply, original).result === "made";
  }
  const again = isMade ? asked : secondChance(asked, first);
  return again ? guarded(await askEdge(url, headers, edgeOptions(again), deadline), again) : first;
}

function guarded(reply: Reply | Refusal, asked: Asked): (Reply & Passed) | Refusal {
  if (isRefusal(reply)) return reply;
  const passed = guard(reply, asked);
  if (!isRefusal(passed)) return { ...reply, ...passed };
  drop(reply.body);
  return passed;
}
