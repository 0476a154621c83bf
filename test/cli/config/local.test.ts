// The buckets of the local run: each is on this machine, whatever opens it in production.

import { expect, test } from "vitest";
import { localBucketName, localRun } from "../../../src/cli/config/local-run.ts";
import { bucketsOfWorker } from "../../../src/dev/run-worker.ts";
import { LOCAL_KEYS } from "../../support/env.ts";

const S3 = "http://localhost:8787/cdn-cgi/local/r2/s3";
const R2 = { binding: "MEDIA_BUCKET", prefix: "published/" };
const ROLE = {
  endpoint: "https://s3.eu-west-1.amazonaws.com",
  bucket: "acme.media",
  region: "eu-west-1",
  engine: "binding",
  role: "arn:aws:iam::123456789012:role/images",
  sts: "https://sts.eu-west-1.amazonaws.com",
};
const localVars = {
  BUCKETS: { media: R2, roles: ROLE },
  OIDC: { issuer: "https://images.example" },
};
const localBucket = { endpoint: S3, region: "auto", addressing: "path", engine: "binding" };

test.each([
  ["its bucket_name", [{ binding: "MEDIA_BUCKET", bucket_name: "acme-pictures" }], "acme-pictures"],
  ["its binding, if it has no other", [{ binding: "MEDIA_BUCKET" }], "MEDIA_BUCKET"],
])("a local R2 bucket is named after %s; the Worker has its binding", (_of, r2Buckets, bucket) => {
  const { buckets } = localRun({ localVars, devVarNames: new Set(), r2Buckets }, S3, LOCAL_KEYS);
  expect(buckets["media"]).toEqual({
    ...{ ...localBucket, prefix: "published/" },
    bucket: localBucketName(bucket, LOCAL_KEYS),
  });
  expect(bucketsOfWorker(localVars.BUCKETS, buckets)).toEqual({
    media: R2,
    roles: buckets["roles"],
  });
});

test("a role gives way to the local keys, and the issuer has a key that stays the same", () => {
  const run = (one: object = localVars) =>
    localRun({ localVars: { ...one }, devVarNames: new Set(), r2Buckets: [] }, S3, LOCAL_KEYS);
  const { buckets, secrets } = run();
  expect(buckets["roles"]).toEqual({
    ...localBucket,
    bucket: localBucketName("acme.media", LOCAL_KEYS),
  });
  expect(secrets).toMatchObject({
    AWS_ACCESS_KEY_ID: LOCAL_KEYS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: LOCAL_KEYS.secretAccessKey,
    OIDC_SIGNING_KEY: expect.stringMatching(/^-----BEGIN PRIVATE KEY-----\n/),
  });
  expect(run().secrets).toEqual(secrets);
  const { secrets: others } = run({ ...localVars, OIDC_SIGNING_KEY: "own" });
  expect(others["OIDC_SIGNING_KEY"]).toBe("own");
});

test("a bucket's name on this machine cannot be guessed, and is one that R2 allows", () => {
  const others = { ...LOCAL_KEYS, secretAccessKey: "vitrine-local-secret-of-another-project" };
  const names = ["acme.media", "acme_media", "acme-media", "a".repeat(63), `${"a".repeat(62)}b`];
  const local = [LOCAL_KEYS, others].flatMap((keys) =>
    names.map((name) => localBucketName(name, keys)),
  );
  expect(new Set(local).size).toBe(local.length);
  for (const name of local) expect(name).toMatch(/^[a-z0-9][a-z0-9-]{1,28}[a-z0-9]?-[0-9a-f]{32}$/);
});
