// Which environment's bucket a key opens: only what S3 itself proves counts. `deploy` and the doctor name it.

import { HttpResponse, http } from "msw";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { isMistake } from "../../../src/cli/command.ts";
import { readEnvironment } from "../../../src/cli/config/environment-config.ts";
import { findKeyOwner } from "../../../src/cli/objects/find-key-owner.ts";
import type { S3 } from "../../../src/emulator/s3/s3.ts";
import type { Credentials } from "../../../src/worker/config/slot.ts";
import { createProject, STAGED } from "../../support/cli/folder.ts";
import { addPolicedBucket, type Policy } from "../../support/cli/policed-s3.ts";
import { CREDENTIALS, NEXT_CREDENTIALS, VARS } from "../../support/env.ts";
import { network } from "../../support/network.ts";

const { accessKeyId: OWN } = CREDENTIALS;
const { accessKeyId: FOREIGN, secretAccessKey } = NEXT_CREDENTIALS;
const KEYS = { [OWN]: CREDENTIALS.secretAccessKey, [FOREIGN]: secretAccessKey };

const { media } = VARS.BUCKETS;
const CANARY = { canary: "key.jpg" };
const STAGED_MEDIA = { ...media, ...CANARY, bucket: "acme-staging" };
const READS: Policy = { read: [FOREIGN], list: [] };
const LISTS: Policy = { read: [FOREIGN], list: [FOREIGN] };

type Media = typeof media & { readonly canary?: string };

beforeAll(() => network.listen());
afterAll(() => network.close());
beforeEach(() => network.resetHandlers());

type World = {
  /** The bucket of env.staging. */
  readonly staged?: Media;
  readonly policy?: Policy;
  readonly images?: readonly string[];
  readonly arrange?: (staging: S3) => void;
};

/** Asks whose the key is that opens the bucket of env.staging. */
async function findOwner(
  { staged = STAGED_MEDIA, policy = READS, images, arrange }: World,
  credentials: Credentials = NEXT_CREDENTIALS,
) {
  const { staging } = STAGED.env;
  const vars = { ...VARS, BUCKETS: { media: staged } };
  const broken = { vars: { BUCKETS: 1 }, routes: [] };
  const env = { broken, staging: { ...staging, vars } };
  const folder = createProject({ ...STAGED, env });
  const { endpoint, region, bucket: name, prefix, canary = "" } = staged;
  const bucket = addPolicedBucket({
    ...{ endpoint, region, bucket: name, keys: KEYS, policy },
    images: images ?? [prefix + canary],
  });
  arrange?.(bucket);

  const envConfig = readEnvironment(folder);
  if (isMistake(envConfig)) throw new Error(envConfig.message);
  const owner = await findKeyOwner({ folder, envConfig }, credentials, Date.now());
  const methods = bucket.requests.map(({ method }) => method);
  return { owner: owner && [owner.environment, owner.bucket.bucket], methods };
}

const page = (init: object) => () =>
  network.use(
    http.get("https://acme-staging.*", () => new HttpResponse("<html>", { status: 200, ...init })),
  );
const HTML = { headers: { "content-type": "text/html", etag: '"1"' } };

test.each<[title: string, world: World, bucket?: string]>([
  ["it opens the canary", {}],
  ["it may list: S3 says that the canary is missing", { policy: LISTS, images: [] }],
  ["it may list a bucket without a canary", { staged: withoutCanary(), policy: LISTS }],
  ["it is another part of one bucket", { staged: part("staging/") }, "acme-media"],
])("the key is that of env.staging: %s", async (_title, world, bucket = "acme-staging") => {
  const { owner, methods } = await findOwner(world);
  expect([owner, methods]).toEqual([
    ["staging", bucket],
    ["GET", "GET"],
  ]);
});

/** The bucket of the top level, with another prefix. */
function part(prefix: string) {
  return { ...media, ...CANARY, prefix };
}

function withoutCanary() {
  return { ...media, bucket: "acme-staging" };
}

test.each<[title: string, world: World]>([
  ["S3 denies it there, too", { policy: { read: [OWN], list: [OWN] } }],
  ["S3 does not know it", { arrange: (s3) => void s3.keys.delete(FOREIGN) }],
  ["S3 is busy", { arrange: (s3) => void s3.faults.add("SlowDown") }],
  ["the object is in an archive", { arrange: (s3) => void s3.faults.add("archived") }],
  ["the clock is wrong", { arrange: (s3) => void s3.faults.add("clock-skew") }],
  ["everybody may read it", { arrange: (s3) => void s3.grants.add("all-read") }],
  ["without a canary or a right to list", { staged: withoutCanary() }],
  ["a proxy answers with a page", { arrange: page(HTML) }],
  ["a proxy answers with something else", { arrange: page({}) }],
  ["a proxy knows nothing", { arrange: page({ status: 404 }) }],
  ["nothing answers", { arrange: () => network.resetHandlers() }],
  ["both environments have one bucket", { staged: part("published/") }],
  ["it is the whole of one bucket", { staged: part("p") }],
  [
    "both have one bucket, by two hosts",
    { staged: byHost("s3.dualstack.eu-west-1.amazonaws.com") },
  ],
  ["it is a part of one bucket", { staged: part("published/staging/") }],
])("it is not known whose key it is: %s", async (_title, world) => {
  const { owner, methods } = await findOwner({ ...world });
  expect(owner).toBeUndefined();
  expect(methods.every((method) => method === "GET")).toBe(true);
});

test("the token of a session goes to no other provider", async () => {
  const session = { ...NEXT_CREDENTIALS, sessionToken: "a-token-of-a-session" };
  const elsewhere = { ...STAGED_MEDIA, endpoint: "https://s3.wasabi.example" };
  expect((await findOwner({ staged: elsewhere }, session)).methods).toEqual([]);
  expect((await findOwner({ staged: elsewhere })).methods).not.toEqual([]);
  expect((await findOwner({}, session)).methods).not.toEqual([]);
});

/** The bucket of the top level, by another name of its host. */
function byHost(host: string) {
  return { ...media, ...CANARY, endpoint: `https://${host}` };
}
