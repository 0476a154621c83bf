// The URL of a rendition, which is the cache key: it has what shapes the bytes, and nothing else (W3).

import { describe, expect, test } from "vitest";
import {
  type RenditionId,
  readRenditionUrl,
  renditionName,
  renditionUrl,
  tagsOf,
} from "../../../src/worker/cache/rendition-url.ts";
import type { Lifetimes } from "../../../src/worker/config/answers.ts";
import { ACCEPTED_FORMATS, type AcceptedFormats } from "../../../src/worker/request/accept.ts";
import { configOf as configWith } from "../../support/config-of.ts";
import { SECRETS, VARS } from "../../support/env.ts";
import { EC_KEY } from "../../support/issuer.ts";
import { RANGES } from "../../support/tables/ranges.ts";

const { media } = VARS.BUCKETS;
const WITH_OTHER_KEY = { ...media, credentials: "OTHER" };
const OTHER_SECRETS = { OTHER_ACCESS_KEY_ID: "id", OTHER_SECRET_ACCESS_KEY: "secret" };

const configOf = (change: object = {}) => configWith({ ...OTHER_SECRETS, ...change });

const CONFIG = configOf();

/** The key of a rendition by names of the configuration. */
function keyOf(change: Partial<Named> = {}, config = CONFIG): RenditionId {
  const { bucket: name, preset, key, version, formats, lifetimes } = { ...USUAL, ...change };
  const bucket = config.buckets.find((bucket) => bucket.name === name) ?? expect.unreachable();
  const variant = config.variants.get(preset) ?? expect.unreachable();
  const shared = { version, formats, isStorable: true, lifetimes };
  return { bucket, variant, key: bucket.prefix + key, ...shared };
}
const USUAL: Named = { bucket: "media", preset: "card", key: "a.jpg", formats: "webp" };
type Named = {
  bucket: string;
  preset: string;
  key: string;
  version?: string | undefined;
  formats: AcceptedFormats;
  lifetimes?: Lifetimes | undefined;
};

const url = (change: Partial<Named> = {}, config = CONFIG) => renditionUrl([keyOf(change, config)]);

test("has everything in plain words", () => {
  expect(url({ version: "7" })).toBe(
    `https://renditions/2/3/AWS/https/acme-media.s3.eu-west-1.amazonaws.com/published/a.jpg?as=webp&image=${encodeURIComponent(
      '{"fit":"cover","metadata":"none","anim":false,"width":160,"height":160,"format":"auto"}',
    )}&v=7`,
  );
});

test("holds no secret (S1)", () => {
  const urls = [...CONFIG.variants.keys()].map((preset) => url({ preset }));
  for (const secret of Object.values(SECRETS)) {
    for (const text of urls) expect(text).not.toContain(secret);
  }
});

/** The key where the preset has another option. */
const urlWith = (option: object) => {
  const card = { ...VARS.PRESETS.card, ...option };
  return url({}, configOf({ PRESETS: { ...VARS.PRESETS, card } }));
};

test("each value of each option is a key of its own (W3, W4)", () => {
  const { dpr: _dpr, widths: _widths, ...options } = RANGES; // these two make variants
  const urls = new Set([url({ preset: "card@2x" }), url({ preset: "wide" })]);
  let values = urls.size;

  for (const [option, { valid }] of Object.entries(options)) {
    for (const value of valid) {
      const text = urlWith({ [option]: value });
      if (text === url()) continue; // the preset has this value already
      expect(urls.has(text), `${option} ${value}`).toBe(false);
      urls.add(text);
      values += 1;
    }
  }

  expect(values).toBeGreaterThan(Object.keys(options).length);
});

test("each key, version, format and setting of a bucket is a key of its own (W3, W4)", () => {
  const formatsBesides = ACCEPTED_FORMATS.filter((formats) => formats !== "webp");
  const settings = [
    ...[{ bucket: "acme-other" }, { endpoint: "https://s3.eu-central-1.amazonaws.com" }],
    ...[{ prefix: "drafts/" }, { addressing: "path" }, { credentials: "OTHER" }],
  ];

  const urls = [
    ...[url(), url({ key: "b.jpg" }), url({ version: "1" })],
    ...formatsBesides.map((formats) => url({ formats })),
    ...settings.map((setting) =>
      url({}, configOf({ BUCKETS: { media: { ...media, ...setting } } })),
    ),
  ];

  expect(new Set(urls).size).toBe(3 + formatsBesides.length + settings.length);
});

test("other names, and another order of the same options, share a key", () => {
  const { fit, height, width } = VARS.PRESETS.card;
  const changed = configOf({
    PRESETS: { ...VARS.PRESETS, tile: { height, dpr: [2], fit, width, format: "auto" } },
    BUCKETS: { ...VARS.BUCKETS, pictures: media },
  });

  expect(url({ bucket: "pictures", preset: "tile" }, changed)).toBe(url());
  expect(url({ preset: "tile@2x" }, changed)).toBe(url({ preset: "card@2x" }));
});

describe("the lifetimes of a route", () => {
  const LONG = { keep: 604_800, stale: 604_800, stale_if_error: 604_800 };
  const POLICIES: readonly Lifetimes[] = [
    ...[LONG, { ...LONG, keep: 60 }, { ...LONG, stale: 60 }, { ...LONG, stale_if_error: 60 }],
    ...[
      { keep: 1, stale: 0, stale_if_error: 0 },
      { keep: 31_536_000, stale: 1, stale_if_error: 1 },
    ],
  ];

  const ROUTES = POLICIES.map((answers, index) => ({
    path: `/${index}/:preset/*`,
    object: ["media/*", "archive/*"],
    answers,
  }));
  const archive = { ...media, bucket: "acme-archive", prefix: "old/" };
  const config = configOf({ BUCKETS: { media, archive }, ROUTES });

  /** The ids of an object in two buckets. */
  const idsOf = (change: Partial<Named>) =>
    [keyOf(change, config), keyOf({ ...change, bucket: "archive" }, config)] as const;

  test("are written behind the name, and only where they differ from [vars.ANSWERS]", () => {
    const text = "&keep=604800&stale=604800&stale_if_error=604800";
    expect(url({ lifetimes: LONG })).toBe(url() + text);
    expect(url({ lifetimes: LONG, version: "7" })).toBe(`${url()}${text}&v=7`);
    const [first] = configOf({ ROUTES: [{ ...ROUTES[0], answers: {}, object: "media/*" }] }).routes;
    expect(first?.policy.lifetimes).toBeUndefined();
  });

  test("are a key of their own each, and read as written, also with a version and two buckets (W3, W4)", () => {
    const urls = new Set<string>();
    for (const lifetimes of [undefined, ...POLICIES]) {
      for (const version of [undefined, "7", "a.b-c_1"]) {
        const ids = idsOf({ lifetimes, version });
        for (const written of [[ids[0]], ids] as const) {
          const text = renditionUrl(written);
          expect(new Request(text).url).toBe(text);
          expect(readRenditionUrl(config, text)).toEqual(written);
          urls.add(text);
        }
      }
    }

    expect(urls.size).toBe(7 * 3 * 2);
  });

  test("are no part of the names, the tags and the ETag (W10)", async () => {
    const [one, other] = [idsOf({}), idsOf({ lifetimes: LONG })];
    expect(other.map((id) => renditionName(id))).toEqual(one.map((id) => renditionName(id)));
    expect(await tagsOf(other)).toEqual(await tagsOf(one));
  });

  const right = renditionUrl(idsOf({ lifetimes: LONG, version: "7" }));
  test.each([
    [
      "those of no route, as after a deploy that changed them",
      right.replace("&keep=604800", "&keep=3600"),
    ],
    ["those of [vars.ANSWERS], which are not written", right.replace("&keep=604800", "&keep=300")],
    ["another spelling", right.replace("&keep=604800", "&keep=0604800")],
    ["another order", right.replace("&keep=604800&stale=604800", "&stale=604800&keep=604800")],
    ["a part of them", right.replace("&stale=604800", "")],
    ["a number that is none", right.replace("&keep=604800", "&keep=-1")],
    ["the version before them", right.replace(/(&keep.*)&v=7/, "&v=7$1")],
    ["two of them", right.replace(/(&keep.*)&v=7/, "$1$1&v=7")],
    [
      "other ones of the second object",
      right.replace("&else=", "&keep=1&stale=0&stale_if_error=0&else="),
    ],
    ["those of a route's browsers", `${right.replace("&v=7", "")}&max_age=60`],
  ])("are not read as %s (W4)", (_name, text) => {
    expect(readRenditionUrl(config, right)).toHaveLength(2);
    expect(text).not.toBe(right);
    expect(readRenditionUrl(config, text)).toBeUndefined();
  });
});

test("a changed region, signing key or route leaves the key as it is", () => {
  const changed = configOf({
    BUCKETS: { media: { ...media, region: "eu-central-1", canary: "a.jpg" } },
    ROUTES: [{ path: "/:preset/*", object: "media/*" }],
    ANSWERS: { max_age: 1, keep: 5 },
  });
  expect(url({}, changed)).toBe(url());
});

/** What the engine "binding" needs, and buckets that share an origin and the word of their credentials. */
const R2 = { get: () => {}, head: () => {}, list: () => {} };
const BOUND = {
  IMAGES: { input: () => {}, info: () => {} },
  MEDIA: R2,
  ROUTES: VARS.ROUTES.filter(({ svg }) => !svg),
};
const LOGO = { ...VARS.PRESETS, card: { ...VARS.PRESETS.card, draw: [{ key: "logo.png" }] } };
const { prefix: _prefix, ...whole } = media;
const AT = { ...whole, endpoint: "https://s3.example", bucket: "own" };
const ARN = "arn:aws:iam::1:role/a";
const KEYLESS = { OIDC: { issuer: "https://images.example.com" }, OIDC_SIGNING_KEY: EC_KEY };

const BINDING = { ...media, engine: "binding" };
const BY_ROLE = { ...AT, engine: "binding", role: ARN };
const FAR = { ...BY_ROLE, role: `${ARN}/https/s3.example/own/b`, bucket: "far" };
const UP = { ...BY_ROLE, role: `${ARN}/../../AWS` };
const R2_PHOTOS = { binding: "MEDIA", prefix: "photos/" };

/** Two buckets by which other bytes are made of one object, or of two objects that seem to be one. */
test.each<[string, object, object, object, string, string]>([
  [
    "the overlay is another object, below another prefix",
    ...([{ ...BINDING, prefix: "published/new/" }, BINDING, { PRESETS: LOGO }] as const),
    ...(["a.jpg", "new/a.jpg"] as const),
  ],
  ["the engine is another one", BINDING, media, {}, "a.jpg", "a.jpg"],
  ["a name is a folder", R2_PHOTOS, { binding: "MEDIA", bucket: "photos" }, {}, "a.jpg", "a.jpg"],
  [
    "a role contains the path of another bucket",
    BY_ROLE,
    FAR,
    KEYLESS,
    "b/https/s3.example/far/a.jpg",
    "a.jpg",
  ],
  [
    "a role has segments that lead to another key",
    { ...AT, engine: "binding" },
    UP,
    KEYLESS,
    "a.jpg",
    "a.jpg",
  ],
])(
  "where %s, the key is another one, and is read as written (W3, W4)",
  (_name, bucket, two, more, key, keyInTwo) => {
    const config = configOf({
      ...BOUND,
      BUCKETS: { ...VARS.BUCKETS, media: bucket, two },
      ...more,
    });

    const both = [keyOf({ key }, config), keyOf({ bucket: "two", key: keyInTwo }, config)];
    const urls = both.map((rendition) => new Request(renditionUrl([rendition])).url);
    expect(new Set(urls).size).toBe(2);

    const names = urls.map((text) => readRenditionUrl(config, text)?.[0].bucket.name);
    expect(names).toEqual(["media", "two"]);
  },
);

const LONG = `${"é".repeat(500)}/abc.jpg`;

describe("reads what it wrote:", () => {
  test("options with quotes, in the bucket of the right credentials", () => {
    const draw = [{ url: "https://overlays.example/it's%20(1).png?a=1&b='2'" }];
    const card = { ...VARS.PRESETS.card, background: "rgb(1, 2, 3)", draw };
    const config = configOf({
      PRESETS: { ...VARS.PRESETS, card },
      BUCKETS: { ...VARS.BUCKETS, other: WITH_OTHER_KEY },
    });
    const rendition = keyOf({ bucket: "other" }, config);
    const text = renditionUrl([rendition]);

    expect(new Request(text).url).toBe(text);
    expect(readRenditionUrl(config, text)?.[0].bucket.name).toBe("other");
  });

  test.each([...CONFIG.variants.keys()])("the variant %s", (preset) => {
    for (const formats of ACCEPTED_FORMATS) {
      const rendition = keyOf({ preset, formats });
      expect(readRenditionUrl(CONFIG, renditionUrl([rendition]))).toEqual([rendition]);
    }
  });
});

const right = url();
test.each([
  ["another form", right.replace("/2/", "/1/")],
  ["another host in the path", right.replace("acme-media", "evil-media")],
  ["another word", right.replace("/AWS/", "/OTHER/")],
  ["a key outside of the prefix", right.replace("/published/", "/")],
  ["a key that leaves the prefix", right.replace("a.jpg", "..%2fa.jpg")],
  ["a key in another spelling", right.replace("a.jpg", "%61.jpg")],
  ["a key that is not UTF-8", right.replace("a.jpg", "%ff")],
  ["no key", right.replace("a.jpg", "")],
  ["options of no preset", right.replace("160", "161")],
  ["a format that is none", right.replace("as=webp", "as=gif")],
  ["no format", right.replace("as=webp&", "")],
  ["a version that is none", `${right}&v=a/b`],
  ["something behind it", `${right}&w=1`],
  ["an original", "https://renditions/2/3/AWS/https/acme-media.s3.eu-west-1.amazonaws.com/a.jpg"],
])("does not read %s (W4)", (_name, text) => {
  expect(readRenditionUrl(CONFIG, text)).toBeUndefined();
});

describe("of several buckets", () => {
  const archive = { ...BINDING, bucket: "acme-archive", prefix: "old/" };
  const config = configOf({
    ...BOUND,
    BUCKETS: { media: BINDING, archive, bound: R2_PHOTOS },
    PRESETS: LOGO,
  });

  const keysOf = (key: string, change: Partial<Named>, ...names: readonly string[]) => {
    const [first = "", ...rest] = names;
    const inBucket = (bucket: string) => keyOf({ ...change, key, bucket }, config);
    return [inBucket(first), ...rest.map(inBucket)] as const;
  };

  const BUCKETS = ["media", "archive", "bound"];

  test.each([
    ...["a.jpg", "100%.jpg", "a b+c&d=e?f#g", "(it's)*!.jpg", "%2e%2e/x", "🦔", LONG],
    ...["a?as=webp&image=x", "&else=1/AWS/https/x", "é&v=1"],
  ])("the key %j is read as it was written, also in one bucket (A10, W3)", (key) => {
    for (const version of [undefined, "a.b-c_1"]) {
      for (const names of [["media"], BUCKETS, BUCKETS.slice(0, 2), ["archive", "media"]]) {
        const keys = keysOf(key, { version, formats: "facts" }, ...names);
        const text = renditionUrl(keys);
        expect(new Request(text).url).toBe(text);
        expect(readRenditionUrl(config, text)).toEqual(keys);
        expect(text.length).toBeLessThan(names.length * 8_192);
      }
    }
  });

  test("each list has a key of its own, in another order, too", () => {
    const lists = [["media"], ["archive"], ["media", "archive"], ["archive", "media"], BUCKETS];
    const urls = lists.map((names) => renditionUrl(keysOf("a.jpg", {}, ...names)));
    expect(new Set(urls).size).toBe(lists.length);
  });

  const two = renditionUrl(keysOf("a.jpg", { version: "7" }, "media", "archive"));
  const second = two.indexOf("&else=");
  const [head, tail] = [two.slice(0, second), two.slice(second, -"&v=7".length)];

  test.each([
    ["nothing behind it", `${head}&else=`],
    ["nothing before it", `https://renditions/2/${tail}`],
    ["another bucket", two.replace("acme-archive", "evil-archive")],
    ["another format of the second", `${head}${tail.replace("as=webp", "as=avif")}`],
    ["another variant of the second", `${head}${renditionOf("hero")}`],
    ["another store of the second", `${head}${tail}&store=0`],
    ["a version between", `${head}&v=7${tail}`],
    ["two versions", `${two}&v=7`],
    ["bytes of another number", `${head}${tail.replace("=3/", "=2/")}`],
  ])("does not read %s (W4)", (_name, text) => {
    expect(readRenditionUrl(config, two)).toHaveLength(2);
    expect(readRenditionUrl(config, text)).toBeUndefined();
  });

  function renditionOf(preset: string) {
    return renditionUrl(keysOf("a.jpg", { preset }, "media", "archive")).slice(second);
  }
});
