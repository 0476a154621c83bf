// The loader of next/image, in an app that Next.js itself builds.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { expectFriends, expectNoKey, expectOpen, signedPagesOf } from "./opens.ts";
import { candidatesIn, elements, heroOf, imgOf, shownBy } from "./page.ts";
import { run, textsIn } from "./run.ts";

const APP = join(import.meta.dirname, "next-app");
const START = ["../node_modules/.bin/next", "start"];
const FIG = "photos/fig.jpg";
let html = "";

beforeAll(async () => {
  await run("next-app", ["next", "build"]);
  const pages = ["index.html", "more.html"].map((page) => join(APP, ".next/server/app", page));
  html = pages.map((page) => readFileSync(page, "utf8")).join("\n");
});

test('a Server Component needs no "use client"', () => {
  expect(textsIn("next-app/app", ".tsx")).not.toContain("use client");
  expect(elements(html, "img")).toHaveLength(6);
});

test("with sizes, there is one candidate for each width of the preset, and each descriptor is true", () => {
  const { srcset, src, sizes } = imgOf(html, "A fig");
  expect(candidatesIn(srcset)).toEqual(heroOf(FIG));
  expect([shownBy(src), sizes]).toEqual([`hero ${FIG}`, "(max-width: 1200px) 100vw, 1200px"]);
});

test("without sizes, 1x and 2x are the smallest variants that are wide enough, whatever the quality", () => {
  const { srcset, src } = imgOf(html, "density");
  expect(candidatesIn(srcset)).toEqual([`1x card ${FIG}`, `2x card@2x ${FIG}`]);
  expect(shownBy(src)).toBe(`card@2x ${FIG}`);
});

test("a key that is hard to spell stays unchanged", () => {
  const hard = "keys/1+1=2 (ü).jpg";
  const { srcset } = imgOf(html, "hard");
  expect(candidatesIn(srcset)).toEqual([`1x card ${hard}`, `2x card@2x ${hard}`]);
});

test.each(["preload", "priority"])("%s: the page's head preloads what the image shows", (alt) => {
  const { srcset } = imgOf(html, alt);
  expect(candidatesIn(srcset)).toEqual(heroOf(FIG));
  const links = elements(html, "link").filter((link) => link["as"] === "image");
  expect(links.map((link) => link["imagesrcset"])).toContain(srcset);
});

test("getImageProps gives the same URLs to the app's own <img>", () => {
  const { srcset, ...img } = imgOf(html, "props");
  expect(candidatesIn(srcset)).toEqual([`1x thumbnail ${FIG}`, `2x thumbnail@2x ${FIG}`]);
  expect(img).not.toHaveProperty("data-nimg");
});

test("each URL of the pages opens", () => expectOpen(html));

test("each URL of a signed srcset opens, until it expires, and the app holds no key", async () => {
  const [friends = "", more = ""] = await signedPagesOf("next-app", START, [
    "/friends",
    "/friends/more",
  ]);
  await expectFriends(friends, more);
  expect(elements(more, "link").map((link) => link["imagesrcset"])).toContain(
    imgOf(more, "hard")["srcset"],
  );
  const scripts = textsIn("next-app/.next/static", ".js");
  expect(scripts).not.toMatch(/HMAC|URL_SIGNING_KEYS/);
  expectNoKey(friends, more, scripts, textsIn("next-app/.next"));
});

test("an unknown preset fails the build, and the message says what to write", async () => {
  const built = run("next-wrong", ["next", "build"]);
  await expect(built).rejects.toThrow(
    'RangeError: Vitrine: unknown preset "poster" for "photos/fig.jpg": write src={nextSrc(images.site, key, preset)} with one of the presets thumbnail, card, hero',
  );
});
