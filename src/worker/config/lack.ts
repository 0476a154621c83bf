// How a message says that a bucket's engine does not have something. Pure.

import type { Bucket } from "./bucket.ts";

export function lackOf({ name }: Bucket, what: string): string {
  return `bucket ${name} has engine "binding", which has no ${what}`;
}

/** The next step that only a bucket of S3 has: a role and R2 cannot be read by the edge. */
export function bothEngines({ r2, role }: Bucket): string {
  return r2 || role ? "" : ', set engine = ["binding", "cf"]';
}
