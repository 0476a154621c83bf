// The package as an app installs it, with the types of the app's own presets. test/package imports each entry.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { experimental_generateTypes } from "wrangler";
import { ROOT } from "../support/built.ts";
import { createTemporaryFolder } from "../support/temporary-folder.ts";
import { compile, installClient, LOOSE, STRICT } from "./compile.ts";

const folder = createTemporaryFolder("vitrine-app-");
const put = (name: string, text: string) => writeFileSync(join(folder, name), text);

beforeAll(async () => {
  await installClient(folder);
  put("package.json", '{ "type": "module" }');
});

/** Compiles files of the app. */
function compileApp(files: readonly string[], compilerOptions: object) {
  put("tsconfig.json", JSON.stringify({ compilerOptions, files }));
  return compile(folder);
}

test.each<[string, object, RegExp]>([
  ["strict", STRICT, /^\/\/ @ts-expect-error/],
  ["not strict", LOOSE, /^\/\/ @ts-expect-error$/],
])("%s: what is wrong does not compile; the rest does", async (_name, options, expected) => {
  const text = readFileSync(join(import.meta.dirname, "types.ts"), "utf8");
  const lines = text.split("\n");
  const config = join(ROOT, "test/support/wrangler.toml");
  const { content } = await experimental_generateTypes({ config, includeRuntime: false });
  put("env.d.ts", content);
  put(
    "types.ts",
    text
      .replace(/^type TestEnv = .*?^\};$/ms, (declaration) => declaration.replace(/.+/g, "")) // each line stays where it is
      .replaceAll("TestEnv", "Env")
      .replaceAll("// @ts-expect-error", "//")
      .replace("../../src/client/index.ts", "vitrine/client")
      .replaceAll(/\.\.\/\.\.\/src\/client\/(\w+)\.ts/g, "vitrine/$1"),
  );
  const errors = await compileApp(["env.d.ts", "types.ts"], options);
  const failingLines = [...lines.keys()].filter((at) => expected.test(lines[at - 1] ?? ""));
  expect(failingLines.length).toBeGreaterThan(20);
  expect(errors.map(({ line }) => lines[line - 1])).toEqual(failingLines.map((at) => lines[at]));
  expect(errors.map(({ code }) => code).join(" ")).toMatch(
    /^(?:(?:TS2345|TS2322|TS2554|TS2555|TS2551) ?)+$/,
  );
});
