// What a property is. Each one is a function of a Worker, because it must also run on a broken Worker.

import { isDeepStrictEqual } from "node:util";
import type fc from "fast-check";
import { type RequestInput, toRequest } from "./inputs.ts";
import { type Call, FALLBACKS, withoutSource } from "./visit-state.ts";
import { type Scene, sendRequest, URL_PREFIXES, VARIANTS, type Worker } from "./world.ts";

export type Suspect = {
  readonly worker: Worker;
  readonly signGrant: typeof import("../../src/url/grant.ts").signGrant;
};

/** A property of an input. `holds` throws if the Worker breaks it. */
export type Property<Input> = {
  readonly sentence: string;
  readonly input: fc.Arbitrary<Input>;
  readonly holds: (suspect: Suspect, input: Input) => Promise<void>;
};

export const HOST = "https://images.example";
export function property<Input>(
  sentence: string,
  input: fc.Arbitrary<Input>,
  holds: Property<Input>["holds"],
): Property<Input> {
  return { sentence, input, holds };
}

export type Exchange = Awaited<ReturnType<typeof sendRequest>> & { readonly request: Request };

/** Visits the Worker as an input says. Returns undefined if no client could do that. */
export async function sendInput(
  { worker }: Suspect,
  input: RequestInput,
  scene?: Partial<Scene>,
): Promise<Exchange | undefined> {
  const request = toRequest(input);
  return request && { ...(await sendRequest(worker, request, input.mood, scene)), request };
}

export async function get(
  { worker }: Suspect,
  path: string,
  now: RequestInput["mood"],
  headers: Record<string, string> = {},
  method = "GET",
): Promise<Exchange> {
  const request = new Request(HOST + path, { method, headers });
  return { ...(await sendRequest(worker, request, now)), request };
}

/** The route of a counted visit. The limiter gets the visitor, which is any text, and then the route. */
export function routeOf({ limited: [key = ""] }: Pick<Exchange, "limited">) {
  return ROUTES.find((route) => key.endsWith(` ${route}`));
}

const isRoute = (path: string): path is keyof typeof URL_PREFIXES =>
  Object.hasOwn(URL_PREFIXES, path);
const ROUTES = Object.keys(URL_PREFIXES).filter(isRoute);

/** The calls for the fallback of the route, if it is another object than the visitor asked for. */
export function fallbackCalls(visited: Pick<Exchange, "limited" | "calls">): Call[] {
  const { calls } = visited;
  const fallback = FALLBACKS[routeOf(visited) ?? ""];
  const itself = withoutSource(calls[0]?.url ?? "") === fallback;
  return itself ? [] : calls.filter(({ url }) => withoutSource(url) === fallback);
}

export function optionsOf(cf: RequestInitCfProperties): Record<string, unknown> {
  const { format: _format, anim: _anim, ...rest } = cf.image ?? {};
  return rest;
}

type Sizes = { quality?: number; dpr?: number; width?: number; height?: number; fit?: string };

/** The edge's quality where a preset has none (O5). */
const DEFAULT_QUALITY = 85;

/**
 * Returns whether options are those of a variant, or fewer pixels and a lower quality: an original may be smaller than the
 * variant, and have few bytes. Without a quality where the output may be PNG (O5).
 */
export function isOfVariant(options: Sizes, name: string): boolean {
  const sizes: Sizes = VARIANTS[name] ?? {};
  const {
    quality = DEFAULT_QUALITY,
    dpr = 1,
    width = Infinity,
    height = Infinity,
    ...shape
  } = sizes;
  const { quality: askedQuality = quality, dpr: askedDpr = 1, ...sides } = options;
  const { width: askedWidth, height: askedHeight, ...askedShape } = sides;
  if (!isDeepStrictEqual(askedShape, shape) || Number(askedQuality) > quality) return false;

  const hasSameSides =
    (askedWidth ?? Infinity) * askedDpr === width * dpr &&
    (askedHeight ?? Infinity) * askedDpr === height * dpr;
  const isSmaller = (askedWidth ?? 0) <= width * dpr && (askedHeight ?? 0) <= height * dpr;
  return hasSameSides || (shape.fit === "scale-down" && options.dpr === undefined && isSmaller);
}

/** Returns whether S3 replied, to the Worker itself, that an object is missing or denied. */
export function namesObject({ cf, reply = "" }: Call): boolean {
  return cf === undefined && /^404|AccessDenied|NoSuchKey|InvalidObjectState/.test(reply);
}
