// The contact sheet of the local run, in a real browser: pictures, keyboard, colours, and what can be tried.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Locator, Page } from "playwright-core";
import sharp from "sharp";
import { expect, test } from "vitest";
import { HARD_KEYS, PICTURES } from "../../src/dev/fixture-objects.ts";
import { ROOT } from "../support/built.ts";
import {
  barriers,
  copied,
  DESKTOP,
  figureOf,
  focused,
  LONG_WAIT,
  loadedImages,
  look,
  PHONE,
  runSheet,
  tabTo,
} from "./sheet-page.ts";

const FIG = "photos/fig.jpg";
/** Red above blue, 300 × 400: made fast. */
const SMALL = "rotated-gps.jpg";
const { address, openSheet } = runSheet();

test("all pictures are decoded at their preset's size, as AVIF, without errors (O7)", async () => {
  const { page, complaints, got } = await openSheet();
  await look(page);
  const all = await loadedImages(page);
  const presets = ["thumbnail", "card", "hero"];
  expect(all.map(({ alt }) => alt)).toEqual(
    [...PICTURES.map(({ key }) => key), ...HARD_KEYS].flatMap((key) =>
      presets.map((preset) => `${key}, as ${preset}`),
    ),
  );
  const pixels = (alt: string) => all.find((one) => one.alt === alt)?.pixels;
  expect(pixels("photos/dandelion.jpg, as thumbnail")).toBe("160 × 160");
  expect(pixels("photos/friends.jpg, as card")).toBe("480 × 721");
  expect(pixels("rotated-gps.jpg, as card")).toBe("300 × 400");
  for (const { alt, bytes, saved } of all) {
    expect([alt, bytes, saved]).toEqual([
      alt,
      expect.stringMatching(/^[\d.]+\s[kM]?B of [\d.]+\s[kM]?B$/),
      expect.stringMatching(/^(?:none: )?[\d.]+\s%(?: more)?$/),
    ]);
  }
  const images = [...got].filter(([url]) => !/\/\.vitrine\/|:\d+\/$/.test(url));
  expect(images.length).toBeGreaterThanOrEqual(all.length);
  for (const [url, { status, type }] of images) {
    // 960 × 1442: an AVIF has at most 1,200 px a side (O7). Of the small drawing, an AVIF may have more bytes than it has.
    const isTall = /\/hero@960w\/\w+\/friends\.jpg\b/.test(url);
    const types = ["image/avif", "image/webp"];
    const isDrawing = url.includes(".png"); // all are this one
    const expected = isDrawing ? expect.toBeOneOf(types) : types[isTall ? 1 : 0];
    expect([url, status, type]).toEqual([url, 200, expected]);
  }
  expect([...got.keys()].filter((url) => !url.startsWith(`${address()}/`))).toEqual([]);
  expect(complaints).toEqual([]);
  expect(await page.textContent("#total")).toMatch(/^66 renditions so far: .* Saved: \d\d\s%\.$/);
  await page.close();
});

test.each<[string, typeof DESKTOP, number, string[]]>([
  ["a desktop", DESKTOP, 1, ["thumbnail 1x", "card 1x", "hero@960w 960w"]],
  // 46rem of 16 px at density 2: more than 1280
  ["a sharp desktop", DESKTOP, 2, ["thumbnail@2x 2x", "card@2x 2x", "hero 1920w"]],
  ["a phone", PHONE, 2, ["thumbnail@2x 2x", "card@2x 2x", "hero@960w 960w"]],
])("%s chooses the candidates that fit", async (_what, window, density, expected) => {
  const { page, complaints } = await openSheet(FIG, window, density);
  await look(page);
  const all = await loadedImages(page);
  expect(all.map(({ variant, chosen }) => `${variant} ${chosen}`)).toEqual(expected);
  expect(all.map(({ path }) => path)).toEqual(
    all.map(({ variant }) => `/images/${variant}/${FIG}`),
  );
  expect(complaints).toEqual([]);
  // The page is not wider than the window.
  expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBe(0);
  await page.close();
});

test("the content security policies of the page and of an image work", async () => {
  const { page, complaints } = await openSheet("none");
  await page.evaluate(() => {
    const script = document.createElement("script");
    script.textContent = "document.title = 'run'";
    const image = new Image();
    image.src = "https://images.example/a.gif"; // the page shows only its own, and what was tried
    document.body.append(script, image);
  });
  expect(await page.title()).toBe("Vitrine: contact sheet");
  await expect.poll(() => complaints.length, LONG_WAIT).toBe(2);
  for (const complaint of complaints) expect(complaint).toMatch(/Content Security Policy/);
  const answer = await page.goto(`${address()}/images/card/transparent.png`);
  expect(answer?.headers()).toMatchObject({
    "content-security-policy": "default-src 'none'; sandbox",
    "content-type": expect.stringMatching(/^image\/(?:avif|webp)$/),
  });
  await page.close();
});

test("by keyboard alone: the code, and what the edge is asked, are read and copied", async () => {
  const { page, complaints } = await openSheet(SMALL);
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  await look(page);
  const title = `Try ${SMALL} as card`;
  await tabTo(page, "Skip to the pictures");
  await page.keyboard.press("Enter");
  await tabTo(page, title);
  await tabTo(page, "Code");
  await page.keyboard.press("Enter");
  await tabTo(
    page,
    `npx vitrine client ../app/src/vitrine.ts --standalone --base-url ${address()}`,
  );
  await tabTo(page, "import { images }");
  await tabTo(page, "Copy");
  await page.keyboard.press("Enter");
  await expect.poll(() => focused(page), LONG_WAIT).toBe("Copied");
  expect(await copied(page)).toMatch(/^import \{ images \}[\s\S]*"rotated-gps\.jpg", "card"/);
  await tabTo(page, "What the edge is asked");
  await page.keyboard.press("Enter");
  await figureOf(page, SMALL, "card").getByText("cf.image for card@2x").waitFor();
  await tabTo(page, "{");
  await tabTo(page, "Copy");
  await page.keyboard.press("Enter");
  await expect.poll(() => focused(page), LONG_WAIT).toBe("Copied");
  expect(JSON.parse(await copied(page))).toMatchObject({ width: 300, format: "avif" });
  expect(await figureOf(page, SMALL, "hero").locator("pre").allTextContents()).toContainEqual(
    expect.stringContaining('sizes: "100vw", //'), // those of this page are no app's
  );
  expect(complaints).toEqual([]);
  await page.close();
});

test.each([
  ["light", DESKTOP],
  ["dark", DESKTOP],
  ["light", PHONE],
] as const)("in %s, %j, page and dialog are so, without a barrier", async (colorScheme, window) => {
  const { page } = await openSheet(SMALL, window);
  await page.emulateMedia({ colorScheme });
  const colourOf = (selector: string) =>
    page.locator(selector).evaluate((element) => getComputedStyle(element).backgroundColor);
  for (const selector of ["html", "dialog"]) {
    const brightness = Number(/\d+/.exec(await colourOf(selector))?.[0]);
    expect([selector, brightness > 128]).toEqual([selector, colorScheme === "light"]);
  }
  await look(page);
  for (const name of ["Code", "What the edge is asked"]) {
    await figureOf(page, SMALL, "card").getByText(name, { exact: true }).click();
  }
  expect(await barriers(page)).toEqual([]);
  const { dialog } = await openTry(page, SMALL, "thumbnail");
  await expect.poll(() => labels(dialog), LONG_WAIT).toEqual(["AVIF 85", "WEBP 85"]);
  expect(await barriers(page)).toEqual([]);
  await page.close();
});

test("a picture that is added is in view, whatever the filter and the scroll position were", async () => {
  const { page } = await openSheet("dandelion");
  const heading = page.locator("main > h2");
  await page.fill("#filter", " zzz");
  await expect
    .poll(() => heading.textContent())
    .toMatch(/^0 of \d+ objects: no key has “zzz” in it$/);

  const buffer = readFileSync(join(ROOT, "fixtures/objects/made/transparent.png"));
  const names = ["a.png", "b.png", "zz.png"];
  for (const name of names) {
    await page.evaluate(() => scrollTo(0, document.body.scrollHeight));
    await page.setInputFiles("#files", [{ name, mimeType: "image/png", buffer }]);
    const article = page.locator(`article[data-key="own/${name}"]`);
    await article.waitFor();
    expect(await page.inputValue("#filter")).toBe("");
    const isInView = async () => {
      const { y = Number.NaN } = (await article.boundingBox()) ?? {};
      return y >= -1 && y < 300;
    };
    await expect.poll(isInView, LONG_WAIT).toBe(true);
  }

  for (const name of names) {
    const request = { method: "DELETE", headers: { origin: address() } };
    await fetch(`${address()}/.vitrine/objects/own%2F${name}`, request);
  }
  await page.close();
});

test("the user can add a picture, replace it and delete it; other files are refused", async () => {
  const { page } = await openSheet("own/");
  const object = (file: string) => readFileSync(join(ROOT, "fixtures/objects", file));
  const name = "mein Bild+1 (ü).jpg";
  const key = `own/${name}`;
  await page.setInputFiles("#files", [
    { name, mimeType: "image/jpeg", buffer: object("made/key.jpg") },
    { name: "notes.txt", mimeType: "text/plain", buffer: Buffer.from("no image") },
    { name: "drawing.svg", mimeType: "image/svg+xml", buffer: object("broken/script.svg") },
  ]);
  const status = page.locator("#message");
  await status.getByText("1 of 3 added to the local bucket.").waitFor();
  expect(await status.textContent()).toContain("notes.txt: it is no picture");
  expect(await status.textContent()).toContain("drawing.svg: an SVG needs a route with svg = true");
  const pixels = async () => (await loadedImages(page)).map((one) => one.pixels);
  await look(page);
  expect(await pixels()).toEqual(["160 × 160", "120 × 120", "120 × 120"]);
  // Another picture with the same name. The browser must not show the old one from its cache.
  const buffer = object("made/transparent.png");
  await page.setInputFiles("#files", { name, mimeType: "image/png", buffer });
  await status.getByText("1 of 1 added").waitFor();
  await look(page);
  expect(await pixels()).toEqual(["160 × 160", "300 × 300", "300 × 300"]);
  await page.getByRole("button", { name: `Delete ${key} from the local bucket` }).click();
  await page.locator(`article[data-key="${key}"]`).waitFor({ state: "detached" });
  expect((await fetch(`${address()}/images/card/${encodeURI(key)}`)).status).toBe(404);
  await page.close();
});

test("a dropped file that visitors would not see has the reason at once and in its place, and is 415 (B4, L1)", async () => {
  const { page, complaints } = await openSheet("own/x.");
  const image = sharp(join(ROOT, "fixtures/objects/made/key.jpg"));
  const wide = { create: { width: 13_000, height: 9, channels: 3, background: "red" } } as const;
  const files: Readonly<Record<string, Buffer>> = {
    "x.tif": await image.clone().tiff().toBuffer(),
    "x.avif": await image.clone().avif({ effort: 0 }).toBuffer(),
    "x.heic": Buffer.from("\0\0\0\x18ftypheic\0\0\0\0mif1heic", "latin1"),
    "x.jxl": Buffer.from("\xff\n\xfa\x7f".padEnd(900), "latin1"),
    "x.png": await sharp(wide).png().toBuffer(),
  };
  const answers: Readonly<Record<string, string>> = {
    "x.tif": "visitors get 415: Cloudflare reads no TIFF: convert it to JPEG, PNG or WebP",
    "x.avif": "visitors get 415: Cloudflare reads AVIF for Enterprise accounts only",
    "x.heic": "visitors may get 415: Cloudflare's pages contradict each other",
    "x.jxl": "visitors get 415: Cloudflare reads no JPEG XL",
    "x.png": "visitors get 415: 13000 × 9 px, and Cloudflare reads at most 12,000 px a side",
  };
  const dropped = await page.evaluateHandle(
    (all) => {
      const transfer = new DataTransfer();
      for (const [name, bytes] of all) transfer.items.add(new File([new Uint8Array(bytes)], name));
      return transfer;
    },
    Object.entries(files).map(([name, bytes]): [string, number[]] => [name, [...bytes]]),
  );
  await page.dispatchEvent("body", "drop", { dataTransfer: dropped });
  await page.locator("#message").getByText("5 of 5 added to the local bucket.").waitFor();

  for (const [name, answer] of Object.entries(answers)) {
    expect(await page.textContent("#message")).toContain(`${name}: ${answer}`);
    const article = page.locator(`article[data-key="own/${name}"]`);
    await article.getByText(`Not shown: ${answer}`).waitFor();
    expect([name, await article.locator("img").count()]).toEqual([name, 0]);
    // A visitor gets no 502, and no picture.
    const visit = await fetch(`${address()}/images/card/own/${name}`);
    expect([name, visit.status]).toEqual([name, 415]);
  }
  expect(await barriers(page)).toEqual([]);
  for (const name of Object.keys(answers)) {
    await page.getByRole("button", { name: `Delete own/${name} from the local bucket` }).click();
    await page.locator(`article[data-key="own/${name}"]`).waitFor({ state: "detached" });
    // Before its script has run, a button of the page that is loaded again does nothing.
    await page.waitForLoadState("domcontentloaded");
  }
  expect(complaints).toEqual([]);
  await page.close();
});

/** Opens the dialog of a picture. */
async function openTry(page: Page, key: string, preset: string) {
  await figureOf(page, key, preset).and(page.locator("[data-state=shown]")).waitFor();
  await page.getByRole("button", { name: `Try ${key} as ${preset}`, exact: true }).click();
  const dialog = page.getByRole("dialog");
  const [leftSide, rightSide] = ["Left", "Right"].map((name) =>
    dialog.getByRole("group", { name }),
  );
  if (leftSide === undefined || rightSide === undefined) return expect.unreachable();
  return { dialog, leftSide, rightSide };
}

/** The two pictures of the slider, as the page has them. */
const sliderImages = (dialog: Locator) =>
  dialog.locator(".stage img").evaluateAll((images) =>
    images.map((image) => {
      if (!(image instanceof HTMLImageElement)) throw new Error("not an image");
      return { src: image.src, clip: image.style.clipPath };
    }),
  );
const labels = (dialog: Locator) => dialog.locator(".label").allTextContents();
const lines = (side: Locator) => side.locator("code").textContent();

test("two formats and qualities are compared as the edge makes them", async () => {
  const { page, complaints, got } = await openSheet(FIG);
  const { dialog, leftSide, rightSide } = await openTry(page, FIG, "card");
  // As the sheet shows it now, and the next best format.
  await expect.poll(() => labels(dialog), LONG_WAIT).toEqual(["AVIF 85", "WEBP 85"]);
  await leftSide.getByLabel("Format").selectOption("JPEG");
  await leftSide.getByLabel("Quality").fill("30");
  await rightSide.getByLabel("Quality").fill("low");
  await rightSide.getByLabel("Quality").blur();
  await expect.poll(() => labels(dialog), LONG_WAIT).toEqual(["JPEG 30", "WEBP low"]);
  const typeOf = (part: string) => [...got].find(([url]) => url.includes(part))?.[1].type;
  expect([typeOf("quality=30"), typeOf("quality=low")]).toEqual(["image/jpeg", "image/webp"]);
  expect(await leftSide.getByRole("status").textContent()).toMatch(
    /^[\d.]+\skB\. Saved: \d\d\s%\.$/,
  );
  expect(await lines(leftSide)).toBe('quality = 30\nformat = "jpeg"');

  await rightSide.getByLabel("Quality").fill("101");
  await rightSide.getByLabel("Quality").blur();
  await rightSide.getByText("101 is not").waitFor();
  expect(await rightSide.getByLabel("Quality").getAttribute("aria-invalid")).toBe("true");
  const slider = dialog.getByRole("slider", { name: "Where the left picture ends" });
  const { x, y, width, height } = (await slider.boundingBox()) ?? expect.unreachable();
  await page.mouse.click(x + width / 4, y + height / 3);
  expect((await sliderImages(dialog))[1]?.clip).toBe("inset(0px 0px 0px 25%)");
  expect(complaints.filter((one) => !one.includes("400 (Bad Request)"))).toEqual([]);
  await page.close();
});

test("by keyboard alone: a focal point moves the crop, and its lines are copied (O4)", async () => {
  const { page, complaints } = await openSheet(SMALL, PHONE, 2);
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  const { dialog, leftSide } = await openTry(page, SMALL, "thumbnail");
  const src = async () => (await sliderImages(dialog))[0]?.src;
  await expect.poll(() => labels(dialog), LONG_WAIT).toEqual(["AVIF 85", "WEBP 85"]);
  const centre = await src();
  expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBe(0);
  expect(await dialog.evaluate((one) => one.scrollWidth - one.clientWidth)).toBe(0);

  await tabTo(page, "From the top");
  await page.keyboard.press("Home");
  await expect.poll(() => lines(leftSide), LONG_WAIT).toContain("gravity = { x = 0.5, y = 0 }");
  await expect.poll(src, LONG_WAIT).not.toBe(centre);
  await leftSide.getByLabel("Quality").focus();
  await tabTo(page, "Copy");
  await page.keyboard.press("Enter");
  await expect.poll(() => focused(page), LONG_WAIT).toBe("Copied");
  expect(await copied(page)).toBe(await lines(leftSide));
  // While another picture is made, the old lines are not copied. When nobody waits, it is not made.
  const url = /try\?.*quality=31/;
  await page.route(url, () => {}); // it takes for ever
  const request = page.waitForRequest(url);
  await leftSide.getByLabel("Quality").fill("31");
  await leftSide.getByLabel("Quality").press("Enter");
  await request;
  expect(await lines(leftSide)).toBe("");
  expect(await leftSide.getByRole("button").textContent()).toBe("Copy");
  const aborted = page.waitForEvent("requestfailed", (one) => url.test(one.url()));
  await page.keyboard.press("Escape");
  await aborted;
  await expect.poll(() => dialog.isVisible(), LONG_WAIT).toBe(false);
  // The focus is back where it was.
  await tabTo(page, `Try ${SMALL} as thumbnail`);
  const card = await openTry(page, SMALL, "card");
  await expect.poll(() => labels(card.dialog), LONG_WAIT).toEqual(["AVIF 85", "WEBP 85"]);
  expect(await card.dialog.locator("#focal").isVisible()).toBe(false); // it shows the whole picture
  expect(complaints).toEqual([]);
  await page.close();
});
