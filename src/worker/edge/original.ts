// Asks the edge what the original is.

import { isTable, json } from "../base/json.ts";
import { type Denied, isDenied, isRefusal } from "../base/refusal.ts";
import { drop } from "../base/send.ts";
import type { Asked, OriginalType } from "../request/format.ts";
import type { SignedHeaders } from "../s3/sigv4.ts";
import { askEdge, edgeOptions } from "./ask-edge.ts";
import { failureOf } from "./guard.ts";
import { judge, namedType } from "./judge.ts";

/**
 * The original's type as the edge describes it (R9).
 * @param seconds how long the edge may take
 * @returns or that S3 denies the object
 */
export async function originalType(
  url: string,
  headers: SignedHeaders,
  asked: Asked,
  seconds: number,
): Promise<OriginalType | Denied> {
  const reply = await askEdge(url, headers, factsOptions(asked), seconds);
  if (isRefusal(reply)) return "unknown";
  drop(reply.body);
  if (judge(reply).result === "not-made") {
    const failure = failureOf(reply);
    return isDenied(failure) ? failure : "unknown"; // the rendition would be denied, too
  }
  const facts = json(reply.text);
  const original = isTable(facts) ? facts["original"] : undefined;
  const format = isTable(original) ? original["format"] : undefined;
  return typeof format === "string" ? namedType(format) : "unknown";
}

/** The rendition's own options: they are billed once, whatever the format is (L2). */
export function factsOptions(asked: Asked): RequestInitCfPropertiesImage {
  return { ...edgeOptions(asked), format: "json" };
}
