// The provider and presets of Nuxt Image, in an app that Nuxt itself builds and serves.

import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { installClient } from "../client/compile.ts";
import { ROOT } from "../support/built.ts";
import {
  expectFriends,
  expectNoKey,
  expectOpen,
  signedPagesOf,
  signingAt,
  TIMES,
} from "./opens.ts";
import { candidatesIn, elements, heroOf, imgOf, shownBy } from "./page.ts";
import { pagesOf, run, textsIn } from "./run.ts";

const SERVER = [".output/server/index.mjs"];
const FIG = "photos/fig.jpg";
let html = "";

beforeAll(async () => {
  const app = join(import.meta.dirname, "nuxt-app");
  await installClient(app);
  const file = join(app, "with-package/dist/vitrine.ts");
  const client = ["src/cli/vitrine.js", "client", file, "--base-url", "https://images.example.com"];
  mkdirSync(dirname(file), { recursive: true });
  execFileSync(process.execPath, client, { cwd: ROOT });
  await run("nuxt-app", ["nuxi", "build"]);
  html = readFileSync(join(import.meta.dirname, "nuxt-app/.output/public/index.html"), "utf8");
});

test("a preset with widths has one candidate for each width, and each descriptor is true", () => {
  const { srcset, src, sizes } = imgOf(html, "A fig");
  expect([candidatesIn(srcset), shownBy(src)]).toEqual([heroOf(FIG), `hero ${FIG}`]);
  expect(sizes?.split(", ").map((size) => size.replace(/^\(.*\) /, ""))).toEqual(
    Array(4).fill("100vw"),
  );
});

test.each(["densities", "width"])(
  "%s: a preset with dpr has candidates for its whole densities",
  (alt) => {
    const { srcset, src, sizes } = imgOf(html, alt);
    expect(candidatesIn(srcset)).toEqual([`480w card ${FIG}`, `960w card@2x ${FIG}`]);
    expect([sizes, shownBy(src)]).toEqual(["480px", `card ${FIG}`]);
  },
);

test("the page's own sizes get the smallest variants that are wide enough", () => {
  expect(candidatesIn(imgOf(html, "sizes")["srcset"])).toEqual([
    `500w hero@640w ${FIG}`,
    `650w hero@960w ${FIG}`,
    `1000w hero@1280w ${FIG}`,
    `1300w hero ${FIG}`,
  ]);
});

test("a key that is hard to spell stays unchanged", () => {
  const hard = "keys/1+1=2 (ü).jpg";
  const { srcset } = imgOf(html, "hard");
  expect(candidatesIn(srcset)).toEqual([`160w thumbnail ${hard}`, `320w thumbnail@2x ${hard}`]);
});

test("a placeholder is the smallest variant of the preset", () => {
  expect(shownBy(imgOf(html, "placeholder")["src"])).toBe(`hero@640w ${FIG}`);
});

test("NuxtPicture has the same URLs for each format", () => {
  const sources = [...elements(html, "source"), imgOf(html, "picture")];
  const candidates = [`640w hero@640w ${FIG}`, `1920w hero ${FIG}`];
  expect(sources.map(({ srcset }) => candidatesIn(srcset))).toEqual([candidates, candidates]);
});

test("each URL of the page opens", () => expectOpen(html));

test("each URL of a signed srcset opens, until it expires, and the app holds no key", async () => {
  const [friends = "", hard = ""] = await signedPagesOf("nuxt-app", SERVER, ["/friends", "/hard"]);
  await expectFriends(friends, hard);
  const scripts = textsIn("nuxt-app/.output/public", ".js");
  expect(scripts).toContain("https://images.example.com");
  expect(scripts).not.toMatch(/HMAC|URL_SIGNING_KEYS/);
  expectNoKey(friends, hard, scripts, textsIn("nuxt-app/.output"));
});

test("the server finds each name of a file that imports the package", async () => {
  const [response = ""] = await pagesOf(
    "nuxt-app",
    SERVER,
    ["/api/with-package"],
    signingAt(TIMES.early),
  );
  expect(JSON.parse(response)).toEqual([
    expect.stringMatching(
      /^https:\/\/images\.example\.com\/images\/card\/photos\/fig\.jpg\?exp=2000000000&/,
    ),
    "card:photos/fig.jpg",
  ]);
});
