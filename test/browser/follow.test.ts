// The contact sheet follows changes of the project, while it is open in a real browser.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { ROOT } from "../support/built.ts";
import { editFile } from "../support/local-run.ts";
import { look, PATIENCE, PHONE, runSheet, shown } from "./sheet-page.ts";

/** It has few pixels, so it is made fast. */
const KEY = "transparent.png";

describe("the contact sheet that follows", () => {
  const { folder, address, output, openSheet, restart } = runSheet();
  const toml = () => join(folder(), "wrangler.toml");
  const edit = (from: string, to: string) => editFile(toml(), (text) => text.replace(from, to));
  const original = readFileSync(join(ROOT, "test/support/wrangler.toml"), "utf8");
  const said = (page: Page) => page.textContent("#said");
  /** Waits until the page says this, and nothing else. */
  const says = (page: Page, text: string | RegExp) =>
    expect.poll(() => said(page), PATIENCE).toMatch(text);
  const tag = async () => (await fetch(`${address()}/.vitrine/tag`)).text();
  let first: string;
  const figure = (preset: string) =>
    `article:has-text("${KEY}") figure:has(h3:text-is("${preset}"))`;
  const pixels = async (page: Page, preset: string) => {
    const [one] = await shown(page, figure(preset));
    return one?.pixels.join("×");
  };

  beforeAll(async () => {
    first = await tag();
  });
  afterEach(async () => {
    // wrangler takes up each write, also of the same text.
    if (readFileSync(toml(), "utf8") !== original) writeFileSync(toml(), original);
    await expect.poll(tag, PATIENCE).toBe(first);
  });

  test("a changed preset shows its new rendition, and nothing else moves or loads anew", async () => {
    const { page, complaints, got } = await openSheet(KEY);
    await look(page, "figure");
    expect([...got.keys()].filter((url) => url.includes("?"))).toEqual([]);
    expect(await pixels(page, "card")).toBe("300×300");
    // The reader is at hero, whose details are open.
    await page.locator(`${figure("card")} summary`, { hasText: "edge" }).click();
    await page.locator(`${figure("hero")} summary`, { hasText: "Code" }).click();
    await page.locator(figure("hero")).evaluate((element) => element.scrollIntoView());
    const place = () =>
      page.locator(figure("hero")).evaluate((element) => {
        const details = [...element.querySelectorAll("details")].map(({ open }) => open);
        const { activeElement } = document;
        const focused = element.contains(activeElement) ? activeElement?.textContent : "lost";
        return { details, focused, top: Math.round(element.getBoundingClientRect().top) + 0 };
      });
    const before = await place();
    expect(before).toEqual({ details: [true, false], focused: "Code", top: 0 });
    await page.locator("figure").evaluateAll((figures) => {
      for (const figure of figures) figure.dataset["test"] = "old";
    });
    got.clear();

    edit("width = 480", "width = 100");
    await says(page, /^Preset card changed\.$/);
    await look(page, figure("card"));
    expect(await pixels(page, "card")).toBe("100×100");
    const ages = page
      .locator("figure")
      .evaluateAll((all) =>
        all.map((figure) => [figure.querySelector("h3")?.textContent, figure.dataset["test"]]),
      );
    expect(await ages).toEqual([
      ["thumbnail", "old"],
      ["card", undefined],
      ["hero", "old"],
    ]);
    const images = [...got.keys()]
      .map((url) => new URL(url))
      .filter((url) => !url.pathname.startsWith("/."));
    expect(images.map(({ pathname }) => pathname)).toEqual([`/images/card/${KEY}`]);
    const open = page.locator(`${figure("card")} details[open] summary`);
    expect(await open.allInnerTexts()).toEqual(["What the edge is asked"]);
    expect(await page.locator(`${figure("card")} details[open] pre`).textContent()).toContain(
      '"width": 100',
    );
    await page.locator(figure("hero")).evaluate((element) => element.scrollIntoView());
    expect(await place()).toEqual(before);

    // A page that is loaded now must not show the old rendition from the cache of the browser either.
    const second = await openSheet(KEY);
    await look(second.page, "figure");
    expect(await pixels(second.page, "card")).toBe("100×100");
    await second.page.close();
    expect(output()).toContain("GET /images/card/");
    expect(output()).not.toContain("GET /.vitrine/tag");
    // This page must not show it either, when the preset is as it was.
    edit("width = 100", "width = 480");
    await look(page, `${figure("card")}:has-text("300 × 300")`);
    expect(complaints).toEqual([]);
    await page.close();
  });

  test("what is above the reader may grow", async () => {
    const { page } = await openSheet(KEY);
    await look(page, "figure");
    const hero = page.locator(figure("hero"));
    await hero.evaluate((element) => {
      document.body.style.paddingBottom = "3000px"; // as of a long page
      element.scrollIntoView();
    });
    edit("[vars.PRESETS.card]", "$&\nheight = 900\nfit = 'pad'");
    await says(page, /^Preset card changed\.$/);
    const { top } = await hero.evaluate((element) => element.getBoundingClientRect());
    expect(Math.abs(top)).toBeLessThan(2);
    await page.close();
  });

  test("presets and routes that come and go", async () => {
    const { page, complaints } = await openSheet(KEY);
    await look(page, "figure");
    const paths = async () => {
      await look(page, "figure");
      return (await shown(page, "figure")).map(({ path }) => path);
    };
    const square = "[vars.PRESETS.square]\nwidth = 50\nheight = 50\nfit = 'cover'\n";
    edit("[vars.PRESETS.card]", `${square}$&`);
    await says(page, /^Preset square added\.$/);
    const before = ["thumbnail", "square", "card", "hero@640w"];
    expect(await paths()).toEqual(before.map((variant) => `/images/${variant}/${KEY}`));
    edit('"/images/:preset/*"', '"/pictures/:preset/*"');
    await says(
      page,
      /^Route \/pictures\/:preset\/\* added\. Route \/images\/:preset\/\* removed\.$/,
    );
    expect(await paths()).toEqual(before.map((variant) => `/pictures/${variant}/${KEY}`));
    edit(square, "");
    await says(page, /^Preset square removed\.$/);
    expect(await page.locator("figure h3").allInnerTexts()).toEqual(["thumbnail", "card", "hero"]);
    edit('"media/*"', '"media/photos/*"');
    await page.getByText("No route leads to this object.", { exact: true }).waitFor();
    expect(await page.locator("figure").count()).toBe(0);
    expect(complaints).toEqual([]);
    // The button is gone, but a picture can still be dropped.
    const buffer = readFileSync(join(ROOT, "fixtures/objects/made/key.jpg"));
    await page.setInputFiles("#files", { name: "a.jpg", mimeType: "image/jpeg", buffer });
    await page
      .getByText("a.jpg: no route leads to own/*, where your own images go")
      .waitFor(PATIENCE);
    await page.close();
  });

  test("a broken configuration, by wrong values and by text that cannot be read, and its repair", async () => {
    const { page } = await openSheet(KEY, PHONE);
    await look(page, "figure");
    const panel = page.getByRole("region", { name: "The configuration has mistakes" });
    const told = () => panel.locator("li").allInnerTexts();
    edit("width = 480", "width = = 480");
    await panel.waitFor(PATIENCE);
    expect(await told()).toEqual([expect.stringMatching(/^wrangler\.toml:\d+:\d+: /)]);
    writeFileSync(toml(), original.replace("quality = 80", "quality = 800\nfit = 'nose'"));
    await expect
      .poll(told, PATIENCE)
      .toEqual([
        expect.stringMatching(/^PRESETS\.hero\.fit: "nose" is not one of /),
        expect.stringMatching(/^PRESETS\.hero\.quality: 800 is not a whole number/),
      ]);
    expect(await panel.textContent()).toContain("npx vitrine check");
    expect(await said(page)).toBe("The configuration has mistakes.");
    // So does the terminal.
    const [first = ""] = await told();
    await expect.poll(output, PATIENCE).toContain(`you correct them:\n  ${first.split("\n")[0]}`);
    // The last good sheet is still there. The panel fits the phone.
    expect(await pixels(page, "thumbnail")).toBe("160×160");
    expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBe(0);
    // An image that is asked for now fails. It is asked for again after the repair.
    await page.locator(`${figure("thumbnail")} img`).dispatchEvent("error");
    await page.locator(`${figure("thumbnail")}[data-state=failed]`).waitFor();
    // A page that is opened now shows the mistakes, too.
    const { page: second } = await openSheet(KEY);
    await second.getByRole("region", { name: "The configuration has mistakes" }).waitFor(PATIENCE);

    writeFileSync(toml(), original.replace("width = 480", "width = 90"));
    for (const one of [page, second]) {
      await one.locator("#mistakes").waitFor({ state: "hidden" });
      await one.locator(figure("card")).waitFor();
    }
    // Two sentences, or one after the other if the Worker takes it up later than the page sees it.
    await says(page, /^(?:The configuration is right again\. )?Preset card changed\.$/);
    await look(page, "figure");
    expect(await pixels(page, "card")).toBe("90×90");
    await second.close();
    await page.close();
  });

  test("while a try is open, its dialog tells the news, and that its preset is gone", async () => {
    const { page } = await openSheet(KEY, PHONE);
    await look(page, "figure");
    await page.getByRole("button", { name: `Try ${KEY} as card` }).click();
    const dialog = page.getByRole("dialog");
    await dialog.locator("pre").first().waitFor();
    edit("width = 480", "width = 0");
    const panel = dialog.getByRole("region", { name: "The configuration has mistakes" });
    await panel.waitFor(PATIENCE);
    // Nothing is in front of it.
    expect(
      await panel.locator("h2").evaluate((heading) => {
        const { x, y } = heading.getBoundingClientRect();
        return document.elementFromPoint(x + 1, y + 1) === heading;
      }),
    ).toBe(true);
    writeFileSync(toml(), original.replace("PRESETS.card", "PRESETS.postcard"));
    await dialog.getByText("There is no preset card any more.", { exact: true }).waitFor(PATIENCE);
    expect(await dialog.locator("pre").count()).toBe(0);
    expect(await dialog.locator("#said").textContent()).toContain("Preset card removed.");
    await page.keyboard.press("Escape");
    await page.locator("#sheet:focus").waitFor();
    await page.locator("body > #news").waitFor({ state: "attached" });
    await page.close();
  });

  test("an object that another window adds, replaces or removes", async () => {
    const { page, complaints } = await openSheet("own/");
    const other = await openSheet("own/");
    const object = (file: string) => readFileSync(join(ROOT, "fixtures/objects/made", file));
    const put = (file: string) =>
      other.page.setInputFiles("#files", {
        name: "a.jpg",
        mimeType: "image/png",
        buffer: object(file),
      });
    await put("key.jpg");
    await says(page, /^Object own\/a\.jpg added\.$/);
    const card = 'article:has-text("own/a.jpg") figure:has(h3:text-is("card"))';
    const size = async () => {
      await look(page, card);
      return (await shown(page, card))[0]?.pixels.join("×");
    };
    expect(await size()).toBe("120×120");
    await put("transparent.png");
    await says(page, /^Object own\/a\.jpg replaced\.$/);
    expect(await size()).toBe("300×300");
    // Its focus would be lost with it.
    await page.locator("article button").first().focus();
    writeFileSync(join(folder(), ".wrangler/vitrine/own-images.json"), "[]");
    await says(page, /^Object own\/a\.jpg removed\.$/);
    expect(await page.locator("article").count()).toBe(0);
    await page.locator("#sheet:focus").waitFor();
    expect(complaints).toEqual([]);
    await other.page.close();
    await page.close();
  });

  test("a local run that ends and starts again", async () => {
    const { page } = await openSheet(KEY);
    await look(page, "figure");
    await page.locator("figure").evaluateAll((figures) => {
      for (const figure of figures) figure.dataset["test"] = "old";
    });
    await restart(async () => {
      await says(page, /^The local run does not answer\. The page goes on when it does\.$/);
      edit("width = 480", "width = 90");
    });
    await says(page, /^The local run answers again\. Preset card changed\.$/);
    await look(page, "figure");
    expect(await pixels(page, "card")).toBe("90×90");
    expect(await page.locator("figure[data-test=old]").count()).toBe(2);
    await page.close();
  });

  test("a hidden page asks for nothing, and is up to date when it is seen again", async () => {
    const { page } = await openSheet(KEY);
    await look(page, "figure");
    const see = (state: string) =>
      page.evaluate((value) => {
        Object.defineProperty(document, "visibilityState", { value, configurable: true });
        document.dispatchEvent(new Event("visibilitychange"));
      }, state);
    await see("hidden");
    const asked: string[] = [];
    page.on("request", (request) => asked.push(new URL(request.url()).pathname));
    await see("hidden");
    await page.evaluate(async () => void (await fetch("/.vitrine/icon.svg")));
    expect(asked).toEqual(["/.vitrine/icon.svg"]);
    edit("width = 480", "width = 110");
    await expect
      .poll(
        async () =>
          (await (await fetch(`${address()}/.vitrine/sheet.json`)).text()).includes('"width":110'),
        PATIENCE,
      )
      .toBe(true);
    expect(await said(page)).toBe("");
    await see("visible");
    await says(page, /^Preset card changed\.$/);
    await page.close();
  });

  test("what each object costs, and what the edge is asked for this browser (L2, O6)", async () => {
    const { page, complaints } = await openSheet(KEY);
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    await look(page, "figure");
    // card and card@1x are the same. hero is another one without its quality (O5).
    await page
      .getByText("13 unique transformations: thumbnail 2, card 3, hero 8", { exact: true })
      .waitFor();
    expect(await page.locator("header").first().textContent()).toContain(
      "The first 5,000 are free: costs",
    );
    const docs = await page.request.get(new URL("/.vitrine/costs.md", address()).href);
    expect(await docs.text()).toContain("# Costs");

    const askedOf = (one: Page) =>
      one.locator(`${figure("card")} details`, { hasText: "What the edge is asked" }).textContent();
    const text = await askedOf(page);
    expect(text).toContain("cf.image for card in this browser:");
    expect(text).toContain("An object in all of them costs 3 unique transformations");
    await page.locator(`${figure("card")} summary`, { hasText: "edge" }).focus();
    for (const key of ["Enter", "Tab", "Tab", "Enter"]) await page.keyboard.press(key);
    await page.locator(figure("card")).getByRole("button", { name: "Copied" }).waitFor();
    const copied: unknown = JSON.parse(await page.evaluate(() => navigator.clipboard.readText()));
    expect(copied).toEqual({
      ...{ fit: "scale-down", metadata: "none", anim: false, width: 480, format: "avif" },
      "origin-auth": "share-publicly",
    });
    expect(complaints).toEqual([]);

    // A browser that reads WebP alone.
    const headers = { extraHTTPHeaders: { accept: "image/webp,*/*" } };
    const context = await page.context().browser()?.newContext(headers);
    const other = (await context?.newPage()) ?? expect.unreachable();
    await other.goto(`${address()}/`);
    await look(other, figure("card"));
    expect(await askedOf(other)).toContain('"format": "webp"');
    await context?.close();
    await page.close();
  });
});
