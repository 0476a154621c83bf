// Reads pages as a browser does, and image URLs as Vitrine does.

import { images } from "./vitrine.ts";

type Attributes = Readonly<Record<string, string>>;

/** The elements of a name in a page: their attributes, by names in lower case. */
export function elements(html: string, name: string): Attributes[] {
  const tags = html.match(new RegExp(`<${name}\\b(?:"[^"]*"|[^>"])*>`, "g")) ?? [];
  return tags.map((tag) => {
    const attributes = [...tag.matchAll(/\s([\w-]+)(?:="([^"]*)")?/g)];
    return Object.fromEntries(
      attributes.map(([, key = "", value = ""]) => [key.toLowerCase(), value]),
    );
  });
}

/** The `<img>` with an alternative text. */
export function imgOf(html: string, alt: string): Attributes {
  const found = elements(html, "img").find((img) => img["alt"] === alt);
  if (!found) throw new Error(`There is no <img alt="${alt}"> in ${html}`);
  return found;
}

/** What a URL shows: `hero@640w photos/fig.jpg`. It must be spelt as the client spells it. */
export function shownBy(url = ""): string {
  const found = images.parseUrl(url);
  if (!found) throw new Error(`Vitrine shows nothing at "${url}"`);
  const { key, variant, preset } = found;
  if (!images.srcset(key, preset).split(/[ ,]/).includes(url)) {
    throw new Error(`Vitrine spells "${url}" in another way`);
  }
  return `${variant} ${key}`;
}

/** The same for each candidate of a srcset: `640w hero@640w photos/fig.jpg`. */
export function candidatesIn(srcset = ""): string[] {
  return srcset.split(/,\s+/).map((candidate) => {
    const [url, descriptor] = candidate.split(" ");
    return `${descriptor} ${shownBy(url)}`;
  });
}

/** The candidates that the preset `hero` has of an object. */
export function heroOf(key: string): string[] {
  const variants = ["640w hero@640w", "960w hero@960w", "1280w hero@1280w", "1920w hero"];
  return variants.map((variant) => `${variant} ${key}`);
}
