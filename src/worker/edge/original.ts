// Asks the edge what the original is.

import { isTable, json } from "../base/json.ts";
import { isDenied, isRefusal, type Refusal } from "../base/refusal.ts";
import { drop } from "../base/send.ts";
import type { SignedHeaders } from "../origin/sigv4.ts";
import type { Asked } from "../request/format.ts";
import { askEdge, edgeOptions } from "./ask-edge.ts";
import { readFailure } from "./guard.ts";
import { judge, namedType, originalEtag } from "./judge.ts";

/** What the edge says of an original. */
type Described = Required<Pick<Asked, "original" | "tag">>;

const UNKNOWN = { original: "unknown", tag: undefined } as const;

/**
 * The original's type as the edge describes it (R9), and of which object it says so: the edge may still
 * keep the description of an object that was replaced (C1).
 * @param deadline ms since 1970
 * @returns the type; or a refusal that the rendition would meet, too: S3 denies the object, the failure
 *   may be over soon, or no time is left
 */
export async function describeOriginal(
  url: string,
  headers: SignedHeaders,
  asked: Asked,
  deadline: number,
): Promise<Described | Refusal> {
  const reply = await askEdge(url, headers, factsOptions(asked), deadline);
  if (isRefusal(reply)) return reply;
  drop(reply.body);
  if (judge(reply).result === "not-made") {
    const failure = readFailure(reply, asked);
    return isDenied(failure) || failure.passing ? failure : UNKNOWN;
  }
  const facts = json(reply.text);
  const original = isTable(facts) ? facts["original"] : undefined;
  const format = isTable(original) ? original["format"] : undefined;
  if (typeof format !== "string") return UNKNOWN;
  return { original: namedType(format), tag: originalEtag(reply.headers) };
}

/** The rendition's own options: they are billed once, whatever the format is (L2). */
export function factsOptions(asked: Asked): RequestInitCfPropertiesImage {
  return { ...edgeOptions(asked), format: "json" };
}
