// The code of docs/apps.md for each framework is the code of the apps that the tests here run.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const PAGE = readFileSync(join(import.meta.dirname, "../../docs/apps.md"), "utf8");
const [, SECTION = ""] = PAGE.split(/^## In your framework$/m);

/** Where the files of its code are here. */
const FILES: Record<string, string> = {
  "Fig.tsx": "react/Fig.tsx",
  "vitrine-loader.ts": "next-app/vitrine-loader.ts",
  "next.config.ts": "next-app/next.config.ts",
  "app/page.tsx": "next-app/app/page.tsx",
  "app/vitrine-provider.ts": "nuxt-app/app/vitrine-provider.ts",
  "nuxt.config.ts": "nuxt-app/nuxt.config.ts",
  "app/app.vue": "nuxt-app/app/app.vue",
  "Hero.tsx": "unpic/Hero.tsx",
};

const blocks = [...SECTION.matchAll(/^```\w+\n(?:\/\/|<!--) (\S+)[^\n]*\n(.*?)^```/gms)];

test("it shows the code of each framework", () => {
  expect(blocks.map(([, file]) => file)).toEqual(Object.keys(FILES));
});

test.each(blocks.map(([, file = "", code = ""]) => [file, code]))(
  "%s is what is tested",
  (file, code) => {
    const here = readFileSync(join(import.meta.dirname, FILES[file] ?? ""), "utf8");
    const tested = linesOf(here.replace(/"(?:\.\.\/)+vitrine\.ts"/g, '"./vitrine"'));
    const shown = linesOf(code.replace(/"(?:\.\.?\/)+vitrine"/g, '"./vitrine"'));
    // The apps here have lines more: what they test besides, and that the client is in src/.
    expect(tested.filter((line) => shown.includes(line))).toEqual(shown);
  },
);

function linesOf(code: string): string[] {
  return code
    .split("\n")
    .map((line) => line.trim())
    .filter(Boolean);
}
