// `vitrine check` looks at every environment: what wrangler does not inherit is missing there (S6).

import { describe, expect, test } from "vitest";
import { envLine, HOST, makeProject, STAGED, STAGING } from "../../support/cli/folder.ts";
import { vitrine } from "../../support/cli/vitrine.ts";
import { VARS } from "../../support/env.ts";

const { env: ENVIRONMENTS, ...TOP } = STAGED;
const { staging } = ENVIRONMENTS;

/** The configuration of STAGED, with another env.staging. */
const staged = (changed: object, top: object = {}) => ({
  ...TOP,
  ...top,
  env: { staging: changed },
});
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

const LIMITER = [{ name: "RATE_LIMITER", namespace_id: "1", simple: { limit: 9, period: 60 } }];
const SAME = "images.example is a route of the top level, too. The last deploy would take it away";

/** Wrong forms of env.staging, each with mistakes that must be told. */
const WRONG: Record<string, [config: Record<string, unknown>, ...mistakes: string[]]> = {
  "nothing of its own": [
    staged({}),
    "vars: is missing",
    "secrets: is missing",
    `routes: are inherited: ${SAME}`,
    "BUCKETS: is not a table, or is empty",
  ],
  "no vars": [staged(without("vars")), "vars: is missing", "BUCKETS: is not a table, or is empty"],
  "no secrets": [
    staged(without("secrets")),
    "secrets: is missing",
    "AWS_ACCESS_KEY_ID: is missing",
  ],
  "the store of the top level": [
    staged({ ...staging, ...stored("acme-renditions") }, stored("acme-renditions")),
    "ANSWERS.store: has the bucket acme-renditions, as RENDITIONS of the top level has",
  ],
  "a bucket that is the store of the top level": [
    staged(
      { ...staging, r2_buckets: [{ binding: "MEDIA", bucket_name: "vitrine-renditions" }] },
      stored(),
    ),
    "MEDIA: has the bucket that the top level has as store: use another one",
  ],
  "a store in a bucket of the top level": [
    staged(
      { ...staging, ...stored("acme-media") },
      { vars: { ...VARS, BUCKETS: { media: { ...VARS.BUCKETS.media, ...R2_ENDPOINT } } } },
    ),
    "ANSWERS.store: has the bucket acme-media, as BUCKETS.media of the top level has",
  ],
  "a secret that is not required": [
    staged({ ...staging, secrets: { required: ["AWS_ACCESS_KEY_ID", "URL_SIGNING_KEYS"] } }),
    "AWS_SECRET_ACCESS_KEY: is missing",
  ],
  "no presets": [
    staged({ ...staging, vars: { ...VARS, PRESETS: {} } }),
    "PRESETS: is not a table, or is empty",
  ],
  "a wrong preset": [
    staged({ ...staging, vars: { ...VARS, PRESETS: { card: { width: 0 } } } }),
    "PRESETS.card.width: ",
  ],
  "a var that does nothing": [
    staged({ ...staging, vars: { ...VARS, PRESET: {} } }),
    "PRESET: is none of BUCKETS",
  ],
  "a secret as a var": [
    staged({
      ...{ ...staging, vars: { ...VARS, AWS_SECRET_ACCESS_KEY: "x" } },
      secrets: { required: ["AWS_ACCESS_KEY_ID", "URL_SIGNING_KEYS"] },
    }),
    "AWS_SECRET_ACCESS_KEY: is in ",
  ],
  "inherited routes": [staged(without("routes")), `routes: are inherited: ${SAME}`],
  "the same route, as a pattern": [
    staged({ ...staging, routes: ["https://Images.example/*"] }),
    `routes: https://Images.example/* is a route of the top level, too`,
  ],
  "a route, which inherited routes hide": [
    staged({ ...without("routes"), route: "images-staging.example/*" }),
    `routes: are inherited: ${SAME}`,
  ],
  "the name of the top level": [
    staged({ ...staging, name: "vitrine" }),
    "name: is that of the top level, too",
  ],
  "an http:// bucket": [
    staged({
      ...staging,
      vars: {
        ...VARS,
        BUCKETS: { media: { ...VARS.BUCKETS.media, endpoint: "http://s3.example" } },
      },
    }),
    "BUCKETS.media.endpoint: is not a plain https:// URL",
  ],
};

describe.each(["wrangler.toml", "wrangler.jsonc"])("%s", (file) => {
  test.each(Object.entries(WRONG))(
    "with env.staging that has %s is wrong (S6, D3)",
    async (_what, [config, ...mistakes]) => {
      const folder = makeProject(config, file);
      for (const args of [["check"], ["check", "--env", "staging"]]) {
        const { code, out, err } = await vitrine(args, { folder });
        expect([code, out]).toEqual([2, ""]);
        for (const mistake of mistakes) expect(err).toContain(`\n  env.staging: ${mistake}`);
        const others = err
          .split("\n")
          .filter((line) => !/^(?: {2}env\.staging: |Warning: | {2}What is allowed: )/.test(line));
        expect(others).toEqual(["The configuration has mistakes:", ""]);
      }
      const top = await vitrine(["check", "--env", ""], { folder });
      expect(top.err).not.toContain("env.staging:");
    },
  );

  test("with a right env.staging is right, and each environment is told (S6, D3)", async () => {
    const folder = makeProject(STAGED, file);
    const all = await vitrine(["check"], { folder });
    expect(all.code).toBe(0);
    expect(all.out).toMatch(/^the top level:\n.* right.*\n(?:.*\n)*env\.staging:\n.* right/);
    expect(all.out).toContain("acme-media.s3.");
    const one = await vitrine(["check"], { folder, env: { CLOUDFLARE_ENV: "staging" } });
    expect([one.code, one.out]).toEqual([0, expect.stringContaining("acme-staging.s3.")]);
    expect(one.out).not.toContain("acme-media");
    const top = await vitrine(["check", "--env="], { folder, env: { CLOUDFLARE_ENV: "staging" } });
    expect([top.code, top.out]).toEqual([0, expect.stringContaining("acme-media.s3.")]);
    expect(top.out).not.toContain("acme-staging");
  });
});

test("all environments are checked at once, also those after a wrong one (S6)", async () => {
  const wrong = { ...staging, vars: {} };
  const config = { ...TOP, vars: { ...VARS, ROUTES: [] }, env: { staging: wrong, test: wrong } };
  const { err } = await vitrine(["check"], { folder: makeProject(config) });
  const own = (name: string) => err.split("\n").filter((line) => line.startsWith(`  ${name}`));
  expect(own("ROUTES")).toHaveLength(1);
  expect(own("env.staging: BUCKETS")).toHaveLength(1);
  expect(own("env.test: BUCKETS")).toHaveLength(1);
  expect(
    own("env.test: routes: images-staging.example is a route of env.staging, too"),
  ).toHaveLength(1);
});

test("a top level without vars and routes only holds what environments inherit (S6)", async () => {
  const { vars: _vars, routes: _routes, secrets: _secrets, ...carrier } = STAGED;
  const folder = makeProject(carrier);
  const { code, out } = await vitrine(["check"], { folder });
  expect(code).toBe(0);
  expect(out).toMatch(
    /^the top level: it has no vars, so there is nothing to deploy from it\.\nenv\.staging:\n/,
  );
  expect(await vitrine(["url", "a.jpg"], { folder })).toMatchObject({
    code: 2,
    err: "the top level of wrangler.toml has no vars, so there is nothing to deploy from it: use --env staging\n",
  });
  expect((await vitrine(["check", "--env="], { folder })).err).toContain(
    "\n  BUCKETS: is not a table",
  );
  // With a route, a deploy by mistake would take a domain, and serve nothing.
  const claims = await vitrine(["check"], {
    folder: makeProject({ ...carrier, routes: TOP.routes }),
  });
  expect([claims.code, claims.err]).toEqual([
    2,
    expect.stringContaining("\n  BUCKETS: is not a ta"),
  ]);
});

test("an environment without the rate limiter of the top level is a warning (S6)", async () => {
  const limited = makeProject(staged(staging, { ratelimits: LIMITER }));
  const warning = "Warning: env.staging: ratelimits are not inherited, so this environment limits";
  for (const args of [["check"], ["check", "--env", "staging"]]) {
    const { code, err } = await vitrine(args, { folder: limited });
    expect([code, err]).toEqual([0, expect.stringContaining(warning)]);
  }
  const both = makeProject(staged({ ...staging, ratelimits: LIMITER }, { ratelimits: LIMITER }));
  expect((await vitrine(["check"], { folder: both })).err).not.toContain("ratelimits");
});

const METRICS = (dataset?: string) => [{ binding: "METRICS", ...(dataset && { dataset }) }];

test.each<[what: string, top: object, own: object, says: string | undefined]>([
  [
    "none, although the top level has one",
    { analytics_engine_datasets: METRICS("vitrine") },
    {},
    "analytics_engine_datasets are not inherited, so this environment records nothing",
  ],
  [
    "that of the top level",
    { analytics_engine_datasets: METRICS("vitrine") },
    { analytics_engine_datasets: METRICS("vitrine") },
    "the dataset vitrine is that of the top level, too",
  ],
  [
    "that of the top level, since both have the binding's name",
    { analytics_engine_datasets: METRICS() },
    { analytics_engine_datasets: METRICS() },
    "the dataset METRICS is that of the top level, too",
  ],
  [
    "its own",
    { analytics_engine_datasets: METRICS("vitrine") },
    { analytics_engine_datasets: METRICS("vitrine_staging") },
    undefined,
  ],
  ["one, and the top level has none", {}, { analytics_engine_datasets: METRICS() }, undefined],
])(
  "an environment whose dataset is %s is a warning, or none (S6)",
  async (_what, top, own, says) => {
    const folder = makeProject(staged({ ...staging, ...own }, top));
    for (const args of [["check"], ["check", "--env", "staging"]]) {
      const { code, err } = await vitrine(args, { folder });
      expect(code).toBe(0);
      if (says === undefined) expect(err).not.toContain("dataset");
      else expect(err).toContain(`Warning: env.staging: ${says}`);
    }
  },
);

test.each<[what: string, top: object, other: object, says: string, code: number]>([
  [
    "a wildcard over the custom domain of another",
    {},
    { routes: ["*.example/*"] },
    "routes: *.example/* takes all requests of images.example, a custom domain of the top level",
    2,
  ],
  [
    "a custom domain below a wildcard of another",
    { routes: ["*.example/*"] },
    {},
    "routes: *.example/* of the top level takes all requests of images-staging.example, a custom domain",
    2,
  ],
  [
    "a path of the custom domain of another",
    {},
    { routes: ["images.example/images/*"] },
    "images.example/images/* takes requests of images.example, a custom domain of the top level",
    0,
  ],
  [
    "a path of the route of another",
    { routes: ["b.example/images/*"] },
    { routes: ["B.example/images/s*"] },
    "B.example/images/s* takes requests of b.example/images/*, a route of the top level",
    0,
  ],
  ["another path", { routes: ["b.example/a/*"] }, { routes: ["b.example/b/*"] }, "", 0],
  ["a route below a wildcard", { routes: ["*.example/*"] }, { routes: ["b.example/*"] }, "", 0],
  ["another host", { routes: ["*.b.example/*"] }, {}, "", 0],
])(
  "an environment with %s: routes go before custom domains (S6)",
  async (_what, top, other, says, code) => {
    const folder = makeProject(staged({ ...staging, ...other }, top));
    for (const args of [["check"], ["check", "--env", "staging"]]) {
      const ended = await vitrine(args, { folder });
      expect(ended.code).toBe(code);
      expect(ended.err).toContain(says && `env.staging: ${says}`);
      if (says === "") expect(ended.err).not.toContain("takes");
    }
  },
);

describe("two environments with the same key that signs URLs (S6)", () => {
  const SHARED = "the-key-that-both-environments-have-0001";
  const OWN = "the-key-that-only-this-one-has-00000001";
  const line = (keys: object) => envLine("URL_SIGNING_KEYS", JSON.stringify(keys));
  type Files = Record<string, string>;

  test.each<[string, object, object, Files, string]>([
    [
      "in their own files",
      {},
      {},
      { ".dev.vars": line({ k1: SHARED }), ".dev.vars.staging": line({ k2: OWN, k1: SHARED }) },
      ".dev.vars.staging has one of .dev.vars. A signed URL of the one would open the other",
    ],
    [
      "in their own files, by other kids: no URL opens both",
      {},
      {},
      { ".dev.vars": line({ k1: SHARED }), ".dev.vars.staging": line({ k1: OWN, k9: SHARED }) },
      ".dev.vars.staging has one of .dev.vars. Whoever has that key can sign for both",
    ],
  ])("%s: a warning, once, without the key", async (_how, top, own, files, says) => {
    const config = staged({ ...staging, ...own }, top);
    const folder = makeProject(config, "wrangler.toml", files);
    const { code, out, err } = await vitrine(["check"], { folder });
    expect(code).toBe(0);
    const warning = "env.staging: URL_SIGNING_KEYS may have a key of the top level, too";
    expect(err.split(warning)).toHaveLength(2);
    expect(err).toContain(says);
    expect(out + err).not.toContain(SHARED);
  });

  test.each<[string, object, object, Files]>([
    [
      "other keys",
      {},
      {},
      { ".dev.vars": line({ k1: SHARED }), ".dev.vars.staging": line({ k1: OWN }) },
    ],
    ["one file of the local run", {}, {}, { ".dev.vars": line({ k1: SHARED }) }],
    [
      "the key that the local run made",
      {},
      {},
      { ".dev.vars": line({ local: SHARED }), ".dev.vars.staging": line({ local: SHARED }) },
    ],
  ])("%s: no warning", async (_how, top, own, files) => {
    const config = staged({ ...staging, ...own }, top);
    const { code, err } = await vitrine(["check"], {
      folder: makeProject(config, "wrangler.toml", files),
    });
    expect(code).toBe(0);
    expect(err).not.toContain("URL_SIGNING_KEYS");
  });
});

test.each([
  ["the same role", "vitrine", "vitrine", true],
  ["the same role for another subject", "vitrine", "vitrine-staging", true],
  ["a role of its own", "vitrine-staging", "vitrine-staging", false],
])(
  "staging with %s: a warning if whoever deploys it can read production (S6)",
  async (_what, name, subject, isWarned) => {
    const { media } = VARS.BUCKETS;
    const account = "arn:aws:iam::123456789012:role";
    const keyless = (bucket: string, host: string, role: string, more: object = {}) => ({
      images: { binding: "IMAGES" },
      secrets: { required: ["OIDC_SIGNING_KEY"] },
      vars: {
        ...{ ...VARS, ROUTES: VARS.ROUTES.slice(0, 1) },
        BUCKETS: { media: { ...media, bucket, engine: "binding", role: `${account}/${role}` } },
        OIDC: { issuer: host, ...more },
      },
    });
    const top = keyless("acme-media", HOST, "vitrine");
    const own = keyless("acme-staging", STAGING, name, { subject });
    const folder = makeProject(staged({ ...staging, ...own }, top));
    const { code, err } = await vitrine(["check"], { folder });
    expect(code).toBe(0);
    const warning = `env.staging: the role ${account}/vitrine of BUCKETS.media is that of the top level, too`;
    expect(err.split(warning)).toHaveLength(isWarned ? 2 : 1);
  },
);

test("a mistake of .dev.vars is told once, and that of .dev.vars.staging by its name (S6)", async () => {
  const files = { ".dev.vars": envLine("HEALTH_TOKEN", "short") };
  const shared = await vitrine(["check"], { folder: makeProject(STAGED, "wrangler.toml", files) });
  expect(shared.err.match(/HEALTH_TOKEN/g)).toHaveLength(1);
  const own = { ".dev.vars.staging": envLine("HEALTH_TOKEN", "short") };
  const { err } = await vitrine(["check"], { folder: makeProject(STAGED, "wrangler.toml", own) });
  expect(err).toContain("\n  env.staging: .dev.vars.staging: HEALTH_TOKEN: is not 16 or more");
  expect(err).not.toContain("\n  .dev.vars");
});

test("an environment that wrangler cannot read does not hide the others", async () => {
  const config = { ...STAGED, env: { ...ENVIRONMENTS, broken: { ...staging, name: 1 } } };
  const { code, err } = await vitrine(["check"], { folder: makeProject(config) });
  expect([code, err]).toEqual([
    2,
    expect.stringMatching(/\n {2}env\.broken: wrangler\.toml: .*"name"/s),
  ]);
});

test("the doctor tells the mistakes of its environment, with its file and commands for it (S6)", async () => {
  const folder = makeProject(staged(without("routes")), "wrangler.jsonc");
  const { out } = await vitrine(["doctor", "--json", "--env", "staging"], { folder });
  expect(JSON.parse(out).findings[0]).toMatchObject({
    about: "wrangler.jsonc",
    seen: expect.stringContaining("env.staging: routes: are inherited"),
    remedy: expect.stringMatching(/^fix routes in wrangler\.jsonc.* deploy --env staging$/),
  });
});

test("a secret among the vars of an environment: the command is for that environment (S6)", async () => {
  const vars = { ...VARS, HEALTH_TOKEN: "0123456789abcdef" };
  const folder = makeProject(staged({ ...staging, vars }));
  const { err } = await vitrine(["check"], { folder });
  expect(err).toContain("is no secret: npx wrangler secret put --env staging HEALTH_TOKEN\n");
});
