// npm run build: makes dist/, which is what the package has of src/: one file for each program and each export, with
// what several of them share in chunks beside them; the types, and the client's modules, file by file.

import { execFileSync } from "node:child_process";
import { cpSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type BuildOptions, build } from "esbuild";
import { bundlePage } from "./dev/sheet/bundle-page.ts";

const SRC = import.meta.dirname;
const DIST = join(SRC, "../dist");
const PAGE = "dev/sheet/page";

/** The Worker for Node.js: with what only the Workers runtime has. */
const FOR_NODE: BuildOptions = {
  entryPoints: [{ in: "worker/index.ts", out: "worker/node" }],
  alias: { "cloudflare:workers": join(SRC, "emulator/cache/cloudflare-workers.ts") },
  banner: {
    js: 'import { scheduler as nodeScheduler } from "node:timers/promises";\nglobalThis.scheduler ??= nodeScheduler;',
  },
};

rmSync(DIST, { recursive: true, force: true });
// A chunk of src/cli is as deep as its entry: PACKAGE_ROOT in command.ts relies on it.
await bundle({ entryPoints: ["cli/main.ts"], chunkNames: "cli/[name]-[hash]" });
await bundle({ entryPoints: ["emulator/index.ts", "emulator/worker.ts"] });
await bundle({ entryPoints: ["dev/local-worker.ts"] });
await bundle({ entryPoints: ["worker/index.ts"] });
await bundle(FOR_NODE);
for (const project of ["tsconfig.types.json", "client"]) compile(project);
cpSync(join(SRC, PAGE), join(DIST, PAGE), {
  recursive: true,
  filter: (file) => !/\.(?:ts|json)$/.test(file),
});
// npm packs no .gitignore, and a new project gets that of the template.
cpSync(join(SRC, "../fixtures/template/.gitignore"), join(DIST, "cli/init/gitignore"));
writeFileSync(join(DIST, PAGE, "sheet.js"), await bundlePage());

/** Bundles src/ alone: packages stay imports. Nothing is minified, so a stack can be read. */
async function bundle(options: BuildOptions): Promise<void> {
  await build({
    ...{ absWorkingDir: SRC, outbase: SRC, outdir: DIST, chunkNames: "emulator/[name]-[hash]" },
    ...{ bundle: true, splitting: true, format: "esm", platform: "neutral", packages: "external" },
    ...{ target: "es2023", logLevel: "warning" },
    ...options,
  });
}

function compile(project: string): void {
  const tsc = join(SRC, "../node_modules/typescript/bin/tsc");
  execFileSync(process.execPath, [tsc, "-p", join(SRC, project)], { stdio: "inherit" });
}
