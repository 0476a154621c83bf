// What a Worker asks of the edge for a visit, in three designs. For this project it runs the real code,
// so the simulation changes with the Worker.

import { mistakeText } from "../../src/worker/base/mistake.ts";
import { readConfig } from "../../src/worker/config/config.ts";
import { presetSchema, type Variant, variantsOf } from "../../src/worker/config/preset.ts";
import type { Vars } from "../../src/worker/config/schema.ts";
import { edgeOptions } from "../../src/worker/edge/ask-edge.ts";
import { originUrl } from "../../src/worker/origin/object-url.ts";
import { chooseFormat, readAccept } from "../../src/worker/request/format.ts";
import { chosen, variantsByPreset } from "./choice.ts";
import type { Ask } from "./model.ts";
import type { Slot, Visit } from "./trace.ts";

/** The arguments of `fetch`. */
export type Call = { readonly source: string; readonly image: RequestInitCfPropertiesImage };

export type Design = {
  call(visit: Visit): Call;
  /** The URLs that the operator purges when an object was replaced. */
  purged(object: number): string;
};

export type DesignName = "vitrine" | "presigned" | "free";

type Site = Vars & { readonly PRESETS: Readonly<Record<Slot, Readonly<Record<string, unknown>>>> };

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
} as const satisfies Site;

/** The key of an object, by its rank of popularity. */
export function keyOf(object: number): string {
  return `photos/${`${object}`.padStart(6, "0")}.jpg`;
}

/** @param vars the vars and secrets; the first route leads to the pictures */
export function createDesigns(vars: Site): Record<DesignName, Design> {
  const config = readConfig(vars);
  if ("mistakes" in config) throw new Error(config.mistakes.map(mistakeText).join("\n"));
  const bucket = config.routes[0]?.bucket;
  if (bucket === undefined) throw new Error("ROUTES: there is none");

  const purged = remembered((object: number) =>
    originUrl(bucket.base, bucket.prefix + keyOf(object)),
  );
  const named = variantsByPreset(config.variants);
  const choose = (visit: Visit) => chosen(named.get(visit.preset) ?? [], visit).variant;
  const widened = remembered((preset: Slot) =>
    remembered((width: number) => widthOf(preset, vars.PRESETS[preset], width)),
  );
  const wide = ({ preset, width, dpr }: Visit) => widened(preset)(Math.round(width * dpr));
  const images = remembered((variant: Variant) =>
    remembered((accept: string) => edgeOptions(chooseFormat(variant, readAccept(accept), false))),
  );
  return {
    vitrine: {
      purged,
      call: (visit) => ({
        source: purged(visit.object),
        image: images(choose(visit))(visit.accept),
      }),
    },
    presigned: {
      purged,
      call: (visit) => ({
        source: presigned(purged(visit.object), visit.at),
        image: images(choose(visit))(visit.accept),
      }),
    },
    free: {
      purged,
      call: (visit) => ({ source: purged(visit.object), image: images(wide(visit))(visit.accept) }),
    },
  };
}

/** A variant at any width, in device pixels, as in a Worker that accepts `?width=`. */
function widthOf(preset: Slot, entry: Readonly<Record<string, unknown>>, width: number): Variant {
  const { dpr: _dpr, ...rest } = entry;
  const read = presetSchema({ ...rest, widths: [width] }, preset, (path, message) => {
    throw new Error(`${path}: ${message}`);
  });
  const free = read && variantsOf(preset, read).at(-1)?.[1];
  if (free === undefined) throw new Error(`PRESETS.${preset} is wrong`);
  return free;
}

/**
 * A URL presigned at a time. For one object and one key, two presigned URLs differ only in the date, in
 * seconds, and in the signature, which depends on the date.
 * @param at ms since 1970
 */
export function presigned(url: string, at: number): string {
  return `${url}?X-Amz-Date=${Math.floor(at / 1000)}`;
}

/** A call as the cache of the edge sees it. Each `image` object is read only once. */
export function createAsk(): (call: Call) => Ask {
  const spelt = remembered((image: RequestInitCfPropertiesImage) => {
    const { format, ...rest } = image;
    const options = JSON.stringify(Object.entries(rest).sort());
    return { options, rendition: `${options} ${format}` };
  });
  return ({ source, image }) => ({ source, ...spelt(image) });
}

/** A function that computes each value once. */
function remembered<Key, Value>(compute: (key: Key) => Value): (key: Key) => Value {
  const known = new Map<Key, Value>();
  return (key) => {
    const found = known.get(key);
    if (found !== undefined) return found;
    const value = compute(key);
    known.set(key, value);
    return value;
  };
}
