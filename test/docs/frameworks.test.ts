// The code in docs/apps.md and docs/frameworks.md is the code of the apps that test/loaders builds.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ROOT } from "../support/built.ts";
import { readPage } from "./pages.ts";

const PAGE = readPage("docs/apps.md") + readPage("docs/frameworks.md");

/** Each file that the pages show, in its order, and the tested file in test/loaders. */
const FILES: readonly [shown: string, tested: string][] = [
  ["sign.ts", "sign.ts"],
  ["Fig.tsx", "react/Fig.tsx"],
  ["vitrine-loader.ts", "next-app/vitrine-loader.ts"],
  ["next.config.ts", "next-app/next.config.ts"],
  ["app/page.tsx", "next-app/app/page.tsx"],
  ["app/friends/page.tsx", "next-app/app/friends/page.tsx"],
  ["app/vitrine-provider.ts", "nuxt-app/app/vitrine-provider.ts"],
  ["nuxt.config.ts", "nuxt-app/nuxt.config.ts"],
  ["app/pages/index.vue", "nuxt-app/app/pages/index.vue"],
  ["server/api/friends.get.ts", "nuxt-app/server/api/friends.get.ts"],
  ["app/pages/friends.vue", "nuxt-app/app/pages/friends.vue"],
  ["astro.config.mjs", "astro-app/astro.config.mjs"],
  ["src/image-service.ts", "astro-app/src/image-service.ts"],
  ["src/env.d.ts", "astro-app/src/env.d.ts"],
  ["src/pages/index.astro", "astro-app/src/pages/index.astro"],
  ["Fig.vue", "vue/Fig.vue"],
  ["Fig.svelte", "svelte/Fig.svelte"],
  ["Fig.tsx", "solid/Fig.tsx"],
  ["Hero.tsx", "unpic/Hero.tsx"],
];

const blocks = [...PAGE.matchAll(/^```\w+\n(?:---\n)?(?:\/\/|<!--) (\S+)[^\n]*\n(.*?)^```/gms)];

test("the pages show the code of each framework, as it is tested", () => {
  expect(blocks.map(([, file]) => file)).toEqual(FILES.map(([shown]) => shown));
  for (const [at, [, file]] of FILES.entries()) {
    const tested = linesOf(readFileSync(join(ROOT, "test/loaders", file), "utf8"));
    const shown = linesOf(blocks[at]?.[2] ?? "");
    // The apps there may have more lines: they test more.
    expect([file, tested.filter((line) => shown.includes(line))]).toEqual([file, shown]);
  }
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
