// The URL of a rendition, which is the cache key: what shapes the bytes is in it, and nothing else (W3).

import { describe, expect, test } from "vitest";
import {
  type RenditionKey,
  readRenditionUrl,
  renditionUrl,
} from "../../../src/worker/cache/rendition-url.ts";
import { type Config, readConfig } from "../../../src/worker/config/config.ts";
import { ACCEPTED_FORMATS, type AcceptedFormats } from "../../../src/worker/request/format.ts";
import { ENV, SECRETS, VARS } from "../../support/env.ts";
import { EC_KEY } from "../../support/issuer.ts";

const OTHER = { ...VARS.BUCKETS.media, credentials: "OTHER" };
const OTHER_SECRETS = { OTHER_ACCESS_KEY_ID: "id", OTHER_SECRET_ACCESS_KEY: "secret" };

function configOf(change: object = {}): Config {
  const config = readConfig({ ...ENV, ...OTHER_SECRETS, ...change });
  if ("mistakes" in config) throw new Error(JSON.stringify(config.mistakes));
  return config;
}

const CONFIG = configOf();

/** The key of a rendition by names of the configuration. */
function keyOf(change: Partial<Named> = {}, config = CONFIG): RenditionKey {
  const { bucket: name, preset, key, version, formats } = { ...USUAL, ...change };
  const bucket = config.buckets.find((one) => one.name === name) ?? expect.unreachable();
  const variant = config.variants.get(preset) ?? expect.unreachable();
  return { bucket, variant, key: bucket.prefix + key, version, formats, isStorable: true };
}
const USUAL: Named = { bucket: "media", preset: "card", key: "a.jpg", formats: "webp" };
type Named = {
  bucket: string;
  preset: string;
  key: string;
  version?: string | undefined;
  formats: AcceptedFormats;
};

const url = (change: Partial<Named> = {}, config = CONFIG) => renditionUrl(keyOf(change, config));

test("has everything in plain words", () => {
  expect(url({ version: "7" })).toBe(
    `https://renditions/2/1/AWS/https/acme-media.s3.eu-west-1.amazonaws.com/published/a.jpg?as=webp&image=${encodeURIComponent(
      '{"fit":"cover","metadata":"none","anim":false,"width":160,"height":160,"format":"auto"}',
    )}&v=7`,
  );
});

test("holds no secret (S1)", () => {
  const urls = [...CONFIG.variants.keys()].map((preset) => url({ preset }));
  for (const secret of Object.values(SECRETS)) {
    for (const one of urls) expect(one).not.toContain(secret);
  }
});

/** Two configurations, or two wants: the second gets other bytes. */
const DIFFERENT: readonly (readonly [string, string])[] = [
  ["another key", url({ key: "b.jpg" })],
  ["another version", url({ version: "1" })],
  ["another density", url({ preset: "card@2x" })],
  ["another preset", url({ preset: "wide" })],
  ...ACCEPTED_FORMATS.filter((formats) => formats !== "webp").map(
    (formats) => [`as ${formats}`, url({ formats })] as const,
  ),
  ...[
    { width: 161 },
    { height: 161 },
    { fit: "contain" },
    { gravity: "face" },
    { gravity: { x: 0.5, y: 0.25 } },
    { zoom: 0.5 },
    { background: "red" },
    { rotate: 90 },
    { flip: "h" },
    { sharpen: 1 },
    { blur: 2 },
    { brightness: 1.1 },
    { contrast: 1.1 },
    { gamma: 1.1 },
    { saturation: 1.1 },
    { segment: "foreground" },
    { upscale: "interpolate" },
    { trim: { top: 1 } },
    { border: { color: "red", width: 1 } },
    { quality: 50 },
    { format: "jpeg" },
    { metadata: "keep" },
    { anim: true },
    { compression: "fast" },
    { draw: [{ url: "https://overlays.example/a.png" }] },
  ].map((option) => {
    const card = { ...VARS.PRESETS.card, ...option };
    const changed = configOf({ PRESETS: { ...VARS.PRESETS, card } });
    return [JSON.stringify(option), url({}, changed)] as const;
  }),
  ...[
    { bucket: "acme-other" },
    { endpoint: "https://s3.eu-central-1.amazonaws.com" },
    { prefix: "drafts/" },
    { addressing: "path" },
    { credentials: "OTHER" },
  ].map((setting) => {
    const changed = configOf({ BUCKETS: { media: { ...VARS.BUCKETS.media, ...setting } } });
    return [JSON.stringify(setting), url({}, changed)] as const;
  }),
];

test.each(DIFFERENT)("%s is another key (W3, W4)", (_name, other) => {
  expect(other).not.toBe(url());
});

test("no two of these are one key (W3)", () => {
  expect(new Set(DIFFERENT.map(([, one]) => one)).size).toBe(DIFFERENT.length);
});

test("what only is called differently shares a key, and so does what is written in another order", () => {
  const { fit, height, width } = VARS.PRESETS.card;
  const changed = configOf({
    PRESETS: { ...VARS.PRESETS, tile: { height, dpr: [2], fit, width, format: "auto" } },
    BUCKETS: { ...VARS.BUCKETS, pictures: VARS.BUCKETS.media },
  });
  expect(url({ bucket: "pictures", preset: "tile" }, changed)).toBe(url());
  expect(url({ preset: "tile@2x" }, changed)).toBe(url({ preset: "card@2x" }));
});

test("a changed region, signing key or route leaves the key as it is", () => {
  const changed = configOf({
    BUCKETS: { media: { ...VARS.BUCKETS.media, region: "eu-central-1", canary: "a.jpg" } },
    ROUTES: [{ path: "/:preset/*", object: "media/*" }],
    ANSWERS: { max_age: 1, keep: 5 },
  });
  expect(url({}, changed)).toBe(url());
});

/** What the engine "binding" needs, and buckets that share an origin and the word of their credentials. */
const R2 = { get: () => {}, head: () => {} };
const BOUND = {
  IMAGES: { input: () => {}, info: () => {} },
  MEDIA: R2,
  ROUTES: VARS.ROUTES.filter(({ svg }) => !svg),
};
const { media } = VARS.BUCKETS;
const LOGO = { ...VARS.PRESETS, card: { ...VARS.PRESETS.card, draw: [{ key: "logo.png" }] } };
const { prefix: _prefix, ...whole } = media;
const AT = { ...whole, endpoint: "https://s3.example", bucket: "own" };
const ARN = "arn:aws:iam::1:role/a";
const KEYLESS = { OIDC: { issuer: "https://images.example.com" }, OIDC_SIGNING_KEY: EC_KEY };

/** Two buckets by which other bytes are made of one object, or of two objects that seem to be one. */
test.each<[string, object, object, object, string, string]>([
  [
    "the overlay is another object, below another prefix",
    { ...media, engine: "binding", prefix: "published/new/" },
    { ...media, engine: "binding" },
    { PRESETS: LOGO },
    ...(["a.jpg", "new/a.jpg"] as const),
  ],
  ["the engine is another one", { ...media, engine: "binding" }, media, {}, "a.jpg", "a.jpg"],
  [
    "the bucket's name is a folder of the other one",
    { binding: "MEDIA", prefix: "photos/" },
    { binding: "MEDIA", bucket: "photos" },
    {},
    ...(["a.jpg", "a.jpg"] as const),
  ],
  [
    "the path of the role has the place of the other one",
    { ...AT, engine: "binding", role: ARN },
    { ...AT, engine: "binding", role: `${ARN}/https/s3.example/own/b`, bucket: "far" },
    KEYLESS,
    ...(["b/https/s3.example/far/a.jpg", "a.jpg"] as const),
  ],
  [
    "the path of the role leads to the other one",
    { ...AT, engine: "binding" },
    { ...AT, engine: "binding", role: `${ARN}/../../AWS` },
    KEYLESS,
    ...(["a.jpg", "a.jpg"] as const),
  ],
])(
  "where %s, the key is another one, and is read as written (W3, W4)",
  (_name, one, two, more, key, other) => {
    const config = configOf({ ...BOUND, BUCKETS: { ...VARS.BUCKETS, media: one, two }, ...more });
    const both = [keyOf({ key }, config), keyOf({ bucket: "two", key: other }, config)];
    const urls = both.map((asked) => new Request(renditionUrl(asked)).url);
    expect(new Set(urls).size).toBe(2);
    expect(urls.map((text) => readRenditionUrl(config, text)?.bucket.name)).toEqual([
      "media",
      "two",
    ]);
  },
);

const LONG = `${"é".repeat(500)}/abc.jpg`;

describe("reads back what it wrote:", () => {
  const keys = ["a.jpg", "100%.jpg", "a b+c&d=e?f#g", "(it's)*!.jpg", "%2e%2e/x", "🦔"];
  test.each([...keys, LONG])("the key %j (A10)", (key) => {
    const asked = keyOf({ key, version: "a.b-c_1" });
    const text = renditionUrl(asked);
    expect(new Request(text).url).toBe(text);
    expect(readRenditionUrl(CONFIG, text)).toEqual(asked);
    expect(text.length).toBeLessThan(8_192);
  });

  test.each([...CONFIG.variants.keys()])("the variant %s", (preset) => {
    for (const formats of ACCEPTED_FORMATS) {
      const asked = keyOf({ preset, formats });
      expect(readRenditionUrl(CONFIG, renditionUrl(asked))).toEqual(asked);
    }
  });

  test("options with quotes, in the bucket of the right credentials", () => {
    const draw = [{ url: "https://overlays.example/it's%20(1).png?a=1&b='2'" }];
    const card = { ...VARS.PRESETS.card, background: "rgb(1, 2, 3)", draw };
    const config = configOf({
      PRESETS: { ...VARS.PRESETS, card },
      BUCKETS: { ...VARS.BUCKETS, other: OTHER },
    });
    const asked = keyOf({ bucket: "other" }, config);
    const text = renditionUrl(asked);
    expect(new Request(text).url).toBe(text);
    expect(readRenditionUrl(config, text)?.bucket.name).toBe("other");
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
  ["an original", "https://renditions/2/1/AWS/https/acme-media.s3.eu-west-1.amazonaws.com/a.jpg"],
])("does not read %s (W4)", (_name, text) => {
  expect(readRenditionUrl(CONFIG, text)).toBeUndefined();
});
