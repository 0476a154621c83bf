// Plans which pictures the doctor requests of a site: at the first preset of each route, a sample of each of its buckets. It
// sends nothing.

import type { Bucket } from "../../worker/config/bucket.ts";
import type { Variant } from "../../worker/config/preset.ts";
import type { BoundRoute } from "../../worker/config/routes.ts";
import { type CommandFault, isFault } from "../command.ts";
import type { ProjectSite } from "../config/project.ts";
import { type Access, accessForNow, variantNamesOf, variantPathOf } from "../urls/public-url.ts";
import { refusalOfToken } from "../urls/try-token.ts";
import type { BucketSeen, SampleSeen } from "./observe-bucket.ts";

export type PictureRequest = {
  readonly route: BoundRoute;
  /** The buckets whose sample has this URL. */
  readonly buckets: readonly string[];
  readonly variantName: string;
  readonly variant: Variant;
  readonly path: string;
  /** The signature, or the headers with a visitor's token. */
  readonly access: Access;
  /** The key of the object, with the prefix of its bucket. */
  readonly sampleKey: string;
  /** Undefined if the original cannot be read from here. */
  readonly original: Uint8Array | undefined;
};

export type SkippedPicture = {
  readonly route: BoundRoute;
  readonly bucket: string;
  readonly reason: string;
};

type Plan = { readonly requests: readonly PictureRequest[]; readonly skipped: SkippedPicture[] };

/** Plans one request for each bucket of each route that has a sample. Buckets with the same key have one URL. */
export async function planRequests(
  site: ProjectSite,
  buckets: readonly BucketSeen[],
  visitorToken: string | undefined,
  now: number,
): Promise<Plan> {
  const requests = new Map<string, PictureRequest>();
  const skipped: SkippedPicture[] = [];

  for (const route of site.config.routes) {
    for (const bucket of route.buckets) {
      const sample = firstSampleOf(bucket, buckets);
      if (sample === undefined) continue;

      const request = await planRequest(site, route, bucket, sample, visitorToken, now);
      if (request === undefined) continue;

      if (isFault(request)) {
        skipped.push({ route, bucket: bucket.name, reason: request.fault });
        continue;
      }

      const planned = requests.get(request.path);
      const both = planned === undefined ? request : joinRequests(planned, request);
      requests.set(request.path, both);
    }
  }
  return { requests: [...requests.values()], skipped };
}

/** One request for the samples of two buckets. The bucket that is asked first has the original. */
function joinRequests(planned: PictureRequest, request: PictureRequest): PictureRequest {
  const buckets = [...planned.buckets, ...request.buckets];
  return { ...planned, buckets, original: planned.original ?? request.original };
}

/** Plans the request for a sample at the first preset of a route. @returns undefined: the sample has no URL there */
async function planRequest(
  site: ProjectSite,
  route: BoundRoute,
  bucket: Bucket,
  sample: SampleSeen,
  visitorToken: string | undefined,
  now: number,
): Promise<PictureRequest | CommandFault | undefined> {
  const { config, baseUrl } = site;
  const [variantName] = variantNamesOf(site, route);
  if (variantName === undefined) return undefined;

  const key = sample.key.slice(bucket.prefix.length);
  const variant = config.variants.get(variantName);
  const path = variantPathOf(config, route, variantName, key);
  if (variant === undefined || path === undefined) return undefined;

  const grant = { preset: variant.preset, key };
  const access = await accessForNow(site, route, grant, visitorToken, now);
  if (isFault(access)) return access;

  if (route.tokenRules !== undefined && visitorToken !== undefined) {
    const reason = await refusalOfToken(config, route, baseUrl + path, visitorToken, now);
    if (reason !== undefined) {
      return { fault: `the token at hand does not open ${path}: ${reason}` };
    }
  }

  return {
    route,
    buckets: [bucket.name],
    variantName,
    variant,
    path,
    access,
    sampleKey: sample.key,
    original: sample.reply?.bytes,
  };
}

/** The object of a bucket that is looked at first. */
export function firstSampleOf(
  { name }: Bucket,
  buckets: readonly BucketSeen[],
): SampleSeen | undefined {
  const bucketSeen = buckets.find(({ bucket }) => bucket.name === name);
  return bucketSeen?.samples[0];
}
