// Tells the fact of an original, as `vitrine facts` writes it down. The bytes themselves go nowhere.

import { MOST_BYTES } from "../../../cli/http/ask-s3.ts";
import { readFact } from "../../../cli/picture/read-fact.ts";
import { readBytes } from "../../../worker/base/bytes.ts";
import { isRefusal } from "../../../worker/base/refusal.ts";
import { TIMED_OUT } from "../../../worker/base/time.ts";
import { openObject } from "../../../worker/origin/open-object.ts";
import { type Answer, NO_CONTEXT, says, wordsOf } from "./answer.ts";
import type { Try } from "./read-try.ts";

/** How long S3 may take: ms. */
const TIMEOUT_MS = 10_000;

export async function tellFact({ route, key }: Pick<Try, "route" | "key">): Promise<Answer> {
  const deadline = Date.now() + TIMEOUT_MS;
  const object = await openObject(route.bucket, key, { part: "whole", deadline }, NO_CONTEXT);
  if (isRefusal(object)) return says(502, `S3 did not give the original: ${wordsOf(object)}`);
  const bytes = await readBytes(object.body.stream, MOST_BYTES, deadline);
  if (bytes === "too-long") return says(502, "the original is too large");
  if (bytes === TIMED_OUT) return says(502, "the original did not arrive in time");
  const fact = await readFact(bytes);
  if ("reason" in fact) return says(502, `there is no fact of it: ${fact.reason}`);
  return { status: 200, type: "application/json", body: JSON.stringify(fact) };
}
