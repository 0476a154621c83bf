// The project that `vitrine init` writes: everything that its README and its workflow run.

import { mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { startDev } from "./dev.ts";
import { run } from "./run.ts";

const ROOT = join(import.meta.dirname, "../..");
const shop = inject("shop");

test("npm run check finds no mistake: the configuration, the types of Env, TypeScript", async () => {
  const { stdout } = await run("npm", ["run", "check"], { cwd: shop });
  expect(stdout).toContain("The configuration is right.");
  expect(readFileSync(join(shop, "worker-configuration.d.ts"), "utf8")).toContain('"acme-media"');
});

test("wrangler.toml names a schema for editors that is there", () => {
  const toml = readFileSync(join(shop, "wrangler.toml"), "utf8");
  const [, path = ""] = /^#:schema (.*)$/m.exec(toml) ?? [];
  const { definitions } = JSON.parse(readFileSync(join(shop, path), "utf8"));
  expect(Object.keys(definitions)).toContain("VitrineVars");
});

test("messages name the pages where the project has them", async () => {
  const { stdout } = await run("npx", ["vitrine", "--help"], { cwd: shop });
  const [, page = ""] = /^Documentation: (.*)$/m.exec(stdout) ?? [];
  expect(page).toBe("node_modules/vitrine/docs/README.md");
  expect(statSync(join(shop, page)).isFile()).toBe(true);
});

test("what it deploys is as large as the Worker of the repository", async () => {
  const sizeOf = async (cwd: string, name: string) => {
    const outdir = join(dirname(shop), name);
    await run("npx", ["wrangler", "deploy", "--dry-run", "--outdir", outdir], { cwd });
    return statSync(join(outdir, "index.js")).size;
  };
  const size = await sizeOf(ROOT, "of-repository");
  // The names of some variables differ, because the package is a bundle already.
  expect(Math.abs((await sizeOf(shop, "of-shop")) / size - 1)).toBeLessThan(0.01);
});

test.each([
  ["app", ["--standalone"], 'from "./vitrine-client.js"'],
  ["app-with-package", [], 'from "vitrine/unpic"'],
])("vitrine client writes a file that an %s compiles and runs", async (name, options, part) => {
  const app = join(dirname(shop), name);
  mkdirSync(app);
  writeFileSync(join(app, "package.json"), "{}");
  symlinkSync(join(shop, "node_modules"), join(app, "node_modules"));
  const file = `../${name}/vitrine.ts`;
  await run("npx", ["vitrine", "client", file, "--base-url", "", ...options], { cwd: shop });
  expect(readFileSync(join(app, "vitrine.ts"), "utf8")).toContain(part);
  const page =
    'import { images } from "./vitrine";\nconsole.log(images.imageUrl("a b.jpg", "card@2x"));\n';
  writeFileSync(join(app, "page.ts"), page);
  const compilerOptions =
    "--ignoreConfig --target es2022 --lib es2022,dom --strict --module esnext --moduleResolution bundler --types".split(
      " ",
    );
  await run("npx", ["tsc", ...compilerOptions, "", "--noEmit", "page.ts"], { cwd: app });
  const bundle = "esbuild page.ts --bundle --format=esm --outfile=page.js --log-level=warning";
  await run("npx", bundle.split(" "), { cwd: app });
  expect(readFileSync(join(app, "page.js"), "utf8")).not.toContain("unpic");
  expect((await run("node", ["page.js"], { cwd: app })).stdout).toBe("/images/card@2x/a%20b.jpg\n");
});

describe("npm start, on the oldest Node.js", () => {
  const node = 22;
  let local: Awaited<ReturnType<typeof startDev>>;
  beforeAll(async () => {
    local = await startDev({ cwd: shop, node });
  });
  afterAll(() => local.stop());

  test("serves an image", async () => {
    const headers = { accept: "image/avif,*/*" };
    const answer = await fetch(`${local.url}/images/thumbnail/photos/dandelion.jpg`, { headers });
    const { width, height } = await sharp(await answer.arrayBuffer()).metadata();
    const answerFields = [answer.status, answer.headers.get("content-type"), width, height];
    expect(answerFields).toEqual([200, "image/avif", 160, 160]);
  });

  test("serves the contact sheet", async () => {
    expect(await (await fetch(local.url)).text()).toContain("<script");
    const script = await fetch(`${local.url}/.vitrine/sheet.js`);
    expect([script.status, await script.text()]).toEqual([200, expect.stringContaining("fetch(")]);
    expect((await fetch(`${local.url}/.vitrine/tag`)).status).toBe(200);
  });
});
