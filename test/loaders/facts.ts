// Written by `npx vitrine facts`.
// Do not edit it: run that again after pictures changed.
/* eslint-disable */

/** What is known of an original. */
export type Fact = {
  /** Pixels, upright. */
  readonly width: number;
  readonly height: number;
  /** `image/jpeg`. */
  readonly type: string;
  readonly bytes: number;
  /** The dominant colour, as CSS. */
  readonly color: string;
  /** The ThumbHash, in base64. */
  readonly thumbhash: string;
  /** Whether some of its pixels are transparent. */
  readonly alpha?: true;
  /** Whether it has more than one frame. */
  readonly animated?: true;
};

/** The facts of each original, by its key. */
export const facts = {
  "photos/dandelion.jpg": {
    width: 5312,
    height: 2988,
    type: "image/jpeg",
    bytes: 585917,
    color: "#151b03",
    thumbhash: "EwkSFIRodoePdnh6h3l3j3L1WA==",
  },
  "photos/fig.jpg": {
    width: 2572,
    height: 1740,
    type: "image/jpeg",
    bytes: 488833,
    color: "#a9a8a7",
    thumbhash: "WokKJYr9uJZIuoddSpaJfAF3AGAI",
  },
  "photos/friends.jpg": {
    width: 2056,
    height: 3088,
    type: "image/jpeg",
    bytes: 575004,
    color: "#c6c8cb",
    thumbhash: "YggKDQK1qz+4mWhmaYaYdnOwAyQd",
  },
  "private/friends.jpg": {
    width: 2056,
    height: 3088,
    type: "image/jpeg",
    bytes: 575004,
    color: "#c6c8cb",
    thumbhash: "YggKDQK1qz+4mWhmaYaYdnOwAyQd",
  },
  "rotated-gps.jpg": {
    width: 300,
    height: 400,
    type: "image/jpeg",
    bytes: 2106,
    color: "#c62827",
    thumbhash: "GEcCjSZ4eHB4eIeoiHhoeIiPiPeI",
  },
  "transparent.png": {
    width: 300,
    height: 300,
    type: "image/png",
    bytes: 7229,
    color: "#00897b",
    thumbhash: "VfaABQAnl/d3h4eI5wdpjHCYdyh4eHeAKA==",
    alpha: true,
  },
} as const satisfies Readonly<Record<string, Fact>>;

/** A key that has facts. */
export type FactKey = keyof typeof facts;

const all: Readonly<Record<string, Fact>> = facts;

/** The facts of a key that is known only at run time; undefined if there are none. */
export function factOf(key: string): Fact | undefined {
  return Object.hasOwn(all, key) ? all[key] : undefined;
}
