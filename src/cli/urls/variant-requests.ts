// The requests that show an object as visitors see it: one for each rendition, and none twice.

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
import type { Project } from "../config/project.ts";
import type { OwnUrls } from "../config/site-url.ts";
import { ACCEPTS, type Reads } from "../http/ask-picture.ts";
import type { Impossible } from "../terminal/lines.ts";
import { densityFault, pathOf, queryFor, variantsOf } from "./public-url.ts";
import { isImpossible, readGiven, type Wanted, withoutSignature } from "./wanted.ts";

/** A request to the public URL of a variant. The name and the path have no signature. */
export type VariantRequest = {
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

/** No path is empty. */
export const ALL_ROUTES = "";

export type Planner = (line: string | Impossible) => readonly VariantRequest[] | Impossible;

type Choice = {
  /** Presets with all of their variants, and single variants; undefined: all. */
  readonly presets: readonly string[] | undefined;
  /** The path of a route; `ALL_ROUTES`; undefined: the first route that leads to the key. */
  readonly route: string | undefined;
  readonly reads: readonly Reads[];
};

/** @returns a fault if no route shows what is chosen */
export function createPlanner(project: Project, own: OwnUrls, choice: Choice): Planner | Fault {
  const { routes } = project.config;
  const named = routes.filter(
    ({ path }) =>
      choice.route === undefined || choice.route === ALL_ROUTES || path === choice.route,
  );
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
    const requests = new Map<string, VariantRequest>();
    for (const { route, variants } of plans) {
      if (wanted.bucket !== route.bucket) continue;
      if (wanted.version !== undefined && route.signing === undefined) continue;
      for (const request of requestsFor(project, wanted, route, variants)) {
        // Skip the same rendition under another name or route, or for another browser.
        if (!requests.has(request.options)) requests.set(request.options, request);
      }
      if (requests.size > 0 && choice.route !== ALL_ROUTES) break;
    }
    if (requests.size > 0) return [...requests.values()];
    return { given: wanted.given, reason: "no route leads to it and shows what is chosen" };
  };
}

type Shown = {
  readonly variant: string;
  readonly preset: string;
  /** The chosen presets and variants that it belongs to. */
  readonly by: readonly string[];
  /** What the Worker asks of the edge for it. */
  readonly renditions: readonly Pick<VariantRequest, "options" | "unique" | "reads">[];
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
): VariantRequest[] {
  const { bucket, signing } = route;
  // Two buckets of wrangler.toml can be one at S3, and their routes may show different things.
  const source = hash(`${bucket.name} ${originUrl(bucket.base, bucket.prefix + key)}`, 22);
  const name = withoutSignature(key);
  return variants.flatMap(({ variant, preset, renditions }) => {
    const path = pathOf(project, route, variant, key);
    if (path === undefined) return [];
    const sign = async (now: number) => {
      if (signing === undefined) return "";
      const expires = Math.floor(now / 1000) + Math.min(EXPIRY_S, signing.maxAge);
      return queryFor(project, route, { preset, key, expires, version });
    };
    return renditions.map((rendition) => ({ name, variant, path, sign, source, ...rendition }));
  });
}

/** @param length of the hash, in characters of 6 bits */
function hash(text: string, length: number): string {
  return digest("sha256", text, "base64url").slice(0, length);
}
