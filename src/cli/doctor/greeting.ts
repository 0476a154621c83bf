// What S3 says to a request without a key: its clock, and where the bucket is.

import type { S3Answer } from "../net/ask-s3.ts";
import { type Asked, apartness, diagnoseS3 } from "./diagnose-s3.ts";
import { type Diagnosis, diagnose, well } from "./finding.ts";
import type { Reader } from "./reader.ts";

const MUCH_AHEAD_S = 300;
const MOST_AHEAD_S = 900; // A7

export function clockOf({ ahead }: S3Answer): Diagnosis[] {
  if (ahead === undefined) return [];
  const clock = diagnose("clock", { apart: apartness(ahead) });
  if (Math.abs(ahead) <= MUCH_AHEAD_S) return [well("clock", clock.what)];
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
