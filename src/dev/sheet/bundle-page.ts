// Bundles the script of the contact sheet, with `vitrine/client` in it. The package has the bundle already.

import { join } from "node:path";
import { build } from "esbuild";

/** @returns the script, with a source map in it */
export async function bundlePage(): Promise<Uint8Array> {
  const { outputFiles } = await build({
    entryPoints: [join(import.meta.dirname, "page/sheet.ts")],
    ...{ bundle: true, format: "esm", target: "es2022", sourcemap: "inline", write: false },
  });
  return outputFiles[0]?.contents ?? new Uint8Array();
}
