// vitrine/placeholder: makes the CSS of a placeholder from a ThumbHash. It alone imports the decoder. It
// never asks the network.

import { thumbHashToDataURL } from "thumbhash";

/**
 * Returns a CSS `background`: the ThumbHash of a fact as a picture of at most 32 × 32 pixels, stretched. It is
 * up to 5.5 KiB long. It holds nothing but the decoded picture, wherever the fact comes from.
 * @throws RangeError if the ThumbHash is none
 * @example
 * images.imgProps(key, "card", { alt: "A fig", original: facts[key], placeholder: thumbHash });
 */
export function thumbHash({ thumbhash }: { readonly thumbhash: string }): string {
  return `url("${thumbHashToDataURL(bytesOf(thumbhash))}") center / cover`;
}

/** Base64 of at most 29 bytes: no ThumbHash has more. */
const BASE64 = /^(?:[A-Za-z0-9+/]{4}){0,9}(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

function bytesOf(text: string): Uint8Array {
  const fail = (reason: string) => {
    throw new RangeError(`Vitrine: the thumbhash "${`${text}`.slice(0, 40)}" ${reason}`);
  };
  if (!BASE64.test(text)) return fail("is not a ThumbHash in base64");
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  const length = lengthFor(bytes) ?? "more";
  if (bytes.length === length) return bytes;
  return fail(`has ${bytes.length} bytes, but what it describes takes ${length}`);
}

/**
 * Returns how many bytes a ThumbHash has, by its first five: these, one more if it has transparency, and half
 * a byte for each term of its channels. Undefined if a side has no term.
 */
function lengthFor([, , third = 0, fourth = 0, fifth = 0]: Uint8Array): number | undefined {
  const hasAlpha = third > 127;
  const long = hasAlpha ? 5 : 7;
  const short = fourth & 7;
  if (short === 0) return undefined;
  const sides = [long, Math.max(3, short)] as const;
  const light = fifth > 127 ? termsOf(...sides) : termsOf(sides[1], sides[0]);
  const terms = light + 2 * termsOf(3, 3) + (hasAlpha ? termsOf(5, 5) : 0);
  return (hasAlpha ? 6 : 5) + Math.ceil(terms / 2);
}

/** The terms of a channel in a triangle of this width and height, without the constant one. */
function termsOf(width: number, height: number): number {
  let terms = -1;
  for (let row = 0; row < height; row += 1) terms += Math.ceil((width * (height - row)) / height);
  return terms;
}
