// What a page shows until the picture is there, and what a hostile fact does to it: nothing.

import sharp from "sharp";
import { rgbaToThumbHash } from "thumbhash";
import { describe, expect, test } from "vitest";
import { createClient, reactProps } from "../../src/client/index.ts";
import { thumbHash } from "../../src/client/placeholder.ts";

const images = createClient({
  baseUrl: "",
  route: { path: "/images/:preset/*", object: "media/*" },
  presets: { card: { width: 100 }, focused: { width: 100, gravity: "object" } },
});
const FIG = "1QcSHQRnh493V4dIh4eXh1h4kJUI"; // of the README of ThumbHash
const fact = { width: 300, height: 200, color: "#8a5b3c", thumbhash: FIG };

/** The attributes that a placeholder concerns. */
function renderImg(
  original?: object,
  placeholder?: (original: never) => string,
  preset: "card" | "focused" = "card",
) {
  const options = { alt: "", original, placeholder } as object as { alt: string };
  const props = images.imgProps("a.jpg", preset, options);
  return { style: props.style, react: reactProps(props).style, names: Object.keys(props).join() };
}

test("it is the colour of the fact, and comes before the picture", () => {
  expect(renderImg(fact)).toEqual({
    style: "background: #8a5b3c",
    react: { background: "#8a5b3c" },
    names: "alt,loading,decoding,width,height,style,srcset,src",
  });
});

test("or what a function makes of the fact", () => {
  const placeholder = ({ color }: typeof fact) => `linear-gradient(${color}, white)`;
  expect(renderImg(fact, placeholder).react).toEqual({
    background: "linear-gradient(#8a5b3c, white)",
  });
  const css = thumbHash(fact);
  // Without a quote, it is the same in an attribute of HTML.
  expect(css).toMatch(/^url\(data:image\/png;base64,[A-Za-z0-9+/]+=*\) center \/ cover no-repeat$/);
  expect(renderImg(fact, thumbHash).style).toBe(`background: ${css}`);
});

const NAMES = "alt,loading,decoding,width,height,srcset,src";

test("there is none without a fact, with a colour that is no #rrggbb, or where it would shine through", () => {
  const css = ["", "#8A5B3C", "#8a5b3", "#8a5b3c;", "#8a5b3c\n", "red", "url(//evil.example)"];
  const unusual = ['"><script>', null, ["#8a5b3c", "x"], { toString: "#8a5b3c" }];
  const facts = [...css, ...unusual].map((color): object => ({ ...fact, color }));
  for (const original of [...facts, { width: 300, height: 200 }, { ...fact, alpha: true }]) {
    expect(renderImg(original)).toEqual({ style: undefined, react: undefined, names: NAMES });
  }
  expect(renderImg(undefined).style).toBeUndefined();
});

describe("a focal point", () => {
  const focus = { x: 0.62, y: 0.3 };
  const POSITION = "object-position: 62% 30%";
  const focused = (original: object, placeholder?: (original: never) => string) =>
    renderImg(original, placeholder, "focused");

  test("is where CSS crops the picture, where the preset uses it", () => {
    expect(renderImg({ ...fact, focus }).style).toBe("background: #8a5b3c");
    expect(focused({ ...fact, alpha: true, focus })).toMatchObject({
      style: POSITION,
      react: { objectPosition: "62% 30%" },
    });
    expect(focused({ ...fact, focus })).toMatchObject({
      style: `${POSITION}; background: #8a5b3c`,
      react: { background: "#8a5b3c", objectPosition: "62% 30%" },
    });
    expect(focused({ focus: { x: 0, y: 1 } }).style).toBe("object-position: 0% 100%");
  });

  test.each([
    ["a ThumbHash", thumbHash],
    ["semicolons", () => 'url("data:image/svg+xml;a;b; background: red; object-position: 1% 1%")'],
    ["a position of its own", () => "red; object-position: 1% 1%; color: red"],
    ["a line break", () => "red\n"],
  ])("stands beside a background of %s, also for React", (_what, placeholder) => {
    const background = placeholder(fact);
    expect(focused({ ...fact, focus }, placeholder)).toMatchObject({
      style: `${POSITION}; background: ${background}`,
      react: { background, objectPosition: "62% 30%" },
    });
    expect(renderImg({ ...fact, focus }, placeholder).react).toEqual({ background });
  });

  const css = ["0.5;x:1", "url(//evil.example)", '"><script>', "50%", "", " ", {}, [0, 1], "0x5"];
  const parts = [...css, null, undefined, -0.01, 1.01, Number.NaN, 1e308, -0, true, ["0.5"]];
  test.each(parts)("of %j brings nothing but two percentages into the CSS", (part) => {
    const points = [{ x: part, y: 0.5 }, { x: 0.5, y: part }, { x: part, y: part }, part];
    for (const point of points) {
      const { style = "", react } = focused({ ...fact, focus: point });
      expect(style).toMatch(/^(?:object-position: \d{1,3}% \d{1,3}%; )?background: #8a5b3c$/);
      expect(react).toMatchObject({ background: "#8a5b3c" });
    }
  });
});

test("a ThumbHash is shown upright, and short enough for a page with many pictures", async () => {
  const [width, height] = [90, 61];
  const ramp = Uint8Array.from({ length: width * height * 4 }, (_, at) => {
    const x = Math.floor(at / 4) % width;
    const y = Math.floor(at / 4 / width);
    return [(255 * x) / width, (255 * y) / height, 99, 255][at % 4] ?? 0;
  });
  const thumbhash = Buffer.from(rgbaToThumbHash(width, height, ramp)).toString("base64");
  const css = thumbHash({ thumbhash });
  expect(css.length).toBeLessThan(1700);
  const [, png = ""] = /base64,([^"]*)/.exec(css) ?? [];
  const { data, info } = await sharp(Buffer.from(png, "base64"))
    .raw()
    .toBuffer({ resolveWithObject: true });
  for (const [x, y] of [
    [0, 0],
    [1, 0],
    [0, 1],
    [1, 1],
  ] as const) {
    const at = (y * (info.height - 1) * info.width + x * (info.width - 1)) * info.channels;
    const corner = [data[at] ?? 128, data[at + 1] ?? 128].map((byte) => Math.round(byte / 255));
    expect(corner).toEqual([x, y]);
  }
});

describe("what is no ThumbHash is a RangeError that says why:", () => {
  const cut = (length: number) => Buffer.from(FIG, "base64").subarray(0, length).toString("base64");
  test.each<[string, unknown, string]>([
    ["none", undefined, 'the thumbhash "undefined" is not a ThumbHash in base64'],
    ["an empty one", "", 'the thumbhash "" has 0 bytes, but what it describes takes more'],
    ["a line break", `${FIG}\n`, "is not a ThumbHash in base64"],
    ["a byte too few", cut(20), "has 20 bytes, but what it describes takes 21"],
    ["its beginning", cut(3), "has 3 bytes, but what it describes takes more"],
    ["a side of zero", Buffer.alloc(21).toString("base64"), "takes more"],
    ["a long text", "A".repeat(4_000_000), `the thumbhash "${"A".repeat(40)}" is not a ThumbHash`],
  ])("%s", (_what, thumbhash, message) => {
    const original = { ...fact, thumbhash } as object as typeof fact;
    expect(() => thumbHash(original)).toThrow(RangeError);
    expect(() => thumbHash(original)).toThrow(message);
  });
});
