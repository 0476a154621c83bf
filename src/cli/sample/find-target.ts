// Finds out where the picture goes. No I/O.

import { keyFault } from "../../url/key.ts";
import type { Bucket } from "../../worker/config/bucket.ts";
import type { Fault } from "../command.ts";
import { tableOf } from "../config/known-vars.ts";
import type { Project } from "../config/project.ts";

const NAME = "sample.jpg";

export type Target = {
  readonly bucket: Bucket;
  /** The bucket's name at Cloudflare. */
  readonly bucketName: string;
  readonly jurisdiction: string | undefined;
  /** The whole key, with the prefix of the bucket. */
  readonly key: string;
};

/** The picture's place in the first R2 bucket that a binding reaches. */
export function findTarget({ config, known }: Project): Target | Fault {
  const bucket = config.buckets.find(({ r2 }) => r2 !== undefined);
  if (bucket === undefined) {
    return {
      fault: `${known.file} has no R2 bucket with a binding, and only such a bucket can get the sample: docs/deploy.md, “With R2 alone”`,
    };
  }
  const { binding } = tableOf(tableOf(known.deployed["BUCKETS"])[bucket.name]);
  const bound = known.r2Buckets.find((one) => one.binding === binding);
  if (bound?.bucket_name === undefined) {
    return { fault: `${known.file}: [[r2_buckets]] has no bucket_name for ${binding}: add it` };
  }
  const key = bucket.prefix + NAME;
  // wrangler puts a key into a URL as it is.
  if (keyFault(key) !== undefined || /[?#%]/.test(key)) {
    return {
      fault: `${key}: wrangler cannot send a key with ?, # or %. Upload a picture yourself`,
    };
  }
  const { bucket_name: bucketName, jurisdiction } = bound;
  return { bucket, bucketName, jurisdiction, key };
}

/** The picture's key without the prefix, as routes have it. */
export function keyInRoutes({ bucket, key }: Target): string {
  return key.slice(bucket.prefix.length);
}
