// `vitrine deploy` asks S3 with each key of the secrets file first: a dead key, or one of another environment,
// is never deployed.

import { http } from "msw";
import { expect, test } from "vitest";
import type { S3Fault } from "../../../src/emulator/s3/s3.ts";
import { BOUND, STAGED } from "../../support/cli/folder.ts";
import {
  examined,
  KEY,
  project,
  QUIET,
  ran,
  run,
  s3,
  sessions,
  write,
} from "../../support/cli/run-deploy.ts";
import { NEXT, VARS } from "../../support/env.ts";
import { network } from "../../support/network.ts";
import { file } from "../../support/stand.ts";

const { media } = VARS.BUCKETS;
const { AWS_ACCESS_KEY_ID: ID, AWS_SECRET_ACCESS_KEY: SECRET } = KEY;
const CANARY = { media: { ...media, canary: "key.jpg" } };

/** A folder with these buckets. */
function withBuckets(BUCKETS: object, more: object = {}) {
  const { env: _env, ...top } = STAGED;
  project({ ...top, vars: { ...QUIET, BUCKETS }, ...more });
}

const keep = () =>
  void s3.objects.set("published/key.jpg", { body: file("made/key.jpg"), type: "image/jpeg" });

const OTHER = "AKIAIOSFODNN7STAGING";

test.each<
  [what: string, secrets: Record<string, string>, fault: S3Fault | undefined, says: RegExp]
>([
  [
    "a dead key",
    KEY,
    "revoked-key",
    /…MPLE \(AWS, slot current\) for acme-media: InvalidAccessKeyId/,
  ],
  [
    "an old secret",
    KEY,
    "other-secret",
    /…MPLE .* for acme-media: SignatureDoesNotMatch: the secret does not belong to this id/,
  ],
  [
    "the key of another environment",
    { ...KEY, AWS_ACCESS_KEY_ID: OTHER },
    undefined,
    /…GING .* for acme-media: InvalidAccessKeyId/,
  ],
  [
    "a dead key in the next slot",
    { ...KEY, ...NEXT, AWS_ACCESS_KEY_ID_NEXT: OTHER },
    undefined,
    /…GING \(AWS, slot next\) for acme-media: InvalidAccessKeyId/,
  ],
])("nothing is deployed with %s (A7)", async (_what, secrets, fault, says) => {
  if (fault !== undefined) s3.faults.add(fault);
  for (const BUCKETS of [VARS.BUCKETS, CANARY]) {
    for (const dryRun of [{}, { dryRun: true } as const]) {
      withBuckets(BUCKETS);
      write(secrets);
      const { code, out, err } = await run({ secretsFile: "secrets.env", ...dryRun });
      expect([code, out, ran, examined]).toEqual([2, "", [], []]);
      expect(err).toMatch(/^secrets\.env has a key that S3 refuses\. Nothing is deployed:\n/);
      expect(err).toMatch(says);
      for (const secret of Object.values(secrets)) expect(err).not.toContain(secret);
    }
  }
});

test.each<[what: string, object: string, isRefused: boolean]>([
  ["is there", "secret/key.jpg", true],
  ["is not there", "secret/key.jpg.jpg", false],
])(
  "S3 denies a canary that the key may list: it is certain that the key cannot read if it %s (A6)",
  async (_what, object, isRefused) => {
    withBuckets({ media: { ...media, prefix: "secret/", canary: "key.jpg" } });
    s3.objects.set(object, { body: file("made/key.jpg"), type: "image/jpeg" });
    write(KEY);
    const { code, err } = await run();
    expect([code, ran.length]).toEqual(isRefused ? [2, 0] : [0, 1]);
    expect(err).toMatch(
      isRefused
        ? /Nothing is deployed:\n {2}S3 lists the canary secret\/key\.jpg of acme-media to the key …MPLE .*, and does not give it: AccessDenied/
        : /^Warning: S3 denies the key …MPLE .* the canary secret\/key\.jpg of acme-media \(AccessDenied\)/,
    );
    for (const secret of Object.values(KEY)) expect(err).not.toContain(secret);
  },
);

test("a session that is over is not deployed (A11)", async () => {
  const id = "ASIAIOSFODNN7EXAMPLE";
  sessions.set(id, { secretAccessKey: SECRET, sessionToken: "a-token", expires: 0 });
  withBuckets({ media: { ...media, engine: "binding" } }, { images: { binding: "IMAGES" } });
  write({ ...KEY, AWS_ACCESS_KEY_ID: id, AWS_SESSION_TOKEN: "a-token" });
  const { code, err } = await run();
  expect([code, ran]).toEqual([2, []]);
  expect(err).toContain("for acme-media: ExpiredToken");
});

test("each bucket of a key is asked, and each key only its own buckets", async () => {
  const more = { ...media, bucket: "acme-more", credentials: "MORE" };
  const secrets = { ...KEY, MORE_ACCESS_KEY_ID: ID, MORE_SECRET_ACCESS_KEY: SECRET };
  const required = ["URL_SIGNING_KEYS", ...Object.keys(secrets)];
  const again = { ...media, prefix: "published/again/" };
  withBuckets({ ...CANARY, more, again }, { secrets: { required } });
  write(secrets);
  await run({ secretsFile: "secrets.env", dryRun: true });
  const paths = s3.requests
    .map(({ url }) => new URL(url))
    .map(({ host, pathname }) =>
      `${host.split(".")[0]}${pathname}`.replace(/-[0-9a-f-]{36}$/, "-…"),
    );
  expect(paths.toSorted()).toEqual([
    "acme-media/published/again/vitrine-deploy-…",
    "acme-media/published/key.jpg",
    "acme-more/published/vitrine-deploy-…",
  ]);
});

test.each<[what: string, buckets: object, arranged: () => void, says: RegExp]>([
  ["gives the canary", CANARY, keep, /^$/],
  ["knows the key, which may list", VARS.BUCKETS, () => {}, /^$/],
  [
    "knows the key, which may not list",
    VARS.BUCKETS,
    () => void s3.faults.add("no-list-bucket"),
    /^S3 knows the key …MPLE .*may read acme-media is not known. Set BUCKETS\.media\.canary/,
  ],
  [
    "denies the canary",
    CANARY,
    () => void s3.faults.add("no-list-bucket"),
    /^Warning: S3 denies the key …MPLE .* the canary published\/key\.jpg of acme-media \(AccessDenied\)/,
  ],
  [
    "is busy",
    CANARY,
    () => void s3.faults.add("SlowDown"),
    /^Warning: whether S3 accepts the key …MPLE .* is not known\. It answers SlowDown/,
  ],
  [
    "does not answer",
    CANARY,
    () => void s3.faults.add("reset"),
    /^Warning: whether S3 accepts the key …MPLE .* is not known\. It does not answer: /,
  ],
  [
    "is hidden by a proxy",
    CANARY,
    () => network.use(http.get("https://acme-media.*", () => new Response("", { status: 401 }))),
    /^Warning: whether S3 accepts the key …MPLE .* is not known\. It answers 401/,
  ],
  [
    "has another time",
    CANARY,
    () => void s3.faults.add("clock-skew"),
    /is not known\. It answers RequestTimeTooSkewed/,
  ],
])(
  "where S3 %s, it is deployed: that is no proof against the key",
  async (_what, buckets, arranged, says) => {
    withBuckets(buckets);
    write(KEY);
    arranged();
    const { code, err } = await run();
    expect([code, ran]).toMatchObject([0, [{ file: { secrets: KEY } }]]);
    expect(err).toMatch(says);
  },
);

test("without a file, and for an R2 binding, S3 is not asked", async () => {
  await run({});
  withBuckets({ media: { binding: "MEDIA_BUCKET" } }, BOUND);
  write({ URL_SIGNING_KEYS: JSON.stringify({ a: "x".repeat(32) }) });
  const { code } = await run();
  expect([code, s3.requests]).toEqual([0, []]);
});

test("Ctrl-C while S3 is asked deploys nothing", async () => {
  const abort = new AbortController();
  const ask = s3.fetch;
  s3.fetch = (input, init) => {
    abort.abort();
    return ask(input, init);
  };
  const { err } = await run(undefined, { interrupted: abort.signal });
  expect(ran).toEqual([]);
  expect(err).toContain("nothing is deployed");
});
