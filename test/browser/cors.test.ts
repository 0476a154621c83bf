// A real browser with routes whose pictures scripts may read, or only some pages may embed: what it has kept for an <img>
// serves nobody else, unless all may read it.

import { createServer } from "node:http";
import type { BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { startWorld, type World } from "./world.ts";

// Browsers find these hosts on this machine, and send them all that they send by https.
const DOMAIN = "vitrine.localhost";
const APP = `app.${DOMAIN}`;
const NEIGHBOUR = `www.${DOMAIN}`;
const OTHER = "app.other.localhost";

/** Pages of all hosts. Each is empty. */
const app = createServer((_, response) => {
  response.setHeader("content-type", "text/html");
  response.end();
});

let world: World;

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });
beforeAll(async () => {
  world = await startWorld(app, (appPort) => [
    { path: "/open/:preset/*", object: "media/*", cors: true },
    { path: "/plain/:preset/*", object: "media/*" },
    { path: "/app/:preset/*", object: "media/*", origins: [`http://${APP}:${appPort}`] },
  ]);
});
afterAll(async () => {
  await world.stop();
  vi.resetConfig();
});

/** A browser that has kept nothing. */
const openBrowser = () => world.browser.newContext();

const pictureOf = (route: string) =>
  `http://images.${DOMAIN}:${world.worker.port}/${route}/card/photos/fig.jpg`;

type Loaded = {
  readonly isShown: boolean;
  /** Whether a canvas gave the page a pixel of it. */
  readonly isRead: boolean;
  /** Whether the browser had it already. */
  readonly isCached: boolean;
};

/**
 * Opens a page of a host, and loads a picture into it.
 * @param attributes of the <img>
 */
async function load(
  context: BrowserContext,
  host: string,
  url: string,
  attributes: Record<string, string> = {},
): Promise<Loaded> {
  const page = await context.newPage();
  await page.goto(`http://${host}:${world.appPort}/`);
  const isCached = await watchCache(context, page);

  const loaded = await page.evaluate(
    async ({ url, attributes }) => {
      const image = document.createElement("img");
      for (const [name, value] of Object.entries(attributes)) image.setAttribute(name, value);
      image.src = url;
      const isShown = await image.decode().then(
        () => true,
        () => false,
      );

      const canvas = document.createElement("canvas").getContext("2d");
      if (!canvas || !isShown) return { isShown, isRead: false };
      canvas.drawImage(image, 0, 0);
      try {
        return { isShown, isRead: canvas.getImageData(10, 10, 1, 1).data[3] === 255 };
      } catch {
        return { isShown, isRead: false };
      }
    },
    { url, attributes },
  );

  await page.close();
  return { ...loaded, isCached: isCached() };
}

/** Watches a page. @returns a function that says whether an answer came out of the browser's cache */
async function watchCache(context: BrowserContext, page: Page): Promise<() => boolean> {
  const session = await context.newCDPSession(page);
  let isCached = false;
  session.on("Network.requestServedFromCache", () => {
    isCached = true;
  });
  session.on("Network.responseReceived", ({ response }) => {
    if (response.fromDiskCache) isCached = true;
  });
  await session.send("Network.enable");
  return () => isCached;
}

const CROSSORIGIN = { crossorigin: "anonymous" };
const SHOWN: Loaded = { isShown: true, isRead: false, isCached: false };
const READ: Loaded = { isShown: true, isRead: true, isCached: false };
const NOTHING: Loaded = { isShown: false, isRead: false, isCached: false };

test.each([APP, OTHER])(
  "with cors, a canvas on %s reads the picture that an <img> has loaded before",
  async (host) => {
    const context = await openBrowser();
    expect(await load(context, host, pictureOf("open"))).toEqual(SHOWN);
    expect(await load(context, host, pictureOf("open"), CROSSORIGIN)).toEqual({
      ...READ,
      isCached: true,
    });
  },
);

test("with cors, a script reads pictures and refusals, whatever it sends", async () => {
  const context = await openBrowser();
  const page = await context.newPage();
  await page.goto(`http://${OTHER}:${world.appPort}/`);
  const statuses = await page.evaluate(
    async ([picture = "", missing = ""]) => {
      const headers = { "x-a": "1" };
      const answers = [await fetch(picture, { headers }), await fetch(missing, { method: "HEAD" })];
      return answers.map(({ status }) => status);
    },
    [pictureOf("open"), pictureOf("open").replace("card", "none")],
  );
  expect(statuses).toEqual([200, 404]);
});

test("without cors, a canvas reads nothing: neither what an <img> has loaded, nor a new one", async () => {
  const context = await openBrowser();
  expect(await load(context, OTHER, pictureOf("plain"))).toEqual(SHOWN);
  expect(await load(context, OTHER, pictureOf("plain"), CROSSORIGIN)).toMatchObject({
    ...{ isShown: false, isRead: false },
  });
});

test("a page of origins shows and reads the picture, and a page of another site nothing", async () => {
  const context = await openBrowser();
  expect(await load(context, APP, pictureOf("app"))).toEqual(SHOWN);
  expect(await load(context, APP, pictureOf("app"), CROSSORIGIN)).toEqual(READ);
  expect(await load(context, OTHER, pictureOf("app"))).toEqual(NOTHING);
  expect(await load(context, OTHER, pictureOf("app"), CROSSORIGIN)).toEqual(NOTHING);
  expect(await load(context, OTHER, pictureOf("app"), { referrerpolicy: "no-referrer" })).toEqual(
    NOTHING,
  );
});

// The browser has one cache for both, because they are of one site.
test("a neighbour of a page of origins is not shown what the browser has kept for that page", async () => {
  const context = await openBrowser();
  expect(await load(context, APP, pictureOf("app"))).toEqual(SHOWN);
  expect(await load(context, APP, pictureOf("app"))).toEqual({ ...SHOWN, isCached: true });
  expect(await load(context, NEIGHBOUR, pictureOf("app"))).toEqual(NOTHING);
  expect(await load(context, NEIGHBOUR, pictureOf("app"), CROSSORIGIN)).toEqual(NOTHING);
  expect(await load(context, APP, pictureOf("app"))).toMatchObject({ isShown: true });
});
