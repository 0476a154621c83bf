// Buckets of one S3 that know the same keys, each with a policy of its own: as in AWS, where the key of another user is
// known, and denied. In the emulator alone, a key either opens a bucket or is unknown there.

import { http } from "msw";
import { createS3, type S3, type S3Settings } from "../../../src/emulator/s3/s3.ts";
import { file } from "../emulators.ts";
import { CREDENTIALS, VARS } from "../env.ts";
import { network, s3Error } from "../network.ts";

/** What each key may do, by its id. */
export type Policy = {
  readonly read: readonly string[];
  readonly list: readonly string[];
  /** Below which prefix a key may read. Left out: everything. */
  readonly below?: Readonly<Record<string, string>>;
};

type PolicedSettings = Omit<S3Settings, "credentials"> & {
  /** The keys that S3 knows: the secret of each id. */
  readonly keys: Readonly<Record<string, string>>;
  readonly policy: Policy;
  /** The keys of the objects. */
  readonly images?: readonly string[];
};

/** Puts a bucket into the network. */
export function addPolicedBucket({ keys, policy, images = [], ...settings }: PolicedSettings): S3 {
  const credentials = { accessKeyId: "unused", secretAccessKey: "unused" };
  const s3 = createS3({ ...settings, credentials });
  for (const [id, secret] of Object.entries(keys)) s3.keys.set(id, secret);
  for (const image of images) {
    s3.objects.set(image, { body: file("made/key.jpg"), type: "image/jpeg" });
  }

  network.use(
    http.all(
      ({ request }) => s3.matches(request.url) && isOfBucket(request.url, settings.bucket),
      ({ request }) => answerByPolicy(s3, policy, request),
    ),
  );

  return s3;
}

/** Returns whether a URL names the bucket, in its host or at the beginning of its path. */
function isOfBucket(url: string, bucket: string): boolean {
  const { host, pathname } = new URL(url);
  return host.startsWith(`${bucket}.`) || pathname.startsWith(`/${bucket}/`);
}

type S3Request = Pick<Request, "url" | "method" | "headers">;

async function answerByPolicy(s3: S3, policy: Policy, request: S3Request): Promise<Response> {
  const { url, method, headers } = request;
  const answer = await s3.fetch(url, { method, headers });
  if (!answer.ok && answer.status !== 404) return answer;

  const authorization = headers.get("authorization") ?? "";
  const { id } = /Credential=(?<id>[^/]+)/.exec(authorization)?.groups ?? {};
  if (id === undefined) return answer;

  const isList = url.includes("list-type=2");
  const mayRead = isList || isReadable(policy, id, url);

  // Who may not list is not told that an object is missing.
  const needsList = isList || answer.status === 404;
  const mayList = !needsList || policy.list.includes(id);

  return mayRead && mayList ? answer : s3Error("AccessDenied", 403);
}

function isReadable({ read, below = {} }: Policy, id: string, url: string): boolean {
  const { [id]: prefix = "" } = below;
  const { pathname } = new URL(url);
  const key = decodeURIComponent(pathname.slice(1));
  return read.includes(id) && key.startsWith(prefix);
}

/** Puts a bucket of that name beside the one of VARS. The same key opens it. */
export function addOpenBucket(bucket: string): S3 {
  const { endpoint, region } = VARS.BUCKETS.media;
  const { accessKeyId: id, secretAccessKey: secret } = CREDENTIALS;
  const policy = { read: [id], list: [id] };
  return addPolicedBucket({ endpoint, region, bucket, keys: { [id]: secret }, policy });
}
