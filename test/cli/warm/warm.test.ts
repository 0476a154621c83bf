// What vitrine warm requests, and what it does not request again.

import { globSync, readFileSync, writeFileSync } from "node:fs";
import { expect, onTestFinished, test } from "vitest";
import { MORE } from "../../support/cli/folder.ts";
import { arrange, folder, SITE, site, some, warm } from "../../support/cli/warming.ts";
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

test("it requests again only what was not done, and --restart forgets what was done", async () => {
  const interrupt = new AbortController();
  arrange((_path, index) => {
    if (index === 40) interrupt.abort();
    return undefined;
  });
  const keys = some(10);
  const args = ["--preset", "card"];
  const first = await warm(keys, args, { interrupted: interrupt.signal });
  expect(first.code).toBe(130);
  expect(first.err).toContain("To continue, run it again");
  const file = /^.wrangler\/vitrine\/warm-[0-9a-f]{12}\.jsonl$/;
  const [name = ""] = globSync(".wrangler/vitrine/*", { cwd: folder() });
  expect(name).toMatch(file);
  const recorded = () =>
    readFileSync(`${folder()}/${name}`, "utf8")
      .split("\n")
      .filter((line) => line !== "");
  const done = recorded().flatMap((line) => JSON.parse(line).done).length;
  expect(done).toBeGreaterThan(30);
  expect(done).toBeLessThanOrEqual(41);
  expect(first.out).toContain(`Images    ${done}  ${done},000 bytes\n`);

  arrange();
  const second = await warm(keys, args);
  expect(second.code).toBe(0);
  expect(site.asked).toHaveLength(90 - done);
  expect(second.err).toContain(`10 keys: ${90 - done} requests, and ${done} done before`);
  expect(second.out).toContain(`Done before  ${done}  by .wrangler`);
  expect(new Set(recorded().map((line) => JSON.parse(line).id)).size).toBe(10);

  // An incomplete line, and lines that belong to no record: their variants are requested again.
  const lines = recorded();
  const torn = lines.at(-1) ?? "";
  const rest = lines.slice(0, -1).join("\n");
  writeFileSync(`${folder()}/${name}`, `${rest}\nnull\n{"id":"x"}\n${torn.slice(0, 40)}`);
  arrange();
  expect(await warm(keys, args)).toMatchObject({ code: 0 });
  expect(site.asked).toHaveLength(JSON.parse(torn).done.length);
  arrange();
  const nothing = await warm(keys, args);
  expect([nothing.code, nothing.err]).toEqual([0, expect.not.stringContaining("$")]);
  expect(site.asked).toHaveLength(0);

  expect(await warm(keys.slice(0, 1), [...args, "--restart"])).toMatchObject({ code: 0 });
  expect(site.asked).toHaveLength(9);
  expect((await warm(keys, args)).out).toContain("Done before   9  by");
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
At most $15.00: $0.50 for 1,000, after the month's 5,000 free ones.
More keys follow, at the same price each. Their number is not known.
Without --yes it ends at the month's 5,000 free ones.
`);
  expect(site.asked).toEqual([]);
  expect(globSync(".wrangler/vitrine/*", { cwd: folder() })).toEqual([]);
});

test("the record has one line for each object, also for one that was done in part", async () => {
  const interrupt = new AbortController();
  const args = ["--preset", "card", "--concurrency", "1"];
  const given = { interrupted: interrupt.signal };
  setTimeout(() => interrupt.abort(), 4_000); // of the clock that runs fast
  expect(await warm(some(2), args, given)).toMatchObject({ code: 130 });
  const [name = ""] = globSync(".wrangler/vitrine/*", { cwd: folder() });
  const read = () =>
    readFileSync(`${folder()}/${name}`, "utf8")
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line));
  const before = read();
  const done = before.flatMap((line) => line.done);
  expect(before.length).toBeLessThanOrEqual(2);
  expect(done.length).toBeGreaterThanOrEqual(site.asked.length - 1);
  expect(await warm(some(2), args)).toMatchObject({ code: 0 });
  expect(read().flatMap((line) => line.done)).toHaveLength(18);
  expect(await warm(some(2), args)).toMatchObject({
    err: expect.stringMatching(/^2 keys: 0 requests, and 18 done before/),
  });
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
