// Whose clock is off: S3's, the site's or this machine's. One is named only where the two others agree. Pure.

import { parseS3Reply } from "../../worker/base/s3-reply.ts";
import { fetchText } from "../http/body.ts";
import { apartness, type Diagnosis, diagnose, note, well } from "./finding.ts";

/** How many seconds a clock is ahead of this machine's; undefined: not known. */
export type Clocks = { readonly s3: number | undefined; readonly site: number | undefined };

const NEAR_S = 300;
/** S3 refuses signatures that are as far off (A7). */
const TOO_FAR_S = 900;
const PATIENCE_S = 10;

/** @param host that of S3 */
export function diagnoseClock({ s3, site }: Clocks, host: string): Diagnosis {
  if (s3 === undefined) return note("clock", "S3 tells no time");
  const apart = apartness(s3);
  const facts = { apart, host };
  const isNear = (seconds: number) => Math.abs(seconds) <= NEAR_S;
  if (isNear(s3)) {
    if (site === undefined || isNear(site))
      return well("clock", `S3's clock is ${apart} this machine's`);
    return diagnose("clock-site", { apart: apartness(site) });
  }
  if (site !== undefined && isNear(site - s3) && !isNear(site))
    return diagnose("clock-here", facts);
  const isS3 = site !== undefined && isNear(site) && !isNear(site - s3);
  const found = diagnose(isS3 ? "clock-s3" : "clock", facts);
  return Math.abs(s3) < TOO_FAR_S ? { ...found, severity: "warning" } : found;
}

/** How many seconds the site's clock is ahead, by its Date header. */
export async function askClock(base: string, now: () => number): Promise<number | undefined> {
  const at = now();
  const answer = await fetchText(`${base}/healthz`, {}, PATIENCE_S, 1_000);
  return "reason" in answer ? undefined : parseS3Reply(answer, "", at).ahead;
}
