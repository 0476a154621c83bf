// vitrine client: writes one TypeScript file for an app in another repository: the client, and the routes
// and presets of wrangler.toml.

import { Command, InvalidArgumentError } from "@commander-js/extra-typings";
import { type End, EXIT, isFault, type Run, say, type World } from "../command.ts";
import { envOption } from "../options.ts";
import { configFault } from "../project/config-fault.ts";
import { chooseEnvironment } from "../project/environment.ts";
import { readVars } from "../project/vars.ts";
import { writeClient } from "./write-client.ts";

export function clientCommand(world: World, run: Run) {
  return new Command("client")
    .description("writes one TypeScript file for an app: the client, the routes and the presets")
    .argument("<file>", "the file to write, such as ../app/src/vitrine.ts", readFile)
    .addOption(envOption())
    .option(
      "--base-url <url>",
      `where Vitrine is, such as https://images.example.com, or "" for the page's own host; default: the first domain under routes`,
    )
    .addHelpText(
      "after",
      `
A file that this command wrote is replaced; any other is left alone.

Examples:
  npx vitrine client ../app/src/vitrine.ts
  npx vitrine client ../app/src/vitrine.ts --base-url https://images.example.com`,
    )
    .action((file, options) => run(() => printClient(world, file, options)));
}

/** A .ts file that is not a .d.ts file. */
function readFile(file: string): string {
  if (/(?<!\.d)\.ts$/.test(file)) return file;
  throw new InvalidArgumentError("It must end in .ts, and not in .d.ts.");
}

type Options = { readonly [name in "env" | "baseUrl"]?: string | undefined };

function printClient(world: World, file: string, { env, baseUrl }: Options): End {
  const known = readVars(world.folder, chooseEnvironment(world, env));
  if (isFault(known)) return configFault([known.mistake]);
  const said = writeClient(known, file, baseUrl);
  if (isFault(said)) return said;
  say(world.stdout, said);
  return EXIT.done;
}
