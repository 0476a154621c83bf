// The Worker that is attacked: the project's own, or one that was broken on purpose.

import { registerHooks } from "node:module";
import { BROKEN, type BrokenName } from "./broken.ts";
import type { Suspect } from "./property.ts";
import { CONFIG, install } from "./world.ts";

/** Loads the Worker of `src/`, after one of the bugs of BROKEN was put into it. Once a thread. */
export async function loadSuspect(bug: BrokenName | undefined): Promise<Suspect> {
  if (bug !== undefined) plant(bug);
  install();
  const { default: worker } = await import("../../src/index.ts");
  const { readConfig } = await import("../../src/config.ts");
  const { publicPath, decodePath, encodePath } = await import("../../src/public-url.ts");
  const { signGrant } = await import("../../src/signature.ts");
  const { findRoute } = await import("../../src/route.ts");
  const config = readConfig(CONFIG);
  if ("mistakes" in config) throw new Error(config.mistakes.join("\n"));
  return { worker, config, publicPath, decodePath, encodePath, signGrant, findRoute };
}

/** Changes a file of `src/` on its way from the disk. */
function plant(bug: BrokenName): void {
  const { file, from, to } = BROKEN[bug];
  registerHooks({
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context);
      if (!url.endsWith(`/src/${file}`)) return loaded;
      const source = Buffer.from(loaded.source ?? "").toString();
      if (source.split(from).length !== 2) throw new Error(`${bug}: ${file} has changed`);
      return { ...loaded, source: source.replace(from, () => to) };
    },
  });
}
