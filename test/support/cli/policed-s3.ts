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

  const isOfBucket = (url: string) => {
    const { host, pathname } = new URL(url);
    const { bucket } = settings;
    return s3.matches(url) && (host.startsWith(`${bucket}.`) || pathname.startsWith(`/${bucket}/`));
  };

  const answerByPolicy = async (url: string, method: string, headers: Headers) => {
    const answer = await s3.fetch(url, { method, headers });
    const id = /Credential=([^/]+)/.exec(headers.get("authorization") ?? "")?.[1];
    const isAnswered = answer.ok || answer.status === 404;
    if (id === undefined || !isAnswered) return answer;

    const isList = url.includes("list-type=2");
    const needsList = isList || answer.status === 404;
    const key = decodeURIComponent(new URL(url).pathname.slice(1));
    const isBelow = key.startsWith(policy.below?.[id] ?? "");
    const mayRead = isList || (policy.read.includes(id) && isBelow);
    const mayList = !needsList || policy.list.includes(id);

    return mayRead && mayList ? answer : s3Error("AccessDenied", 403);
  };

  network.use(
    http.all(
      ({ request }) => isOfBucket(request.url),
      ({ request }) => answerByPolicy(request.url, request.method, request.headers),
    ),
  );

  return s3;
}

/** Puts a bucket of that name beside the one of VARS. The same key opens it. */
export function addOpenBucket(bucket: string): S3 {
  const { endpoint, region } = VARS.BUCKETS.media;
  const { accessKeyId: id, secretAccessKey: secret } = CREDENTIALS;
  const policy = { read: [id], list: [id] };
  return addPolicedBucket({ endpoint, region, bucket, keys: { [id]: secret }, policy });
}
