// What the contact sheet answers, without the port of the local run in front of it.

import { createServer } from "node:http";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Sheet, sheetHandler } from "../../../src/dev/sheet/serve-sheet.ts";
import { listenOn } from "../../../src/emulator/listen.ts";
import type { Served } from "../../../src/emulator/serve.ts";

const asked: string[] = [];
const sheet: Sheet = {
  answer: async () => ({ tag: "1", mistakes: [] }),
  put: async () => undefined,
  forget: () => {},
  attempt: async (search) => {
    asked.push(`try ${search}`);
    return search === "?odd"
      ? { status: 400, type: "text/plain", body: "odd\n" }
      : { status: 200, type: "image/webp", body: new Uint8Array([1, 2, 3]) };
  },
  fact: async (search) => {
    asked.push(`fact ${search}`);
    return { status: 200, type: "application/json", body: "{}" };
  },
};

let served: Served;
beforeAll(async () => {
  const answer = sheetHandler(sheet);
  served = await listenOn(
    createServer((request, response) => void answer(request, response)),
    0,
  );
});
afterAll(() => served.close());

test.each([
  ["/.vitrine/try?of=/images/card/a%3Fb.jpg&x=1", 200, "image/webp"],
  ["/.vitrine/try?odd", 400, "text/plain; charset=utf-8"],
  ["/.vitrine/fact?of=/images/card/a.jpg", 200, "application/json; charset=utf-8"],
  ["/?utm=1", 200, "text/html; charset=utf-8"],
  ["/.vitrine/try.css", 200, "text/css; charset=utf-8"],
  ["/.vitrine/stage.css", 200, "text/css; charset=utf-8"],
  ["/.vitrine/try/../read-try.ts", 404, "text/plain; charset=utf-8"],
  ["/.vitrine/tries", 404, "text/plain; charset=utf-8"],
])("%s is %d, kept by nobody, and loads nothing from elsewhere", async (path, status, type) => {
  const answer = await fetch(served.url + path);
  const { headers } = answer;
  expect([answer.status, headers.get("content-type")]).toEqual([status, type]);
  expect(headers.get("cache-control")).toBe("no-store");
  expect(headers.get("cross-origin-resource-policy")).toBe("same-origin");
  expect(headers.get("content-security-policy")).toBe(
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; " +
      "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  );
});

test("a try gets its query as it was sent", async () => {
  asked.length = 0;
  const answer = await fetch(`${served.url}/.vitrine/try?of=/images/card/a%3Fb.jpg&x=1`);
  expect(new Uint8Array(await answer.arrayBuffer())).toEqual(new Uint8Array([1, 2, 3]));
  expect(asked).toEqual(["try ?of=/images/card/a%3Fb.jpg&x=1"]);
});
