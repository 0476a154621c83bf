// Every export of the package, imported by Node.js and by TypeScript.

import { mkdtempSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, inject, test } from "vitest";
import { run } from "./run.ts";

const shop = inject("shop");
const { exports }: { exports: Record<string, unknown> } = JSON.parse(
  readFileSync(join(shop, "node_modules/vitrine/package.json"), "utf8"),
);

const NAMES = {
  ".": ["default", "Renditions"],
  "./client": ["createClient", "openSite", "imgProps", "factsUrl"],
  "./placeholder": ["thumbHash"],
  "./sign": ["createSigner"],
  "./next": ["nextLoader"],
  "./nuxt": ["nuxtProvider"],
  "./unpic": ["unpicTransformer"],
  "./astro": ["astroService"],
  "./angular": ["angularLoader", "angularPreset"],
  "./testing": [
    ...["createS3", "createEdge", "createCache", "createIssuer", "serveS3", "serveEdge"],
    "createVitrine",
  ],
  "./testing/worker": ["throughEdge", "throughImages"],
} as const;

test("each export is tried here", () => {
  expect(Object.keys(NAMES)).toEqual(Object.keys(exports).filter((name) => !/json$/.test(name)));
});

const modules = Object.entries(NAMES).map(
  ([name, names]) => [`vitrine${name.slice(1)}`, names] as const,
);

test.each([22, 24] as const)("Node.js %d imports each of them", async (node) => {
  const lines = modules.map(
    ([specifier, names]) =>
      `for (const name of ${JSON.stringify(names)}) if (!((await import("${specifier}"))[name])) throw new Error("${specifier} has no " + name);`,
  );
  await run("node", ["--input-type=module", "-e", lines.join("\n")], { cwd: shop, node });
});

test.each([20, 24] as const)("Node.js %d imports the known answers of signatures", async (node) => {
  const code = `import vectors from "vitrine/vectors.json" with { type: "json" };
    if (!vectors.urls[0].url) throw new Error("no known answers");`;
  await run("node", ["--input-type=module", "-e", code], { cwd: shop, node });
});

test("Node.js 20 runs the Worker with the Images binding, on the emulators", async () => {
  const file = join(shop, "binding.js");
  writeFileSync(file, readFileSync(join(import.meta.dirname, "../client/binding.js")));
  await run("node", [file], { cwd: shop, node: 20 });
});

/** @param types which global types the project has; without them, the browser's */
function projectOf(
  settings: { moduleResolution: string; types: readonly string[] },
  imported: typeof modules,
) {
  const folder = mkdtempSync(join(dirname(shop), "types-"));
  symlinkSync(join(shop, "node_modules"), join(folder, "node_modules"));
  const text = imported.map(
    ([module, names], at) =>
      `import { ${names.map((name) => `${name} as ${name}${at}`).join(", ")} } from "${module}";\n` +
      `export const all${at}: readonly object[] = [${names.map((name) => `${name}${at}`).join(", ")}];\n`,
  );
  writeFileSync(join(folder, "index.ts"), text.join(""));
  const isBundler = settings.moduleResolution === "bundler";
  const compilerOptions = {
    ...settings,
    module: isBundler ? "esnext" : "node16",
    target: "es2022",
    lib: settings.types.length > 0 ? ["es2024"] : ["es2024", "dom"],
    ...{ strict: true, noEmit: true, skipLibCheck: false },
  };
  const config = JSON.stringify({ compilerOptions, files: ["index.ts"] });
  writeFileSync(join(folder, "tsconfig.json"), config);
  writeFileSync(join(folder, "package.json"), '{"type":"module"}');
  return folder;
}

const worker = modules.filter(([specifier]) => specifier === "vitrine");
const otherModules = modules.filter(([specifier]) => specifier !== "vitrine");
/** The emulators speak of the types of Images and R2, which browsers do not have. */
const ofApps = otherModules.filter(([specifier]) => !specifier.startsWith("vitrine/testing"));
const WORKERS = ["@cloudflare/workers-types"];

test.each([
  ["bundler", "workers-types", WORKERS, worker],
  ["node16", "workers-types", WORKERS, worker],
  ["bundler", "workers-types", WORKERS, otherModules],
  ["node16", "workers-types", WORKERS, otherModules],
  ["bundler", "the browser's", [], ofApps],
  ["node16", "the browser's", [], ofApps],
] as const)(
  "TypeScript imports them, by %s and %s",
  async (moduleResolution, _name, types, imported) => {
    const folder = projectOf({ moduleResolution, types }, imported);
    await run("npx", ["tsc"], { cwd: folder });
  },
);
