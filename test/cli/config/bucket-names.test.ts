// A bucket of R2 has one name in wrangler.toml. A Worker believes `bucket`, so with another one than `bucket_name` an open
// route could show what a route with a token guards. The local run is tested in test/dev/start.test.ts, as a program.

import { expect, test } from "vitest";
import { bucketNameMistakes } from "../../../src/cli/config/bucket-names.ts";
import { createProject, STAGED } from "../../support/cli/folder.ts";
import { TOKEN, USERS } from "../../support/cli/login.ts";
import { vitrine } from "../../support/cli/vitrine.ts";
import { VARS } from "../../support/env.ts";

const { env: _env, ...TOP } = STAGED;
const { card } = VARS.PRESETS;
const NAMED = [
  { binding: "MEDIA", bucket_name: "acme" },
  { binding: "USERS", bucket_name: "acme" },
];
const media = { binding: "MEDIA", bucket: "acme", prefix: "media/" };
const users = { binding: "USERS", bucket: "acme", prefix: "users/" };
const OPEN = { path: "/images/:preset/*", object: "media/*" };
const GUARDED = { ...USERS, object: "users/:user/*" };
const UNGUARDED = { path: USERS.path, object: GUARDED.object };
const BUCKETS = { media, users };
const OTHER = { media, users: { ...users, bucket: "acme-private" } };

type Config = Readonly<Record<string, unknown>>;

/** The bindings and the vars of an environment. */
function bound(buckets: object, routes: readonly object[], r2_buckets: readonly object[] = NAMED) {
  const vars = { BUCKETS: buckets, ROUTES: routes, PRESETS: { card } };
  return { images: { binding: "IMAGES" }, r2_buckets, vars, secrets: { required: [] } };
}

const top = (...details: Parameters<typeof bound>): Config => ({ ...TOP, ...bound(...details) });

async function check(config: Config, file = "wrangler.toml") {
  const { code, err } = await vitrine(["check"], { folder: createProject(config, file) });
  return { code, lines: err.split("\n").filter((line) => /(?:BUCKETS|ROUTES)\b.*:/.test(line)) };
}

const MISTAKE =
  '  BUCKETS.users.bucket: is acme-private, and bucket_name of its binding USERS under [[r2_buckets]] is acme: the Worker believes the first, so an open route may show what a route with a token guards: write bucket = "acme" in [vars.BUCKETS.users], or correct bucket_name';

test("two names of a bucket are a mistake beside a route with a token, and each is told with its place", async () => {
  expect(await check(top(OTHER, [OPEN, GUARDED]))).toEqual({ code: 2, lines: [MISTAKE] });
  const listed = top(OTHER, [OPEN, { ...GUARDED, token: [TOKEN] }]);
  expect(await check(listed)).toEqual({ code: 2, lines: [MISTAKE] });
  // The open bucket may be the one that is guarded, too.
  const open = await check(
    top({ media: { ...media, bucket: "acme-public" }, users }, [OPEN, GUARDED]),
  );
  expect(open.lines).toEqual([
    expect.stringContaining("BUCKETS.media.bucket: is acme-public, and"),
  ]);

  const json = await check(top(OTHER, [OPEN, GUARDED]), "wrangler.jsonc");
  expect(json.lines).toEqual([
    expect.stringMatching(
      /USERS under "r2_buckets" is acme: .* write "bucket": "acme" in "vars": \{ "BUCKETS": \{ "users": … \} \}, or/,
    ),
  ]);
});

test("without bucket_name, it is the name that a deploy gives the bucket (T9)", async () => {
  const unnamed = [{ binding: "MEDIA", bucket_name: "acme" }, { binding: "USERS" }];
  const { code, lines } = await check(top(BUCKETS, [OPEN, GUARDED], unnamed));
  expect([code, lines]).toEqual([
    2,
    [
      expect.stringContaining(
        "is acme, and its binding USERS under [[r2_buckets]] has no bucket_name, so that a deploy makes vitrine-users:",
      ),
    ],
  ]);
  const named = { media, users: { ...users, bucket: "vitrine-users" } };
  expect(await check(top(named, [OPEN, GUARDED], unnamed))).toEqual({ code: 0, lines: [] });
});

test("an environment has bindings and buckets of its own", async () => {
  const staging = { ...STAGED.env.staging, ...bound(OTHER, [OPEN, GUARDED]) };
  const config = { ...top(BUCKETS, [OPEN, UNGUARDED]), env: { staging } };
  const { code, lines } = await check(config);
  const line = lines.find((text) => text.includes("acme-private"));
  expect(code).toBe(2);
  expect(line).toContain("env.staging: BUCKETS.users.bucket: is acme-private, and");
  expect(line).toContain("under [[env.staging.r2_buckets]] is acme");
});

test("no other mistake hides it", async () => {
  const config = top(OTHER, [OPEN, { ...GUARDED, cash: 1 }]);
  const cash = expect.stringContaining("ROUTES[1].cash: unknown option");
  expect(await check(config)).toEqual({ code: 2, lines: [MISTAKE, cash] });
});

test("with the right name, what both buckets show is compared, and without a token nothing is guarded", async () => {
  expect(await check(top(BUCKETS, [OPEN, GUARDED]))).toEqual({ code: 0, lines: [] });
  const meeting = { media: { binding: "MEDIA", bucket: "acme" }, users };
  const { code, lines } = await check(top(meeting, [OPEN, GUARDED]));
  expect([code, lines]).toEqual([2, [expect.stringContaining("are one bucket")]]);

  const unguarded = await check(top(OTHER, [OPEN, UNGUARDED]));
  expect(unguarded).toEqual({
    code: 0,
    lines: [
      'Warning: BUCKETS.users.bucket is acme-private, and bucket_name of its binding USERS under [[r2_buckets]] is acme: the Worker takes it for another bucket: write bucket = "acme" in [vars.BUCKETS.users], or correct bucket_name. With another bucket, all its renditions are made once more',
    ],
  });
});

test("what is no name of a bucket, and what is no binding, is another mistake, or none", () => {
  const conflicts = (settings: unknown, routes: unknown = [GUARDED]) => [
    ...bucketNameMistakes({ r2Buckets: NAMED, worker: "w" }, { BUCKETS: settings, ROUTES: routes }),
  ];
  for (const settings of [undefined, 1, "{", [], { a: 1 }, { a: { bucket: "b" } }]) {
    expect(conflicts(settings)).toEqual([]);
  }
  for (const bucket of [1, null, {}, undefined, "acme"]) {
    expect(conflicts({ a: { binding: "USERS", bucket } })).toEqual([]);
  }
  expect(conflicts({ a: { binding: "NONE", bucket: "b" } })).toEqual([]);

  // .dev.vars has them as texts.
  const ROUTES = JSON.stringify([GUARDED]);
  const text = JSON.stringify({ a: { binding: "USERS", bucket: "b" } });
  expect(conflicts(text, ROUTES)).toHaveLength(1);
  for (const routes of [null, 1, "[", "{}", [], [1, null], [OPEN]]) {
    expect(conflicts(text, routes)).toEqual([]);
  }
});
