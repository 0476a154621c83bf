// Tells the fact of an original, as `vitrine facts` writes it down. The bytes themselves go nowhere.

import { MOST_BYTES, readFact } from "../../../cli/project/picture/read-fact.ts";
import { isRefusal, type Refusal } from "../../../worker/base/refusal.ts";
import { originUrl } from "../../../worker/s3/object-url.ts";
import type { SignedHeaders } from "../../../worker/s3/sigv4.ts";
import { type Answer, says } from "./answer.ts";
import { askSlots } from "./ask-slots.ts";
import type { Try } from "./read-try.ts";

export async function tellFact({ route, key }: Pick<Try, "route" | "key">): Promise<Answer> {
  const url = originUrl(route.bucket.base, key);
  const bytes = await askSlots(route.bucket, url, (headers) => readObject(url, headers));
  if (isRefusal(bytes)) return says(502, `S3 did not give the original: ${bytes.event}`);
  const fact = await readFact(bytes);
  if ("why" in fact) return says(502, `there is no fact of it: ${fact.why}`);
  return { status: 200, type: "application/json", body: JSON.stringify(fact) };
}

async function readObject(url: string, headers: SignedHeaders): Promise<Uint8Array | Refusal> {
  const answer = await fetch(url, { headers: { ...headers }, redirect: "manual" });
  const { ok, status } = answer;
  if (ok && Number(answer.headers.get("content-length")) <= MOST_BYTES) {
    return new Uint8Array(await answer.arrayBuffer());
  }
  await answer.body?.cancel();
  if (ok) return { event: "source-unreadable", status };
  return { event: status === 404 ? "object-missing" : "origin-denied", status };
}
