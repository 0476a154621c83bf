// From vars and secrets to a configuration: defaults, and the mistakes with their paths.

import { expect, test } from "vitest";
import { bucketsOf } from "../../../src/cli/config/buckets.ts";
import { currentConfig, readConfig } from "../../../src/worker/config/config.ts";
import { bucketOf, configOf, mistakesOf } from "../../support/config-of.ts";
import { BUCKET_URL, CREDENTIALS, ENV, SECRETS, VARS } from "../../support/env.ts";

const { media } = VARS.BUCKETS;
const ROUTE = { path: "/images/:preset/*", object: "media/*" };
const OTHER_ROUTE = { path: "/others/:preset/*", object: "media/*" };

/** The bucket of the tests with other settings. */
const withMedia = (change: object) => ({ BUCKETS: { media: { ...media, ...change } } });

test("a right configuration is ready to serve from", () => {
  const config = configOf();
  expect(config.routes[0]?.bucket).toEqual({
    name: "media",
    bucket: "acme-media",
    isNameKnown: true,
    access: "AWS",
    engine: "cf",
    hasSourceParameter: true,
    images: undefined,
    r2: undefined,
    role: undefined,
    baseUrl: BUCKET_URL,
    prefix: "published/",
    region: "eu-west-1",
    canary: undefined,
    distinctSlots: [{ name: "current", credentials: CREDENTIALS }],
    usable: [{ name: "current", credentials: CREDENTIALS }],
    unusable: [],
  });

  expect(config.answers).toEqual({
    max_age: 600,
    timeout: 15,
    keep: 300,
    stale: 604_800,
    stale_if_error: 604_800,
  });
});

test("without [vars.ANSWERS], answers are kept and awaited for as long as the docs say", () => {
  expect(configOf({ ANSWERS: undefined }).answers).toEqual({
    max_age: 3600,
    timeout: 20,
    keep: 300,
    stale: 604_800,
    stale_if_error: 604_800,
  });
});

test("the configuration is read once per isolate", () => {
  const env = { ...ENV };
  const first = currentConfig(env);
  env.AWS_ACCESS_KEY_ID = "";
  expect(currentConfig(env)).toBe(first);
  expect(currentConfig({ ...env })).toMatchObject({ event: "configuration-broken" });
});

test("a table may be a string of JSON, as .dev.vars has it (S2)", () => {
  const strings = Object.fromEntries(
    Object.entries(VARS).map(([name, value]) => [name, JSON.stringify(value)]),
  );
  expect(readConfig({ ...SECRETS, ...strings })).toEqual(readConfig(ENV));
});

test("all mistakes are told at once, each with its path", () => {
  expect(
    mistakesOf({
      BUCKETS: { media: { ...media, endpoint: "s3.eu-west-1.amazonaws.com", acl: "x", tls: 1 } },
      PRESETS: { hero: { width: 1920, quality: 150, blurr: 1 }, "a b": { width: 1 } },
      ROUTES: [
        { path: "/:preset/*", object: "medai/*", presets: ["hreo"] },
        {},
        { path: "images/*", object: "media/../*", svg: "yes", facts: 1 },
      ],
      ANSWERS: { max_age: -1 },
      AWS_SECRET_ACCESS_KEY: undefined,
    }),
  ).toEqual([
    "BUCKETS.media.endpoint: is not a plain https:// URL",
    "BUCKETS.media.acl: unknown option",
    "BUCKETS.media.tls: unknown option",
    "AWS_SECRET_ACCESS_KEY: is missing: set the secret, and list it under [secrets]",
    "PRESETS.hero.quality: 150 is not a whole number between 1 and 100",
    "PRESETS.hero.blurr: unknown option. Did you mean blur?",
    "PRESETS.a b: needs a name of 1 to 64 letters, digits, - and _",
    "ANSWERS.max_age: -1 is not a whole number between 0 and 31536000: it is in seconds",
    'ROUTES[0].presets[0]: "hreo" is not one of hero, a b',
    'ROUTES[0].object: "medai" is not in BUCKETS',
    "ROUTES[1].path: is missing",
    "ROUTES[1].object: is missing",
    'ROUTES[2].svg: "yes" is not true or false, without quotes',
    "ROUTES[2].facts: 1 is not true or false, without quotes",
    'ROUTES[2].object: impossible key: a segment ".."',
    "ROUTES[2].path: does not begin with a slash",
    "ROUTES[2].path: has no :preset",
  ]);
});

test("a route is signed, or bound to pages, as far as it says so", () => {
  const config = configOf();
  const keys = [...Object.entries<string>(JSON.parse(SECRETS.URL_SIGNING_KEYS))];
  expect(config.routes.map(({ signing, origins }) => [signing, origins])).toEqual([
    ...Array.from({ length: 3 }, () => [undefined, undefined]),
    [
      {
        keys: new Map(keys.map(([kid, secret]) => [kid, { kid, secret }])),
        maxAge: 86_400,
        cookie: false,
      },
      undefined,
    ],
    [undefined, new Set(["https://app.example"])],
  ]);

  const signed = readConfig({ ...ENV, ROUTES: [{ ...ROUTE, signed: true }] });
  expect(signed).toMatchObject({ routes: [{ signing: { maxAge: 604_800 } }] });
});

test("what a route sets of its answers is its own, and all else is as in [vars.ANSWERS]", () => {
  const ANSWERS = { keep: 60, stale: 70, stale_if_error: 80, max_age: 90 };
  const rest = { keep: 60, stale: 70, stale_if_error: 80 };
  const policyWith = (answers?: object) =>
    configOf({ ANSWERS, ROUTES: [{ ...ROUTE, ...(answers && { answers }) }] }).routes[0]?.policy;

  const general = { lifetimes: undefined, maxAge: 90, isImmutable: false };
  expect(policyWith()).toEqual(general);
  expect(policyWith({})).toEqual(general);
  expect(policyWith({ keep: 60, immutable: false })).toEqual(general);
  expect(policyWith({ keep: 0 })).toEqual({ ...general, lifetimes: { ...rest, keep: 0 } });
  expect(policyWith({ stale: 0 })).toEqual({ ...general, lifetimes: { ...rest, stale: 0 } });
  expect(policyWith({ stale_if_error: 1 })).toEqual({
    ...general,
    lifetimes: { ...rest, stale_if_error: 1 },
  });
  expect(policyWith({ max_age: 0 })).toEqual({ ...general, maxAge: 0 });
  expect(policyWith({ immutable: true })).toEqual({
    ...general,
    maxAge: 31_536_000,
    isImmutable: true,
  });
  expect(policyWith({ immutable: true, max_age: 5 })).toEqual({
    ...general,
    maxAge: 5,
    isImmutable: true,
  });
});

test("all mistakes of a route's answers are told at once, beside those of [vars.ANSWERS]", () => {
  const answers = { keep: -1, stale: "7d", stale_if_error: 1.5, max_age: 1e9, immutable: "yes" };
  const ROUTES = [
    { ...ROUTE, answers },
    { ...OTHER_ROUTE, answers: { store: "R", timeout: 5 } },
  ];
  const range = "is not a whole number between 0 and 31536000: it is in seconds";

  expect(mistakesOf({ ROUTES, ANSWERS: { immutable: true } })).toEqual([
    "ANSWERS.immutable: unknown option",
    `ROUTES[0].answers.keep: -1 ${range}`,
    `ROUTES[0].answers.stale: "7d" ${range}`,
    `ROUTES[0].answers.stale_if_error: 1.5 ${range}`,
    `ROUTES[0].answers.max_age: 1000000000 ${range}`,
    'ROUTES[0].answers.immutable: "yes" is not true or false, without quotes',
    "ROUTES[1].answers.store: is an option of the route itself: write it before the table answers begins",
    "ROUTES[1].answers.timeout: unknown option",
  ]);
});

test.each<{ title: string; answers: unknown; message: string }>([
  { title: "no table", answers: 300, message: "answers: is not a table" },
  { title: "a list", answers: [{ keep: 1 }], message: "answers: is not a table" },
  { title: "nothing", answers: null, message: "answers: is not a table" },
  {
    title: "a misspelt name",
    answers: { imutable: true },
    message: "answers.imutable: unknown option. Did you mean immu",
  },
  {
    title: "two that contradict",
    answers: { immutable: true, max_age: 0 },
    message: "answers.immutable: does nothing with",
  },
])("answers with $title is a mistake", ({ answers, message }) => {
  const mistakes = mistakesOf({ ROUTES: [{ ...ROUTE, answers }] });
  expect(mistakes).toEqual([expect.stringContaining(`ROUTES[0].${message}`)]);
});

const COOKIE = { signed: true, cookie: true };
const NO_COOKIE = "cookie: needs a path whose only names are :preset and a last *";
const APP = "https://app.example";
const NO_CORS = "cors: is for routes that are not signed: in its place, write the pages";
const UNSIGNED = "is not in object, so no signature covers it";

test.each<{ title: string; change: object; message: string }>([
  {
    title: "signed in quotes",
    change: { signed: "true" },
    message: 'signed: "true" is not true or false, without quotes',
  },
  {
    title: "max_age without a signature",
    change: { max_age: 60 },
    message: "max_age: needs signed = true",
  },
  {
    title: "a cookie without a signature",
    change: { cookie: true },
    message: "cookie: needs signed = true",
  },
  {
    title: "a cookie without *",
    change: { ...COOKIE, path: "/p/:preset/:x", object: "media/:x" },
    message: NO_COOKIE,
  },
  {
    title: "a cookie and a name",
    change: { ...COOKIE, path: "/p/:x/:preset/*", object: "media/:x/*" },
    message: NO_COOKIE,
  },
  {
    title: "no time",
    change: { signed: true, max_age: 0 },
    message: "max_age: 0 is not a whole number between 1 and",
  },
  {
    title: "a name without signature",
    change: { signed: true, path: "/p/:preset/:x/*" },
    message: `path: :x ${UNSIGNED}`,
  },
  {
    title: "a rest without signature",
    change: { signed: true, object: "media/a.jpg" },
    message: `path: * ${UNSIGNED}`,
  },
  {
    title: "no list",
    change: { origins: "https://app.example" },
    message: "origins: is not a list, or is empty",
  },
  {
    title: "an empty list",
    change: { origins: [] },
    message: "origins: is not a list, or is empty",
  },
  {
    title: "any origin",
    change: { origins: ["*"] },
    message: 'origins[0]: "*" is not an origin such as',
  },
  {
    title: "all of a domain",
    change: { origins: ["https://*.b.c"] },
    message: 'origins[0]: "https://*.b.c" is not',
  },
  {
    title: "a slash",
    change: { origins: ["https://a.b/"] },
    message: 'origins[0]: "https://a.b/" is not an',
  },
  {
    title: "no page's origin",
    change: { origins: ["ftp://a.b"] },
    message: 'origins[0]: "ftp://a.b" is not an',
  },
  { title: "null", change: { origins: ["null"] }, message: 'origins[0]: "null" is not an origin' },
  {
    title: "cors in quotes",
    change: { cors: "true" },
    message: 'cors: "true" is not true or false, without quotes',
  },
  {
    title: "cors for all",
    change: { cors: "*" },
    message: 'cors: "*" is not true or false, without quotes',
  },
  {
    title: "cors and pages",
    change: { cors: true, origins: [APP] },
    message: "cors: is for all pages: remove it, the pages",
  },
  { title: "cors and a signature", change: { cors: true, signed: true }, message: NO_CORS },
  { title: "cors and a cookie", change: { ...COOKIE, cors: true }, message: NO_CORS },
])("a route with $title is a mistake", ({ change, message }) => {
  const mistakes = mistakesOf({ ROUTES: [{ ...ROUTE, ...change }] });
  expect(mistakes).toEqual([expect.stringContaining(`ROUTES[0].${message}`)]);
});

const LOGIN = "https://login.example.com";
const TOKEN = { issuer: `${LOGIN}/`, audience: "images", keys: `${LOGIN}/jwks.json` };
const USERS = { path: "/users/:user/:preset/*", object: "media/users/:user/*" };
const MISSING_KEYS =
  "token.keys: is missing: write the URL of the issuer's public keys, its jwks_uri";
const MISSING_APP = "token.audience: is missing: without it, claims needs azp or client_id";

test.each<{ title: string; token: unknown; message: string }>([
  { title: "a text", token: "https://login.example.com", message: "token: is not a table" },
  { title: "an empty list", token: [], message: "token: is not a list, or is empty" },
  {
    title: "too many tables",
    token: Array(6).fill(TOKEN),
    message: "token: has 6 tables: 5 are the most",
  },
  { title: "a wrong table in a list", token: [TOKEN, 7], message: "token[1]: is not a table" },
  {
    title: "an option of the route",
    token: { ...TOKEN, facts: true },
    message: "token.facts: is an option of the route",
  },
  {
    title: "a misspelt option",
    token: { ...TOKEN, claim: {} },
    message: "token.claim: unknown option. Did you mean",
  },
  {
    title: "http",
    token: { ...TOKEN, issuer: "http://login.example.com/" },
    message: "token.issuer: is not an https",
  },
  {
    title: "http for keys",
    token: { ...TOKEN, keys: "http://a.example/" },
    message: "token.keys: is not an https",
  },
  {
    title: "a local issuer",
    token: { ...TOKEN, keys: "http://localhost:8787/jwks" },
    message: "token.keys: is not an",
  },
  {
    title: "credentials",
    token: { ...TOKEN, keys: "https://a:b@login.example/" },
    message: "token.keys: is not an https",
  },
  {
    title: "no host",
    token: { ...TOKEN, keys: "https:///jwks.json?a=b" },
    message: "token.keys: is not an https",
  },
  {
    title: "spaces",
    token: { ...TOKEN, issuer: "https://a.example/ b" },
    message: "token.issuer: is not an https",
  },
  { title: "no keys", token: { issuer: TOKEN.issuer, audience: "images" }, message: MISSING_KEYS },
  {
    title: "keys of a fake Access",
    token: { issuer: `${LOGIN}.cloudflareaccess.com.x`, audience: "a" },
    message: MISSING_KEYS,
  },
  { title: "no app", token: { issuer: TOKEN.issuer, keys: TOKEN.keys }, message: MISSING_APP },
  {
    title: "no app among the claims",
    token: { ...TOKEN, audience: undefined, claims: { sub: "a" } },
    message: MISSING_APP,
  },
  {
    title: "no app, and wrong claims",
    token: { issuer: TOKEN.issuer, keys: TOKEN.keys, claims: 7 },
    message: "token.claims: is not a table",
  },
  {
    title: "an empty audience",
    token: { ...TOKEN, audience: "" },
    message: 'token.audience: "" is not text',
  },
  {
    title: "no audience in its list",
    token: { ...TOKEN, audience: [] },
    message: "token.audience: is not a list, or is",
  },
  {
    title: "a cookie with a space",
    token: { ...TOKEN, cookie: "a b" },
    message: 'token.cookie: "a b" is not the name of',
  },
  {
    title: "no claims",
    token: { ...TOKEN, claims: {} },
    message: "token.claims: is not a table such as",
  },
  {
    title: "a claim that is a number",
    token: { ...TOKEN, claims: { n: 1 } },
    message: "token.claims.n: 1 is not text",
  },
  {
    title: "an empty claim",
    token: { ...TOKEN, claims: { sub: "" } },
    message: 'token.claims.sub: "" is not text',
  },
  {
    title: "the issuer as a claim",
    token: { ...TOKEN, claims: { iss: "a" } },
    message: "token.claims.iss: is what the option",
  },
  {
    title: "a name of no path",
    token: { ...TOKEN, claims: { sub: ":usr" } },
    message: "token: claim sub: :usr is not in path",
  },
  {
    title: "the preset",
    token: { ...TOKEN, claims: { sub: [":preset"] } },
    message: "token: claim sub: :preset is no name",
  },
])("a token with $title is a mistake", ({ token, message }) => {
  const route = JSON.parse(JSON.stringify({ ...USERS, token }));
  const mistakes = mistakesOf({ ROUTES: [route] });
  expect(mistakes).toEqual([expect.stringContaining(`ROUTES[0].${message}`)]);
});

test.each<{ title: string; change: object; message: string }>([
  {
    title: "a signature",
    change: { signed: true },
    message: "token: opens a route alone: remove it, or signed",
  },
  { title: "cors", change: { cors: true }, message: "cors: is for routes that need no token" },
  {
    title: "immutable",
    change: { answers: { immutable: true } },
    message: "answers: is for routes that need no token",
  },
  {
    title: "a name in a part",
    change: { object: "media/u-:user/*" },
    message: "token: claim sub: :user is no whole segment",
  },
  {
    title: "no name in the object",
    change: { object: "media/*" },
    message: "token: claim sub: :user is no whole segment",
  },
])("a route with a token and $title is a mistake", ({ change, message }) => {
  const token = { ...TOKEN, claims: { sub: ":user" } };
  const mistakes = mistakesOf({ ROUTES: [{ ...USERS, ...change, token }] });
  expect(mistakes).toEqual([expect.stringContaining(`ROUTES[0].${message}`)]);
});

test("one table of token is a rule, and Access needs neither keys nor a cookie", () => {
  const access = { issuer: "https://acme.cloudflareaccess.com", audience: ["a", "b"] };
  const claims = { azp: "app", sub: ":user", org: ["acme", "globex"] };
  const token = [{ issuer: TOKEN.issuer, keys: TOKEN.keys, cookie: "session", claims }, access];
  const [route] = configOf({ ROUTES: [{ ...USERS, token }] }).routes;

  expect(route?.tokenRules).toEqual([
    {
      issuer: TOKEN.issuer,
      audiences: [],
      keys: TOKEN.keys,
      cookie: "session",
      header: undefined,
      claims: new Map([
        ["azp", ["app"]],
        ["sub", [":user"]],
        ["org", ["acme", "globex"]],
      ]),
    },
    {
      issuer: access.issuer,
      audiences: ["a", "b"],
      keys: `${access.issuer}/cdn-cgi/access/certs`,
      cookie: "CF_Authorization",
      header: "cf-access-jwt-assertion",
      claims: new Map(),
    },
  ]);
});

test("only the issuer of the local run may be on this machine", () => {
  const url = "http://localhost:8787/issuer";
  const token = { ...TOKEN, issuer: url, keys: `${url}/jwks.json` };
  const ROUTES = [{ ...USERS, token }];

  expect(configOf({ ROUTES, LOCAL_ISSUER: url }).routes).toHaveLength(1);
  for (const LOCAL_ISSUER of ["http://localhost:8788/", "https://localhost:8787/", 1, {}]) {
    expect(mistakesOf({ ROUTES, LOCAL_ISSUER })).toHaveLength(2);
  }
});

test("all that contradicts cors is reported at once, and cors = false contradicts nothing", () => {
  const closed = { signed: true, origins: [APP] };
  expect(mistakesOf({ ROUTES: [{ ...ROUTE, ...closed, cors: true }] })).toEqual([
    expect.stringContaining("ROUTES[0].cors: is for all pages"),
    expect.stringContaining(`ROUTES[0].${NO_CORS}`),
  ]);
  expect(mistakesOf({ ROUTES: [{ ...ROUTE, cookie: true, cors: true }] })).toEqual([
    "ROUTES[0].cookie: needs signed = true",
    expect.stringContaining(`ROUTES[0].${NO_CORS}`),
  ]);

  const route = { ...ROUTE, ...closed, cors: false };
  expect(configOf({ ROUTES: [route] }).routes.map(({ cors }) => cors)).toEqual([false]);
});

test.each<{ title: string; fallback: unknown; message: string }>([
  {
    title: "a rest in it",
    fallback: "media/*",
    message: '"media/*" is not one object, without * and :name',
  },
  {
    title: "a name in it",
    fallback: "media/:user.png",
    message: '"media/:user.png" is not one object',
  },
  { title: "nothing in it", fallback: "", message: '"" is not one object' },
  { title: "a list", fallback: ["media/a.png"], message: '["media/a.png"] is not one object' },
  { title: "an unknown bucket", fallback: "medai/a.png", message: '"medai" is not in BUCKETS' },
  {
    title: "no bucket",
    fallback: "x.png",
    message: '"x.png" is not in BUCKETS: begin with one, media/x.png',
  },
  { title: "an empty key", fallback: "media/", message: "impossible key: an empty segment" },
  {
    title: "a key that climbs",
    fallback: "media/../a.png",
    message: 'impossible key: a segment ".."',
  },
  {
    title: "a long key",
    fallback: `media/${"k".repeat(1020)}`,
    message: "impossible key: longer than 1,024",
  },
  { title: "two lines", fallback: "media/a\n*", message: '"media/a\\n*" is not one object' },
])("a fallback with $title is a mistake", ({ fallback, message }) => {
  const mistakes = mistakesOf({ ROUTES: [ROUTE, { ...OTHER_ROUTE, fallback }] });
  expect(mistakes.at(0)).toContain(`ROUTES[1].fallback: ${message}`);
  expect(mistakes).toHaveLength(1);
});

const archive = { ...media, bucket: "acme-archive", prefix: "old/" };
const BOTH = { media, archive };

test("a route leads to several buckets, in their order, by one key", () => {
  const object = ["media/:user/*", "archive/:user/*"];
  const ROUTES = [{ path: "/images/:preset/:user/*", object, presets: ["card"], signed: true }];
  const [route] = configOf({ BUCKETS: BOTH, ROUTES }).routes;

  expect(route?.buckets.map(({ name }) => name)).toEqual(["media", "archive"]);
  expect(route?.bucket).toBe(route?.buckets[0]);

  const [single] = configOf({ ROUTES: [{ ...ROUTE, object: ["media/*"] }] }).routes;
  expect(single?.buckets).toEqual([single?.bucket]);
});

const IMAGES = { input: () => {}, info: () => {} };
const R2_BINDING = { IMAGES, M: { get: () => {}, head: () => {}, list: () => {} } };

const TWO = ["media/*", "archive/*"];
const TOO_LONG = ["media/a", "archive/a"].map((one) => `${one}${"b".repeat(500)}/*`);
const AGAIN = "has the objects of object[0]";

test.each<[string, unknown, string, object?]>([
  ["no bucket", [], "object: is not a list, or is empty"],
  ["a number in it", ["media/*", 7], "object[1]: 7 is not text"],
  ["an unknown bucket", ["media/*", "archiv/*"], 'object[1]: "archiv" is not'],
  ["no bucket's name", ["media/*", "*"], 'object[1]: "*" is not in BUCKETS:'],
  ["another key", ["media/*", "archive/a/*"], 'object[1]: needs "*" after'],
  ["two in one text", "media/*, archive/*", "object: has archive/ in its key"],
  ["one bucket twice", ["media/*", "media/*"], `object[1]: ${AGAIN} before it: it is never asked`],
  ["one place twice", TWO, `object[1]: ${AGAIN}`, { archive: { ...media, canary: "a.jpg" } }],
  [
    ...(["a key that is too long for the second prefix", TOO_LONG] as const),
    "object[1]: impossible key: longer than 1,024 bytes",
    { archive: { ...archive, prefix: `${"k".repeat(600)}/` } },
  ],
])("a list of objects with %s is a mistake", (_what, object, message, buckets) => {
  const mistakes = mistakesOf({ BUCKETS: { ...BOTH, ...buckets }, ROUTES: [{ ...ROUTE, object }] });
  expect(mistakes.at(0)).toContain(`ROUTES[0].${message}`);
});

test("what the engine of the second bucket lacks is a mistake in a preset of its routes (B7)", () => {
  const BUCKETS = { media, archive: { binding: "M" } };
  const PRESETS = { card: { width: 9, draw: [{ url: "https://a.example/b.png" }] } };
  const change = { BUCKETS, PRESETS, ...R2_BINDING };

  expect(mistakesOf({ ...change, ROUTES: [ROUTE] })).toEqual([]);

  const mistakes = mistakesOf({ ...change, ROUTES: [{ ...ROUTE, object: TWO, svg: true }] });
  expect(mistakes).toEqual([
    expect.stringContaining('ROUTES[0].svg: bucket archive has engine "binding"'),
    expect.stringContaining("PRESETS.card.draw[0].url: bucket archive"),
  ]);
});

test("the same bucket in two folders is two places", () => {
  const BUCKETS = { media, archive: { ...media, prefix: "published/old/" } };
  expect(mistakesOf({ BUCKETS, ROUTES: [{ ...ROUTE, object: TWO }] })).toEqual([]);
});

test.each<[given: string, meant: string | undefined]>([
  ["widht", "width"],
  ["qualty", "quality"],
  ["backgruond", "background"],
  ["w", undefined],
  ["", undefined],
  ["w".repeat(10_000), undefined],
])("an unknown option %.20s: the one that was probably meant is named", (option, meant) => {
  const guess = meant === undefined ? "" : `. Did you mean ${meant}?`;
  expect(mistakesOf({ PRESETS: { card: { width: 9, [option]: 1 } } })).toEqual([
    `PRESETS.card.${option}: unknown option${guess}`,
  ]);
});

test("a fallback is an object of its own bucket, which is one that the routes lead to", () => {
  const more = { ...media, bucket: "acme-more", prefix: "über/" };
  const ROUTES = [ROUTE, { ...OTHER_ROUTE, fallback: "more/a:1 (b).png" }];
  const config = configOf({ BUCKETS: { media, more }, ROUTES });
  const key = "über/a:1 (b).png";
  const bucket = config.buckets[1];

  expect(config.routes.map(({ fallback }) => fallback)).toEqual([undefined, { bucket, key }]);
  expect(config.routes[1]?.fallback?.bucket).toBe(bucket);
  expect([...bucketsOf(config.routes)].map(({ name }) => name)).toEqual(["media", "more"]);
  expect([...bucketsOf(config.routes.slice(0, 1))].map(({ name }) => name)).toEqual(["media"]);
});

const LONG = "k".repeat(32);

const MISSING = "is missing: set the secret, and list it under [secrets]";
const NO_TABLE = "is not a JSON object such as";
const SHORT = "the key of k1 must be at least 32 ASCII characters";

test.each<[string, unknown, ...string[]]>([
  ["missing", undefined, MISSING],
  ["empty", "", MISSING],
  ["no JSON", LONG, NO_TABLE],
  ["a list", `["${LONG}"]`, NO_TABLE],
  ["a table of no keys", "{}", "has no keys"],
  ["no text", { k1: LONG }, "is not text"],
  ["a number for a kid", `{"1": "${LONG}"}`, "a kid must be a letter, then at most 31 letters"],
  ["a prototype for a kid", `{"__proto__": "${LONG}"}`, "a kid must be a letter"],
  ["short keys", '{"k1": "short", "k2": 7}', SHORT, SHORT.replace("k1", "k2")],
  ["a key with a space", `{"k1": "${LONG} "}`, SHORT],
  ["a key after a space", `{"k1": " ${LONG}"}`, SHORT],
  ["a kid twice", `{"k1": "${LONG}", "k1" : "${LONG}2"}`, "has the same kid twice"],
])("URL_SIGNING_KEYS that is %s is a mistake for a signed route", (_what, value, ...messages) => {
  const change = { URL_SIGNING_KEYS: value };
  expect(mistakesOf(change)).toEqual(
    messages.map((message) => expect.stringContaining(`URL_SIGNING_KEYS: ${message}`)),
  );
  expect(mistakesOf(change).join()).not.toMatch(/short|kkkk/);
  expect(mistakesOf({ ...change, ROUTES: [ROUTE] })).toEqual([]);
});

test.each<{ title: string; one: string; two: string }>([
  { title: "the same path", one: "/a/:preset/*", two: "/a/:preset/*" },
  { title: "another name", one: "/a/:x/:preset", two: "/a/:y/:preset" },
  { title: "the preset in another place", one: "/:preset/:id", two: "/:id/:preset" },
  { title: "a * and another name", one: "/:x/b/:preset/*", two: "/:preset/b/:x/*" },
])("a second route of one form is never reached, so it is a mistake: $title", ({ one, two }) => {
  const between = { path: "/between/:preset/*", object: "media/*" };
  const twins = [one, two].map((path) => ({ path, object: "media/k" }));
  expect(mistakesOf({ ROUTES: [between, ...twins, between] })).toEqual([
    `ROUTES[2].path: takes the same URLs as ${one} before it: it is never reached`,
    `ROUTES[3].path: takes the same URLs as /between/:preset/* before it: it is never reached`,
  ]);
});

test.each([
  ["/a/:preset", "/a/:preset/*"],
  ["/a/:preset", "/:x/:preset"],
  ["/:preset/a/*", "/:preset/:x/*"],
])("%s and %s are of different forms", (one, two) => {
  const ROUTES = [one, two].map((path) => ({ path, object: "media/k" }));
  expect(mistakesOf({ ROUTES })).toEqual([]);
});

test.each(["BUCKETS", "PRESETS", "ROUTES"])("without %s nothing is served", (name) => {
  for (const value of [undefined, null, {}, [], "", "{", 7]) {
    expect(mistakesOf({ [name]: value }).join()).toMatch(new RegExp(`${name}: is not (?:a|JSON)`));
  }
  expect(mistakesOf({ [name]: "{" })).toHaveLength(1);
});

test.each<{ setting: string; message: string; values: readonly string[] }>([
  { setting: "prefix", message: "", values: ["published", "a/../", "/a/", "\ud800/"] },
  { setting: "bucket", message: "", values: ["Media", "a/b"] },
  { setting: "region", message: "", values: ["eu.west"] },
  { setting: "addressing", message: "", values: ["dns"] },
  { setting: "credentials", message: "", values: ["aws"] },
  // With these, the URL that is sent would differ from the one that is signed (A2), or would lead elsewhere.
  {
    setting: "endpoint",
    message: "is not a plain https:// URL",
    values: [
      ...["http://s3.example", "https://s3.example/?a", "https://a:b@s3.example"],
      ...["https://s3.example/a+b", "https://s3.example/a'b", "https://s3.example/(eu)"],
      ...["https://s3.example/a;b", "https://s3.example/a%2fb", "https://s3.example/a/.."],
      ...["https://s3.example/#", "https://s3.example/ ", " https://s3.example"],
      ...["HTTPS://s3.example", "http://localhost.example", "http://localhost@s3.example"],
      "http://127.0.0.1.example",
    ],
  },
  {
    setting: "endpoint",
    message: "contains the bucket's name: remove it",
    values: ["https://acme-media.s3.eu-west-1.amazonaws.com", "https://s3.example/acme-media"],
  },
  { setting: "bucket", message: "has two dots in a row", values: ["a..b", "acme..media"] },
])("a bucket's $setting is a mistake (E6, A2): $message", ({ setting, message, values }) => {
  for (const value of values) {
    const mistakes = mistakesOf(withMedia({ [setting]: value }));
    const prefix = `BUCKETS.media.${setting}: ${message}`;
    expect(mistakes.filter((one) => one.startsWith(prefix)).length, value).toBe(1);
  }
});

test.each([
  [{ bucket: "acme.media" }, "breaks TLS, as bucket has a dot"],
  [{ endpoint: "https://10.0.0.5:9000" }, "needs a host name in endpoint"],
])("virtual addressing of %j is a mistake (A4)", (change, message) => {
  const mistakes = mistakesOf(withMedia({ ...change, addressing: "virtual" }));
  expect(mistakes).toEqual([`BUCKETS.media.addressing: ${message}: set "path"`]);
});

test("a prefix as long as a key leaves no room for one (A10)", () => {
  const mistakes = mistakesOf(withMedia({ prefix: `${"k".repeat(1023)}/` }));
  expect(mistakes.join()).toContain("ROUTES[0].object: impossible key");
});

test.each([
  "http://localhost",
  "http://localhost:9000",
  "http://127.0.0.1:9000/x/",
  "https://10.0.0.5:9000",
  "https://[2001:db8::1]:9000",
  "https://s3.example/base",
])("the endpoint %s is right", (endpoint) => {
  const bucketUrl = `${endpoint.replace(/\/$/, "")}/acme-media/`;
  expect(bucketOf(withMedia({ endpoint })).baseUrl).toBe(bucketUrl);
});

test("a bucket may be called as its provider's host begins, with path addressing", () => {
  const minio = { endpoint: "https://minio.example.com", bucket: "minio", region: "us-east-1" };
  const spaces = { ...minio, endpoint: "https://minio.fra1.example.com", addressing: "path" };
  expect(mistakesOf({ BUCKETS: { media: minio } })).toEqual([]);
  expect(mistakesOf({ BUCKETS: { media: spaces } })).toEqual([]);
});

test.each([
  { title: "AWS's", name: "AWS_ACCESS_KEY_ID", value: "AKIAIOSFODNN7EXAMPLE" },
  { title: "Swift's, an account and a user", name: "AWS_ACCESS_KEY_ID", value: "test:tester" },
  {
    title: "one that goes on as a session's begins (A11)",
    name: "AWS_ACCESS_KEY_ID",
    value: "AKIAASIAODNN7EXAMPLE",
  },
  {
    title: "a secret that begins as a session's key id (A11)",
    name: "AWS_SECRET_ACCESS_KEY",
    value: "ASIAsecret",
  },
])("a key may be $title", ({ name, value }) => {
  expect(mistakesOf({ [name]: value })).toEqual([]);
});

test.each([
  { title: "missing", name: "AWS_ACCESS_KEY_ID", value: undefined, message: "is missing" },
  { title: "empty", name: "AWS_SECRET_ACCESS_KEY", value: "", message: "is missing" },
  { title: "pasted with a space before it", name: "AWS_SECRET_ACCESS_KEY", value: " abc" },
  {
    title: "in a word processor's quotes",
    name: "AWS_ACCESS_KEY_ID",
    value: "“AKIAIOSFODNN7EXAMPLE”",
  },
  {
    title: "with a slash, which ends the id where it is signed",
    name: "AWS_ACCESS_KEY_ID",
    value: "test/tester",
  },
  {
    title: "two values in one",
    name: "AWS_ACCESS_KEY_ID",
    value: "AKIAIOSFODNN7EXAMPLE,us-east-1",
  },
])(
  "a secret that is $title is a mistake",
  ({ name, value, message = "has an invalid character" }) => {
    expect(mistakesOf({ [name]: value })).toEqual([expect.stringContaining(`${name}: ${message}`)]);
  },
);

const preset = (name: string) => ({ PRESETS: { ...VARS.PRESETS, [name]: { width: 1 } } });
const overlay = (letters: number) => {
  const card = { width: 1, draw: [{ url: `https://a/${"k".repeat(letters)}` }] };
  return { PRESETS: { ...VARS.PRESETS, card } };
};
const bucketCalled = (bucket: string) => withMedia({ bucket });
const timeout = (seconds: number) => ({ ANSWERS: { timeout: seconds } });
const kid = (name: string) => ({ URL_SIGNING_KEYS: JSON.stringify({ [name]: LONG }) });
const secretPrefix = (name: string) => ({
  ...withMedia({ credentials: name }),
  [`${name}_ACCESS_KEY_ID`]: "id",
  [`${name}_SECRET_ACCESS_KEY`]: "s",
});

// For each bound: a value at the bound, and one just beyond it.
test.each<{ path: string; right: object; beyond: object }>([
  {
    path: `PRESETS.${"n".repeat(65)}`,
    right: preset("n".repeat(64)),
    beyond: preset("n".repeat(65)),
  },
  { path: "PRESETS.card", right: overlay(3_901), beyond: overlay(3_902) },
  { path: "ANSWERS.timeout", right: timeout(60), beyond: timeout(61) },
  { path: "ANSWERS.timeout", right: timeout(1), beyond: timeout(0.9) },
  {
    path: "BUCKETS.media.bucket",
    right: bucketCalled("b".repeat(63)),
    beyond: bucketCalled("b".repeat(64)),
  },
  { path: "BUCKETS.media.bucket", right: bucketCalled("b-b"), beyond: bucketCalled("bb") },
  {
    path: "BUCKETS.media.credentials",
    right: secretPrefix("W".repeat(32)),
    beyond: secretPrefix("W".repeat(33)),
  },
  { path: "URL_SIGNING_KEYS", right: kid("k".repeat(32)), beyond: kid("k".repeat(33)) },
])("$path has its bounds", ({ path, right, beyond }) => {
  expect(mistakesOf(right)).toEqual([]);
  expect(mistakesOf(beyond)).toEqual([expect.stringContaining(`${path}: `)]);
});

test("a secret pasted into the wrong line is not repeated in the message", () => {
  const { AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: secret } = SECRETS;
  for (const value of [id, secret, `https://${id}:${secret}@s3.example`]) {
    for (const key of Object.keys({ ...media, addressing: "", credentials: "" })) {
      const text = mistakesOf(withMedia({ [key]: value })).join();
      expect(text).toContain("BUCKETS.media");
      for (const credential of [id, secret]) expect(text).not.toContain(credential);
    }
  }
});

test.each(["SHORT_SECRET_ACCESS_KEY", "IMAGES", "__proto__", "constructor", "BUCKETS"])(
  "what is under the name of a binding, and is none, is not repeated in the message: %s",
  (binding) => {
    const short = { SHORT_SECRET_ACCESS_KEY: "minioadmin" };
    const mistakes = mistakesOf({
      BUCKETS: { media: { binding } },
      ...short,
      IMAGES: "minioadmin",
    });

    expect(mistakes).toContain(`${binding}: is not an R2 bucket's binding`);
    expect(mistakes.join()).not.toContain("minioadmin");
  },
);

test("session credentials are refused, with the reason and without the key (A11)", () => {
  const mistakes = mistakesOf({ AWS_ACCESS_KEY_ID: "ASIAIOSFODNN7EXAMPLE" });
  expect(mistakes).toHaveLength(1);
  expect(mistakes[0]).toMatch(
    /^AWS_ACCESS_KEY_ID: is a temporary session key: use a permanent one/,
  );
  expect(mistakes[0]).not.toContain("IOSFODNN7");
});

test("a bucket may have credentials of its own", () => {
  const BUCKETS = { media, more: { ...media, bucket: "acme-more", credentials: "MORE" } };
  expect(mistakesOf({ BUCKETS })).toEqual([
    "MORE_ACCESS_KEY_ID: is missing: set the secret, and list it under [secrets]",
    "MORE_SECRET_ACCESS_KEY: is missing: set the secret, and list it under [secrets]",
  ]);

  const ROUTES = [{ path: "/:preset/*", object: "more/*" }];
  const secrets = { MORE_ACCESS_KEY_ID: "AKIAMORE", MORE_SECRET_ACCESS_KEY: "more" };
  expect(configOf({ BUCKETS, ROUTES, ...secrets }).routes[0]?.bucket.distinctSlots).toEqual([
    { name: "current", credentials: { accessKeyId: "AKIAMORE", secretAccessKey: "more" } },
  ]);
});

const BOUND = {
  MEDIA_BUCKET: { get: () => {}, head: () => {}, list: () => {} },
  IMAGES,
  AWS_ACCESS_KEY_ID: "",
};
const BINDING = { ...media, engine: "binding" };

const inR2 = (change: object = {}) => ({ binding: "MEDIA_BUCKET", ...change });
const UNKNOWN = ["region", "endpoint", "role"].map((option) => `${option}: unknown option`);

test.each<[what: string, bucket: object, ...told: string[]]>([
  ["an engine that R2 has not", inR2({ engine: "cf" }), 'engine: "cf" is not one of binding'],
  ["what S3 needs", inR2({ region: "auto", endpoint: "x", role: "y" }), ...UNKNOWN],
  ["a broken role", { ...BINDING, role: 7 }, "role: 7 is not the ARN of a role"],
])("a bucket without a key is not asked for one: %s", (_what, media, ...messages) => {
  const mistakes = mistakesOf({ BUCKETS: { media }, ...BOUND, ROUTES: [ROUTE] });
  expect(mistakes).toEqual(messages.map((message) => `BUCKETS.media.${message}`));
});
