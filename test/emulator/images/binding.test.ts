// The Images binding of the strict edge, as a Worker uses it.

import sharp from "sharp";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createEdge } from "../../../src/emulator/create-edge.ts";
import type { BindingOutput, ImagesBinding } from "../../../src/emulator/images/types.ts";
import { serveEdge } from "../../../src/emulator/serve-edge.ts";
import type { Served } from "../../../src/emulator/served.ts";
import { throughImages } from "../../../src/emulator/through-images.ts";
import { file } from "../../support/stand.ts";

const edge = createEdge({ zone: "images.example", fetch });
let served: Served;
let far: ImagesBinding;

beforeAll(async () => {
  served = await serveEdge(edge, { failed: () => {} });
  far = throughImages(fetch, served.url);
});
afterAll(() => served.close());

const JPEG = file("made/key.jpg");
const streamOf = (bytes: Uint8Array) => new Blob([bytes.slice()]).stream();
const WEBP: BindingOutput = { format: "image/webp" };

async function read(made: { image(): ReadableStream<Uint8Array> }): Promise<Uint8Array> {
  return new Response(made.image()).bytes();
}

test("makes the same image near and far (B4)", async () => {
  const made = async (images: ImagesBinding) => {
    const result = await images.input(streamOf(JPEG)).transform({ width: 20 }).output(WEBP);
    expect(result.contentType()).toBe("image/webp");
    return read(result);
  };
  const near = await made(edge.images);
  expect(await made(far)).toEqual(near);
  const { format, width } = await sharp(near).metadata();
  expect([format, width]).toEqual(["webp", 20]);
});
