// An object that is replaced by one of another type, while the edge still keeps what it said of the one before.

import sharp from "sharp";
import { beforeEach, expect, test, vi } from "vitest";
import { arrange, get, MODERN, stage, wait } from "../../support/play.ts";

const BOTH = 5_000; // s: longer than the edge keeps the first object, and shorter than what it said of it
const NOISE = { type: "gaussian", mean: 120, sigma: 30 } as const;
const frame = { width: 90, height: 90, channels: 3, background: "red", noise: NOISE } as const;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"] });
  return () => vi.useRealTimers();
});

/** Puts an object into the bucket. @returns its bytes */
function put(body: Buffer, type: string): Buffer {
  stage.s3.objects.set("published/ada", { body: new Uint8Array(body), type });
  return body;
}

/** Has the edge keep the object for an hour from now, and what it says of it for an hour from later on. */
async function describe(path: string, accept: string): Promise<void> {
  await get("/images/card/ada", { headers: { accept: "*/*" } });
  wait(BOTH - 2_000);
  await get(path, { headers: { accept } });
  expect(stage.asked.map(({ image }) => image.format)).toContain("json");
  wait(2_000);
}

test("what the edge said of a replaced object is no proof that it made a smaller one (C1, C2, R6)", async () => {
  put(await sharp({ create: frame }).jpeg({ quality: 5 }).toBuffer(), "image/jpeg");
  await describe("/images/tall/ada", "*/*");
  const original = put(
    await sharp({ create: frame }).webp({ quality: 5 }).toBuffer(),
    "image/webp",
  );
  for (const _time of [1, 2]) {
    const answer = await get("/images/tall/ada", { headers: { accept: "image/webp" } });
    expect([answer.status, answer.headers.get("content-type")]).toEqual([200, "image/png"]);
    expect(Buffer.from(await answer.arrayBuffer()).equals(original)).toBe(false);
  }
});

test.each(["marked", "unmarked"] as const)(
  "an animation that took the place of a GIF, too large and %s, is a still for a minute (C1, O8)",
  async (animationTooLarge) => {
    arrange({ animationTooLarge });
    const frames = await Promise.all([1, 2].map(() => sharp({ create: frame }).png().toBuffer()));
    const moving = () => sharp(frames, { join: { animated: true } });
    put(await moving().gif().toBuffer(), "image/gif");
    stage.before = (times) => {
      stage.edge.switches.trouble = times === 2 ? "9523/500" : undefined; // the edge keeps no rendition
    };
    await describe("/images/moving/ada", MODERN.accept);
    const original = put(await moving().webp().toBuffer(), "image/webp");
    stage.edge.switches.limits = { ...stage.edge.switches.limits, animation: 1 };
    const answer = await get("/images/moving/ada", { headers: MODERN });
    const body = Buffer.from(await answer.arrayBuffer());
    expect([answer.status, body.equals(original)]).toEqual([200, false]);
    expect((await sharp(body).metadata()).pages ?? 1).toBe(1);
    expect(answer.headers.get("cache-control")).toBe("public, max-age=60");
  },
);
