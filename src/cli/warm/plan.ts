// Plans which requests warm a key: one for each rendition at the edge, and none twice.

import { hash as digest } from "node:crypto";
import type { Variant } from "../../worker/config/preset.ts";
import type { BoundRoute } from "../../worker/config/routes.ts";
import { edgeOptions } from "../../worker/edge/ask-edge.ts";
import { originUrl } from "../../worker/origin/object-url.ts";
import {
  acceptedFormatsOf,
  createTransformRequest,
  readAccept,
} from "../../worker/request/format.ts";
import type { Fault } from "../command.ts";
import type { OwnUrls } from "../project/own-url.ts";
import type { Project } from "../project/project.ts";
import { densityFault, pathOf, queryFor, variantsOf } from "../project/public-url.ts";
import { isImpossible, readGiven, type Wanted, withoutSignature } from "../project/wanted.ts";
import type { Impossible } from "../terminal/lines.ts";

/** The `accept` headers of three kinds of browsers, by the best format that they read. */
export const ACCEPTS = {
  avif: "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8",
  webp: "image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8",
  none: "image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5",
} as const;

export type Reads = keyof typeof ACCEPTS;

/** A request to the public URL of a variant. The name and the path have no signature. */
export type WarmRequest = {
  readonly name: string;
  readonly variant: string;
  readonly reads: Reads;
  readonly path: string;
  /** Returns the query that signs the URL; empty if the route is not signed. */
  readonly sign: (now: number) => Promise<string | Fault>;
  /** A hash of the bucket and the source URL. With `options`, it names a rendition at the edge (C1). */
  readonly source: string;
  readonly options: string;
  /** A hash of the options without the format. Cloudflare bills it once a month for each source (L2). */
  readonly unique: string;
};

export type Planner = (line: string | Impossible) => readonly WarmRequest[] | Impossible;

type Choice = {
  /** Presets with all of their variants, and single variants; undefined: all. */
  readonly presets: readonly string[] | undefined;
  /** The path of a route; undefined: the first route that leads to the key. */
  readonly route: string | undefined;
  readonly reads: readonly Reads[];
};

/** @returns a fault if no route shows what is chosen */
export function createPlanner(project: Project, own: OwnUrls, choice: Choice): Planner | Fault {
  const { routes } = project.config;
  const named = routes.filter(({ path }) => choice.route === undefined || path === choice.route);
  if (named.length === 0) {
    const paths = routes.map(({ path }) => path).join(", ");
    return { fault: `there is no route ${choice.route}. Known: ${paths}` };
  }
  const plans = named.map((route) => ({ route, variants: shownBy(project, route, choice) }));
  for (const preset of choice.presets ?? []) {
    if (plans.some(({ variants }) => variants.some(({ by }) => by.includes(preset)))) continue;
    const all = new Set(named.flatMap((route) => variantsOf(project, route)));
    const why = densityFault(preset);
    const what = `no preset or variant ${preset} is shown${why === undefined ? "" : `: ${why}`}`;
    return { fault: `${what}. Known: ${[...all].join(", ")}` };
  }
  return (line) => {
    const wanted = readGiven(project, own, line, (name) => name);
    if (isImpossible(wanted)) return wanted;
    for (const { route, variants } of plans) {
      if (wanted.bucket !== route.bucket) continue;
      if (wanted.version !== undefined && route.signing === undefined) continue;
      const requests = requestsFor(project, wanted, route, variants);
      if (requests.length > 0) return requests;
    }
    return { given: wanted.given, reason: "no route leads to it and shows what is chosen" };
  };
}

type Shown = {
  readonly variant: string;
  readonly preset: string;
  /** The chosen presets and variants that it belongs to. */
  readonly by: readonly string[];
  /** What the Worker asks of the edge for it. */
  readonly renditions: readonly Pick<WarmRequest, "options" | "unique" | "reads">[];
};

function shownBy(project: Project, route: BoundRoute, { presets, reads }: Choice): Shown[] {
  return variantsOf(project, route).flatMap((name) => {
    const variant = project.config.variants.get(name);
    if (variant === undefined) return [];
    const by = (presets ?? []).filter((one) => one === name || one === variant.preset);
    if (presets !== undefined && by.length === 0) return [];
    const renditions = reads.map((one) => hashOptions(variant, one, route.svg));
    return [{ variant: name, preset: variant.preset, by, renditions }];
  });
}

function hashOptions(variant: Variant, reads: Reads, svg: boolean) {
  const formats = acceptedFormatsOf(variant, readAccept(ACCEPTS[reads]), svg);
  const { format, ...unique } = edgeOptions(createTransformRequest(variant, formats));
  const sorted = JSON.stringify(Object.entries(unique).sort());
  return { reads, unique: hash(sorted, 8), options: hash(`${sorted} ${format}`, 8) };
}

/** How long the URLs of signed routes are valid: seconds. */
const EXPIRY_S = 3_600;

function requestsFor(
  project: Project,
  { key, version }: Wanted,
  route: BoundRoute,
  variants: readonly Shown[],
): WarmRequest[] {
  const { bucket, signing } = route;
  // Two buckets of wrangler.toml can be one at S3, and their routes may show different things.
  const source = hash(`${bucket.name} ${originUrl(bucket.base, bucket.prefix + key)}`, 22);
  const name = withoutSignature(key);
  const requests = new Map<string, WarmRequest>();
  for (const { variant, preset, renditions } of variants) {
    const path = pathOf(project, route, variant, key);
    if (path === undefined) continue;
    const sign = async (now: number) => {
      if (signing === undefined) return "";
      const expires = Math.floor(now / 1000) + Math.min(EXPIRY_S, signing.maxAge);
      return queryFor(project, route, { preset, key, expires, version });
    };
    for (const rendition of renditions) {
      // Skip the same rendition under another name, or for another browser.
      if (requests.has(rendition.options)) continue;
      requests.set(rendition.options, { name, variant, path, sign, source, ...rendition });
    }
  }
  return [...requests.values()];
}

/** @param length of the hash, in characters of 6 bits */
function hash(text: string, length: number): string {
  return digest("sha256", text, "base64url").slice(0, length);
}
