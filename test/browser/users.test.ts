// A real browser in which users log in one after the other: what a page shows, and what a script gets, is of the user who is
// logged in, or nothing. Each user's picture has another width. A browser decides in many places whether it asks again: its
// cache, a renderer's memory, its history.

import { createServer } from "node:http";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import type { BrowserContext, Page } from "playwright-core";
import sharp from "sharp";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { seeded } from "../bench/random.ts";
import { startWorld, type World } from "./world.ts";

// Browsers find these hosts on this machine, and take cookies with `Secure` from them.
const DOMAIN = "vitrine.localhost";
const APP = `app.${DOMAIN}`;
const NEIGHBOUR = `www.${DOMAIN}`;
const OTHER = "app.other.localhost";

/** The users, with the width of the picture of each. */
const WIDTHS = { alice: 31, bob: 37, "auth0|5f7c8ec7": 41 } as const;
type User = keyof typeof WIDTHS;
const isUser = (name: string): name is User => Object.hasOwn(WIDTHS, name);
const USERS = Object.keys(WIDTHS).filter(isUser);

const LOGIN = { issuer: "https://login.example/", audience: "images", kid: "2026" };
const KEYS_URL = `${LOGIN.issuer}jwks.json`;

const { publicKey, privateKey } = await generateKeyPair("ES256");

const signToken = (user: User) =>
  new SignJWT()
    .setProtectedHeader({ alg: "ES256", kid: LOGIN.kid })
    .setIssuer(LOGIN.issuer)
    .setAudience(LOGIN.audience)
    .setSubject(user)
    .setExpirationTime("1h")
    .sign(privateKey);

/** The issuer, S3 and the edge: each object of a user is there, and each rendition of it has the user's width. */
async function edgeCode(): Promise<string> {
  const key = { ...(await exportJWK(publicKey)), kid: LOGIN.kid, alg: "ES256", use: "sig" };
  const pictures: Record<string, string> = {};
  for (const user of USERS) {
    const create = { width: WIDTHS[user], height: 20, channels: 3, background: "teal" } as const;
    const jpeg = await sharp({ create }).jpeg().toBuffer();
    pictures[user] = jpeg.toString("base64");
  }
  return `const KEYS = ${JSON.stringify({ keys: [key] })};
const PICTURES = ${JSON.stringify(pictures)};
export default {
  fetch({ url, headers }) {
    if (url === ${JSON.stringify(KEYS_URL)}) return Response.json(KEYS);
    const [, user = ""] = /\\/people\\/([^/]+)\\//.exec(decodeURIComponent(url)) ?? [];
    const bytes = Uint8Array.from(atob(PICTURES[user] ?? ""), (one) => one.charCodeAt(0));
    const about = { "content-type": "image/jpeg", etag: JSON.stringify("9bb58f26192e4ba0-" + user.length) };
    const rendered = { "cf-resized": "internal=ok/m q=0 n=17+85 c=0+0 v=2026.11.0 l=" + bytes.length };
    if (!headers.has("range")) return new Response(bytes, { headers: { ...about, ...rendered } });
    const range = "bytes 0-" + (bytes.length - 1) + "/" + bytes.length;
    return new Response(bytes, { status: 206, headers: { ...about, "content-range": range } });
  },
};`;
}

/** The app. `/album?route=users` has a picture of each user, whoever is logged in; any other page is empty. */
const app = createServer((request, response) => {
  const { pathname, searchParams } = new URL(request.url ?? "/", "http://app");
  const route = searchParams.get("route") ?? "";
  const images = USERS.map((name) => `<img alt="${name}" src="${pictureOf(name, route)}">`);
  response.setHeader("content-type", "text/html");
  response.end(pathname === "/album" ? images.join("\n") : "");
});

let world: World;

vi.setConfig({ testTimeout: 180_000, hookTimeout: 120_000 });
beforeAll(async () => {
  const { issuer, audience } = LOGIN;
  const claims = { sub: ":user" };
  const token = { issuer, audience, keys: KEYS_URL, cookie: "session", claims };
  const object = "media/people/:user/*";
  const routes = (appPort: number) => [
    { path: "/users/:user/:preset/*", object, token },
    { path: "/kept/:user/:preset/*", object, token, answers: { max_age: 600 } },
    { path: "/read/:user/:preset/*", object, token, origins: [`http://${APP}:${appPort}`] },
  ];
  world = await startWorld(app, routes, await edgeCode());
});
afterAll(async () => {
  await world.stop();
  vi.resetConfig();
});

const at = (host: string, path: string) => `http://${host}:${world.appPort}${path}`;

const pictureOf = (user: User, route: string) =>
  `http://images.${DOMAIN}:${world.worker.port}/${route}/${encodeURIComponent(user)}/card/a.jpg`;

/** Logs in to the browser, as in another tab of it; or out. */
async function logIn(
  context: BrowserContext,
  user: User | undefined,
  sameSite: "Lax" | "None" = "Lax",
): Promise<void> {
  await context.clearCookies();
  if (user === undefined) return;

  const session = { name: "session", value: await signToken(user), domain: `.${DOMAIN}` };
  await context.addCookies([{ ...session, path: "/", secure: true, httpOnly: true, sameSite }]);
}

/** Returns whose pictures a page shows, by their widths. */
async function usersOn(page: Page): Promise<string[]> {
  await page.waitForFunction(() => [...document.images].every(({ complete }) => complete));
  const widths = await page.evaluate(() =>
    [...document.images].map(({ naturalWidth }) => naturalWidth),
  );
  return USERS.filter((user) => widths.includes(WIDTHS[user]));
}

const album = (route: string, host = APP) => at(host, `/album?route=${route}`);

/** Opens a page of a host in a new tab, and returns whose pictures it shows. */
async function openTab(context: BrowserContext, url: string): Promise<string[]> {
  const page = await context.newPage();
  await page.goto(url);
  const users = await usersOn(page);
  await page.close();
  return users;
}

type ScriptRequest = { readonly url: string; readonly bearer: string | undefined };

/** Lets a script of a page ask for a picture. @returns its width; or the status; or "blocked" */
function fetchIn(page: Page, request: ScriptRequest): Promise<number | string> {
  return page.evaluate(async ({ url, bearer }) => {
    const headers: Record<string, string> = bearer ? { authorization: `Bearer ${bearer}` } : {};
    try {
      const answer = await fetch(url, { credentials: "include", headers });
      if (!answer.ok) return `${answer.status}`;
      const { width } = await createImageBitmap(await answer.blob());
      return width;
    } catch {
      return "blocked";
    }
  }, request);
}

const VISITS = 300;

test("in 300 visits by one browser, pages and scripts show what is of the present user, or nothing", async () => {
  const random = seeded(20_261_202);
  const pick = <T>(list: readonly [T, ...T[]]): T =>
    list[Math.floor(random() * list.length)] ?? list[0];
  const someUser = () => pick(["alice", "bob", "auth0|5f7c8ec7"] as const);
  const context = await world.browser.newContext();
  const page = await context.newPage();
  await page.goto(album("users"));

  let user: User | undefined;
  let pictures = 0;
  /** Of whom the tab has shown a picture. */
  const inHistory = new Set<string>();
  for (let at = 0; at < VISITS; at++) {
    const isChange = random() < 0.4;
    if (isChange) {
      user = pick([someUser(), someUser(), someUser(), undefined]);
      await logIn(context, user);
    }
    const present = user === undefined ? [] : [user];

    const action = pick(["open", "open", "reload", "back", "forward", "tab", "fetch", "fetch"]);
    if (action === "fetch") {
      const owner = someUser();
      const other = random() < 0.5 ? someUser() : undefined;
      const bearer = other && (await signToken(other));
      const width = await fetchIn(page, { url: pictureOf(owner, "read"), bearer });
      const mayRead = owner === user || owner === other;
      expect(width, `${at}: ${owner}`).toBe(mayRead ? WIDTHS[owner] : "404");
      if (mayRead) pictures += 1;
      continue;
    }

    if (action === "open") await page.goto(album("users"));
    if (action === "reload") await page.reload();
    if (action === "back") await page.goBack();
    if (action === "forward") await page.goForward();
    if (page.url() === "about:blank") await page.goForward(); // the tab began with it
    const users = action === "tab" ? await openTab(context, album("users")) : await usersOn(page);
    pictures += users.length;

    const isHistory = action === "back" || action === "forward";
    if (!isHistory) expect(users, `${at}: ${action}`).toEqual(present);

    // There, Chromium shows what the tab has in its memory: no header of an answer can forbid that.
    const unseen = users.filter((name) => name !== user && !inHistory.has(name));
    expect(unseen, `${at}: ${action}`).toEqual([]);
    if (action !== "tab") for (const name of users) inHistory.add(name);
  }
  expect(pictures).toBeGreaterThan(VISITS / 3);
  await context.close();
});

test("with a max_age of the route, a new tab shows no picture of the user before", async () => {
  const context = await world.browser.newContext();
  await logIn(context, "alice");
  expect(await openTab(context, album("kept"))).toEqual(["alice"]);
  await logIn(context, undefined);
  expect(await openTab(context, album("kept"))).toEqual([]);
  await logIn(context, "bob");
  expect(await openTab(context, album("kept"))).toEqual(["bob"]);
  await context.close();
});

test("a page of another site shows no picture, also if the browser sends the cookie there", async () => {
  const context = await world.browser.newContext();
  for (const sameSite of ["Lax", "None"] as const) {
    await logIn(context, "alice", sameSite);
    expect(await openTab(context, album("users"))).toEqual(["alice"]);
    expect(await openTab(context, album("users", NEIGHBOUR))).toEqual(["alice"]);
    expect(await openTab(context, album("users", OTHER)), sameSite).toEqual([]);
  }
  await context.close();
});

test("scripts of pages that the route names read a picture, by cookie or Bearer, and no other page's", async () => {
  const context = await world.browser.newContext();
  const page = await context.newPage();
  await logIn(context, "alice");
  const url = pictureOf("alice", "read");
  const bearer = await signToken("alice");

  await page.goto(at(APP, "/"));
  expect(await fetchIn(page, { url, bearer: undefined })).toBe(WIDTHS.alice);
  expect(await fetchIn(page, { url, bearer })).toBe(WIDTHS.alice);
  for (const host of [NEIGHBOUR, OTHER]) {
    await page.goto(at(host, "/"));
    expect(await fetchIn(page, { url, bearer: undefined }), host).toBe("blocked");
    expect(await fetchIn(page, { url, bearer }), host).toBe("blocked");
  }
  await context.close();
});
