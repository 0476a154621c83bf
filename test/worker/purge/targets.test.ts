// Which objects of the configuration a purge means.

import { expect, test } from "vitest";
import { s3Bucket } from "../../../src/worker/config/bucket.ts";
import { targetsNamed, targetsOfEvent } from "../../../src/worker/purge/targets.ts";

const S3 = "https://acme-media.s3.eu-west-1.amazonaws.com/";
const PLAIN = s3Bucket("media", {
  ...{ endpoint: "https://s3.example", bucket: "acme-media", region: "eu-west-1", prefix: "" },
  ...{ credentials: "AWS", engine: "cf", source_parameter: true },
});
const MEDIA = { ...PLAIN, name: "media", bucket: "acme-media", base: S3, prefix: "published/" };
const DRAFTS = {
  ...PLAIN,
  name: "drafts",
  bucket: "acme-media",
  base: S3,
  prefix: "published/drafts/",
};
const ALL = { ...PLAIN, name: "all", bucket: "acme-media", base: S3, prefix: "" };
const OTHER = {
  ...PLAIN,
  name: "other",
  bucket: "acme-other",
  base: "https://s3.example/acme-other/",
  prefix: "",
};
const R2 = {
  ...PLAIN,
  name: "r2",
  bucket: "acme-media",
  base: "https://r2.example/acme-media/",
  prefix: "",
};

const of = (bucket: string, key: string) => [{ bucket, key, isRemoved: false }];
const urls = ({ targets }: ReturnType<typeof targetsNamed>) => targets.map(({ url }) => url);

test.each<[string, string]>([
  ["photos/fig.jpg", "begins with no bucket"],
  ["fig.jpg", "begins with no bucket"],
  ["media", "begins with no bucket"],
  ["/fig.jpg", "begins with no bucket"],
  ["", "begins with no bucket"],
  ["constructor/fig.jpg", "begins with no bucket"],
  ["acme-media/fig.jpg", "begins with no bucket"],
  ["media/", "an empty segment"],
  ["media//fig.jpg", "an empty segment"],
  ["media/../fig.jpg", 'a segment ".."'],
  ["media/a\\b.jpg", "a backslash"],
  ["media/a\u0000.jpg", "a control character"],
  ["media/\ud800.jpg", "an unpaired surrogate"],
  [`media/${"x".repeat(1015)}`, "longer than 1,024 bytes"],
])("the name %j means no object", (name, reason) => {
  const { targets, others } = targetsNamed([MEDIA, OTHER], [name]);
  expect(targets).toEqual([]);
  expect(others).toEqual([{ object: name, reason: expect.stringContaining(reason) }]);
});

test("a name is the bucket of wrangler.toml, and the key below its prefix", () => {
  const names = ["media/a b+c%2B.jpg", "other/media/ä.jpg", `media/${"x".repeat(1014)}`];
  const found = targetsNamed([MEDIA, OTHER], names);
  expect(found.others).toEqual([]);
  expect(found.targets.map(({ name }) => name)).toEqual(names);
  expect(urls(found)).toEqual([
    `${S3}published/a%20b%2Bc%252B.jpg`,
    "https://s3.example/acme-other/media/%C3%A4.jpg",
    `${S3}published/${"x".repeat(1014)}`,
  ]);
  expect(found.targets[0]).toMatchObject({ key: "published/a b+c%2B.jpg", bucket: { base: S3 } });
});

test("each object is there once, whatever its names are", () => {
  const names = ["all/published/a.jpg", "media/a.jpg", "media/a.jpg"];
  expect(urls(targetsNamed([MEDIA, ALL], names))).toEqual([`${S3}published/a.jpg`]);
});

test.each<[string, string, string]>([
  ["acme-other", "published/a.jpg", "another bucket"],
  ["media", "published/a.jpg", "another bucket"],
  ["ACME-MEDIA", "published/a.jpg", "another bucket"],
  ["__proto__", "published/a.jpg", "another bucket"],
  ["acme-media", "a.jpg", "outside of the prefix"],
  ["acme-media", "published", "outside of the prefix"],
  ["acme-media", "Published/a.jpg", "outside of the prefix"],
  ["acme-media", "xpublished/a.jpg", "outside of the prefix"],
  ["acme-media", "published/", "no URL can name"],
  ["acme-media", "published/../a.jpg", "no URL can name"],
  ["acme-media", "published/a//b.jpg", "no URL can name"],
  ["acme-media", "published/a\n.jpg", "no URL can name"],
])("an event of %s about %j is about nothing that is shown", (bucket, key, reason) => {
  const { targets, others } = targetsOfEvent([MEDIA], of(bucket, key));
  expect(targets).toEqual([]);
  expect(others).toEqual([{ object: key, reason: expect.stringContaining(reason) }]);
});

test("an event is about every configured bucket that has the object, at each provider", () => {
  const event = of("acme-media", "published/drafts/a.jpg");
  const found = targetsOfEvent([MEDIA, DRAFTS, OTHER, R2], event);
  expect(found.others).toEqual([]);
  // The two buckets at S3 have the same objects: one URL, and one tag.
  expect(found.targets.map(({ name }) => name)).toEqual([
    "drafts/a.jpg",
    "r2/published/drafts/a.jpg",
  ]);
  const elsewhere = targetsOfEvent([MEDIA, DRAFTS, R2], of("acme-media", "a.jpg"));
  expect(elsewhere.targets.map(({ name }) => name)).toEqual(["r2/a.jpg"]);
  expect(elsewhere.others).toEqual([]);
});
