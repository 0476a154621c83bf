// `vitrine check` looks at every environment, and compares them: nothing belongs to two Workers (S6).

import { describe, expect, test } from "vitest";
import { HOST, makeProject, STAGED, STAGING } from "../../support/cli/folder.ts";
import { vitrine } from "../../support/cli/vitrine.ts";
import { VARS } from "../../support/env.ts";

type Config = Record<string, unknown>;

const { env: ENVIRONMENTS, ...TOP } = STAGED;
const { staging } = ENVIRONMENTS;
const { media } = VARS.BUCKETS;

/** The configuration of STAGED, with another env.staging. */
const staged = (changed: object, top: object = {}): Config => ({
  ...{ ...TOP, ...top },
  env: { staging: changed },
});
/** STAGED with more in env.staging. */
const adding = (more: object, top: object = {}) => staged({ ...staging, ...more }, top);
const without = (name: keyof typeof staging) =>
  Object.fromEntries(Object.entries(staging).filter(([key]) => key !== name));

const stored = (bucket_name?: string) => ({
  vars: { ...VARS, ANSWERS: { store: "RENDITIONS" } },
  r2_buckets: [{ binding: "RENDITIONS", ...(bucket_name && { bucket_name }) }],
});
const R2_ENDPOINT = {
  endpoint: "https://0123456789abcdef0123456789abcdef.r2.cloudflarestorage.com",
  ...{ region: "auto", bucket: "acme-media" },
};
const SAME =
  "images.example is a route of the top level, too, perhaps inherited. The last deploy would";

/** Wrong forms of env.staging, each with mistakes that must be named. */
const WRONG: readonly [string, Config, ...mistakes: string[]][] = [
  ["nothing of its own", staged({}), `routes: ${SAME}`, "BUCKETS: is not a table"],
  ["no secrets", staged(without("secrets")), "AWS_ACCESS_KEY_ID: is missing"],
  [
    "the store of the top level",
    adding(stored("acme-renditions"), stored("acme-renditions")),
    "ANSWERS.store: has the bucket acme-renditions, as ANSWERS.store of the top level has",
  ],
  [
    "a bucket that is the store of the top level",
    adding({ r2_buckets: [{ binding: "MEDIA", bucket_name: "vitrine-renditions" }] }, stored()),
    "MEDIA: has the bucket vitrine-renditions, as ANSWERS.store of the top level has",
  ],
  [
    "a store in a bucket of the top level",
    adding(stored("acme-media"), {
      vars: { ...VARS, BUCKETS: { media: { ...media, ...R2_ENDPOINT } } },
    }),
    "ANSWERS.store: has the bucket acme-media, as BUCKETS.media of the top level has",
  ],
  ["a var that does nothing", adding({ vars: { ...VARS, PRESET: {} } }), "PRESET: is none of BUC"],
  [
    "a secret as a var",
    adding({ vars: { ...VARS, HEALTH_TOKEN: "0123456789abcdef" } }),
    "HEALTH_TOKEN: is in wrangler.",
  ],
  [
    "no Images binding",
    adding({
      vars: {
        ...VARS,
        ROUTES: VARS.ROUTES.slice(0, 1),
        BUCKETS: { media: { ...media, engine: "binding" } },
      },
    }),
    'IMAGES: is missing: add [env.staging.images] binding = "IMAGES"',
  ],
  ["inherited routes", staged(without("routes")), `routes: ${SAME}`],
  [
    "the same route, as a pattern",
    adding({ routes: ["https://Images.example/*"] }),
    "routes: https://Images.example/* is a route of the top level, too",
  ],
  [
    "a route, which inherited routes hide",
    staged({ ...without("routes"), route: "images-staging.example/*" }),
    `routes: ${SAME}`,
  ],
  ["the name of the top level", adding({ name: "vitrine" }), "name: is that of the top level, too"],
  [
    "exports that replace those of the top level (W2)",
    adding({ exports: { Renditions: TOP.exports.Renditions } }),
    "exports.default.cache.enabled: is missing: ",
  ],
  [
    "keys and values that wrangler does not take",
    adding({ rutes: [], workers_dev: "no" }),
    "rutes: is no key that wrangler knows here",
    "workers_dev: must be boolean",
  ],
  [
    "what only wrangler's own words name",
    adding({ exports: { default: { type: "workr" } } }),
    "wrangler.",
  ],
];

describe.each(["wrangler.toml", "wrangler.jsonc"])("%s", (file) => {
  test.each(WRONG)(
    "with env.staging that has %s is wrong (S6, D3)",
    async (_what, config, ...mistakes) => {
      const folder = makeProject(config, file);
      for (const args of [["check"], ["check", "--env", "staging"]]) {
        const { code, out, err } = await vitrine(args, { folder });
        expect([code, out]).toEqual([2, ""]);
        for (const mistake of mistakes) {
          expect(err.split(`\n  env.staging: ${mistake}`)).toHaveLength(2);
        }
        expect(err).toMatch(
          /^(?:Warning: .*\n)*The configuration has mistakes:\n(?: {2}env\.staging: .*\n)+(?: {2}What is allowed: .*\n)?$/,
        );
      }
      const top = await vitrine(["check", "--env", ""], { folder });
      expect(top.err).not.toContain("env.staging:");
    },
  );

  test("--env chooses, CLOUDFLARE_ENV, or all are checked, as with --all (S6, D3)", async () => {
    const folder = makeProject(STAGED, file);
    const both = /^the top level:\n.* right.*\n(?:.*\n)*env\.staging:\n.* right/;
    const CLOUDFLARE_ENV = "staging";
    for (const [args, env, shown] of [
      [[], {}, both],
      [["--all"], { CLOUDFLARE_ENV }, both],
      [[], { CLOUDFLARE_ENV }, /^The configuration is right(?:(?!acme-media)[\s\S])*acme-staging/],
      [
        ["--env", "staging"],
        {},
        /^The configuration is right(?:(?!acme-media)[\s\S])*acme-staging/,
      ],
      [["--env="], { CLOUDFLARE_ENV }, /^The configuration is right(?:(?!acme-staging)[\s\S])*$/],
    ] as const) {
      const { code, out } = await vitrine(["check", ...args], { folder, env });
      expect([code, out]).toEqual([0, expect.stringMatching(shown)]);
    }
    expect((await vitrine(["check", "--all", "--env="], { folder })).code).toBe(3);
  });
});

test("the documentation is named where an environment has mistakes of Vitrine's own settings", async () => {
  const folder = makeProject(adding({ vars: { ...VARS, PRESETS: {} } }));
  const { err } = await vitrine(["check"], { folder });
  expect(err).toMatch(/\n {2}What is allowed: .*docs\/configuration\.md#varspresetsname\n$/);
});

test("all environments are checked at once, also those after a wrong one (S6)", async () => {
  const wrong = { ...staging, vars: {} };
  const broken = { ...staging, routes: [], name: 1 };
  const config = {
    ...TOP,
    vars: { ...VARS, ROUTES: [] },
    env: { broken, staging: wrong, test: wrong },
  };
  const { err } = await vitrine(["check"], { folder: makeProject(config) });
  for (const mistake of [
    "ROUTES",
    "env.broken: name: must be string",
    "env.staging: BUCKETS",
    "env.test: BUCKETS",
    "env.test: routes: images-staging.example is a route of env.staging, too",
  ]) {
    expect(err.split(`\n  ${mistake}`)).toHaveLength(2);
  }
  const all = await vitrine(["check"], { folder: makeProject({ ...config, main: 1 }) });
  expect(all.err).toContain("\n  main: must be string\n");
  expect(all.err).toContain("\n  env.broken: name: must be string\n");
});

test("a top level without vars and routes only holds what environments inherit (S6)", async () => {
  const { vars: _vars, routes: _routes, secrets: _secrets, ...carrier } = STAGED;
  const folder = makeProject(carrier);
  const { code, out } = await vitrine(["check"], { folder });
  expect([code, out]).toEqual([
    0,
    expect.stringMatching(
      /^the top level:\nIt has no vars, so there is nothing to deploy .*\nenv\.sta/,
    ),
  ]);
  expect(await vitrine(["url", "a.jpg"], { folder })).toMatchObject({
    code: 2,
    err: "the top level of wrangler.toml has no vars, so there is nothing to deploy from it: use --env staging\n",
  });
  // With a route, a deploy by mistake would take a domain, and serve nothing.
  const claims = makeProject({ ...carrier, routes: TOP.routes });
  expect((await vitrine(["check"], { folder: claims })).err).toContain("\n  BUCKETS: is not a ta");
});

test.each([
  ["the same role", "vitrine", true],
  ["a role of its own", "vitrine-staging", false],
])(
  "staging with %s: a warning if whoever deploys it can read production (S6)",
  async (_what, name, isWarned) => {
    const account = "arn:aws:iam::123456789012:role";
    const keyless = (bucket: string, host: string, role: string) => ({
      images: { binding: "IMAGES" },
      secrets: { required: ["OIDC_SIGNING_KEY"] },
      vars: {
        ...{ ...VARS, ROUTES: VARS.ROUTES.slice(0, 1) },
        BUCKETS: { media: { ...media, bucket, engine: "binding", role: `${account}/${role}` } },
        OIDC: { issuer: host },
      },
    });
    const top = keyless("acme-media", HOST, "vitrine");
    const folder = makeProject(adding(keyless("acme-staging", STAGING, name), top));
    const { code, err } = await vitrine(["check"], { folder });
    const warning = `env.staging: the role ${account}/vitrine of BUCKETS.media is that of the top level, too`;
    expect([code, err.split(warning).length]).toEqual([0, isWarned ? 2 : 1]);
  },
);

test("the doctor names the mistakes of its environment, with its file and commands for it (S6)", async () => {
  const folder = makeProject(staged(without("routes")), "wrangler.jsonc");
  const { out } = await vitrine(["doctor", "--json", "--env", "staging"], { folder });
  expect(JSON.parse(out).findings[0]).toMatchObject({
    about: "wrangler.jsonc",
    seen: expect.stringContaining("env.staging: routes: images.example"),
    remedy: expect.stringMatching(/^fix routes in wrangler\.jsonc.* deploy --env staging$/),
  });
});

test("a secret among the vars of an environment: the command is for that environment (S6)", async () => {
  const folder = makeProject(adding({ vars: { ...VARS, HEALTH_TOKEN: "0123456789abcdef" } }));
  const { err } = await vitrine(["check"], { folder });
  expect(err).toContain("is no secret: npx wrangler secret put --env staging HEALTH_TOKEN\n");
});
