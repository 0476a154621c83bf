// npm run build: makes dist/, which is what the package has of src/. It has the same folders and files,
// compiled one by one, so that paths between them and to the package's folder stay the same.

import { execFileSync } from "node:child_process";
import { cpSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { bundlePage } from "./dev/sheet/bundle-page.ts";

const SRC = import.meta.dirname;
const DIST = join(SRC, "../dist");
const PAGE = "dev/sheet/page";

rmSync(DIST, { recursive: true, force: true });
for (const project of [".", "tsconfig.types.json", "client"]) compile(project);
writeFileSync(join(DIST, "worker/node.js"), workerForNode());
cpSync(join(SRC, PAGE), join(DIST, PAGE), {
  recursive: true,
  filter: (file) => !/\.(?:ts|json)$/.test(file),
});
writeFileSync(join(DIST, PAGE, "sheet.js"), await bundlePage());

function compile(project: string): void {
  const tsc = join(SRC, "../node_modules/typescript/bin/tsc");
  execFileSync(process.execPath, [tsc, "-p", join(SRC, project)], { stdio: "inherit" });
}

/** The entry of the Worker for Node.js: with what only the Workers runtime has. */
function workerForNode(): string {
  const [before, after, ...others] = readFileSync(join(DIST, "worker/index.js"), "utf8").split(
    '"cloudflare:workers"',
  );
  if (after === undefined || others.length > 0) throw new Error("worker/index.js has changed");
  return `import { scheduler } from "node:timers/promises";
${before}"../emulator/cache/cloudflare-workers.js"${after}
globalThis.scheduler ??= scheduler;
`;
}
