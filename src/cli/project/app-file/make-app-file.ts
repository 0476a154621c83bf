// Makes the TypeScript file for an app: the modules of the client in one, then the routes and presets.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Config } from "../../../worker/config/config.ts";
import type { Vars } from "../../../worker/config/schema.ts";
import { presetsOf } from "../deployed.ts";
import { joinModules } from "./join-modules.ts";
import { type AppFile, renderAppFile } from "./render-app-file.ts";

const SOURCES = join(import.meta.dirname, "../../..");

/** Each imports only from those before it. */
const MODULES = [
  "url/key.ts",
  "url/grammar.ts",
  "url/grant.ts",
  ...[
    "types",
    "dimensions",
    "site",
    "img",
    "index",
    "loader-url",
    "next",
    "nuxt",
    "unpic",
    "sign",
  ].map((name) => `client/${name}.ts`),
];
/** What package.json exports. */
const ENTRIES = ["index", "sign", "next", "nuxt", "unpic"].map((name) => `client/${name}.ts`);

/** @param vars with `PRESETS` as it is written */
export function makeAppFile(config: Config, vars: Vars, baseUrl: string): AppFile {
  const client = joinModules(MODULES.map(readModule), ENTRIES);
  return renderAppFile({ client, baseUrl, routes: config.routes, presets: presetsOf(vars) });
}

function readModule(file: string) {
  return { file, text: readFileSync(join(SOURCES, file), "utf8") };
}
