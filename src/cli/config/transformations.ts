// The transformations that the Worker asks for, and what they can cost at most (L2). Nothing is sent.

import { isPlainObject, parseJson, tableOf } from "../../worker/base/json.ts";
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
import type { Warning } from "./mistakes.ts";

/** Unique transformations a month that are free, and the US dollars for each more (L2). */
export const FREE = 5_000;
export const PRICE = 0.5 / 1_000;

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

/** What is counted of a bucket. */
type Row = {
  readonly bucket: string;
  /** Unique transformations of an object. */
  readonly each: number;
  readonly count: number;
  /** Whether `COSTS.objects` says the count. */
  readonly given: boolean;
};

/** What to print of the costs, and a warning if they may exceed the bound. */
export function describeCosts(
  config: Config,
  { objects, most }: Bounds,
): { readonly lines: readonly string[]; readonly warning?: Warning } {
  const rows = rowsOf(config, objects);
  const all = rows.reduce((sum, { each, count }) => sum + each * count, 0);
  const dollars = Math.max(0, all - FREE) * PRICE;
  const hasBinding = config.buckets.some(({ images }) => images !== undefined);
  const isOnS3 = config.buckets.some(({ r2 }) => r2 === undefined);
  const condition = hasBinding ? ", if the Images binding knows an original again" : "";
  const lines = [
    "Unique transformations that visitors can cause, all variants of all objects:",
    ...rows.map(rowText),
    `  at most ${money(dollars)} a month for transformations alone${condition} (5,000 are free, then $0.50 for 1,000)`,
    ...(hasBinding ? ["  Whether it does is not known. If not, each making counts."] : []),
    storeText(config),
    ...(isOnS3
      ? ["  The traffic and the requests that S3 bills are not in it: docs/costs.md"]
      : []),
  ];
  if (most === undefined || dollars <= most) return { lines };
  const what = `COSTS.most is ${money(most)} a month, and visitors can make it ${money(dollars)}`;
  const hasFacts = config.routes.some(({ facts }) => facts);
  const remedy = `fewer presets, fewer descriptors, presets on the routes${hasFacts ? ", or no facts" : ""}`;
  return { lines, warning: { what, remedy } };
}

/** What a store saves. It holds nothing that has an overlay by URL, which may change. */
function storeText({ store, variants }: Config): string {
  if (!store) {
    return "  They are billed again in every month. With store in [vars.ANSWERS], only what is new: docs/costs.md";
  }
  const drawn = [...variants.values()].filter(({ image }) => image.draw?.some(({ url }) => url));
  const presets = [...new Set(drawn.map(({ preset }) => preset))].join(", ");
  const rest =
    presets === "" ? "" : `, and ${presets} again, which it does not hold (overlay by URL)`;
  return `  The store holds what was made: after the first month only what is new is billed${rest}`;
}

function rowsOf(config: Config, objects: Bounds["objects"]): Row[] {
  const counted = [...transformationsOf(config)].filter(([, each]) => each > 0);
  return counted.map(([bucket, each]) => {
    const count = objects.get(bucket);
    return { bucket, each, count: count ?? SOME_OBJECTS, given: count !== undefined };
  });
}

function rowText({ bucket, each, count, given }: Row): string {
  const all = `${(each * count).toLocaleString("en")} for ${count.toLocaleString("en")} objects`;
  const hint = given ? "" : " (assumed: COSTS.objects does not name it)";
  return `  ${bucket}: ${each} for an object, ${all}${hint}`;
}

export function money(dollars: number): string {
  return `$${dollars.toLocaleString("en", { minimumFractionDigits: 2, maximumFractionDigits: 2 })}`;
}

/** A request to the edge. */
type EdgeCall = {
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
type BindingCall = {
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
