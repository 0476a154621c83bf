// The code in docs/apps.md and docs/frameworks.md is the code of the apps that test/loaders builds.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { thumbHash } from "../../src/client/placeholder.ts";
import { imgTag } from "../loaders/img-tag.ts";
import { images } from "../loaders/vitrine.ts";
import { ROOT } from "../support/built.ts";
import { readPage } from "./pages.ts";

const PAGE = readPage("docs/apps.md") + readPage("docs/frameworks.md");

/** Each file that the pages show, in its order, and the tested file in test/loaders. */
const FILES: readonly [example: string, tested: string][] = [
  ["sign.ts", "sign.ts"],
  ["Fig.tsx", "react/Fig.tsx"],
  ["img-tag.ts", "img-tag.ts"],
  ["vitrine-loader.ts", "next-app/vitrine-loader.ts"],
  ["next.config.ts", "next-app/next.config.ts"],
  ["app/page.tsx", "next-app/app/page.tsx"],
  ["app/vitrine-provider.ts", "nuxt-app/app/vitrine-provider.ts"],
  ["nuxt.config.ts", "nuxt-app/nuxt.config.ts"],
  ["app/pages/index.vue", "nuxt-app/app/pages/index.vue"],
  ["src/image-service.ts", "astro-app/src/image-service.ts"],
  ["src/pages/index.astro", "astro-app/src/pages/index.astro"],
  ["src/routes/friends/+page.server.ts", "svelte-app/src/routes/friends/+page.server.ts"],
  ["src/routes/friends/+page.svelte", "svelte-app/src/routes/friends/+page.svelte"],
  ["src/routes/friends.tsx", "tanstack-app/src/routes/friends.tsx"],
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

test("an <img> as text has the values that imgProps returns, whatever is in them", () => {
  const fact = { width: 300, height: 200, thumbhash: "1QcSHQRnh493V4dIh4eXh1h4kJUI" };
  for (const alt of ["A fig", '"><script>alert(1)</script>', "&quot; onload=x", "'"]) {
    const options = { original: fact, placeholder: thumbHash, query: "?exp=1&kid=a&sig=b" };
    const fig = images.imgProps("photos/a'&b.jpg", "card", { alt, ...options });
    const tag = imgTag(fig);
    const values = [...tag.matchAll(/ ([a-z]+)="([^"]*)"/g)].map(([, name = "", value = ""]) => {
      return [name, value.replaceAll("&quot;", '"').replaceAll("&amp;", "&")];
    });
    expect(tag).toMatch(/^<img(?: [a-z]+="[^"]*")+>$/);
    expect(values).toEqual(Object.entries(fig).map(([name, value]) => [name, `${value}`]));
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
