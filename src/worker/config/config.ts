// Reads the vars and the secrets, and reports all mistakes at once. No I/O, no clock.

import type { ConfigMistake, Refusal } from "../http/refusal.ts";
import { isDataset } from "../log/metrics.ts";
import { hasMethods, isPlainObject, parseJson } from "../util/json.ts";
import { memoize } from "../util/memoize.ts";
import { type Bucket, type Role, r2Bucket, s3Bucket } from "./bucket.ts";
import {
  bindingName,
  bucketSchema,
  defaultSts,
  imagesSchema,
  r2Schema,
  type Store,
  storeSchema,
} from "./bucket-settings.ts";
import { checkEngines } from "./engine-limits.ts";
import { type Oidc, readOidc } from "./oidc.ts";
import { presetSchema, type Variant, variantsOfPreset } from "./preset.ts";
import { readSlots, readToken } from "./read-secrets.ts";
import { type BoundRoute, readRoutes } from "./routes.ts";
import {
  custom,
  type Infer,
  integer,
  numberBetween,
  optional,
  type ReportMistake,
  SECONDS,
  type Tables,
  table,
  type Vars,
} from "./schema.ts";

export type Limiter = Pick<RateLimit, "limit">;

/** What wrangler.toml and the secrets say, checked and ready to serve from. */
export type Config = {
  readonly buckets: readonly Bucket[];
  /** In the order in which they are tried. */
  readonly routes: readonly BoundRoute[];
  /** By the name in public URLs: `card`, `card@2x`. */
  readonly variants: ReadonlyMap<string, Variant>;
  readonly answers: Answers;
  /** Holds every rendition that was ever made; undefined: nothing does. */
  readonly store: Store | undefined;
  /** Opens the detailed form of /healthz; undefined: nothing does. */
  readonly healthToken: string | undefined;
  /** Opens /purge; undefined: there is no such path. */
  readonly purgeToken: string | undefined;
  /** Counts requests; undefined: nothing does. */
  readonly limiter: Limiter | undefined;
  /** Who the Worker is for AWS; undefined: the Worker is no issuer of tokens. */
  readonly oidc: Oidc | undefined;
};

export type ConfigRefusal = Extract<Refusal, { event: "configuration-broken" }>;

/** The configuration of an isolate, read once: a secret changes with a deployment (S1), which starts new isolates. */
export const currentConfig = memoize((env: object) => readConfig({ ...env }));

/** @param vars the vars and the secrets. A table may be JSON text, as in .dev.vars (S2) */
export function readConfig(vars: Vars): Config | ConfigRefusal {
  const mistakes: ConfigMistake[] = [];
  // What several buckets or routes need may be read several times.
  const report: ReportMistake = (path, message) => {
    const isRepeated = mistakes.some((old) => old.path === path && old.message === message);
    if (!isRepeated) mistakes.push({ path, message });
  };

  const oidc = readOidc(vars, report);
  const buckets = readBuckets(vars, oidc, report);
  const presets = readTables("PRESETS", vars, report, presetSchema);
  const routes = readRoutes(vars, buckets, presets, report);
  checkEngines(vars, buckets, presets, report);
  const answers = answersSchema(parseJson(vars["ANSWERS"] ?? {}), "ANSWERS", report);
  const store = readStore(vars, answers?.store, buckets, report);
  const limiter =
    "RATE_LIMITER" in vars
      ? limiterSchema(vars["RATE_LIMITER"], "RATE_LIMITER", report)
      : undefined;
  if ("METRICS" in vars) datasetSchema(vars["METRICS"], "METRICS", report);
  const healthToken = readToken(vars, "HEALTH_TOKEN", report);
  const purgeToken = readToken(vars, "PURGE_TOKEN", report);

  if (mistakes.length > 0 || !answers) return { event: "configuration-broken", mistakes };
  const variants = new Map(
    [...presets].flatMap(([name, preset]) => (preset ? variantsOfPreset(name, preset) : [])),
  );
  const all = [...buckets.values()].filter((bucket) => bucket !== undefined);
  return { buckets: all, routes, variants, answers, store, healthToken, purgeToken, limiter, oidc };
}

const WEEK = 604_800;
const YEAR = 31_536_000;
const NAME = /^[\w-]{1,64}$/;

const limiterSchema = custom("a rate limiting binding", hasMethods<Limiter>("limit"));
const datasetSchema = custom("an Analytics Engine binding", isDataset);

const answersSchema = table({
  /** For how long browsers and shared caches may keep an image: s. */
  max_age: optional(integer(0, YEAR, SECONDS), 3600),
  /** For how long Workers Cache shows a rendition without a request to S3: s. 0: there is no cache (W7). */
  keep: optional(integer(0, YEAR, SECONDS), 300),
  /** For how long after `keep` a rendition is still shown, while a request to S3 runs: s (W8). */
  stale: optional(integer(0, YEAR, SECONDS), WEEK),
  /** For how long after `keep` a rendition is still shown, while no new one can be made: s (W8). */
  stale_if_error: optional(integer(0, YEAR, SECONDS), WEEK),
  /** The binding of the R2 bucket that holds every rendition that was ever made. */
  store: optional(bindingName),
  /** How long a visitor waits at most, whatever is tried again on the way: s. */
  timeout: optional(numberBetween(1, 60, SECONDS), 20),
});

export type Answers = Infer<typeof answersSchema>;

function readBuckets(vars: Vars, oidc: Oidc | undefined, report: ReportMistake): Tables<Bucket> {
  const roles = new Map<string, Role>();
  const readImages = () => imagesSchema(vars["IMAGES"], "IMAGES", report);
  return readTables("BUCKETS", vars, report, (entry, path, _report, name) => {
    const settings = bucketSchema(entry, path, report);
    if (settings && "binding" in settings) {
      const images = readImages();
      const r2 = r2Schema(vars[settings.binding], settings.binding, report);
      return r2 && images && r2Bucket(name, settings, r2, images);
    }
    const images = settings?.engine === "binding" ? readImages() : undefined;
    if (settings?.role) {
      if (vars["OIDC"] === undefined) report(`${path}.role`, "needs [vars.OIDC] with an issuer");
      if (!oidc) return undefined;
      const sts = settings.sts ?? defaultSts(settings.region);
      const use = `${settings.role} ${sts}`;
      const role = roles.get(use) ?? { arn: settings.role, sts, oidc };
      roles.set(use, role);
      return s3Bucket(name, settings, undefined, images, role);
    }
    const hasAccess = isPlainObject(entry) && ACCESS_OPTIONS.some((option) => option in entry);
    const secretPrefix = settings?.credentials ?? (hasAccess ? undefined : "AWS");
    if (!secretPrefix) return undefined;
    const slots = readSlots(secretPrefix, vars, report, settings?.engine === "binding");
    return settings && s3Bucket(name, settings, slots, images);
  });
}

/** A store has a bucket of its own: in a bucket of originals, a rendition could replace an original. */
function readStore(
  vars: Vars,
  name: string | undefined,
  buckets: Tables<Bucket>,
  report: ReportMistake,
): Store | undefined {
  if (name === undefined) return undefined;
  const store = storeSchema(vars[name], name, report);
  const origin = [...buckets.values()].find((bucket) => store && Object.is(bucket?.r2, store));
  if (origin) report("ANSWERS.store", `has the originals of ${origin.name}: use another bucket`);
  return store;
}

/** Each of these says what opens a bucket: the secrets AWS_… are not needed, even if the bucket has mistakes. */
const ACCESS_OPTIONS = ["credentials", "role", "binding"];

/** Reads a table of tables. One with mistakes stays as undefined: a route with its name is not reported, too. */
function readTables<T>(
  variable: string,
  vars: Vars,
  report: ReportMistake,
  readOne: (entry: unknown, path: string, report: ReportMistake, name: string) => T | undefined,
): Tables<T> {
  const tables = parseJson(vars[variable]);
  if (!isPlainObject(tables) || Object.keys(tables).length === 0) {
    report(variable, typeof tables === "string" ? "is not JSON" : "is not a table, or is empty");
    return new Map();
  }
  return new Map(
    Object.entries(tables).map(([name, entry]) => {
      const path = `${variable}.${name}`;
      if (!NAME.test(name)) report(path, "needs a name of 1 to 64 letters, digits, - and _");
      return [name, readOne(entry, path, report, name)];
    }),
  );
}
