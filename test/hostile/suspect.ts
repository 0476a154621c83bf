// The attacked Workers: the real one, and those with a bug of BROKEN.

import { readFileSync } from "node:fs";
import { registerHooks, stripTypeScriptTypes } from "node:module";
import { fileURLToPath } from "node:url";
import { mistakeText } from "../../src/worker/base/refusal.ts";
import { BROKEN, type BrokenName, isBrokenName } from "./broken.ts";
import type { Bug, Edit } from "./bug.ts";
import type { Suspect } from "./property.ts";
import { CONFIG, install } from "./world.ts";

const SRC = new URL("../../src/", import.meta.url).href;
const RUNTIME = `${SRC}emulator/cache/cloudflare-workers.ts`;

// A module of src/ that is imported with the name of a bug gets the bug if its file has it, and passes
// the name on to its own imports.
registerHooks({
  resolve(specifier, context, nextResolve) {
    const found = nextResolve(specifier === "cloudflare:workers" ? RUNTIME : specifier, context);
    const bug = bugOf(context.parentURL);
    const own = bug !== undefined && found.url.startsWith(SRC);
    return own ? { ...found, url: urlOf(found.url, bug) } : found;
  },
  load(url, context, nextLoad) {
    const bug = bugOf(url);
    if (bug === undefined) return nextLoad(url, context);
    const edits = editsOf(bug).filter(({ file }) => isOf(url, file));
    if (edits.length === 0) return { format: "module", source: codeOf(url), shortCircuit: true };
    return { ...nextLoad(url, context), source: edits.reduce(plant, textOf(url)) };
  },
});

const textOf = (url: string) => readFileSync(fileURLToPath(url), "utf8");

/** Files without their types, by path: every bug loads nearly all of them again. */
const codes = new Map<string, string>();

function codeOf(url: string): string {
  const path = fileURLToPath(url);
  const code = codes.get(path) ?? stripTypeScriptTypes(textOf(url));
  codes.set(path, code);
  return code;
}

function urlOf(url: string, bug: BrokenName): string {
  return `${url}?bug=${encodeURIComponent(bug)}`;
}

function bugOf(url = ""): BrokenName | undefined {
  const bug = url.startsWith(SRC) ? new URL(url).searchParams.get("bug") : null;
  return bug !== null && isBrokenName(bug) ? bug : undefined;
}

function editsOf(bug: BrokenName): readonly Edit[] {
  const { also, ...edit }: Bug = BROKEN[bug];
  return also === undefined ? [edit] : [edit, also];
}

const isOf = (url: string, file: string) => url.startsWith(`${SRC}${file}?`);

function plant(source: string, { file, from, to }: Edit): string {
  if (source.split(from).length !== 2) throw new Error(`${file} has changed: ${from}`);
  return source.replace(from, () => to);
}

const suspects = new Map<BrokenName | undefined, Promise<Suspect>>();

/** Loads the Worker of `src/`, or a copy of it with a bug of BROKEN. */
export function loadSuspect(bug: BrokenName | undefined): Promise<Suspect> {
  const known = suspects.get(bug) ?? load(bug);
  suspects.set(bug, known);
  return known;
}

async function load(bug: BrokenName | undefined): Promise<Suspect> {
  install();
  const take = (file: string) => import(bug === undefined ? SRC + file : urlOf(SRC + file, bug));
  const { default: gateway, Renditions }: typeof import("../../src/worker/index.ts") =
    await take("worker/index.ts");
  const worker = { ...gateway, Renditions };
  const { readConfig }: typeof import("../../src/worker/config/config.ts") =
    await take("worker/config/config.ts");
  const urls: typeof import("../../src/url/grammar.ts") = await take("url/grammar.ts");
  const { signGrant }: typeof import("../../src/url/grant.ts") = await take("url/grant.ts");
  const routes: typeof import("../../src/worker/config/compile-route.ts") = await take(
    "worker/config/compile-route.ts",
  );
  const config = readConfig(CONFIG);
  if ("mistakes" in config) throw new Error(config.mistakes.map(mistakeText).join("\n"));
  const { decodePath, encodePath } = urls;
  const { findRoute } = routes;
  const { publicPath }: typeof import("../../src/cli/urls/public-url.ts") =
    await take("cli/urls/public-url.ts");
  return { worker, config, publicPath, decodePath, encodePath, signGrant, findRoute };
}
