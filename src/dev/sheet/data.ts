// The data of the contact sheet: routes and presets as clients take them, and the objects of the local
// bucket with their renditions.

import type { PresetTable, RouteShape } from "../../client/types.ts";

export type RenditionRef = {
  /** The index of its route in `routes`. */
  readonly route: number;
  readonly preset: string;
  /** Whether its route is signed. */
  readonly signed: boolean;
  /** The query that signs its URL, on a signed route; else one that makes the browser load again what changed. */
  readonly query?: string;
};

/** The formats besides JPEG and PNG that a browser reads. */
export type BrowserReads = "avif.webp" | "avif" | "webp" | "plain";

/**
 * A request to the edge: `cf.image` as the Worker sends it, or the calls of the Images binding as code; and
 * when, if there is more than one.
 */
export type Call = { readonly when?: string } & (
  | { readonly image: object }
  | { readonly binding: string }
);

/** What the edge is asked, by preset, by variant, by what the browser reads. */
export type EdgeTable = Readonly<
  Record<string, Readonly<Record<string, Readonly<Record<BrowserReads, readonly Call[]>>>>>
>;

/** Unique transformations that an object can cause: by preset, and all. Those with equal options are one. */
export type Costs = {
  readonly presets: Readonly<Record<string, number>>;
  readonly all: number;
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
  readonly costs: Costs;
};

export type SheetData = {
  readonly routes: readonly RouteShape[];
  /** The name of the client of each route, as `npx vitrine client` writes it. */
  readonly clients: readonly string[];
  /** What the edge is asked, by the index of the route. */
  readonly asked: readonly EdgeTable[];
  /** How many unique transformations a month are free. */
  readonly free: number;
  readonly presets: PresetTable;
  readonly pictures: readonly Picture[];
  /** The paths of objects that are not images. */
  readonly refused: readonly string[];
  /** Whether the user can add images. */
  readonly open: boolean;
};

/** What the page shows. */
export type SheetAnswer = {
  /** It changes with anything below, except the queries that sign. */
  readonly tag: string;
  /** The mistakes in the configuration as it is written. */
  readonly mistakes: readonly string[];
  /** What the Worker shows that runs. undefined: it was started with mistakes, and shows nothing. */
  readonly sheet?: SheetData;
};
