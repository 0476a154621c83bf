// `vitrine dev --host` on a phone: Chromium as a Pixel, at another address of this machine, with and without the code.

import { connect } from "node:net";
import { devices } from "playwright-core";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { freePort } from "../support/free-port.ts";
import { copyProject, endRuns, removeCopies, start } from "../support/local-run.ts";
import { machineAddress } from "../support/other-address.ts";
import { launch } from "./chromium.ts";
import { barriers, loadedImages, look } from "./sheet-page.ts";

const PHONE = devices["Pixel 7"] ?? expect.unreachable();
const ADDRESS = machineAddress();
/** The filter leaves this alone. */
const FILTER = "photos/fig.jpg";

let browser: Awaited<ReturnType<typeof launch>>;
let run: Awaited<ReturnType<typeof start>>;
let origin: string;
/** How long a connection was open that said nothing: ms. */
let silence: Promise<number>;

vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 }); // beside other tests
beforeAll(async () => {
  const port = await freePort();
  origin = `http://${ADDRESS}:${port}`;
  const started = start(copyProject(), port, undefined, ["--host", ADDRESS]);
  [browser, run] = await Promise.all([launch(), started]);
  silence = openSilent(port);
});
afterAll(async () => {
  await endRuns();
  removeCopies();
  await browser.close();
  vi.resetConfig();
});

/** Opens a connection that says nothing. @returns after how many ms it was closed */
function openSilent(port: number): Promise<number> {
  const opened = Date.now();
  return new Promise((resolve, reject) => {
    const socket = connect(port, ADDRESS);
    socket.resume().on("error", reject);
    socket.on("close", () => resolve(Date.now() - opened));
  });
}

/** A new phone, which has no cookie. `complaints` collects the errors of its browser, `types` those of its pictures. */
async function openPhone() {
  const context = await browser.newContext({ ...PHONE });
  const page = await context.newPage();
  const complaints: string[] = [];
  const types: string[] = [];
  page.on("console", (message) => complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("response", (response) => {
    const type = response.headers()["content-type"] ?? "";
    if (type.startsWith("image/") && !response.url().includes("/.vitrine/")) types.push(type);
  });
  await page.addInitScript((text) => sessionStorage.setItem("filter", text), FILTER);
  return { context, page, complaints, types };
}

/** The code, as the terminal prints it. */
function printedCode(): string {
  const [, code] = /^The code is ([\w-]+)\./m.exec(run.output()) ?? [];
  return code ?? expect.unreachable(run.output());
}

test("without the code, a phone sees no picture, and a page without a barrier", async () => {
  const { context, page, types } = await openPhone();
  const answer = await page.goto(`${origin}/`);
  expect(answer?.status()).toBe(403);
  expect(await page.locator("h1").textContent()).toBe("The code");
  expect(await page.locator("img").count()).toBe(0);
  expect(await barriers(page)).toEqual([]);

  const picture = await page.goto(`${origin}/images/card/transparent.png`);
  expect(picture?.status()).toBe(403);
  await page.fill("input", "aaaa-bbbb-cccc");
  await page.click("button");
  await page.getByText("That is not the code.").waitFor();
  expect(types).toEqual([]);
  await context.close();
});

test("by the form, and by the QR code's URL, a phone sees pictures in its format and density", async () => {
  for (const how of ["form", "url"]) {
    const { context, page, complaints, types } = await openPhone();
    if (how === "form") {
      await page.goto(`${origin}/`);
      complaints.length = 0; // the page itself is a 403
      await page.fill(
        "input",
        printedCode().replaceAll("-", " ").toUpperCase().replaceAll(" ", ""),
      );
      await page.click("button");
    } else {
      await page.goto(`${origin}/${printedCode()}`);
    }

    await page.waitForURL(`${origin}/`);
    await look(page);
    const images = await loadedImages(page);
    expect(images.map(({ variant }) => variant)).toEqual(["thumbnail@2x", "card@2x", "hero@960w"]);
    expect(new Set(types)).toEqual(new Set(["image/avif"]));
    expect(await page.locator("[data-try], [data-remove], #files").count()).toBe(0);
    expect(await page.evaluate(() => document.cookie)).toBe("");
    expect(await barriers(page)).toEqual([]);
    expect(complaints).toEqual([]);
    await context.close();
  }
  expect(run.output().match(new RegExp(printedCode(), "g"))?.length).toBe(2); // the URL and the line
});

test("a page of the developer's app, at another port of the same address, shows a picture", async () => {
  const { context, page } = await openPhone();
  await page.goto(`${origin}/${printedCode()}`);
  await page.route("http://*/app", (route) =>
    route.fulfill({
      contentType: "text/html",
      body: `<img src="${origin}/images/card/transparent.png">`,
    }),
  );
  for (const [host, isVisible] of [
    [ADDRESS, true],
    ["other.example", false],
  ] as const) {
    await page.goto(`http://${host}:3000/app`);
    const width = await page.locator("img").evaluate(async (image) => {
      if (!(image instanceof HTMLImageElement)) throw new Error("not an image");
      await image.decode().catch(() => {});
      return image.naturalWidth;
    });
    expect([host, width > 0]).toEqual([host, isVisible]);
  }
  await context.close();
});

test("a connection that says nothing is closed within seconds, by which nobody fills the run", async () => {
  expect(await silence).toBeLessThan(30_000); // beside other tests; Node.js itself waits for 60 s
});
