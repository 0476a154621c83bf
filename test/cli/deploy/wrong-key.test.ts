// The secrets file of another environment: `vitrine deploy` refuses it before wrangler runs, and says whose key it is. What
// proves nothing deploys, with a warning: a deploy must be possible while S3 is down.

import { HttpResponse, http } from "msw";
import { expect, test } from "vitest";
import type { S3, S3Fault } from "../../../src/emulator/s3/s3.ts";
import { CACHED } from "../../support/cli/folder.ts";
import { expectGolden } from "../../support/cli/golden.ts";
import { addPolicedBucket } from "../../support/cli/policed-s3.ts";
import { project, QUIET, ran, run, write } from "../../support/cli/run-deploy.ts";
import type { CommandResult } from "../../support/cli/vitrine.ts";
import { VARS } from "../../support/env.ts";
import { network } from "../../support/network.ts";

/** The keys of four users of one account: those of two environments, one that may read both, and one of somebody else. */
const KEYS = {
  AKIAIOSFODNN7PRODUCT: "the/secret/of/production/000000000000000",
  AKIAIOSFODNN7STAGING: "the/secret/of/staging/000000000000000000",
  AKIAIOSFODNN7ANYBOTH: "the/secret/of/both/000000000000000000000",
  AKIAIOSFODNN7FOREIGN: "the/secret/of/somebody/00000000000000000",
};
type KeyId = keyof typeof KEYS;
const [PRODUCTION, STAGING, BOTH, FOREIGN] = [
  "AKIAIOSFODNN7PRODUCT",
  "AKIAIOSFODNN7STAGING",
  "AKIAIOSFODNN7ANYBOTH",
  "AKIAIOSFODNN7FOREIGN",
] as const satisfies readonly KeyId[];

const pair = (id: KeyId, name = "AWS", suffix = "") => ({
  [`${name}_ACCESS_KEY_ID${suffix}`]: id,
  [`${name}_SECRET_ACCESS_KEY${suffix}`]: KEYS[id],
});

const { prefix: _prefix, ...media } = VARS.BUCKETS.media;
const CANARY = "photos/fig.jpg";
const WITH_CANARY = { ...media, canary: CANARY };
const PLAIN = { production: media, staging: { ...media, bucket: "acme-staging" } };
const BUCKETS = {
  production: WITH_CANARY,
  staging: { ...WITH_CANARY, bucket: "acme-staging" },
};

type World = {
  /** The file's secrets. */
  readonly secrets: Readonly<Record<string, string>>;
  readonly env?: "production" | "staging";
  /** The bucket of each environment. */
  readonly buckets?: { readonly production: object; readonly staging: object };
  /** Whether the policies allow to list. */
  readonly lists?: boolean;
  /** Whether the objects are there. */
  readonly isEmpty?: boolean;
  readonly hasStore?: boolean;
  /** Changes of the vars of both. */
  readonly vars?: object;
  readonly arrange?: (buckets: { production: S3; staging: S3 }) => void;
};

const STORE = { ANSWERS: { store: "RENDITIONS" } };

/** A folder with both environments, and their buckets, each with a policy for its own user. */
function prepare(world: World) {
  const { buckets = BUCKETS, lists = true, isEmpty = false, hasStore = true, secrets } = world;
  const environmentOf = (name: "production" | "staging") => ({
    routes: [{ pattern: `${name}.example`, custom_domain: true }],
    secrets: {
      required: [
        ...Object.keys(pair(PRODUCTION)),
        ...(world.vars === VAULT ? Object.keys(pair(STAGING, "VAULT")) : []),
        "URL_SIGNING_KEYS",
      ],
    },
    vars: { ...QUIET, ...(hasStore && STORE), BUCKETS: { media: buckets[name] }, ...world.vars },
    ...(hasStore && { r2_buckets: [{ binding: "RENDITIONS" }] }),
  });
  const env = { production: environmentOf("production"), staging: environmentOf("staging") };
  const top = { name: "vitrine", compatibility_date: "2026-11-01", workers_dev: false };
  project({ ...top, preview_urls: false, ...CACHED, env });

  const bucketOf = (bucket: string, user: KeyId) => {
    const read = [user, BOTH];
    const policy = { read, list: lists ? read : [], below: { [STAGING]: "", [PRODUCTION]: "" } };
    const images = isEmpty ? [] : [CANARY, `production/${CANARY}`, `staging/${CANARY}`];
    return addPolicedBucket({ ...media, bucket, keys: KEYS, policy, images });
  };
  const production = bucketOf("acme-media", PRODUCTION);
  const staging = bucketOf("acme-staging", STAGING);
  world.arrange?.({ production, staging });
  write(secrets);
}

/** One bucket whose users may read below another prefix each. */
function share() {
  const policy = {
    read: [PRODUCTION, STAGING],
    list: [PRODUCTION, STAGING],
    below: { [PRODUCTION]: "production/", [STAGING]: "staging/" },
  };
  const images = [`production/${CANARY}`, `staging/${CANARY}`];
  addPolicedBucket({ ...media, keys: KEYS, policy, images });
}
const SHARED = {
  production: { ...WITH_CANARY, prefix: "production/" },
  staging: { ...WITH_CANARY, prefix: "staging/" },
};

const fault = (name: S3Fault) => ({
  arrange: (buckets: { production: S3 }) => void buckets.production.faults.add(name),
});
/** Answers in place of production's bucket. */
const answerBy = (body: string, init: ResponseInit) => ({
  arrange: () => network.use(http.get("https://acme-media.*", () => new HttpResponse(body, init))),
});

const NEXT_OF_STAGING = pair(STAGING, "AWS", "_NEXT");
const FOLLOWED = {
  BUCKETS: { ...{ media: WITH_CANARY }, more: { ...media, bucket: "acme-staging" } },
  ROUTES: [{ path: "/images/:preset/*", object: ["media/*", "more/*"] }],
};
const VAULT = {
  BUCKETS: { media: WITH_CANARY, vault: { ...BUCKETS.staging, credentials: "VAULT" } },
};

/** The exit code 2: it is refused, and wrangler does not run. */
const CASES: readonly [title: string, code: 0 | 2, world: World][] = [
  ["its own key", 0, { secrets: pair(PRODUCTION) }],
  ["its own key, no canary", 0, { secrets: pair(PRODUCTION), buckets: PLAIN }],
  ["its own key, the canary is missing", 0, { secrets: pair(PRODUCTION), isEmpty: true }],
  ["its own key, which may not list", 0, { secrets: pair(PRODUCTION), lists: false }],
  ["a key that opens both", 0, { secrets: pair(BOTH) }],

  ["staging's key", 2, { secrets: pair(STAGING) }],
  ["production's key, for staging", 2, { secrets: pair(PRODUCTION), env: "staging" }],
  ["staging's key, without a store", 2, { secrets: pair(STAGING), hasStore: false, lists: false }],
  ["staging's key, no canary", 2, { secrets: pair(STAGING), buckets: PLAIN }],
  [
    "staging's key, a canary only in staging, no right to list",
    2,
    { secrets: pair(STAGING), lists: false, buckets: { ...BUCKETS, production: media } },
  ],
  ["staging's key as the next one", 2, { secrets: { ...pair(PRODUCTION), ...NEXT_OF_STAGING } }],
  ["staging's key as the next one, alone", 2, { secrets: NEXT_OF_STAGING }],
  [
    "staging's key, while S3 does not know it here",
    2,
    {
      secrets: pair(STAGING),
      arrange: ({ production }) => void production.keys.delete(STAGING),
    },
  ],
  [
    "staging's key, one bucket with two prefixes",
    2,
    {
      secrets: pair(STAGING),
      buckets: SHARED,
      arrange: share,
    },
  ],
  [
    "production's key, for staging, one bucket",
    0,
    {
      secrets: pair(PRODUCTION),
      buckets: { production: WITH_CANARY, staging: WITH_CANARY },
      env: "staging",
    },
  ],
  [
    "the keys of two buckets, swapped",
    2,
    {
      secrets: { ...pair(STAGING), ...pair(PRODUCTION, "VAULT") },
      vars: VAULT,
    },
  ],
  ["nobody's key", 2, { secrets: pair(FOREIGN) }],
  [
    "nobody's key, another bucket follows",
    2,
    {
      secrets: pair(FOREIGN),
      hasStore: false,
      vars: FOLLOWED,
    },
  ],

  ["nobody's key, which may be unable to list", 0, { secrets: pair(FOREIGN), hasStore: false }],
  [
    "staging's key, nothing to see it by",
    0,
    { secrets: pair(STAGING), buckets: PLAIN, lists: false },
  ],
  [
    "the same, without a store",
    0,
    {
      secrets: pair(STAGING),
      buckets: PLAIN,
      lists: false,
      hasStore: false,
    },
  ],
  ["staging's key, S3 is busy here", 0, { secrets: pair(STAGING), ...fault("SlowDown") }],
  ["its own key, S3 is busy", 0, { secrets: pair(PRODUCTION), ...fault("SlowDown") }],
  ["its own key, S3 is silent", 0, { secrets: pair(PRODUCTION), ...fault("reset") }],
  ["its own key, another clock", 0, { secrets: pair(PRODUCTION), ...fault("clock-skew") }],
  [
    "its own key, the canary is in an archive",
    0,
    { secrets: pair(PRODUCTION), ...fault("archived") },
  ],
  [
    "a page instead of S3",
    0,
    {
      secrets: pair(STAGING),
      ...answerBy("<html>", { headers: { "content-type": "text/html", etag: '"1"' } }),
    },
  ],
  [
    "something else instead of S3",
    0,
    {
      secrets: pair(STAGING),
      buckets: PLAIN,
      ...answerBy("x", { headers: { "content-type": "text/plain", etag: '"1"' } }),
    },
  ],
  ["a proxy's 404", 0, { secrets: pair(PRODUCTION), ...answerBy("", { status: 404 }) }],
  ["a proxy's 401", 0, { secrets: pair(PRODUCTION), ...answerBy("", { status: 401 }) }],
  [
    "a website, which looks at no key",
    0,
    {
      secrets: pair(FOREIGN),
      ...answerBy("x", { headers: { "content-type": "image/jpeg", etag: '"1"' } }),
    },
  ],
];

test("the key of another environment is not deployed, and named (A6, A7)", async () => {
  const results: [string, CommandResult][] = [];
  for (const [title, code, world] of CASES) {
    network.resetHandlers(http.get("https://*/healthz", () => new HttpResponse("ok\n")));
    ran.length = 0;
    prepare(world);
    const result = await run({ env: world.env ?? "production", secretsFile: "secrets.env" });
    expect([title, result.code, ran.length]).toEqual([title, code, code === 0 ? 1 : 0]);
    for (const id of Object.values(KEYS)) expect(result.err).not.toContain(id);
    results.push([title, { ...result, out: "", err: result.err.replace(/-?\d+ s /g, "… s ") }]);
  }
  await expectGolden("wrong-key.txt", results);
});
