// A bug that is planted in the Worker, to see that a property finds it.

import type { Engine } from "./engines.ts";
import type { PropertyName } from "./properties.ts";

export type Bug = Edit & {
  readonly breaks: PropertyName;
  /** The engine with which it is found; undefined: "cf". */
  readonly engine?: Engine;
  /** A seed whose inputs soon find the bug. With the seed of the other bugs, it takes more than 120. */
  readonly seed?: number;
  /** For a bug in two places. */
  readonly also?: Edit;
};

/** One change of a file. */
export type Edit = {
  /** Below src/. */
  readonly file: string;
  /** A text that the file contains once, and the text that replaces it. */
  readonly from: string;
  readonly to: string;
};
