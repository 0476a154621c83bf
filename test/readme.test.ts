// What the README says, where it can be tried.

import { execFileSync } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { HARD_KEYS } from "../fixtures/objects.ts";
import { ROOT } from "./built.ts";
import { SECRETS } from "./env.ts";
import { isPropertyName } from "./hostile/properties.ts";
import { get } from "./play.ts";

const README = readFileSync(join(ROOT, "README.md"), "utf8");

test("what it says to sign URLs with signs them", async () => {
  const [, code] = /```js\n(.*?createHmac.*?)```/s.exec(README) ?? [];
  const file = join(ROOT, ".wrangler/test/readme.mjs");
  const urls = HARD_KEYS.flatMap((key) => ["", "1.a-b_c"].map((version) => ({ key, version })));
  const print = `console.log(JSON.stringify(${JSON.stringify(urls)}.map(({ key, version }) =>
    signedPath("card@2x", key) + signedQuery("card", key, 60, version))));`;
  writeFileSync(file, `${code}\n${print}`);
  const { URL_SIGNING_KEYS } = SECRETS;
  const env = { ...process.env, URL_SIGNING_KEYS };
  const signed: unknown = JSON.parse(execFileSync(process.execPath, [file], { env }).toString());
  rmSync(file);
  expect(signed).toHaveLength(urls.length);
  for (const url of Array.isArray(signed) ? signed : []) {
    expect([url, (await get(url)).status]).toEqual([url, 200]);
  }
});

test("the tests that it names are there", () => {
  const table = README.slice(
    README.indexOf("| threat"),
    README.indexOf("**What it does not stop.**"),
  );
  const named = [...table.matchAll(/`(test\/[\w.]+)`(?::((?:,? "[^"]+")+))?/g)];
  expect(named.length).toBeGreaterThan(25);
  for (const [, file = "", titles = ""] of named) {
    const text = readFileSync(join(ROOT, file), "utf8");
    for (const [, title = ""] of titles.matchAll(/"([^"]+)"/g)) {
      const there = file.includes("hostile") ? isPropertyName(title) : text.includes(title);
      expect([file, title, there]).toEqual([file, title, true]);
    }
  }
});
