// vitrine types: writes worker-configuration.d.ts, the type of Env with the names of the presets.

import { writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { Command } from "@commander-js/extra-typings";
import { type End, EXIT, isFault, type Run, type World } from "../command.ts";
import { findConfigFile } from "../config/config-file.ts";
import { loadWrangler } from "../wrangler/load-wrangler.ts";

export function typesCommand(world: World, run: Run) {
  return new Command("types")
    .description("writes worker-configuration.d.ts: the type of Env, of all environments")
    .addHelpText("after", "\nExamples:\n  npx vitrine types")
    .action(() => run(() => writeTypes(world)));
}

async function writeTypes({ folder }: World): Promise<End> {
  try {
    const file = findConfigFile(folder);
    if (isFault(file)) return file;
    const wrangler = loadWrangler();
    if (isFault(wrangler)) return wrangler;
    // Without `env`, wrangler writes the types of all environments together.
    const { path, content } = await wrangler.experimental_generateTypes({
      config: join(folder, file),
      includeRuntime: false,
    });
    writeFileSync(resolve(folder, path), content);
    return EXIT.done;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return { fault: error.message };
  }
}
