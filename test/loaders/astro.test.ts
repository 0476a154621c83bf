// The image service and unpic's component in an app that Astro itself builds and serves.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, onTestFinished, test } from "vitest";
import { launch } from "../browser/chromium.ts";
import { FRIENDS } from "./keys.ts";
import {
  expectFriends,
  expectNoKey,
  expectOpen,
  expectSigned,
  signedPagesOf,
  signedUrlsIn,
  signingAt,
  TIMES,
} from "./opens.ts";
import { candidatesIn, elements, expectHeroes, heroOf, imgOf, shownBy } from "./page.ts";
import { pagesOf, run, textsIn } from "./run.ts";

const SERVER = ["dist/server/entry.mjs"];
const DEV = ["../node_modules/.bin/astro", "dev"];
const FIG = "photos/fig.jpg";
const CARD = [`1x card ${FIG}`, `1.5x card@1.5x ${FIG}`, `2x card@2x ${FIG}`];

/** The text of a page that was made when the app was built. */
const page = (name: string) =>
  readFileSync(join(import.meta.dirname, "astro-app/dist/client", name, "index.html"), "utf8");

beforeAll(() => run("astro-app", ["astro", "build"], signingAt(TIMES.early)));

test("<Image> has all widths of the preset, and the size and the placeholder of the fact", () => {
  const { srcset, src, ...img } = imgOf(page(""), "A fig");
  expect([candidatesIn(srcset), shownBy(src)]).toEqual([heroOf(FIG), `hero ${FIG}`]);
  expect(img).toMatchObject({ width: "1920", height: "1299", sizes: "50vw", loading: "lazy" });
  expect(img["style"]).toMatch(/^background: url\(data:image\/png;base64,/);
});

test("what the preset sets is not taken from the page, and all else is", () => {
  const more = page("more");
  const attributesOf = (alt: string) => {
    const { srcset, src, width, height } = imgOf(more, alt);
    return [candidatesIn(srcset), shownBy(src), width, height];
  };
  const card = [CARD, `card ${FIG}`, "480", "325"];
  expect(attributesOf("density")).toEqual(card);
  expect(attributesOf("got")).toEqual(card);
  expect(elements(more, "link").map((link) => candidatesIn(link["imagesrcset"]))).toEqual([CARD]);
  const hard = "keys/1+1=2 (ü).jpg";
  const thumbnails = [`1x thumbnail ${hard}`, `2x thumbnail@2x ${hard}`];
  expect(attributesOf("hard")).toEqual([thumbnails, `thumbnail ${hard}`, "80", "80"]);
  const pageAttributes = { class: "round", loading: "eager", fetchpriority: "high" };
  expect(imgOf(more, "hard")).toMatchObject(pageAttributes);
  const unknown = "photos/unknown.jpg";
  expect(attributesOf("layout")).toEqual([
    heroOf(unknown),
    `hero ${unknown}`,
    undefined,
    undefined,
  ]);
  expect(imgOf(more, "own")).toMatchObject({ width: "30", height: "20" });
  expect(imgOf(more, "own")["src"]).toMatch(/^\/_astro\/own\.\w+\.png$/);
});

test("<Picture> shows what <Image> shows: a browser takes no <source>", async () => {
  const more = page("more");
  const { srcset, src, sizes } = imgOf(more, "formats");
  expect([candidatesIn(srcset), shownBy(src), sizes]).toEqual([heroOf(FIG), `hero ${FIG}`, "50vw"]);
  expect(elements(more, "source")).toHaveLength(2);
  const { width, height } = imgOf(more, "picture");
  expect([width, height]).toEqual(["160", "160"]);

  const browser = await launch();
  onTestFinished(() => browser.close());
  const tab = await browser.newPage({ viewport: { width: 1000, height: 800 } });
  await tab.route("**/*", (route) => route.fulfill({ status: 404 }));
  await tab.setContent(more);
  const formats = tab.getByAltText("formats");
  const url = await formats.evaluate((img) => img instanceof HTMLImageElement && img.currentSrc);
  expect(shownBy(`${url}`)).toBe(`hero@640w ${FIG}`);
});

test("unpic's component has all widths", () => {
  expectHeroes(page("unpic"), [FIG, "keys/1+1=2 (ü).jpg"]);
});

test("each URL of the pages opens", () => expectOpen(page(""), page("more"), page("unpic")));

test("each URL of a signed srcset opens, until it expires, and the app holds no key", async () => {
  const [friends = "", hard = ""] = await signedPagesOf("astro-app", SERVER, ["/friends", "/hard"]);
  await expectFriends(friends, hard);
  const album = page("album"); // signed when the app was built
  await expectSigned(album, [FRIENDS], TIMES.early);
  expectNoKey(friends, hard, textsIn("astro-app/dist"));
  expect(signedUrlsIn(album)).toEqual(signedUrlsIn(friends));
});

test("the dev server shows the same", async () => {
  const env = { ...signingAt(TIMES.early), NODE_ENV: "development" };
  const [fig = "", friends = ""] = await pagesOf("astro-app", DEV, ["/", "/friends"], env);
  expect(candidatesIn(imgOf(fig, "A fig")["srcset"])).toEqual(heroOf(FIG));
  await expectSigned(friends, [FRIENDS], TIMES.early);
  expectNoKey(fig, friends);
});
