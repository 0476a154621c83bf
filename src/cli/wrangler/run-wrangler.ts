// Runs the wrangler of this project. No other file of the CLI does. It takes the Worker's secrets and
// CLOUDFLARE_ENV out of wrangler's environment, where they would replace what wrangler is given (S5).

import { type StdioOptions, spawn } from "node:child_process";
import { isSecret } from "../../worker/config/read-secrets.ts";
import type { World } from "../command.ts";
import { wranglerProgram } from "./load-wrangler.ts";

/**
 * Runs wrangler to its end.
 * @param input what wrangler reads from stdin. Ctrl-C does not end it then, or a step would be half done.
 *   Without input, wrangler may ask at the terminal, and Ctrl-C ends it
 * @param hear gets wrangler's output, except what goes to the terminal directly
 * @returns the exit code; null if a signal ended it
 */
export type RunWrangler = (
  world: World,
  args: readonly string[],
  input: string | undefined,
  hear: (said: string) => void,
) => Promise<number | null>;

/** @param script a test names another program than wrangler's */
export function wranglerAt(script?: string): RunWrangler {
  return (world, args, input, hear) =>
    new Promise((settle, fail) => {
      const child = spawn(process.execPath, [script ?? wranglerProgram(), ...args], {
        cwd: world.folder,
        env: environmentOf(world),
        stdio: stdioOf(world, input),
        detached: input !== undefined, // in a process group of its own: Ctrl-C does not reach it
        windowsHide: true,
      });
      for (const stream of [child.stdout, child.stderr]) {
        stream?.setEncoding("utf8").on("data", hear);
      }
      child.stdin?.on("error", () => {}); // If it ends before it reads, its exit code says why.
      child.stdin?.end(input);
      child.on("error", fail).on("close", settle);
    });
}

/** The world's environment in place of this process's, without what wrangler must not see. */
function environmentOf({ env }: World) {
  const left = Object.keys(process.env).map((name) => [name, undefined] as const);
  const shown = Object.entries(env).filter(([name]) => !isHidden(name.toUpperCase()));
  return {
    ...process.env,
    ...Object.fromEntries([...left, ...shown]),
    WRANGLER_HIDE_BANNER: "true",
    WRANGLER_SEND_METRICS: "false",
    WRANGLER_LOG_SANITIZE: "true",
  };
}

/** Returns whether wrangler must not see a variable. `--env` always names the environment. */
function isHidden(name: string): boolean {
  return isSecret(name) || name === "CLOUDFLARE_ENV";
}

function stdioOf({ stdin, stdout }: World, input: string | undefined): StdioOptions {
  if (input !== undefined) return ["pipe", "pipe", "pipe"];
  // wrangler asks only if both are a terminal. If they are not, it takes its default answers.
  const own = stdin === process.stdin && stdout === process.stdout;
  const asks = own && process.stdin.isTTY === true && process.stdout.isTTY === true;
  return asks ? ["inherit", "inherit", "pipe"] : ["ignore", "pipe", "pipe"];
}
