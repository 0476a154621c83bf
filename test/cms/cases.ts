// What visitors see of the uploads of a CMS, with the code of docs/cms.md.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import { beforeAll, beforeEach, expect, test, vi } from "vitest";
import { images, s3, show, vitrine, writes } from "./world.ts";

/** An upload, as a page gets it. */
// biome-ignore lint/suspicious/noExplicitAny: a CMS says what it likes
type Upload = { id: number; key: string; original: any };

export type Cms = {
  create(file: File): Promise<Upload>;
  describe(id: number, alt: string): Promise<Upload>;
  setFocus(id: number, x: number, y: number): Promise<Upload>;
  replace(id: number, file: File): Promise<Upload>;
  remove(id: number): Promise<unknown>;
  /** Makes an upload one from before this code: without `original`. */
  forget(id: number): Promise<unknown>;
};

const ROTATED = join(import.meta.dirname, "../../fixtures/objects/made/rotated-gps.jpg");

/** A picture of 200 × 100 px whose halves have colours. */
export async function draw(first: string, second: string, name = "fig.jpg"): Promise<File> {
  const half = (background: string) =>
    ({ create: { width: 100, height: 100, channels: 3, background } }) as const;
  const parts = [first, second].map((colour, at) => ({
    input: half(colour),
    left: at * 100,
    top: 0,
  }));
  const create = { width: 200, height: 100, channels: 3, background: "black" } as const;
  const bytes = await sharp({ create }).composite(parts).jpeg().toBuffer();
  return new File([new Uint8Array(bytes)], name, { type: "image/jpeg" });
}

/** The colour that a visitor sees, or the status. */
async function colourOf(key: string): Promise<string | number> {
  const picture = await show(key);
  if (typeof picture === "number") return picture;
  const { r, g, b } = (await sharp(picture).stats()).dominant;
  const strongest = Math.max(r, g, b);
  return r === strongest ? "red" : g === strongest ? "lime" : "blue";
}

/** Tests a CMS. @param start starts it, with the code of the page */
export function testCms(start: () => Promise<Cms>): void {
  let cms: Cms;
  beforeAll(async () => {
    cms = await start();
  });
  beforeEach(() => {
    s3.objects.clear();
    vitrine.isDown = false;
  });

  test("an upload shows, and its facts are those of the upright picture", async () => {
    const file = new File([readFileSync(ROTATED)], "a b+ü.jpg", { type: "image/jpeg" });
    const { id, key, original } = await cms.create(file);
    expect(await colourOf(key)).toBe("red");
    const attributes = images.imgProps(key, "hero", { alt: "A fig", original });
    expect(attributes).toMatchObject({ width: 300, height: 400, style: "background: #c82828" });
    expect(original).toMatchObject({ alpha: false, focus: { x: 0.5, y: 0.5 } });
    expect(Buffer.from(original.thumbhash, "base64").length).toBeGreaterThan(15);
    expect((await cms.setFocus(id, 20, 30)).original.focus).toEqual({ x: 0.2, y: 0.3 });
  });

  test("a focus that an editor sets shows at once, and the original stays as it is", async () => {
    const { id, key, original } = await cms.create(await draw("red", "blue"));
    const body = s3.objects.get(key)?.body;
    const colours = [];
    for (const [x, y, focus] of [
      [12, 30, "0.12,0.3"],
      [88.4, 0, "0.88,0"],
      [100, 100, "1,1"],
    ] as const) {
      const changed = await cms.setFocus(id, x, y);
      expect(Object.values(changed.original.focus).join()).toBe(focus);
      expect(changed.original.version).not.toBe(original.version);
      const object = { body, type: "image/jpeg", metadata: { focus } };
      expect(s3.objects.get(key)).toEqual(object);
      colours.push(await colourOf(key));
    }
    expect(colours).toEqual(["red", "blue", "blue"]);
  });

  test("a replaced upload shows at once, with the focus that it had", async () => {
    const first = await cms.create(await draw("red", "red"));
    await cms.setFocus(first.id, 90, 50);
    expect(await colourOf(first.key)).toBe("red");
    const second = await cms.replace(first.id, await draw("lime", "blue"));
    expect(await colourOf(second.key)).toBe("blue");
    expect(await colourOf(first.key)).toBe(first.key === second.key ? "blue" : 404);
    expect(second.original.thumbhash).not.toBe(first.original.thumbhash);
    expect(second.original.focus).toEqual({ x: 0.9, y: 0.5 });
  });

  test("an upload from before gets its facts, and its focus shows, when an editor saves it", async () => {
    const { id, key, original } = await cms.create(await draw("red", "blue"));
    await cms.forget(id);
    const { version, ...facts } = (await cms.describe(id, "Another")).original;
    expect({ ...facts, version: original.version }).toEqual(original);
    await cms.forget(id);
    const { width, focus } = (await cms.setFocus(id, 90, 50)).original;
    expect({ width, focus }).toEqual({ width: 200, focus: { x: 0.9, y: 0.5 } });
    expect(await colourOf(key)).toBe("blue");
  });

  test("a deleted upload is gone at once", async () => {
    const { id, key } = await cms.create(await draw("red", "blue"));
    expect(await show(key)).toBeInstanceOf(Uint8Array);
    await cms.remove(id);
    expect(await show(key)).toBe(404);
    expect([...s3.objects.keys()]).toEqual([]);
  });

  test("another text writes nothing to S3, and an editor can save while Vitrine is down", async () => {
    const { id, original } = await cms.create(await draw("red", "blue"));
    writes.length = 0;
    vitrine.isDown = true;
    expect((await cms.describe(id, "Another")).original).toEqual(original);
    expect(writes).toEqual([]);
    const log = vi.spyOn(console, "error").mockImplementation(() => {});
    expect((await cms.setFocus(id, 10, 10)).original.focus).toEqual({ x: 0.1, y: 0.1 });
    expect(log).toHaveBeenCalled();
  });
}
