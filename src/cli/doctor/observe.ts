// Looks at everything that the checks need, each thing once: first at S3 from this machine, then at the site. It sends GETs
// alone, and judges nothing.

import { log, type World } from "../command.ts";
import { bucketsOf } from "../config/buckets.ts";
import { observeEvents } from "../config/observe-events.ts";
import type { Project } from "../config/project.ts";
import type { BucketKey } from "../objects/bucket-key.ts";
import { findKeyOwner, type KeyOwner } from "../objects/find-key-owner.ts";
import type { Observations } from "./observations.ts";
import { type BucketSeen, observeBucket } from "./observe-bucket.ts";
import { observeIssuers } from "./observe-issuers.ts";
import { observeOwnIssuer } from "./observe-own-issuer.ts";
import { observeSite } from "./observe-site.ts";
import type { DoctorTools } from "./write-events.ts";
import { readZones } from "./zone.ts";

/** What the doctor looks at. */
type Targets = {
  /** Undefined without `--url`. */
  readonly baseUrl: string | undefined;
  /** The token of a visitor to whom the site shows pictures. */
  readonly visitorToken: string | undefined;
  readonly objects: readonly BucketKey[];
};

export async function observe(
  world: World,
  project: Project,
  { baseUrl, visitorToken, objects }: Targets,
  { run, sleep: wait }: DoctorTools,
): Promise<Observations> {
  const { stderr, now, interrupted } = world;
  const { config, isLocalRun } = project;

  const buckets = await observeBuckets(world, project, objects);
  const keyOwners = await findKeyOwners(world, project, buckets);
  const issuers = await observeIssuers(config, now);
  const zones = await readZones(world, project, wait);
  const seenHere = { project, buckets, keyOwners, issuers, zones };

  if (baseUrl === undefined || interrupted.aborted) {
    return { ...seenHere, site: undefined, ownIssuer: undefined, events: undefined };
  }

  log(stderr, `Asking ${baseUrl} ...`);
  const { oidc } = config;
  const isIssuer = oidc !== undefined && !isLocalRun;
  const ownIssuer = isIssuer ? await observeOwnIssuer(oidc) : undefined;
  const site = await observeSite({ ...project, baseUrl }, buckets, visitorToken, now);

  // The local run has a queue of its own.
  if (isLocalRun) return { ...seenHere, site, ownIssuer, events: undefined };

  const events = await observeEvents(world, run, project, () => true);
  return { ...seenHere, site, ownIssuer, events };
}

async function observeBuckets(
  { stderr, now }: World,
  project: Project,
  objects: readonly BucketKey[],
): Promise<readonly BucketSeen[]> {
  const buckets: BucketSeen[] = [];
  for (const bucket of bucketsOf(project.config.routes)) {
    const objectsInBucket = objects.filter((object) => object.bucket === bucket);
    const keys = objectsInBucket.map(({ key }) => key);

    if (bucket.r2 === undefined) log(stderr, `Asking S3 for bucket ${bucket.name} ...`);
    buckets.push(await observeBucket(project, bucket, keys, now));
  }
  return buckets;
}

/** Asks the buckets of other environments, with each key that S3 knows and denies an object of this one. */
async function findKeyOwners(
  { folder, now }: World,
  { envConfig, isLocalRun }: Project,
  buckets: readonly BucketSeen[],
): Promise<ReadonlyMap<string, KeyOwner>> {
  const owners = new Map<string, KeyOwner>();
  if (isLocalRun) return owners;

  for (const { keys, samples } of buckets) {
    const isDenied = samples.some(({ reply }) => reply?.code === "AccessDenied");
    if (!isDenied) continue;

    for (const { slot } of keys) {
      const owner = await findKeyOwner({ folder, envConfig }, slot.credentials, now());
      if (owner !== undefined) owners.set(slot.credentials.accessKeyId, owner);
    }
  }
  return owners;
}
