// vitrine check: says whether the configuration is right. Nothing is started, nothing is sent.

import { Command } from "@commander-js/extra-typings";
import { type End, EXIT, isFault, type Run, say, type World } from "../command.ts";
import { envOption } from "../options.ts";
import { checkConfiguration } from "../project/check-configuration.ts";
import { configFault } from "../project/config-fault.ts";
import { chooseEnvironment } from "../project/environment.ts";
import { readVars } from "../project/vars.ts";

export function checkCommand(world: World, run: Run) {
  return new Command("check")
    .description("checks wrangler.toml and .dev.vars, and says what visitors can make it cost")
    .addOption(envOption())
    .addHelpText("after", "\nnpm run check also checks the code.\n\nExamples:\n  vitrine check")
    .action((options) => run(() => check(world, options)));
}

type Options = { readonly env?: string | undefined };

function check(world: World, { env }: Options): End {
  const { folder, stdout, stderr } = world;
  const known = readVars(folder, chooseEnvironment(world, env));
  if (isFault(known)) return configFault([known.mistake]);
  const { told, warnings, mistakes } = checkConfiguration(known);
  say(stdout, ...told);
  for (const { what, remedy } of warnings) say(stderr, `Warning: ${what}: ${remedy}`);
  return mistakes.length > 0 ? configFault(mistakes) : EXIT.done;
}
