// Tells the fact of an original, as `vitrine facts` writes it down. The bytes themselves go nowhere.

import { fetchObject, PATIENCE_S } from "../../../cli/net/ask-s3.ts";
import { readFact } from "../../../cli/project/picture/read-fact.ts";
import { isRefusal, type Refusal } from "../../../worker/base/refusal.ts";
import { originUrl } from "../../../worker/origin/object-url.ts";
import type { SignedHeaders } from "../../../worker/origin/sigv4.ts";
import { type Answer, says, wordsOf } from "./answer.ts";
import { askSlots } from "./ask-slots.ts";
import type { Try } from "./read-try.ts";

export async function tellFact({ route, key }: Pick<Try, "route" | "key">): Promise<Answer> {
  const url = originUrl(route.bucket.base, key);
  const bytes = await askSlots(route.bucket, url, (headers) => readObject(url, headers));
  if (isRefusal(bytes)) return says(502, `S3 did not give the original: ${wordsOf(bytes)}`);
  const fact = await readFact(bytes);
  if ("why" in fact) return says(502, `there is no fact of it: ${fact.why}`);
  return { status: 200, type: "application/json", body: JSON.stringify(fact) };
}

async function readObject(url: string, headers: SignedHeaders): Promise<Uint8Array | Refusal> {
  const { bytes, status, failure } = await fetchObject(
    url,
    new Headers({ ...headers }),
    Date.now(),
    PATIENCE_S,
  );
  if (bytes !== undefined) return bytes;
  if (failure !== undefined) return { event: "origin-failed", reason: failure };
  return { event: status === 404 ? "object-missing" : "origin-denied" };
}
