// The page of the contact sheet, as the server renders it.

import { expect, test } from "vitest";
import type { DoubtfulFormat } from "../../../src/cli/picture/predict-refusal.ts";
import { HARD_KEYS } from "../../../src/dev/fixture-objects.ts";
import { pageHtml, type SheetView } from "../../../src/dev/sheet/page-html.ts";
import { addRenditions } from "../../../src/dev/sheet/sheet-objects.ts";
import { configOf } from "../../support/config-of.ts";
import { ENV } from "../../support/env.ts";

/** A key that would run a script, if any of it were HTML. */
const EVIL = `own/"'><script src=evil>&amp;.jpg`;
const PICTURE = { format: "jpeg", type: "image/jpeg", width: 300, height: 200 } as const;

const LOCAL_VIEW: SheetView = { address: "http://localhost:8787", isReadOnly: false };

const FORMATS = new Map<string, DoubtfulFormat>([
  [".tif", "TIFF"],
  ["heic", "HEIC"],
  [".jxl", "JPEG XL"],
]);

async function render(
  keys: readonly string[],
  mistakes: readonly string[] = [],
  { address, isReadOnly }: SheetView = LOCAL_VIEW,
): Promise<string> {
  const objects = keys.map((key) => {
    const picture = /\.(?:txt|jxl)$/.test(key) ? undefined : PICTURE;
    return { key, etag: "1", bytes: 9_000, format: FORMATS.get(key.slice(-4)), picture };
  });
  const sheetObjects = await addRenditions({ config: configOf(), vars: ENV }, objects, 0);
  return pageHtml({
    address,
    isReadOnly,
    tag: "1",
    mistakes,
    objects: sheetObjects,
    signIns: [],
    issuersFile: undefined,
  });
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

test("an original that visitors do not see has the reason in its place, no image, and a button to delete it", async () => {
  const parts = (await render([EVIL, `${EVIL}.tif`, "a.heic", "a.jxl", "a.txt"])).split(
    /(?=<article )|<\/article>/,
  );
  const articles = parts.filter((part) => part.startsWith("<article "));
  const hints = articles.map((article) => {
    const [hint] = /Not shown: [^<]*/.exec(article) ?? [];
    return [hint, article.includes("data-remove"), article.includes("<img")];
  });
  expect(hints).toEqual([
    [undefined, true, true],
    [
      "Not shown: visitors get 415: Cloudflare reads no TIFF: convert it to JPEG, PNG or WebP",
      ...[true, false],
    ],
    [expect.stringMatching(/^Not shown: visitors may get 415: .* HEIC: convert/), true, false],
    [expect.stringMatching(/^Not shown: visitors get 415: .* no JPEG XL: convert/), true, false],
  ]);
  expect(parts.join("")).not.toContain("No route");
});

test("a phone has nothing that changes something, and its own address in the code", async () => {
  const key = "own/fig.jpg";
  const changes = /data-remove|data-try|type="file"|data-sign-in-as|<form/;
  const phone = await render([key], [], { address: "http://192.168.1.5:8787", isReadOnly: true });
  expect(phone.match(changes)).toBeNull();
  expect(phone).toContain("--base-url http://192.168.1.5:8787");
  expect(phone).not.toContain("localhost:8787");
  expect(phone).toContain("<img");
  expect(await render([key])).toMatch(changes);
});
