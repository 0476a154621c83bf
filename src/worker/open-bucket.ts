// What opens a bucket of S3: one of its slots, or its role.

import type { Refusal } from "./base/refusal.ts";
import type { Bucket } from "./config/bucket.ts";
import { memoryOf, roleMemoryOf } from "./isolate.ts";
import { type Sign, withSlots } from "./origin/failover.ts";
import type { Visit } from "./origin/probe.ts";
import type { SignedHeaders } from "./origin/sigv4.ts";
import { withRole } from "./origin/with-role.ts";

/**
 * Does something with what opens a bucket.
 * @param url the object's URL at the origin
 * @param make sends the request, with the headers that sign it. `sign` signs for other objects
 */
export function openBucket<Made extends object>(
  bucket: Bucket,
  url: string,
  visit: Visit,
  make: (headers: SignedHeaders, sign: Sign) => Promise<Made | Refusal>,
): Promise<Made | Refusal> {
  const { role } = bucket;
  if (role) return withRole(roleMemoryOf(role), bucket, url, visit, make);
  return withSlots(memoryOf(bucket), url, visit, make);
}
