// What S3 says to a request without a key: whether it is an S3, its clock, and where the bucket is.

import { verdictOf } from "../../worker/s3/verdict.ts";
import type { S3Answer } from "../net/ask-s3.ts";
import { type Asked, apartness, diagnoseS3 } from "./diagnose-s3.ts";
import { type Diagnosis, diagnose, type Finding, found, well } from "./finding.ts";
import type { Reader } from "./reader.ts";

/** What keeps the host from being an S3: nothing else that it says means anything then. */
export function hostFault(greeted: S3Answer, asked: Asked): Diagnosis | undefined {
  const isStrange = verdictOf(greeted, asked.region).fault === "none";
  return greeted.status === undefined || isStrange ? diagnoseS3(greeted, asked) : undefined;
}

const MUCH_AHEAD_S = 300;
const MOST_AHEAD_S = 900; // A7

export function clockOf(about: string, { ahead }: S3Answer): Finding[] {
  if (ahead === undefined) return [];
  const apart = apartness(ahead);
  const clock = found(about, "clock", { apart });
  if (Math.abs(ahead) <= MUCH_AHEAD_S) return [well(about, "clock", clock.what)];
  return [{ ...clock, severity: Math.abs(ahead) >= MOST_AHEAD_S ? "error" : "warning" }];
}

/** What can be said about a bucket without a key: whether it exists, and where (A5). */
export async function hintsOf(
  asked: Asked,
  greeted: S3Answer,
  stranger: Reader,
): Promise<Diagnosis[]> {
  const page = await stranger.list({ prefix: "", most: 1 });
  const region = "keys" in page ? undefined : page.region;
  if (region !== undefined && region !== asked.region) {
    return [diagnose("region", { ...asked, right: region })];
  }
  const { status = 0, code } = greeted;
  if (code !== "NoSuchBucket" && status < 500) return [];
  const fault = diagnoseS3(greeted, asked);
  return fault === undefined ? [] : [fault];
}
