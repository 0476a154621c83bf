// What `vitrine explain` says of a bucket whose renditions the Images binding makes.

import { describe, expect, test } from "vitest";
import { makeProject, STAGED } from "../../support/cli/folder.ts";
import { vitrine } from "../../support/cli/vitrine.ts";
import { SECRETS, VARS } from "../../support/env.ts";

const { env: _env, ...TOP } = STAGED;
const ROUTES = [
  { path: "/images/:preset/*", object: "media/*" },
  { path: "/facts/:preset/*", object: "media/*", facts: true },
];
const PRESETS = {
  card: { width: 160, height: 90, fit: "cover", dpr: [1, 2], quality: "high" },
  marked: { width: 200, draw: [{ key: "mark.png", width: 20, right: 5, bottom: 5, opacity: 0.5 }] },
  moving: { width: 200, anim: true },
  kept: { width: 200, metadata: "copyright" },
};
const R2 = { binding: "MEDIA_BUCKET" };
const S3 = { ...VARS.BUCKETS.media, engine: "binding" };

function folderOf(media: object, presets: string[] = ["card", "marked", "moving"]) {
  const own = Object.fromEntries(
    Object.entries(PRESETS).filter(([name]) => presets.includes(name)),
  );
  const bound = { images: { binding: "IMAGES" }, r2_buckets: [{ ...R2, bucket_name: "acme" }] };
  return makeProject({ ...TOP, ...bound, vars: { BUCKETS: { media }, ROUTES, PRESETS: own } });
}

async function explain(media: object, path: string, presets?: string[]) {
  const given = { folder: folderOf(media, presets), env: SECRETS };
  const { code, out: rows, err } = await vitrine(["explain", path], given);
  expect([code, err]).toEqual([0, ""]);
  const all = [...rows.matchAll(/^ *(\S.*?) {2,}(.*)$/gm)].map(([, name, value = ""]) => ({
    name,
    value,
  }));
  const valuesOf = (name: string) => all.filter((one) => one.name === name).map((one) => one.value);
  return { rows, valuesOf };
}

describe("the calls of the Images binding", () => {
  test("the sides are multiplied, a word of quality is a number, and each browser has its format (B7)", async () => {
    const { rows, valuesOf } = await explain(S3, "/images/card@2x/fig.jpg");
    const transform = { width: 320, height: 180, fit: "cover" };
    expect(JSON.parse(valuesOf("WebP")[0] ?? "")).toMatchObject({
      transform,
      output: { format: "image/webp", quality: 90, anim: false },
    });
    expect(JSON.parse(valuesOf("neither")[0] ?? "")).toMatchObject({
      transform,
      output: { format: "image/jpeg", quality: 90, anim: false },
    });
    expect(valuesOf("AVIF and WebP")[0]).toContain("image/");
    expect(rows).toMatch(/^Engine +the Images binding/m);
    expect(rows).not.toMatch(/sent to the edge|Cache key/);
  });

  test("an overlay is an object of the bucket", async () => {
    const { valuesOf } = await explain(S3, "/images/marked/fig.jpg");
    const draw = { key: "mark.png", transform: { width: 20 }, right: 5, bottom: 5, opacity: 0.5 };
    const [call = "{}"] = valuesOf("WebP");
    expect(JSON.parse(call).draw).toEqual([draw]);
  });

  test("only a GIF moves (O8)", async () => {
    const moving = await explain(S3, "/images/moving/fig.gif");
    expect(moving.valuesOf("WebP")[0]).toContain('"anim":true');
    const still = await explain(S3, "/images/moving/fig.jpg");
    expect(still.valuesOf("WebP")[0]).toContain('"anim":false');
  });

  test("facts are free (L2)", async () => {
    const { rows, valuesOf } = await explain(S3, "/facts/card/fig.jpg?facts");
    expect(valuesOf("Cost")).toEqual([expect.stringMatching(/^0 unique transformations/)]);
    expect(rows).toMatch(/^Engine +binding: \.info\(\) of the Images binding, free/m);
  });
});

test("an R2 binding has no headers and no key", async () => {
  const { rows, valuesOf } = await explain(R2, "/images/card/fig.jpg");
  expect(valuesOf("Origin URL")).toEqual(["r2://MEDIA_BUCKET/fig.jpg"]);
  expect(rows).not.toMatch(/Signed by/);
});

test("in the local run, too, an R2 bucket is read by its binding and without a key", async () => {
  const { rows, valuesOf } = await explain(R2, "http://localhost:8787/images/card/fig.jpg");
  expect(valuesOf("Origin URL")).toEqual(["r2://MEDIA_BUCKET/fig.jpg"]);
  expect(rows).not.toMatch(/Signed by|localhost:\d+\/cdn-cgi/);
});
