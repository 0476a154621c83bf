// Makes the JSON Schema with which an editor checks a wrangler.toml or wrangler.jsonc: that of wrangler, in which `vars` has
// the settings of Vitrine, each with the text that docs/configuration.md has for it. Part of `npm run build`.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { build, type Plugin } from "esbuild";
import { readDescriptions, withDescriptions } from "./descriptions.ts";
import { type JsonSchema, propertiesOf } from "./record.ts";

const SRC = join(import.meta.dirname, "..");
const RECORD = join(import.meta.dirname, "record.ts");
const VARS = "VitrineVars";

/** The parts of wrangler's schema that are changed. */
type WranglerSchema = JsonSchema & {
  readonly definitions: Readonly<Record<string, JsonSchema>>;
};

/** Returns the whole schema. It holds wrangler's own, since an editor that finds no second file checks nothing. */
export async function wranglerSchema(): Promise<WranglerSchema> {
  const wrangler = readWranglerSchema();
  const vars = await varsSchema();

  const definitions: Record<string, JsonSchema> = { ...wrangler.definitions, [VARS]: vars };
  for (const name of ["RawConfig", "RawEnvironment"]) {
    definitions[name] = withVars(wrangler.definitions[name], name);
  }
  return {
    $comment: "All but vars is of wrangler, by Cloudflare, Inc.: MIT OR Apache-2.0.",
    ...wrangler,
    title: "wrangler, with the vars of Vitrine",
    definitions,
  };
}

function readWranglerSchema(): WranglerSchema {
  const manifest = createRequire(import.meta.url).resolve("wrangler/package.json");
  const text = readFileSync(join(manifest, "../config-schema.json"), "utf8");
  // VS Code shows `description`, too. Without the second form, the file has half the size.
  return JSON.parse(text, (key, value: unknown) => {
    return key === "markdownDescription" ? undefined : value;
  });
}

/** The table of wrangler's schema whose key `vars` takes any value, with that of Vitrine. */
function withVars(schema: JsonSchema | undefined, name: string): JsonSchema {
  const properties = propertiesOf(schema ?? {});
  if (!Object.hasOwn(properties, "vars")) throw new Error(`wrangler's ${name} has no vars`);
  return { ...schema, properties: { ...properties, vars: { $ref: `#/definitions/${VARS}` } } };
}

/** The schema of `vars`. Other variables than those of Vitrine may have any value. */
export async function varsSchema(): Promise<JsonSchema> {
  const page = readFileSync(join(SRC, "../docs/configuration.md"), "utf8");
  const properties = withDescriptions(await loadVarsSchemas(), readDescriptions(page));
  return {
    type: "object",
    description: "The settings of Vitrine, and other variables of the Worker.",
    properties,
  };
}

/** Each file gets `record.ts` in place of the Worker's checks, which `record.ts` alone gets. */
const WITH_RECORD: Plugin = {
  name: "record",
  setup: ({ onResolve }) => {
    onResolve({ filter: /\/schema\.ts$/ }, ({ importer }) => {
      return importer === RECORD ? undefined : { path: RECORD };
    });
  },
};

async function loadVarsSchemas(): Promise<Readonly<Record<string, JsonSchema>>> {
  const { outputFiles } = await build({
    ...{ entryPoints: [join(SRC, "editor/vars.ts")], plugins: [WITH_RECORD], write: false },
    ...{ bundle: true, format: "esm", platform: "node", logLevel: "warning" },
  });
  const code = outputFiles[0]?.text ?? "";
  const url = `data:text/javascript;base64,${Buffer.from(code).toString("base64")}`;
  const { varsSchemas }: typeof import("./vars.ts") = await import(url);
  return varsSchemas();
}
