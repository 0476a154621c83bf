// What the contact sheet is told: the routes and presets as clients take them, and what lies in the
// local bucket, with the prints that there can be of it.

import type { PresetTable, RouteShape } from "../../client/types.ts";

export type Print = {
  /** Its place in `routes`. */
  readonly route: number;
  readonly preset: string;
  /** What signs it, on a signed route. */
  readonly query?: string;
};

export type Picture = {
  readonly key: string;
  readonly group: "pictures" | "own" | "hard";
  readonly bytes: number;
  /** When it was put there, if it is one's own: milliseconds since 1970. */
  readonly at?: number;
  /** `jpeg`, `png`. */
  readonly format: string;
  /** Pixels, upright. */
  readonly width: number;
  readonly height: number;
  /** One for each preset by which a route shows it. */
  readonly prints: readonly Print[];
};

export type SheetData = {
  readonly routes: readonly RouteShape[];
  /** What `npm run client` calls the client of each. */
  readonly clients: readonly string[];
  readonly presets: PresetTable;
  readonly pictures: readonly Picture[];
  /** The paths of objects that are no images. */
  readonly refused: readonly string[];
  /** True where images of one's own can be put into the bucket. */
  readonly open: boolean;
};

/** Why there is none. */
export type NoSheet = { readonly mistakes: readonly string[] };
