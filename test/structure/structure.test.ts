// The shape of src/: what no compiler and no other test would notice.

import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, globSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { ROOT } from "../support/built.ts";
import { createTemporaryFolder } from "../support/temporary-folder.ts";

const sources = new Map(
  globSync("src/**/*.ts", { cwd: ROOT }).map((file) => [
    file,
    readFileSync(join(ROOT, file), "utf8"),
  ]),
);

test("the linter refuses imports against the direction, circles, and dense or empty words", () => {
  const folder = createTemporaryFolder("vitrine-rooms-");
  cpSync(join(ROOT, "biome.json"), join(folder, "biome.json"));
  for (const plugin of ["test/names.grit", "test/patterns.grit"]) {
    cpSync(join(ROOT, plugin), join(folder, plugin));
  }
  symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
  execFileSync("git", ["init", "-q"], { cwd: folder });
  const files = {
    "src/worker/upward.ts": 'import type { World } from "../cli/command.ts";\n',
    "src/worker/downward.ts": 'import type { Key } from "../url/key.ts";\n',
    "src/url/name.ts": "export const told = 1;\n",
    "src/url/pattern.ts": "export const area = ({ side = Math.PI * 2 }) => side;\n",
    "src/url/kind.ts": 'export const isRight = (result: object) => "fault" in result;\n',
    "src/url/nested.ts": "export const sign = (n: number) => (n < 0 ? -1 : n > 0 ? 1 : 0);\n",
    "src/url/one.ts": 'import type { Two } from "./two.ts";\n\nexport type One = Two | 1;\n',
    "src/url/two.ts": 'import type { One } from "./one.ts";\n\nexport type Two = One | 2;\n',
  };
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(join(folder, dirname(file)), { recursive: true });
    writeFileSync(join(folder, file), text);
  }
  const args = ["lint", "--reporter=json", "src"];
  const biome = join(ROOT, "node_modules/.bin/biome");
  const { stdout } = spawnSync(biome, args, { cwd: folder, encoding: "utf8" });
  const { diagnostics }: { diagnostics: Diagnostic[] } = JSON.parse(stdout);
  const refusedBy = (rule: string) =>
    diagnostics
      .filter(({ category }) => category === rule)
      .map(({ location: { path } }) => (typeof path === "string" ? path : path.file));
  expect(refusedBy("lint/style/noRestrictedImports")).toEqual(["src/worker/upward.ts"]);
  expect(refusedBy("plugin").toSorted()).toEqual([
    "src/url/kind.ts",
    "src/url/name.ts",
    "src/url/pattern.ts",
  ]);
  expect(refusedBy("lint/style/noNestedTernary")).toEqual(["src/url/nested.ts"]);
  expect(refusedBy("lint/suspicious/noImportCycles").toSorted()).toEqual([
    "src/url/one.ts",
    "src/url/two.ts",
  ]);
});

type Diagnostic = { category: string; location: { path: string | { file: string } } };

test("what runs in an app's own Worker imports nothing of Node.js, and no package", () => {
  const reached = new Set(["src/emulator/worker.ts"]);
  for (const file of reached) {
    for (const [, specifier = ""] of (sources.get(file) ?? "").matchAll(/ from "([^"]+)"/g)) {
      expect([file, specifier]).toEqual([file, expect.stringMatching(/^\./)]);
      reached.add(join(dirname(file), specifier));
    }
  }
  expect(reached.size).toBeGreaterThan(1);
});

test("the emulators run without sharp and msw until they need them", () => {
  const emulators = [...sources].filter(([file]) => file.startsWith("src/emulator/"));
  const loads = /^import (?!type)[^;]*"(?:sharp|msw)/m;
  expect(emulators.filter(([, text]) => loads.test(text)).map(([file]) => file)).toEqual([]);
});

test("three files of the CLI start processes: they withhold secrets from git, a browser and wrangler (S5)", () => {
  const starting = [...sources].filter(([, text]) => /node:child_process/.test(text));
  const files = starting.map(([file]) => file).filter((file) => file.startsWith("src/cli/"));
  expect(files.toSorted()).toEqual([
    "src/cli/ci/git.ts",
    "src/cli/stats/open-page.ts",
    "src/cli/wrangler/run-wrangler.ts",
  ]);
});
