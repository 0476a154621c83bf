// vitrine dev: runs the Worker on this machine, with a local S3 and the strict edge.

import { Command } from "@commander-js/extra-typings";
import type { CommandFault, Outcome, Run, World } from "../command.ts";
import { EXIT, isFault } from "../command.ts";
import { envOption } from "../options.ts";
import { chooseEnvironment, findConfigFile } from "../wrangler/config-file.ts";
import { requireOf } from "../wrangler/packages.ts";

/** What others may do with the local run. */
type LocalRunOptions = {
  /** An app may put objects into the local buckets. */
  readonly hasUploads: boolean;
  /** Where others reach it, too: at an address, or at all of this machine; undefined: nowhere. */
  readonly host: string | true | undefined;
};

/** `startLocal` of src/dev/start.ts. */
type StartLocal = (
  environment: string | undefined,
  port: string | undefined,
  options: LocalRunOptions,
  interrupted: AbortSignal,
) => Promise<CommandFault | undefined>;

/** Loads the local run: the rest of the CLI does not import it, and no other command waits for it. */
export type LoadLocal = () => Promise<StartLocal>;

export function devCommand(world: World, run: Run, load: LoadLocal) {
  return new Command("dev")
    .description("runs the Worker on this machine, with a local S3: no account, no network")
    .addOption(envOption())
    .option(
      "--uploads",
      "lets your app put objects: prints an endpoint, and a key that can only put",
    )
    .option("--host [address]", "lets a phone on this network look, with a code that is printed")
    .addHelpText("after", HELP)
    .action(({ env, uploads = false, host }) => {
      return run(() => dev(world, env, { hasUploads: uploads, host }, load));
    });
}

const HELP = `
The port is that of the variable PORT, or 8787. Changes of wrangler.toml and .dev.vars take effect while it runs.
Press Ctrl-C to stop.

Examples:
  npx vitrine dev
  PORT=8080 npx vitrine dev
  npx vitrine dev --env staging
  npx vitrine dev --uploads
  npx vitrine dev --host
  npx vitrine dev --host 192.168.1.5`;

async function dev(
  world: World,
  env: string | undefined,
  options: LocalRunOptions,
  load: LoadLocal,
): Promise<Outcome> {
  const needed = [findConfigFile(world.folder), requireOf("wrangler"), requireOf("sharp")];
  for (const result of needed) {
    if (isFault(result)) return result;
  }

  const startLocal = await load();
  const environment = chooseEnvironment(world, env);
  const port = world.env["PORT"];
  const fault = await startLocal(environment, port, options, world.interrupted);
  return fault ?? EXIT.done;
}
