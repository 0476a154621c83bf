// vitrine types: writes worker-configuration.d.ts, the type of Env with the names of the presets.

import { writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { Command } from "@commander-js/extra-typings";
import { type End, EXIT, type Run, type World } from "../command.ts";
import { loadWrangler } from "../project/wrangler.ts";

export function typesCommand(world: World, run: Run) {
  return new Command("types")
    .description("writes worker-configuration.d.ts: the type of Env, from wrangler.toml")
    .addHelpText("after", "\nExamples:\n  vitrine types")
    .action(() => run(() => writeTypes(world)));
}

async function writeTypes({ folder }: World): Promise<End> {
  try {
    const { path, content } = await loadWrangler().experimental_generateTypes({
      config: join(folder, "wrangler.toml"),
      includeRuntime: false,
    });
    writeFileSync(resolve(folder, path), content);
    return EXIT.done;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return { fault: error.message };
  }
}
