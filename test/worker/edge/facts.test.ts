// What the edge says of an original, however it spells it: only a type that is known for certain is proof.

import sharp from "sharp";
import { expect, test } from "vitest";
import { arrange, get, MODERN, respellFacts, stage } from "../../support/play.ts";

/** Asks for an image. @returns its type, its number of frames, and for how long it may be kept */
async function see(path: string, headers: Record<string, string>) {
  const answer = await get(path, { headers });
  expect(answer.status).toBe(200);
  const { pages = 1 } = await sharp(Buffer.from(await answer.arrayBuffer())).metadata();
  const type = answer.headers.get("content-type");
  return { type, frames: pages, kept: answer.headers.get("cache-control") };
}

const ODD = [undefined, null, 9, ["image/png"], "", " ", ";", "image", "image/", "x-image/png"];

test.each([
  ...["jpeg", "JPEG", "jpg", "JPG", "image/jpg", "image/jpeg", " IMAGE/JPEG ; x", "image/jpeg;"],
  ...["JFIF", "image/pjpeg", "image/x-jpeg", "image/image/png", "PNG.", ...ODD],
])(
  "an original that the edge calls %j is no proof that a JPEG was made (R6, R9)",
  async (named) => {
    const square = { create: { width: 90, height: 90, channels: 3, background: "red" } } as const;
    const body = new Uint8Array(await sharp(square).jpeg({ quality: 5 }).toBuffer());
    stage.s3.objects.set("published/small.jpg", { body, type: "image/jpeg" });
    respellFacts(named);
    const found = await see("/images/tall/small.jpg", { accept: "*/*" });
    expect([found.type, stage.asked.length]).toEqual(["image/png", 3]);
  },
);

const MOVES = { type: "image/webp", frames: 3, kept: "public, max-age=600" };
const STAYS = { type: "image/webp", frames: 1, kept: "public, max-age=600" };
const STANDS_IN = { type: "image/webp", frames: 1, kept: "public, max-age=60" };

test.each([
  ...["image/gif", "gif", "GIF", " Image/GIF; x"].map((named) => [named, MOVES] as const),
  ...["image/png", "png", "jpg", "WEBP", "heic"].map((named) => [named, STAYS] as const),
  ...["GIF89a", "image/x-gif", "gif.", ...ODD].map((named) => [named, STANDS_IN] as const),
])("an animation that the edge calls %j is shown as %j (O8, R9)", async (named, expected) => {
  respellFacts(named);
  expect(await see("/images/moving/animated.gif", MODERN)).toEqual(expected);
});

test.each(
  (["marked", "unmarked"] as const).flatMap((way) =>
    ["image/gif", "gif", "GIF89a", "png", ""].map((named) => [named, way] as const),
  ),
)("an animation too large, called %j and %s, is never passed on (O8, R9)", async (named, way) => {
  arrange({ animationTooLarge: way });
  stage.edge.switches.limits = { ...stage.edge.switches.limits, animation: 1 };
  respellFacts(named);
  const { type, frames } = await see("/images/moving/animated.gif", MODERN);
  expect([type, frames]).toEqual(["image/webp", 1]);
});
