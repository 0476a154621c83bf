// What the contact sheet answers, without the port of the local run in front of it.

import { createServer } from "node:http";
import { afterAll, beforeAll, expect, test } from "vitest";
import { sheetHandler } from "../../../src/dev/sheet/serve-sheet.ts";
import type { Sheet } from "../../../src/dev/sheet/sheet.ts";
import { listenLocally } from "../../../src/emulator/local-server.ts";
import type { Served } from "../../../src/emulator/serve.ts";

const calls: unknown[] = [];
/** A try whose visitor leaves: when it is asked for, and when its connection is closed. */
const abandoned = {
  requested: Promise.withResolvers<() => boolean>(),
  closed: Promise.withResolvers<void>(),
};
const sheet: Sheet = {
  page: async () => "<p>",
  tag: async () => "1",
  jwks: async () => '{"keys":[]}',
  signedIn: async (cookies) => [cookies === "" ? undefined : { text: cookies, expires: 1 }],
  signIn: async (group, claims) => {
    calls.push(["sign in", group, claims]);
    return group === 0 ? ["session=a; Path=/a/", "session=a; Path=/b/"] : { fault: "no sign-in" };
  },
  signOut: async (group) => {
    calls.push(["sign out", group]);
    return ["session=; Max-Age=0"];
  },
  put: async (...put) => {
    calls.push(["put", ...put]);
    if (put[0] === "odd.txt") return { kind: "refused", reason: "it is no picture" };
    return { kind: "put", warning: put[0] === "a.tif" ? "visitors get 415" : undefined };
  },
  remove: async (key) => {
    if (key === "gone.jpg") throw new Error("The local S3 refuses DELETE");
    calls.push(["remove", key]);
    return key === "odd.txt" ? "it is not on this machine" : undefined;
  },
  renderTry: async (query, isClosed) => {
    if (query.has("left")) {
      abandoned.requested.resolve(isClosed);
      await abandoned.closed.promise;
    }
    const lines = 'format = "webp"\n';
    return query.has("odd")
      ? { status: 400, type: "text/plain", body: "odd\n" }
      : { status: 200, type: "image/webp", body: new Uint8Array([1, 2, 3]), lines };
  },
};

const ending = new AbortController();
let served: Served;
beforeAll(async () => {
  const answer = sheetHandler(sheet, ending.signal);
  served = await listenLocally(
    createServer((request, response) => {
      if (request.url?.endsWith("?left")) response.on("close", abandoned.closed.resolve);
      void answer(response, { address: "http://localhost:8787", isReadOnly: false });
    }),
    0,
  );
});
afterAll(() => served.close());

test.each([
  ["/?utm=1", 200, "text/html; charset=utf-8"],
  ["/.vitrine/tag", 200, "text/plain; charset=utf-8"],
  ["/.vitrine/issuer/jwks.json", 200, "application/json; charset=utf-8"],
  ["/.vitrine/issuer/login.example.com/", 404, "text/plain; charset=utf-8"],
  ["/.vitrine/try?of=/images/card/a%3Fb.jpg&x=1", 200, "image/webp"],
  ["/.vitrine/try?odd", 400, "text/plain; charset=utf-8"],
  ["/.vitrine/sheet.css", 200, "text/css; charset=utf-8"],
  ["/.vitrine/sheet.js", 200, "text/javascript; charset=utf-8"],
  ["/.vitrine/icon.svg", 200, "image/svg+xml"],
  ["/.vitrine/try/../sheet.ts", 404, "text/plain; charset=utf-8"],
  ["/.vitrine/constructor", 404, "text/plain; charset=utf-8"],
  ["/.vitrine/objects/a.jpg", 404, "text/plain; charset=utf-8"],
])("%s is %d, kept by nobody, and loads nothing from elsewhere", async (path, status, type) => {
  const answer = await fetch(served.url + path);
  const { headers } = answer;
  expect([answer.status, headers.get("content-type")]).toEqual([status, type]);
  expect(headers.get("cache-control")).toBe("no-store");
  expect(headers.get("cross-origin-resource-policy")).toBe("same-origin");
  expect(headers.get("content-security-policy")).toBe(
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' blob:; " +
      "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  );
});

test("a try comes with its lines, and pictures are put and deleted by their names", async () => {
  const tried = await fetch(`${served.url}/.vitrine/try?of=/images/card/a.jpg`);
  expect(decodeURIComponent(tried.headers.get("x-lines") ?? "")).toBe('format = "webp"\n');
  const url = `${served.url}/.vitrine/objects/`;
  const put = (name: string, more: Record<string, string> = {}) => {
    const headers = { "content-type": "image/png", ...more };
    return fetch(url + name, { method: "PUT", headers, body: "png" });
  };
  expect((await put("a%20b.png", { "x-amz-meta-focus": "0.62,0.3" })).status).toBe(200);
  const doubtful = await put("a.tif");
  expect([doubtful.status, await doubtful.text()]).toEqual([200, "visitors get 415\n"]);
  const odd = await put("odd.txt");
  expect([odd.status, await odd.text()]).toEqual([400, "it is no picture\n"]);
  const remove = (name: string) => fetch(url + name, { method: "DELETE" });
  expect((await remove("own%2Fa%20b.png")).status).toBe(200);
  const failed = await remove("odd.txt");
  expect([failed.status, await failed.text()]).toEqual([400, "it is not on this machine\n"]);
  const png = { body: Buffer.from("png"), type: "image/png" };
  expect(calls).toEqual([
    ["put", "a b.png", { ...png, focus: "0.62,0.3" }],
    ["put", "a.tif", { ...png, focus: "" }],
    ["put", "odd.txt", { ...png, focus: "" }],
    ["remove", "own/a b.png"],
    ["remove", "odd.txt"],
  ]);
});

test("a visitor signs in and out by cookies, and learns who is signed in", async () => {
  calls.length = 0;
  const url = `${served.url}/.vitrine/sign-in`;
  const put = (path: string, body: string) => fetch(url + path, { method: "PUT", body });
  const cookies = (answer: Response) => [answer.status, answer.headers.getSetCookie()];
  const two = ["session=a; Path=/a/", "session=a; Path=/b/"];
  expect(cookies(await put("/0", '{"sub":"alice"}'))).toEqual([200, two]);
  expect(cookies(await put("/1", "{}"))).toEqual([400, []]);
  const signedOut = await fetch(`${url}/0`, { method: "DELETE" });
  expect(cookies(signedOut)).toEqual([200, ["session=; Max-Age=0"]]);
  expect(await (await fetch(url)).json()).toEqual([null]);
  const answer = await fetch(url, { headers: { cookie: "session=a" } });
  expect(await answer.json()).toEqual([{ text: "session=a", expires: 1 }]);
  expect(calls).toEqual([
    ["sign in", 0, { sub: "alice" }],
    ["sign in", 1, {}],
    ["sign out", 0],
  ]);
});

test.each([
  ["no name", "", 400],
  ["a name that is not UTF-8", "%ff", 400],
  ["a name that goes up", "..%2F..%2Fother%2Fa.jpg", 400],
  ["an object that S3 does not delete", "gone.jpg", 502],
])("%s is refused with a reason", async (_what, name, status) => {
  calls.length = 0;
  const url = `${served.url}/.vitrine/objects/${name}`;
  const refused = await fetch(url, { method: "DELETE" });
  expect([refused.status, await refused.text()]).toEqual([
    status,
    expect.stringMatching(/^.{10,}\n$/),
  ]);
  if (status === 400) expect((await fetch(url, { method: "PUT", body: "png" })).status).toBe(400);
  expect(calls).toEqual([]);
});

test("a try knows whether its visitor has left", async () => {
  const leaving = new AbortController();
  const request = fetch(`${served.url}/.vitrine/try?left`, { signal: leaving.signal });
  const isClosed = await abandoned.requested.promise;
  expect(isClosed()).toBe(false);
  leaving.abort();
  await expect(request).rejects.toThrow();
  await abandoned.closed.promise;
  expect(isClosed()).toBe(true);
});

test("a run that ends has no tag, so no page loads again and finds nobody", async () => {
  ending.abort();
  const { status } = await fetch(`${served.url}/.vitrine/tag`);
  expect(status).toBe(503);
});
