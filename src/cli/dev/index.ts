// vitrine dev: runs the Worker on this machine, with a local S3 and the strict edge.

import { Command } from "@commander-js/extra-typings";
import { type End, EXIT, type Fault, isFault, type Run, type World } from "../command.ts";
import { envOption } from "../options.ts";
import { chooseEnvironment, findConfigFile } from "../wrangler/config-file.ts";
import { requireOf } from "../wrangler/packages.ts";

/**
 * Starts the local run, or returns why it cannot start. The process then ends with wrangler.
 * @param interrupted if Ctrl-C comes before wrangler starts, it does not start
 */
export type StartLocal = (
  environment: string | undefined,
  port: string | undefined,
  interrupted: AbortSignal,
) => Promise<Fault | undefined>;

/** @param load loads what runs locally: no other command waits for that */
export function devCommand(world: World, run: Run, load: () => Promise<StartLocal>) {
  return new Command("dev")
    .description("runs the Worker on this machine, with a local S3: no account, no network")
    .addOption(envOption())
    .option("-p, --port <number>", "the port; default: PORT, else 8787")
    .addHelpText("after", HELP)
    .action((options) => run(() => dev(world, options, load)));
}

const HELP = `
Changes of wrangler.toml and .dev.vars take effect while it runs. Press Ctrl-C to stop.

Examples:
  npx vitrine dev
  npx vitrine dev --port 8080
  npx vitrine dev --env staging`;

type Options = { readonly [name in "env" | "port"]?: string | undefined };

async function dev(world: World, options: Options, load: () => Promise<StartLocal>): Promise<End> {
  const needed = [findConfigFile(world.folder), requireOf("wrangler"), requireOf("sharp")];
  const missing = needed.find((one) => isFault(one));
  if (missing !== undefined) return missing;
  const start = await load();
  const port = options.port ?? world.env["PORT"];
  const environment = chooseEnvironment(world, options.env);
  return (await start(environment, port, world.interrupted)) ?? EXIT.done;
}
