// The code in docs/apps.md and docs/frameworks.md is the code of the apps that the tests here run.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const PAGE = ["apps.md", "frameworks.md"]
  .map((page) => readFileSync(join(import.meta.dirname, "../../docs", page), "utf8"))
  .join("\n");

/** Each file that the pages show, in its order, and the tested file in this folder. */
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
  ["src/pages/index.astro", "astro-app/src/pages/index.astro"],
  ["Fig.vue", "vue/Fig.vue"],
  ["Fig.svelte", "svelte/Fig.svelte"],
  ["Fig.tsx", "solid/Fig.tsx"],
  ["Hero.tsx", "unpic/Hero.tsx"],
];

const blocks = [...PAGE.matchAll(/^```\w+\n(?:---\n)?(?:\/\/|<!--) (\S+)[^\n]*\n(.*?)^```/gms)];

test("the pages show the code of each framework", () => {
  expect(blocks.map(([, file]) => file)).toEqual(FILES.map(([shown]) => shown));
});

test.each(FILES.map(([, tested], at): [string, string] => [tested, blocks[at]?.[2] ?? ""]))(
  "%s is what the page shows",
  (file, code) => {
    const tested = linesOf(readFileSync(join(import.meta.dirname, file), "utf8"));
    const shown = linesOf(code);
    // The apps here may have more lines: they test more.
    expect(tested.filter((line) => shown.includes(line))).toEqual(shown);
  },
);

/** The lines that are not empty, with a name alone for each of the app's own files. */
function linesOf(code: string): string[] {
  const named = code
    .replace("../../src/client/placeholder.ts", "vitrine/placeholder") // here, it is in src/
    .replaceAll(/, privateImages(?:\.site)?/g, "") // loaders here serve a signed route, too
    .replace(/"(?:\.\.?\/)+(\w+)(?:\.ts)?"/g, '"./$1"');
  return named
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && line !== "---");
}
