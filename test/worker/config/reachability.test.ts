// A route with a token shows its objects alone: the Worker refuses a configuration in which another route shows one of
// them without a token and without a signature.

import fc from "fast-check";
import { expect, test } from "vitest";
import { r2StandIn } from "../../../src/cli/config/environment-config.ts";
import { localBuckets } from "../../../src/cli/config/local-run.ts";
import { keyFault } from "../../../src/url/key.ts";
import { mistakesOf } from "../../support/config-of.ts";
import { ENV, LOCAL_KEYS, VARS } from "../../support/env.ts";

const { prefix: _prefix, ...S3 } = VARS.BUCKETS.media;
const TOKEN = {
  issuer: "https://login.example",
  audience: "images",
  keys: "https://login.example/k",
};
const BUCKETS = {
  media: S3,
  users: { ...S3, prefix: "users/" },
  deep: { ...S3, prefix: "users/a/" },
  emoji: { ...S3, prefix: "é😀/" },
  other: { ...S3, bucket: "acme-other" },
  elsewhere: { ...S3, bucket: "acme-elsewhere" },
  far: { ...S3, endpoint: "https://minio.example.com", region: "us-east-1", addressing: "path" },
  bound: { binding: "MEDIA", bucket: "acme-media" },
  boundTwice: { binding: "MEDIA" },
  unnamed: { binding: "PHOTOS" },
  unnamedUsers: { binding: "PHOTOS", prefix: "users/" },
};
const ENVIRONMENT = {
  ...ENV,
  IMAGES: { input() {}, info() {} },
  MEDIA: r2StandIn("MEDIA"),
  PHOTOS: r2StandIn("PHOTOS"),
  BUCKETS,
  PRESETS: { card: { width: 80, dpr: [1, 2] }, a: { width: 9 }, b: { width: 9 } },
};
const TOKEN_PATH = "/t/:preset/:u/:v/*";
const OPEN_PATH = "/o/:preset/:x/:y/:u/:v/*";

/** The mistakes of a route with a token beside another route. */
function faultsOf(tokenRoute: object, openRoute: object, change: object = {}): readonly string[] {
  const ROUTES = [
    { path: OPEN_PATH, ...openRoute },
    { path: TOKEN_PATH, token: TOKEN, ...tokenRoute },
  ];
  return mistakesOf({ ...ENVIRONMENT, ...change, ROUTES });
}

/**
 * Returns the example in the mistake.
 * @returns undefined if there is no mistake, or the word undecided
 */
function sharedKey(
  object: string | string[],
  open: string | string[],
  change?: object,
): string | undefined {
  const [fault, ...others] = faultsOf({ object }, { object: open }, change);
  if (fault === undefined) return undefined;

  expect(others).toEqual([]);

  const isUndecided = fault.startsWith(
    "ROUTES[1].token: its objects may also be shown by ROUTES[0]",
  );
  if (isUndecided) return "undecided";

  const example = /^ROUTES\[1\]\.token: an object such as (?<key>.+) is also shown by ROUTES\[0\]/u;
  return example.exec(fault)?.groups?.["key"] ?? fault;
}

const LONG = "l".repeat(600);
const U255 = "ü".repeat(255);
const EMOJI127 = "😀".repeat(127);

test.each<[object: string | string[], open: string | string[], key: string | undefined]>([
  // The prefix of a bucket makes them equal, or apart.
  ["media/users/:u/*", "users/*", "users/x/x"],
  ["users/:u/*", "media/users/:x/*", "users/x/x"],
  ["users/:u/*", "deep/*", "users/a/x"],
  ["media/a/*", "users/a/*", undefined],
  ["users/a/*", "deep/*", "users/a/x"],
  ["users/b/*", "deep/*", undefined],

  // A beginning that both have proves nothing, and nor do two that differ.
  ["media/a*b", "media/a/*", "a/b"],
  ["media/:u/private/*", "media/pub/*", "pub/private/x"],
  ["media/users/:u/*", "media/*.jpg", "users/x/.jpg"],
  ["media/users/:u/*", "media/*/public.jpg", "users/x/public.jpg"],
  ["media/users/:u/*", "media/users/public.jpg", undefined],
  ["media/users/:u/*", "media/users-*", undefined],
  ["media/users/:u/*", "media/:x", undefined],
  ["media/users/:u/photo.jpg", "media/users/:x/avatar.jpg", undefined],
  ["media/users/:u/photo.jpg", "media/*/avatar.jpg", undefined],
  ["media/ab*", "media/*ba", "aba"],
  ["media/:u/a-*", "media/:x/b-*", undefined],
  ["media/:u/a", "media/a/:x", "a/a"],
  ["media/:u-a", "media/a-:x", "a-a"],

  // The Worker lets a name stand for nothing: /o/card/// shows the key `logo`.
  ["media/logo", "media/logo:x", "logo"],
  ["media/logo.png", "media/:x.png", "logo.png"],
  ["media/:u/a", "media/:x/a:y", "x/a"],
  ["media/logo:u", "media/:x", "logox"],

  // No object has an empty segment, `.` or `..`.
  ["media/a/*", "media/a:x", undefined],
  ["media/a:u", "media/a/:x", undefined],
  ["media/.:u", "media/:x.", ".x."],
  ["media/..:u/a", "media/:x../a", ".../a"],
  ["media/*.", "media/:x", "x."],
  ["media/a/.:u/b", "media/*./b", "a/.x./b"],

  // Both would have to be longer than a key can be, and another pair just fits.
  [`media/a${LONG}*`, `media/*b${LONG}`, undefined],
  [`media/${LONG}*`, `media/*${LONG}`, `${LONG}l`],
  [`media/${U255}é*`, `media/*ä${U255}`, `${U255}éä${U255}`],
  [`media/${U255}éa*`, `media/*ä${U255}`, undefined],
  [`media/${EMOJI127}jpeg*`, `media/*webp${EMOJI127}`, `${EMOJI127}jpegwebp${EMOJI127}`],
  [`media/${EMOJI127}jpegs*`, `media/*webp${EMOJI127}`, undefined],

  // Signs that mean something elsewhere, and other letters.
  ["media/a.b*", "media/axb*", undefined],
  ["media/$&:u/:u", "media/*", "$&x/x"],
  ["media/:u/:u$&", "media/*/$$&", "$/$$&"],
  ["media/(a|b)*", "media/a*", undefined],
  ["emoji/:u", "media/é:x/*", "é😀/x"],
  ["emoji/:u", "media/é:x", undefined],
  ["media/e\u0301*", "media/\u00e9*", undefined],
  ["media/😀*", "media/😁*", undefined],
  ["media/:u😀", "media/😀:x", "😀😀"],
  ["media/A*", "media/a*", undefined],
  ["media/ü/:u/:u", "media/:x/ü/:y", "ü/ü/ü"],

  // `:preset` is a preset or one of its sizes.
  ["media/:u/:preset.jpg", "media/*/card@2x.jpg", "x/card@2x.jpg"],
  ["media/:preset/*", "media/hero/*", undefined],
  ["media/:preset/*", "media/:x/y", "a/y"],
  ["media/:preset/a*", "media/:preset/*a", "a/aa"],
  ["media/:preset-:preset/*", "media/a-b/*", undefined],
  ["media/:preset-:preset/*", "media/a-a/*", "a-a/x"],
  ["media/:preset/:u", "media/:x/:preset", "a/a"],

  // A name that stands twice has the same text twice.
  ["media/:u/:u.jpg", "media/a/b.jpg", undefined],
  ["media/:u/:u.jpg", "media/a/a.jpg", "a/a.jpg"],
  ["media/:u/:u.jpg", "media/:x/public.jpg", "public/public.jpg"],
  ["media/users/:u/:u.jpg", "media/images/*", undefined],
  ["media/:u/:u", "media/a:x/b:y", undefined],
  ["media/:u/:u", "media/:x/ab:y", "abx/abx"],
  ["media/:u/:u-large.jpg", "media/:x/:x-small.jpg", undefined],
  ["media/:u/:v/:v/:u", "media/:x/:x/:y/:y", "x/x/x/x"],
  ["media/a/*/b/*", "media/*/c", "a/c/b/c"],

  // There is none, since `:u` would end with `a` and with `b`. But longer and longer texts may be tried.
  ["media/:u/:u", "media/*a/*b", "undecided"],

  // Each bucket of a list counts, and what a bucket is called at the provider.
  [["other/*", "media/*"], ["elsewhere/*", "far/*"], "x"],
  [["other/*", "media/*"], ["elsewhere/*", "deep/*"], "users/a/x"],
  [["other/*", "media/*"], "elsewhere/*", undefined],
  [["unnamed/*", "media/*"], "media/*", "x"],
])("%s beside %s: %s", (object, open, key) => {
  expect(sharedKey(object, open)).toBe(key);
});

test.each<[string, object, object, string[]]>([
  ["other presets", { presets: ["card"] }, { presets: ["a"] }, ["x"]],
  ["a route of the same paths", { path: "/o/:preset/*" }, { path: "/o/:preset/:x" }, ["x"]],
  ["pages that may embed", {}, { origins: ["https://app.example"] }, ["x"]],
  ["a signature", {}, { path: "/o/:preset/:x", signed: true }, []],
  ["a token", {}, { token: TOKEN }, []],
])("%s", (_, tokenRoute, openRoute, keys) => {
  const object = { object: "media/:x" };
  const faults = faultsOf({ object: "media/*", ...tokenRoute }, { ...object, ...openRoute });
  expect(faults.map((fault) => /such as (?<key>\S+) is/.exec(fault)?.groups?.["key"])).toEqual(
    keys,
  );
});

test("many such mistakes end the search after ten", () => {
  const numbers = [...Array(20).keys()];
  const open = numbers.map((n) => ({ path: `/o/${n}/:preset/*`, object: "media/*a/*b" }));
  const closed = numbers.map((n) => {
    return { path: `/t/${n}/:preset/:u`, object: "media/:u/:u", token: TOKEN };
  });
  expect(mistakesOf({ ...ENVIRONMENT, ROUTES: [...closed, ...open] })).toHaveLength(10);
});

test("a mistake says what shows the object, and what to write", () => {
  expect(faultsOf({ object: "users/:u/*" }, { object: "far/users/*" })).toEqual([
    `ROUTES[1].token: an object such as users/x/x is also shown by ROUTES[0] (${OPEN_PATH}), which needs no token (BUCKETS.users and BUCKETS.far are one bucket): let both lead to prefixes or buckets of their own, or give that route a token, too`,
  ]);
});

test.each<[fallback: string, isShown: boolean]>([
  ["media/users/none.png", false],
  ["media/users/a/none.png", true],
  ["users/a/none.png", true],
  ["deep/none.png", true],
  ["bound/users/a/none.png", true],
  ["other/users/a/none.png", false],
  ["media/users/a", false],
])(
  "a fallback %s of an open route shows an object of media/users/:u/*: %s",
  (fallback, isShown) => {
    const faults = faultsOf({ object: "media/users/:u/*" }, { object: "other/*", fallback });
    expect(faults).toHaveLength(isShown ? 1 : 0);
    if (isShown) expect(faults[0]).toContain("none.png is the fallback of ROUTES[0]");
  },
);

test("a fallback of the route with the token is only for those who are let in", () => {
  const tokenRoute = { object: "media/users/:u/*", fallback: "media/public/none.png" };
  expect(faultsOf(tokenRoute, { object: "media/public/*" })).toEqual([]);
});

test("an object and the fallback of one route are two mistakes", () => {
  const open = { object: "media/users/a/*", fallback: "media/users/b/none.png" };
  expect(faultsOf({ object: "media/users/:u/*" }, open)).toHaveLength(2);
});

test.each<[object: string, open: string, outcome: "one" | "two" | string[]]>([
  ["media/*", "bound/*", "one"],
  ["media/*", "boundTwice/*", ["boundTwice"]],
  ["bound/*", "boundTwice/*", "one"],
  ["unnamed/*", "unnamed/*", "one"],
  ["unnamed/users/*", "unnamedUsers/*", "one"],
  ["unnamed/*", "media/*", ["unnamed"]],
  ["unnamed/*", "bound/*", ["unnamed"]],
  ["unnamed/*", "boundTwice/*", ["unnamed", "boundTwice"]],
  ["unnamed/private/*", "media/public/*", "two"],
  ["unnamedUsers/*", "media/public/*", "two"],
])("%s and %s are in the same bucket: %j", (object, open, outcome) => {
  const faults = faultsOf({ object }, { object: open });
  if (outcome === "two") return expect(faults).toEqual([]);

  expect(faults).toHaveLength(1);

  const isKnown = outcome === "one";
  if (isKnown) return expect(faults[0]).toContain("is also shown by");

  const tables = outcome.map((name) => `BUCKETS.${name}`).join(" and ");
  return expect(faults[0]).toMatch(new RegExp(`write bucket = "…", .*, into ${tables}$`));
});

const AWS = "https://s3.eu-west-1.amazonaws.com";
const R2 = "https://acc.r2.cloudflarestorage.com";
const DO = "https://fra1.digitaloceanspaces.com";
const SUPABASE = "https://abc.storage.supabase.co/storage/v1/s3";
const PATH = { addressing: "path" };

// An `endpoint` may name the bucket, as the URLs do that dashboards show. What `bucket` names is then a folder of it.
test.each<[users: [string, string, object?], open: [string, string, object?], outcome: string]>([
  [[`${R2}/acme`, "users"], [R2, "acme"], "one"],
  [[`${R2}/acme/`, "users"], [R2, "acme"], "one"],
  [[`${R2}/acme//deep`, "users"], [R2, "acme", { prefix: "deep/" }], "one"],
  [[R2, "acme", { prefix: "users/" }], [`${R2}/acme`, "users"], "one"],
  [[`${AWS}/acme`, "users", PATH], [AWS, "acme"], "one"],
  [[`${AWS}/acme`, "users", PATH], [AWS, "acme", PATH], "one"],
  [["https://acme.fra1.digitaloceanspaces.com", "users"], [DO, "acme"], "one"],
  [[DO, "acme"], ["https://acme.fra1.digitaloceanspaces.com", "users"], "one"],
  [["https://acme.s3.example", "users"], ["https://s3.example", "acme"], "one"],
  [["https://my.acme.s3.example", "users"], ["https://s3.example", "my.acme"], "one"],
  [["https://acme.s3.example.", "users"], ["https://s3.example", "acme"], "one"],
  [["https://acme.s3.example", "users"], ["https://acme.s3.example/users", "photos"], "one"],
  [["https://acme.s3.example/users", "alice"], ["https://acme.s3.example", "users"], "one"],
  [["https://s3.example/acme/users", "acme"], ["https://s3.example", "acme"], "one"],

  // A host that only looks like one with a bucket in front.
  [["https://acmexs3.example", "users"], ["https://s3.example", "acme"], "two"],

  // Beside another host, or with another path in front, it cannot be told.
  [[`${AWS}/acme`, "users", PATH], ["https://s3.amazonaws.com", "acme", PATH], "unknown"],
  [["https://acme.s3.amazonaws.com", "users", PATH], [AWS, "acme"], "unknown"],
  [["https://my.acme.s3.amazonaws.com", "users", PATH], [AWS, "my.acme"], "unknown"],
  [["https://s3.example/acme", "users"], ["https://cdn.example/acme", "photos"], "two"],
  [["https://s3.example/acme", "users"], ["https://cdn.example/acme/users", "photos"], "unknown"],
  [["https://s3.example/proxy/acme", "users"], ["https://s3.example", "acme"], "unknown"],
  [[`${R2}/acme-media`, "users"], ["bound", ""], "unknown"],
  [["https://acme-media.acc.r2.cloudflarestorage.com", "users"], ["bound", ""], "unknown"],
  [[`${R2}/acme`, "users"], ["unnamed", ""], "unknown"],

  // Usual endpoints of two buckets.
  [[AWS, "users"], [AWS, "acme"], "two"],
  [[AWS, "users", PATH], [AWS, "acme", PATH], "two"],
  [[AWS, "users", PATH], [AWS, "acme"], "two"],
  [[AWS, "acme-users"], [AWS, "acme", PATH], "two"],
  [[AWS, "users"], ["https://s3.amazonaws.com", "acme"], "two"],
  [[AWS, "my.users"], [AWS, "users"], "two"],
  [[R2, "users"], [R2, "acme"], "two"],
  [[R2, "users", { addressing: "virtual" }], [R2, "acme"], "two"],
  [[R2, "users"], ["bound", ""], "two"],
  [[R2, "users"], [AWS, "acme"], "two"],
  [[DO, "users"], [DO, "acme"], "two"],
  [[DO, "users"], [AWS, "acme"], "two"],
  [["https://media.example.com", "users"], ["https://media.example.com", "media"], "two"],
  [["https://media.example.com", "users"], [AWS, "media"], "two"],
  [["http://localhost:9000", "users"], ["http://localhost:9000", "acme"], "two"],
  [["https://cdn.example.com", "users"], [DO, "acme"], "two"],
  [[SUPABASE, "users"], [SUPABASE, "storage"], "two"],
  [[SUPABASE, "users"], ["https://xyz.storage.supabase.co/storage/v1/s3", "acme"], "two"],
  [["https://s3.example/s3", "users"], ["https://s3.example/s3", "acme"], "two"],
])("all objects of %j and of %j are in the same bucket: %s", (users, open, outcome) => {
  const settingsOf = ([endpoint, bucket, change]: [string, string, object?]): object => {
    const bound: object | undefined = { bound: BUCKETS.bound, unnamed: BUCKETS.unnamed }[endpoint];
    return bound ?? { endpoint, bucket, region: "auto", ...change };
  };
  const change = { BUCKETS: { private: settingsOf(users), public: settingsOf(open) } };
  const faults = faultsOf({ object: "private/*" }, { object: "public/*" }, change);
  if (outcome === "two") return expect(faults).toEqual([]);

  expect(faults).toHaveLength(1);

  const text = outcome === "one" ? "is also shown by ROUTES[0]" : "may be one bucket";
  expect(faults[0]).toContain(text);
  if (outcome === "one") return undefined;

  // What to write, and into which tables.
  return expect(faults[0]).toMatch(/: write (?:endpoint without the bucket|bucket = .* BUCKETS\.)/);
});

test("of a bucket whose endpoint names it, only the folder is compared", () => {
  const media = { endpoint: R2, bucket: "acme", region: "auto" };
  const users = { ...media, endpoint: `${R2}/acme`, bucket: "users" };
  const change = { BUCKETS: { media, users } };
  const keyOf = (open: string) => sharedKey("users/:u/*", open, change);

  expect(keyOf("media/photos/*")).toBe(undefined);
  expect(keyOf("media/*")).toBe("users/x/x");
  expect(faultsOf({ object: "users/:u/*" }, { object: "media/*" }, change)[0]).toContain(
    "(BUCKETS.users and BUCKETS.media are one bucket, as endpoint says)",
  );
  expect(keyOf("media/*.jpg")).toBe("users/x/.jpg");

  // The longest keys: the name of the bucket is no part of them.
  const longest = "k".repeat(1016);
  expect(keyOf(`media/users/${longest}*`)).toBe(`users/${longest}/x`);
  expect(keyOf(`media/users/k${longest}*`)).toBe(undefined);
});

test("what a preset of an open route draws is shown, too", () => {
  const bucket = { binding: "MEDIA", bucket: "acme-media" };
  const below = { ...bucket, prefix: "users/" };
  const overlay = (key: string) => ({ width: 80, draw: [{ key, width: 10 }] });
  const PRESETS = {
    card: { width: 80 },
    logo: overlay("logo.png"),
    fig: overlay("users/a/fig.jpg"),
    figBelow: overlay("a/fig.jpg"),
  };
  const change = { BUCKETS: { media: bucket, below }, PRESETS };
  const faults = (open: object) =>
    faultsOf({ object: "media/users/:u/*" }, { object: "media/photos/*", ...open }, change);

  expect(faults({})).toEqual([
    `ROUTES[1].token: users/a/fig.jpg is drawn by a preset on the pictures of ROUTES[0] (${OPEN_PATH}), which needs no token: draw an object that no route with a token leads to, or leave the preset out of that route`,
  ]);
  expect(faults({ presets: ["card", "logo", "figBelow"] })).toEqual([]);
  expect(faults({ presets: ["fig"] })).toHaveLength(1);

  // The objects of a bucket, and a fallback, are drawn on with the key below their own prefix.
  const presets = ["figBelow"];
  const signed = { signed: true, path: "/o/:preset/*" };
  const fallback = "below/none.png";

  expect(faults({ presets, fallback })).toHaveLength(1);
  expect(faults({ presets, fallback, ...signed })).toEqual([]);
});

test("the local run has its own buckets, and tells the same of them", () => {
  const r2 = [
    { binding: "MEDIA", bucket_name: "acme-media" },
    { binding: "PHOTOS", bucket_name: "acme-photos" },
  ];
  const local = localBuckets(BUCKETS, "http://localhost:9000", LOCAL_KEYS, r2);
  const isRefused = (object: string, open: string) =>
    faultsOf({ object }, { object: open }, { BUCKETS: local }).length > 0;

  expect(isRefused("media/users/*", "far/*")).toBe(true);
  expect(isRefused("media/users/*", "boundTwice/*")).toBe(true);
  expect(isRefused("media/users/*", "other/*")).toBe(false);
  expect(isRefused("unnamed/*", "media/*")).toBe(false);
});

test("with a mistake in a bucket, no route is taken for another one", () => {
  const broken = { BUCKETS: { ...BUCKETS, other: { ...S3, region: 5 } } };
  const ROUTES = [
    { path: "/broken/:preset/*", object: "other/*" },
    { path: "/o/:preset/*", object: "media/*" },
    { path: "/t/:preset/*", object: "media/*", token: TOKEN },
  ];

  const mistakes = mistakesOf({ ...ENVIRONMENT, ...broken, ROUTES });
  expect(mistakes).toEqual(["BUCKETS.other.region: 5 is not a region"]);
});

// Random pairs of routes. An object of theirs is a bucket and a template of few characters.
const CHARACTERS = ["a", "b", "/", "."];
const PREFIXES = { media: "", below: "a/" };
const SHORT_VARS = {
  ...ENV,
  BUCKETS: { media: S3, below: { ...S3, prefix: PREFIXES.below } },
  PRESETS: { a: { width: 9 }, b: { width: 9 } },
};

const literal = fc.string({ unit: fc.constantFrom(...CHARACTERS), maxLength: 2, size: "xsmall" });
const placeholders = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.shuffledSubarray([":u", ":v", "*", ":preset"], { minLength: 1, maxLength: 2 }),
  },
  { weight: 1, arbitrary: fc.constantFrom([":u", ":u"], ["*", "*"], [":preset", ":preset"]) },
);
const template = fc
  .tuple(literal, placeholders, literal, literal)
  .map(([before, [first = "", second = ""], between, behind]) =>
    [before, first, between, second, behind].join(""),
  );
const bucketName = fc.constantFrom("media" as const, "media" as const, "below" as const);
const routeObject = fc
  .record({ bucketName, template })
  .filter((object) => keyFault(PREFIXES[object.bucketName] + object.template) === undefined)
  .filter((object) => !/:(?!(?:u|v|preset)\b)/.test(object.template)); // `:ua` is another name

/** Every key that an object can have of up to 6 of these characters. */
function shortKeys(): readonly string[] {
  const texts = [""];
  // The list becomes longer while the loop runs.
  for (const text of texts) {
    if (text.length < 6) texts.push(...CHARACTERS.map((character) => text + character));
  }
  return texts.filter((text) => keyFault(text) === undefined);
}

const TEXTS: Readonly<Record<string, string>> = { "*": ".*", ":preset": "[ab]" };

/** Matches the keys that a route shows. This reads patterns in another way than the Worker does. */
function expressionOf(object: { bucketName: keyof typeof PREFIXES; template: string }): RegExp {
  const groups: string[] = [];
  const body = object.template.replace(/:preset|:\w|[*.]/g, (part) => {
    if (part === ".") return "\\.";
    if (groups.includes(part)) return `(?:\\${groups.indexOf(part) + 1})`;

    groups.push(part);
    return `(${TEXTS[part] ?? "[^/]*"})`;
  });

  return new RegExp(`^${PREFIXES[object.bucketName]}${body}$`);
}

/** Returns whether a placeholder stands twice. */
function hasRepeated({ template: text }: { template: string }): boolean {
  const names = text.match(/:preset|:\w|\*/g) ?? [];
  return new Set(names).size < names.length;
}

test("1,000 pairs of routes are refused exactly where a search through all short keys finds an object of both", () => {
  const keys = shortKeys();
  const counts = { shared: 0, undecided: 0 };

  const pairs = fc.sample(fc.tuple(routeObject, routeObject), { numRuns: 1000, seed: 53 });
  for (const [tokenObject, openObject] of pairs) {
    const object = `${tokenObject.bucketName}/${tokenObject.template}`;
    const open = `${openObject.bucketName}/${openObject.template}`;
    const title = `${object} beside ${open}`;
    const key = sharedKey(object, open, SHORT_VARS);

    const expressions = [expressionOf(tokenObject), expressionOf(openObject)];
    const isOfBoth = (text: string) => expressions.every((expression) => expression.test(text));
    const shortKey = keys.find(isOfBoth);
    const isRepeated = hasRepeated(tokenObject) || hasRepeated(openObject);
    if (shortKey !== undefined) counts.shared += 1;

    switch (key) {
      case undefined:
        expect(`${title}: ${shortKey}`).toBe(`${title}: undefined`);
        break;
      case "undecided":
        counts.undecided += 1;
        expect(`${title}: ${isRepeated}`).toBe(`${title}: true`);
        break;
      default:
        // This key may be longer than those of the search.
        expect(`${title}: ${key} ${isOfBoth(key)}`).toBe(`${title}: ${key} true`);
        expect(keyFault(key)).toBe(undefined);
    }
  }

  // 433 share a short key, and 6 only a longer one. 4 of 277 with a name twice are refused without an example.
  expect(counts.shared).toBeGreaterThan(300);
  expect(counts.shared).toBeLessThan(600);
  expect(counts.undecided).toBeLessThan(10);
});
