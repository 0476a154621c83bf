// vitrine url and vitrine sign: public URLs, as the Worker reads them.

import { Command, Option } from "@commander-js/extra-typings";
import { type Grant, signGrant } from "../grant.ts";
import { keyFault } from "../key.ts";
import type { Variant } from "../preset.ts";
import { publicPath } from "../route.ts";
import type { BoundRoute } from "../routes.ts";
import { findBaseUrl } from "./base-url.ts";
import { type Operator, readOperator } from "./operator.ts";
import type { Run } from "./program.ts";
import { align, EXIT, type Exit, type Fault, isFault, say, type World } from "./world.ts";

const KEY = "the object's key, below the prefix of its bucket";

/** What both commands are told. */
type Asked = {
  readonly key: string;
  /** A preset, or one of its variants; undefined: all that there are. */
  readonly preset?: string | undefined;
  /** The path of a route; undefined: the first that leads to the key. */
  readonly route?: string | undefined;
  readonly url?: string | undefined;
};

type Signed = Asked & {
  readonly expires: string;
  readonly v?: string | undefined;
  readonly envFile?: string | undefined;
};

export function urlCommand(world: World, run: Run) {
  return new Command("url")
    .description("prints the public URL of an object at a preset, or all of its URLs")
    .argument("<key>", KEY)
    .option("-p, --preset <name>", "a preset, or one of its variants, as card@2x; else all")
    .option(
      "-r, --route <path>",
      "the path of the route, as in wrangler.toml; else the first that leads there",
    )
    .option(
      "-u, --url <url>",
      "where Vitrine is; else the first domain under routes in wrangler.toml",
    )
    .addHelpText(
      "after",
      `
Examples:
  vitrine url photos/fig.jpg
  vitrine url photos/fig.jpg --preset card@2x
  vitrine url photos/fig.jpg --preset card --url http://localhost:8787`,
    )
    .action((key, options) => run(() => printUrls(world, { key, ...options })));
}

export function signCommand(world: World, run: Run) {
  return new Command("sign")
    .description("prints a signed URL, or one for every variant; the keys are URL_SIGNING_KEYS")
    .argument("<key>", KEY)
    .option("-p, --preset <name>", "a preset, or one of its variants, as card@2x; else all")
    .addOption(
      new Option(
        "-e, --expires <when>",
        "30s, 15m, 12h, 7d from now, or a date, as 2026-12-31T12:00:00Z",
      ).default("1h"),
    )
    .option("--v <version>", "another one for each content of the object, as its hash")
    .option(
      "-r, --route <path>",
      "the path of the route, as in wrangler.toml; else the first that leads there",
    )
    .option(
      "-u, --url <url>",
      "where Vitrine is; else the first domain under routes in wrangler.toml",
    )
    .option(
      "--env-file <file>",
      "where URL_SIGNING_KEYS stands; else the environment, or .dev.vars",
    )
    .addHelpText(
      "after",
      `
Examples:
  vitrine sign private/friends.jpg --preset hero --expires 1d
  vitrine sign private/friends.jpg --preset hero@640w --env-file secrets.env
  vitrine sign private/friends.jpg --url http://localhost:8787`,
    )
    .action((key, options) => run(() => printSigned(world, { key, ...options })));
}

function printUrls(world: World, asked: Asked): Exit | Fault {
  const operator = readOperator(world, asked);
  if (isFault(operator)) return operator;
  const found = findUrls(operator, asked, false);
  if (isFault(found)) return found;
  return print(
    world,
    found.paths.map(([variant, path]) => [variant, found.base + path]),
  );
}

async function printSigned(world: World, asked: Signed): Promise<Exit | Fault> {
  const operator = readOperator(world, asked);
  if (isFault(operator)) return operator;
  const found = findUrls(operator, asked, true);
  if (isFault(found)) return found;
  const now = world.now();
  const expires = readExpiry(asked.expires, now);
  if (isFault(expires)) return expires;
  if (asked.v !== undefined && !/^[\w.-]{1,64}$/.test(asked.v)) {
    return { fault: "--v is 1 to 64 letters, digits, dots, - and _" };
  }
  const { route, base, paths } = found;
  const most = route.signing?.maxAge ?? 0;
  if (expires > Math.floor(now / 1000) + most) {
    return {
      fault: `--expires ${asked.expires}: the route's max_age is ${most} s, and a URL may live no longer`,
    };
  }
  const rows: [string, string][] = [];
  for (const [variant, path] of paths) {
    const preset = operator.config.variants.get(variant)?.preset ?? "";
    const grant = {
      preset,
      key: asked.key,
      expires,
      ...(asked.v !== undefined && { version: asked.v }),
    };
    const query = await queryFor(operator, route, grant);
    if (isFault(query)) return query;
    rows.push([variant, base + path + query]);
  }
  return print(world, rows);
}

/** What signs a URL of a signed route. */
export async function queryFor(
  operator: Operator,
  { path, signing }: BoundRoute,
  grant: Omit<Grant, "route">,
): Promise<string | Fault> {
  const [first] = signing?.keys.values() ?? [];
  if (first === undefined || !operator.secrets.has("URL_SIGNING_KEYS")) {
    return {
      fault:
        "URL_SIGNING_KEYS is not at hand: put it into the environment, or name a file with --env-file",
    };
  }
  return signGrant({ route: path, ...grant }, first);
}

function print(world: World, rows: readonly (readonly [variant: string, url: string])[]): Exit {
  const [first, ...more] = rows;
  if (first !== undefined && more.length === 0) say(world.stdout, first[1]);
  else say(world.stdout, ...align(rows));
  return EXIT.done;
}

type Urls = {
  readonly route: BoundRoute;
  readonly base: string;
  /** By variant, encoded. */
  readonly paths: readonly (readonly [variant: string, path: string])[];
};

function findUrls(operator: Operator, asked: Asked, signed: boolean): Urls | Fault {
  const base = findBaseUrl(asked.url, operator.known.patterns, "--url");
  if (isFault(base)) return base;
  const fault = keyFault(asked.key);
  if (fault !== undefined) return { fault: `"${asked.key}" is no key: ${fault}` };
  const routes = routesTo(operator, asked);
  if (isFault(routes)) return routes;
  const route = routes.find(({ signing }) => (signing !== undefined) === signed);
  if (route === undefined) {
    const paths = routes.map(({ path }) => path).join(", ");
    return {
      fault: signed
        ? `${paths}: is not signed: vitrine url gives its URLs`
        : `${paths}: shows signed URLs alone: vitrine sign makes them`,
    };
  }
  const variants = variantsOf(operator, route, asked.preset);
  if (variants.length === 0) {
    const shown = variantsOf(operator, route).filter((name) => !name.includes("@"));
    return { fault: `${route.path} shows no "${asked.preset}": it has ${shown.join(", ")}` };
  }
  const paths = variants.map(
    (variant) => [variant, pathOf(operator, route, variant, asked.key) ?? ""] as const,
  );
  return { route, base, paths };
}

/** The routes that lead to a key, in their order. */
function routesTo(operator: Operator, { key, route: wanted }: Asked): BoundRoute[] | Fault {
  const { routes, variants } = operator.config;
  const named = wanted === undefined ? routes : routes.filter(({ path }) => path === wanted);
  if (named.length === 0) {
    return {
      fault: `there is no route ${wanted}: there are ${routes.map(({ path }) => path).join(", ")}`,
    };
  }
  const leading = named.filter((route) =>
    [...variants.keys()].some((variant) => pathOf(operator, route, variant, key) !== undefined),
  );
  if (leading.length > 0) return leading;
  const inside = named.find(({ bucket }) => bucket.prefix !== "" && key.startsWith(bucket.prefix));
  const hint = inside && `: a key is what follows the bucket's prefix, ${inside.bucket.prefix}`;
  return { fault: `no route leads to "${key}"${hint ?? ", or an earlier one takes its paths"}` };
}

/** The public path of a key, unless the route does not show that variant, or does not lead to it. */
export function pathOf({ config }: Operator, route: BoundRoute, variant: string, key: string) {
  const { preset } = config.variants.get(variant) ?? {};
  if (preset === undefined || route.presets?.has(preset) === false) return undefined;
  return publicPath(config.routes, route, variant, key);
}

/** The variants that a route shows: all, those of a preset, or the one that is named. */
export function variantsOf(
  { config: { variants } }: Operator,
  { presets }: BoundRoute,
  wanted?: string,
): string[] {
  const isShown = ([, { preset }]: [string, Variant]) => presets?.has(preset) ?? true;
  const shown = [...variants].filter(isShown).map(([name]) => name);
  return wanted === undefined ? shown : shown.filter((name) => name === wanted);
}

const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

/**
 * When a URL is to expire.
 * @param now milliseconds since 1970
 * @returns seconds since 1970
 */
export function readExpiry(text: string, now: number): number | Fault {
  const [, count, unit = ""] = /^(\d{1,9})([smhd])$/.exec(text) ?? [];
  const date = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN;
  const at =
    count === undefined
      ? Math.floor(date / 1000)
      : Math.floor(now / 1000) + Number(count) * (UNITS[unit] ?? 0);
  if (Number.isNaN(at)) {
    return {
      fault: `--expires ${text}: is neither a time such as 30s, 15m, 12h, 7d, nor a date such as 2026-12-31`,
    };
  }
  if (at <= Math.floor(now / 1000)) return { fault: `--expires ${text}: is over already` };
  return at;
}
