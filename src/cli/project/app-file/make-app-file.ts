// Makes the TypeScript file for an app: the modules of the client in one, then the routes and the presets.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { PresetShape } from "../../../client/types.ts";
import type { Config } from "../../../worker/config/config.ts";
import { type Preset, presetSchema } from "../../../worker/config/preset.ts";
import type { BoundRoute } from "../../../worker/config/routes.ts";
import type { Vars } from "../../../worker/config/schema.ts";
import { tableOf } from "../known-vars.ts";
import { joinModules } from "./join-modules.ts";
import { nameRoutes, type RouteName } from "./name-routes.ts";

const FIRST_LINE = "// Written by `npx vitrine client` from wrangler.toml.";
/** A file that begins with one of these may be replaced. Remove none: files in apps have them. */
export const FIRST_LINES = [
  FIRST_LINE,
  "// Written by `npm run client` of Vitrine from its wrangler.toml.", // 0.1.0
];

const HEADER = `${FIRST_LINE}
// Do not edit it: run that again after a change of the presets or the routes there.
/* eslint-disable */
`;

/** In the package, too: this file is as deep in dist/ as in src/. */
const SOURCES = join(import.meta.dirname, "../../../../src");

/** Each module imports only from those before it. */
const CLIENT = [
  ...["types", "dimensions", "site", "base-url", "img", "facts-url", "signed-src", "index"],
  ...["loader-url", "next", "nuxt", "unpic", "sign"],
];
const MODULES = [
  ...["key", "grammar", "grant"].map((name) => `url/${name}.ts`),
  ...CLIENT.map((name) => `client/${name}.ts`),
];
/** What package.json exports. */
const ENTRIES = ["index", "sign", "next", "nuxt", "unpic"].map((name) => `client/${name}.ts`);

/**
 * Only what makes a difference to a URL or an `<img>` gets into the file.
 * @param vars with `PRESETS` as it is written
 * @returns with the names of the clients, in the order of the routes, and the number of presets
 */
export function makeAppFile({ routes }: Pick<Config, "routes">, vars: Vars, baseUrl: string) {
  const client = joinModules(
    MODULES.map((file) => ({ file, text: readFileSync(join(SOURCES, file), "utf8") })),
    ENTRIES,
  );
  const shown = [...presetsOf(vars)].filter(([preset]) =>
    routes.some((route) => route.presets?.has(preset) ?? true),
  );
  // The client's code may use globals by their names.
  const taken = (name: string) =>
    client.names.has(name) || OWN.includes(name) || name in globalThis;
  const paths = routes.map(({ path }) => path);
  const names = nameRoutes(paths, taken);
  const table = shown.map(([name, preset]) => `  ${keyOf(name)}: ${literal(shapeOf(preset))},\n`);
  const all = shown.map(([name]) => name);
  const parts = [
    HEADER,
    client.text,
    "// From wrangler.toml\n",
    `const baseUrl = ${literal(baseUrl)};\nconst presets = {\n${table.join("")}} as const;\n`,
    ...names.flatMap((name, at) => (routes[at] ? [writeRoute(routes[at], name, all)] : [])),
  ];
  const clients = names.map(({ value }) => value);
  return { text: parts.join("\n"), clients, presets: shown.length };
}

export function presetsOf({ PRESETS: given }: Vars): ReadonlyMap<string, Preset> {
  const presets = new Map<string, Preset>();
  for (const [name, entry] of Object.entries(tableOf(given))) {
    const preset = presetSchema(entry, name, () => {});
    if (preset !== undefined) presets.set(name, preset);
  }
  return presets;
}

const OWN = ["baseUrl", "presets"];

function writeRoute(
  { path, mapping, presets, signing }: BoundRoute,
  { value, type }: RouteName,
  all: readonly string[],
): string {
  // An app need not know the bucket.
  const route = {
    path,
    object: `BUCKET/${mapping.key.parts.join("")}`,
    ...(presets && { presets }),
  };
  const shows = all.filter((preset) => presets?.has(preset) ?? true).map((name) => literal(name));
  const note = `They are signed: each needs the query that \`createSigner(${value}Site, keys)\` makes.`;
  return [
    `export const ${value}Site = /* @__PURE__ */ openSite({`,
    `  baseUrl,`,
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
