// What `vitrine check` says of one environment: mistakes, warnings, and what it does.

import { describe, expect, test } from "vitest";
import { VERSION } from "../../../src/cli/wrangler/packages.ts";
import { BOUND, CACHED, envLine, makeProject, STAGED } from "../../support/cli/folder.ts";
import { vitrine } from "../../support/cli/vitrine.ts";
import { SECRETS, VARS } from "../../support/env.ts";

type Config = Readonly<Record<string, unknown>>;
type Files = Readonly<Record<string, string>>;

const { env: _env, cache: CACHE, exports: EXPORTS, ...BARE } = STAGED;
const TOP = { ...BARE, ...CACHED };
const { media: MEDIA } = VARS.BUCKETS;
const BY_BINDING = { ...MEDIA, engine: "binding" };
const R2 = { binding: "MEDIA_BUCKET" };
const PRESETS = { card: { width: 480 } };
const ROUTES = [{ path: "/images/:preset/*", object: "media/*" }];
const KEYS = Object.keys(SECRETS).filter((name) => name.startsWith("AWS_"));

/** A configuration with other vars. */
const withVars = (vars: object): Config => ({ ...TOP, vars: { ...VARS, ...vars } });

/** A configuration with one bucket, without signed routes. */
const oneBucket = (media: object, more: object = {}): Config => ({
  ...{ ...TOP, secrets: { required: "binding" in media ? [] : KEYS } },
  ...{ vars: { BUCKETS: { media }, ROUTES, PRESETS }, ...more },
});

async function check(config: Config, files: Files = {}, env: Files = {}) {
  const folder = makeProject(config, "wrangler.jsonc", files);
  const { code, out, err } = await vitrine(["check"], { folder, env });
  const mistakes = [...err.matchAll(/^ {2}(?!What is allowed)(.*)$/gm)].map(([, line]) => line);
  const warnings = [...err.matchAll(/^Warning: (.*)$/gm)].map(([, line = ""]) => line);
  // The configuration of the tests has a route that shows what another one signs.
  return { code, out, err, mistakes, warnings: warnings.filter((one) => !/signature/.test(one)) };
}

const worker = (enabled: boolean) => ({ type: "worker", cache: { enabled } });
const uncached = (reason: string) =>
  expect.stringMatching(
    new RegExp(
      `^exports\\.default\\.cache\\.enabled: ${reason}: .* expired signed URL .* to "worker"$`,
    ),
  );
const drawn = (url: string) => ({ marked: { width: 100, draw: [{ url }] } });
const LIMITER = { name: "RATE_LIMITER", namespace_id: "1001", simple: { limit: 9, period: 60 } };
const STORE = { ANSWERS: { store: "RENDITIONS" } };
const stored = (buckets: readonly object[], vars: object = {}) => ({
  ...withVars({ ...STORE, ...vars }),
  r2_buckets: buckets,
  images: { binding: "IMAGES" },
});
const renditions = (bucket_name?: string) => ({
  binding: "RENDITIONS",
  ...(bucket_name && { bucket_name }),
});
const taken = (bucket: string, by: string) =>
  `ANSWERS.store: has the bucket ${bucket}, as ${by} has: use another one`;

/** Configurations, and all that is wrong with them. */
const WRONG: readonly [string, Config, ...unknown[]][] = [
  [
    "keys that wrangler does not know, and values that it does not take",
    {
      ...{ ...TOP, ratelimit: [], main: 3, a_b: 1, send_metrics: "no" },
      ratelimits: [{ ...LIMITER, simple: { limit: 1, period: 11, per: 1 } }],
    },
    "ratelimit: is no key that wrangler knows here",
    "a_b: is no key that wrangler knows here",
    "main: must be string",
    "ratelimits[0].simple.per: is no key that wrangler knows here",
    "ratelimits[0].simple.period: must be equal to one of the allowed values: 10, 60",
    "send_metrics: must be boolean",
  ],
  [
    "a value that wrangler itself refuses, in its words",
    { ...TOP, exports: { default: { type: "workr" } } },
    expect.stringMatching(/^wrangler\.jsonc: .*exports\.default\.type.* got "workr"/),
  ],
  [
    "bindings that the Worker does not use",
    {
      ...TOP,
      ratelimits: [{ ...LIMITER, name: "LIMITER" }],
      analytics_engine_datasets: [{ binding: "ANALYTICS" }],
      images: { binding: "IMG" },
    },
    "ratelimits.name: is LIMITER, which the Worker does not use: call it RATE_LIMITER",
    "analytics_engine_datasets.binding: is ANALYTICS, which the Worker does not use: call it METRICS",
    "images.binding: is IMG, which the Worker does not use: call it IMAGES",
  ],
  [
    "vars that do nothing, a secret among them, and a next slot that a deploy would require",
    {
      ...withVars({ PRESET: {}, OLD_ACCESS_KEY_ID: "x" }),
      secrets: { required: [...Object.keys(SECRETS), "AWS_ACCESS_KEY_ID_NEXT"] },
    },
    expect.stringMatching(/^AWS_ACCESS_KEY_ID_NEXT: is listed under \[secrets\]/),
    "PRESET: is none of BUCKETS, ROUTES, PRESETS, ANSWERS, COSTS, OIDC",
    expect.stringMatching(/^OLD_ACCESS_KEY_ID: .* no secret: npx wrangler secret put OLD_ACC/),
  ],
  [
    "a main that is not there",
    { ...TOP, main: "src/other.ts" },
    expect.stringMatching(/^main: is .*other\.ts, which is not there: .* from "vitrine";$/),
  ],
  [
    "what works on this machine alone (A5, E6)",
    withVars({
      BUCKETS: {
        media: { ...MEDIA, endpoint: "http://localhost:9000" },
        other: { ...MEDIA, region: "eu-west-2" },
      },
      ROUTES: [...ROUTES, { path: "/other/:preset/*", object: "other/*" }],
      PRESETS: drawn("http://localhost/a.png"),
    }),
    "PRESETS.marked.draw[0].url: http:// is for your own machine only",
    "BUCKETS.media.endpoint: http:// is for your own machine only, in .dev.vars",
    "BUCKETS.other.region: is eu-west-2, but the endpoint is in eu-west-1",
  ],
  [
    "a secret that is not required",
    { ...TOP, secrets: { required: ["AWS_ACCESS_KEY_ID"] } },
    "AWS_SECRET_ACCESS_KEY: is missing: set the secret, and list it under [secrets]",
    "URL_SIGNING_KEYS: is missing: set the secret, and list it under [secrets]",
  ],
  [
    "no Images binding (A11)",
    oneBucket(BY_BINDING),
    'IMAGES: is missing: add [images] binding = "IMAGES"',
  ],
  [
    "no R2 bucket of that name (A11)",
    oneBucket(R2, { images: BOUND.images }),
    "MEDIA_BUCKET: is missing: add it to [[r2_buckets]]",
  ],
  [
    "a session token for the image edge (A11)",
    oneBucket(MEDIA, { secrets: { required: [...KEYS, "AWS_SESSION_TOKEN"] } }),
    'AWS_SESSION_TOKEN: needs engine = "binding": the edge does not pass it on',
  ],
  [
    "COSTS that are none",
    withVars({ COSTS: { most: -1, mots: 1, objects: { medai: 1, media: 1.5 } } }),
    "COSTS.most: -1 is not a number between 0 and 1000000000",
    "COSTS.objects.media: 1.5 is not a whole number between 1 and 1000000000000",
    "COSTS.objects.medai: unknown option. Did you mean media?",
    "COSTS.mots: unknown option. Did you mean most?",
  ],
  [
    "a cache in front of visitors (W1, W2)",
    { ...TOP, exports: { ...EXPORTS, default: worker(true) } },
    uncached("is true"),
  ],
  [
    "a cache in front of visitors, by [cache] alone (W1, W2)",
    { ...BARE, cache: CACHE },
    uncached("is missing"),
  ],
  [
    "a cache in front of visitors, although it is off for all others (W2)",
    { ...BARE, cache: { enabled: false }, exports: { default: worker(true) } },
    uncached("is true"),
  ],
  [
    "a store in the bucket of an origin",
    stored([renditions("acme-media"), { ...R2, bucket_name: "acme-media" }], {
      ...{ BUCKETS: { media: R2 }, ROUTES },
    }),
    taken("acme-media", "MEDIA_BUCKET"),
  ],
  [
    "a store in the bucket of an origin that S3's API reads",
    stored([renditions("acme-media")], {
      BUCKETS: {
        media: {
          ...{ ...MEDIA, bucket: "acme-media", region: "auto" },
          endpoint: "https://0123456789abcdef0123456789abcdef.eu.r2.cloudflarestorage.com",
        },
      },
    }),
    taken("acme-media", "BUCKETS.media"),
  ],
];

test.each(WRONG)("vitrine check names %s, all at once", async (_what, config, ...mistakes) => {
  const { code, out, mistakes: found } = await check(config);
  expect({ code, out, found }).toEqual({ code: 2, out: "", found: mistakes });
});

test("the pages say what is allowed where a setting of Vitrine is wrong", async () => {
  const { err } = await check(withVars({ PRESETS: {}, COSTS: 1, AWS_SESSION_TOKEN: "x" }));
  expect(err.match(/#vars\w+|#secrets/g)).toEqual(["#secrets", "#varspresetsname", "#varscosts"]);
});

test("what .dev.vars has hides no mistake and adds none: only the local run reads it", async () => {
  const files = { ".dev.vars": `${envLine("PRESETS", JSON.stringify(PRESETS))}HEALTH_TOKEN=short` };
  const { mistakes } = await check(withVars({ PRESETS: {} }), files);
  expect(mistakes).toEqual(["PRESETS: is not a table, or is empty"]);
});

test.each<[string, Config, RegExp | undefined]>([
  [
    "the cache off: there is no [cache] (W1)",
    BARE,
    /^the cache for Renditions is off: .* keep = 0/,
  ],
  [
    "the cache off for Renditions (W1)",
    { ...TOP, exports: { ...EXPORTS, Renditions: worker(false) } },
    /^the cache for Renditions is off/,
  ],
  [
    "no cache, where nothing is to be kept",
    { ...BARE, vars: { ...VARS, ANSWERS: { keep: 0 } } },
    undefined,
  ],
  [
    "a cache that each deploy empties (W4)",
    { ...TOP, cache: { enabled: true } },
    /^cache\.cross_version_cache is not true/,
  ],
  ["a cache as it is shipped", TOP, undefined],
  [
    "workers_dev (R2)",
    { ...TOP, workers_dev: true },
    /^workers_dev or preview_urls is on: .*both to f/,
  ],
  ["preview_urls (R2)", { ...TOP, preview_urls: true }, /^workers_dev or preview_urls is on/],
  [
    "workers_dev where the Images binding makes all (R2)",
    oneBucket(BY_BINDING, { images: BOUND.images, workers_dev: true }),
    undefined,
  ],
  [
    "replaced objects that show late (A15, C1)",
    oneBucket({ ...MEDIA, source_parameter: false }),
    /^BUCKETS\.media\.source_parameter is false: a replaced object/,
  ],
  [
    "costs above a bound (L2)",
    withVars({ COSTS: { most: 20 } }),
    /^COSTS\.most is \$20\.00 a month, and visitors can make it \$62\.50: fewer presets/,
  ],
])("vitrine check warns of what harms nobody: %s", async (_what, config, says) => {
  const { code, mistakes, warnings } = await check(config);
  expect([code, mistakes]).toEqual([0, []]);
  expect(warnings).toEqual(says === undefined ? [] : [expect.stringMatching(says)]);
});

test("vitrine check warns of a signed route that protects nothing", async () => {
  const { err } = await check(TOP);
  expect(err).toMatch(
    /^Warning: ROUTES\[\d\] \(\/images\/:preset\/\*\) may show without a signature what ROUTES/m,
  );
});

test.each([
  ["another version", '{ "packages": { "node_modules/vitrine": { "version": "0.1.9" } } }', true],
  [
    "this version",
    `{ "packages": { "node_modules/vitrine": { "version": "${VERSION}" } } }`,
    false,
  ],
  ["no vitrine", '{ "packages": {} }', false],
  ["no JSON", "{", false],
])("a lock file with %s: a warning: %s", async (_what, lock, isWarned) => {
  const { code, warnings } = await check(TOP, { "package-lock.json": lock });
  const what = `package-lock.json has vitrine 0.1.9, and ${VERSION} is installed: npm ci`;
  expect([code, warnings]).toEqual([0, isWarned ? [what] : []]);
});

describe("vitrine check says what is to be done and what it can cost:", () => {
  const SHARED = "\n    with that path: others have buckets on that host";
  const WASABI = "https://s3.eu-central-1.wasabisys.com";
  const AWS = "acme-media.s3.eu-west-1.amazonaws.com";

  test.each<[string, object, string]>([
    ["a host of its own (E5)", { prefix: undefined }, `  ${AWS}\n  and block`],
    ["with a prefix (E5)", { prefix: "published/" }, `  ${AWS}/published/\n  and block`],
    [
      "a prefix, to where it is plain (E5)",
      { prefix: "a/my photos/b/" },
      `  ${AWS}/a/\n  and block`,
    ],
    [
      "a path of a shared host (A4, E5, E10)",
      { endpoint: WASABI, region: "eu-central-1", prefix: "a/" },
      `  s3.eu-central-1.wasabisys.com/acme-media/a/${SHARED}`,
    ],
  ])("Sources: %s", async (_what, settings, entry) => {
    const { code, out } = await check(oneBucket({ ...MEDIA, bucket: "acme-media", ...settings }));
    expect(code).toBe(0);
    expect(out).toMatch(/List under Sources of your zone, each with its path:\n/);
    expect(out).toContain(entry);
  });

  test("a bucket that only a fallback shows is under Sources, too", async () => {
    const BUCKETS = { media: BY_BINDING, other: { ...MEDIA, bucket: "acme-other" } };
    const vars = { BUCKETS, ROUTES: [{ ...ROUTES[0], fallback: "other/a.png" }], PRESETS };
    const { out } = await check(oneBucket({}, { vars, images: BOUND.images }));
    expect(out.match(/^ {2}acme-\S+/gm)).toEqual([expect.stringMatching(/^ {2}acme-other\.s3\./)]);
  });

  test.each([
    ["the Images binding", oneBucket(BY_BINDING, { images: BOUND.images })],
    ["R2, without a secret", oneBucket(R2, { ...BOUND })],
  ])("nothing for the dashboard with %s (E5)", async (_what, config) => {
    const { code, out } = await check(config);
    expect([code, out]).toEqual([0, expect.stringContaining("nothing is to be\n  allowed in the")]);
    expect(out).toContain("Whether the Images binding knows an original again");
    expect(out).not.toContain("Sources");
  });

  test.each<[string, object, string[]]>([
    [
      "10,000 objects, if nobody says",
      {},
      ["130,000 for 10,000 objects (assumed: ", "$62.50 a month"],
    ],
    [
      "as many as are said",
      { objects: { media: 500 } },
      ["13 for an object, 6,500 for 500 o", "$0.75"],
    ],
    ["what is free", { objects: { media: 384 } }, ["at most $0.00 a month"]],
  ])("the costs of %s (L2)", async (_what, COSTS, texts) => {
    const { out } = await check(withVars({ COSTS }));
    for (const text of texts) expect(out).toContain(text);
  });

  test("what a store saves", async () => {
    const { out: none } = await check(TOP);
    expect(none).toContain("They are billed again in every month. With store in [vars.ANSWERS]");
    const { out: all } = await check(stored([renditions()]));
    expect(all).toMatch(/after the first month only what is new is billed$/m);
  });
});
