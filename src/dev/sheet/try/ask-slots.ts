// Signs a request for S3 with one slot of the bucket after the other, until S3 does not deny it. It keeps
// nothing of what it learns, unlike `withSlots` of the Worker.

import { isDenied, type Refusal } from "../../../worker/base/refusal.ts";
import type { Bucket } from "../../../worker/config/bucket.ts";
import type { Sign } from "../../../worker/origin/failover.ts";
import { type SignedHeaders, sign } from "../../../worker/origin/sigv4.ts";

/**
 * @param url the object's, as `originUrl` makes it
 * @param ask sends the request, with the headers that sign it. `sign` signs for other objects
 */
export async function askSlots<Made extends object>(
  { slots, region }: Bucket,
  url: string,
  ask: (headers: SignedHeaders, sign: Sign) => Promise<Made | Refusal>,
): Promise<Made | Refusal> {
  let last: Made | Refusal = { event: "origin-denied", reason: "the bucket has no key" };
  for (const { credentials } of slots) {
    const signOne: Sign = (one) => sign(one, region, credentials, Date.now());
    last = await ask(await signOne(url), signOne);
    if (!isDenied(last)) break;
  }
  return last;
}
