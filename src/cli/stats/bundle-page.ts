// Bundles the script and the style of the page of stats, with uPlot in them. The package has the bundles already.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

/** What the page has in it: it loads nothing. */
export type PageBundle = {
  readonly script: string;
  readonly style: string;
};

export async function bundleStatsPage(): Promise<PageBundle> {
  const { outputFiles } = await build({
    entryPoints: ["stats.ts", "stats.css"],
    absWorkingDir: join(import.meta.dirname, "page"),
    outdir: "bundled", // written by the caller
    bundle: true,
    minify: true,
    charset: "utf8",
    format: "iife",
    target: "es2022",
    banner: { js: licenseComment() },
    write: false,
  });

  const script = outputFiles.find(({ path }) => path.endsWith(".js"));
  const style = outputFiles.find(({ path }) => path.endsWith(".css"));
  if (script === undefined || style === undefined) throw new Error("esbuild has made no page");
  return { script: script.text, style: style.text };
}

/** The license of uPlot asks that each copy of it has the license in it. */
function licenseComment(): string {
  const uplot = fileURLToPath(import.meta.resolve("uplot"));
  const license = readFileSync(join(uplot, "../../LICENSE"), "utf8");
  return `/*! uPlot: ${license.trim()} */`;
}
