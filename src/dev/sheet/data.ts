// The data of the contact sheet: routes and presets as clients take them, and the objects of the local
// bucket with their renditions.

import type { PresetTable, RouteShape } from "../../client/types.ts";

export type RenditionRef = {
  /** The index of its route in `routes`. */
  readonly route: number;
  readonly preset: string;
  /** The query that signs its URL, on a signed route. */
  readonly query?: string;
};

export type Picture = {
  readonly key: string;
  readonly group: "pictures" | "own" | "hard";
  readonly bytes: number;
  /** When the user added it, in ms since 1970. Fixtures have no time. */
  readonly at?: number;
  /** `jpeg`, `png`. */
  readonly format: string;
  /** In px, upright. */
  readonly width: number;
  readonly height: number;
  /** One for each preset with which a route shows it. */
  readonly renditions: readonly RenditionRef[];
};

export type SheetData = {
  readonly routes: readonly RouteShape[];
  /** The name of the client of each route, as `npx vitrine client` writes it. */
  readonly clients: readonly string[];
  readonly presets: PresetTable;
  readonly pictures: readonly Picture[];
  /** The paths of objects that are not images. */
  readonly refused: readonly string[];
  /** Whether the user can add images. */
  readonly open: boolean;
};

/** Why there is no contact sheet. */
export type NoSheet = { readonly mistakes: readonly string[] };
