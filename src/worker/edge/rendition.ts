import { isRefusal, type Refusal } from "../base/refusal.ts";
import type { Asked } from "../request/format.ts";
import type { SignedHeaders } from "../s3/sigv4.ts";
import { askEdge, drop, type EdgeAnswer, edgeOptions } from "./ask-edge.ts";
import { guard, type Passed } from "./guard.ts";
import { originalType } from "./original.ts";
import { secondChance } from "./retry.ts";

/** What the edge made of an object, and the guard let pass. */
export type Print = EdgeAnswer & Passed;

/**
 * Has the edge make a print. It is asked once more where another way of asking may succeed, and told
 * to describe the original where only that shows whether the bytes were made (O8, R6).
 * @param headers those that sign the origin request
 * @param timeout seconds that each call may take until its headers are here
 */
export async function makePrint(
  url: string,
  headers: SignedHeaders,
  wanted: Asked,
  timeout: number,
): Promise<Print | Refusal> {
  let asked = wanted;
  if (!asked.still) {
    // Only what is known to be a GIF may move: too large, it comes back as it is, and shows that by
    // its type (O8).
    const original = await originalType(url, headers, asked, timeout);
    if (isRefusal(original)) return original;
    asked = { ...asked, original, still: original !== "image/gif" };
  }
  const print = guarded(await askEdge(url, headers, edgeOptions(asked), timeout), asked);
  if (!isRefusal(print)) return print;
  if (print.event === "original-is-smaller" && asked.original === undefined) {
    const original = await originalType(url, headers, asked, timeout);
    if (isRefusal(original)) return original;
    asked = { ...asked, original };
  }
  const again = secondChance(asked, print);
  if (again === undefined) return print;
  return guarded(await askEdge(url, headers, edgeOptions(again), timeout), again);
}

function guarded(answer: EdgeAnswer | Refusal, asked: Asked): Print | Refusal {
  if (isRefusal(answer)) return answer;
  const passed = guard(answer, asked);
  if (!isRefusal(passed)) return { ...answer, ...passed };
  drop(answer.body);
  return passed;
}
