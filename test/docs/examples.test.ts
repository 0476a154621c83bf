// The examples of README.md and docs/ that can be tried.

import { execFileSync } from "node:child_process";
import { copyFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { HARD_KEYS } from "../../src/dev/objects.ts";
import { compile, STRICT } from "../client/compile.ts";
import { installClient } from "../client/install-client.ts";
import { ROOT } from "../support/built.ts";
import { makeProject, STAGED } from "../support/cli/folder.ts";
import { vitrine } from "../support/cli/vitrine.ts";
import { ENV, SECRETS, VARS } from "../support/env.ts";
import { get, stage } from "../support/play.ts";
import { file as imageFile } from "../support/stand.ts";
import { makeTemporary } from "../support/temporary.ts";
import { readPage } from "./pages.ts";

const SIGNED_URLS = readPage("docs/signed-urls.md");

test("the example of docs/signed-urls.md for Node.js signs URLs", async () => {
  const [, code] = /```js\n(import \{ createHmac.*?)```/s.exec(SIGNED_URLS) ?? [];
  const file = join(ROOT, ".wrangler/test/example.mjs");
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
  const route = parseRoute(SIGNED_URLS);
  for (const url of [...signed, example]) {
    expect([url, (await get(`${url}`, {}, { ...ENV, ROUTES: [route] })).status]).toEqual([
      url,
      200,
    ]);
  }
});

test("the examples for apps compile, with the file that npx vitrine client writes", async () => {
  const folder = makeTemporary("vitrine-examples-");
  const text = readPage("README.md") + readPage("docs/apps.md") + SIGNED_URLS; // test/loaders has frameworks.md
  const blocks = [...text.matchAll(/```ts\n(.*?)```/gs)].map(([, code = ""]) => code);
  expect(blocks).toHaveLength(6);
  for (const [at, code] of blocks.entries()) writeFileSync(join(folder, `${at}.ts`), code);
  writeFileSync(
    join(folder, "node.d.ts"),
    "declare const process: { readonly env: { readonly URL_SIGNING_KEYS?: string } };",
  );
  copyFileSync(join(ROOT, "test/loaders/facts.ts"), join(folder, "facts.ts"));
  const compilerOptions = { ...STRICT, noUnusedLocals: false };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions }));
  const deployed = {
    ...VARS,
    ROUTES: [
      { path: "/private/:preset/*", object: "media/*", signed: true },
      { path: "/images/:preset/*", object: "media/*" },
    ],
    PRESETS: {
      thumbnail: { width: 160, height: 160, fit: "cover", dpr: [1, 2] },
      card: { width: 480, dpr: [1, 1.5, 2] },
      hero: { width: 1920, widths: [640, 960, 1280, 1920], quality: 80 },
      tiny: { width: 24, quality: 40 },
    },
  };
  const project = makeProject({ ...STAGED, env: {}, vars: deployed });
  const args = ["client", join(folder, "vitrine.ts"), "--base-url", "https://images.example.com"];
  expect(await vitrine(args, { folder: project })).toMatchObject({ code: 0, err: "" });
  await installClient(folder);
  expect(await compile(folder)).toEqual([]);
});

/** The first route of a text, as far as these tests need TOML. */
function parseRoute(text: string): object {
  const [, table = ""] = /\[\[vars\.ROUTES\]\]\n(.*?)\n```/s.exec(text) ?? [];
  const entries = [...table.matchAll(/^(\w+) = ("[^"]*"|\w+)/gm)];
  const read = (value = "") => JSON.parse(value.replace(/(?<=\d)_(?=\d)/g, ""));
  return Object.fromEntries(entries.map(([, name = "", value]) => [name, read(value)]));
}
