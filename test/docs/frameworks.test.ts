// The code in docs/apps.md and docs/frameworks.md is the code of the apps that test/loaders builds.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ROOT } from "../support/built.ts";
import { readPage } from "./pages.ts";

const PAGE = readPage("docs/apps.md") + readPage("docs/frameworks.md");

/** Each file that the pages show, in its order, and the tested file in test/loaders. */
const FILES: readonly [example: string, tested: string][] = [
  ["sign.ts", "sign.ts"],
  ["Fig.tsx", "react/Fig.tsx"],
  ["vitrine-loader.ts", "next-app/vitrine-loader.ts"],
  ["next.config.ts", "next-app/next.config.ts"],
  ["app/page.tsx", "next-app/app/page.tsx"],
  ["app/vitrine-provider.ts", "nuxt-app/app/vitrine-provider.ts"],
  ["nuxt.config.ts", "nuxt-app/nuxt.config.ts"],
  ["app/pages/index.vue", "nuxt-app/app/pages/index.vue"],
  ["src/image-service.ts", "astro-app/src/image-service.ts"],
  ["src/pages/index.astro", "astro-app/src/pages/index.astro"],
  ["src/app/image-loader.ts", "angular-app/src/app/image-loader.ts"],
  ["src/app/fig.ts", "angular-app/src/app/fig.ts"],
];

const blocks = [...PAGE.matchAll(/^```\w+\n(?:---\n)?(?:\/\/|<!--) (\S+)[^\n]*\n(.*?)^```/gms)];

test("the pages show the code of each framework, as it is tested", () => {
  expect(blocks.map(([, file]) => file)).toEqual(FILES.map(([example]) => example));
  for (const [at, [, file]] of FILES.entries()) {
    const tested = linesOf(readFileSync(join(ROOT, "test/loaders", file), "utf8"));
    const example = linesOf(blocks[at]?.[2] ?? "");
    // The apps there may have more lines: they test more.
    expect([file, tested.filter((line) => example.includes(line))]).toEqual([file, example]);
  }
});

/** The packages whose versions the page has to name. */
const PACKAGES =
  "react vue svelte solid-js next nuxt @nuxt/image astro @angular/common unpic @unpic/core";

test("the table names the versions with which CI builds and runs the code", () => {
  const text = readFileSync(join(ROOT, "test/loaders/package-lock.json"), "utf8");
  const { packages }: { packages: Record<string, { version: string }> } = JSON.parse(text);
  const tested = PACKAGES.split(" ").map(
    (name) => `${name}@${packages[`node_modules/${name}`]?.version}`,
  );
  const [table = ""] = /^\| framework .*?(?=\n\n)/ms.exec(readPage("docs/frameworks.md")) ?? [];
  expect([...table.matchAll(/`([^`]+@[^`]+)`/g)].map(([, one]) => one)).toEqual(tested);
});

/** The lines that are not empty, with a name alone for each of the app's own files. */
function linesOf(code: string): string[] {
  const named = code
    .replace(/(?:\.\.\/)+src\/client\/placeholder\.ts/, "vitrine/placeholder") // there, it is in src/
    .replaceAll(/, privateImages(?:\.site)?/g, "") // loaders there serve a signed route, too
    .replace(/"(?:\.\.?\/)+(\w+)(?:\.ts)?"/g, '"./$1"');
  return named
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && line !== "---");
}
