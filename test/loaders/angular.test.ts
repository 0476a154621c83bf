// The loader of NgOptimizedImage, in an app that Angular itself builds and serves.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { FRIENDS, HARD } from "./keys.ts";
import { expectNoKey, expectOpen, expectSigned, signedPagesOf, TIMES } from "./opens.ts";
import { candidatesIn, elements, expectPlaceholder, heroOf, imgOf, shownBy } from "./page.ts";
import { run, textsIn } from "./run.ts";

const SERVER = ["dist/server/server.mjs"];
const FIG = "photos/fig.jpg";

/** The text of a page that was made when the app was built. */
const page = (name: string) =>
  readFileSync(join(import.meta.dirname, "angular-app/dist/browser", name, "index.html"), "utf8");

beforeAll(() => run("angular-app", ["ng", "build"]));

test("with ngSrcset, there is one candidate for each size of the preset, and each descriptor is true", () => {
  const { srcset, src, sizes, width, height } = imgOf(page(""), "A fig");
  expect([candidatesIn(srcset), shownBy(src)]).toEqual([heroOf(FIG), `hero ${FIG}`]);
  expect([sizes, width, height]).toEqual(["auto, 50vw", "2572", "1740"]);
  const densities = ["1x card", "1.5x card@1.5x", "2x card@2x"].map((one) => `${one} ${FIG}`);
  expect(candidatesIn(imgOf(page("more"), "densities")["srcset"])).toEqual(densities);
});

test("without ngSrcset, 1x and 2x are the smallest variants that are wide enough", () => {
  const { srcset, src } = imgOf(page("more"), "fixed");
  expect(candidatesIn(srcset)).toEqual([`1x card ${FIG}`, `2x card@2x ${FIG}`]);
  expect(shownBy(src)).toBe(`card ${FIG}`);
});

test("a key that is hard to spell stays unchanged, and the page's head preloads it", () => {
  const hard = "keys/1+1=2 (ü).jpg";
  const { srcset } = imgOf(page("more"), "hard");
  expect(candidatesIn(srcset)).toEqual([`1x card ${hard}`, `2x card@2x ${hard}`]);
  const links = elements(page("more"), "link").map((link) => link["imagesrcset"]);
  expect(links).toEqual([srcset]);
});

test("a placeholder is the smallest variant of the preset", () => {
  const { srcset, style } = imgOf(page("more"), "fill");
  expect(candidatesIn(srcset)).toEqual(heroOf(FIG));
  const [, url] = /background-image: url\(&quot;(.*?)&quot;\)/.exec(style ?? "") ?? [];
  expect(shownBy(url)).toBe(`hero@640w ${FIG}`);
});

test("each URL of the pages opens", () => expectOpen(page(""), page("more")));

test("each URL of a signed srcset opens, until it expires, and the app holds no key", async () => {
  const [friends = "", more] = await signedPagesOf("angular-app", SERVER, ["/friends", "/more"]);
  await expectSigned(friends, [FRIENDS, HARD], TIMES.early);
  expectPlaceholder(friends);
  expect(more).toBe(page("more"));
  const scripts = textsIn("angular-app/dist/browser", ".js");
  expect(scripts).toContain("https://images.example.com");
  expect(scripts).not.toMatch(/HMAC|URL_SIGNING_KEYS/);
  expect(scripts).not.toContain(FRIENDS); // so no facts of signed pictures get to everybody
  expectNoKey(friends, scripts, textsIn("angular-app/dist"));
});
