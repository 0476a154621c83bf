// What vitrine warm requests.

import { readFileSync, writeFileSync } from "node:fs";
import { expect, onTestFinished, test } from "vitest";
import { MORE } from "../../support/cli/folder.ts";
import { folder, SITE, site, some, warm } from "../../support/cli/warming.ts";
import { editFile } from "../../support/local-run.ts";

const tellAll = () =>
  site.asked.map(({ path, accept }) => `${path} ${accept.split(",", 1)}`).toSorted();

test("it requests every variant in every format, and no rendition of the edge twice", async () => {
  const ended = await warm(["photos/fig #1.jpg", "photos/fig #1.jpg"]);
  expect(ended.code).toBe(0);
  const all = [
    "thumbnail",
    "thumbnail@2x",
    "card",
    "card@1.5x",
    "card@2x",
    "hero@640w",
    "hero@960w",
  ];
  const formats = ["image/avif", "image/webp", "image/png"];
  const wanted = [
    ...all.flatMap((variant) => formats.map((format) => [variant, format])),
    // No AVIF with a side over 1,200 px (O7), and hero@1920w is hero.
    ...["hero", "hero@1280w"].flatMap((variant) => [
      [variant, "image/avif"],
      [variant, "image/png"],
    ]),
  ];
  expect(tellAll()).toEqual(
    wanted
      .map(([variant, format]) => `/images/${variant}/photos/fig%20%231.jpg ${format}`)
      .toSorted(),
  );
  expect(ended.err).toContain(
    "2 keys: 25 requests, with 13 unique transformations.\nAt most $0.01: $0.50 for 1,000, after the",
  );
  expect(ended.out).toBe(
    `Images    25  25,000 bytes
  avif     9  9,000 bytes
  jpeg     9  9,000 bytes
  webp     7  7,000 bytes
Failures   0
`,
  );
});

test.each<[string, args: string[], key: string, requests: number, only: RegExp]>([
  ["a preset", ["--preset", "card"], "a.jpg", 9, /^\/images\/card(?:@\w+(?:\.5x)?)?\/a\.jpg /],
  [
    "a variant",
    ["--preset", "hero@640w", "--preset", "thumbnail@2x"],
    "a.jpg",
    6,
    /(?:hero@640w|thumbnail@2x)\/a/,
  ],
  [
    "a preset, and a variant of it",
    ["--preset", "card", "--preset", "card@2x"],
    "a.jpg",
    9,
    /^\/images\/card/,
  ],
  ["formats", ["--accept", "none,webp", "--preset", "card"], "a.jpg", 6, / image\/(?:png|webp)$/],
  [
    "a route",
    ["--route", "/avatars/:user/:preset"],
    "users/ada/avatar.png",
    6,
    /^\/avatars\/ada\/thumbnail/,
  ],
  [
    "a public URL",
    ["--preset", "card"],
    `${SITE}/images/hero/a%23.jpg`,
    9,
    /^\/images\/card.*\/a%23\.jpg /,
  ],
])("only %s", async (_what, args, key, requests, only) => {
  expect(await warm([key], args)).toMatchObject({ code: 0 });
  expect(site.asked).toHaveLength(requests);
  for (const one of tellAll()) expect(one).toMatch(only);
});

test.each([1, 3, 6, 20])("it sends no more than %d requests at once", async (concurrency) => {
  const args = ["--preset", "thumbnail", "--concurrency", `${concurrency}`];
  expect(await warm(some(20), args)).toMatchObject({ code: 0 });
  expect([site.asked.length, site.most]).toEqual([120, concurrency]);
});

test("a dry run prints the URLs of any number of keys, and requests nothing", async () => {
  const keys = some(10_200);
  const args = ["--preset", "card", "--dry-run"];
  const ended = await warm(keys, args);
  expect(ended.code).toBe(0);
  expect(ended.out.split("\n").slice(0, -1)).toEqual(
    keys.flatMap((key) =>
      ["card", "card@1.5x", "card@2x"].map((one) => `${SITE}/images/${one}/${key}`),
    ),
  );
  expect(
    ended.err,
  ).toBe(`The first 10,000 keys: 90,000 requests, with 30,000 unique transformations.
At most $15.00: $0.50 for 1,000, after the month's 5,000 free ones. What is stored costs nothing.
More keys follow, at the same price each. Their number is not known.
Without --yes it ends at 5,000 of them.
`);
  expect(site.asked).toEqual([]);
});

test("with several buckets, each key begins with the name of its bucket", async () => {
  const file = `${folder()}/wrangler.toml`;
  const before = readFileSync(file, "utf8");
  onTestFinished(() => writeFileSync(file, before));
  editFile(file, (text) => text.replace("[vars.PRESETS.thumbnail]", `${MORE}$&`));
  const keys = ["media/a.jpg", "more/a.jpg", "a b.jpg", `${SITE}/more/card/b.jpg`];
  const args = ["--preset", "card@2x", "--accept", "webp"];
  const { code, err } = await warm(keys, args);
  expect(code).toBe(1);
  expect(err).toContain('"a b.jpg": which bucket is it in? Write media/a b.jpg or more/a b.jpg\n');
  expect(site.asked.map(({ path }) => path).sort()).toEqual([
    "/images/card@2x/a.jpg",
    "/more/card@2x/a.jpg",
    "/more/card@2x/b.jpg",
  ]);
});
