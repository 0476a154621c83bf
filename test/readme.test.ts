// What the README says, where it can be tried.

import { execFileSync } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { HARD_KEYS } from "../fixtures/objects.ts";
import { ROOT } from "./built.ts";
import { file as imageFile } from "./edge/stand.ts";
import { ENV, SECRETS } from "./env.ts";
import { isPropertyName } from "./hostile/properties.ts";
import { get, stage } from "./play.ts";

const README = readFileSync(join(ROOT, "README.md"), "utf8");

test("what it says to sign URLs with signs them", async () => {
  const [, code] = /```js\n(.*?createHmac.*?)```/s.exec(README) ?? [];
  const file = join(ROOT, ".wrangler/test/readme.mjs");
  const wanted = HARD_KEYS.flatMap((key) => ["", "1.a-b_c"].map((version) => ({ key, version })));
  const print = `console.log(JSON.stringify(${JSON.stringify(wanted)}.map(({ key, version }) =>
    signedUrl("card@2x", key, 60, version))));`;
  writeFileSync(file, `${code}\n${print}`);
  const { URL_SIGNING_KEYS } = SECRETS;
  const env = { ...process.env, URL_SIGNING_KEYS };
  const [example, printed] = execFileSync(process.execPath, [file], { env }).toString().split("\n");
  rmSync(file);
  const signed: unknown[] = JSON.parse(printed ?? "");
  expect(signed).toHaveLength(wanted.length);
  for (const { key } of [...wanted, { key: "friends.jpg" }]) {
    const object = { body: imageFile("made/key.jpg"), type: "image/jpeg" };
    stage.s3.objects.set(`published/private/${key}`, object);
  }
  const route = parseRoute(README.slice(README.indexOf("## Signed URLs")));
  for (const url of [...signed, example]) {
    expect([url, (await get(`${url}`, {}, { ...ENV, ROUTES: [route] })).status]).toEqual([
      url,
      200,
    ]);
  }
});

/** The first route of a text, as far as these tests need TOML. */
function parseRoute(text: string): object {
  const [, table = ""] = /\[\[vars\.ROUTES\]\]\n(.*?)\n```/s.exec(text) ?? [];
  const entries = [...table.matchAll(/^(\w+) = ("[^"]*"|\w+)/gm)];
  const read = (value = "") => JSON.parse(value.replace(/(?<=\d)_(?=\d)/g, ""));
  return Object.fromEntries(entries.map(([, name = "", value]) => [name, read(value)]));
}

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
