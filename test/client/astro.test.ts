// The image service for Astro, asked as Astro asks it. test/loaders/ has it in an app that Astro builds.

import { expect, test } from "vitest";
import { astroService } from "../../src/client/astro.ts";
import { createClient, type Original, signedSrc } from "../../src/client/index.ts";
import { thumbHash } from "../../src/client/placeholder.ts";
import { createSigner, expiresWithin } from "../../src/client/sign.ts";
import { HARD_KEYS } from "../../src/dev/fixture-objects.ts";
import { file } from "../support/emulators.ts";
import { SECRETS } from "../support/env.ts";
import { get, stage } from "../support/run-worker.ts";

const settings = {
  baseUrl: "https://images.example",
  presets: {
    card: { width: 160, height: 160, fit: "cover", dpr: [1, 2] },
    wide: { width: 1000, widths: [200, 400, 600, 800, 1000] },
    tall: { height: 300, dpr: [1, 2] },
  },
} as const;
const open = createClient({
  ...settings,
  route: { path: "/images/:preset/*", object: "media/*", presets: ["card", "wide", "tall"] },
});
const signed = createClient({
  ...settings,
  route: { path: "/private/:preset/*", object: "media/*", presets: ["card"], signed: true },
});
const sign = (key: string, preset: "card") =>
  createSigner(signed.site, SECRETS.URL_SIGNING_KEYS)(key, preset, {
    expires: expiresWithin(3600),
  });

type Service = ReturnType<typeof astroService>;

/** What Astro's getImage() makes of the properties of a picture. */
async function show(service: Service, properties: { src: string; [name: string]: unknown }) {
  const added = { loading: "lazy", decoding: "async", fetchpriority: undefined };
  const options = await service.validateOptions({ ...added, ...properties });
  const candidates = service.getSrcSet(options).map(({ transform, descriptor }) => {
    return `${service.getURL(transform)} ${descriptor}`;
  });
  const attributes = service.getHTMLAttributes(options);
  expect(attributes.srcset).toBe(candidates.join(", "));
  return { src: service.getURL(options), ...attributes };
}

/** The attributes of an <img> that imgProps makes. */
const plain = ({ alt: _, ...img }: ReturnType<typeof open.imgProps>) => img;

test("a picture has the attributes that imgProps makes, whatever the key", async () => {
  const service = astroService([open.site]);
  for (const src of [...HARD_KEYS, "?a=b&c=d/:e?f#g%2F+h i.jpg", "a, b 2x.jpg", "card:a.jpg"]) {
    for (const preset of ["card", "tall"] as const) {
      const img = plain(open.imgProps(src, preset, { alt: "" }));
      expect(await show(service, { src, preset })).toEqual(img);
    }
    for (const sizes of ["50vw", undefined]) {
      const img = plain(open.imgProps(src, "wide", { alt: "", sizes: sizes ?? "100vw" }));
      expect(await show(service, { src, preset: "wide", sizes })).toEqual(img);
    }
  }
});

test("a signed route: each URL opens, whatever the key, and other presets do not", async () => {
  const service = astroService([signed.site, open.site], { sign });
  for (const src of HARD_KEYS) {
    stage.s3.objects.set(`published/${src}`, { body: file("made/key.jpg"), type: "image/jpeg" });
    const query = await sign(src, "card");
    const img = await show(service, { src, preset: "card" });
    expect(img).toEqual(plain(signed.imgProps(src, "card", { alt: "", query })));
    expect([src, (await get(img.src)).status]).toEqual([src, 200]);
    const otherUrl = open.imageUrl(src, "wide", query).replace("/images/", "/private/");
    expect([src, (await get(otherUrl)).status]).toEqual([src, 404]);
  }
  // It takes the first route that shows the preset and leads to the key.
  const first = async (src: string, preset: string) => (await show(service, { src, preset })).src;
  expect(await first("a.jpg", "wide")).toBe(open.imageUrl("a.jpg", "wide"));
  expect(await first("a.jpg", "card")).toContain("/private/card/a.jpg?exp=");
});

test("what a cookie opens is not signed: static pages have it", async () => {
  const album = createClient({ ...settings, route: { ...signed.site.route, cookie: true } });
  const img = await show(astroService([album.site], { sign }), { src: "a.jpg", preset: "card" });
  expect(img).toEqual(plain(album.imgProps("a.jpg", "card", { alt: "" })));
});

const FACT: Original = { width: 3000, height: 2000, color: "#8a5b3c" };

test.each([
  ["what factOf knows", { preset: "wide" }, { width: 1000, height: 667 }],
  ["the preset", { preset: "card" }, { width: 160, height: 160 }],
  ["both of the page", { preset: "card", width: 30, height: 20 }, { width: 30, height: 20 }],
  ["one of the page", { preset: "card", width: 30, height: 0 }, { width: 30, height: undefined }],
  ["the other", { preset: "card", width: 0, height: 20 }, { width: undefined, height: 20 }],
  [
    "the preset's, where <Picture> asks for them first",
    { preset: "wide", ...astroService([open.site]).getRemoteSize() },
    { width: 1000, height: 667 },
  ],
])("width and height are %s", async (_, properties, size) => {
  const service = astroService([open.site], { factOf: async () => FACT });
  expect(await show(service, { src: "a.jpg", ...properties })).toMatchObject(size);
});

test("the page's own attributes stay, and what the preset sets instead is dropped", async () => {
  const service = astroService([open.site], { factOf: () => FACT });
  const attributes = { class: "a", loading: "eager", decoding: "sync", fetchpriority: "high" };
  const presetOptions = { format: "png", quality: 10, widths: [9], densities: [9], fit: "fill" };
  const more = { position: "top", background: "#fff", layout: "fixed" };
  const src = "a.jpg";
  const properties = { src, preset: "card", ...attributes, ...presetOptions, ...more };
  const img = plain(open.imgProps(src, "card", { alt: "", original: FACT }));
  expect(await show(service, properties)).toEqual({ ...img, ...attributes });
  const styleOf = async (style: unknown) =>
    (await show(service, { src, preset: "card", style })) as { style?: unknown };
  expect((await styleOf("color: red")).style).toBe("background: #8a5b3c; color: red");
  expect((await styleOf({ color: "red" })).style).toEqual({ color: "red" });
  const original = { ...FACT, thumbhash: "WokKJYr9uJZIuoddSpaJfAF3AGAI" };
  const hashed = astroService([open.site], { factOf: () => original, placeholder: thumbHash });
  expect(await show(hashed, { src, preset: "card" })).toMatchObject({
    style: `background: ${thumbHash(original)}`,
  });
});

test("an imported file stays as it is", async () => {
  const service = astroService([open.site]);
  const src = { src: "/_astro/own.png", width: 30, height: 20, format: "png" };
  const options = await service.validateOptions({ src, alt: "own" });
  expect(service.getURL(options)).toBe(src.src);
  expect(service.getSrcSet(options)).toEqual([]);
  expect(service.getHTMLAttributes(options)).toMatchObject({ width: 30, height: 20, alt: "own" });
});

const RIGHT = `?exp=2000000000&kid=k1&sig=${"A".repeat(43)}`;
const PRESETS = "write <Image preset> with one of the presets";

test.each([
  ["a.jpg", undefined, `no preset for "a.jpg": ${PRESETS} card, wide, tall`],
  ["a.jpg", "crad", `unknown preset "crad" for "a.jpg": ${PRESETS} card, wide, tall`],
  ["/logo.svg", "card", 'invalid key "/logo.svg": '],
  ["", "card", 'invalid key "": '],
  ["https://images.example/a.jpg", "card", "no key holds //"],
  [signedSrc("a.jpg", RIGHT), "card", 'the image service signs "a.jpg" itself: write the key'],
  ["private/a.jpg", "card", "route /private/:preset/* is signed: pass { sign }"],
])("%j at %j is a RangeError that says what to do", async (src, preset, message) => {
  const service = astroService([signed.site, open.site]);
  const result = show(service, { src, preset });
  await expect(result).rejects.toThrow(RangeError);
  await expect(result).rejects.toThrow(`Vitrine: ${message}`);
  await expect(result).rejects.not.toThrow(/AAAA|kid=/);
});

test("a signer that returns nothing is a RangeError, and no URL that does not open", async () => {
  const service = astroService([signed.site], { sign: async () => "" });
  await expect(show(service, { src: "a.jpg", preset: "card" })).rejects.toThrow(RangeError);
});
