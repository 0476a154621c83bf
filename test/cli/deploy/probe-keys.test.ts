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

const OTHER = "AKIAIOSFODNN7STAGING";
const CURRENT = "…MPLE (AWS, slot current) for acme-media: ";
const ELSEWHERE = { ...KEY, AWS_ACCESS_KEY_ID: OTHER };
const NEXT_DEAD = { ...KEY, ...NEXT, AWS_ACCESS_KEY_ID_NEXT: OTHER };

test.each<[what: string, secrets: Record<string, string>, fault: S3Fault | "none", says: string]>([
  ["a dead key", KEY, "revoked-key", `${CURRENT}InvalidAccessKeyId`],
  ["an old secret", KEY, "other-secret", `${CURRENT}SignatureDoesNotMatch: the secret does not`],
  ["the key of another environment", ELSEWHERE, "none", "acme-media: InvalidAccessKeyId"],
  ["a dead next key", NEXT_DEAD, "none", "…GING (AWS, slot next) for acme-media: InvalidAccess"],
])("nothing is deployed with %s (A7)", async (_what, secrets, fault, says) => {
  if (fault !== "none") s3.faults.add(fault);
  for (const BUCKETS of [VARS.BUCKETS, CANARY]) {
    for (const dryRun of [{}, { dryRun: true } as const]) {
      withBuckets(BUCKETS);
      write(secrets);
      const { code, out, err } = await run({ secretsFile: "secrets.env", ...dryRun });
      expect([code, out, ran, examined]).toEqual([2, "", [], []]);
      expect(err).toMatch(/^secrets\.env has a key that S3 refuses\. Nothing is deployed:\n/);
      expect(err).toContain(says);
      for (const secret of Object.values(secrets)) expect(err).not.toContain(secret);
    }
  }
});

test.each([
  [
    "is there",
    "secret/key.jpg",
    2,
    "S3 lists the canary secret/key.jpg of acme-media to the key …MP",
  ],
  [
    "is not there",
    "secret/key.jpg.jpg",
    0,
    "Warning: S3 denies the key …MPLE (AWS, slot current) the",
  ],
])(
  "S3 denies a canary that the key may list: it is certain that the key cannot read if it %s (A6)",
  async (_what, object, code, says) => {
    withBuckets({ media: { ...media, prefix: "secret/", canary: "key.jpg" } });
    s3.objects.set(object, { body: file("made/key.jpg"), type: "image/jpeg" });
    write(KEY);
    const { code: exit, err } = await run();
    expect([exit, ran.length]).toEqual([code, code === 0 ? 1 : 0]);
    expect(err).toContain(says);
  },
);

const TOKEN = "a-session-token";
const SESSION = { ...KEY, AWS_ACCESS_KEY_ID: "ASIAIOSFODNN7EXAMPLE", AWS_SESSION_TOKEN: TOKEN };

test.each([
  ["that is over is not deployed", 0, 2],
  ["goes with its token, which is not shown", Number.POSITIVE_INFINITY, 0],
])("a session %s (A11)", async (_what, expires, code) => {
  withBuckets({ media: { ...media, engine: "binding" } }, { images: { binding: "IMAGES" } });
  sessions.set(SESSION.AWS_ACCESS_KEY_ID, {
    secretAccessKey: SECRET,
    sessionToken: TOKEN,
    expires,
  });
  write(SESSION);
  const { code: exit, out, err } = await run();
  expect([exit, ran.map((one) => one.file?.secrets)]).toEqual([code, code === 0 ? [SESSION] : []]);
  expect(err.includes("for acme-media: ExpiredToken")).toBe(code !== 0);
  expect(out + err).not.toContain(TOKEN);
});

test("each bucket of a key is asked, and each key only its own buckets", async () => {
  const more = { ...media, bucket: "acme-more", credentials: "MORE" };
  const secrets = { ...KEY, MORE_ACCESS_KEY_ID: ID, MORE_SECRET_ACCESS_KEY: SECRET };
  const required = ["URL_SIGNING_KEYS", ...Object.keys(secrets)];
  withBuckets(
    { ...CANARY, more, again: { ...media, prefix: "published/again/" } },
    { secrets: { required } },
  );
  write(secrets);
  await run({ secretsFile: "secrets.env", dryRun: true });
  const paths = s3.requests.map(({ url }) =>
    url.replace(/^https:\/\/([\w-]+)[^/]*/, "$1").replace(/-[0-9a-f-]{36}$/, "-…"),
  );
  expect(paths.toSorted()).toEqual([
    "acme-media/published/again/vitrine-deploy-…",
    "acme-media/published/key.jpg",
    "acme-more/published/vitrine-deploy-…",
  ]);
});

const fault = (one: S3Fault) => () => void s3.faults.add(one);
const keep = () =>
  void s3.objects.set("published/key.jpg", { body: file("made/key.jpg"), type: "image/jpeg" });
const hide = () =>
  network.use(http.get("https://acme-media.*", () => new Response("", { status: 401 })));

const unknown = (answer: string) =>
  new RegExp(`^Warning: whether S3 .* is not known\\. It ${answer}`);
const NO_LIST = fault("no-list-bucket");
const ANY = VARS.BUCKETS;

test.each<[what: string, buckets: object, arranged: () => void, says: RegExp]>([
  ["gives the canary", CANARY, keep, /^$/],
  ["knows the key, which may list", ANY, () => {}, /^$/],
  ["knows the key, which may not list", ANY, NO_LIST, /^S3 knows the key …MPLE .*\.media\.canary/],
  ["denies the canary", CANARY, NO_LIST, /^Warning: S3 denies the key …MPLE .* the canary publ/],
  ["is busy", CANARY, fault("SlowDown"), unknown("answers SlowDown")],
  ["does not answer", CANARY, fault("reset"), unknown("does not answer: ")],
  ["is hidden by a proxy", CANARY, hide, unknown("answers 401")],
  ["has another time", CANARY, fault("clock-skew"), unknown("answers RequestTimeTooSkewed")],
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
  expect([ran, err]).toEqual([[], expect.stringContaining("nothing is deployed")]);
});
