// vitrine/placeholder: makes the CSS of a placeholder from a ThumbHash. Only this entry of the package holds the decoder.
// A ThumbHash is at most 29 bytes that describe a small blurred picture: https://evanw.github.io/thumbhash. It may come
// from anywhere, so anything else is an error, and never gets into the CSS.

import { rgbaToDataURL, thumbHashToRGBA } from "thumbhash";

/**
 * What `thumbHash` reads of a fact. `alpha` is here for the compiler alone: with this field, the compiler takes the fact of
 * an SVG, which has an `alpha` but no ThumbHash. It refuses a fact that has neither of the two.
 */
type HashedOriginal = {
  readonly thumbhash?: string | undefined;
  /** `imgProps` asks for no placeholder of an original with transparency. */
  readonly alpha?: boolean | undefined;
};

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
 * // 1300
 */
export function thumbHash({ thumbhash }: HashedOriginal): string {
  const bytes = bytesOf(`${thumbhash}`); // `bytesOf` refuses the text "undefined" of a missing one
  const url = toDataUrl(thumbHashToRGBA(bytes));

  // Without `no-repeat`, Chromium blends each edge with the opposite one where a side is no whole number of pixels.
  return `url(${url}) center / cover no-repeat`;
}

/**
 * Base64 of at most 29 bytes, the longest ThumbHash:
 * - `(?:[A-Za-z0-9+/]{4}){0,9}`: up to nine groups of four characters, each for 3 bytes
 * - `[A-Za-z0-9+/]{2}==`: one byte more at the end
 * - `[A-Za-z0-9+/]{3}=`: or two bytes more, so that 9 groups and this end are 29 bytes
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
    // Without an expected length, the bytes describe a picture without terms. Each picture has terms, so a ThumbHash needs
    // more bytes.
    const length = expectedLength ?? "more";
    throw new RangeError(
      `Vitrine: the thumbhash ${quoted} has ${bytes.length} bytes, but what it describes takes ${length}`,
    );
  }

  return bytes;
}

/**
 * Returns how many bytes a ThumbHash has, as its third and fourth byte say. It begins with a head of 5 or 6 bytes.
 * Then come the channels: a lightness, two colours, perhaps alpha. A channel is a list of terms, numbers of half a byte.
 * @returns undefined if the lightness has no terms: no picture is like that
 */
function lengthFor(bytes: Uint8Array): number | undefined {
  const [, , third = 0, fourth = 0] = bytes;

  // The lightness has one number of terms for the short side of the picture, and one for its long side. The number for
  // the short side is in the three lowest bits of the fourth byte. If it is below 3, it counts as 3.
  const shortSide = fourth & 7;
  if (shortSide === 0) return undefined;

  // The highest bit of the third byte says whether there is an alpha. The number for the long side depends on it.
  const hasAlpha = third > 127;
  const longSide = hasAlpha ? 5 : 7;

  let terms = termsOf(longSide, Math.max(3, shortSide)); // the lightness
  terms += 2 * termsOf(3, 3); // the two colours
  if (hasAlpha) terms += termsOf(5, 5); // the alpha

  const headLength = hasAlpha ? 6 : 5;
  return headLength + Math.ceil(terms / 2);
}

/**
 * Returns how many terms a channel has in the list: those of a table of `width` × `height` that are above its diagonal.
 * @example
 * // In a table of 3 × 3, these six are above the diagonal. The first of them is in the head, so termsOf(3, 3) is 5.
 * // * * *
 * // * *
 * // *
 */
function termsOf(width: number, height: number): number {
  let aboveDiagonal = 0;
  for (let row = 0; row < height; row += 1) {
    for (let column = 0; column < width; column += 1) {
      // This is column / width + row / height < 1, without fractions.
      const isAbove = column * height + row * width < width * height;
      if (isAbove) aboveDiagonal += 1;
    }
  }

  return aboveDiagonal - 1;
}

/** A decoded picture: `w` and `h` are its sides in pixels, and `rgba` has four bytes a pixel, row by row. */
type DecodedPicture = ReturnType<typeof thumbHashToRGBA>;

/**
 * Returns a picture as a `data:` URL, at half of its width and height: each square of 2 × 2 pixels becomes one, their
 * mean. The decoder makes up to 32 × 32 pixels, but a ThumbHash has no details that would need so many.
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
  return rgba[(row * w + column) * 4 + channel] ?? 0; // the 0 is for the compiler alone
}
