// Tells the fact of an original, as `vitrine facts` writes it down. The bytes themselves go nowhere.

import { readFact } from "../../../cli/project/picture/read-fact.ts";
import { isRefusal } from "../../../worker/base/refusal.ts";
import { openObject } from "../../../worker/origin/open-object.ts";
import { type Answer, says, wordsOf } from "./answer.ts";
import { NO_CONTEXT } from "./make-try.ts";
import type { Try } from "./read-try.ts";

/** How long S3 may take: ms. */
const TIMEOUT_MS = 10_000;

export async function tellFact({ route, key }: Pick<Try, "route" | "key">): Promise<Answer> {
  const options = { part: "whole", deadline: Date.now() + TIMEOUT_MS } as const;
  const object = await openObject(route.bucket, key, options, NO_CONTEXT);
  if (isRefusal(object)) return says(502, `S3 did not give the original: ${wordsOf(object)}`);
  const bytes = new Uint8Array(await new Response(object.body.stream).arrayBuffer());
  const fact = await readFact(bytes);
  if ("why" in fact) return says(502, `there is no fact of it: ${fact.why}`);
  return { status: 200, type: "application/json", body: JSON.stringify(fact) };
}
