// What `vitrine check` says of one environment: mistakes, warnings, and what it does.

import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { runtimeDate, VERSION } from "../../../src/cli/wrangler/packages.ts";
import { BOUND, CACHED, createProject, envLine, STAGED } from "../../support/cli/folder.ts";
import { expectGolden } from "../../support/cli/golden.ts";
import { TOKEN, USERS } from "../../support/cli/login.ts";
import { type CommandResult, vitrine } from "../../support/cli/vitrine.ts";
import { SECRETS, VARS } from "../../support/env.ts";
import { createTemporaryFolder } from "../../support/temporary-folder.ts";

const NOW = Date.UTC(2026, 11, 1);

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
const oneBucket = (media: object, more = {}, routes: readonly object[] = ROUTES): Config => ({
  ...{ ...TOP, secrets: { required: "binding" in media ? [] : KEYS } },
  ...{ vars: { BUCKETS: { media }, ROUTES: routes, PRESETS }, ...more },
});

async function check(config: Config, files: Files = {}) {
  const folder = createProject(config, "wrangler.jsonc", files);
  const ended = await vitrine(["check"], { folder, now: () => NOW });
  return { ...ended, err: withoutSigned(ended.err) };
}

/** The configuration of the tests has a route that shows what another one signs. */
const withoutSigned = (err: string) => err.replace(/^Warning: .* signature .*\n/gm, "");

/** Checks each configuration, and compares what is shown with a golden file. */
async function checkAll(file: string, code: number, cases: Readonly<Record<string, Config>>) {
  const results: [string, CommandResult][] = [];
  for (const [title, config] of Object.entries(cases)) {
    const { out, ...ended } = await check(config);
    expect([title, ended.code, out === ""]).toEqual([title, code, code !== 0]);
    results.push([title, { ...ended, out: "" }]);
  }
  await expectGolden(file, results);
}

const worker = (enabled: boolean) => ({ type: "worker", cache: { enabled } });
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
const EVENTS = {
  ...{ queue: "vitrine-events", dead_letter_queue: "vitrine-events-dead" },
  ...{ max_batch_size: 100, max_batch_timeout: 10, max_retries: 100, max_concurrency: 1 },
};

const ACCESS = { issuer: "https://acme.cloudflareaccess.com", audience: "4714c1358e65fe4b" };

/** A route that tokens of an issuer open, in both forms. */
const usersOf = (issuer: string) => {
  const token = { issuer, audience: "images", keys: `${issuer}jwks.json` };
  const route = { path: "/users/:preset/*", object: "media/users/*" };
  return [
    { ...route, token },
    { ...route, path: "/others/:preset/*", token: [token] },
  ];
};

/** A route whose pictures Workers Cache keeps for so many seconds. */
const cachedFor = (keep: number, start = "/kept") => ({
  ...{ path: `${start}/:preset/*`, object: "media/*", answers: { keep } },
});

test("vitrine check names all that is wrong at once (A5, A11, E6, W1, W2)", () =>
  checkAll("wrong.txt", 2, {
    "keys that wrangler does not know, and values that it does not take": {
      ...{ ...TOP, ratelimit: [], main: 3, a_b: 1, send_metrics: "no" },
      ratelimits: [{ ...LIMITER, simple: { limit: 1, period: 11, per: 1 } }],
    },
    "a value that wrangler itself refuses, in its words": {
      ...{ ...TOP, exports: { default: { type: "workr" } } },
    },
    "bindings that the Worker does not use": {
      ...{ ...TOP, ratelimits: [{ ...LIMITER, name: "LIMITER" }], images: { binding: "IMG" } },
      analytics_engine_datasets: [{ binding: "ANALYTICS" }],
    },
    "vars that do nothing, a secret among them, and a next slot that a deploy would require": {
      ...withVars({ PRESET: {}, OLD_ACCESS_KEY_ID: "x", CLOUDFLARE_API_TOKEN: "x" }),
      secrets: { required: [...Object.keys(SECRETS), "AWS_ACCESS_KEY_ID_NEXT"] },
    },
    "a secret that is a var, and required": withVars({ AWS_ACCESS_KEY_ID: "x" }),
    "a main that is not there": { ...TOP, main: "src/other.ts" },
    "what works on this machine alone": withVars({
      BUCKETS: {
        media: { ...MEDIA, endpoint: "http://localhost:9000" },
        other: { ...MEDIA, region: "eu-west-2" },
      },
      ROUTES: [...ROUTES, { path: "/other/:preset/*", object: "other/*" }],
      PRESETS: { marked: { width: 100, draw: [{ url: "http://localhost/a.png" }] } },
    }),
    "an issuer of tokens on this machine": withVars({ ROUTES: usersOf("http://localhost:8787/") }),
    "an issuer of tokens on this machine, with the variable of the local run": withVars({
      LOCAL_ISSUER: "http://localhost:8787/",
      ROUTES: usersOf("http://localhost:8787/"),
    }),
    "a secret that is not required": { ...TOP, secrets: { required: ["AWS_ACCESS_KEY_ID"] } },
    "no Images binding": oneBucket(BY_BINDING),
    "no R2 bucket of that name": oneBucket(R2, { images: BOUND.images }),
    "a session token for the image edge": oneBucket(MEDIA, {
      secrets: { required: [...KEYS, "AWS_SESSION_TOKEN"] },
    }),
    "answers of routes": withVars({
      ANSWERS: { keep: -1, immutable: true },
      ROUTES: [
        { ...cachedFor(1.5), answers: { keep: 1.5, stale: "week", timeout: 5 } },
        { ...cachedFor(1, "/b"), answers: { immutable: true, max_age: 0 } },
        { ...cachedFor(1, "/c"), answers: { cors: true, store: false, presets: ["card"] } },
        { ...cachedFor(1, "/d"), answers: { corss: true, timeout: 5, answers: {} } },
      ],
    }),
    "one wrong answer of a route": withVars({ ROUTES: [cachedFor(-1)] }),
    "COSTS that are none": withVars({
      COSTS: { most: -1, mots: 1, objects: { medai: 1, media: 1.5 } },
    }),
    "a cache in front of visitors": { ...TOP, exports: { ...EXPORTS, default: worker(true) } },
    "a cache in front of visitors, by [cache] alone": { ...BARE, cache: CACHE },
    "a cache in front of visitors, although it is off for all others": {
      ...{ ...BARE, cache: { enabled: false }, exports: { default: worker(true) } },
    },
    "a store in the bucket of an origin": stored(
      [renditions("acme-media"), { ...R2, bucket_name: "acme-media" }],
      { BUCKETS: { media: R2 }, ROUTES },
    ),
    "a store in the bucket of an origin that S3's API reads": stored([renditions("acme-media")], {
      BUCKETS: {
        media: {
          ...{ ...MEDIA, bucket: "acme-media", region: "auto" },
          endpoint: "https://0123456789abcdef0123456789abcdef.eu.r2.cloudflarestorage.com",
        },
      },
    }),
    "a date before which there is no cache": { ...TOP, compatibility_date: "2025-11-16" },
    "a date as it is written in some countries": { ...TOP, compatibility_date: "01.11.2026" },
    "a day that no calendar has": { ...TOP, compatibility_date: "2026-02-30" },
    "a day in the future": { ...TOP, compatibility_date: "2026-12-02" },
    "no date": { ...TOP, compatibility_date: undefined },
    "custom domains that are written like routes": {
      ...TOP,
      routes: ["https://images.example/*", "a.example/", "*.example.com", "*.b.example/*"].map(
        (pattern) => ({ pattern, custom_domain: true }),
      ),
    },
    "no name, and a store whose bucket is called after it": {
      ...stored([renditions()]),
      name: undefined,
    },
    "a wrong name of a bucket, which is repeated unless it may be a secret": withVars({
      BUCKETS: {
        media: { ...MEDIA, bucket: "Acme Media Production" },
        path: { ...MEDIA, bucket: "s3://acme-media-production/2026" },
        secret: { ...MEDIA, bucket: SECRETS.AWS_SECRET_ACCESS_KEY },
        token: { ...MEDIA, bucket: "0f3a9c1b7d5e42684e0f3a9c1b7d5e4268_" },
      },
    }),
    "two secrets that are vars and required": withVars({
      AWS_ACCESS_KEY_ID: "x",
      AWS_SECRET_ACCESS_KEY: "x",
    }),
    "what opens a bucket whose table is wrong": {
      ...withVars({
        BUCKETS: {
          keyed: { ...MEDIA, bucket: "a", credentials: "KEYED" },
          bound: { binding: "MEDIA_BUCKET", prefix: "a" },
          made: { ...BY_BINDING, region: "" },
          typo: { ...MEDIA, region: "", credentials: "AKIAIOSFODNN7EXAMPLE" },
        },
        ROUTES,
      }),
    },
    "a signed route whose table is wrong": {
      ...oneBucket(MEDIA, {}, [{ ...ROUTES[0], signed: true, cash: 1 }]),
    },
    "a store that ANSWERS names beside a mistake": withVars({
      ANSWERS: { store: "RENDITIONS", keep: -1 },
    }),
    "settings of Vitrine, with the pages that say what is allowed": withVars({
      ...{ PRESETS: {}, COSTS: 1, AWS_SESSION_TOKEN: "x" },
    }),
  }));

test("an open route by S3 to the bucket that a binding without a name opens is seen (T9)", async () => {
  const endpoint = "https://0123456789abcdef0123456789abcdef.r2.cloudflarestorage.com";
  const shows = async (bucket: string) => {
    const named = { endpoint, region: "auto", bucket };
    const signed = { path: "/private/:preset/*", object: "bound/*", signed: true };
    const open = { path: "/images/:preset/*", object: "named/*" };
    const config = {
      ...withVars({ BUCKETS: { bound: R2, named }, ROUTES: [signed, open], PRESETS }),
      ...{ images: BOUND.images, r2_buckets: [R2] },
    };
    const folder = createProject(config, "wrangler.jsonc", {});
    const { code, err } = await vitrine(["check"], { folder, env: {} });
    expect([bucket, code]).toEqual([bucket, 0]);
    return /signature/.test(err);
  };
  expect(await shows("vitrine-media-bucket")).toBe(true);
  expect(await shows("vitrine-other")).toBe(false);
});

test("what .dev.vars has hides no mistake and adds none: only the local run reads it", async () => {
  const files = { ".dev.vars": `${envLine("PRESETS", JSON.stringify(PRESETS))}HEALTH_TOKEN=short` };
  const { err } = await check(withVars({ PRESETS: {} }), files);
  expect(err).toBe((await check(withVars({ PRESETS: {} }))).err);
});

test("vitrine check warns of what harms nobody (A15, C1, L2, R2, W1, W4)", () =>
  checkAll("warnings.txt", 0, {
    "the cache off: there is no [cache]": BARE,
    "the cache off for Renditions": { ...TOP, exports: { ...EXPORTS, Renditions: worker(false) } },
    "no cache, where nothing is to be kept": { ...BARE, vars: { ...VARS, ANSWERS: { keep: 0 } } },
    "no cache, where one route is to be kept": {
      ...{
        ...BARE,
        vars: { ...VARS, ANSWERS: { keep: 0 }, ROUTES: [cachedFor(300), ...VARS.ROUTES] },
      },
    },
    "pictures that are kept for long, without events": withVars({
      ANSWERS: { keep: 86_400 },
      ROUTES: [cachedFor(3600), cachedFor(3601, "/b"), ...VARS.ROUTES],
    }),
    "pictures that are kept for long, with a queue": {
      ...withVars({ ANSWERS: { keep: 86_400 }, ROUTES: [cachedFor(604_800), ...VARS.ROUTES] }),
      queues: { consumers: [EVENTS] },
    },
    "pictures that browsers keep for good": withVars({
      ROUTES: [
        { ...cachedFor(300), answers: { immutable: true, keep: 31_536_000 } },
        {
          ...{ ...cachedFor(300, "/b"), signed: true },
          answers: { immutable: true, max_age: 86_400 },
        },
      ],
    }),
    "tokens that open what is of nobody, and for long": withVars({
      ANSWERS: { max_age: 3600 },
      ROUTES: [
        { path: "/staff/:preset/*", object: "media/staff/*", token: ACCESS },
        {
          ...{ ...USERS, token: [TOKEN, { ...TOKEN, claims: { role: "admin" } }] },
          answers: { max_age: 1 },
        },
      ],
    }),
    "tokens that open more than their users' own pictures": withVars({
      ROUTES: [
        { ...USERS, fallback: "media/users/alice/fig.jpg" },
        {
          ...{ path: "/teams/:team/:preset/*", object: "media/:team/*" },
          token: { ...TOKEN, claims: { team: ":team" } },
        },
      ],
    }),
    "a token for each user's own pictures": withVars({ ROUTES: [USERS] }),
    "a cache that each deploy empties": { ...TOP, cache: { enabled: true } },
    "a cache as it is shipped": TOP,
    workers_dev: { ...TOP, workers_dev: true },
    preview_urls: { ...TOP, preview_urls: true },
    "workers_dev where the Images binding makes all": oneBucket(BY_BINDING, {
      ...{ images: BOUND.images, workers_dev: true },
    }),
    "the key of a bucket that an R2 binding opens now": oneBucket(R2, {
      ...{ ...BOUND, secrets: { required: [...KEYS, "HEALTH_TOKEN"] } },
    }),
    "neither routes nor workers_dev": {
      ...{ ...STAGED, env: { staging: { ...STAGED.env.staging, routes: [] } } },
    },
    "an issuer on a host of no route": oneBucket(BY_BINDING, {
      ...{ ...BOUND, secrets: { required: [...KEYS, "OIDC_SIGNING_KEY"] } },
      vars: {
        BUCKETS: { media: BY_BINDING },
        ROUTES,
        PRESETS,
        OIDC: { issuer: "https://a.example" },
      },
    }),
    "replaced objects that show late": oneBucket({ ...MEDIA, source_parameter: false }),
    "a canary with the prefix twice": oneBucket({
      ...{ ...MEDIA, prefix: "published/", canary: "published/fig.jpg" },
    }),
    "an endpoint of another region": oneBucket({
      ...{ ...MEDIA, endpoint: "https://s3.amazonaws.com", region: "eu-west-1" },
    }),
    "the endpoint of its region": oneBucket({
      ...{ ...MEDIA, endpoint: "https://s3.amazonaws.com", region: "us-east-1" },
    }),
    "a route for the pictures alone": { ...TOP, routes: ["images.example/images/*"] },
    "a route without a path": { ...TOP, routes: ["images.example"] },
    "routes for the pictures and for /healthz": {
      ...TOP,
      routes: ["images.example/images/*", "images.example/healthz"],
    },
    "routes for the pictures and the operator": {
      ...TOP,
      routes: ["images.example/images/*", "images.example/healthz", "images.example/purge"],
    },
    "costs above a bound": withVars({ COSTS: { most: 20 } }),
    "objects that visitors may not see, by their names": oneBucket(
      { ...MEDIA, canary: "photos/Fig.AVIF" },
      {},
      [
        { path: "/images/:preset/*", object: "media/*", fallback: "media/none.heic" },
        { path: "/logo/:preset", object: "media/brand/logo.jxl" },
        { path: "/users/:user/:preset", object: "media/:user/avatar.tiff" },
        { path: "/avif/:preset/*", object: "media/avif/*", fallback: "media/heic.jpg" },
      ],
    ),
    "the same, where the Images binding makes all": oneBucket(
      { ...BY_BINDING, canary: "photos/fig.heic" },
      { images: BOUND.images },
      [{ path: "/images/:preset/*", object: "media/*", fallback: "media/none.tif" }],
    ),
  }));

test("vitrine check reads the beginnings of the files in objects/, and warns of what no engine shows (B1, B4, L1)", async () => {
  const TIFF = "II*\0";
  const HEIC = "\0\0\0\x18ftypheic\0\0\0\0";
  const AVIF = "\0\0\0\x18ftypavif\0\0\0\0";
  const enterprise =
    "visitors get 415: Cloudflare reads AVIF for Enterprise accounts only: convert it to JPEG, PNG or WebP";
  const warningsIn = async (config: Config, files: Readonly<Record<string, string | Buffer>>) => {
    const folder = createProject(config, "wrangler.jsonc", {});
    for (const [name, body] of Object.entries(files)) {
      const path = join(folder, "objects", name);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, body, "latin1");
    }
    symlinkSync(".", join(folder, "objects/loop"));
    const { code, err } = await vitrine(["check"], { folder, env: {} });
    expect(code).toBe(0);
    return withoutSigned(err).split("\n").filter(Boolean);
  };
  const files = {
    "tiff.jpg": TIFF,
    "deep/er/photo.jpg": AVIF,
    "iphone.heic": HEIC,
    "jpeg.tif": "\xff\xd8\xff\xe0",
    "empty.tif": "",
    "text.txt": "text",
    "icon.svg": "<svg xmlns='http://www.w3.org/2000/svg'/>",
    "large.jpg": Buffer.concat([Buffer.from("\xff\xd8\xff", "latin1"), Buffer.alloc(20_000_000)]),
    "\u202ea.tif": TIFF,
    "no key\u001b[2J.tif": TIFF,
  };
  const tiff = "visitors get 415: Cloudflare reads no TIFF: convert it to JPEG, PNG or WebP";
  const both = [`Warning: objects/deep/er/photo.jpg: ${enterprise}`];
  expect(await warningsIn(oneBucket(MEDIA), files)).toEqual([
    ...both,
    expect.stringMatching(/^Warning: objects\/iphone\.heic: visitors may get 415: /),
    `Warning: objects/tiff.jpg: ${tiff}`,
    `Warning: objects/\\u202ea.tif: ${tiff}`,
  ]);
  expect(await warningsIn(oneBucket(BY_BINDING, { images: BOUND.images }), files)).toEqual([
    ...both,
    expect.stringMatching(/^Warning: objects\/large\.jpg: visitors get 415: over 20 MB/),
    `Warning: objects/tiff.jpg: ${tiff}`,
    `Warning: objects/\\u202ea.tif: ${tiff}`,
  ]);
  // Which of the two buckets will have the HEIC and the large one, nobody knows.
  const BUCKETS = { media: MEDIA, other: BY_BINDING };
  const twoBuckets = oneBucket(MEDIA, {
    images: BOUND.images,
    vars: {
      BUCKETS,
      ROUTES: [...ROUTES, { path: "/other/:preset/*", object: "other/*" }],
      PRESETS,
    },
  });
  expect(await warningsIn(twoBuckets, files)).toEqual([
    ...both,
    `Warning: objects/tiff.jpg: ${tiff}`,
    `Warning: objects/\\u202ea.tif: ${tiff}`,
  ]);
  const many = Object.fromEntries(
    Array.from({ length: 1_000 }, (_, index) => [`${index}.tif`, TIFF]),
  );
  const warned = await warningsIn(oneBucket(MEDIA), many);
  expect([warned.length, warned.at(-1)]).toEqual([
    11,
    "Warning: objects/: visitors may not see 990 more files: the page of npx vitrine dev names them",
  ]);
});

test("a date that the installed runtime does not know yet gives a warning", async () => {
  const config = { ...TOP, compatibility_date: "2099-12-31" };
  const folder = createProject(config, "wrangler.jsonc");
  const { code, err } = await vitrine(["check"], { folder, now: () => Date.UTC(2099, 11, 31) });
  const warning =
    /^Warning: compatibility_date is 2099-12-31, and the installed wrangler .* as of 20\d\d-\d\d-\d\d: npm install/;
  expect([code, withoutSigned(err)]).toEqual([0, expect.stringMatching(warning)]);

  const installed = await check({ ...TOP, compatibility_date: runtimeDate() });
  expect([installed.code, installed.err]).toEqual([0, ""]);
});

test("vitrine check --json says the same as data, and ends alike", async () => {
  const read = async (config: Config, args: readonly string[] = []) => {
    const folder = createProject(config, "wrangler.jsonc", {
      "package-lock.json": JSON.stringify({
        packages: { "node_modules/vitrine": { version: "0.1.9" } },
      }),
    });
    const ended = await vitrine(["check", "--json", ...args], { folder, now: () => NOW });
    return { ...ended, report: JSON.parse(ended.out) };
  };
  const staged = { ...STAGED, env: { staging: { ...STAGED.env.staging, workers_dev: true } } };
  const right = await read(staged);
  expect([right.code, right.err]).toEqual([0, ""]);
  expect(right.report.environments).toMatchObject([
    { environment: null, mistakes: [], summary: expect.arrayContaining([expect.any(String)]) },
    { environment: "staging", mistakes: [] },
  ]);
  expect(right.report.environments[1].warnings).toContainEqual({
    path: "workers_dev",
    source: "wrangler.jsonc",
    message: expect.stringContaining("workers_dev or preview_urls is on"),
    remedy: expect.any(String),
  });
  const source = "package-lock.json";
  const npm = { source, message: expect.stringContaining("0.1.9"), remedy: "npm ci" };
  expect(right.report.warnings).toEqual([npm]);

  const config = { ...STAGED, compatibility_date: "01.11.2026" };
  const wrong = await read(config, ["--env", "staging"]);
  const path = "compatibility_date";
  const mistake = {
    ...{ path, message: expect.any(String), source: "wrangler.jsonc" },
    remedy: `fix ${path} in env.staging of wrangler.jsonc`,
  };
  expect([wrong.code, wrong.err]).toEqual([2, ""]);
  expect(wrong.report.environments).toEqual([
    { environment: "staging", mistakes: [mistake], warnings: [], summary: [] },
  ]);
});

/** Paths in the order of their routes, and the one that is never reached. */
const ORDERS: readonly (readonly [paths: readonly string[], hidden?: string])[] = [
  [["/i/:preset/*", "/i/:preset/team/*"], "/i/:preset/team/*"],
  [["/i/:preset/team/*", "/i/:preset/*"]],
  [["/:preset/*", "/i/:preset/:id"], "/i/:preset/:id"],
  [["/:preset/:id", "/:preset/a.jpg"], "/:preset/a.jpg"],
  [["/:preset/:id", "/:preset/*"]],
  [["/i/:preset/:id", "/i/:preset/*"]],
  [["/i/:preset/*", "/j/:preset/*", "/i/:preset/j/*"], "/i/:preset/j/*"],
  [["/:preset/i/*", "/i/:preset/*"]],
];

test("vitrine check names a route that is never reached", async () => {
  for (const [paths, hidden] of ORDERS) {
    const routes = paths.map((path) => ({ path, object: "media/a.jpg" }));
    const { code, err } = await check(oneBucket(MEDIA, {}, routes));
    const named = [...err.matchAll(/ROUTES\[\d\] \((.*)\) is never reached/g)].map(
      ([, path]) => path,
    );
    expect([paths, code, named]).toEqual([paths, 0, hidden ? [hidden] : []]);
  }
});

test("a lock file with another version or another file of it gives a warning", async () => {
  const lock = (packages: object) => JSON.stringify({ packages });
  const locked = (version: string, integrity?: string) =>
    lock({ "node_modules/vitrine": { version, integrity } });
  for (const [text, installed, named] of [
    [locked("0.1.9"), "{", "0.1.9"],
    [locked(VERSION, "sha512-a"), locked(VERSION, "sha512-b"), VERSION],
    [locked(VERSION, "sha512-a"), locked(VERSION, "sha512-a")],
    [lock({}), "{"],
    ["{", "{"],
  ] as const) {
    const folder = createProject(TOP, "wrangler.jsonc", { "package-lock.json": text });
    mkdirSync(join(folder, "node_modules"));
    writeFileSync(join(folder, "node_modules/.package-lock.json"), installed);
    const { code, err } = await vitrine(["check"], { folder });
    const warning = `Warning: package-lock.json has vitrine ${named}, and another file (${VERSION}) is installed: npm ci\n`;
    expect([text, code, withoutSigned(err)]).toEqual([text, 0, named ? warning : ""]);
  }
});

test("vitrine check says what is to be done and what it can cost (A4, E5, E10, L2)", async () => {
  const shared = { endpoint: "https://s3.eu-central-1.wasabisys.com", region: "eu-central-1" };
  const others = { media: BY_BINDING, other: { ...MEDIA, bucket: "acme-other" } };
  const vars = { BUCKETS: others, ROUTES: [{ ...ROUTES[0], fallback: "other/a.png" }], PRESETS };
  const results: [string, CommandResult][] = [];
  for (const [title, config] of Object.entries({
    "a host of its own": oneBucket({ ...MEDIA, prefix: undefined }),
    "with a prefix": oneBucket({ ...MEDIA, prefix: "published/" }),
    "a prefix, to where it is plain": oneBucket({ ...MEDIA, prefix: "a/my photos/b/" }),
    "a path of a shared host": oneBucket({ ...MEDIA, ...shared, prefix: "a/" }),
    "a bucket that only a fallback shows": oneBucket({}, { vars, images: BOUND.images }),
    "the Images binding": oneBucket(BY_BINDING, { images: BOUND.images }),
    "R2, without a secret": oneBucket(R2, { ...BOUND }),
    "10,000 objects, if nobody says": TOP,
    "as many objects as are said": withVars({ COSTS: { objects: { media: 500 } } }),
    "what is free": withVars({ COSTS: { objects: { media: 227 } } }),
    "a store": stored([renditions()]),
  })) {
    const ended = await check(config);
    expect([title, ended.code]).toEqual([title, 0]);
    results.push([title, ended]);
  }
  await expectGolden("right.txt", results);
});

test.each([
  { title: "a folder", create: (path: string) => mkdirSync(path) },
  { title: "a pipe", create: (path: string) => execFileSync("sh", ["-c", 'mkfifo "$0"', path]) },
  { title: "a link to a device", create: (path: string) => symlinkSync("/dev/null", path) },
])("wrangler.toml that is $title is refused, and read by nobody", async ({ create }) => {
  const folder = createTemporaryFolder("vitrine-check-");
  const path = join(folder, "wrangler.toml");
  create(path);

  // Whoever reads a pipe waits for this one. With it, a fault of this test is an error, and it does not hang.
  const writer = spawn("sh", ["-c", 'while test -p "$0"; do : > "$0"; done', path]);
  try {
    const ended = await vitrine(["check"], { folder });
    const message = "wrangler.toml is a folder, a pipe or a device: write a file in its place";
    expect([ended.code, ended.err]).toEqual([2, expect.stringContaining(message)]);
  } finally {
    writer.kill();
  }
});
