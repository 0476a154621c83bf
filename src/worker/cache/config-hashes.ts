// Short hashes of what is configured, by its names. /healthz shows them, and `vitrine deploy` compares them with those of
// wrangler.toml: so an operator sees before a deploy which routes change, and which renditions are made and billed anew.
// Those are exactly the renditions whose name changes. No secret goes into a hash.

import type { Bucket } from "../config/bucket.ts";
import type { Config } from "../config/config.ts";
import { hashValue } from "../config/hash-vars.ts";
import type { Vars } from "../config/schema.ts";
import { writtenRoutes } from "../config/split-vars.ts";
import type { TokenRule } from "../config/token.ts";
import { tableOf } from "../util/json.ts";
import { type RenditionId, renditionName } from "./rendition-url.ts";

/** Hashes by name. */
type Hashes = Readonly<Record<string, string>>;

export type ConfigHashes = {
  /** What each bucket, by its name in wrangler.toml, gives to the names of its renditions. */
  readonly buckets: Hashes;
  /** The whole table of each route, by its path. */
  readonly routes: Hashes;
  /** What each variant, such as `card` or `card@2x`, gives to the names of renditions. */
  readonly variants: Hashes;
  /** No hashes: the paths of the routes whose pictures browsers keep without asking again. */
  readonly immutable: readonly string[];
  /** Which tokens open a route, by its path. A route that no token opens is not here. */
  readonly tokens: Hashes;
  /** No hashes: the paths of the routes whose URLs are signed. */
  readonly signed: readonly string[];
};

/** Enough to see a change, because names are compared with themselves: hexadecimal digits. */
const HASH_LENGTH = 8;

/** A rendition that stands for all of a bucket. */
const ANY_RENDITION = {
  key: "",
  version: undefined,
  variant: {
    preset: "any",
    format: "auto",
    avif: true,
    image: { fit: "scale-down", metadata: "none", anim: false },
  },
  formats: "own",
  isStorable: true,
  lifetimes: undefined,
} as const satisfies Omit<RenditionId, "bucket">;

/** @param vars what the configuration was read from */
export async function hashConfig(
  config: Pick<Config, "buckets" | "routes" | "variants">,
  vars: Vars,
): Promise<ConfigHashes> {
  const { buckets, variants } = config;
  const routeTables = writtenRoutes(vars).map(({ value }) => value);
  const immutableRoutes = config.routes.filter(({ policy }) => policy.isImmutable);
  const tokenRoutes = config.routes.filter(({ tokenRules }) => tokenRules !== undefined);
  const signedRoutes = config.routes.filter(({ signing }) => signing !== undefined);

  return {
    buckets: await hashEach(buckets, (bucket) => [bucket.name, nameIn(bucket)]),
    routes: await hashEach(routeTables, (route) => [`${tableOf(route)["path"]}`, route]),
    variants: await hashEach([...variants], ([name, { image, format }]) => [name, [image, format]]),
    immutable: immutableRoutes.map(({ path }) => path),
    tokens: await hashEach(tokenRoutes, ({ path, tokenRules }) => [
      path,
      tokenRules?.map(ruleValue),
    ]),
    signed: signedRoutes.map(({ path }) => path),
  };
}

/** The claims of a rule are a map, which JSON cannot write. */
function ruleValue({ claims, ...rule }: TokenRule): object {
  return { ...rule, claims: Object.fromEntries(claims) };
}

function nameIn(bucket: Bucket): string {
  return renditionName({ ...ANY_RENDITION, bucket });
}

/** @param entryOf returns the name of an item, and what is hashed of it */
async function hashEach<Item>(
  items: readonly Item[],
  entryOf: (item: Item) => [name: string, value: unknown],
): Promise<Hashes> {
  const entries = items.map(async (item) => {
    const [name, value] = entryOf(item);
    const hash = await hashValue(value);
    return [name, hash.slice(0, HASH_LENGTH)] as const;
  });
  return Object.fromEntries(await Promise.all(entries));
}
