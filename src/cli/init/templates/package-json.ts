// package.json of a new project. The ranges are those that this version of Vitrine is tested with.

import { testedRange } from "../../wrangler/packages.ts";

const TOOLS = ["@cloudflare/workers-types", "sharp", "typescript", "wrangler"];

/**
 * `vitrine` is a dependency, because the deployed Worker is bundled from it; the others are tools. It needs no name,
 * because nobody publishes it.
 * @param vitrine its range, or its file
 */
export function packageJson(vitrine: string): string {
  const manifest = {
    private: true,
    type: "module",
    engines: { node: ">=22.12" },
    scripts: {
      start: "vitrine dev",
      check: "vitrine check && wrangler types --include-runtime=false && tsc",
      deploy: "vitrine deploy",
    },
    dependencies: { vitrine },
    devDependencies: Object.fromEntries(TOOLS.map((name) => [name, testedRange(name)])),
    // npm 11 names the install scripts that are not listed here, and a later one will not run them.
    allowScripts: { esbuild: true, workerd: true },
  };
  return `${JSON.stringify(manifest, null, 2)}\n`;
}
