// Has the edge make a rendition of an object.

import { isRefusal, type Refusal } from "../base/refusal.ts";
import { drop, type Reply } from "../base/send.ts";
import type { SignedHeaders } from "../origin/sigv4.ts";
import type { Asked } from "../request/format.ts";
import { askEdge, edgeOptions } from "./ask-edge.ts";
import { guard, type Passed } from "./guard.ts";
import { originalEtag } from "./judge.ts";
import { isOpaqueAtOrigin } from "./opaque-png.ts";
import { describeOriginal } from "./original.ts";
import { secondChance } from "./second-chance.ts";

/** What the edge made of an object, and the guard let pass. */
export type Rendition = Reply &
  Passed & {
    /** Whether it is a still that stands in for what may be an animation: the edge did not tell. */
    readonly standsIn: boolean;
  };

/**
 * Asks the edge, and asks once more where another way of asking may succeed. The edge is asked to
 * describe the original where only that shows whether it made the bytes (O8, R6).
 * @param headers those that sign the origin request
 * @param deadline until when the headers of the last answer may take: ms since 1970
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
    const told = asked.original ? asked : await describeOriginal(url, headers, asked, deadline);
    if (isRefusal(told)) return told;
    asked = { ...asked, ...told, still: told.original !== "image/gif" };
  }
  const reply = await askEdge(url, headers, edgeOptions(asked), deadline);
  const tag = isRefusal(reply) ? undefined : originalEtag(reply.headers);
  const isOfAnother = tag !== undefined && asked.tag !== undefined && tag !== asked.tag; // C1
  if (isOfAnother) asked = { ...asked, original: "unknown" };
  const standsIn = !wanted.still && asked.original === "unknown";
  const first = guarded(reply, asked, standsIn);
  if (!isRefusal(first)) return first;

  let isMade = false;
  if (first.event === "original-is-smaller" && asked.original === undefined) {
    const told = await describeOriginal(url, headers, asked, deadline);
    if (isRefusal(told)) return told;
    asked = { ...asked, ...told };
    isMade = !isRefusal(reply) && !isRefusal(guard(reply, asked));
  }
  const again = isMade ? asked : secondChance(asked, first);
  if (!again) return first;
  // A JPEG that the variant does not ask for must not take the place of a transparent PNG.
  const isOfPng = first.event === "original-is-smaller" && again.format === "jpeg";
  const isWanted = !isOfPng || /jpeg/.test(again.variant.format);
  if (!isWanted && !(await isOpaqueAtOrigin(url, headers, tag, deadline))) return first;
  return guarded(await askEdge(url, headers, edgeOptions(again), deadline), again, standsIn);
}

function guarded(reply: Reply | Refusal, asked: Asked, standsIn: boolean): Rendition | Refusal {
  if (isRefusal(reply)) return reply;
  const passed = guard(reply, asked);
  if (!isRefusal(passed)) return { ...reply, ...passed, standsIn };
  drop(reply.body);
  return passed;
}
