// The page of the contact sheet, as the server renders it.

import { expect, test } from "vitest";
import { HARD_KEYS } from "../../../src/dev/fixture-objects.ts";
import { pageHtml } from "../../../src/dev/sheet/page-html.ts";
import { addRenditions } from "../../../src/dev/sheet/sheet-objects.ts";
import { configOf } from "../../support/config-of.ts";
import { ENV } from "../../support/env.ts";

/** A key that would run a script, if any of it were HTML. */
const EVIL = `own/"'><script src=evil>&amp;.jpg`;
const PICTURE = { format: "jpeg", type: "image/jpeg", width: 300, height: 200 } as const;

async function render(keys: readonly string[], mistakes: readonly string[] = []): Promise<string> {
  const objects = keys.map((key) => {
    return { key, etag: "1", bytes: 9_000, picture: key.endsWith(".txt") ? undefined : PICTURE };
  });
  const shown = await addRenditions({ config: configOf(), vars: ENV }, objects, 0);
  return pageHtml({ address: "http://localhost:8787", tag: "1", mistakes, objects: shown });
}

test("no key and no mistake becomes a tag, an attribute or a script", async () => {
  const page = await render([EVIL, ...HARD_KEYS], [`PRESETS.${EVIL}: is <b>wrong</b>`]);
  for (const part of ["<script src=e", "<b>", `"'>`, 'style="', "onerror"]) {
    expect([part, page.includes(part)]).toEqual([part, false]);
  }
  expect(page.match(/<script\b[^>]*>/g)).toEqual([
    '<script type="module" src="/.vitrine/sheet.js">',
  ]);
  const urls = [...page.matchAll(/ (?:src|href)="([^"]*)"/g)].map(([, url]) => url);
  expect(urls.filter((url) => !/^(?:\/(?!\/)|#)/.test(url ?? ""))).toEqual([]);
});

test("a picture has an image for each preset, with its sides, its candidates and its code", async () => {
  const page = await render(["a.jpg"]);
  const images = page.match(/<img alt="a[^>]*>/g) ?? [];
  expect(images.length).toBeGreaterThan(2);
  for (const image of images)
    expect(image).toMatch(/ width="\d+" height="\d+" .*srcset="\/images\//);
  expect(page).toContain("JPEG, 300 × 200, 9.0\u00a0kB");
  expect(page).toContain(
    "npx vitrine client ../app/src/vitrine.ts --base-url http://localhost:8787",
  );
  expect(page).toContain('<li data-variant="card@2x"><a href="/images/card@2x/a.jpg?v=');
});
