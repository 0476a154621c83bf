// What a developer can try on the contact sheet, in a real browser: formats, placeholders, focal points.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Locator, Page } from "playwright-core";
import sharp from "sharp";
import { describe, expect, test } from "vitest";
import { readEnvironment } from "../../src/cli/config/environment-config.ts";
import { readFact } from "../../src/cli/picture/read-fact.ts";
import { presetSchema } from "../../src/worker/config/preset.ts";
import { ROOT } from "../support/built.ts";
import { look, PATIENCE, PHONE, runSheet } from "./sheet-page.ts";

/** A photograph, where formats, qualities or pixels have to differ. */
const FIG = "photos/fig.jpg";
/** Red above blue, 300 × 400: made fast. */
const SMALL = "rotated-gps.jpg";

/** Reads lines as those of a preset in wrangler.toml, as wrangler does. */
function presetOf(lines: string): unknown {
  const folder = mkdtempSync(join(tmpdir(), "vitrine-try-"));
  try {
    const preset = `[vars.PRESETS.try]\nwidth = 160\nheight = 160\nfit = "cover"\n${lines}`;
    writeFileSync(join(folder, "wrangler.toml"), `name = "try"\n${preset}\n`);
    const known = readEnvironment(folder);
    if ("fault" in known) throw new Error(known.fault);
    const { try: table } = Object(known.started["PRESETS"]);
    return presetSchema(table, "try", (path, message) => expect.unreachable(`${path} ${message}`));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Opens the dialog of a picture, at one of its panels. */
async function openTry(page: Page, key: string, preset: string, panel = "Compare") {
  const label = `Try ${key} as ${preset}`;
  await look(page, `figure:has([aria-label="${label}"])`);
  const button = page.getByRole("button", { name: label, exact: true });
  await button.click();
  await page.getByRole("radio", { name: panel }).check();
  return { button, dialog: page.getByRole("dialog") };
}

/** The two pictures of the slider, as the page has them: their bytes, and what is shown of the right one. */
const pair = (dialog: Locator) =>
  dialog.locator(".stage img").evaluateAll((images) =>
    images.map((image) => {
      if (!(image instanceof HTMLImageElement)) throw new Error("not an image");
      const [, base64 = ""] = image.src.split(",");
      return { base64, clip: image.style.clipPath, width: image.naturalWidth };
    }),
  );

/**
 * The complaints of a page with a route of Playwright, which turns off the cache: the picture that keeps the
 * place is asked for again, and given up when the tried one is there.
 */
const besidesGivenUp = (complaints: readonly string[]) =>
  complaints.filter((one) => !/^failed: \S+\/images\//.test(one));

/** What is copied. */
const copied = (page: Page) => page.evaluate(() => navigator.clipboard.readText());

/** What has the focus: its label or text. */
const focused = (page: Page) =>
  page.evaluate(() => {
    const { activeElement: element } = document;
    const label = element?.getAttribute("aria-label") ?? element?.closest("label")?.textContent;
    return label ?? element?.textContent ?? "";
  });

describe("what can be tried on the contact sheet", () => {
  const { address, openSheet } = runSheet();

  test("two formats and qualities are compared as the edge makes them, and the bytes are told", async () => {
    const { page, complaints } = await openSheet(FIG);
    const { dialog } = await openTry(page, FIG, "card");
    const [left, right] = [
      dialog.getByRole("group", { name: "Left" }),
      dialog.getByRole("group", { name: "Right" }),
    ];
    const made = async () => {
      const all = await pair(dialog);
      const read = all.map(async ({ base64 }) => {
        const bytes = Buffer.from(base64, "base64");
        const { format, width } = await sharp(bytes).metadata();
        return { format, width, bytes: bytes.length };
      });
      return Promise.all(read);
    };
    // As the sheet shows it now, and the next best format.
    await expect
      .poll(() => left.getByRole("status").textContent(), PATIENCE)
      .toMatch(/^AVIF: [\d.]+\skB\. Saved: [\d.]+\s%\.$/);
    await expect
      .poll(() => right.getByRole("status").textContent(), PATIENCE)
      .toMatch(/^WebP: [\d.]+\skB\. /);
    const [avif, webp] = await made();
    expect([avif?.format, avif?.width, webp?.format, webp?.width]).toEqual([
      "heif",
      480,
      "webp",
      480,
    ]);

    await left.getByLabel("Format").selectOption("JPEG");
    await left.getByLabel("Quality").fill("30");
    await right.getByLabel("Quality").fill("low");
    await expect
      .poll(() => dialog.locator(".label").allTextContents(), PATIENCE)
      .toEqual(["JPEG 30", "WebP low"]);
    const [jpeg, low] = await made();
    expect([jpeg?.format, low?.format]).toEqual(["jpeg", "webp"]);
    expect(low?.bytes).toBeLessThan(webp?.bytes ?? 0);
    const kB = ((jpeg?.bytes ?? 0) / 1e3).toFixed(0);
    expect(await left.getByRole("status").textContent()).toContain(`JPEG: ${kB}\u00a0kB.`);
    const more = (low?.bytes ?? 0) > (jpeg?.bytes ?? 0) ? "more" : "less";
    expect(await dialog.locator(".difference").textContent()).toMatch(
      new RegExp(
        `^The right picture has [\\d.]+\\skB \\(\\d+\\s%\\) ${more} than the left one\\.$`,
      ),
    );
    expect(presetOf((await left.locator("code").last().textContent()) ?? "")).toMatchObject({
      quality: 30,
      format: "jpeg",
    });

    await right.getByLabel("Quality").fill("101");
    await expect
      .poll(() => right.getByRole("status").textContent())
      .toBe("card.quality: 101 is not a whole number between 1 and 100");
    expect(await right.getByLabel("Quality").getAttribute("aria-invalid")).toBe("true");
    expect(await dialog.locator(".difference").textContent()).toBe("");
    expect(await right.locator("pre").count()).toBe(0);

    // The other picture keeps its shape where this one is broken.
    const shapeOf = async (image: Locator) => {
      const { width, height } = (await image.boundingBox()) ?? expect.unreachable();
      return [width, height];
    };
    const images = dialog.locator(".stage img");
    const shape = await shapeOf(images.last());
    await images.first().evaluate((image) => image.setAttribute("src", "data:image/png;base64,"));
    await page.evaluate(() => new Promise(requestAnimationFrame));
    expect(await shapeOf(images.last())).toEqual(shape);
    expect(complaints).toEqual([]);
    await page.close();
  });

  test("a picture that comes late does not hide what is wrong now", async () => {
    const { page, complaints } = await openSheet(SMALL);
    const late = Promise.withResolvers<void>();
    await page.route("**/.vitrine/try?*format=webp*", async (route) => {
      await late.promise;
      await route.continue();
    });
    const { dialog } = await openTry(page, SMALL, "thumbnail");
    const right = dialog.getByRole("group", { name: "Right" });
    await right.getByLabel("Quality").fill("best");
    const said = () => right.getByRole("status").textContent();
    const wrong = 'thumbnail.quality: "best" is not one of high, medium-high, medium-low, low';
    await expect.poll(said).toBe(wrong);
    late.resolve();
    const image = right.page().locator(".stage img").last();
    await expect.poll(() => image.getAttribute("src"), PATIENCE).toContain("data:image/webp");
    await image.evaluate((one) => (one instanceof HTMLImageElement ? one.decode() : undefined));
    expect(await said()).toBe(wrong);
    expect(besidesGivenUp(complaints)).toEqual([]);
    await page.close();
  });

  test("the slider moves by keyboard and by pointer", async () => {
    const { page, complaints } = await openSheet(SMALL);
    const { dialog } = await openTry(page, SMALL, "card");
    const slider = dialog.getByRole("slider");
    await expect
      .poll(async () => (await pair(dialog)).map(({ width }) => width), PATIENCE)
      .toEqual([300, 300]);
    const clip = async () => (await pair(dialog))[1]?.clip;
    expect(await clip()).toBe("inset(0px 0px 0px 50%)");
    await slider.focus();
    await page.keyboard.press("ArrowRight");
    expect(await clip()).toBe("inset(0px 0px 0px 51%)");
    expect(await slider.getAttribute("aria-valuetext")).toBe("51 % left, 49 % right");
    await page.keyboard.press("Home");
    expect(await clip()).toBe("inset(0px 0px 0px 0%)");
    await page.keyboard.press("End");
    expect(await clip()).toBe("inset(0px 0px 0px 100%)");

    const { x, y, width, height } = (await slider.boundingBox()) ?? expect.unreachable();
    await page.mouse.move(x + width / 2, y + height / 2);
    await page.mouse.down();
    await page.mouse.move(x + width / 4, y + height / 3, { steps: 4 });
    await page.mouse.up();
    expect(await clip()).toBe("inset(0px 0px 0px 25%)");
    expect(complaints).toEqual([]);
    await page.close();
  });

  test("there is no AVIF over 1,200 px, and no line that says so (O7)", async () => {
    const { page, complaints, got } = await openSheet(FIG, undefined, 2);
    const { dialog } = await openTry(page, FIG, "hero");
    const right = dialog.getByRole("group", { name: "Right" });
    const label = dialog.locator(".label");
    await expect.poll(() => label.allTextContents(), PATIENCE).toEqual(["WebP 80", "JPEG 80"]);
    await right.getByLabel("Format").selectOption("AVIF");
    await expect
      .poll(() => right.getByRole("status").textContent())
      .toContain("no AVIF with a side over 1,200 px");
    expect(await right.locator("code").last().textContent()).toBe("quality = 80");
    expect([...got.keys()].filter((url) => url.includes("format=avif"))).toEqual([]);
    expect(complaints).toEqual([]);
    await page.close();
  });

  test("before a picture has loaded, it is compared as the browser will choose it", async () => {
    const { page, complaints } = await openSheet("photos/", PHONE);
    const image = page.locator("figure img").last(); // far below what is seen
    const { promise: isAsked, resolve } = Promise.withResolvers<void>();
    await page.route("**/images/hero*/**", async (route) => {
      await isAsked;
      await route.continue();
    });
    const isUnknown = () =>
      image.evaluate((one) => one instanceof HTMLImageElement && one.currentSrc === "");
    expect(await isUnknown()).toBe(true);
    const button = page.getByRole("button", { name: /^Try .* as hero$/ }).last();
    await button.click();
    expect(await button.getAttribute("aria-busy")).toBe("true");
    resolve();
    await page.getByRole("dialog", { name: /as hero@640w$/ }).waitFor(PATIENCE);
    expect(besidesGivenUp(complaints)).toEqual([]);
    await page.close();
  });

  test("the placeholder is shown as a page shows it, and its fact can be copied", async () => {
    const { page, complaints } = await openSheet(SMALL);
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    const { dialog } = await openTry(page, SMALL, "hero", "Placeholder");
    const stage = dialog.locator(".stage");
    const fact = await readFact(readFileSync(join(ROOT, "fixtures/objects/made/rotated-gps.jpg")));
    if ("reason" in fact) throw new Error(fact.reason);
    const background = () => stage.evaluate((box) => getComputedStyle(box).background);
    const isPicture = () =>
      stage.locator("img").evaluate((image) => getComputedStyle(image).visibility);
    await stage.waitFor();
    expect(await background()).toMatch(/url\("data:image\/png;base64,.*50% 50% \/ cover/);
    expect(await isPicture()).toBe("hidden");
    // The box is that of the picture: nothing moves when it comes.
    const { width, height } = (await stage.boundingBox()) ?? expect.unreachable();
    expect(width / height).toBeCloseTo(fact.width / fact.height, 2);

    await dialog.getByRole("radio", { name: "Colour" }).check();
    const rgb = [1, 3, 5].map((at) => Number.parseInt(`${fact.color?.slice(at, at + 2)}`, 16));
    expect(await background()).toContain(`rgb(${rgb.join(", ")})`);
    await dialog.getByRole("radio", { name: "Picture" }).check();
    expect([await background(), await isPicture()]).toEqual([
      expect.not.stringContaining("url"),
      "visible",
    ]);

    expect(await dialog.locator("pre").last().textContent()).toBe(
      `npx vitrine facts --url ${address()} --out ../app/src/facts.ts`,
    );
    await dialog.getByRole("button", { name: "Copy" }).first().click();
    await dialog.getByRole("button", { name: "Copied" }).waitFor();
    expect(JSON.parse(`{${await copied(page)}}`)).toEqual({ [SMALL]: fact });
    expect(complaints).toEqual([]);
    await page.close();
  });

  test.each([
    ["transparent.png", "Placeholder", "Some pixels of this original are transparent."],
    ["animated.gif", "Compare", "This original moves, and card shows its first frame."],
    [
      "animated.gif",
      "Focal point",
      "card shows the whole picture, so a focal point changes nothing.",
    ],
  ])("of %s, the panel %s tells: %s", async (key, panel, told) => {
    const { page, complaints } = await openSheet(key);
    const { dialog } = await openTry(page, key, "card", panel);
    await dialog.getByText(told).waitFor();
    expect(complaints).toEqual([]);
    await page.close();
  });

  test("a focal point moves the crop, and its line is one that a preset takes (O4)", async () => {
    const { page, complaints } = await openSheet(SMALL);
    const { dialog } = await openTry(page, SMALL, "thumbnail", "Focal point");
    const crop = dialog.getByAltText("What the preset shows");
    const whole = dialog.getByAltText("The whole picture");
    const made = () => crop.getAttribute("src");
    const size = (image: Locator) =>
      image.evaluate((one) =>
        one instanceof HTMLImageElement ? [one.naturalWidth, one.naturalHeight] : [],
      );
    const line = () => dialog.locator("pre").textContent();
    await expect.poll(() => size(whole), PATIENCE).toEqual([300, 400]);
    await expect.poll(made, PATIENCE).toContain("data:image/avif");
    expect(await size(crop)).toEqual([160, 160]);
    const centre = await made();
    expect(await line()).toBe("gravity = { x = 0.5, y = 0.5 }");

    await dialog.getByLabel("From the top").focus();
    await page.keyboard.press("Home");
    await page.keyboard.press("ArrowRight");
    expect(await line()).toBe("gravity = { x = 0.5, y = 0.01 }");
    await expect.poll(made, PATIENCE).not.toBe(centre);
    const top = await made();

    const { x, y, width, height } = (await whole.boundingBox()) ?? expect.unreachable();
    await page.mouse.click(x + 0.9 * width, y + 0.7 * height);
    expect(await line()).toBe("gravity = { x = 0.9, y = 0.7 }");
    await expect.poll(made, PATIENCE).not.toBe(top);
    expect(presetOf((await line()) ?? "")).toMatchObject({ gravity: { x: 0.9, y: 0.7 } });
    expect(complaints).toEqual([]);
    await page.close();
  });

  test("why there is no crop stays there when the whole picture comes after it", async () => {
    const { page } = await openSheet(SMALL);
    const late = Promise.withResolvers<void>();
    await page.route("**/.vitrine/try?*whole=yes*", async (route) => {
      await late.promise;
      await route.continue();
    });
    await page.route("**/.vitrine/try?*&x=*", (route) =>
      route.fulfill({ status: 502, body: "no such crop\n" }),
    );
    const { dialog } = await openTry(page, SMALL, "thumbnail", "Focal point");
    const fault = dialog.getByText("no such crop", { exact: true });
    await fault.waitFor();
    late.resolve();
    const whole = dialog.getByAltText("The whole picture");
    await expect.poll(() => whole.getAttribute("src"), PATIENCE).toContain("data:image/");
    expect(await fault.count()).toBe(1);
    await page.close();
  });

  test("by keyboard alone: from the page to the line that is copied, and back", async () => {
    const { page, complaints } = await openSheet(SMALL);
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    await look(page, "figure >> nth=0");
    const button = `Try ${SMALL} as thumbnail`;
    const tabTo = async (wanted: string) => {
      for (let tabs = 0; tabs < 12 && !(await focused(page)).startsWith(wanted); tabs++) {
        await page.keyboard.press("Tab");
      }
      expect(await focused(page)).toMatch(new RegExp(`^${wanted}`));
    };
    await tabTo(button);
    await page.keyboard.press("Enter");
    expect(await focused(page)).toBe("Compare");
    await tabTo("Where the left picture ends");
    await tabTo("Format");
    await page.keyboard.press("ArrowDown");
    await tabTo("Quality");
    await page.keyboard.press("ControlOrMeta+A");
    await page.keyboard.type("62");
    await tabTo("Copy");
    await page.keyboard.press("Enter");
    await expect.poll(() => focused(page), PATIENCE).toBe("Copied");
    expect(await copied(page)).toBe('quality = 62\nformat = "webp"');
    // Tab stays in the dialog, and the page behind it does not move.
    await tabTo("Compare");
    // The heading does not cover its button.
    const top = (selector: string) => page.locator(selector).first().boundingBox();
    const heading = (await top("dialog header")) ?? expect.unreachable();
    expect((await top("dialog .tabs label"))?.y).toBeGreaterThan(heading.y + heading.height);
    await page.keyboard.press("ArrowRight");
    expect(await focused(page)).toBe("Placeholder");
    await page.keyboard.press("Escape");
    await expect.poll(() => focused(page)).toBe(button);
    await expect.poll(() => page.locator("dialog").count(), PATIENCE).toBe(0);

    // The line was pasted, so the sheet was drawn anew behind the dialog.
    await page.keyboard.press("Enter");
    await page.getByLabel(button).evaluate((old) => old.replaceWith(old.cloneNode(true)));
    await page.keyboard.press("Escape");
    await expect.poll(() => focused(page)).toBe(button);
    expect(complaints).toEqual([]);
    await page.close();
  });

  test("a phone has no horizontal scroll, and its finger moves the slider", async () => {
    const { page, complaints } = await openSheet(SMALL, PHONE, 2);
    for (const panel of ["Focal point", "Placeholder", "Compare"]) {
      const { dialog } = await openTry(page, SMALL, "thumbnail", panel);
      await dialog.locator("pre").first().waitFor();
      const over = await page.evaluate(() =>
        ["html", "dialog"].map((name) => {
          const { scrollWidth = 0, clientWidth = 0 } = document.querySelector(name) ?? {};
          return scrollWidth - clientWidth;
        }),
      );
      expect([panel, over]).toEqual([panel, [0, 0]]);
      if (panel !== "Compare") await page.keyboard.press("Escape");
    }
    const dialog = page.getByRole("dialog");
    await expect
      .poll(async () => (await pair(dialog)).map(({ width }) => width), PATIENCE)
      .toEqual([320, 320]);
    const { x, y, width, height } =
      (await dialog.getByRole("slider").boundingBox()) ?? expect.unreachable();
    await page.touchscreen.tap(x + 0.75 * width, y + height / 2);
    await expect.poll(async () => (await pair(dialog))[1]?.clip).toBe("inset(0px 0px 0px 75%)");
    expect(complaints).toEqual([]);
    await page.close();
  });

  test("the dialog is light or dark, as the browser prefers", async () => {
    const { page } = await openSheet(SMALL);
    const { dialog } = await openTry(page, SMALL, "card");
    const colours = async (colorScheme: "light" | "dark") => {
      await page.emulateMedia({ colorScheme });
      return dialog.evaluate((box) => {
        const { backgroundColor, color } = getComputedStyle(box);
        return [backgroundColor, color];
      });
    };
    expect(await colours("light")).toEqual(["rgb(255, 253, 249)", "rgb(34, 31, 26)"]);
    expect(await colours("dark")).toEqual(["rgb(32, 31, 28)", "rgb(236, 231, 221)"]);
    await page.close();
  });
});
