// The code in docs/apps.md for each framework is the code of the apps that the tests here run.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const PAGE = readFileSync(join(import.meta.dirname, "../../docs/apps.md"), "utf8");
const [, SECTION = ""] = PAGE.split(/^## In your framework$/m);

/** For each file that the page shows, the tested file in this folder. */
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

test("the page shows the code of each framework", () => {
  expect(blocks.map(([, file]) => file)).toEqual(Object.keys(FILES));
});

test.each(blocks.map(([, file = "", code = ""]) => [file, code]))(
  "%s on the page is the code that is tested",
  (file, code) => {
    const here = readFileSync(join(import.meta.dirname, FILES[file] ?? ""), "utf8");
    const tested = linesOf(here.replace(/"(?:\.\.\/)+vitrine\.ts"/g, '"./vitrine"'));
    const shown = linesOf(code.replace(/"(?:\.\.?\/)+vitrine"/g, '"./vitrine"'));
    // The apps here may have more lines: they test more, and they import the client from src/.
    expect(tested.filter((line) => shown.includes(line))).toEqual(shown);
  },
);

function linesOf(code: string): string[] {
  return code
    .split("\n")
    .map((line) => line.trim())
    .filter(Boolean);
}
