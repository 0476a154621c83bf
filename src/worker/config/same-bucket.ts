// Tells which buckets of the configuration may be one bucket at the provider, or one a folder of the other. The option
// `bucket` alone does not tell: dashboards also show URLs that name the real bucket, and with such a URL as `endpoint`,
// `bucket` is a folder of it. Where that cannot be told, the two are taken for one bucket. What an alias of a bucket
// leads to, such as an access point of AWS, is not known. No I/O.

import type { Bucket } from "./bucket.ts";

/** Two buckets of the configuration that may be one. Behind these folders, their keys can be compared. */
export type Overlap = {
  /** The folder of the first one in the real bucket, with a slash at its end. Empty: its keys are those of the bucket. */
  readonly folder: string;
  readonly otherFolder: string;
  readonly isCertain: boolean;
};

const SAME_BUCKET: Overlap = { folder: "", otherFolder: "", isCertain: true };

/** Returns the ways in which two buckets may be one: none if they are certainly different, first the certain ones. */
export function findOverlaps(bucket: Bucket, other: Bucket): readonly Overlap[] {
  const hasSameBinding = bucket.r2 !== undefined && Object.is(bucket.r2, other.r2);
  if (hasSameBinding) return [SAME_BUCKET];

  // Endpoints and regions do not tell two buckets of one name apart: a bucket may be reached by several of them, and one
  // of R2 by S3's API, too.
  const overlaps: Overlap[] = [];
  const areNamesKnown = bucket.isNameKnown && other.isNameKnown;
  if (areNamesKnown && bucket.bucket === other.bucket) overlaps.push(SAME_BUCKET);

  const paths = pathsOnOneHost(bucket, other);
  if (paths) overlaps.push(...overlapsOfPaths(paths));
  else overlaps.push(...overlapsOfReadings(readingsOf(bucket), readingsOf(other)));

  const isFirst = (overlap: Overlap, index: number) =>
    index === overlaps.findIndex(isLike(overlap));
  return overlaps.filter(isFirst);
}

function isLike({ folder, otherFolder }: Overlap): (other: Overlap) => boolean {
  return (other) => other.folder === folder && other.otherFolder === otherFolder;
}

/** The segments of two URLs on one host. */
type PathPair = readonly [path: readonly string[], otherPath: readonly string[]];

/**
 * Returns the paths of two buckets on one host.
 * @returns undefined if they have two hosts, neither of which may be that of the other with a bucket's name in front
 */
function pathsOnOneHost(bucket: Bucket, other: Bucket): PathPair | undefined {
  if (bucket.r2 || other.r2) return undefined;

  const { host, path } = locationOf(bucket);
  const { host: otherHost, path: otherPath } = locationOf(other);
  if (host === otherHost) return [path, otherPath];

  // `https://acme.s3.example.com/users/` is `https://s3.example.com/acme/users/`.
  if (host.endsWith(`.${otherHost}`)) {
    const name = host.slice(0, -otherHost.length - 1);
    return [[name, ...path], otherPath];
  }
  if (otherHost.endsWith(`.${host}`)) {
    const name = otherHost.slice(0, -host.length - 1);
    return [path, [name, ...otherPath]];
  }
  return undefined;
}

/** Compares paths on one host. A path that is the beginning of the other one is certainly a folder above it. */
function overlapsOfPaths([path, otherPath]: PathPair): readonly Overlap[] {
  const differing = path.findIndex((segment, index) => segment !== otherPath[index]);
  const commonLength = differing === -1 ? path.length : differing;

  const rest = path.slice(commonLength);
  const otherRest = otherPath.slice(commonLength);
  if (rest.length === 0 || otherRest.length === 0) {
    return [{ folder: folderOf(rest), otherFolder: folderOf(otherRest), isCertain: true }];
  }

  // A server may have its S3 at several paths, such as `/` and `/proxy/`.
  return overlapsOfReadings(readingsOfPath(rest), readingsOfPath(otherRest));
}

/** One way to read the URL of a bucket: which part of it is the name of the real bucket. */
type Reading = {
  /** Undefined: it may be any. */
  readonly name: string | undefined;
  /** What follows the name. It is a folder of the bucket, or empty. */
  readonly folder: string;
};

function overlapsOfReadings(
  readings: readonly Reading[],
  otherReadings: readonly Reading[],
): readonly Overlap[] {
  const overlaps: Overlap[] = [];
  for (const { name, folder } of readings) {
    for (const { name: otherName, folder: otherFolder } of otherReadings) {
      const mayBeOne = name === undefined || otherName === undefined || name === otherName;
      if (mayBeOne) overlaps.push({ folder, otherFolder, isCertain: false });
    }
  }
  return overlaps;
}

/**
 * The host of a provider has at least so many labels, such as `fra1.digitaloceanspaces.com`. What stands in front of
 * them may be the name of a bucket.
 */
const MIN_HOST_LABELS = 3;

function readingsOf(bucket: Bucket): readonly Reading[] {
  // The Worker knows the bucket of a binding only by its settings.
  const name = bucket.isNameKnown ? bucket.bucket : undefined;
  const readings: Reading[] = [{ name, folder: "" }];
  if (bucket.r2) return readings;

  const { host, path } = locationOf(bucket);
  readings.push(...readingsOfPath(path));

  // The name of a bucket may have dots.
  const labels = host.split(".");
  for (let count = 1; count <= labels.length - MIN_HOST_LABELS; count += 1) {
    readings.push({ name: labels.slice(0, count).join("."), folder: folderOf(path) });
  }
  return readings;
}

/** Any segment may be the name of the bucket. What is before it belongs to the server then. */
function readingsOfPath(path: readonly string[]): readonly Reading[] {
  return path.map((name, index) => ({ name, folder: folderOf(path.slice(index + 1)) }));
}

function folderOf(segments: readonly string[]): string {
  return segments.map((segment) => `${segment}/`).join("");
}

/** Returns where a bucket of S3 is. A dot at the end of a host's name, and a second slash, make no difference. */
function locationOf({ baseUrl }: Bucket): { host: string; path: readonly string[] } {
  const { host, pathname } = new URL(baseUrl);
  const path = pathname.split("/").filter((segment) => segment !== "");
  return { host: host.replace(/\.(?=:|$)/, ""), path };
}
