// Reads pages as a browser does, and image URLs as Vitrine does.

import { expect } from "vitest";
import { images } from "./vitrine.ts";

type Attributes = Readonly<Record<string, string>>;

/** Returns the attributes of all elements of a page with a name. Attribute names are in lower case. */
export function elements(html: string, name: string): Attributes[] {
  const tags = html.match(new RegExp(`<${name}\\b(?:"[^"]*"|[^>"])*>`, "g")) ?? [];
  return tags.map((tag) => {
    const attributes = [...tag.matchAll(/\s([\w-]+)(?:="([^"]*)")?/g)];
    return Object.fromEntries(
      attributes.map(([, key = "", value = ""]) => [key.toLowerCase(), value]),
    );
  });
}

export function imgOf(html: string, alt: string): Attributes {
  const img = elements(html, "img").find((img) => img["alt"] === alt);
  if (!img) throw new Error(`There is no <img alt="${alt}"> in ${html}`);
  return img;
}

/** Returns what a URL shows: `hero@640w photos/fig.jpg`. Throws if the client spells the URL differently. */
export function shownBy(url = ""): string {
  const parsed = images.parseUrl(url);
  if (!parsed) throw new Error(`Vitrine shows nothing at "${url}"`);
  const { key, variant, preset } = parsed;
  if (!images.srcset(key, preset).split(/[ ,]/).includes(url)) {
    throw new Error(`Vitrine spells "${url}" differently`);
  }
  return `${variant} ${key}`;
}

/** Returns what each candidate of a srcset shows: `640w hero@640w photos/fig.jpg`. */
export function candidatesIn(srcset = ""): string[] {
  return srcset.split(/,\s+/).map((candidate) => {
    const [url, descriptor] = candidate.split(" ");
    return `${descriptor} ${shownBy(url)}`;
  });
}

/** Expects that the first picture of a page has its place and a placeholder before it comes. */
export function expectPlaceholder(html: string): void {
  const [{ width, height, style } = {}] = elements(html, "img");
  expect([width, height]).toEqual(["1920", "2884"]);
  expect(style).toMatch(
    /\bbackground: ?url\(data:image\/png;base64,[\w+/=]+\) center \/ cover no-repeat/,
  );
}

export function heroOf(key: string): string[] {
  const variants = ["640w hero@640w", "960w hero@960w", "1280w hero@1280w", "1920w hero"];
  return variants.map((variant) => `${variant} ${key}`);
}

/** Expects all widths of the preset, true descriptors, and its smallest variant in the background. */
export function expectHeroes(html: string, keys: string[]): void {
  const heroes = elements(html, "img").map(({ srcset, src, style = "" }) => ({
    srcset: candidatesIn(srcset),
    src: shownBy(src),
    background: shownBy(/background-image: ?url\((.*?)\)/.exec(style)?.[1]),
  }));
  expect(heroes).toEqual(
    keys.map((key) => ({
      srcset: heroOf(key),
      src: `hero ${key}`,
      background: `hero@640w ${key}`,
    })),
  );
}
