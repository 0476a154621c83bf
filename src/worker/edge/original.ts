import { type Denied, isDenied, isRefusal } from "../base/refusal.ts";
import { isTable, json } from "../config/schema.ts";
import type { Asked } from "../request/format.ts";
import type { SignedHeaders } from "../s3/sigv4.ts";
import { askEdge, drop, edgeOptions } from "./ask-edge.ts";
import { failureOf, isMade } from "./guard.ts";

/**
 * The original's type as the edge tells it, or undefined where it does not (R9), or that it is denied. What the edge
 * passes on untransformed (O8, R6) is of this type, and so what is of another was made.
 */
export async function originalType(
  url: string,
  headers: SignedHeaders,
  asked: Asked,
  seconds: number,
): Promise<string | Denied | undefined> {
  const answer = await askEdge(url, headers, factsOptions(asked), seconds);
  if (isRefusal(answer)) return undefined;
  drop(answer.body);
  if (!isMade(answer)) {
    const failure = failureOf(answer);
    return isDenied(failure) ? failure : undefined; // so would be the print
  }
  const facts = json(answer.text);
  const original = isTable(facts) ? facts["original"] : undefined;
  const type = isTable(original) ? original["format"] : undefined;
  return typeof type === "string" ? type : undefined;
}

/** Those of the print, for a transformation is unique but for its format (L2). */
export function factsOptions(asked: Asked): RequestInitCfPropertiesImage {
  return { ...edgeOptions(asked), format: "json" };
}
