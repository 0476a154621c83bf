// The file of `vitrine client --base-url-from`: the app's environment says where Vitrine is.

import { execFileSync } from "node:child_process";
import { readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { expect, test } from "vitest";
import { readExpression } from "../../../src/cli/app-file/header.ts";
import { writeClient } from "../../../src/cli/client/write-client.ts";
import { compile, STRICT } from "../../client/compile.ts";
import { ROOT } from "../../support/built.ts";
import { known } from "../../support/cli/configuration.ts";
import { vitrine } from "../../support/cli/vitrine.ts";
import { makeTemporary } from "../../support/temporary.ts";

const folder = makeTemporary("vitrine-from-");
symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
const at = (name: string) => join(folder, name);

function write(code: string, file = "vitrine.ts"): string {
  const from = readExpression(code);
  if (from === undefined) expect.unreachable();
  expect(writeClient(known, at(file), { from })).toContain(`, for ${code}: import {`);
  return readFileSync(at(file), "utf8");
}

test.each([
  ["node", "process.env.IMAGES_URL", ["node"], ["ES2023"]],
  ["vite", "import.meta.env.VITE_IMAGES_URL", ["vite/client"], STRICT.lib],
  ["no", "process.env.IMAGES_URL", [], STRICT.lib],
  ["no", "import.meta.env.VITE_IMAGES_URL", [], STRICT.lib],
])("with the types of %s it compiles in the strictest app: %s", async (_name, code, types, lib) => {
  const text = write(code);
  expect(text).toContain(`given = ${code};`);
  expect(text).toContain(`\n// Options: --base-url-from ${code}\n`);
  const compilerOptions = { ...STRICT, types, lib, skipLibCheck: true };
  const files = ["vitrine.ts"];
  writeFileSync(at("tsconfig.json"), JSON.stringify({ compilerOptions, files }));
  expect(await compile(folder)).toEqual([]);
});

const URL_LINE = 'process.stdout.write(images.imageUrl("a", "card"))';

/** Runs an app on Node.js. */
function run(lines: string, env: Readonly<Record<string, string>> = {}): string {
  const script = `const { images, parseUrl } = await import("./vitrine.ts"); ${lines}`;
  const args = ["--input-type=module", "--eval", script];
  return execFileSync(process.execPath, args, {
    cwd: folder,
    env: { ...process.env, ...env },
  }).toString();
}

test("the same file serves every environment", () => {
  write("process.env.IMAGES_URL");
  for (const IMAGES_URL of ["https://staging.example", "https://images.example/img"]) {
    expect(run(URL_LINE, { IMAGES_URL })).toBe(`${IMAGES_URL}/images/card/a`);
  }
  expect(run(URL_LINE, { IMAGES_URL: "/" })).toBe("/images/card/a");
  // An app may read its environment from a file after it has imported this.
  expect(run(`process.env.IMAGES_URL = "https://late.example"; ${URL_LINE}`)).toBe(
    "https://late.example/images/card/a",
  );
});

test.each([
  [{}, "not set"],
  [{ IMAGES_URL: "" }, "not set"],
  [{ IMAGES_URL: "images.example" }, '"images.example"'],
] as const)("with %j the import succeeds, and the first URL says what to set", (env, told) => {
  write("process.env.IMAGES_URL");
  const caught = `try { ${URL_LINE} } catch (error) { process.stdout.write(String(error)) }`;
  expect(run(`process.stdout.write("imported "); ${caught}`, env)).toBe(
    `imported RangeError: Vitrine: IMAGES_URL is ${told}: it must be like "https://images.example.com" or "/"`,
  );
});

test("import.meta.env is not set in plain Node.js: that is the same RangeError", () => {
  write("import.meta.env.VITE_IMAGES_URL");
  const caught = `try { ${URL_LINE} } catch (error) { process.stdout.write(String(error)) }`;
  const env = { VITE_IMAGES_URL: "https://images.example" };
  expect(run(`process.stdout.write("imported "); ${caught}`, env)).toBe(
    `imported RangeError: Vitrine: VITE_IMAGES_URL is not set: it must be like "https://images.example.com" or "/"`,
  );
});

test("bundlers put the value in, and leave the file out where an app does not use it", async () => {
  write("process.env.NEXT_PUBLIC_IMAGES_URL");
  const ship = async (contents: string) => {
    const { outputFiles } = await build({
      stdin: { contents, resolveDir: folder, loader: "ts" },
      ...{ bundle: true, minify: true, format: "esm", target: "es2022", write: false },
      define: { "process.env.NEXT_PUBLIC_IMAGES_URL": '"https://put-in.example"' },
    });
    return outputFiles[0]?.text ?? "";
  };
  const text = await ship('export { images } from "./vitrine.ts";');
  expect(text).toContain('"https://put-in.example"');
  expect(text).not.toContain("process.env");
  expect(await ship('import "./vitrine.ts";')).toBe("");
});

test.each([
  "process.env",
  "process.env.",
  "process.env.1A",
  "process.env.A.B",
  "process.env['A']",
  "process.env.A ?? ''",
  "process.env.A;alert(1)",
  "process.env.A\nalert(1)",
  "process.env.A\n",
  "process.env.Ä",
  "import.meta.url",
  "import.meta.environment.A",
  "window.IMAGES_URL",
  "NEXT_PUBLIC_IMAGES_URL",
  "$NEXT_PUBLIC_IMAGES_URL",
  "https://images.example.com",
  "",
])("--base-url-from %j makes no sense: an app's file gets no other code", async (code) => {
  const ended = await vitrine(["client", at("none.ts"), "--base-url-from", code]);
  expect([ended.code, ended.out]).toEqual([3, ""]);
  expect(ended.err).toContain("It must be process.env.NAME or import.meta.env.NAME.");
});

test("--base-url and --base-url-from exclude each other", async () => {
  const both = ["--base-url", "", "--base-url-from", "process.env.A"];
  const ended = await vitrine(["client", at("none.ts"), ...both]);
  expect([ended.code, ended.out]).toEqual([3, ""]);
  expect(ended.err).toMatch(/'--base-url-from <expression>' cannot be used with .*'--base-url/);
});
