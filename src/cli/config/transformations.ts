// The transformations that the Worker asks for, and what they can cost at most (L2). Nothing is sent.

import { isPlainObject, parseJson } from "../../worker/base/json.ts";
import type { Config } from "../../worker/config/config.ts";
import type { Variant } from "../../worker/config/preset.ts";
import {
  integer,
  numberBetween,
  optional,
  type Report,
  type Schema,
  table,
  type Vars,
} from "../../worker/config/schema.ts";
import { edgeOptions, factsOptions } from "../../worker/edge/ask-edge.ts";
import { outputOptions, overlayOptions, transformOptions } from "../../worker/images/options.ts";
import {
  acceptedFormatsOf,
  createTransformRequest,
  type Readable,
} from "../../worker/request/format.ts";
import { tableOf } from "./environment-config.ts";
import type { Warning } from "./mistakes.ts";

/** Unique transformations a month that are free, and the US dollars for each more (L2). */
export const FREE = 5_000;
export const PRICE = 0.5 / 1_000;

/** Requests to the Worker a month that Workers Paid includes, and the US dollars for each more (W12). */
export const FREE_REQUESTS = 10_000_000;
export const REQUEST_PRICE = 0.3 / 1_000_000;

/** How many objects a bucket is assumed to have. */
const SOME_OBJECTS = 10_000;

/** `COSTS` in wrangler.toml. */
export type Bounds = {
  /** About how many objects each bucket shows. */
  readonly objects: ReadonlyMap<string, number>;
  /** US dollars a month that all buckets together may cost; undefined: no bound. */
  readonly most: number | undefined;
};

/** Reads `COSTS`, which the Worker does not use. */
export function readBounds(vars: Vars, report: Report): Bounds {
  const buckets = tableOf(vars["BUCKETS"]);
  const schema = table({
    most: optional(numberBetween(0, 1e9)),
    objects: optional(countsOf(buckets)),
  });
  const { most, objects } = schema(parseJson(vars["COSTS"] ?? {}), "COSTS", report) ?? {};
  return { most, objects: objects ?? new Map() };
}

/** Numbers of objects, by the names of buckets. */
function countsOf(buckets: Vars): Schema<Map<string, number>> {
  const count = integer(1, 1e12);
  return (value, path, report) => {
    const counts = new Map<string, number>();
    if (!isPlainObject(value)) report(path, "is not a table");
    for (const [name, entry] of isPlainObject(value) ? Object.entries(value) : []) {
      const at = `${path}.${name}`;
      if (!Object.hasOwn(buckets, name)) report(at, `"${name}" is not in BUCKETS`);
      else counts.set(name, count(entry, at, report) ?? 0);
    }
    return counts;
  };
}

/** How many unique transformations one object of each bucket can cause. */
export function transformationsOf({ buckets, routes, variants }: Config): Map<string, number> {
  return new Map(
    buckets.map((bucket) => {
      const leading = routes.filter((route) => route.bucket === bucket);
      const unique = new Set<string>();
      for (const variant of variants.values()) {
        const showing = leading.filter(({ presets }) => presets?.has(variant.preset) ?? true);
        if (showing.length === 0) continue;
        const facts = showing.some((route) => route.facts);
        const hasEdge = bucket.engine === "cf";
        for (const options of uniqueOptions(variant, facts, hasEdge)) unique.add(options);
      }
      return [bucket.name, unique.size];
    }),
  );
}

/**
 * The sets of options of a variant, each as a text. Each counts once for an object, whatever the format.
 * With `anim`, a still image is another one (O8), and so is one without `quality` (O5). On a route with
 * `facts`, they may be one more (R9). The Images binding tells them for nothing.
 * @param hasEdge whether the image edge makes it
 */
export function uniqueOptions(variant: Variant, hasFacts: boolean, hasEdge: boolean): string[] {
  const facts = hasEdge && hasFacts ? [factsOptions(createTransformRequest(variant, "facts"))] : [];
  const formats = variant.format === "auto" ? (["webp", "plain"] as const) : (["own"] as const);
  const images = formats.flatMap((one) =>
    (["image/gif", "image/png"] as const).map((original) =>
      edgeOptions(createTransformRequest(variant, one, original)),
    ),
  );
  return [...new Set([...facts, ...images].map(billedAs))];
}

/** Options that are billed once have one text. Facts may be billed apart from their rendition (R9). */
export function billedAs({ format, ...options }: RequestInitCfPropertiesImage): string {
  return JSON.stringify([Object.entries(options).sort(), format === "json"]);
}

const STORED = "  The store holds what was made: after the first month only what is new is billed";
const NOT_STORED =
  "  They are billed again in every month. With store in [vars.ANSWERS], only what is new: docs/costs.md";

type Row = {
  readonly bucket: string;
  /** Unique transformations of an object. */
  readonly each: number;
  /** How many of them only routes with `facts = true` cause. */
  readonly facts: number;
  readonly count: number;
  /** Whether `COSTS.objects` says the count. */
  readonly given: boolean;
};

/** What to print of the costs, and a warning if they may exceed the bound. */
export function tellCosts(
  config: Config,
  { objects, most }: Bounds,
): { lines: string[]; warning?: Warning } {
  const rows = rowsOf(config, objects);
  const dollars = dollarsOf(rows, ({ each }) => each);
  const lines = rows.map(rowText);
  lines.unshift("Unique transformations that visitors can cause, all variants of all objects:");
  const isBound = config.buckets.some(({ images }) => images !== undefined);
  const bound = isBound ? ", if the Images binding knows an original again" : "";
  lines.push(
    `  at most ${money(dollars)} a month for transformations alone${bound} (5,000 are free, then $0.50 for 1,000)`,
  );
  if (isBound) {
    lines.push("  Whether it does is not known. If not, each making counts.");
  }
  lines.push(config.store ? STORED : NOT_STORED, requestsText(config.answers.keep));
  if (config.buckets.some(({ r2 }) => r2 === undefined)) {
    lines.push("  The traffic and the requests that S3 bills are not in it: docs/costs.md");
  }
  if (most === undefined || dollars <= most) return { lines };
  const what = `COSTS.most is ${money(most)} a month, and visitors can make it ${money(dollars)}`;
  const byFacts = dollars - dollarsOf(rows, ({ each, facts }) => each - facts);
  if (byFacts === 0) {
    const remedy = "fewer presets, fewer descriptors, or presets on the routes";
    return { lines, warning: { what, remedy } };
  }
  const part = `${money(byFacts)} of it by facts = true, if Cloudflare bills facts`;
  const remedy = "fewer presets, fewer descriptors, presets on the routes, or no facts";
  return { lines, warning: { what: `${what} (${part})`, remedy } };
}

/** W12: with the cache, the gateway and Renditions are billed each, with a hit or without. */
function requestsText(keep: number): string {
  const each = keep === 0 ? 1 : 2;
  const counted = each === 1 ? "1 request to the Worker, as keep is 0" : "2 requests to the Worker";
  const pictures = `${FREE_REQUESTS / each / 1e6} million pictures a month`;
  return `  A picture is ${counted}: ${pictures} are in Workers Paid, then ${money(each * REQUEST_PRICE * 1e6)} a million`;
}

function rowsOf(config: Config, objects: Bounds["objects"]): Row[] {
  const routes = config.routes.map((route) => ({ ...route, facts: false }));
  const withoutFacts = transformationsOf({ ...config, routes });
  const counted = [...transformationsOf(config)].filter(([, each]) => each > 0);
  return counted.map(([bucket, each]) => {
    const facts = each - (withoutFacts.get(bucket) ?? 0);
    const count = objects.get(bucket);
    return { bucket, each, facts, count: count ?? SOME_OBJECTS, given: count !== undefined };
  });
}

function rowText({ bucket, each, facts, count, given }: Row): string {
  const part = facts > 0 ? ` (${facts} of them by facts = true)` : "";
  const all = `${(each * count).toLocaleString("en")} for ${count.toLocaleString("en")} objects`;
  const hint = given ? "" : " (assumed: COSTS.objects does not name it)";
  return `  ${bucket}: ${each} for an object${part}, ${all}${hint}`;
}

/** @param each how many transformations of an object count */
function dollarsOf(rows: readonly Row[], each: (row: Row) => number): number {
  const all = rows.reduce((sum, row) => sum + each(row) * row.count, 0);
  return Math.max(0, all - FREE) * PRICE;
}

export function money(dollars: number): string {
  return `$${dollars.toLocaleString("en", { minimumFractionDigits: 2, maximumFractionDigits: 2 })}`;
}

/** A request to the edge. */
export type EdgeCall = {
  /** The originals for which it is sent, where it is not sent for all. */
  readonly when?: string;
  readonly image: RequestInitCfPropertiesImage;
};

/** Originals for which the edge may be asked in different ways. */
const ORIGINALS = [
  ["a GIF", "image/gif"],
  ["a JPEG", "image/jpeg"],
  ["another original", "image/png"],
] as const;

/**
 * @param readable the formats that the browser reads
 * @param svg whether the route shows SVGs
 */
export function edgeCalls(variant: Variant, readable: Readable, svg: boolean): EdgeCall[] {
  const formats = acceptedFormatsOf(variant, readable, svg);
  const calls = new Map<string, { image: RequestInitCfPropertiesImage; of: string[] }>();
  for (const [name, original] of ORIGINALS) {
    const image = edgeOptions(createTransformRequest(variant, formats, original));
    const text = JSON.stringify(image);
    calls.set(text, { image, of: [...(calls.get(text)?.of ?? []), name] });
  }
  const all = [...calls.values()];
  return all.map(({ image, of }) =>
    all.length === 1 ? { image } : { when: `of ${of.join(" or ")}`, image },
  );
}

/** The calls of the binding for a browser that reads some formats. */
export type BindingCall = {
  readonly reads: string;
  /** The original that it is asked for: the output depends on it. */
  readonly of: "a GIF" | "a JPEG";
  readonly transform: object;
  /** The objects that are drawn on it. */
  readonly draw?: readonly Readonly<Record<string, unknown>>[];
  readonly output: object;
};

export function bindingCalls(
  reads: string,
  variant: Variant,
  readable: Readable,
): readonly BindingCall[] {
  const formats = acceptedFormatsOf(variant, readable, false);
  const draw = (variant.image.draw ?? []).map((overlay) => {
    const { shape, draw } = overlayOptions(overlay);
    return { key: overlay.key, transform: shape, ...draw };
  });
  const call = (of: BindingCall["of"]): BindingCall => {
    const type = of === "a GIF" ? "image/gif" : "image/jpeg";
    const request = createTransformRequest(variant, formats, type);
    return {
      ...{ reads, of, transform: transformOptions(variant) },
      ...(draw.length > 0 && { draw }),
      output: outputOptions(request, { type, body: { head: new Uint8Array() } }),
    };
  };
  const moving = createTransformRequest(variant, formats, "image/gif");
  return moving.still ? [call("a JPEG")] : [call("a GIF"), call("a JPEG")];
}
