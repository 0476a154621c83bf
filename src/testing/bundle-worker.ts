// Bundles the Worker as the body of a function, whose parameters take the place of globals. The package has the bundle.

import { join } from "node:path";
import { build } from "esbuild";

export async function bundleWorker(): Promise<string> {
  const src = join(import.meta.dirname, "..");
  const { outputFiles } = await build({
    absWorkingDir: src,
    entryPoints: ["worker/index.ts"],
    alias: { "cloudflare:workers": join(src, "emulator/cloudflare-workers.ts") },
    bundle: true,
    format: "cjs",
    platform: "neutral",
    mainFields: ["module", "main"],
    target: "es2023",
    minifyWhitespace: true,
    minifySyntax: true,
    logLevel: "warning",
    write: false,
  });

  const [output] = outputFiles;
  if (output === undefined) throw new Error("esbuild has made no Worker");
  return output.text;
}
