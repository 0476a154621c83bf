// The file that `vitrine client` writes for an app.

import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { expect, test } from "vitest";
import { writeClient } from "../../../src/cli/client/write-client.ts";
import { compile, STRICT } from "../../client/compile.ts";
import { ROOT } from "../../support/built.ts";
import { RIGHT, WRONG, WRONG_LINES } from "../../support/cli/client-apps.ts";
import { type Known, known, LOST, SECRET, VARS } from "../../support/cli/configuration.ts";
import { SECRETS } from "../../support/env.ts";
import { get } from "../../support/play.ts";
import { makeTemporary } from "../../support/temporary.ts";

const folder = makeTemporary("vitrine-client-");
const at = (name: string) => join(folder, name);
const read = (name: string) => readFileSync(at(name), "utf8");

const write = (file: string, vars: Known = known) => writeClient(vars, file);

test("it has the options that clients use, and nothing else of the configuration", () => {
  const said = write(at("vitrine.ts"));
  expect(said).toBe(
    `Wrote ${at("vitrine.ts")}, with 3 routes and 3 presets, for https://images.example: import { images, privateImages, imgPropsImages } from "./vitrine"; (nodenext: "./vitrine.js")`,
  );
  const text = read("vitrine.ts");
  const tail = text.slice(text.indexOf("// From wrangler.toml"));
  expect(tail).toBe(`// From wrangler.toml

const baseUrl = "https://images.example";
const presets = {
  card: { width: 160, height: 160, fit: "cover", dpr: [1, 2] },
  hero: { width: 1920, rotate: 90, trim: true, widths: [640, 1920] },
  "2x": { height: 20, border: { width: 3 } },
} as const;

export const imagesSite = /* @__PURE__ */ openSite({
  baseUrl,
  route: { path: "/images/:preset/*", object: "BUCKET/*", presets: ["card", "hero", "2x"] },
  presets,
});
/** The URLs of \`/images/:preset/*\`. */
export const images = /* @__PURE__ */ clientOf(imagesSite);
export type ImagesPreset = "card" | "hero" | "2x";
export type ImagesVariant = VariantOf<typeof presets, ImagesPreset>;

export const privateImagesSite = /* @__PURE__ */ openSite({
  baseUrl,
  route: { path: "/private/:preset/*", object: "BUCKET/*", presets: ["card"], signed: true },
  presets,
});
/**
 * The URLs of \`/private/:preset/*\`. They are signed: each needs the query that \`createSigner(privateImagesSite, keys)\` makes.
 */
export const privateImages = /* @__PURE__ */ clientOf(privateImagesSite);
export type PrivateImagesPreset = "card";
export type PrivateImagesVariant = VariantOf<typeof presets, PrivateImagesPreset>;

export const imgPropsImagesSite = /* @__PURE__ */ openSite({
  baseUrl,
  route: { path: "/:preset/img-props/:id", object: "BUCKET/users/:id.jpg", presets: ["2x"] },
  presets,
});
/** The URLs of \`/:preset/img-props/:id\`. */
export const imgPropsImages = /* @__PURE__ */ clientOf(imgPropsImagesSite);
export type ImgPropsImagesPreset = "2x";
export type ImgPropsImagesVariant = VariantOf<typeof presets, ImgPropsImagesPreset>;
`);
  expect(text).not.toMatch(SECRET);
  expect(tail).not.toMatch(LOST);
  expect(text).toMatch(/^\/\/ Written by `npx vitrine client` from wrangler\.toml\.\n/);
  // Each name is exported once, and the client's inner functions are not exported.
  const exported = [...text.matchAll(/^export (?:async )?(?:\w+) (\w+)/gm)].map(([, name]) => name);
  expect(new Set(exported).size).toBe(exported.length);
  expect(exported).toEqual(expect.arrayContaining(["createClient", "createSigner", "ImgProps"]));
  for (const own of ["urlOf", "keyFault", "signGrant", "compilePattern", "shownPreset"]) {
    expect(exported).not.toContain(own);
  }
  expect(text).not.toMatch(/^(?:import|export \{|export \*|export type \*)/m);
});

test("it compiles in the strictest app, and the Worker shows its URLs", async () => {
  write(at("vitrine.ts"));
  writeFileSync(at("right.ts"), RIGHT);
  writeFileSync(at("wrong.ts"), WRONG);
  const compilerOptions = { ...STRICT, allowImportingTsExtensions: true };
  const files = ["vitrine.ts", "right.ts", "wrong.ts"];
  writeFileSync(at("tsconfig.json"), JSON.stringify({ compilerOptions, files }));
  const errors = await compile(folder);
  const told = errors.map(({ file, line }) => `${file}:${line}`);
  expect(told).toEqual(WRONG_LINES);

  const keys = `globalThis.SIGNING_KEYS = ${JSON.stringify(SECRETS.URL_SIGNING_KEYS)};`;
  const script = `${keys} process.stdout.write((await import("./right.ts")).default);`;
  const run = ["--input-type=module", "--eval", script];
  const urls = execFileSync(process.execPath, run, { cwd: folder }).toString().split("\n");
  expect(urls).toHaveLength(5);
  const picture = { path: "/images/:preset/*", object: "media/*" };
  const { PRESETS } = VARS;
  const { "acme-media": media } = VARS.BUCKETS;
  const ROUTES = [picture, { ...picture, path: "/private/:preset/*", signed: true }];
  const env = { ...SECRETS, BUCKETS: { media }, ROUTES, PRESETS };
  for (const url of urls.slice(0, 4)) {
    expect([url, (await get(url, {}, env)).status]).toEqual([url, 200]);
  }
  expect(urls[4]).toBe("https://images.example/2x/img-props/7");
});

test("it compiles on a server without the types of browsers", async () => {
  mkdirSync(at("server"));
  write(at("server/vitrine.ts"));
  const node = { lib: ["ES2023"], types: ["node"], typeRoots: [join(ROOT, "node_modules/@types")] };
  const compilerOptions = { ...STRICT, ...node, skipLibCheck: true };
  writeFileSync(at("server/tsconfig.json"), JSON.stringify({ compilerOptions }));
  expect(await compile(at("server"))).toEqual([]);
});

test("an app ships only the parts that it uses", async () => {
  write(at("vitrine.ts"));
  const ship = async (contents: string) => {
    const { outputFiles } = await build({
      stdin: { contents, resolveDir: folder, loader: "ts" },
      ...{ bundle: true, minify: true, format: "esm", target: "es2022", write: false },
    });
    return outputFiles[0]?.text ?? "";
  };
  const few = await ship('export { imageUrl, imagesSite, srcset } from "./vitrine.ts";');
  expect(few).not.toMatch(/decoding|HMAC|private/);
  expect(gzipSync(few, { level: 9 }).length).toBeLessThan(1700); // with the presets of this test
  expect(await ship('import "./vitrine.ts";')).toBe("");
});

test("names that would break the code are escaped", () => {
  const PRESETS = JSON.parse('{"__proto__": {"width": 5}, "constructor": {"width": 6}}');
  const path = `/it's "\u2028\${x}</script>/:preset/*`;
  // Its own name would hide the `crypto` that the client signs with.
  const paths = [path, "/crypto/:preset/*"];
  const ROUTES = paths.map((path) => ({ path, object: "acme-media/*" }));
  const deployed = { BUCKETS: VARS.BUCKETS, ROUTES, PRESETS };
  expect(write(at("odd.ts"), { ...known, deployed })).toContain("{ itSX, cryptoImages }");
  const script = `import("./odd.ts").then(({ itSX: { imageUrl } }) =>
    process.stdout.write(imageUrl("a", "__proto__") + imageUrl("a", "constructor")))`;
  const said = execFileSync(process.execPath, ["--eval", script], { cwd: folder }).toString();
  const begin = "https://images.example/it%27s%20%22%E2%80%A8%24%7Bx%7D%3C/script%3E";
  expect(said).toBe(`${begin}/__proto__/a${begin}/constructor/a`);
});
