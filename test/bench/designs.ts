// What a Worker asks of the edge for a visit, in three designs. Whatever this project decides itself is
// asked of its own code: the simulation changes with the Worker.

import { mistakeText } from "../../src/worker/base/mistake.ts";
import { readConfig } from "../../src/worker/config/config.ts";
import { presetSchema, type Variant, variantsOf } from "../../src/worker/config/preset.ts";
import type { Vars } from "../../src/worker/config/schema.ts";
import { edgeOptions } from "../../src/worker/edge/ask-edge.ts";
import { chooseFormat, readAccept } from "../../src/worker/request/format.ts";
import { originUrl } from "../../src/worker/s3/object-url.ts";
import { chosen, variantsByPreset } from "./choice.ts";
import type { Ask } from "./model.ts";
import type { Slot, Visit } from "./trace.ts";

/** What `fetch` is called with. */
export type Call = { readonly source: string; readonly image: RequestInitCfPropertiesImage };

export type Design = {
  call(visit: Visit): Call;
  /** What the operator purges when an object was replaced. */
  purged(object: number): string;
};

export type DesignName = "vitrine" | "presigned" | "free";

type Site = Vars & { readonly PRESETS: Readonly<Record<Slot, Readonly<Record<string, unknown>>>> };

/** The presets that wrangler.toml comes with, in a bucket of its own. */
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
  // No secret opens anything here, and nothing is signed: a signature in a header is no part of a key (C1).
  AWS_ACCESS_KEY_ID: "none",
  AWS_SECRET_ACCESS_KEY: "none",
} as const satisfies Site;

/** The key of an object, by its place in the order of what is wanted. */
export function keyOf(object: number): string {
  return `photos/${`${object}`.padStart(6, "0")}.jpg`;
}

/** @param vars what wrangler.toml and the secrets say; the first route leads to the pictures */
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

/** A variant of a preset at any width, in device pixels, as a Worker has it that takes `?width=`. */
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
 * A URL presigned at a time. Of what a signature adds to a URL, only the date differs between two for the
 * same object by the same key; it has seconds, and the signature follows from it.
 * @param at milliseconds since 1970
 */
export function presigned(url: string, at: number): string {
  return `${url}?X-Amz-Date=${Math.floor(at / 1000)}`;
}

/** The same as the edge's cache sees it. A call's `image` is told by its identity, and read once. */
export function createAsk(): (call: Call) => Ask {
  const spelt = remembered((image: RequestInitCfPropertiesImage) => {
    const { format, ...rest } = image;
    const options = JSON.stringify(Object.entries(rest).sort());
    return { options, print: `${options} ${format}` };
  });
  return ({ source, image }) => ({ source, ...spelt(image) });
}

/** A function that reckons each of its values once. */
function remembered<Key, Value>(reckon: (key: Key) => Value): (key: Key) => Value {
  const known = new Map<Key, Value>();
  return (key) => {
    const found = known.get(key);
    if (found !== undefined) return found;
    const value = reckon(key);
    known.set(key, value);
    return value;
  };
}
