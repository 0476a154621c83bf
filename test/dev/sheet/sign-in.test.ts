// The sign-in of the contact sheet: which token its visitor gets, in which cookies, and what the page says of it.

import { decodeJwt } from "jose";
import { expect, test } from "vitest";
import { isFault } from "../../../src/cli/command.ts";
import { localTokenVars } from "../../../src/cli/config/local-issuer.ts";
import { pageHtml } from "../../../src/dev/sheet/page-html.ts";
import { addRenditions } from "../../../src/dev/sheet/sheet-objects.ts";
import {
  readSignedIn,
  type SignIn,
  signIn,
  signInsOf,
  signOut,
} from "../../../src/dev/sheet/sign-in.ts";
import { configOf } from "../../support/config-of.ts";
import { ENV } from "../../support/env.ts";
import { createTemporaryFolder } from "../../support/temporary-folder.ts";

const ADDRESS = "http://localhost:8787";
const LOGIN = {
  issuer: "https://login.example.com/",
  audience: "images",
  keys: "https://login.example.com/jwks.json",
  cookie: "session",
  claims: { sub: ":user", org: ["acme", "globex"] },
};
const USERS = { path: "/users/:user/:preset/*", object: "media/users/:user/*", token: LOGIN };
const TEAMS = {
  path: "/team s/:team/:preset/*",
  object: "media/teams/:team/*",
  token: { ...LOGIN, audience: ["teams", "others"], claims: { team: ":team" } },
};
const { cookie: _cookie, ...BEARER } = LOGIN;
const NATIVE = { path: "/native/:user/:preset/*", object: "media/native/:user/*", token: BEARER };
const ACCESS = {
  path: "/staff/:preset/*",
  object: "media/staff/*",
  token: { issuer: "https://acme.cloudflareaccess.com", audience: "a1" },
};
const OPEN = { path: "/images/:preset/*", object: "media/photos/*" };

const ALL = [OPEN, USERS, TEAMS, NATIVE, ACCESS];
const folder = createTemporaryFolder("vitrine-sign-in-");
const NOW = Date.parse("2026-12-02T12:00:00Z");

function configWith(routes: readonly object[]) {
  const vars = { ...ENV, ...localTokenVars({ ROUTES: routes }, ADDRESS) };
  return { vars, config: configOf(vars) };
}
const signIns = signInsOf(configWith(ALL).config.routes);

function groupOf(cookie: string | undefined): SignIn {
  return signIns.find((group) => group.cookie === cookie) ?? expect.unreachable();
}

/** The cookies that a browser keeps: their paths by their values. */
async function cookiesOf(group: SignIn, claims: unknown) {
  const cookies = await signIn(folder, group, claims, NOW);
  if (isFault(cookies)) return expect.unreachable(cookies.fault);
  const [first = ""] = cookies;
  const token = /^[\w-]+=([^;]+);/.exec(first)?.[1] ?? "";
  return { cookies: cookies.map((text) => text.replace(token, "TOKEN")), token };
}

test("one token opens all routes of one issuer and cookie, and no cookie is for all paths of localhost", async () => {
  expect(signIns.map(({ cookie, routes }) => [cookie, routes.map(({ path }) => path)])).toEqual([
    ["session", [USERS.path, TEAMS.path]],
    [undefined, [NATIVE.path]],
    ["CF_Authorization", [ACCESS.path]],
  ]);
  const { cookies, token } = await cookiesOf(groupOf("session"), { sub: "alice", org: "globex" });
  const rest = "Max-Age=28800; HttpOnly; SameSite=Lax";
  const paths = ["/users/", "/team%20s/", "/.vitrine/"];
  expect(cookies).toEqual(paths.map((path) => `session=TOKEN; Path=${path}; ${rest}`));
  const { iat, exp, ...claims } = decodeJwt(token);
  expect(claims).toEqual({
    iss: `${ADDRESS}/.vitrine/issuer/login.example.com/`,
    ...{ aud: ["images", "teams"], sub: "alice", org: "globex" },
  });
  expect([iat, exp]).toEqual([NOW / 1000, NOW / 1000 + 28_800]);
  expect(signOut(groupOf("session"))).toEqual(
    cookies.map((text) => text.replace("TOKEN", "").replace("28800", "0")),
  );
});

test.each([
  ["__Secure-session", "Path=/users/; Max-Age=28800; HttpOnly; SameSite=Lax; Secure"],
  ["__Host-session", "Path=/; Max-Age=28800; HttpOnly; SameSite=Lax; Secure"],
])("a browser takes the cookie %s", async (cookie, expected) => {
  const routes = [{ ...USERS, token: { ...LOGIN, cookie } }];
  const [group] = signInsOf(configWith(routes).config.routes);
  const { cookies } = await cookiesOf(group ?? expect.unreachable(), { sub: "alice" });
  expect(cookies[0]).toBe(`${cookie}=TOKEN; ${expected}`);
});

test.each<[what: string, cookie: string | undefined, claims: unknown]>([
  ["nobody", "session", {}],
  ["an empty name", "session", { sub: "" }],
  ["a claim that no route asks for", "session", { sub: "alice", role: "admin" }],
  ["the issuer", "session", { sub: "alice", iss: "https://login.example.com/" }],
  ["a list", "session", { sub: ["alice"] }],
  ["no object", "session", "alice"],
  ["a name that no cookie can hold", "session", { sub: "a".repeat(1_025) }],
  ["a route that no cookie opens", undefined, { sub: "alice" }],
])("with %s, nobody is signed in", async (_what, cookie, claims) => {
  expect(await signIn(folder, groupOf(cookie), claims, NOW)).toHaveProperty("fault");
});

test("the page says who is signed in, by the token alone", async () => {
  const group = groupOf("session");
  const { token } = await cookiesOf(group, { sub: "alice" });
  const { token: ofAccess } = await cookiesOf(groupOf("CF_Authorization"), {});
  const signedInBy = (cookies: string, now = NOW) => readSignedIn(folder, group, cookies, now);
  const alice = { text: "sub = alice, org = acme", expires: NOW / 1000 + 28_800 };
  expect(await signedInBy(`theme=dark; session=of.the.app; session=${token}`)).toEqual(alice);
  for (const cookies of ["", "session", "session=a.b.c", `other=${token}`, `session=${ofAccess}`]) {
    expect([cookies, await signedInBy(cookies)]).toEqual([cookies, undefined]);
  }
  expect(await signedInBy(`session=${token}`, NOW + 9 * 3_600_000)).toBeUndefined();
});

const EVIL = `"><script src=evil>&'`;
const PICTURE = { format: "jpeg", type: "image/jpeg", width: 300, height: 200 } as const;

async function render(keys: readonly string[], routes: readonly object[]): Promise<string> {
  const local = configWith(routes);
  const objects = keys.map((key) => ({
    key,
    etag: "1",
    bytes: 9,
    format: undefined,
    picture: PICTURE,
  }));
  const sheetObjects = await addRenditions(local, objects, NOW);
  const groups = signInsOf(local.config.routes);
  return pageHtml({
    address: ADDRESS,
    isReadOnly: false,
    tag: "1",
    mistakes: [],
    objects: sheetObjects,
    signIns: groups,
    issuersFile: undefined,
  });
}

test("each picture of a user says who sees it, has a button to become that, or its curl line", async () => {
  const keys = ["photos/a.jpg", "users/auth0|5f/a.jpg", "native/bob/a.jpg", `users/${EVIL}/a.jpg`];
  const page = await render(keys, ALL);
  const articles = page
    .split(/(?=<article )|<\/article>/)
    .filter((part) => part.startsWith("<art"));
  const shownAs = articles.map((article) => [
    /data-key="(\w+)/.exec(article)?.[1],
    /data-owner>([^<]*)/.exec(article)?.[1],
    /data-sign-in-as="([^"]*)"/.exec(article)?.[1],
    article.includes("<img"),
    article.includes("--sub bob"),
  ]);
  expect(shownAs).toEqual([
    ["photos", undefined, undefined, true, false],
    ["users", "Only for sub = auth0|5f", "{&quot;sub&quot;:&quot;auth0|5f&quot;}", true, false],
    ["native", undefined, undefined, false, true],
    [
      "users",
      expect.stringContaining("&lt;script"),
      expect.stringContaining("&lt;script"),
      true,
      false,
    ],
  ]);
  expect(page).not.toContain("<script src=evil");
});

test("a project without token routes has no sign-in", async () => {
  expect(await render(["photos/a.jpg"], [OPEN])).not.toContain("sign-in");
});
