// The file of `vitrine client` for an app that has the package: it imports the client.

import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { readExpression } from "../../../src/cli/app-file/header.ts";
import { writeClient } from "../../../src/cli/client/write-client.ts";
import { compile, LOOSE, STRICT } from "../../client/compile.ts";
import { installClient } from "../../client/install-client.ts";
import { RIGHT, WRONG, WRONG_LINES } from "../../support/cli/client-apps.ts";
import { known, SECRET } from "../../support/cli/configuration.ts";
import { SECRETS } from "../../support/env.ts";
import { makeTemporary } from "../../support/temporary.ts";

const folder = makeTemporary("vitrine-package-form-");
const at = (name: string) => join(folder, name);
const read = (name: string) => readFileSync(at(name), "utf8");

function put(name: string, text: string): void {
  mkdirSync(dirname(at(name)), { recursive: true });
  writeFileSync(at(name), text);
}

const PACKAGE = JSON.stringify({ type: "module", dependencies: { vitrine: "^0.3.0" } });

beforeAll(async () => {
  put("package.json", PACKAGE);
  put("plain/package.json", '{ "type": "module" }');
  await installClient(folder);
});

test("it holds only the routes, the presets and their types", () => {
  expect(writeClient(known, at("vitrine.ts"))).toContain(
    "vitrine.ts, which imports the package, with 3 routes and 3 presets, for",
  );
  const [head, tail] = read("vitrine.ts").split("\n// From wrangler.toml\n");
  expect(
    head?.replace(/^export \{ .*checkBaseUrl.* \} from "vitrine\/client";$/m, "…"),
  ).toBe(`// Written by \`npx vitrine client\` from wrangler.toml.
// Do not edit it: run that again after a change of the presets or the routes there.
/* eslint-disable */

import { clientOf, openSite, type VariantOf } from "vitrine/client";

…
export { type Term, createSigner, expiresWithin } from "vitrine/sign";
export { nextLoader, nextSrc } from "vitrine/next";
export { nuxtProvider, nuxtPresets } from "vitrine/nuxt";
export { unpicTransformer } from "vitrine/unpic";
`);
  writeClient(known, at("plain/vitrine.ts"));
  expect(read("plain/vitrine.ts").split("\n// From wrangler.toml\n")[1]).toBe(tail);
  expect(read("vitrine.ts")).not.toMatch(SECRET);
});

test("both forms export the same types", () => {
  writeClient(known, at("vitrine.ts"));
  writeClient(known, at("plain/vitrine.ts"));
  const named = [...read("vitrine.ts").matchAll(/(?:[{,]|^export) type (\w+)/gm)];
  const own = named.map(([, name]) => name).filter((name, at, all) => all.indexOf(name) === at);
  const plain = [...read("plain/vitrine.ts").matchAll(/^export (?:type|interface) (\w+)/gm)];
  expect(own.sort()).toEqual(plain.map(([, name]) => name).sort());
  expect(own).toEqual(expect.arrayContaining(["Fact", "ImgProps", "Term", "ImagesPreset"]));
});

test("both forms export the same names", () => {
  writeClient(known, at("vitrine.ts"));
  writeClient(known, at("plain/vitrine.ts"));
  const script = `const names = async (file) => Object.keys(await import(file)).sort().join();
    process.stdout.write([await names("./vitrine.ts"), await names("./plain/vitrine.ts")].join(" "));`;
  const [own, plain] = runApp(script).split(" ");
  expect(own).toBe(plain);
  expect(own?.split(",")).toEqual(
    expect.arrayContaining(["createSigner", "factsUrl", "images", "nextSrc", "privateImagesSite"]),
  );
});

function runApp(script: string): string {
  const args = ["--input-type=module", "--eval", script];
  return execFileSync(process.execPath, args, { cwd: folder }).toString();
}

const BUNDLER = { ...STRICT, allowImportingTsExtensions: true };
const NODE = { ...STRICT, module: "node16", moduleResolution: "node16" };

describe.each(["", "plain/"])("an app in %j", (place) => {
  test.each([
    ["bundler", BUNDLER, "./vitrine"],
    ["node16", NODE, "./vitrine.js"],
    ["strict off", { ...LOOSE, allowImportingTsExtensions: true }, "./vitrine"],
  ])("compiles with %s, or does not if it is wrong", async (_name, compilerOptions, from) => {
    const code = readExpression("process.env.IMAGES_URL");
    writeClient(known, at(`${place}vitrine.ts`), code && { from: code });
    put(`${place}right.ts`, RIGHT.replaceAll("./vitrine.ts", from));
    put(`${place}wrong.ts`, WRONG.replaceAll("./vitrine.ts", from));
    const files = ["vitrine.ts", "right.ts", "wrong.ts"];
    put(`${place}tsconfig.json`, JSON.stringify({ compilerOptions, files }));
    const errors = await compile(at(place));
    expect(errors.map(({ file, line }) => `${file}:${line}`)).toEqual(WRONG_LINES);
  });
});

test("it runs", () => {
  writeClient(known, at("vitrine.ts"));
  put("right.ts", RIGHT);
  const keys = `globalThis.SIGNING_KEYS = ${JSON.stringify(SECRETS.URL_SIGNING_KEYS)};`;
  const urls = runApp(`${keys} process.stdout.write((await import("./right.ts")).default);`);
  expect(urls.split("\n")[0]).toBe("https://images.example/images/card@2x/key.jpg");
});

const IMPORTS = /^import .* from "vitrine\/client";$/m;

test.each<[string, string, boolean]>([
  ["a dependency", '{ "dependencies": { "vitrine": "*" } }', true],
  ["one for the development", '{ "devDependencies": { "vitrine": "*" } }', true],
  ["an optional one", '{ "optionalDependencies": { "vitrine": "*" } }', true],
  ["a peer", '{ "peerDependencies": { "vitrine": "*" } }', true],
  ["another package", '{ "dependencies": { "vitrine-x": "*" } }', false],
  ["no packages", "{}", false],
  ["a wrong list", '{ "dependencies": ["vitrine"] }', false],
  ["the package itself", '{ "name": "vitrine" }', false],
])("the nearest package.json decides, with %s, whatever is installed", (_what, text, imports) => {
  put("near/package.json", text);
  put("near/src/deep/other.txt", "");
  writeClient(known, at("near/src/deep/vitrine.ts"));
  expect(IMPORTS.test(read("near/src/deep/vitrine.ts"))).toBe(imports);
});

test.each(["", "{", "[]", "null"])(
  "a package.json of %j is told, and nothing is written",
  (text) => {
    put("broken/package.json", text);
    const file = at("broken/vitrine.ts");
    expect(writeClient(known, file)).toEqual({
      fault: expect.stringMatching(/broken.package\.json: .*: fix it$/),
    });
    expect(() => readFileSync(file)).toThrow("ENOENT");
  },
);
