// The right to list a bucket: a store, and a bucket that another one follows, need it. Else S3 denies what is missing, so
// nobody can tell a missing object from a denied one (A6). Nothing here ever says to take the right away.

import type { Bucket } from "../../worker/config/bucket.ts";
import { page } from "../command.ts";
import { type ListNeed, listNeedOf } from "../config/buckets.ts";
import type { Project } from "../config/project.ts";
import type { Problem } from "./finding.ts";

/** Why the Worker's key must list the bucket. The store of a local run does not ask for it. */
export function needsList({ config, isLocalRun }: Project, bucket: Bucket): ListNeed {
  const need = listNeedOf(config, bucket);
  return isLocalRun && need === "store" ? "none" : need;
}

/** @param owner whose policy must allow it */
export function describeListNeed(
  { bucket }: Bucket,
  need: Exclude<ListNeed, "none">,
  owner: string,
): Problem {
  const policy = `the policy of ${owner} must allow s3:ListBucket on arn:aws:s3:::${bucket}, if it is the Worker's key of this bucket`;

  if (need === "follower") {
    return {
      seen: "the key may not list the bucket (s3:ListBucket), or its S3 never says NoSuchKey, and another bucket follows it in a route",
      impact: "the next bucket is asked only if S3 says NoSuchKey here",
      remedy: `${policy}: ${page("docs/configuration.md")}, “Several buckets”`,
    };
  }

  return {
    seen: "the key may not list the bucket (s3:ListBucket), and there is a store",
    impact:
      "S3 does not say that an object is deleted, so what is stored of it stays, and may be shown again in an outage",
    remedy: `${policy}: ${page("docs/deploy.md")}, “A store”`,
  };
}
