// Reads `ROUTES`, and connects each route with its bucket, presets and signing keys. Pure.

import { REST } from "../../url/grammar.ts";
import type { SigningKey } from "../../url/grant.ts";
import { keyFault } from "../../url/key.ts";
import { parseJson } from "../util/json.ts";
import type { Bucket } from "./bucket.ts";
import { compileRoute, formOf, type Route, unusedNames } from "./compile-route.ts";
import type { Preset } from "./preset.ts";
import { readUrlKeys } from "./read-secrets.ts";
import {
  boolean,
  choose,
  integer,
  listOf,
  oneOf,
  optional,
  type ReportMistake,
  SECONDS,
  type Tables,
  table,
  text,
  textLike,
  textThat,
  type Vars,
} from "./schema.ts";

/** What a signed route requires of its URLs. */
type Signing = {
  /** By kid. The first key signs. */
  readonly keys: ReadonlyMap<string, SigningKey>;
  /** How far ahead a URL may expire: s. */
  readonly maxAge: number;
  /** Whether a cookie opens the route, too. */
  readonly cookie: boolean;
};

/** The object that a route shows if it has no picture of the requested object. */
type Fallback = {
  readonly bucket: Bucket;
  /** The object's key, with the bucket's prefix. */
  readonly key: string;
};

/** A route and the buckets that it leads to. */
export type BoundRoute = Route & {
  /** The first of `buckets`. */
  readonly bucket: Bucket;
  /** In the order in which they are tried: each if the object is missing in those before it. */
  readonly buckets: readonly Bucket[];
  /** The presets it shows; undefined: all. */
  readonly presets: ReadonlySet<string> | undefined;
  /** Whether an SVG may be passed on. */
  readonly svg: boolean;
  /** Whether it shows the facts of its pictures, too. */
  readonly facts: boolean;
  /** Whether the store may hold its pictures. */
  readonly store: boolean;
  /** Undefined: its URLs are not signed. */
  readonly signing: Signing | undefined;
  /** The origins of the pages that may embed its images; undefined: all. */
  readonly origins: ReadonlySet<string> | undefined;
  readonly fallback: Fallback | undefined;
};

/** For how long a signed URL may be valid, by default and at most: s. */
const WEEK = 604_800;
const TEN_YEARS = 315_360_000;

export function readRoutes(
  vars: Vars,
  buckets: Tables<Bucket>,
  presets: Tables<Preset>,
  report: ReportMistake,
): BoundRoute[] {
  const schema = listOf(routeSchema(buckets, presets));
  const routes = schema(parseJson(vars["ROUTES"]), "ROUTES", report);
  const hasSigned = routes?.some(({ signed }) => signed);
  const keys = hasSigned ? readUrlKeys(vars, report) : new Map<string, never>();
  return (routes ?? []).flatMap(({ path, object, presets: presetNames, signed, ...options }) => {
    const objects = [object].flat().map((pattern) => parseObjectPattern(pattern, buckets));
    const [first] = objects;
    if (!first?.bucket) return []; // BUCKETS has the mistake
    const { svg, facts, store, cookie, origins, max_age: maxAge = WEEK } = options;
    const fallback = parseObjectPattern(options.fallback ?? "", buckets);
    const route: BoundRoute = {
      ...compileRoute(path, first.template, report), // reports nothing: routeSchema has compiled each route
      bucket: first.bucket,
      buckets: objects.flatMap(({ bucket }) => bucket ?? []),
      presets: presetNames && new Set(presetNames),
      svg,
      facts,
      store,
      signing: signed ? { keys, maxAge, cookie } : undefined,
      origins: origins && new Set(origins),
      fallback: fallback.bucket && {
        bucket: fallback.bucket,
        key: fallback.bucket.prefix + fallback.template,
      },
    };
    return [route];
  });
}

/** A schema for one list of routes. The schema also reports a route that an earlier route of the list hides. */
function routeSchema(buckets: Tables<Bucket>, presets: Tables<Preset>) {
  /** The path of the first route of each form. */
  const pathsByForm = new Map<string, string>();
  return table(
    {
      path: text,
      object: choose(Array.isArray, listOf(text), text),
      fallback: optional(textLike("one object, without * and :name", /^(?!.*(?:\*|:[A-Za-z]))./s)),
      presets: optional(listOf(presets.size > 0 ? oneOf(...presets.keys()) : text)),
      svg: optional(boolean, false),
      facts: optional(boolean, false),
      store: optional(boolean, true),
      signed: optional(boolean, false),
      cookie: optional(boolean, false),
      max_age: optional(integer(1, TEN_YEARS, SECONDS)),
      origins: optional(listOf(textThat("an origin such as https://app.example", isOrigin))),
    },
    ({ path, object, fallback, svg, signed, cookie, max_age }, addMistake) => {
      if (max_age && signed === false) addMistake("needs signed = true", "max_age");
      if (cookie && signed === false) addMistake("needs signed = true", "cookie");
      const shared = checkObjects(object ?? [], fallback, svg, buckets, addMistake);
      if (!path) return;
      const form = formOf(path);
      const earlier = pathsByForm.get(form);
      if (earlier)
        addMistake(`takes the same URLs as ${earlier} before it: it is never reached`, "path");
      else pathsByForm.set(form, path);
      const compiled = compileRoute(path, shared, (at, message) => addMistake(message, at));
      const { names } = compiled.mapping.path;
      if (cookie && !(names.length === 2 && names[1] === REST)) {
        addMistake("needs a path whose only names are :preset and a last *", "cookie");
      }
      for (const name of signed ? unusedNames(compiled) : []) {
        addMistake(`${name} is not in object, so no signature covers it`, "path");
      }
    },
  );
}

/** Checks a route's objects. A bucket of BUCKETS that has mistakes is undefined. @returns the template that all need */
function checkObjects(
  object: string | readonly string[],
  fallback: string | undefined,
  svg: boolean | undefined,
  buckets: Tables<Bucket>,
  addMistake: (message: string, option: string) => void,
): string {
  const [first] = buckets.keys();
  const shared = parseObjectPattern([object].flat()[0] ?? "", buckets).template;
  const locations = new Map<string, string>();
  const list =
    typeof object === "string"
      ? [["object", object] as const]
      : object.map((pattern, at) => [`object[${at}]`, pattern] as const);
  for (const [at, pattern] of [...list, ["fallback", fallback] as const]) {
    if (!pattern) continue;
    const { name, bucket, template } = parseObjectPattern(pattern, buckets);
    const hint = name === pattern ? `: begin with one, ${first}/${name}` : "";
    if (first && !buckets.has(name)) addMistake(`"${name}" is not in BUCKETS${hint}`, at);
    if (name === pattern && !bucket) continue; // one mistake is enough: its key is empty, too
    const reason = keyFault((bucket?.prefix ?? "") + template);
    if (reason) addMistake(`impossible key: ${reason}`, at);
    if (at === "fallback") continue;
    const compact = template.replaceAll(", ", ","); // "a/*, b/*" is one text with two buckets
    const second = [...buckets.keys()].find((bucketName) => compact.includes(`,${bucketName}/`));
    if (second) addMistake(`has ${second}/ in its key: write several buckets as a list`, at);
    if (bucket?.engine === "binding" && svg) {
      addMistake(`bucket ${name} has engine "binding", which has no SVGs: remove it`, "svg"); // B4
    }
    if (template !== shared) {
      const remedy = "for another folder, set prefix";
      addMistake(`needs "${shared}" after ${name}/, as object[0]: ${remedy}`, at);
    }
    const location = bucket ? `${bucket.baseUrl} ${bucket.prefix}` : name;
    const earlier = locations.get(location);
    if (earlier) addMistake(`has the objects of ${earlier} before it: it is never asked`, at);
    else locations.set(location, at);
  }
  return shared;
}

/** Returns whether a text is an origin as browsers spell it. */
function isOrigin(value: string): boolean {
  return /^https?:\/\/[\w.:[\]-]+$/.test(value) && URL.parse(value)?.origin === value;
}

/** Splits `BUCKET/key`. The template is what follows the slash: the key, or a pattern of keys. */
export function parseObjectPattern(object: string, buckets: Tables<Bucket>) {
  const [name = ""] = object.split("/", 1);
  return { name, bucket: buckets.get(name), template: object.slice(name.length + 1) };
}
