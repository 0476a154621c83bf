// docs/native-apps.md: the headers of its table, given to the Worker, bring the formats that it promises.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ROOT } from "../support/built.ts";
import { get } from "../support/run-worker.ts";

const page = readFileSync(join(ROOT, "docs/native-apps.md"), "utf8");
const ROW = /^\| (?<system>\S[^|]*?) +\| `(?<accept>[^`]+)` +\| (?<format>\w+) +\|$/gm;
const ROWS = [...page.matchAll(ROW)].map(({ groups }) => groups ?? {});

test("a native app gets the format that the page promises for its accept header", async () => {
  expect(ROWS.length).toBe(5);
  for (const { accept = "", format = "" } of ROWS) {
    const answer = await get("/images/card/key.jpg", { headers: { accept } });
    const type = `image/${format.toLowerCase()}`;
    expect([accept, answer.status, answer.headers.get("content-type")]).toEqual([
      accept,
      200,
      type,
    ]);
    expect(answer.headers.get("vary")).toContain("accept");
  }
});

test("the code of the page sends only headers of its table", () => {
  const sent = [...page.matchAll(/"(image\/[^"]*)"/g)].map(([, accept]) => accept);
  expect(new Set(sent)).toEqual(new Set(["image/avif,image/webp,*/*", "image/webp,*/*"]));
  expect(ROWS.map(({ accept }) => accept)).toEqual(expect.arrayContaining(sent));
});
