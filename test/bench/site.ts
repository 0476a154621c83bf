// The site of the simulation, and what the Worker asks of the edge for a visit. It runs the Worker's own code, so
// the simulation changes with the Worker.

import { mistakeText } from "../../src/worker/base/refusal.ts";
import { readConfig } from "../../src/worker/config/config.ts";
import type { Variant } from "../../src/worker/config/preset.ts";
import type { Vars } from "../../src/worker/config/schema.ts";
import { edgeOptions } from "../../src/worker/edge/ask-edge.ts";
import {
  acceptedFormatsOf,
  createTransformRequest,
  readAccept,
} from "../../src/worker/request/format.ts";
import type { Ask } from "./model.ts";
import type { Visit } from "./trace.ts";

/** The presets of the shipped wrangler.toml, with another bucket. */
export const SITE = {
  BUCKETS: {
    media: {
      endpoint: "https://s3.eu-west-1.amazonaws.com",
      bucket: "acme-media",
      region: "eu-west-1",
    },
  },
  ROUTES: [{ path: "/images/:preset/*", object: "media/*" }],
  PRESETS: {
    thumbnail: { width: 160, height: 160, fit: "cover", dpr: [1, 2] },
    card: { width: 480, dpr: [1, 1.5, 2] },
    hero: { width: 1920, widths: [640, 960, 1280, 1920], quality: 80 },
  },
  // These secrets open nothing. Nothing is signed: a signature in a header is not part of a cache key (C1).
  AWS_ACCESS_KEY_ID: "none",
  AWS_SECRET_ACCESS_KEY: "none",
} as const satisfies Vars;

type NamedVariant = { readonly name: string; readonly variant: Variant };

export type Site = {
  /** The variant that the browser of a visit chooses. */
  chooseVariant(visit: Visit): NamedVariant;
  /** What the edge is asked for a visit, without the URL of the original, and about how long the rendition is. */
  optionsFor(visit: Visit): Omit<Ask, "source"> & { readonly bytes: number };
};

/** The key of an object, by its rank of popularity. */
export function keyOf(object: number): string {
  return `photos/${`${object}`.padStart(6, "0")}.jpg`;
}

/** @param vars the vars and secrets */
export function createSite(vars: Vars): Site {
  const config = readConfig(vars);
  if ("mistakes" in config) throw new Error(config.mistakes.map(mistakeText).join("\n"));
  const named = [...config.variants].map(([name, variant]) => ({ name, variant }));
  named.sort((one, other) => pixelsOf(one) - pixelsOf(other));
  const ofPreset = Map.groupBy(named, ({ variant }) => variant.preset);
  const chooseVariant = (visit: Visit) => smallestFor(ofPreset.get(visit.preset) ?? [], visit);
  const spell = memoize((variant: Variant) =>
    memoize((accept: string) => {
      const formats = acceptedFormatsOf(variant, readAccept(accept), false);
      const request = createTransformRequest(variant, formats, "image/jpeg");
      const { format, ...rest } = edgeOptions(request);
      const options = JSON.stringify(Object.entries(rest).sort());
      return { options, rendition: `${options} ${format}`, bytes: bytesOf(variant) };
    }),
  );
  return {
    chooseVariant,
    optionsFor: (visit) => spell(chooseVariant(visit).variant)(visit.accept),
  };
}

/**
 * By the dpr of the screen if the preset has dprs, otherwise by the width in device pixels. It is the smallest that
 * is large enough, or else the largest.
 * @param variants smallest first
 */
function smallestFor(variants: readonly NamedVariant[], { width, dpr }: Visit): NamedVariant {
  const [first] = variants;
  if (first === undefined) throw new Error("the preset is not in the configuration");
  const byDpr = variants.some(({ variant }) => variant.image.dpr !== undefined);
  const wanted = dpr * (byDpr ? (first.variant.image.width ?? 0) : width);
  return variants.find((one) => pixelsOf(one) >= wanted) ?? variants.at(-1) ?? first;
}

function pixelsOf({ variant: { image } }: NamedVariant): number {
  return (image.width ?? 0) * (image.dpr ?? 1);
}

/**
 * For a pixel: about twice what the photographs of fixtures/objects have as AVIF. Their JPEGs have 0.11 to 0.21.
 */
const BYTES = 0.15;

/** Photographs are three to two. */
function bytesOf({ image: { width = 0, height = (width * 2) / 3, dpr = 1 } }: Variant): number {
  return Math.round(width * height * dpr * dpr * BYTES);
}

/** A function that computes each value once. */
function memoize<Key, Value>(compute: (key: Key) => Value): (key: Key) => Value {
  const known = new Map<Key, Value>();
  return (key) => {
    const found = known.get(key);
    if (found !== undefined) return found;
    const value = compute(key);
    known.set(key, value);
    return value;
  };
}
