// Reads `ROUTES` and `ROUTES_2`. A route says which public paths show which objects: of which buckets, at which presets
// (named sets of image options), and whether only signed URLs open it. An image of a bucket is shown only if a route leads
// to it. The routes are tried in their order, so it is a mistake if a route takes all the URLs of a later one. It is also a
// mistake if a visitor could change a part of a signed path. No I/O.

import { REST } from "../../url/grammar.ts";
import type { SigningKey } from "../../url/grant.ts";
import { keyFault } from "../../url/key.ts";
import { parseJson, tableOf } from "../util/json.ts";
import { type Answers, type RoutePolicy, routeAnswersSchema, routePolicy } from "./answers.ts";
import type { Bucket } from "./bucket.ts";
import { compileRoute, formOf, type Route, unusedNames } from "./compile-route.ts";
import type { Preset } from "./preset.ts";
import { readUrlKeys } from "./read-secrets.ts";
import {
  type AddMistake,
  boolean,
  choose,
  type Infer,
  integer,
  listOf,
  oneOf,
  optional,
  type PartialTable,
  type ReportMistake,
  SECONDS,
  type Tables,
  table,
  text,
  textThat,
  type Vars,
} from "./schema.ts";
import { writtenRoutes } from "./split-vars.ts";
import { checkClaimNames, type TokenRule, tokenSchema } from "./token.ts";

/** What a signed route requires of its URLs. */
type Signing = {
  /** The keys by their ids, which are the `kid` of a URL. The first key signs. */
  readonly keys: ReadonlyMap<string, SigningKey>;
  /** How far ahead a URL may expire, in seconds. */
  readonly maxAge: number;
  /** Whether a cookie opens the route, too. */
  readonly cookie: boolean;
};

/** The object that a route shows if there is no picture of the requested object. */
type Fallback = {
  readonly bucket: Bucket;
  /** The object's key, with the bucket's prefix. */
  readonly key: string;
};

/** A route and the buckets that it leads to. */
export type BoundRoute = Route & {
  /** Where it stands in the configuration: `ROUTES[0]`, `ROUTES_2[0]`. */
  readonly option: string;
  /** The first of `buckets`. */
  readonly bucket: Bucket;
  /** In the order in which they are tried. A bucket is asked only if the object is missing in all before it. */
  readonly buckets: readonly Bucket[];
  /** The presets that it shows. Undefined means all. */
  readonly presets: ReadonlySet<string> | undefined;
  /** Whether an SVG may be passed on. */
  readonly svg: boolean;
  /** Whether it also shows the facts of its pictures as JSON, such as width and height. */
  readonly facts: boolean;
  /** Whether the store, an R2 bucket for finished pictures, may hold its pictures. */
  readonly store: boolean;
  /** Undefined if its URLs are not signed. */
  readonly signing: Signing | undefined;
  /** What a token of a login must say to open the route. One rule that it obeys is enough. Undefined: none is needed. */
  readonly tokenRules: readonly TokenRule[] | undefined;
  /** The origins of the pages that may embed its images. Undefined means all. */
  readonly origins: ReadonlySet<string> | undefined;
  /** Whether scripts of all pages may read its answers. A route that is signed, or has `origins`, never lets them. */
  readonly cors: boolean;
  readonly fallback: Fallback | undefined;
  /** For how long its pictures are kept. */
  readonly policy: RoutePolicy;
};

/** A text `BUCKET/key` of a route, split at its first slash. */
type ObjectPattern = {
  readonly bucketName: string;
  /** Undefined if `BUCKETS` has no such bucket, or if it has mistakes there. */
  readonly bucket: Bucket | undefined;
  /** What follows the slash: a key below the bucket's prefix, or a pattern of keys. */
  readonly template: string;
};

/** A route while it is checked. */
type PartialRoute = PartialTable<ReturnType<typeof routeOptions>>;

/** For how long a signed URL may be valid by default, in seconds: a week. */
const DEFAULT_VALIDITY_S = 604_800;

/**
 * Returns the routes. If any of them has a mistake, it is reported, and there are none.
 * @param answers undefined if `[vars.ANSWERS]` has mistakes
 */
export function readRoutes(
  vars: Vars,
  buckets: Tables<Bucket>,
  presets: Tables<Preset>,
  answers: Answers | undefined,
  report: ReportMistake,
): BoundRoute[] {
  // For each form of a path, such as `/images/:/*`, the first path of this form.
  const firstPaths = new Map<string, string>();
  const routes = readTables(vars, routeSchema(vars, buckets, presets, firstPaths), report);
  if (!routes) {
    // All mistakes are reported at once. So if a route is signed, those of its keys are reported, too.
    if (hasSignedTable(vars)) readUrlKeys(vars, report);
    return [];
  }

  // Without a signed route, the secret of the keys may be missing.
  const hasSignedRoute = routes.some(({ settings }) => settings.signed);
  const keys: Signing["keys"] = hasSignedRoute ? readUrlKeys(vars, report) : new Map();

  const boundRoutes: BoundRoute[] = [];
  for (const { option, settings } of routes) {
    const { path, presets: presetNames, svg, facts, store } = settings;
    const { signed, cookie, origins, cors } = settings;

    // `object` is one pattern or a list of patterns.
    const patterns = [settings.object].flat();
    const objects = patterns.map((pattern) => parseObjectPattern(pattern, buckets));
    const [first] = objects;

    // If the first bucket has mistakes in BUCKETS, or ANSWERS has some, these are reported, and nothing is served.
    if (!first?.bucket || !answers) continue;

    const routeBuckets = objects.map(({ bucket }) => bucket);
    const maxAge = settings.max_age ?? DEFAULT_VALIDITY_S;

    let fallback: Fallback | undefined;
    if (settings.fallback) {
      const { bucket, template } = parseObjectPattern(settings.fallback, buckets);
      if (bucket) fallback = { bucket, key: bucket.prefix + template };
    }

    boundRoutes.push({
      // `checkPublicPath` has compiled this route and reported its mistakes. It is compiled again for the result.
      ...compileRoute(path, first.template, report),
      option,
      bucket: first.bucket,
      buckets: routeBuckets.filter((bucket) => bucket !== undefined),
      presets: presetNames ? new Set(presetNames) : undefined,
      svg,
      facts,
      store,
      signing: signed ? { keys, maxAge, cookie } : undefined,
      tokenRules: settings.token,
      origins: origins ? new Set(origins) : undefined,
      cors,
      fallback,
      policy: routePolicy(settings.answers, answers, settings.token !== undefined),
    });
  }
  return boundRoutes;
}

/** The table of a route, checked, and where it stands. */
type RouteTable = {
  readonly option: string;
  readonly settings: Infer<ReturnType<typeof routeSchema>>;
};

/** Reads the tables of `ROUTES`, then those of `ROUTES_2`. @returns undefined if any of them has a mistake */
function readTables(
  vars: Vars,
  schema: ReturnType<typeof routeSchema>,
  report: ReportMistake,
): RouteTable[] | undefined {
  const { ROUTES: routes, ROUTES_2: moreRoutes } = vars;
  const readList = (value: unknown, variable: string): RouteTable[] | undefined => {
    const list = listOf(schema)(value, variable, report);
    return list?.map((settings, index) => ({ option: `${variable}[${index}]`, settings }));
  };

  // Without ROUTES, only that is reported, and what is wrong in ROUTES_2.
  const isMisnamed = routes === undefined && moreRoutes !== undefined;
  if (isMisnamed) report("ROUTES_2", "stands behind ROUTES, which is missing: rename it to ROUTES");
  const tables = isMisnamed ? undefined : readList(parseJson(routes), "ROUTES");

  // ROUTES_2 may be an empty list: with it, a .dev.vars removes the routes of ROUTES_2 from the local run.
  const moreTables = moreRoutes === undefined ? [] : parseJson(moreRoutes);
  const isEmpty = Array.isArray(moreTables) && moreTables.length === 0;
  const more = isEmpty ? [] : readList(moreTables, "ROUTES_2");

  if (!tables || !more) return undefined;
  return [...tables, ...more];
}

/** Returns whether any route says `signed = true`, although the tables of the routes have mistakes. */
function hasSignedTable(vars: Vars): boolean {
  return writtenRoutes(vars).some(({ value }) => tableOf(value)["signed"] === true);
}

/**
 * Returns the schema of one route.
 * @param firstPaths the paths of the routes before, by their form. The schema adds the path of each route that it reads
 */
function routeSchema(
  vars: Vars,
  buckets: Tables<Bucket>,
  presets: Tables<Preset>,
  firstPaths: Map<string, string>,
) {
  return table(routeOptions(vars, presets), (route, addMistake) => {
    // If `signed` itself has a mistake, it is undefined, and that mistake is enough.
    if (route.signed === false) {
      if (route.max_age) addMistake("needs signed = true", "max_age");
      if (route.cookie) addMistake("needs signed = true", "cookie");
    }

    if (route.cors) checkOpen(route, addMistake);
    if (route.token) checkPrivate(route, addMistake);

    const template = checkObjects(route, buckets, addMistake);
    checkPublicPath(route, template, firstPaths, addMistake);

    const { token, path } = route;
    if (token && path) checkClaimNames(token, path, template, addMistake);
  });
}

/** Checks that a route with `cors`, whose answers all pages may read, limits nobody in another way. */
function checkOpen({ signed, cookie, origins }: PartialRoute, addMistake: AddMistake): void {
  if (origins) {
    addMistake("is for all pages: remove it, the pages of origins may read the images", "cors");
  }

  // A cookie without `signed` is a mistake of its own.
  if (signed || cookie) {
    const remedy = "in its place, write the pages that may read the images into origins";
    addMistake(`is for routes that are not signed: ${remedy}`, "cors");
  }
}

/** Checks that a route with `token`, which shows each visitor their own pictures, has no option for other routes. */
function checkPrivate(
  { signed, cors, origins, answers }: PartialRoute,
  addMistake: AddMistake,
): void {
  if (signed) addMistake("opens a route alone: remove it, or signed", "token");

  // With `origins`, `checkOpen` has reported `cors` already.
  if (cors && !origins) {
    const remedy = "in its place, write the pages that may read the images into origins";
    addMistake(`is for routes that need no token: ${remedy}`, "cors");
  }

  // After a logout, the browser has to ask again.
  if (answers?.immutable) {
    addMistake("is for routes that need no token: remove immutable", "answers");
  }
}

/** For how long a signed URL may be valid at most, in seconds: ten years. */
const MAX_VALIDITY_S = 315_360_000;

export function routeOptions(vars: Vars, presets: Tables<Preset>) {
  // If PRESETS is missing, only that is reported: any name of a preset passes then.
  const presetName = presets.size > 0 ? oneOf(...presets.keys()) : text;

  const options = {
    path: text,
    object: choose(Array.isArray, listOf(text), text),
    fallback: optional(textThat("one object, without * and :name", isOneObject)),
    presets: optional(listOf(presetName)),
    svg: optional(boolean, false),
    facts: optional(boolean, false),
    store: optional(boolean, true),
    signed: optional(boolean, false),
    cookie: optional(boolean, false),
    max_age: optional(integer(1, MAX_VALIDITY_S, SECONDS)),
    origins: optional(listOf(textThat("an origin such as https://app.example", isOrigin))),
    cors: optional(boolean, false),
  };

  // In TOML, the tables of a route stand behind its options.
  const isOfRoute = (key: string) => Object.hasOwn(options, key);
  const answers = routeAnswersSchema(isOfRoute);
  const token = tokenSchema(vars["LOCAL_ISSUER"], isOfRoute);
  return { ...options, answers: optional(answers), token: optional(token) };
}

/** Returns whether a text is not a pattern: `media/none.jpg` is one object, `media/*` and `media/:id.jpg` are many. */
function isOneObject(value: string): boolean {
  const isPattern = /\*|:[A-Za-z]/.test(value);
  return value !== "" && !isPattern;
}

/** An origin, perhaps with a port that a browser would leave out. */
export const ORIGIN = /^https?:\/\/[\w.:[\]-]+$/;

/** Returns whether a text is an origin as browsers spell it: `https://app.example`, `http://[::1]:8080`. */
function isOrigin(value: string): boolean {
  const hasNoPath = ORIGIN.test(value);
  if (!hasNoPath) return false;

  return URL.parse(value)?.origin === value;
}

/**
 * Checks the objects of a route in their order, then its fallback.
 * @returns the key template that all objects of the route share. It is empty if `object` has a mistake
 */
function checkObjects(
  route: PartialRoute,
  buckets: Tables<Bucket>,
  addMistake: AddMistake,
): string {
  const { object = [], fallback, svg } = route;

  // `object` is one pattern or a list of patterns.
  const patterns = [object].flat();
  const [firstPattern = ""] = patterns;
  const sharedTemplate = parseObjectPattern(firstPattern, buckets).template;

  /** For each location (a bucket's URL and a prefix in it), the option that names it first, such as `object[0]`. */
  const firstOptions = new Map<string, string>();

  for (const [index, pattern] of patterns.entries()) {
    const option = typeof object === "string" ? "object" : `object[${index}]`;
    const objectPattern = checkObjectPattern(pattern, option, buckets, addMistake);
    if (!objectPattern) continue;

    const { bucketName, bucket, template } = objectPattern;

    // The operator may have written several objects as one text: `media/*, archive/*`, or without the space. That is
    // the key template `*, archive/*` of the bucket media, so `,archive/` is looked for in it.
    const compactTemplate = template.replaceAll(", ", ",");
    const secondName = [...buckets.keys()].find((name) => compactTemplate.includes(`,${name}/`));
    if (secondName) {
      addMistake(`has ${secondName}/ in its key: write several buckets as a list`, option);
    }

    // The Images binding reads no SVG (B4).
    if (svg && bucket?.engine === "binding") {
      addMistake(`bucket ${bucketName} has engine "binding", which has no SVGs: remove it`, "svg");
    }

    // All objects of a route have the same template. Another folder in a bucket is not set there, but by its `prefix`.
    if (template !== sharedTemplate) {
      const remedy = "for another folder, set prefix";
      addMistake(`needs "${sharedTemplate}" after ${bucketName}/, as object[0]: ${remedy}`, option);
    }

    // Two names in BUCKETS may lead to the same objects. A bucket with mistakes is known by its name alone.
    const location = bucket ? `${bucket.baseUrl} ${bucket.prefix}` : bucketName;
    const firstOption = firstOptions.get(location);
    if (firstOption) {
      addMistake(`has the objects of ${firstOption} before it: it is never asked`, option);
    } else {
      firstOptions.set(location, option);
    }
  }

  if (fallback) checkObjectPattern(fallback, "fallback", buckets, addMistake);
  return sharedTemplate;
}

/**
 * Splits a pattern, and reports a bucket that `BUCKETS` does not have, and a key that no object can have.
 * @returns undefined if the pattern is one word and no bucket's name. Only that is reported then, and not also that the
 *   key is missing
 */
function checkObjectPattern(
  pattern: string,
  option: string,
  buckets: Tables<Bucket>,
  addMistake: AddMistake,
): ObjectPattern | undefined {
  const objectPattern = parseObjectPattern(pattern, buckets);
  const { bucketName, bucket, template } = objectPattern;
  const hasSlash = pattern.includes("/");

  // If BUCKETS is missing, there is no first name. Only that is reported then, and no bucket as unknown.
  const [firstBucketName] = buckets.keys();
  if (firstBucketName && !buckets.has(bucketName)) {
    const hint = hasSlash ? "" : `: begin with one, ${firstBucketName}/${bucketName}`;
    addMistake(`"${bucketName}" is not in BUCKETS${hint}`, option);
  }

  if (!hasSlash && !bucket) return undefined;

  const prefix = bucket?.prefix ?? "";
  const fault = keyFault(prefix + template);
  if (fault) addMistake(`impossible key: ${fault}`, option);

  return objectPattern;
}

/** Checks the path of a route: alone, with the paths before it, and with the key that it leads to. */
function checkPublicPath(
  route: PartialRoute,
  template: string,
  firstPaths: Map<string, string>,
  addMistake: AddMistake,
): void {
  const { path, signed, cookie } = route;
  if (!path) return;

  const form = formOf(path);
  const firstPath = firstPaths.get(form);
  if (firstPath) {
    addMistake(`takes the same URLs as ${firstPath} before it: it is never reached`, "path");
  } else {
    firstPaths.set(form, path);
  }

  const compiledRoute = compileRoute(path, template, (option, message) => {
    addMistake(message, option);
  });

  // A cookie opens the folder with which the text of `*` begins, at every preset. So the path needs `:preset` and a
  // last `*`, and no other name. If the first of two names is not `:preset`, `compileRoute` has reported that.
  const { names } = compiledRoute.mapping.path;
  const isPresetAndRest = names.length === 2 && names[1] === REST;
  if (cookie && !isPresetAndRest) {
    addMistake("needs a path whose only names are :preset and a last *", "cookie");
  }

  // A signature covers the preset and the key. Whoever has a signed URL could change any other name in its path.
  if (!signed) return;
  for (const name of unusedNames(compiledRoute)) {
    addMistake(`${name} is not in object, so no signature covers it`, "path");
  }
}

/** Splits `BUCKET/key`, and finds its bucket. */
export function parseObjectPattern(pattern: string, buckets: Tables<Bucket>): ObjectPattern {
  const [bucketName = ""] = pattern.split("/", 1);
  const template = pattern.slice(bucketName.length + 1);
  return { bucketName, bucket: buckets.get(bucketName), template };
}
