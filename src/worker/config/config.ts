// Makes the Worker's configuration of `[vars]` in wrangler.toml, of the secrets and of the bindings. All mistakes are
// reported at once, each with its path. With a single mistake nothing is served: never half a configuration.
// No I/O, no clock.

import { type ConfigMistake, isRefusal, type Refusal } from "../http/refusal.ts";
import { setDocsUrl } from "../log/docs-url.ts";
import { isPlainObject, parseJson, tableOf } from "../util/json.ts";
import { memoize } from "../util/memoize.ts";
import { type Answers, answersSchema } from "./answers.ts";
import {
  bindingName,
  datasetSchema,
  type EventQueue,
  imagesSchema,
  type Limiter,
  limiterSchema,
  queueSchema,
  r2Schema,
  type Store,
  storeSchema,
} from "./bindings.ts";
import { type Bucket, type Role, r2Bucket, s3Bucket } from "./bucket.ts";
import { bucketSchema, credentialsSchema, defaultSts, isR2Settings } from "./bucket-settings.ts";
import { checkEngines } from "./engine-limits.ts";
import { type Oidc, originSchema, readOidc } from "./oidc.ts";
import { type Preset, presetSchema, type Variant, variantsOfPreset } from "./preset.ts";
import { checkTokenRoutes } from "./reachability.ts";
import { readSlots, readToken } from "./read-secrets.ts";
import { type BoundRoute, readRoutes } from "./routes.ts";
import type { ReportMistake, Schema, Tables, Vars } from "./schema.ts";

/** The checked configuration, ready to serve from. It never changes. */
export type Config = {
  /** The private buckets that have the originals. */
  readonly buckets: readonly Bucket[];
  /** The public paths, and the objects that they show: in the order in which they are tried. */
  readonly routes: readonly BoundRoute[];
  /** What a visitor may ask for, by the name in public URLs: a preset `card`, or one of its sizes, `card@2x`. */
  readonly variants: ReadonlyMap<string, Variant>;
  /** For how long renditions are shown, and visitors wait. */
  readonly answers: Answers;
  /** The R2 bucket that holds every rendition that was ever made. Undefined: there is no such bucket. */
  readonly store: Store | undefined;
  /** The token that opens the detailed form of /healthz. Undefined: nobody gets this form. */
  readonly healthToken: string | undefined;
  /** The token that opens /purge. Undefined: there is no such path. */
  readonly purgeToken: string | undefined;
  /** Limits how often a visitor may ask. Undefined: there is no limit. */
  readonly limiter: Limiter | undefined;
  /** The queue that takes the events which come to /purge. Undefined: /purge purges at once. */
  readonly events: EventQueue | undefined;
  /** Who the Worker is for AWS. Undefined: the Worker is no issuer of tokens. */
  readonly oidc: Oidc | undefined;
  /** The site of the documents: `https://docs.example.com`. Undefined: lines of the log name the file of a page. */
  readonly docsUrl: string | undefined;
};

export type ConfigRefusal = Extract<Refusal, { event: "configuration-broken" }>;

/**
 * Returns the configuration. It is read only once in each isolate (a running copy of the Worker), since it never
 * changes there: a new secret is a new deployment (S1), which starts new isolates.
 */
const readOnce = memoize((env: object) => readConfig({ ...env }));

/** Returns the configuration, and lets the lines of the log lead to the pages that it names. */
export function currentConfig(env: object): Config | ConfigRefusal {
  const config = readOnce(env);
  setDocsUrl(isRefusal(config) ? undefined : config.docsUrl);
  return config;
}

/** @param vars the vars, the secrets and the bindings. A table may be JSON text, as in .dev.vars (S2) */
export function readConfig(vars: Vars): Config | ConfigRefusal {
  const mistakes: ConfigMistake[] = [];
  const report: ReportMistake = (path, message) => {
    // Two buckets may have the same secrets, which are read for each: their mistakes would be listed twice.
    const isRepeated = mistakes.some((old) => old.path === path && old.message === message);
    if (!isRepeated) mistakes.push({ path, message });
  };

  // [vars.OIDC]: who the Worker is for AWS. A bucket with a role needs it.
  const oidc = readOidc(vars, report);

  // [vars.BUCKETS.<name>], and the secrets or the binding that open each bucket.
  const buckets = readBuckets(vars, oidc, report);

  // [vars.PRESETS.<name>], and [vars.PRESETS_2.<name>]
  const presets = readPresets(vars, report);
  const variants = collectVariants(presets);

  // [vars.ANSWERS]. Every option has a default, so the table may be missing.
  const answersTable = parseJson(vars["ANSWERS"] ?? {});
  const answers = answersSchema(answersTable, "ANSWERS", report);

  // [[vars.ROUTES]], then [[vars.ROUTES_2]]: they name buckets and presets, and may set other terms than [vars.ANSWERS].
  const routes = readRoutes(vars, buckets, presets, answers, report);

  // A token protects no object that an open route shows. If a bucket has a mistake, `routes` lacks those of this bucket.
  const hasAllBuckets = ![...buckets.values()].includes(undefined);
  if (hasAllBuckets) checkTokenRoutes(routes, variants, report);

  // A bucket's engine must have the options of the presets that the routes show of it.
  checkEngines(vars, buckets, presets, report);

  // The store that [vars.ANSWERS] may name.
  const store = readStore(vars, answersTable, buckets, report);

  // Bindings that may be left out. The metrics are only checked here: log/metrics.ts takes them from the environment.
  const limiter = readOptional("RATE_LIMITER", limiterSchema, vars, report);
  const events = readOptional("EVENTS", queueSchema, vars, report);
  readOptional("METRICS", datasetSchema, vars, report);

  // DOCS_URL: the site to which lines of the log lead.
  const docsUrl = readOptional("DOCS_URL", originSchema, vars, report);

  // Secrets that may be left out.
  const healthToken = readToken(vars, "HEALTH_TOKEN", report);
  const purgeToken = readToken(vars, "PURGE_TOKEN", report);

  // `answers` is undefined only if the table has a mistake.
  if (mistakes.length > 0 || !answers) {
    return { event: "configuration-broken", mistakes };
  }

  return {
    buckets: [...buckets.values()].filter((bucket) => bucket !== undefined),
    routes,
    variants,
    answers,
    store,
    healthToken,
    purgeToken,
    limiter,
    events,
    oidc,
    docsUrl,
  };
}

/**
 * Reads the buckets. A bucket with mistakes is in the map as undefined. Its name is there, so a route that names it does not
 * count as a mistake, too.
 */
function readBuckets(vars: Vars, oidc: Oidc | undefined, report: ReportMistake): Tables<Bucket> {
  const buckets = new Map<string, Bucket | undefined>();
  const roles = new Map<string, Role>();

  for (const bucketTable of namedTables("BUCKETS", vars, report)) {
    const bucket = readBucket(bucketTable, vars, oidc, roles, report);
    buckets.set(bucketTable.name, bucket);
  }
  return buckets;
}

/**
 * Reads one table of `BUCKETS`, and the secrets or the binding that open the bucket.
 * @param roles the roles of the buckets before. The role of this bucket is added
 */
function readBucket(
  { name, path, value }: NamedTable,
  vars: Vars,
  oidc: Oidc | undefined,
  roles: Map<string, Role>,
  report: ReportMistake,
): Bucket | undefined {
  const settings = bucketSchema(value, path, report);
  if (!settings) {
    checkAccess(value, vars, report);
    return undefined;
  }

  // With the engine `binding`, the Worker fetches the objects itself, for the Images binding.
  const isFetchedByWorker = settings.engine === "binding";
  const images = isFetchedByWorker ? imagesSchema(vars["IMAGES"], "IMAGES", report) : undefined;

  // An R2 bucket always has this engine, so `images` is undefined only if that was reported.
  if (isR2Settings(settings)) {
    const r2 = r2Schema(vars[settings.binding], settings.binding, report);
    if (!images || !r2) return undefined;
    return r2Bucket(name, settings, r2, images);
  }

  if (settings.role) {
    if (vars["OIDC"] === undefined) report(`${path}.role`, "needs [vars.OIDC] with an issuer");
    if (!oidc) return undefined; // reported here, or by `readOidc`

    // Buckets with the same role and STS share one object. origin/memories.ts keeps one session for each such object:
    // so the Worker asks STS only once for all of them.
    const sts = settings.sts ?? defaultSts(settings.region);
    const roleId = `${settings.role} ${sts}`;
    const role = roles.get(roleId) ?? { arn: settings.role, sts, oidc };
    roles.set(roleId, role);
    return s3Bucket(name, settings, { role, images });
  }

  // Session credentials have a token. The Worker can send it, but the edge does not pass it on (A11).
  const canUseSessions = isFetchedByWorker;
  const slots = readSlots(settings.credentials, vars, report, canUseSessions);
  return s3Bucket(name, settings, { slots, images });
}

/** For a schema whose mistakes are reported elsewhere. */
const IGNORE: ReportMistake = () => {};

/**
 * Reports the mistakes of the secrets or the binding of a bucket whose table has mistakes, too, because all mistakes are
 * reported at once. It can only do so if the table still says what opens the bucket.
 */
function checkAccess(bucketTable: unknown, vars: Vars, report: ReportMistake): void {
  const { binding, credentials = "AWS", engine, role } = tableOf(bucketTable);
  if (binding !== undefined || engine === "binding") {
    imagesSchema(vars["IMAGES"], "IMAGES", report);
  }

  if (binding !== undefined) {
    const name = bindingName(binding, "", IGNORE);
    if (name) r2Schema(vars[name], name, report);
    return;
  }
  if (role !== undefined) return; // a role needs no secret

  const secretPrefix = credentialsSchema(credentials, "", IGNORE);
  if (secretPrefix) readSlots(secretPrefix, vars, report, engine === "binding");
}

/** Reads the presets. A preset with mistakes is in the map as undefined, so that a route may name it. */
function readPresets(vars: Vars, report: ReportMistake): Tables<Preset> {
  const presets = new Map<string, Preset | undefined>();

  for (const { name, path, value } of presetTables(vars, report)) {
    const preset = presetSchema(value, path, report);
    if (presets.has(name)) {
      report(path, "is in PRESETS, too: rename one of the two, or take one out");
      continue;
    }
    presets.set(name, preset);
  }
  return presets;
}

/** Yields the tables of `PRESETS`, then those of `PRESETS_2`, which may be missing. */
function* presetTables(vars: Vars, report: ReportMistake): Generator<NamedTable> {
  const { PRESETS: presets, PRESETS_2: morePresets } = vars;

  // Without PRESETS, only that is reported, and what is wrong in PRESETS_2.
  const isMisnamed = presets === undefined && morePresets !== undefined;
  if (isMisnamed) {
    report("PRESETS_2", "stands beside PRESETS, which is missing: rename it to PRESETS");
  } else {
    yield* namedTables("PRESETS", vars, report);
  }

  // PRESETS_2 may be an empty table: with it, a .dev.vars removes the presets of PRESETS_2 from the local run.
  const moreTables = morePresets === undefined ? {} : parseJson(morePresets);
  const isEmpty = isPlainObject(moreTables) && Object.keys(moreTables).length === 0;
  if (!isEmpty) yield* namedTables("PRESETS_2", vars, report);
}

/** An unchecked table of a variable: `[vars.PRESETS.card]` has the name `card` and the path `PRESETS.card`. */
type NamedTable = { readonly name: string; readonly path: string; readonly value: unknown };

const NAME = /^[\w-]{1,64}$/;

/**
 * Yields the tables of a variable. There has to be at least one. A wrong name is reported right before its table is
 * read, so that the mistakes of each table stand together.
 */
function* namedTables(variable: string, vars: Vars, report: ReportMistake): Generator<NamedTable> {
  const tables = parseJson(vars[variable]);

  if (!isPlainObject(tables) || Object.keys(tables).length === 0) {
    // A text that parseJson cannot parse stays a text.
    const isText = typeof tables === "string";
    report(variable, isText ? "is not JSON" : "is not a table, or is empty");
    return;
  }

  for (const [name, value] of Object.entries(tables)) {
    const path = `${variable}.${name}`;
    if (!NAME.test(name)) report(path, "needs a name of 1 to 64 letters, digits, - and _");
    yield { name, path, value };
  }
}

/** Reads the store that `[vars.ANSWERS]` names, even if that table has mistakes, which `answersSchema` reports. */
function readStore(
  vars: Vars,
  answersTable: unknown,
  buckets: Tables<Bucket>,
  report: ReportMistake,
): Store | undefined {
  const binding = bindingName(tableOf(answersTable)["store"], "", IGNORE);
  if (!binding) return undefined;

  const store = storeSchema(vars[binding], binding, report);
  if (!store) return undefined;

  // A store has a bucket of its own: in a bucket of originals, a rendition could replace an original. `Object.is` is
  // `===` here, which TypeScript refuses for two different types.
  const origin = [...buckets.values()].find((bucket) => Object.is(bucket?.r2, store));
  if (origin) report("ANSWERS.store", `has the originals of ${origin.name}: use another bucket`);
  return store;
}

/** Reads a binding or a text that may be left out. */
function readOptional<T>(
  name: string,
  schema: Schema<T>,
  vars: Vars,
  report: ReportMistake,
): T | undefined {
  if (!Object.hasOwn(vars, name)) return undefined;
  return schema(vars[name], name, report);
}

/** Lists the variants of all presets, by their names in public URLs. */
function collectVariants(presets: Tables<Preset>): ReadonlyMap<string, Variant> {
  const variants = new Map<string, Variant>();

  for (const [presetName, preset] of presets) {
    if (!preset) continue; // it has a mistake
    for (const [name, variant] of variantsOfPreset(presetName, preset)) variants.set(name, variant);
  }
  return variants;
}
