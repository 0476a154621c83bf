// vitrine/placeholder: makes the CSS of a placeholder from a ThumbHash. Only it imports the decoder. It sends nothing.

import { rgbaToDataURL, thumbHashToRGBA } from "thumbhash";

/**
 * Returns a CSS `background`: the ThumbHash of a fact as a picture of at most 16 × 16 pixels, stretched. It is
 * up to 1.7 kB long. It holds nothing but the decoded picture, wherever the fact comes from, and no quotes.
 * @throws RangeError if the ThumbHash is invalid, or if there is none
 * @example
 * images.imgProps(key, "card", { alt: "A fig", original: facts[key], placeholder: thumbHash });
 */
export function thumbHash({ thumbhash }: { readonly thumbhash?: string | undefined }): string {
  return `url(${toDataURL(thumbHashToRGBA(bytesOf(`${thumbhash}`)))}) center / cover`;
}

/** The decoder makes four times the pixels that a ThumbHash describes: each square of 2 × 2 becomes its mean. */
function toDataURL({ w, h, rgba }: ReturnType<typeof thumbHashToRGBA>): string {
  const [width, height] = [Math.ceil(w / 2), Math.ceil(h / 2)];
  const byteAt = (x: number, y: number, channel: number) =>
    rgba[(Math.min(y, h - 1) * w + Math.min(x, w - 1)) * 4 + channel] ?? 0;
  const bytes = Array.from({ length: width * height * 4 }, (_, at) => {
    const x = 2 * (Math.floor(at / 4) % width);
    const y = 2 * Math.floor(at / 4 / width);
    const square = [byteAt(x, y, at % 4), byteAt(x + 1, y, at % 4)];
    square.push(byteAt(x, y + 1, at % 4), byteAt(x + 1, y + 1, at % 4));
    return square.reduce((sum, byte) => sum + byte) / 4;
  });
  return rgbaToDataURL(width, height, bytes);
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
 * Returns how many bytes a ThumbHash has, by its third and fourth: five, one more if it has transparency, and half a
 * byte for each term of its channels (https://evanw.github.io/thumbhash). Undefined if a side has no term.
 */
function lengthFor([, , third = 0, fourth = 0]: Uint8Array): number | undefined {
  const hasAlpha = third > 127;
  const shortSide = fourth & 7;
  if (shortSide === 0) return undefined;
  const lightness = termsOf(hasAlpha ? 5 : 7, Math.max(3, shortSide));
  const terms = lightness + 2 * termsOf(3, 3) + (hasAlpha ? termsOf(5, 5) : 0);
  return (hasAlpha ? 6 : 5) + Math.ceil(terms / 2);
}

/** The terms of a channel, without the constant one: a triangle of this width and height, either way round. */
function termsOf(width: number, height: number): number {
  let terms = -1;
  for (let row = 0; row < height; row += 1) terms += Math.ceil((width * (height - row)) / height);
  return terms;
}
