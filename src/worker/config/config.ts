import type { Mistake } from "../base/mistake.ts";
import type { Refusal } from "../base/refusal.ts";
import type { Limiter } from "../request/rate-limit.ts";
import { type Bucket, bucketSchema, openBucket, remember } from "./bucket.ts";
import { type Preset, presetSchema, type Variant, variantsOf } from "./preset.ts";
import { indexRoutes, type RouteIndex } from "./route-index.ts";
import { type BoundRoute, readRoutes } from "./routes.ts";
import {
  between,
  is,
  isTable,
  json,
  may,
  type Named,
  type Read,
  type Report,
  table,
  type Vars,
  whole,
} from "./schema.ts";
import { readHealthToken, readSlots, type SlotsRead, sameSecrets } from "./secrets.ts";
import { askStores, fillIn, type Given, latest, storesOf } from "./secrets-store.ts";

/** What wrangler.toml and the secrets say, checked and made ready to serve from. */
export type Config = {
  readonly buckets: readonly Bucket[];
  readonly routes: readonly BoundRoute[];
  readonly index: RouteIndex<BoundRoute>;
  /** By the name in public URLs: `card`, `card@2x`. */
  readonly variants: ReadonlyMap<string, Variant>;
  readonly answers: Read<typeof answersSchema>;
  /** What opens the deep form of /healthz; undefined: nothing does. */
  readonly healthToken: string | undefined;
  /** What counts requests; undefined: nothing does. */
  readonly limiter: Limiter | undefined;
};

export type Broken = Extract<Refusal, { event: "configuration-broken" }>;

const YEAR = 31_536_000;
const NAME = /^[\w-]{1,64}$/;

const limiterSchema = is("a rate limiting binding", isLimiter);

const answersSchema = table({
  /** Seconds that browsers and shared caches may keep an image. */
  max_age: may(whole(0, YEAR), 3600),
  /** Seconds that the edge may take. */
  timeout: may(between(1, 60), 20),
});

/** For how long what a Secrets Store gave is used, and a broken configuration: milliseconds. */
const STORED_MS = 60_000;
const BROKEN_MS = 5_000;

type Checked = {
  readonly vars: Vars;
  readonly config: Config | Broken;
  /** The last one that was right. */
  readonly right: Config | undefined;
  readonly until: number;
  /** What stores gave last. */
  readonly given: Given;
};

const checked = new WeakMap<object, Checked>();

/**
 * The configuration of an isolate, read and checked once. Secrets that are kept in a Secrets Store may
 * change there without a deploy, and are read again every minute; one that its store does not give
 * then is used as it was.
 * @param now milliseconds since 1970
 */
export function configOf(env: object, now: number): Config | Broken | Promise<Config | Broken> {
  const before = checked.get(env);
  return before !== undefined && now < before.until ? before.config : checkAnew(env, now);
}

async function checkAnew(env: object, now: number): Promise<Config | Broken> {
  const stores = storesOf(env);
  const asked = await askStores(stores);
  const known = checked.get(env); // another request may have asked as well
  const given = latest(known?.given ?? new Map(), asked);
  const vars = fillIn(env, stores, given);
  const same = known !== undefined && sameSecrets(vars, known.vars);
  const config = same ? known.config : readConfig(vars);
  const broken = "mistakes" in config;
  const right = broken ? known?.right : config;
  if (!broken && !same && known?.right !== undefined) rememberAll(config, known.right);
  const until = stores.size > 0 ? now + (broken ? BROKEN_MS : STORED_MS) : Number.POSITIVE_INFINITY;
  checked.set(env, { vars, config, right, until, given });
  return config;
}

function rememberAll(config: Config, before: Config): void {
  for (const bucket of config.buckets) {
    const known = before.buckets.find(({ name }) => name === bucket.name);
    if (known !== undefined) remember(bucket, known);
  }
}

/**
 * Reads the configuration, or tells all that is wrong with it at once: each mistake with its path,
 * as `PRESETS.hero.quality: 150 is not between 1 and 100`.
 * @param vars the vars of wrangler.toml and the secrets. A table may be a string of JSON, as it is
 *   when it comes from .dev.vars (S2).
 */
export function readConfig(vars: Vars): Config | Broken {
  const mistakes: Mistake[] = [];
  const report: Report = (path, message) => mistakes.push({ path, message });

  const buckets = readBuckets(vars, report);
  const presets = readPresets(vars, report);
  const routes = readRoutes(vars, buckets, presets, report);
  const answers = answersSchema(json(vars["ANSWERS"] ?? {}), "ANSWERS", report);
  const limiter =
    "RATE_LIMITER" in vars
      ? limiterSchema(vars["RATE_LIMITER"], "RATE_LIMITER", report)
      : undefined;

  if (mistakes.length > 0 || answers === undefined) {
    return { event: "configuration-broken", mistakes };
  }
  const variants = new Map(
    [...presets].flatMap(([name, preset]) => (preset ? variantsOf(name, preset) : [])),
  );
  const all = [...buckets.values()].filter((bucket) => bucket !== undefined);
  const healthToken = readHealthToken(vars);
  const index = indexRoutes(routes);
  return { buckets: all, routes, index, variants, answers, healthToken, limiter };
}

function readBuckets(vars: Vars, report: Report): Named<Bucket> {
  const known = new Map<string, SlotsRead>();
  return readTables("BUCKETS", vars, report, (entry, path, name) => {
    const settings = bucketSchema(entry, path, report);
    const own = isTable(entry) && "credentials" in entry;
    const word = settings?.credentials ?? (own ? undefined : "AWS");
    if (word === undefined) return undefined;
    const slots = known.get(word) ?? readSlots(word, vars, report);
    known.set(word, slots);
    return settings && openBucket(name, settings, slots);
  });
}

function readPresets(vars: Vars, report: Report): Named<Preset> {
  return readTables("PRESETS", vars, report, (entry, path) => presetSchema(entry, path, report));
}

function isLimiter(value: unknown): value is Limiter {
  if (typeof value !== "object" || value === null) return false;
  return "limit" in value && typeof value.limit === "function";
}

/** Reads a table of tables. A name whose table is wrong stays known: it is no second mistake. */
function readTables<T>(
  variable: string,
  vars: Vars,
  report: Report,
  readOne: (entry: unknown, path: string, name: string) => T | undefined,
): Named<T> {
  const tables = json(vars[variable]);
  if (!isTable(tables) || Object.keys(tables).length === 0) {
    report(variable, typeof tables === "string" ? "is not JSON" : "is not a table of one or more");
    return new Map();
  }
  return new Map(
    Object.entries(tables).map(([name, entry]) => {
      const path = `${variable}.${name}`;
      if (!NAME.test(name)) report(path, "is not a name of letters, digits, - and _");
      return [name, readOne(entry, path, name)];
    }),
  );
}
