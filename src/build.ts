// npm run build: builds dist/ for the package: one file for each program and each export, with shared chunks beside
// them; the types, and the client's modules, both file by file and all in one.

import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type BuildOptions, build, type Plugin } from "esbuild";
import { buildVersion } from "./build-version.ts";
import { STANDALONE } from "./cli/app-file/generate.ts";
import { bundleStatsPage } from "./cli/stats/bundle-page.ts";
import { bundlePage } from "./dev/sheet/bundle-page.ts";
import { wranglerSchema } from "./editor/wrangler-schema.ts";
import { bundleWorker } from "./testing/bundle-worker.ts";
import { BUILD_VERSION } from "./worker/util/version.ts";

const SRC = import.meta.dirname;
const DIST = join(SRC, "../dist");
const PAGE = "dev/sheet/page";
const STATS_PAGE = "cli/stats/page";

/** What editors check a wrangler.toml with. The directive in fixtures/template/wrangler.toml names it. */
const SCHEMA = "wrangler.schema.json";

/** The Worker for Node.js, with stand-ins for the parts of the Workers runtime. */
const FOR_NODE: BuildOptions = {
  entryPoints: [{ in: "worker/index.ts", out: "worker/node" }],
  alias: { "cloudflare:workers": join(SRC, "emulator/cloudflare-workers.ts") },
  banner: {
    js: 'import { scheduler as nodeScheduler } from "node:timers/promises";\nglobalThis.scheduler ??= nodeScheduler;',
  },
};

const VERSION_PLUGINS = [withVersion(buildVersion(join(SRC, ".."), BUILD_VERSION))];

rmSync(DIST, { recursive: true, force: true });
// A chunk of src/cli is as deep as its entry: PACKAGE_ROOT in command.ts relies on it.
await bundle({ entryPoints: ["cli/main.ts"], chunkNames: "cli/[name]-[hash]" });
await bundle({ entryPoints: ["testing/index.ts", "emulator/worker.ts"] });
writeFileSync(join(DIST, "testing/worker.js"), await bundleWorker());
await bundle({ entryPoints: ["dev/local-worker.ts"] });
await bundle({ entryPoints: ["worker/index.ts"] });
await bundle(FOR_NODE);
for (const project of ["tsconfig.types.json", "client"]) compile(project);
// Their types are only for the code that reads a configuration: no export names them.
for (const room of readdirSync(join(DIST, "cli"), { withFileTypes: true })) {
  const isTypes = room.isDirectory() || room.name.endsWith(".d.ts");
  if (isTypes) rmSync(join(DIST, "cli", room.name), { recursive: true });
}
await bundleClient();
cpSync(join(SRC, PAGE), join(DIST, PAGE), {
  recursive: true,
  filter: (file) => !/\.(?:ts|json)$/.test(file),
});
// npm packs no .gitignore, and a new project gets that of the template.
cpSync(join(SRC, "../fixtures/template/.gitignore"), join(DIST, "gitignore"));
writeFileSync(join(DIST, PAGE, "sheet.js"), await bundlePage());
await writeStatsPage();
writeFileSync(join(DIST, SCHEMA), JSON.stringify(await wranglerSchema()));

/** Compiles the version of this build in, in place of that of package.json. */
function withVersion(version: string): Plugin {
  const contents = `export const BUILD_VERSION = ${JSON.stringify(version)};\n`;
  return {
    name: "version",
    setup: ({ onLoad }) =>
      onLoad({ filter: /[\\/]worker[\\/]util[\\/]version\.ts$/ }, () => ({
        contents,
        loader: "ts",
      })),
  };
}

/** Bundles src/ alone: packages stay imports. Nothing is minified, so a stack can be read. */
async function bundle(options: BuildOptions): Promise<void> {
  await build({
    ...{ absWorkingDir: SRC, outbase: SRC, outdir: DIST, chunkNames: "emulator/[name]-[hash]" },
    ...{ bundle: true, splitting: true, format: "esm", platform: "neutral", packages: "external" },
    ...{ target: "es2023", logLevel: "warning" },
    plugins: VERSION_PLUGINS,
    ...options,
  });
}

async function writeStatsPage(): Promise<void> {
  const { script, style } = await bundleStatsPage();
  mkdirSync(join(DIST, STATS_PAGE), { recursive: true });
  writeFileSync(join(DIST, STATS_PAGE, "stats.js"), script);
  writeFileSync(join(DIST, STATS_PAGE, "stats.css"), style);
}

function compile(project: string): void {
  const tsc = join(SRC, "../node_modules/typescript/bin/tsc");
  execFileSync(process.execPath, [tsc, "-p", join(SRC, project)], { stdio: "inherit" });
}

/** The client in one module, with its types, for an app that cannot install the package. */
async function bundleClient(): Promise<void> {
  const banner =
    "// Written by `npx vitrine client --standalone`: the client of Vitrine. Do not edit it.";
  const entries = ["index", "sign", "next", "nuxt", "unpic", "astro", "angular"];
  const lines = entries.map((name) => `export * from "./client/${name}.ts";\n`);
  const outfile = join(DIST, "client", `${STANDALONE}.js`);
  const { metafile } = await build({
    stdin: { contents: lines.join(""), resolveDir: SRC },
    ...{ bundle: true, format: "esm", target: "es2022", logLevel: "warning", metafile: true },
    ...{ absWorkingDir: DIST, outfile, banner: { js: `${banner}\n/* eslint-disable */` } },
  });
  const [output] = Object.values(metafile.outputs);
  const types = `${banner}\n${joinTypes(output?.exports ?? [])}`;
  writeFileSync(join(DIST, "client", `${STANDALONE}.d.ts`), types);
}

/**
 * Joins the declarations of the client's modules. A name that two of them declare would not compile.
 * @param values the names of the exported functions
 */
function joinTypes(values: readonly string[]): string {
  const modules = ["url", "client"].flatMap((folder) =>
    readdirSync(join(DIST, folder))
      .filter((file) => file.endsWith(".d.ts") && file !== "placeholder.d.ts")
      .map((file) => ({ file, text: readFileSync(join(DIST, folder, file), "utf8") })),
  );
  const types = modules
    .filter(({ file }) => ["types.d.ts", "index.d.ts", "sign.d.ts"].includes(file))
    .flatMap(({ text }) => [...text.matchAll(/^export type (\w+)/gm)].map(([, name]) => name));
  const declared = modules.map(({ text }) =>
    text.replace(/^(?:import|export) [^;]* from "[^"]*";\n|^export \{\};\n|^export /gm, ""),
  );
  return `${declared.join("")}export { ${values.join(", ")} };
export type { ${types.join(", ")} };
`;
}
