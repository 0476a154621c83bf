// What `vitrine check` says of the engine "binding", of R2 buckets and of roles.

import { describe, expect, test } from "vitest";
import { makeProject, STAGED } from "../../support/cli/folder.ts";
import { vitrine } from "../../support/cli/vitrine.ts";
import { SECRETS, VARS } from "../../support/env.ts";

const MEDIA = VARS.BUCKETS.media;
const S3 = { ...MEDIA, engine: "binding" };
const R2 = { binding: "MEDIA_BUCKET" };
const BOUND = [{ binding: "MEDIA_BUCKET", bucket_name: "acme-media" }];
const IMAGES = { binding: "IMAGES" };

const { env: _env, ...TOP } = STAGED;
const PRESETS = { card: { width: 480 } };
const ROUTES = [{ path: "/images/:preset/*", object: "media/*" }];

/** A configuration with one bucket. */
function project(media: object, more: object = {}) {
  const vars = { BUCKETS: { media }, ROUTES, PRESETS };
  return { ...TOP, vars, secrets: { required: [] }, ...more };
}

async function check(config: Record<string, unknown>, files: Record<string, string> = {}) {
  const folder = makeProject(config, "wrangler.jsonc", files);
  const { code, out, err } = await vitrine(["check"], { folder });
  return { code, output: out + err };
}

const KEYS = { required: ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"] };
const staged = (own: object) => ({
  ...project(R2, { images: IMAGES, r2_buckets: BOUND }),
  env: { staging: { ...STAGED.env.staging, ...own } },
});
const stagedR2 = { vars: { BUCKETS: { media: R2 }, ROUTES, PRESETS }, secrets: { required: [] } };

describe("vitrine check finds what is missing or misnamed", () => {
  test.each<[string, Record<string, unknown>, ...string[]]>([
    [
      "no Images binding",
      project(S3, { secrets: KEYS }),
      '  IMAGES: is missing: add [images] binding = "IMAGES"\n',
    ],
    [
      "an Images binding of another name",
      project(S3, { secrets: KEYS, images: { binding: "IMG" } }),
      "  images.binding: is IMG, which the Worker does not use: call it IMAGES\n",
      "  IMAGES: is missing: add ",
    ],
    [
      "no R2 bucket of that name",
      project(R2, { images: IMAGES }),
      "  MEDIA_BUCKET: is missing: add it to [[r2_buckets]]\n",
    ],
    [
      "an R2 bucket of another name",
      project(R2, { images: IMAGES, r2_buckets: [{ binding: "OTHER", bucket_name: "acme" }] }),
      "  MEDIA_BUCKET: is missing: add it to [[r2_buckets]]\n",
    ],
    [
      "an R2 bucket that is the Images binding",
      project({ binding: "IMAGES" }, { images: IMAGES }),
      "  IMAGES: is not an R2 bucket's binding\n",
    ],
    [
      "a var in place of the Images binding",
      {
        ...project(S3, { secrets: KEYS }),
        vars: { BUCKETS: { media: S3 }, ROUTES, PRESETS, IMAGES: "x" },
      },
      "  IMAGES: is not an Images binding\n",
    ],
    [
      "a bucket that is not the binding's",
      project({ ...R2, bucket: "acme-other" }, { images: IMAGES, r2_buckets: BOUND }),
      "  BUCKETS.media.bucket: is acme-other, but bucket_name of [[r2_buckets]] is acme-media: use the same\n",
    ],
    [
      "bindings that an environment does not inherit",
      staged(stagedR2),
      '  env.staging: IMAGES: is missing: add [env.staging.images] binding = "IMAGES"\n',
      "  env.staging: MEDIA_BUCKET: is missing: add it to [[env.staging.r2_buckets]]\n",
    ],
    [
      "a session token for the image edge",
      project(MEDIA, { secrets: { required: [...KEYS.required, "AWS_SESSION_TOKEN"] } }),
      '  AWS_SESSION_TOKEN: needs engine = "binding": the edge does not pass it on\n',
    ],
    [
      "the next slot's session token under [secrets]",
      project(S3, {
        images: IMAGES,
        secrets: { required: [...KEYS.required, "AWS_SESSION_TOKEN_NEXT"] },
      }),
      "  AWS_SESSION_TOKEN_NEXT: is listed under [secrets]: a deploy would fail while that slot is empty\n",
    ],
    [
      "a session token as a var",
      {
        ...project(S3, { images: IMAGES, secrets: KEYS }),
        vars: { BUCKETS: { media: S3 }, ROUTES, PRESETS, AWS_SESSION_TOKEN: "x" },
      },
      "  AWS_SESSION_TOKEN: is in wrangler.jsonc, where it is no secret: npx wrangler secret put ",
    ],
  ])("%s (S6, A11)", async (_case, config, ...told) => {
    const { code, output } = await check(config);
    for (const line of told) expect(output).toContain(line);
    expect(code).toBe(2);
  });
});

test.each<[object, boolean]>([
  [{ ...MEDIA, source_parameter: false }, true],
  [{ ...MEDIA, source_parameter: false, engine: "binding" }, false],
  [MEDIA, false],
])(
  "vitrine check warns of %j where replaced objects show late: %j (A15, C1)",
  async (media, warns) => {
    const config = project(media, { images: IMAGES, secrets: KEYS });
    const { code, output } = await check(config);
    const warning = /^Warning: BUCKETS\.media\.source_parameter is false: a replaced object/m;
    expect([code, warning.test(output)]).toEqual([0, warns]);
  },
);

test("vitrine check finds a session key without its token in .dev.vars (A11)", async () => {
  const config = project(S3, { images: IMAGES, secrets: KEYS });
  const key = "AWS_ACCESS_KEY_ID=ASIAIOSFODNN7EXAMPLE\nAWS_SECRET_ACCESS_KEY=secret\n";
  const alone = await check(config, { ".dev.vars": key });
  expect(alone.output).toContain(
    "  .dev.vars: AWS_ACCESS_KEY_ID: is a temporary session key: set AWS_SESSION_TOKEN, too\n",
  );
  expect(alone.code).toBe(2);
  const whole = await check(config, { ".dev.vars": `${key}AWS_SESSION_TOKEN=token\n` });
  expect(whole.code).toBe(0);
});

describe("vitrine check says what the engine needs", () => {
  const NOTHING = "nothing is to be\n  allowed in the dashboard";
  const SOURCES = "List under Sources of your zone, each with its path:\n";
  const bound = { images: IMAGES, secrets: KEYS };
  const two = (media: object) => ({
    ...project({}, bound),
    vars: {
      BUCKETS: { media, other: { ...MEDIA, bucket: "acme-other" } },
      ROUTES: [...ROUTES, { path: "/other/:preset/*", object: "other/*" }],
      PRESETS,
    },
  });
  const own = MEDIA.bucket;

  test.each<[string, Record<string, unknown>, has: string[], lacks: string[]]>([
    ["binding", project(S3, bound), [NOTHING], [SOURCES, own]],
    [
      "an R2 bucket without any secret",
      project(R2, { images: IMAGES, r2_buckets: BOUND }),
      [NOTHING],
      [SOURCES, "r2://"],
    ],
    [
      "an R2 bucket that names its bucket",
      project({ ...R2, bucket: "acme-media" }, { images: IMAGES, r2_buckets: BOUND }),
      [NOTHING],
      [SOURCES],
    ],
    ["one bucket of each engine", two(S3), [SOURCES, "acme-other"], [NOTHING, `${own}.`]],
    [
      "a session token that a deploy requires",
      project(S3, {
        images: IMAGES,
        secrets: { required: [...KEYS.required, "AWS_SESSION_TOKEN"] },
      }),
      [NOTHING],
      [],
    ],
  ])("%s (E5)", async (_case, config, has, lacks) => {
    const { code, output } = await check(config);
    expect([code, output]).toEqual([0, expect.stringContaining("The configuration is right.")]);
    for (const text of has) expect(output).toContain(text);
    for (const text of lacks) expect(output).not.toContain(text);
  });

  test.each([
    ["binding", true],
    ["cf", false],
  ])("%s: on a workers.dev address alone (R2)", async (engine, works) => {
    const { routes: _routes, ...top } = project({ ...MEDIA, engine }, bound);
    const { code, output } = await check({ ...top, workers_dev: true });
    expect(code).toBe(0);
    expect(output.includes("Warning: workers_dev or preview_urls is on")).toBe(!works);
    expect(output.includes("It needs no domain: a deploy serves from a workers.dev")).toBe(works);
    expect(output.includes("Before a deploy, uncomment routes")).toBe(!works);
  });

  test("a top level with bindings alone has nothing to deploy (S6)", async () => {
    const {
      vars: _vars,
      routes: _routes,
      secrets: _secrets,
      ...top
    } = staged({
      ...stagedR2,
      images: IMAGES,
      r2_buckets: BOUND,
    });
    const { code, output } = await check(top);
    expect(output).toContain(
      "the top level: it has no vars, so there is nothing to deploy from it.",
    );
    expect(code).toBe(0);
  });
});

test("an environment's own bindings are its own (S6)", async () => {
  const { code, output } = await check(
    staged({ ...stagedR2, images: IMAGES, r2_buckets: [{ ...BOUND[0], bucket_name: "other" }] }),
  );
  expect([code, output]).toEqual([0, expect.stringContaining("env.staging:")]);
});

test.each<[what: string, required: readonly string[], media: object, isTold: boolean]>([
  ["an R2 bucket", KEYS.required, R2, true],
  ["an R2 bucket and no key", [], R2, false],
  ["a bucket that uses the key", KEYS.required, S3, false],
])("required keys that no bucket uses are told: %s", async (_what, required, media, isTold) => {
  const more = { images: IMAGES, r2_buckets: BOUND, secrets: { required } };
  const { code, output } = await check(project(media, more));
  expect(code).toBe(0);
  const told = "requires AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, and no bucket uses";
  expect(output.includes(told)).toBe(isTold);
  expect(output.includes("take them out of [secrets] in wrangler.jsonc")).toBe(isTold);
});

describe("vitrine check warns of an open route and a signed one to the same R2 bucket", () => {
  const R2_S3 = {
    ...{ endpoint: "https://0123456789abcdef0123456789abcdef.r2.cloudflarestorage.com" },
    ...{ bucket: "acme-media", region: "auto" },
  };
  const both = (open: string, signed: string, more: object = {}) => ({
    ...TOP,
    vars: {
      BUCKETS: { s3: R2_S3, bound: R2, second: { binding: "SECOND" } },
      ROUTES: [
        { path: "/open/:preset/*", object: `${open}/*`, ...more },
        { path: "/signed/:preset/*", object: `${signed}/*`, signed: true },
        { path: "/rest/:preset/*", object: "s3/rest/*" },
        { path: "/rest2/:preset/*", object: "second/rest2/*" },
        { path: "/rest3/:preset/*", object: "bound/rest3/*" },
      ],
      PRESETS,
    },
    images: IMAGES,
    r2_buckets: [...BOUND, { binding: "SECOND", bucket_name: "acme-media" }],
    secrets: { required: Object.keys(SECRETS) },
  });

  test.each([
    ["bound/private", "s3/private"],
    ["s3/private", "bound/private"],
    ["second/private", "bound/private"],
  ])("%s is open, and %s is signed", async (open, signed) => {
    const { code, output } = await check(both(open, signed));
    expect(code).toBe(0);
    expect(output).toContain(
      "ROUTES[0] (/open/:preset/*) may show without a signature what ROUTES[1]",
    );
  });

  test("a fallback of the one is an object of the other", async () => {
    const { code, output } = await check(
      both("bound/open", "s3/private", { fallback: "bound/private/none.png" }),
    );
    expect(code).toBe(0);
    expect(output).toContain("shows everyone an object that ROUTES[1]");
  });

  test("other parts of it do not meet", async () => {
    const { code, output } = await check(both("bound/open", "s3/private"));
    expect(code).toBe(0);
    expect(output).not.toContain("may show without a signature");
  });
});
