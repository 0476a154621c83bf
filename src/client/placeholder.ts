// vitrine/placeholder: makes the CSS of a placeholder from a ThumbHash. Only this entry of the package holds the decoder.
// A ThumbHash is at most 29 bytes that describe a small blurred picture: https://evanw.github.io/thumbhash. It may come
// from anywhere, so anything else is an error, and never gets into the CSS.

import { rgbaToDataURL, thumbHashToRGBA } from "thumbhash";

/**
 * Returns a CSS `background`: the ThumbHash of an original as a picture of at most 16 × 16 pixels, stretched. It is
 * up to 1.7 kB long. It holds nothing but the decoded picture, and no quotes.
 * @throws RangeError if the ThumbHash is invalid, or if there is none
 * @example
 * const fact = { width: 300, height: 200, thumbhash: "1QcSHQRnh493V4dIh4eXh1h4kJUI" };
 * thumbHash(fact).slice(0, 40);
 * // "url(data:image/png;base64,iVBORw0KGgoAAA"
 *
 * images.imgProps("photos/fig.jpg", "card", { alt: "A fig", original: fact, placeholder: thumbHash }).style.length;
 * // 1290
 */
export function thumbHash({ thumbhash }: { readonly thumbhash?: string | undefined }): string {
  const bytes = bytesOf(`${thumbhash}`); // `bytesOf` refuses the text "undefined" of a missing one
  const url = toDataUrl(thumbHashToRGBA(bytes));
  return `url(${url}) center / cover`;
}

/**
 * Base64 of at most 29 bytes, which the longest ThumbHash has: nine groups of four characters are 27 bytes, and the
 * end adds one byte (`==`) or two (`=`).
 */
const BASE64 = /^(?:[A-Za-z0-9+/]{4}){0,9}(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** Returns the bytes of a ThumbHash. @throws RangeError if the text is not one */
function bytesOf(text: string): Uint8Array {
  const quoted = `"${text.slice(0, 40)}"`;
  if (!BASE64.test(text)) {
    throw new RangeError(`Vitrine: the thumbhash ${quoted} is not a ThumbHash in base64`);
  }

  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  const expectedLength = lengthFor(bytes);
  if (bytes.length !== expectedLength) {
    const length = expectedLength ?? "more"; // the bytes describe no picture: each one has more terms
    throw new RangeError(
      `Vitrine: the thumbhash ${quoted} has ${bytes.length} bytes, but what it describes takes ${length}`,
    );
  }

  return bytes;
}

/**
 * Returns how many bytes a ThumbHash has, as its third and fourth byte say. After a head come the channels: a
 * lightness, two colours, perhaps alpha. A channel is a list of terms, each a number of half a byte.
 * @returns undefined if the lightness has no terms: no picture is like that
 */
function lengthFor(bytes: Uint8Array): number | undefined {
  const [, , third = 0, fourth = 0] = bytes;

  // The three lowest bits of the fourth byte say how many terms the lightness has along the short side of the picture.
  const shortSide = fourth & 7;
  if (shortSide === 0) return undefined;

  // The highest bit of the third byte says whether there is an alpha. The lightness then has fewer on the long side.
  const hasAlpha = third > 127;
  const longSide = hasAlpha ? 5 : 7;

  let terms = termsOf(longSide, Math.max(3, shortSide)); // the lightness has at least 3 along each side
  terms += 2 * termsOf(3, 3); // the two colours
  if (hasAlpha) terms += termsOf(5, 5); // the alpha

  const headLength = hasAlpha ? 6 : 5;
  return headLength + Math.ceil(terms / 2);
}

/**
 * Returns how many terms a channel has: those in a table of `width` × `height` that are above its diagonal, with
 * column / width + row / height < 1.
 */
function termsOf(width: number, height: number): number {
  let terms = -1; // the first term, column 0 in row 0, is in the head
  for (let row = 0; row < height; row += 1) {
    terms += Math.ceil((width * (height - row)) / height);
  }

  return terms;
}

/** A decoded picture: `w` and `h` are its sides in pixels, and `rgba` has four bytes a pixel, row by row. */
type DecodedPicture = ReturnType<typeof thumbHashToRGBA>;

/**
 * Returns a picture as a `data:` URL, at half of its width and height. The decoder makes four times the pixels that a
 * ThumbHash describes: each square of 2 × 2 becomes its mean.
 */
function toDataUrl(picture: DecodedPicture): string {
  const width = Math.ceil(picture.w / 2);
  const height = Math.ceil(picture.h / 2);

  const bytes: number[] = [];
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      for (let channel = 0; channel < 4; channel += 1) {
        bytes.push(meanOfSquare(picture, 2 * x, 2 * y, channel));
      }
    }
  }

  return rgbaToDataURL(width, height, bytes);
}

/** Returns the mean of one channel over the 2 × 2 pixels whose upper left one is at `x` and `y`. */
function meanOfSquare(picture: DecodedPicture, x: number, y: number, channel: number): number {
  const upper = byteAt(picture, x, y, channel) + byteAt(picture, x + 1, y, channel);
  const lower = byteAt(picture, x, y + 1, channel) + byteAt(picture, x + 1, y + 1, channel);
  return (upper + lower) / 4;
}

/** Returns one channel of a pixel. Beyond the right or the lower edge, it is the pixel at the edge. */
function byteAt({ w, h, rgba }: DecodedPicture, x: number, y: number, channel: number): number {
  const column = Math.min(x, w - 1);
  const row = Math.min(y, h - 1);
  return rgba[(row * w + column) * 4 + channel] ?? 0;
}
