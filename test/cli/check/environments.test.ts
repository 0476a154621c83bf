// `vitrine check` looks at every environment, and compares them: nothing belongs to two Workers (S6).

import { describe, expect, test } from "vitest";
import { createProject, HOST, STAGED, STAGING } from "../../support/cli/folder.ts";
import { expectGolden } from "../../support/cli/golden.ts";
import { TOKEN, USERS } from "../../support/cli/login.ts";
import { type CommandResult, vitrine } from "../../support/cli/vitrine.ts";
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
/** Wrong forms of env.staging. */
const WRONG: Readonly<Record<string, Config>> = {
  "nothing of its own": staged({}),
  "no secrets": staged(without("secrets")),
  "the store of the top level": adding(stored("acme-renditions"), stored("acme-renditions")),
  "a bucket that is the store of the top level": adding(
    { r2_buckets: [{ binding: "MEDIA", bucket_name: "vitrine-renditions" }] },
    stored(),
  ),
  "a store in a bucket of the top level": adding(stored("acme-media"), {
    vars: { ...VARS, BUCKETS: { media: { ...media, ...R2_ENDPOINT } } },
  }),
  "a var that does nothing": adding({ vars: { ...VARS, PRESET: {} } }),
  "a secret as a var": adding({ vars: { ...VARS, HEALTH_TOKEN: "0123456789abcdef" } }),
  "wrong presets": adding({ vars: { ...VARS, PRESETS: {} } }),
  "no Images binding": adding({
    vars: {
      ...{ ...VARS, ROUTES: VARS.ROUTES.slice(0, 1) },
      BUCKETS: { media: { ...media, engine: "binding" } },
    },
  }),
  "inherited routes": staged(without("routes")),
  "the same route, as a pattern": adding({ routes: ["https://Images.example/*"] }),
  "a route, which inherited routes hide": staged({
    ...{ ...without("routes"), route: "images-staging.example/*" },
  }),
  "a wildcard over the domain of the top level": adding({ routes: ["*.example/*"] }),
  "a wildcard of the top level over a domain": adding({}, { routes: ["*.example/*"] }),
  "a route for /purge of the top level": adding({ routes: ["images.example/purge"] }),
  "a route for /purge beside a route of the top level": adding(
    { routes: ["images.example/purge"] },
    { routes: ["images.example/*"] },
  ),
  "the name of the top level": adding({ name: "vitrine" }),
  "exports that replace those of the top level (W2)": adding({
    exports: { Renditions: TOP.exports.Renditions },
  }),
  "keys and values that wrangler does not take": adding({ rutes: [], workers_dev: "no" }),
  "what only wrangler's own words name": adding({ exports: { default: { type: "workr" } } }),
};

describe.each(["wrangler.toml", "wrangler.jsonc"])("%s", (file) => {
  test("what is wrong in env.staging alone is named there, and nowhere else (S6, D3, W2)", async () => {
    const results: [string, CommandResult][] = [];
    for (const [title, config] of Object.entries(WRONG)) {
      const folder = createProject(config, file);
      const all = await vitrine(["check"], { folder });
      const chosen = await vitrine(["check", "--env", "staging"], { folder });
      const mistakes = (ended: CommandResult) => ended.err.match(/^ {2}env\.staging: .*/gm);
      expect([title, all.code, mistakes(chosen)]).toEqual([title, 2, mistakes(all)]);
      const top = await vitrine(["check", "--env", ""], { folder });
      expect(top.err).not.toContain("env.staging:");
      const err = all.err
        .replaceAll(file, "wrangler.…")
        .replace(/^Warning: .* signature .*\n/gm, "");
      results.push([title, { ...all, err }]);
    }
    // Each is answered in its own form.
    const json = file.endsWith(".jsonc") ? "jsonc." : "";
    await expectGolden(`environments.${json}txt`, results);
  });

  test("--env chooses, CLOUDFLARE_ENV, or all are checked, as with --all (S6, D3)", async () => {
    const folder = createProject(STAGED, file);
    const both = /^the top level:\n.* right.*\n(?:.*\n)*env\.staging:\n.* right/;
    const alone = /^The configuration is right(?:(?!acme-media)[\s\S])*acme-staging/;
    const CLOUDFLARE_ENV = "staging";
    for (const [args, env, output] of [
      [[], {}, both],
      [["--all"], { CLOUDFLARE_ENV }, both],
      [[], { CLOUDFLARE_ENV }, alone],
      [["--env", "staging"], {}, alone],
      [["--env="], { CLOUDFLARE_ENV }, /^The configuration is right(?:(?!acme-staging)[\s\S])*$/],
    ] as const) {
      const { code, out } = await vitrine(["check", ...args], { folder, env });
      expect([code, out]).toEqual([0, expect.stringMatching(output)]);
    }
    expect((await vitrine(["check", "--all", "--env="], { folder })).code).toBe(3);
  });
});

const METRICS = (dataset: string) => ({
  analytics_engine_datasets: [{ binding: "METRICS", dataset }],
});
const zoned = (...patterns: string[]) => ({ routes: patterns });

test.each<[what: string, top: object, staging: object, warning?: RegExp]>([
  ["a host for each", {}, {}],
  ["a host in capitals", {}, zoned("Images-Staging.example/*")],
  [
    "a folder of the other's host",
    {},
    zoned("images.example/staging/*"),
    /\/staging\/\* does not cover \/healthz and \/purge of images\.example: that is for the Worker of the top level, so/,
  ],
  ["a route that is more exact than a wildcard", zoned("*.example/*"), zoned("a.example/*")],
  [
    "a folder that the other's wildcard is around",
    zoned("*.example/*"),
    zoned("a.example/b/*"),
    /of a\.example: that is for the Worker of the top level/,
  ],
  [
    "a folder, and the paths for operators that the other does not have",
    zoned("images.example/a/*"),
    zoned("images.example/b/*", "images.example/healthz", "images.example/purge"),
  ],
  [
    "METRICS of the top level alone",
    METRICS("vitrine"),
    {},
    /the top level has METRICS, which an environment does not inherit: nothing is measured here: write \[\[env\.staging\.analytics_engine_datasets\]\]/,
  ],
  ["METRICS of staging alone", {}, METRICS("vitrine")],
  [
    "a dataset for both",
    METRICS("vitrine"),
    METRICS("vitrine"),
    /METRICS has the dataset vitrine of the top level/,
  ],
  ["a dataset for each", METRICS("vitrine"), METRICS("vitrine_staging")],
  [
    "the bucket of the top level",
    {},
    { vars: VARS },
    /BUCKETS\.media has the bucket acme-media, as the top level has/,
  ],
])("with %s, what does not work is a warning (S6)", async (_what, top, more, warning) => {
  const folder = createProject(adding(more, top));
  const { code, err } = await vitrine(["check"], { folder });
  const warnings = err
    .split("\n")
    .filter((line) => /^Warning: env\.staging: (?!.*signature)/.test(line));
  expect([code, warnings]).toEqual([0, warning ? [expect.stringMatching(warning)] : []]);
});

/** A table of `token` that takes the tokens of one app alone, by a claim. */
const APP = (azp: string) => ({ audience: ["any"], claims: { azp } });

test.each<[string, production: object, staging: object, isWarned: boolean]>([
  ["the same app", {}, {}, true],
  ["an audience of each", {}, { audience: "images-staging" }, false],
  ["one audience that both have", { audience: ["a", "b"] }, { audience: ["b", "c"] }, true],
  ["an issuer of each", {}, { issuer: "https://staging.example/" }, false],
  ["an app of each, by azp", APP("web"), APP("web-staging"), false],
  ["the same app, by azp", APP("web"), APP("web"), true],
  ["an app, where the other one does not look", APP("web"), { audience: "any" }, true],
  ["texts of the path", APP(":user"), APP("web"), true],
])("one token for two environments: %s (S6)", async (_title, production, other, isWarned) => {
  const varsOf = (bucket: string, changes: object) => ({
    ...VARS,
    BUCKETS: { media: { ...media, bucket } },
    ROUTES: [{ ...USERS, token: { ...TOKEN, ...changes } }],
  });
  const top = { vars: varsOf("acme-media", production) };
  const folder = createProject(adding({ vars: varsOf("acme-staging", other) }, top));
  const { code, err } = await vitrine(["check"], { folder });
  const warning = `env.staging: a token of ${TOKEN.issuer} may open routes here and of the top level`;
  expect([code, err.includes(warning)]).toEqual([0, isWarned]);
});

test("all environments are checked at once, also those after a wrong one (S6)", async () => {
  const wrong = { ...staging, vars: {} };
  const broken = { ...staging, routes: [], name: 1 };
  const env = { broken, staging: wrong, test: wrong };
  const config = { ...TOP, vars: { ...VARS, ROUTES: [] }, env };
  const { err } = await vitrine(["check"], { folder: createProject(config) });
  for (const mistake of [
    "ROUTES",
    "env.broken: name: is 1, and must be string",
    "env.staging: vars",
    "env.test: vars",
    "env.test: routes: images-staging.example is a route of env.staging, too",
  ]) {
    expect(err.split(`\n  ${mistake}`)).toHaveLength(2);
  }
  const all = await vitrine(["check"], {
    folder: createProject({
      ...config,
      main: 1,
      queues: { consumers: [{ queue: "q", max_concurrency: "one" }] },
    }),
  });
  for (const mistake of [
    "main: is 1, and must be string",
    'queues.consumers[0].max_concurrency: is "one", and must be number or null',
    "env.broken: name: is 1, and must be string",
  ]) {
    expect(all.err).toContain(`\n  ${mistake}\n`);
  }
});

test("a top level without vars and routes only holds what environments inherit (S6)", async () => {
  const { vars: _vars, routes: _routes, secrets: _secrets, ...carrier } = STAGED;
  const folder = createProject(carrier);
  const { code, out } = await vitrine(["check"], { folder });
  expect([code, out]).toEqual([
    0,
    expect.stringMatching(
      /^the top level:\nIt has no BUCKETS, so there is nothing to deploy .*\nenv\.sta/,
    ),
  ]);
  for (const command of [["url", "a.jpg"], ["stats"], ["stats", "--local"]]) {
    expect(await vitrine(command, { folder })).toMatchObject({
      code: 2,
      err: "the top level of wrangler.toml has no BUCKETS, so there is nothing to deploy from it: use --env staging\n",
    });
  }
  // A secret there belongs to the environments, not to a Worker that nobody deploys.
  for (const required of [[], ["HEALTH_TOKEN"]]) {
    const exposed = { ...carrier, vars: { HEALTH_TOKEN: "x" }, secrets: { required } };
    const { err } = await vitrine(["check"], { folder: createProject(exposed) });
    expect(err).toContain("run npx wrangler secret put --env staging HEALTH_TOKEN. If");
    expect(err).not.toMatch(/--env ""|^ {2}(?:BUCKETS|ROUTES|PRESETS)/m);
  }
  // With a route, a deploy by mistake would take a domain, and serve nothing.
  const claims = createProject({ ...carrier, routes: TOP.routes });
  expect((await vitrine(["check"], { folder: claims })).err).toContain("\n  BUCKETS: is not a ta");
});

test.each([
  ["the same role", "vitrine", true],
  ["a role of its own", "vitrine-staging", false],
])("staging with %s: a warning if it can read production (S6)", async (_what, name, isWarned) => {
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
  const folder = createProject(adding(keyless("acme-staging", STAGING, name), top));
  const { code, err } = await vitrine(["check"], { folder });
  const warning = `env.staging: the role ${account}/vitrine of BUCKETS.media is that of the top level, too`;
  expect([code, err.split(warning).length]).toEqual([0, isWarned ? 2 : 1]);
});
