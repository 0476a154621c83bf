// Which objects of the configuration a purge means.

import { expect, test } from "vitest";
import { s3Bucket } from "../../../src/worker/config/bucket.ts";
import { selectByEvent, selectByName } from "../../../src/worker/purge/select-objects.ts";

const S3 = "https://acme-media.s3.eu-west-1.amazonaws.com/";
const PLAIN = s3Bucket("media", {
  endpoint: "https://s3.example",
  bucket: "acme-media",
  region: "eu-west-1",
  prefix: "",
  credentials: "AWS",
  engine: "cf",
  source_parameter: true,
});
const named = (name: string, prefix = "", baseUrl = S3, bucket = "acme-media") => ({
  ...PLAIN,
  name,
  bucket,
  baseUrl,
  prefix,
});
const MEDIA = named("media", "published/");
const DRAFTS = named("drafts", "published/drafts/");
const ALL = named("all");
const SECOND = named("other", "", "https://s3.example/acme-other/", "acme-other");
const R2 = named("r2", "", "https://r2.example/acme-media/");

const eventAbout = (bucket: string, key: string) => [{ bucket, key, isRemoved: false }];
const urls = ({ objects }: ReturnType<typeof selectByName>) => objects.map(({ url }) => url);

test.each<[string, string]>([
  ["photos/fig.jpg", "begins with no bucket"],
  ["fig.jpg", "begins with no bucket"],
  ["media", "begins with no bucket"],
  ["/fig.jpg", "begins with no bucket"],
  ["", "begins with no bucket"],
  ["constructor/fig.jpg", "begins with no bucket"],
  ["acme-media/fig.jpg", "begins with no bucket"],
  ["media/", "an empty segment"],
  ["media/../fig.jpg", 'a segment ".."'],
  [`media/${"x".repeat(1015)}`, "longer than 1,024 bytes"],
])("the name %j means no object", (name, reason) => {
  const { objects, skipped } = selectByName([MEDIA, SECOND], [name]);
  expect(objects).toEqual([]);
  expect(skipped).toEqual([{ object: name, reason: expect.stringContaining(reason) }]);
});

test("a name is the bucket of wrangler.toml, and the key below its prefix", () => {
  const names = ["media/a b+c%2B.jpg", "other/media/ä.jpg", `media/${"x".repeat(1014)}`];
  const selection = selectByName([MEDIA, SECOND], names);
  expect(selection.skipped).toEqual([]);
  expect(selection.objects.map(({ name }) => name)).toEqual(names);
  expect(urls(selection)).toEqual([
    `${S3}published/a%20b%2Bc%252B.jpg`,
    "https://s3.example/acme-other/media/%C3%A4.jpg",
    `${S3}published/${"x".repeat(1014)}`,
  ]);

  expect(selection.objects[0]).toMatchObject({
    key: "published/a b+c%2B.jpg",
    bucket: { baseUrl: S3 },
  });
});

test("each object is there once, whatever its names are", () => {
  const names = ["all/published/a.jpg", "media/a.jpg", "media/a.jpg"];
  expect(urls(selectByName([MEDIA, ALL], names))).toEqual([`${S3}published/a.jpg`]);
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
])("an event of %s about %j is about nothing that is shown", (bucket, key, reason) => {
  const { objects, skipped } = selectByEvent([MEDIA], eventAbout(bucket, key));
  expect(objects).toEqual([]);
  expect(skipped).toEqual([{ object: key, reason: expect.stringContaining(reason) }]);
});

test("an event is about every configured bucket that has the object, at each provider", () => {
  const event = eventAbout("acme-media", "published/drafts/a.jpg");
  const selection = selectByEvent([MEDIA, DRAFTS, SECOND, R2], event);
  expect(selection.skipped).toEqual([]);

  // The two buckets at S3 have the same objects: one URL, and one tag.
  expect(selection.objects.map(({ name }) => name)).toEqual([
    "drafts/a.jpg",
    "r2/published/drafts/a.jpg",
  ]);

  const elsewhere = selectByEvent([MEDIA, DRAFTS, R2], eventAbout("acme-media", "a.jpg"));
  expect(elsewhere.objects.map(({ name }) => name)).toEqual(["r2/a.jpg"]);
  expect(elsewhere.skipped).toEqual([]);
});
