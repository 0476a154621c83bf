// The checks in the order of the report. They judge what was seen, and ask nobody. Pure.

import type { BucketHealth } from "../../worker/operator.ts";
import { checkDeployed, checkHealthReport, checkStore } from "./deployed.ts";
import { checkEngine } from "./engine.ts";
import { checkEvents } from "./events.ts";
import type { Finding } from "./finding.ts";
import { checkImages, checkWorkersCache } from "./image.ts";
import { checkBucketReply, checkKeysAtHand, checkListRight, checkSecretsAtHand } from "./keys.ts";
import { checkParameter, checkPublicAccess, checkSamples } from "./objects.ts";
import { healthOfBucket, type Observations } from "./observations.ts";
import type { BucketSeen } from "./observe-bucket.ts";
import { checkOwnIssuer, checkRole } from "./role.ts";
import { checkSideDoor } from "./side-door.ts";
import { checkIssuers, checkTokenRoutes } from "./token.ts";
import { checkWorkerListRight, checkWorkerSlots } from "./worker-slots.ts";
import { checkOtherZones, checkZoneDoors, checkZoneOfSite } from "./zone.ts";

/** Judges what was seen. */
export function judge(observations: Observations): Finding[] {
  const { buckets, site, ownIssuer } = observations;
  const findings: Finding[] = [];
  for (const bucketSeen of buckets) {
    for (const check of BUCKET_CHECKS) findings.push(...check(observations, bucketSeen));
  }
  findings.push(...checkIssuers(observations));

  if (site === undefined) {
    findings.push(...checkOtherZones(observations), ...checkZoneDoors(observations));
    return findings;
  }

  if (ownIssuer !== undefined) findings.push(checkOwnIssuer(observations, ownIssuer));
  for (const check of SITE_CHECKS) findings.push(...check(observations));
  for (const bucketSeen of buckets) {
    // A bucket that only the deployed configuration has, or only wrangler.toml, is not judged.
    const health = healthOfBucket(site, bucketSeen.bucket.name);
    if (health === undefined) continue;

    for (const check of WORKER_CHECKS) findings.push(...check(observations, bucketSeen, health));
  }

  findings.push(...checkTokenRoutes(observations), ...checkZoneOfSite(observations));
  for (const check of PICTURE_CHECKS) findings.push(...check(observations, findings));

  findings.push(...checkOtherZones(observations), ...checkZoneDoors(observations));
  for (const sideDoor of site.sideDoors) findings.push(checkSideDoor(observations, sideDoor));
  return findings;
}

/** What is checked of each bucket at S3 itself, in the order of the report. */
const BUCKET_CHECKS = [
  checkSecretsAtHand,
  checkBucketReply,
  checkKeysAtHand,
  checkListRight,
  checkSamples,
  checkParameter,
  checkPublicAccess,
] satisfies readonly ((observations: Observations, bucket: BucketSeen) => Finding[])[];

/** What is checked of the site as a whole. */
const SITE_CHECKS = [
  checkDeployed,
  checkHealthReport,
  checkStore,
  checkEvents,
] satisfies readonly ((observations: Observations) => Finding[])[];

/** What is checked of each bucket by the report of /healthz. */
const WORKER_CHECKS = [
  checkWorkerSlots,
  checkRole,
  checkWorkerListRight,
  checkEngine,
] satisfies readonly ((
  observations: Observations,
  bucket: BucketSeen,
  health: BucketHealth,
) => Finding[])[];

/** What is checked of pictures. A refused picture is explained by what was found before. */
const PICTURE_CHECKS = [checkImages, checkWorkersCache] satisfies readonly ((
  observations: Observations,
  earlier: readonly Finding[],
) => Finding[])[];
