// What vitrine warm asks for: every request that is another one at the edge, and no more.

import { createHash } from "node:crypto";
import type { Variant } from "../../worker/config/preset.ts";
import type { BoundRoute } from "../../worker/config/routes.ts";
import { edgeOptions } from "../../worker/edge/ask-edge.ts";
import { chooseFormat, readAccept } from "../../worker/request/format.ts";
import { originUrl } from "../../worker/s3/object-url.ts";
import type { Fault } from "../command.ts";
import type { Operator } from "../project/operator.ts";
import { pathOf, variantsOf } from "../project/public-url.ts";
import type { Wanted } from "../project/wanted.ts";
import type { Impossible } from "../terminal/lines.ts";

/** What browsers of three kinds send, by the best that they read. */
export const ACCEPTS = {
  avif: "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8",
  webp: "image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8",
  none: "image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5",
} as const;

export type Reads = keyof typeof ACCEPTS;

/** One request to the public URL of a variant. */
export type Ask = {
  readonly key: string;
  readonly route: BoundRoute;
  readonly variant: string;
  readonly preset: string;
  readonly version: string | undefined;
  readonly reads: Reads;
  /** Of the public URL, without a signature. */
  readonly path: string;
  /** What is the same at the edge (C1), hashed: the bucket with the source URL, and the options. */
  readonly source: string;
  readonly options: string;
  /** The options without the format: what is billed for a source, once a month (L2). */
  readonly unique: string;
};

/** One that is to be sent, as one of so many for its source. */
export type Due = Ask & { readonly of: number };

export type Choice = {
  /** Presets, each with all of its variants, and single variants; undefined: all. */
  readonly presets: readonly string[] | undefined;
  /** The path of a route; undefined: the first one that leads to the key. */
  readonly route: string | undefined;
  readonly reads: readonly Reads[];
};

export type Planner = (wanted: Wanted) => readonly Ask[] | Impossible;

/** @returns what gives the requests for a key, or a fault where nothing is shown as it is chosen */
export function createPlanner(operator: Operator, choice: Choice): Planner | Fault {
  const { routes } = operator.config;
  const named = routes.filter(({ path }) => choice.route === undefined || path === choice.route);
  if (named.length === 0) {
    const paths = routes.map(({ path }) => path).join(", ");
    return { fault: `there is no route ${choice.route}: there are ${paths}` };
  }
  const plans = named.map((route) => ({ route, variants: shownBy(operator, route, choice) }));
  for (const preset of choice.presets ?? []) {
    if (plans.some(({ variants }) => variants.some(({ by }) => by.includes(preset)))) continue;
    const all = new Set(named.flatMap((route) => variantsOf(operator, route)));
    return { fault: `no preset or variant ${preset} is shown: there are ${[...all].join(", ")}` };
  }
  return (wanted) => {
    for (const { route, variants } of plans) {
      if (wanted.bucket !== undefined && wanted.bucket !== route.bucket) continue;
      if (wanted.version !== undefined && route.signing === undefined) continue;
      const asks = asksOf(operator, wanted, route, variants);
      if (asks.length > 0) return asks;
    }
    return { given: wanted.given, reason: "no route leads to it, with what is to be shown" };
  };
}

type Shown = {
  readonly variant: string;
  readonly preset: string;
  /** Those of the chosen presets and variants that it is of. */
  readonly by: readonly string[];
  /** What is asked of the edge, hashed: with the format, and without. */
  readonly requests: readonly {
    readonly reads: Reads;
    readonly options: string;
    readonly unique: string;
  }[];
};

function shownBy(operator: Operator, route: BoundRoute, { presets, reads }: Choice): Shown[] {
  return variantsOf(operator, route).flatMap((name) => {
    const variant = operator.config.variants.get(name);
    if (variant === undefined) return [];
    const by = (presets ?? []).filter((one) => one === name || one === variant.preset);
    if (presets !== undefined && by.length === 0) return [];
    const requests = reads.map((one) => ({ reads: one, ...optionsOf(variant, one, route.svg) }));
    return [{ variant: name, preset: variant.preset, by, requests }];
  });
}

/** As the Worker asks for it. */
function optionsOf(variant: Variant, reads: Reads, svg: boolean) {
  const asked = chooseFormat(variant, readAccept(ACCEPTS[reads]), svg);
  const { format, ...unique } = edgeOptions(asked);
  const sorted = JSON.stringify(Object.entries(unique).sort());
  return { unique: hash(sorted, 8), options: hash(`${sorted} ${format}`, 8) };
}

function asksOf(
  operator: Operator,
  { key, version }: Wanted,
  route: BoundRoute,
  variants: readonly Shown[],
): Ask[] {
  const { name, base, prefix } = route.bucket;
  // Two buckets of wrangler.toml may be one at S3, and their routes not show the same.
  const source = hash(`${name} ${originUrl(base, prefix + key, version)}`, 22);
  const asks = new Map<string, Ask>();
  for (const { variant, preset, requests } of variants) {
    const path = pathOf(operator, route, variant, key);
    if (path === undefined) continue;
    for (const { reads, options, unique } of requests) {
      if (asks.has(options)) continue; // the same variant by another name, or for another browser
      const shown = { key, route, variant, preset, version, reads, path };
      asks.set(options, { ...shown, source, options, unique });
    }
  }
  return [...asks.values()];
}

/** So many characters of it, of 6 bits each. */
function hash(text: string, length: number): string {
  return createHash("sha256").update(text).digest("base64url").slice(0, length);
}
