// A project with token routes in a real local run: by fetch, by `vitrine token`, and in a browser that signs in on the
// contact sheet.

import { execFile } from "node:child_process";
import { cpSync, mkdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { LOCAL_ISSUER_KEY_FILE } from "../../src/cli/config/local-issuer.ts";
import { QUIET, ROOT } from "../support/built.ts";
import { editFile, VITRINE } from "../support/local-run.ts";
import { barriers, DESKTOP, figureOf, LONG_WAIT, PHONE, runSheet } from "./sheet-page.ts";

const run = promisify(execFile);

const ALICE = "users/alice/fig.png";
const BOB = "users/bob/fig.png";
const TOKEN_ROUTES = `
[[vars.ROUTES]]
path = "/users/:user/:preset/*"
object = "media/users/:user/*"
[[vars.ROUTES.token]]
issuer = "https://login.example.com/"
audience = "images"
keys = "https://login.example.com/.well-known/jwks.json"
cookie = "session"
claims = { sub = ":user", org = ["acme", "globex"] }

[[vars.ROUTES]]
path = "/staff/:team/:preset/*"
object = "media/staff/:team/*"
token = { issuer = "https://acme.cloudflareaccess.com", audience = "a1", claims = { team = ":team" } }

[[vars.ROUTES]]
path = "/native/:user/:preset/*"
object = "media/native/:user/*"
[[vars.ROUTES.token]]
issuer = "https://login.example.com/"
audience = "native"
keys = "https://login.example.com/.well-known/jwks.json"
claims = { sub = ":user" }
`;

/** Lets the open route show the photographs alone, and adds routes of users. */
function prepare(folder: string): void {
  editFile(join(folder, "wrangler.toml"), (text) => {
    const start = text.indexOf("[[vars.ROUTES]]");
    const routes = text.indexOf("[vars.PRESETS.");
    const photos = '[[vars.ROUTES]]\npath = "/images/:preset/*"\nobject = "media/photos/*"\n';
    return `${text.slice(0, start)}${photos}${TOKEN_ROUTES}\n${text.slice(routes)}`;
  });
  for (const key of [ALICE, BOB, "staff/red/fig.png", "native/bob/fig.png"]) {
    const file = join(folder, "objects", key);
    mkdirSync(join(file, ".."), { recursive: true });
    cpSync(join(ROOT, "fixtures/objects/made/transparent.png"), file);
  }
}

const { folder, address, openSheet, restart } = runSheet(prepare);

/** Runs `vitrine token`. */
async function printToken(...args: string[]): Promise<{ token: string; stderr: string }> {
  const options = { cwd: folder(), env: QUIET };
  const command = [VITRINE, "token", "--url", address(), ...args];
  const { stdout, stderr } = await run(process.execPath, command, options);
  return { token: stdout.trim(), stderr };
}

const statusOf = async (path: string, headers: Record<string, string> = {}) =>
  (await fetch(address() + path, { headers })).status;
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

test("a token opens the pictures of its user alone, and after a restart, too", async () => {
  const alice = "/users/alice/card/fig.png";
  const { token, stderr } = await printToken("--sub", "alice");
  const [, url = ""] = / (http:\S+)\n$/.exec(stderr) ?? [];
  expect(url).toMatch(/\/users\/alice\/\w+\/fig\.png$/);
  expect((await fetch(url, { headers: bearer(token) })).status).toBe(200);

  const look = async () => [
    await statusOf(alice),
    await statusOf(alice, bearer(token)),
    await statusOf(alice, { cookie: `session=${token}` }),
    await statusOf(alice, { "cf-access-jwt-assertion": token }),
    await statusOf("/users/bob/card/fig.png", bearer(token)),
    await statusOf("/native/alice/card/fig.png", bearer(token)),
  ];
  expect(await look()).toEqual([404, 200, 200, 404, 404, 404]);
  expect(statSync(join(folder(), LOCAL_ISSUER_KEY_FILE)).mode & 0o777).toBe(0o600);
  await restart(async () => {});
  expect(await look()).toEqual([404, 200, 200, 404, 404, 404]);
});

test("a token of Cloudflare Access opens by its header and its cookie, and only its own routes", async () => {
  const red = "/staff/red/card/fig.png";
  const { token } = await printToken("--route", "/staff/:team/:preset/*", "--claim", "team=red");
  expect([
    await statusOf(red, { "cf-access-jwt-assertion": token }),
    await statusOf(red, { cookie: `CF_Authorization=${token}` }),
    await statusOf("/users/red/card/fig.png", bearer(token)),
  ]).toEqual([200, 200, 404]);
});

/** Whether the picture of an object is seen. */
const isSeen = async (page: Page, key: string) => {
  const figure = figureOf(page, key, "card");
  await figure.and(page.locator("[data-state]")).waitFor(LONG_WAIT);
  return (await figure.getAttribute("data-state")) === "shown";
};
const status = (page: Page) => page.locator("[data-signed-in]").first();

test("a developer signs in as somebody, sees their pictures alone, becomes another one, and signs out", async () => {
  const { page } = await openSheet("users/");
  await status(page).getByText("Nobody is signed in.").waitFor();
  expect([await isSeen(page, ALICE), await isSeen(page, BOB)]).toEqual([false, false]);

  const form = page.getByRole("region", { name: "Sign in for /users/:user/:preset/*" });
  await form.getByLabel("sub").fill("alice");
  await form.getByLabel("org").selectOption("globex");
  await form.getByLabel("sub").press("Enter");
  await status(page).getByText("Signed in as sub = alice, org = globex, until").waitFor();
  expect([await isSeen(page, ALICE), await isSeen(page, BOB)]).toEqual([true, false]);
  const failed = figureOf(page, BOB, "card").locator("[data-fact]").first();
  expect(await failed.textContent()).toBe("Only for sub = bob");

  await page.getByRole("button", { name: `Sign in as bob, for ${BOB} as card` }).click();
  await status(page).getByText("Signed in as sub = bob, org = acme, until").waitFor();
  expect([await isSeen(page, ALICE), await isSeen(page, BOB)]).toEqual([false, true]);

  await form.getByRole("button", { name: "Sign out" }).click();
  await status(page).getByText("Nobody is signed in.").waitFor();
  expect([await isSeen(page, ALICE), await isSeen(page, BOB)]).toEqual([false, false]);
  expect(await page.context().cookies()).toEqual([]);
  await page.close();
});

test("the session of an app beside the local run, on another port, stays", async () => {
  const { page } = await openSheet("users/");
  const session = { name: "session", value: "of-the-app", url: "http://localhost:3000/" };
  await page.context().addCookies([session]);
  await page.getByRole("button", { name: `Sign in as alice, for ${ALICE} as card` }).click();
  await status(page).getByText("Signed in as sub = alice").waitFor();
  expect(await isSeen(page, ALICE)).toBe(true);
  const cookies = await page.context().cookies("http://localhost:3000/");
  expect(cookies.map(({ name, value }) => [name, value])).toEqual([["session", "of-the-app"]]);
  await page.context().clearCookies();
  await page.close();
});

test.each([
  ["light", DESKTOP],
  ["dark", DESKTOP],
  ["light", PHONE],
] as const)("the sign-in has no barriers, %s", async (colorScheme, window) => {
  const { page } = await openSheet("users/", window);
  await page.emulateMedia({ colorScheme });
  await isSeen(page, ALICE);
  expect(await barriers(page)).toEqual([]);
  expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBe(0);
  await page.close();
});

test("what no cookie opens has its curl line, which works", async () => {
  const { page } = await openSheet("native/");
  const figure = figureOf(page, "native/bob/fig.png", "card");
  expect(await figure.locator("img").count()).toBe(0);
  const line = (await figure.locator("code").last().textContent()) ?? "";
  const [, args = "", url = ""] = /\$\(npx vitrine token (.*)\)" (\S+)$/.exec(line) ?? [];
  const { token } = await printToken(...args.replaceAll("'", "").split(" "));
  expect((await fetch(url, { headers: bearer(token) })).status).toBe(200);
  await page.close();
});

test("no other page signs anybody in", async () => {
  const url = `${address()}/.vitrine/sign-in/0`;
  const body = '{"sub":"alice"}';
  for (const origin of ["https://evil.example", "http://localhost:3000", "null"]) {
    const answer = await fetch(url, { method: "PUT", headers: { origin }, body });
    expect([origin, answer.status, answer.headers.getSetCookie()]).toEqual([origin, 403, []]);
  }
});
