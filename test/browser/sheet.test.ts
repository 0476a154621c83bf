// The contact sheet of the local run, in a real browser.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { HARD_KEYS, PICTURES } from "../../src/dev/objects.ts";
import { ROOT } from "../support/built.ts";
import { DESKTOP, look, PATIENCE, PHONE, runSheet, shown } from "./sheet-page.ts";

const PRESETS = ["thumbnail", "card", "hero"];

describe("the contact sheet", () => {
  const { address, openSheet } = runSheet();

  test("all pictures are decoded at their preset's size, as AVIF, without errors (O7)", async () => {
    const { page, complaints, got } = await openSheet();
    await page.locator("summary", { hasText: "hard to spell" }).click();
    await look(page, "figure");
    const all = await shown(page, "figure");
    const keys = [...PICTURES.map(({ key }) => key), ...HARD_KEYS];
    expect(all.map(({ alt }) => alt)).toEqual(
      keys.flatMap((key) => PRESETS.map((preset) => `${key}, as ${preset}`)),
    );
    const of = (alt: string) => all.find((one) => one.alt === alt) ?? expect.unreachable(alt);
    expect(of("photos/dandelion.jpg, as thumbnail").pixels).toEqual([160, 160]);
    expect(of("photos/dandelion.jpg, as card").pixels).toEqual([480, 270]);
    expect(of("photos/friends.jpg, as card").pixels).toEqual([480, 721]);
    expect(of("photos/dandelion.jpg, as hero").pixels).toEqual([960, 540]);
    expect(of("rotated-gps.jpg, as card").pixels).toEqual([300, 400]);
    for (const { alt, naturalWidth, naturalHeight, facts } of all) {
      expect([alt, naturalWidth > 0, naturalHeight > 0]).toEqual([alt, true, true]);
      expect([alt, facts]).toEqual([
        alt,
        expect.stringMatching(/Bytes[\d.]+\s[kM]?B of .*Saved(?:none: )?[\d.]+\s%(?: more)?Time/),
      ]);
    }
    const images = [...got].filter(([url]) => !/\/\.vitrine\/|:\d+\/$/.test(url));
    expect(images.length).toBeGreaterThanOrEqual(all.length);
    for (const [url, { status, type }] of images) {
      // 960 × 1442: an AVIF has at most 1,200 px a side (O7).
      const tall = /\/hero@960w\/\w+\/friends\.jpg$/.test(url);
      const expected = tall ? "image/webp" : "image/avif";
      expect([url, status, type]).toEqual([url, 200, expected]);
    }
    expect([...got.keys()].filter((url) => !url.startsWith(`${address()}/`))).toEqual([]);
    expect(complaints).toEqual([]);
    expect(await page.textContent("#total")).toMatch(
      /^66 renditions so far: .*\. Saved: \d\d\s%\.$/,
    );
    await page.close();
  });

  test.each<[string, typeof DESKTOP, number, string[]]>([
    ["a desktop", DESKTOP, 1, ["thumbnail", "card", "hero@960w"]],
    // 46rem of 16 px at density 2: more than 1280
    ["a sharp desktop", DESKTOP, 2, ["thumbnail@2x", "card@2x", "hero"]],
    ["a phone", PHONE, 2, ["thumbnail@2x", "card@2x", "hero@960w"]],
    ["a small window", { width: 500, height: 800 }, 1, ["thumbnail", "card", "hero@640w"]],
  ])("%s chooses the candidates that fit", async (_what, window, density, variants) => {
    const key = "photos/fig.jpg";
    const { page, complaints } = await openSheet(key, window, density);
    const article = `article:has-text("${key}")`;
    await look(page, `${article} figure`);
    const all = await shown(page, article);
    expect(all.map(({ path }) => path)).toEqual(
      variants.map((variant) => `/images/${variant}/${key}`),
    );
    const chosen = await page.locator(`${article} [aria-current=true]`).allInnerTexts();
    expect(chosen).toEqual(
      variants.map(
        (variant) => /@(.*)/.exec(variant)?.[1] ?? (variant === "hero" ? "1920w" : "1x"),
      ),
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
      image.src = "https://images.example/a.gif"; // the page shows only its own, and data: URLs
      document.body.append(script, image);
    });
    expect(await page.title()).toBe("Vitrine: contact sheet");
    await expect.poll(() => complaints.length, PATIENCE).toBe(3);
    const refused = /Content Security Policy|^failed: https:\/\/images\.example\/a\.gif$/;
    for (const complaint of complaints) expect(complaint).toMatch(refused);
    const answer = await page.goto(`${address()}/images/card/transparent.png`);
    expect(answer?.headers()).toMatchObject({
      "content-security-policy": "default-src 'none'; sandbox",
      "content-type": "image/avif",
    });
    await page.close();
  });

  test("the code to paste can be reached, read and copied by keyboard", async () => {
    const { page, complaints } = await openSheet("photos/dandelion.jpg");
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    await look(page, "figure >> nth=0");
    const focused = () =>
      page.evaluate(() => document.activeElement?.textContent || document.activeElement?.id);
    const order: (string | undefined)[] = [];
    for (let at = 0; at < 6; at++) {
      await page.keyboard.press("Tab");
      order.push(await focused());
    }
    expect(order).toEqual(["Skip to the pictures", "files", "costs", "thumbnail", "Try", "Code"]);
    await page.keyboard.press("Enter");
    await page.keyboard.press("Tab");
    expect(await focused()).toBe(
      `npx vitrine client ../app/src/vitrine.ts --base-url ${address()}`,
    );
    await page.keyboard.press("Tab");
    await page.keyboard.press("Tab");
    expect(await focused()).toContain('images.imgProps("photos/dandelion.jpg", "thumbnail"');
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await expect.poll(focused, PATIENCE).toBe("Copied");
    const pasted = await page.evaluate(() => navigator.clipboard.readText());
    expect(pasted).toMatch(/^import \{ images \} from "\.\/vitrine";\n\n.*\n {2}alt: "…",\n\}\);$/);
    // The sizes of this page are no app's.
    const hero = page.locator('figure:has(h3:text-is("hero"))');
    expect(await hero.locator("pre").allTextContents()).toEqual(
      expect.arrayContaining([
        expect.stringContaining('sizes: "100vw", //'),
        expect.stringContaining('sizes="100vw"'),
      ]),
    );
    expect(complaints).toEqual([]);
    await page.close();
  });

  test("the user can add an image, replace it and remove it; other files are refused", async () => {
    const { page } = await openSheet("own/");
    const object = (file: string) => readFileSync(join(ROOT, "fixtures/objects", file));
    const name = "mein Bild+1 (ü).jpg";
    await page.setInputFiles("#files", [
      { name, mimeType: "image/jpeg", buffer: object("made/key.jpg") },
      { name: "notes.txt", mimeType: "text/plain", buffer: Buffer.from("no image") },
      { name: "phone.heic", mimeType: "image/heic", buffer: Buffer.from("\0\0\0\x18ftypheic") },
      { name: "drawing.svg", mimeType: "image/svg+xml", buffer: object("broken/script.svg") },
    ]);
    const said = page.locator("#dropped");
    await expect
      .poll(() => said.textContent(), PATIENCE)
      .toContain("1 of 4 added to the local bucket.");
    expect(await said.textContent()).toContain("notes.txt: it is no image, or it is damaged");
    expect(await said.textContent()).toContain("phone.heic: the local edge does not read HEIC");
    expect(await said.textContent()).toContain("drawing.svg: an SVG needs a route with svg = true");
    await page.reload();
    await page.waitForSelector("main[aria-busy=false]");
    const article = `article:has-text("own/${name}")`;
    const pixels = async () => {
      await look(page, `${article} figure`);
      return (await shown(page, article)).map((one) => one.pixels.join("×"));
    };
    expect(await pixels()).toEqual(["160×160", "120×120", "120×120"]);

    // Another image with the same name. The browser must not show the old one from its cache.
    const buffer = object("made/transparent.png");
    await page.setInputFiles("#files", { name, mimeType: "image/png", buffer });
    await expect.poll(() => said.textContent(), PATIENCE).toContain("1 of 1 added");
    expect(await pixels()).toEqual(["160×160", "300×300", "300×300"]);

    await page.locator(`${article} button`, { hasText: "Remove" }).click();
    await page.locator(article).waitFor({ state: "detached" });
    await page.close();
  });

  test("pages of other origins cannot add images", async () => {
    const url = `${address()}/.vitrine/objects/a.jpg`;
    for (const origin of ["https://evil.example", "null", undefined]) {
      const headers = origin === undefined ? {} : { origin };
      const answer = await fetch(url, { method: "PUT", headers, body: "x" });
      expect([origin, answer.status]).toEqual([origin, 403]);
    }
  });

  test("the page is light or dark, as the browser prefers", async () => {
    const { page } = await openSheet("none");
    const paper = async (colorScheme: "light" | "dark") => {
      await page.emulateMedia({ colorScheme });
      return page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
    };
    expect(await paper("light")).toBe("rgb(245, 242, 236)");
    expect(await paper("dark")).toBe("rgb(22, 21, 19)");
    await page.close();
  });
});
