// Generates the TypeScript file for an app: the routes and the presets of the configuration, with their types. The file
// re-exports the client. Only options that make a difference to a URL or an `<img>` are in it.

import * as angular from "../../client/angular.ts";
import * as astro from "../../client/astro.ts";
import * as client from "../../client/index.ts";
import * as next from "../../client/next.ts";
import * as nuxt from "../../client/nuxt.ts";
import * as signing from "../../client/sign.ts";
import * as unpic from "../../client/unpic.ts";
import type { Config } from "../../worker/config/config.ts";
import { type Preset, presetSchema } from "../../worker/config/preset.ts";
import type { BoundRoute } from "../../worker/config/routes.ts";
import type { Vars } from "../../worker/config/schema.ts";
import { writtenPresets } from "../../worker/config/split-vars.ts";
import type { TokenRule } from "../../worker/config/token.ts";
import { nameRoutes, type RouteName } from "./name-routes.ts";

/** Where Vitrine is: its URL, or a variable of the app's environment, which a bundler or Node.js replaces. */
export type BaseUrl = string | EnvironmentVariable;

type EnvironmentVariable = {
  /** `process.env.IMAGES_URL` */
  readonly code: string;
  /** `IMAGES_URL` */
  readonly name: string;
};

/** The client as a file beside that of an app without the package: `npm run build` writes it. */
export const STANDALONE = "vitrine-client";

type Entry = {
  /** The path by which an app imports it. */
  readonly path: string;
  /** What it exports, without the types. */
  readonly exports: readonly string[];
};

/** The entries of the package that the file re-exports. */
const ENTRIES: readonly Entry[] = [
  entryOf("vitrine/client", client),
  entryOf("vitrine/sign", signing),
  entryOf("vitrine/next", next),
  entryOf("vitrine/nuxt", nuxt),
  entryOf("vitrine/unpic", unpic),
  entryOf("vitrine/astro", astro),
  entryOf("vitrine/angular", angular),
];

/** The order of the names is the same in all versions of Node.js. */
function entryOf(path: string, module: object): Entry {
  return { path, exports: Object.keys(module).sort() };
}

/** The names that the file declares or exports besides the clients. */
const TAKEN_NAMES = [
  ...ENTRIES.flatMap((entry) => entry.exports),
  "baseUrl",
  "readBaseUrl",
  "presets",
];

const FIRST_LINE = "// Written by `npx vitrine client` from wrangler.toml.";

/** Returns whether this command wrote a file. */
export function isAppFile(text: string): boolean {
  return text.startsWith(FIRST_LINE);
}

/** Parses an expression that is only a variable of the environment. */
export function readVariable(code: string): EnvironmentVariable | undefined {
  const match = /^(?:process|import\.meta)\.env\.(?<name>[A-Za-z_]\w*)$/.exec(code);
  const name = match?.groups?.["name"];
  return name === undefined ? undefined : { code, name };
}

export type AppFile = {
  readonly text: string;
  /** The names of the clients, in the order of the routes. */
  readonly clients: readonly string[];
};

/**
 * @param vars with the presets as they are written
 * @param isStandalone whether the app has the client beside this file, in place of the package
 */
export function generateAppFile(
  { routes }: Pick<Config, "routes">,
  vars: Vars,
  baseUrl: BaseUrl,
  isStandalone = false,
): AppFile {
  const presets = shownPresets(routes, vars);
  const paths = routes.map(({ path }) => path);
  const names = nameRoutes(paths, isTaken);

  const parts = [
    FIRST_LINE,
    "// Do not edit it: run that again after a change of the presets or the routes there.",
    "/* eslint-disable */",
    "",
    writeImports(isStandalone, baseUrl),
    writeBaseUrl(baseUrl),
    writePresets(presets),
  ];
  for (const [index, name] of names.entries()) {
    const route = routes[index];
    if (route !== undefined) parts.push(writeRoute(route, name, [...presets.keys()], baseUrl));
  }

  return { text: parts.join("\n"), clients: names.map(({ value }) => value) };
}

/** Code of an app may use globals by their names. */
function isTaken(name: string): boolean {
  return TAKEN_NAMES.includes(name) || name in globalThis;
}

/** The presets of a configuration, without those that have mistakes. */
export function presetsOf(vars: Vars): ReadonlyMap<string, Preset> {
  const presets = new Map<string, Preset>();
  for (const { name, value } of writtenPresets(vars)) {
    const preset = presetSchema(value, name, () => {});
    if (preset !== undefined) presets.set(name, preset);
  }
  return presets;
}

/** The presets that a route shows. */
function shownPresets(routes: readonly BoundRoute[], vars: Vars): ReadonlyMap<string, Preset> {
  const presets = new Map<string, Preset>();
  for (const [name, preset] of presetsOf(vars)) {
    if (routes.some((route) => shows(route, name))) presets.set(name, preset);
  }
  return presets;
}

function shows({ presets }: BoundRoute, preset: string): boolean {
  return presets === undefined || presets.has(preset);
}

/** Exports values by name: with `export *` from several packages, Nitro resolves all names to the first. */
function writeImports(isStandalone: boolean, baseUrl: BaseUrl): string {
  const modulePath = (path: string) => (isStandalone ? `./${STANDALONE}.js` : path);
  const imported = ["clientOf", "openSite", "type VariantOf"];
  if (typeof baseUrl !== "string") imported.unshift("checkBaseUrl");

  const lines = [`import { ${imported.join(", ")} } from "${modulePath("vitrine/client")}";`, ""];
  for (const { path, exports } of ENTRIES) {
    lines.push(`export { ${exports.join(", ")} } from "${modulePath(path)}";`);
  }

  // A standalone client is one module.
  const typeModules = new Set(["vitrine/client", "vitrine/sign"].map(modulePath));
  for (const module of typeModules) lines.push(`export type * from "${module}";`);
  return `${lines.join("\n")}\n`;
}

function writeBaseUrl(baseUrl: BaseUrl): string {
  if (typeof baseUrl === "string") return `const baseUrl = ${JSON.stringify(baseUrl)};`;

  // Bundlers replace the expression itself. An unset variable throws when the first URL is built.
  return `function readBaseUrl(): string {
  let given: string | undefined;
  try {
    // @ts-ignore: the app may have no types for it, or strict ones
    given = ${baseUrl.code};
  } catch {} // outside of the app's bundler there may be no such object
  return checkBaseUrl(given, ${JSON.stringify(baseUrl.name)});
}
`;
}

function writePresets(presets: ReadonlyMap<string, Preset>): string {
  const lines = ["const presets = {"];
  for (const [name, preset] of presets) {
    // Without the brackets, this key would set the prototype.
    const key = name === "__proto__" ? '["__proto__"]' : JSON.stringify(name);
    lines.push(`  ${key}: ${JSON.stringify(shapeOf(preset))},`);
  }
  lines.push("} as const;", "");
  return lines.join("\n");
}

/** What the client reads of a preset: `PresetShape`. What is undefined is not written. */
function shapeOf(preset: Preset) {
  const { width, height, fit, rotate, trim, border, gravity, dpr, widths } = preset;

  // The colour of a border changes no size.
  const { color: _color, ...borderSides } = border ?? {};
  return {
    width,
    height,
    fit: fit === "scale-down" ? undefined : fit,
    rotate: rotate || undefined,
    trim: trim && true,
    border: border && borderSides,
    dpr,
    widths,
    ...(gravity === "object" && { gravity }),
  };
}

/** @param presetNames of all presets in the file */
function writeRoute(
  route: BoundRoute,
  { value, type }: RouteName,
  presetNames: readonly string[],
  baseUrl: BaseUrl,
): string {
  const baseUrlField =
    typeof baseUrl === "string"
      ? "baseUrl"
      : `get baseUrl() {
    return readBaseUrl();
  }`;
  const routePresets = presetNames.filter((name) => shows(route, name));
  const presetType = routePresets.map((name) => JSON.stringify(name)).join(" | ");

  return `export const ${value}Site = /* @__PURE__ */ openSite({
  ${baseUrlField},
  route: ${JSON.stringify(routeShapeOf(route))},
  presets,
});
/** The URLs of \`${route.path}\`.${accessNote(route, value)} */
export const ${value} = /* @__PURE__ */ clientOf(${value}Site);
export type ${type}Preset = ${presetType};
export type ${type}Variant = VariantOf<typeof presets, ${type}Preset>;
`;
}

/** What the client reads of a route: `RouteShape`. What is undefined is not written. */
function routeShapeOf({ path, mapping, presets, signing, facts }: BoundRoute) {
  const keyPattern = mapping.key.parts.join("");
  return {
    path,
    // An app need not know the bucket.
    object: `BUCKET/${keyPattern}`,
    presets: presets && [...presets],
    signed: signing && true,
    cookie: signing?.cookie || undefined,
    max_age: signing?.maxAge,
    facts: facts || undefined,
  };
}

/** Returns what an app has to do besides building the URLs of a route, as a sentence after a space. */
function accessNote({ signing, tokenRules }: BoundRoute, clientName: string): string {
  if (signing?.cookie) {
    return ` Each needs the query that \`createSigner(${clientName}Site, keys)\` makes, or the cookie of \`signCookie\`.`;
  }
  if (signing !== undefined) {
    return ` Each needs the query that \`createSigner(${clientName}Site, keys)\` makes.`;
  }

  if (tokenRules === undefined) return "";

  const cookies = tokenCookiesOf(tokenRules);
  if (cookies.length === 0) {
    return " They open with a token of your login, which a fetch sends as `Authorization: Bearer`: an <img> cannot.";
  }

  const names = cookies.map((name) => `\`${name}\``).join(" or ");
  return ` They open with a token of your login. The browser has to send it in the cookie ${names}: an <img> on a page of the same site does, without \`crossorigin\`. A fetch may send it as \`Authorization: Bearer\`.`;
}

/** Returns the cookies of which each opens a route, in the order of its rules. */
function tokenCookiesOf(rules: readonly TokenRule[]): string[] {
  const cookies = new Set<string>();
  for (const { cookie } of rules) {
    if (cookie !== undefined) cookies.add(cookie);
  }
  return [...cookies];
}
