import { expect, test } from "vitest";
import { configOf, readConfig } from "../src/config.ts";
import { BASE, ENV, SECRETS, VARS } from "./env.ts";

const { media } = VARS.BUCKETS;

function mistakes(change: object): readonly string[] {
  const config = readConfig({ ...ENV, ...change });
  return "mistakes" in config ? config.mistakes : [];
}

test("a right configuration is ready to serve from", () => {
  const config = readConfig(ENV);
  if ("mistakes" in config) throw new Error(config.mistakes.join("\n"));
  expect(config.routes[0]?.bucket).toEqual({
    name: "media",
    base: BASE,
    prefix: "published/",
    region: "eu-west-1",
    credentials: {
      accessKeyId: SECRETS.AWS_ACCESS_KEY_ID,
      secretAccessKey: SECRETS.AWS_SECRET_ACCESS_KEY,
    },
  });
  expect(config.answers).toEqual({ max_age: 600, timeout: 1 });
});

test("what is left out has a default", () => {
  const config = readConfig({ ...ENV, ANSWERS: undefined });
  expect(config).toMatchObject({ answers: { max_age: 3600, timeout: 20 } });
});

test("a table may be a string of JSON, as .dev.vars has it (S2)", () => {
  const strings = Object.fromEntries(
    Object.entries(VARS).map(([name, value]) => [name, JSON.stringify(value)]),
  );
  expect(readConfig({ ...SECRETS, ...strings })).toEqual(readConfig(ENV));
});

test("all mistakes are told at once, each with its path", () => {
  expect(
    mistakes({
      BUCKETS: { media: { ...media, endpoint: "s3.eu-west-1.amazonaws.com", acl: "x", tls: 1 } },
      PRESETS: { hero: { width: 1920, quality: 150, blurr: 1 }, "a b": { width: 1 } },
      ROUTES: [{ path: "/:preset/*", object: "medai/*", presets: ["hreo"] }, {}],
      ANSWERS: { max_age: -1 },
      AWS_SECRET_ACCESS_KEY: undefined,
    }),
  ).toEqual([
    'BUCKETS.media.endpoint: "s3.eu-west-1.amazonaws.com" is not a plain https:// URL',
    "BUCKETS.media.acl: is no option here",
    "BUCKETS.media.tls: is no option here",
    "PRESETS.hero.quality: 150 is not between 1 and 100",
    "PRESETS.hero.blurr: is no option here",
    "PRESETS.a b: is not a name of letters, digits, - and _",
    'ROUTES[0].object: "medai" is not in BUCKETS',
    'ROUTES[0].presets: "hreo" is not in PRESETS',
    "ROUTES[1].path: is missing",
    "ROUTES[1].object: is missing",
    "ANSWERS.max_age: -1 is not between 0 and 31536000",
  ]);
});

test.each(["BUCKETS", "PRESETS", "ROUTES"])("without %s nothing is served", (name) => {
  for (const value of [undefined, null, {}, [], "", "{", 7]) {
    expect(mistakes({ [name]: value }).join()).toContain(`${name}: is not a `);
  }
});

test.each<[string, object, string]>([
  ["a plain http endpoint (E6)", { endpoint: "http://s3.example" }, "BUCKETS.media.endpoint"],
  ["an endpoint with a query", { endpoint: "https://s3.example/?a" }, "BUCKETS.media.endpoint"],
  ["an endpoint with a name", { endpoint: "https://a:b@s3.example" }, "BUCKETS.media.endpoint"],
  ["a prefix without its slash", { prefix: "published" }, "BUCKETS.media.prefix"],
  ["a prefix that climbs (A2)", { prefix: "a/../" }, "BUCKETS.media.prefix"],
  ["a prefix from the root", { prefix: "/a/" }, "BUCKETS.media.prefix"],
  ["an upper-case bucket", { bucket: "Media" }, "BUCKETS.media.bucket"],
  ["a bucket that leads elsewhere", { bucket: "a/b" }, "BUCKETS.media.bucket"],
  ["a region with a dot", { region: "eu.west" }, "BUCKETS.media.region"],
  ["an unknown addressing", { addressing: "dns" }, "BUCKETS.media.addressing"],
  ["a lower-case secret", { credentials: "aws" }, "BUCKETS.media.credentials"],
  [
    "a dotted bucket, virtual-hosted (A4)",
    { bucket: "acme.media", addressing: "virtual" },
    'BUCKETS.media: has a dot in its name, which breaks TLS: set addressing = "path"',
  ],
  [
    "an endpoint that has the bucket in it",
    { endpoint: "https://acme-media.s3.eu-west-1.amazonaws.com" },
    "BUCKETS.media: has its own name in the endpoint: leave it out there",
  ],
])("%s is a mistake", (_what, change, told) => {
  const found = mistakes({ BUCKETS: { media: { ...media, ...change } } });
  expect(found.filter((mistake) => mistake.startsWith(told))).toHaveLength(1);
});

test("http:// is for this machine alone", () => {
  for (const endpoint of ["http://localhost:9000", "http://127.0.0.1:9000/x/"]) {
    expect(mistakes({ BUCKETS: { media: { ...media, endpoint } } })).toEqual([]);
  }
});

test.each<[string, object, string]>([
  ["missing", { AWS_ACCESS_KEY_ID: undefined }, "AWS_ACCESS_KEY_ID: is missing: set the secret"],
  ["empty", { AWS_SECRET_ACCESS_KEY: "" }, "AWS_SECRET_ACCESS_KEY: is missing: set the secret"],
  [
    "pasted with its line's end",
    { AWS_SECRET_ACCESS_KEY: "abc\n" },
    "AWS_SECRET_ACCESS_KEY: is not a secret without white space",
  ],
])("a secret that is %s is a mistake", (_what, change, told) => {
  expect(mistakes(change)).toEqual([told]);
});

test("session credentials are refused, with the reason and without the key (A11)", () => {
  const found = mistakes({ AWS_ACCESS_KEY_ID: "ASIAIOSFODNN7EXAMPLE" });
  expect(found).toHaveLength(1);
  expect(found[0]).toMatch(/^AWS_ACCESS_KEY_ID: is a session's key \(ASIA…\).*token/);
  expect(found[0]).not.toContain("IOSFODNN7");
});

test("a bucket may have credentials of its own", () => {
  const BUCKETS = { media, more: { ...media, bucket: "acme-more", credentials: "MORE" } };
  expect(mistakes({ BUCKETS })).toEqual([
    "MORE_ACCESS_KEY_ID: is missing: set the secret",
    "MORE_SECRET_ACCESS_KEY: is missing: set the secret",
  ]);
  const ROUTES = [{ path: "/:preset/*", object: "more/*" }];
  const own = { MORE_ACCESS_KEY_ID: "AKIAMORE", MORE_SECRET_ACCESS_KEY: "more" };
  const config = readConfig({ ...ENV, BUCKETS, ROUTES, ...own });
  expect("routes" in config && config.routes[0]?.bucket.credentials).toEqual({
    accessKeyId: "AKIAMORE",
    secretAccessKey: "more",
  });
});

test("AVIF of a size that the edge does not make is a mistake (O7)", () => {
  expect(
    mistakes({ PRESETS: { ...VARS.PRESETS, p: { width: 700, dpr: [1, 2], format: "avif" } } }),
  ).toEqual(["PRESETS.p: asks for avif with a side over 1,200 px, which the edge does not make"]);
});

test("a template that no key can come of is a mistake", () => {
  for (const object of ["media", "media/", "media//*", "media/../*"]) {
    expect(mistakes({ ROUTES: [{ path: "/:preset/*", object }] }).join()).toContain(
      "ROUTES[0].object: no object has such a key",
    );
  }
});

test("the configuration is read once per isolate", () => {
  const env = { ...ENV };
  const first = configOf(env);
  env.AWS_ACCESS_KEY_ID = "";
  expect(configOf(env)).toBe(first);
  expect(configOf({ ...env })).toMatchObject({ event: "configuration-broken" });
});
