// A real browser shows a ThumbHash until the picture comes: its edges have the colours of its edges.

import type { Browser } from "playwright-core";
import sharp from "sharp";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { thumbHash } from "../../src/client/placeholder.ts";
import { launch } from "./chromium.ts";

/** A light sky above a dark ground, so that one edge shows in the other. */
const HASH = { thumbhash: "1QcSHQRnh493V4dIh4eXh1h4kJUI" };

let browser: Browser;

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });
beforeAll(async () => {
  browser = await launch();
});
afterAll(async () => {
  await browser.close();
  vi.resetConfig();
});

/** The red of the pixels in the middle column of a box, from its top to its bottom. */
async function renderColumn(width: number, height: number): Promise<number[]> {
  const page = await browser.newPage({ viewport: { width: 500, height: 700 } });
  const style = `width: ${width}px; height: ${height}px; background: ${thumbHash(HASH)}`;
  await page.setContent(`<body style="margin: 0"><div style="${style}"></div>`);
  const { data, info } = await sharp(await page.screenshot())
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  await page.close();

  const x = Math.floor(width / 2);
  const rows = Array.from({ length: Math.floor(height) }, (_, y) => (y * info.width + x) * 3);
  return rows.map((index) => data[index] ?? 0);
}

test("a ThumbHash has no bands at its edges, also where a side is no whole number of pixels", async () => {
  for (const [width, height] of [
    [320, 480],
    [328.87, 493.31],
    [323.54, 485.31],
    [429.61, 644.41],
  ] as const) {
    const column = await renderColumn(width, height);
    // The outermost pixels of the ThumbHash are 30 px high here. Within half of one, nothing changes.
    const top = column.slice(1, 15);
    const bottom = column.slice(-12, -1);
    const change = (reds: readonly number[]) => Math.max(...reds) - Math.min(...reds);
    expect([width, height, change(top) < 8, change(bottom) < 8]).toEqual([
      width,
      height,
      true,
      true,
    ]);
  }
});
