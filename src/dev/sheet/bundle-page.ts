// Bundles the script of the contact sheet, with `vitrine/client` in it. The package has the bundle already.

import { join } from "node:path";
import { build } from "esbuild";

/** @param sourcemap `inline`: the script has a source map in it, for those who work on it */
export async function bundlePage(sourcemap?: "inline"): Promise<Uint8Array> {
  const { outputFiles } = await build({
    entryPoints: [join(import.meta.dirname, "page/sheet.ts")],
    bundle: true,
    format: "esm",
    target: "es2022",
    write: false,
    ...(sourcemap && { sourcemap }),
  });

  const [script] = outputFiles;
  if (script === undefined) throw new Error("esbuild has made no script");
  return script.contents;
}
