import { askEdge, drop, edgeOptions } from "./edge.ts";
import type { Asked } from "./format.ts";
import { isMade } from "./guard.ts";
import { isRefusal } from "./refusal.ts";
import { isTable } from "./schema.ts";

/**
 * True if the edge says that the object is a GIF (R9). Only then may an animation be asked for: one
 * too large comes back untransformed (O8), and what was a GIF shows that by its type.
 */
export async function isGif(
  url: string,
  headers: Headers,
  asked: Asked,
  seconds: number,
): Promise<boolean> {
  // The options are those of the print, for a transformation is unique but for its format (L2).
  const image = { ...edgeOptions(asked), format: "json" } as const;
  const answer = await askEdge(url, headers, image, seconds);
  if (isRefusal(answer)) return false;
  if (!isMade(answer) || answer.headers.get("content-type") !== "application/json") {
    drop(answer.body);
    return false;
  }
  const facts: unknown = await new Response(answer.body).json().catch(() => undefined);
  const original = isTable(facts) ? facts["original"] : undefined;
  return isTable(original) && original["format"] === "image/gif";
}
