// A real browser with the cookie that opens an album: pages of several hosts show its pictures, or do not.

import { createServer } from "node:http";
import type { BrowserContext } from "playwright-core";
import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { createClient } from "../../src/client/index.ts";
import { expiresWithin, signCookie } from "../../src/client/sign.ts";
import { SECRETS, VARS } from "../support/env.ts";
import { startWorld, type World } from "./world.ts";

// Browsers find these hosts on this machine, and take cookies with `Secure` from them.
const DOMAIN = "vitrine.localhost";
const PHOTOS = ["photos/fig.jpg", "photos/dandelion.jpg"];
/** The pictures of the album, at two presets. A page has one more, which is not in it. */
const ALBUM = PHOTOS.flatMap((key) => [`card/${key}`, `card@2x/${key}`]);
const PICTURES = [...ALBUM, "card/transparent.png"];

const app = createServer(async ({ url = "/" }, response) => {
  if (url === "/in" || url === "/out") {
    const expires = url === "/in" ? expiresWithin(3600) : 1;
    const term = { prefix: "photos/", expires, domain: DOMAIN };
    const signed = [album(), open()].map((route) =>
      signCookie(route, SECRETS.URL_SIGNING_KEYS, term),
    );
    response.setHeader(
      "set-cookie",
      (await Promise.all(signed)).map(({ header }) => header),
    );
  }
  response.setHeader("content-type", "text/html");
  const attributes = url === "/open" ? ' crossorigin="use-credentials"' : "";
  const images = PICTURES.map(
    (name) => `<img alt="${name}" src="${vitrine()}${url}/${name}"${attributes}>`,
  );
  response.end(url === "/album" || url === "/open" ? images.join("\n") : "");
});

let world: World;
let context: BrowserContext;
const urlOn = (host: string, appPort: number) => `http://${host}:${appPort}`;
const at = (host: string) => urlOn(host, world.appPort);
const vitrine = () => `http://images.${DOMAIN}:${world.worker.port}`;

const signed = { object: "media/*", signed: true, cookie: true } as const;
const site = (path: string) =>
  createClient({ baseUrl: vitrine(), route: { path, ...signed }, presets: VARS.PRESETS }).site;
const album = () => site("/album/:preset/*");
const open = () => site("/open/:preset/*");

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });
beforeAll(async () => {
  world = await startWorld(app, (appPort) => [
    { path: "/album/:preset/*", ...signed },
    { path: "/open/:preset/*", ...signed, origins: [urlOn(`app.${DOMAIN}`, appPort)] },
  ]);
});
afterAll(async () => {
  await world.stop();
  vi.resetConfig();
});
beforeEach(async () => {
  context = await world.browser.newContext();
});

/** Opens a page of a host, and waits until all its pictures have come or failed. */
async function openPage(host: string, path: string) {
  const page = await context.newPage();
  await page.goto(at(host) + path);
  await page.waitForFunction(() => [...document.images].every(({ complete }) => complete));
  return page;
}

/** The pictures that a page shows. */
async function picturesOn(host: string, path: string): Promise<string[]> {
  const page = await openPage(host, path);
  const pictures = await page.evaluate(() =>
    [...document.images].filter((one) => one.naturalWidth > 0).map(({ alt }) => alt),
  );
  await page.close();
  return pictures;
}

const APP = `app.${DOMAIN}`;

test("a page of a sub-domain shows the album with the cookie, and nothing without", async () => {
  expect(await picturesOn(APP, "/album")).toEqual([]);
  await openPage(APP, "/in");
  expect(await picturesOn(APP, "/album")).toEqual(ALBUM);
  expect(await context.cookies(`${vitrine()}/album/`)).toMatchObject([
    { name: "vitrine", path: "/album/", secure: true, httpOnly: true, sameSite: "Lax" },
  ]);
  expect(await context.cookies(`${vitrine()}/images/`)).toEqual([]);
});

test("after the cookie is taken away, a picture that was not seen before stays closed", async () => {
  await openPage(APP, "/in");
  expect(await picturesOn(APP, "/album")).toEqual(ALBUM);
  await openPage(APP, "/out");
  expect(await context.cookies(`${vitrine()}/album/`)).toEqual([]);
  const page = await context.newPage();
  const answer = await page.goto(`${vitrine()}/album/hero/${PHOTOS[0]}`);
  expect(answer?.status()).toBe(404);
});

test("a page of another site shows nothing, though the browser has the cookie", async () => {
  await openPage(APP, "/in");
  expect(await picturesOn("app.other.localhost", "/album")).toEqual([]);
  expect(await picturesOn(APP, "/album")).toEqual(ALBUM);
  expect(await picturesOn("app.other.localhost", "/album")).toEqual([]); // nor what the browser has kept
});

test("with crossorigin=use-credentials a script of the app reads the pixels, and no other page's", async () => {
  await openPage(APP, "/in");
  expect(await picturesOn(APP, "/open")).toEqual(ALBUM);
  expect(await picturesOn(`www.${DOMAIN}`, "/open")).toEqual([]); // it is not one of `origins`
  const page = await openPage(APP, "/open");
  const pixel = await page.evaluate(() => {
    const canvas = document.createElement("canvas").getContext("2d");
    const [image] = document.images;
    if (!canvas || !image) return [];
    canvas.drawImage(image, 0, 0);
    return [...canvas.getImageData(10, 10, 1, 1).data];
  });
  expect(pixel).toEqual([expect.any(Number), expect.any(Number), expect.any(Number), 255]);
});
