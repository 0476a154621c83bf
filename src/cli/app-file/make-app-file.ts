// Makes the TypeScript file for an app: the modules of the client in one, then the routes and the presets.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { PresetShape } from "../../client/types.ts";
import type { Config } from "../../worker/config/config.ts";
import { type Preset, presetSchema } from "../../worker/config/preset.ts";
import type { BoundRoute } from "../../worker/config/routes.ts";
import type { Vars } from "../../worker/config/schema.ts";
import { PACKAGE_ROOT } from "../command.ts";
import { tableOf } from "../config/environment-config.ts";
import { type Expression, type Where, type Written, writeHeader } from "./header.ts";
import { type Joined, joinModules } from "./join-modules.ts";
import { nameRoutes, type RouteName } from "./name-routes.ts";

/** In the package, too: this file is as deep in dist/ as in src/. */
const SOURCES = join(PACKAGE_ROOT, "src");

/** Each module imports only from those before it. */
const CLIENT = [
  ...["types", "dimensions", "site", "base-url", "img", "facts-url", "signed-src", "index"],
  ...["loader-url", "next", "nuxt", "unpic", "sign"],
];
const MODULES = [
  ...["key", "grammar", "grant"].map((name) => `url/${name}.ts`),
  ...CLIENT.map((name) => `client/${name}.ts`),
];
/** What package.json exports, by the modules. */
const ENTRIES = {
  "client/index.ts": "vitrine/client",
  "client/sign.ts": "vitrine/sign",
  "client/next.ts": "vitrine/next",
  "client/nuxt.ts": "vitrine/nuxt",
  "client/unpic.ts": "vitrine/unpic",
};

/** What the file needs besides the configuration. */
type AppFileOptions = {
  /** Whether the app has the package: the file imports the client then, and exports the same names. */
  readonly hasPackage?: boolean;
  /** What it was written with. */
  readonly written?: Written;
};

/**
 * Only what makes a difference to a URL or an `<img>` gets into the file.
 * @param vars with `PRESETS` as it is written
 * @returns with the names of the clients, in the order of the routes, and the number of presets
 */
export function makeAppFile(
  { routes }: Pick<Config, "routes">,
  vars: Vars,
  baseUrl: Exclude<Where, undefined>,
  { hasPackage = false, written = {} }: AppFileOptions = {},
) {
  const client = joinModules(
    MODULES.map((file) => ({ file, text: readFileSync(join(SOURCES, file), "utf8") })),
    Object.keys(ENTRIES),
  );
  const shown = [...presetsOf(vars)].filter(([preset]) =>
    routes.some((route) => route.presets?.has(preset) ?? true),
  );
  // The client's code may use globals by their names. In both forms a route has the same name.
  const taken = (name: string) =>
    client.names.has(name) || OWN.includes(name) || name in globalThis;
  const paths = routes.map(({ path }) => path);
  const names = nameRoutes(paths, taken);
  const table = shown.map(([name, preset]) => `  ${keyOf(name)}: ${literal(shapeOf(preset))},\n`);
  const all = shown.map(([name]) => name);
  const isLater = typeof baseUrl !== "string";
  const parts = [
    writeHeader(written),
    hasPackage ? writeImports(client, isLater) : client.text,
    "// From wrangler.toml\n",
    isLater ? readLater(baseUrl.from) : `const baseUrl = ${literal(baseUrl)};`,
    `const presets = {\n${table.join("")}} as const;\n`,
    ...names.flatMap((name, at) =>
      routes[at] ? [writeRoute(routes[at], name, all, isLater)] : [],
    ),
  ];
  const clients = names.map(({ value }) => value);
  return { text: parts.join("\n"), clients, presets: shown.length };
}

/** Returns whether a file of this command imports the package. */
export function importsPackage(text: string): boolean {
  return /^import .* from "vitrine\/client";$/m.test(text);
}

/** By their names: with `export *` from several packages, Nitro takes all names for those of the first. */
function writeImports({ exports }: Joined, isLater: boolean): string {
  const used = [...(isLater ? ["checkBaseUrl"] : []), "clientOf", "openSite", "type VariantOf"];
  const exported = Object.entries(ENTRIES).map(([file, entry]) => {
    const names = [...(exports.get(file) ?? [])].map(([name, isType]) =>
      isType ? `type ${name}` : name,
    );
    return `export { ${names.join(", ")} } from "${entry}";\n`;
  });
  return `import { ${used.join(", ")} } from "vitrine/client";\n\n${exported.join("")}`;
}

/** Bundlers replace the expression where it stands. An unset variable is told when the first URL is made. */
function readLater({ code, name }: Expression): string {
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

const OWN = ["baseUrl", "readBaseUrl", "presets"];

function writeRoute(
  { path, mapping, presets, signing, facts }: BoundRoute,
  { value, type }: RouteName,
  all: readonly string[],
  isLater: boolean,
): string {
  // An app need not know the bucket.
  const route = {
    path,
    object: `BUCKET/${mapping.key.parts.join("")}`,
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
