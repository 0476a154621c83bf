// Makes the TypeScript file for an app: the routes and the presets of the configuration, with their types. The code is
// the client's, which the file imports and exports again. Only what makes a difference to a URL or an `<img>` gets in.

import * as client from "../../client/index.ts";
import * as next from "../../client/next.ts";
import * as nuxt from "../../client/nuxt.ts";
import * as signing from "../../client/sign.ts";
import type { PresetShape } from "../../client/types.ts";
import * as unpic from "../../client/unpic.ts";
import { tableOf } from "../../worker/base/json.ts";
import type { Config } from "../../worker/config/config.ts";
import { type Preset, presetSchema } from "../../worker/config/preset.ts";
import type { BoundRoute } from "../../worker/config/routes.ts";
import type { Vars } from "../../worker/config/schema.ts";
import { nameRoutes, type RouteName } from "./name-routes.ts";

/** Where Vitrine is: its URL, or a variable of the app's environment, which a bundler or Node.js replaces. */
export type BaseUrl = string | EnvironmentVariable;
type EnvironmentVariable = {
  /** `process.env.IMAGES_URL`. */
  readonly code: string;
  /** `IMAGES_URL`. */
  readonly name: string;
};

/** The file that an app without the package has beside its own: `npm run build` makes it. */
export const STANDALONE = "vitrine-client";

/** What an app may use of the client, by the entries of the package. */
const ENTRIES: readonly (readonly [entry: string, names: readonly string[]])[] = [
  ["vitrine/client", Object.keys(client)],
  ["vitrine/sign", Object.keys(signing)],
  ["vitrine/next", Object.keys(next)],
  ["vitrine/nuxt", Object.keys(nuxt)],
  ["vitrine/unpic", Object.keys(unpic)],
];
const TAKEN = [...ENTRIES.flatMap(([, names]) => names), "baseUrl", "readBaseUrl", "presets"];

const HEADER = `// Written by \`npx vitrine client\` from wrangler.toml.
// Do not edit it: run that again after a change of the presets or the routes there.
/* eslint-disable */
`;

/** Returns whether \`vitrine client\` wrote a file. That of 0.1.0 was \`npm run client\`. */
export function isAppFile(text: string): boolean {
  return /^\/\/ Written by `(?:npx vitrine|npm run) client` /.test(text);
}

/** Reads an expression that is a variable of the environment, and nothing else. */
export function readVariable(code: string): EnvironmentVariable | undefined {
  const [, name] = /^(?:process|import\.meta)\.env\.([A-Za-z_]\w*)$/.exec(code) ?? [];
  return name === undefined ? undefined : { code, name };
}

/**
 * @param vars with `PRESETS` as it is written
 * @param isStandalone whether the app has the client beside this file, in place of the package
 * @returns with the names of the clients, in the order of the routes, and the number of presets
 */
export function makeAppFile(
  { routes }: Pick<Config, "routes">,
  vars: Vars,
  baseUrl: BaseUrl,
  isStandalone = false,
) {
  const shown = [...presetsOf(vars)].filter(([preset]) =>
    routes.some((route) => route.presets?.has(preset) ?? true),
  );
  // Code of an app may use globals by their names.
  const isTaken = (name: string) => TAKEN.includes(name) || name in globalThis;
  const paths = routes.map(({ path }) => path);
  const names = nameRoutes(paths, isTaken);
  const table = shown.map(([name, preset]) => `  ${keyOf(name)}: ${literal(shapeOf(preset))},\n`);
  const all = shown.map(([name]) => name);
  const isLater = typeof baseUrl !== "string";
  const parts = [
    HEADER,
    writeImports(isStandalone, isLater),
    isLater ? readLater(baseUrl) : `const baseUrl = ${literal(baseUrl)};`,
    `const presets = {\n${table.join("")}} as const;\n`,
    ...names.flatMap((name, at) =>
      routes[at] ? [writeRoute(routes[at], name, all, isLater)] : [],
    ),
  ];
  const clients = names.map(({ value }) => value);
  return { text: parts.join("\n"), clients, presets: shown.length };
}

/** Values by their names: with `export *` from several packages, Nitro takes all names for those of the first. */
function writeImports(isStandalone: boolean, isLater: boolean): string {
  const used = [...(isLater ? ["checkBaseUrl"] : []), "clientOf", "openSite", "type VariantOf"];
  const placeOf = (entry: string) => (isStandalone ? `./${STANDALONE}.js` : entry);
  const exported = ENTRIES.map(
    ([entry, names]) => `export { ${names.join(", ")} } from "${placeOf(entry)}";\n`,
  );
  const types = new Set(["vitrine/client", "vitrine/sign"].map(placeOf));
  return `import { ${used.join(", ")} } from "${placeOf("vitrine/client")}";

${exported.join("")}${[...types].map((place) => `export type * from "${place}";\n`).join("")}`;
}

/** Bundlers replace the expression where it stands. An unset variable is told when the first URL is made. */
function readLater({ code, name }: EnvironmentVariable): string {
  return `function readBaseUrl(): string {
  let given: string | undefined;
  try {
    // @ts-ignore: the app may have no types for it, or strict ones
    given = ${code};
  } catch {} // outside of the app's bundler there may be no such object
  return checkBaseUrl(given, ${literal(name)});
}
`;
}

export function presetsOf({ PRESETS: given }: Vars): ReadonlyMap<string, Preset> {
  const presets = new Map<string, Preset>();
  for (const [name, entry] of Object.entries(tableOf(given))) {
    const preset = presetSchema(entry, name, () => {});
    if (preset !== undefined) presets.set(name, preset);
  }
  return presets;
}

function writeRoute(
  { path, mapping, presets, signing, facts }: BoundRoute,
  { value, type }: RouteName,
  all: readonly string[],
  isLater: boolean,
): string {
  const route = {
    path,
    object: `BUCKET/${mapping.key.parts.join("")}`, // an app need not know the bucket
    ...(presets && { presets }),
    ...(signing && { signed: true }),
    ...(facts && { facts }),
  };
  const shows = all.filter((preset) => presets?.has(preset) ?? true).map((name) => literal(name));
  const note = `They are signed: each needs the query that \`createSigner(${value}Site, keys)\` makes.`;
  return [
    `export const ${value}Site = /* @__PURE__ */ openSite({`,
    isLater ? `  get baseUrl() {\n    return readBaseUrl();\n  },` : `  baseUrl,`,
    `  route: ${literal(route)},`,
    `  presets,`,
    `});`,
    signing ? `/**\n * The URLs of \`${path}\`. ${note}\n */` : `/** The URLs of \`${path}\`. */`,
    `export const ${value} = /* @__PURE__ */ clientOf(${value}Site);`,
    `export type ${type}Preset = ${shows.join(" | ")};`,
    `export type ${type}Variant = VariantOf<typeof presets, ${type}Preset>;\n`,
  ].join("\n");
}

function shapeOf({ width, height, fit, rotate, trim, border, dpr, widths }: Preset): PresetShape {
  const { color: _color, ...sides } = border ?? {};
  return {
    ...(width && { width }),
    ...(height && { height }),
    ...(fit !== "scale-down" && { fit }),
    ...(rotate && { rotate }),
    ...(trim && { trim: true }),
    ...(border && { border: sides }),
    ...(dpr && { dpr }),
    ...(widths && { widths }),
  };
}

function literal(value: unknown): string {
  if (value instanceof Set) return literal([...value]);
  if (Array.isArray(value)) return `[${value.map(literal).join(", ")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const entries = Object.entries(value).map(([key, entry]) => `${keyOf(key)}: ${literal(entry)}`);
  return `{ ${entries.join(", ")} }`;
}

function keyOf(name: string): string {
  if (name === "__proto__") return `["${name}"]`; // else it would set the prototype
  return /^[A-Za-z_]\w*$/.test(name) ? name : JSON.stringify(name);
}
