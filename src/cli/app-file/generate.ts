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

/** Where Vitrine is: its URL, or a variable of the app's environment, which a bundler or Node.js replaces. */
export type BaseUrl = string | EnvironmentVariable;
type EnvironmentVariable = { readonly code: string; readonly name: string };

/** The client as a file beside that of an app without the package: `npm run build` writes it. */
export const STANDALONE = "vitrine-client";

/** The names of each entry, in the order of Node.js. */
const ENTRIES = Object.entries({
  "vitrine/client": client,
  "vitrine/sign": signing,
  "vitrine/next": next,
  "vitrine/nuxt": nuxt,
  "vitrine/unpic": unpic,
  "vitrine/astro": astro,
  "vitrine/angular": angular,
}).map(([entry, module]) => [entry, Object.keys(module).sort()] as const);
const TAKEN = [...ENTRIES.flatMap(([, names]) => names), "baseUrl", "readBaseUrl", "presets"];

const FIRST_LINE = "// Written by `npx vitrine client` from wrangler.toml.\n";

export function isAppFile(text: string): boolean {
  return text.startsWith(FIRST_LINE.trimEnd());
}

/** Parses an expression that is only a variable of the environment. */
export function readVariable(code: string): EnvironmentVariable | undefined {
  const [, name] = /^(?:process|import\.meta)\.env\.([A-Za-z_]\w*)$/.exec(code) ?? [];
  return name === undefined ? undefined : { code, name };
}

/**
 * @param vars with the presets as they are written
 * @param isStandalone whether the app has the client beside this file, in place of the package
 * @returns with the names of the clients, in the order of the routes
 */
export function generateAppFile(
  { routes }: Pick<Config, "routes">,
  vars: Vars,
  baseUrl: BaseUrl,
  isStandalone = false,
) {
  const all = [...presetsOf(vars)].filter(([name]) => routes.some((route) => shows(route, name)));
  const names = nameRoutes(
    routes.map(({ path }) => path),
    // Code of an app may use globals by their names.
    (name) => TAKEN.includes(name) || name in globalThis,
  );
  const table = all.map(([name, preset]) => {
    const key = name === "__proto__" ? '["__proto__"]' : JSON.stringify(name); // else it sets the prototype
    return `  ${key}: ${JSON.stringify(shapeOf(preset))},\n`;
  });
  const clients = routes.flatMap((route, index) => {
    const presets = all.flatMap(([name]) => (shows(route, name) ? [name] : []));
    return names[index] ? [writeRoute(route, names[index], presets, baseUrl)] : [];
  });
  const text = [
    `${FIRST_LINE}// Do not edit it: run that again after a change of the presets or the routes there.\n/* eslint-disable */\n`,
    writeImports(isStandalone, typeof baseUrl !== "string"),
    typeof baseUrl === "string"
      ? `const baseUrl = ${JSON.stringify(baseUrl)};`
      : readLater(baseUrl),
    `const presets = {\n${table.join("")}} as const;\n`,
    ...clients,
  ].join("\n");
  return { text, clients: names.map(({ value }) => value) };
}

function shows({ presets }: BoundRoute, preset: string): boolean {
  return presets?.has(preset) ?? true;
}

/** Exports values by name: with `export *` from several packages, Nitro resolves all names to the first. */
function writeImports(isStandalone: boolean, isLater: boolean): string {
  const moduleOf = (entry: string) => (isStandalone ? `./${STANDALONE}.js` : entry);
  const exported = ENTRIES.map(
    ([entry, names]) => `export { ${names.join(", ")} } from "${moduleOf(entry)}";\n`,
  );
  const types = new Set(["vitrine/client", "vitrine/sign"].map(moduleOf));
  return `import { ${isLater ? "checkBaseUrl, " : ""}clientOf, openSite, type VariantOf } from "${moduleOf("vitrine/client")}";

${exported.join("")}${[...types].map((module) => `export type * from "${module}";\n`).join("")}`;
}

/** Bundlers replace the expression itself. An unset variable throws when the first URL is built. */
function readLater({ code, name }: EnvironmentVariable): string {
  return `function readBaseUrl(): string {
  let given: string | undefined;
  try {
    // @ts-ignore: the app may have no types for it, or strict ones
    given = ${code};
  } catch {} // outside of the app's bundler there may be no such object
  return checkBaseUrl(given, ${JSON.stringify(name)});
}
`;
}

/** The presets of a configuration, without those that have mistakes. */
export function presetsOf(vars: Vars): ReadonlyMap<string, Preset> {
  const presets = writtenPresets(vars).flatMap(({ name, value }) => {
    const preset = presetSchema(value, name, () => {});
    return preset === undefined ? [] : [[name, preset] as const];
  });
  return new Map(presets);
}

function writeRoute(
  boundRoute: BoundRoute,
  { value, type }: RouteName,
  presetNames: readonly string[],
  baseUrl: BaseUrl,
): string {
  const { path, mapping, presets, signing, facts } = boundRoute;
  const route = {
    path,
    object: `BUCKET/${mapping.key.parts.join("")}`, // an app need not know the bucket
    presets: presets && [...presets],
    signed: signing && true,
    cookie: signing?.cookie || undefined,
    max_age: signing?.maxAge,
    facts: facts || undefined,
  };
  return `export const ${value}Site = /* @__PURE__ */ openSite({
  ${typeof baseUrl === "string" ? "baseUrl" : "get baseUrl() {\n    return readBaseUrl();\n  }"},
  route: ${JSON.stringify(route)},
  presets,
});
/** The URLs of \`${path}\`.${accessNote(boundRoute, value)} */
export const ${value} = /* @__PURE__ */ clientOf(${value}Site);
export type ${type}Preset = ${presetNames.map((name) => JSON.stringify(name)).join(" | ")};
export type ${type}Variant = VariantOf<typeof presets, ${type}Preset>;
`;
}

/** Returns what an app has to do besides building the URLs of a route, as a sentence after a space. */
function accessNote({ signing, tokenRules }: BoundRoute, client: string): string {
  if (signing) {
    const cookie = signing.cookie ? ", or the cookie of `signCookie`" : "";
    return ` Each needs the query that \`createSigner(${client}Site, keys)\` makes${cookie}.`;
  }
  if (!tokenRules) return "";

  const names = tokenCookiesOf(tokenRules).map((name) => `\`${name}\``);
  const bearer = "`Authorization: Bearer`";
  if (names.length === 0) {
    return ` They open with a token of your login, which a fetch sends as ${bearer}: an <img> cannot.`;
  }
  const cookies = names.join(" or ");
  return ` They open with a token of your login. The browser has to send it in the cookie ${cookies}: an <img> on a page of the same site does, without \`crossorigin\`. A fetch may send it as ${bearer}.`;
}

/** Returns the cookies of which each opens a route, in the order of its rules. */
function tokenCookiesOf(rules: readonly TokenRule[]): string[] {
  const cookies = rules.map(({ cookie }) => cookie).filter((cookie) => cookie !== undefined);
  return [...new Set(cookies)];
}

/** What the client reads of a preset: `PresetShape`. What is undefined is not written. */
function shapeOf({ width, height, fit, rotate, trim, border, gravity, dpr, widths }: Preset) {
  const { color: _color, ...sides } = border ?? {};
  return {
    ...{ width, height, fit: fit === "scale-down" ? undefined : fit, rotate: rotate || undefined },
    ...{ trim: trim && true, border: border && sides, dpr, widths },
    ...(gravity === "object" && { gravity }),
  };
}

const RESERVED = new Set(
  `arguments await break case catch class const continue debugger default delete do else enum eval
  export extends false finally for function if implements import in instanceof interface let new null
  package private protected public return static super switch this throw true try typeof var void while
  with yield`.split(/\s+/),
);

type RouteName = { readonly value: string; readonly type: string };

/**
 * Names each route after the first literal segment of its path: `/my-photos/:preset/*` is `myPhotos`; without
 * such a segment it is `root`. A reserved word gets the suffix `Images`: `privateImages`. A name that an earlier
 * route has gets a number: `images2`.
 * @param isTaken whether a name has another meaning in the file
 */
export function nameRoutes(
  paths: readonly string[],
  isTaken: (name: string) => boolean,
): readonly RouteName[] {
  const used = new Set<string>();
  return paths.map((path) => {
    const id = identifierOf(path);
    const name = RESERVED.has(id) || isTaken(id) ? `${id}Images` : id;
    for (let count = 1; ; count += 1) {
      const value = count === 1 ? name : name + count;
      const type = capitalized(value);
      const names = [value, `${value}Site`, `${type}Preset`, `${type}Variant`];
      if (names.some((name) => used.has(name) || isTaken(name))) continue;
      for (const name of names) used.add(name);
      return { value, type };
    }
  });
}

function identifierOf(path: string): string {
  const segments = path.split("/").filter((segment) => !/^[:*]/.test(segment));
  const parts = segments.map((segment) => segment.normalize().match(/(?:(?!_)\p{ID_Continue})+/gu));
  const [first = "", ...rest] = parts.find((one) => one !== null) ?? ["root"];
  const begin = first.replace(/^./u, (letter) => letter.toLowerCase());
  const name = [begin, ...rest.map(capitalized)].join("");
  return /^\p{ID_Start}/u.test(name) ? name : `route${name}`;
}

function capitalized(text: string): string {
  return text.replace(/^./u, (letter) => letter.toUpperCase());
}
