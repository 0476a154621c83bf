import type { Bucket } from "./bucket.ts";
import { keyFault } from "./key.ts";
import type { Preset } from "./preset.ts";
import { compileRoute, type Route, unusedNames } from "./route.ts";
import {
  is,
  json,
  listOf,
  may,
  type Named,
  oneOf,
  type Report,
  table,
  text,
  type Vars,
  whole,
} from "./schema.ts";
import { signingKeysOf } from "./secrets.ts";
import type { Signing } from "./signature.ts";

/** A route with the bucket that it leads to. */
export type BoundRoute = Route & {
  readonly bucket: Bucket;
  /** The presets it shows; undefined: all. */
  readonly presets: ReadonlySet<string> | undefined;
  /** True where an SVG may be passed on. */
  readonly svg: boolean;
  /** What its URLs are signed with; undefined: they are not. */
  readonly signing: Signing | undefined;
  /** The origins of the pages that may embed what it shows; undefined: all. */
  readonly origins: ReadonlySet<string> | undefined;
};

/** Seconds: for how long a signed URL may be good, if the route does not say, and if it does. */
const WEEK = 604_800;
const TEN_YEARS = 315_360_000;

const flag = oneOf(true, false);

/** Reads `ROUTES`, in the order in which they are tried. */
export function readRoutes(
  vars: Vars,
  buckets: Named<Bucket>,
  presets: Named<Preset>,
  report: Report,
): BoundRoute[] {
  const routes = listOf(
    table(
      {
        path: text,
        object: text,
        presets: may(listOf(presets.size > 0 ? oneOf(...presets.keys()) : text)),
        svg: may(flag, false),
        signed: may(flag, false),
        max_age: may(whole(1, TEN_YEARS)),
        origins: may(
          listOf(
            is(
              "an origin such as https://app.example: small letters, no *, path, slash or usual port",
              isOrigin,
            ),
          ),
        ),
      },
      ({ path, object, signed, max_age }, fault) => {
        if (max_age !== undefined && signed === false) fault("is for signed routes", "max_age");
        const { name, template } = splitObject(object ?? "");
        if (object !== undefined) {
          if (buckets.size > 0 && !buckets.has(name)) {
            fault(`"${name}" is not in BUCKETS`, "object");
          }
          const wrong = keyFault((buckets.get(name)?.prefix ?? "") + template);
          if (wrong !== undefined) fault(`no object has such a key: ${wrong}`, "object");
        }
        if (path === undefined) return;
        const compiled = compileRoute(path, template, (at, message) => fault(message, at));
        for (const name of signed ? unusedNames(compiled) : []) {
          fault(`${name} is not in object, and a signature is of the object alone`, "path");
        }
      },
    ),
  )(json(vars["ROUTES"]), "ROUTES", report);
  const signs = routes?.some(({ signed }) => signed);
  const keys = signs ? signingKeysOf(vars, report) : new Map<string, never>();
  return (routes ?? []).flatMap(({ path, object, presets: shown, svg, ...rest }) => {
    const { name, template } = splitObject(object);
    const bucket = buckets.get(name);
    if (bucket === undefined) return [];
    const route = compileRoute(path, template, report);
    const { signed, max_age: maxAge = WEEK } = rest;
    return [
      {
        ...route,
        bucket,
        presets: shown && new Set(shown),
        svg,
        signing: signed ? { keys, maxAge } : undefined,
        origins: rest.origins && new Set(rest.origins),
      },
    ];
  });
}

/** As a browser spells it. */
function isOrigin(value: unknown): value is string {
  return (
    typeof value === "string" &&
    /^https?:\/\/[\w.:[\]-]+$/.test(value) &&
    URL.canParse(value) &&
    new URL(value).origin === value
  );
}

/** `BUCKET/key`, taken apart. */
function splitObject(object: string): { name: string; template: string } {
  const name = object.split("/", 1).join();
  return { name, template: object.slice(name.length + 1) };
}
