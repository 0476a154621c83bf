// Secrets put into a deployed Worker, by the wrangler of this project. They go to its stdin alone.

import { spawn } from "node:child_process";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { isSecret } from "../../worker/config/secret-names.ts";
import { type Fault, say, type World } from "../command.ts";
import type { Change } from "../project/dev-vars.ts";
import { visible } from "../terminal/visible.ts";

const WRANGLER = join(import.meta.dirname, "../../../node_modules/wrangler/bin/wrangler.js");

/** All names in one step, from stdin (S1). */
export const BULK = ["secret", "bulk", "--config", "wrangler.toml"] as const;

/**
 * Runs wrangler to its end, also where Ctrl-C is pressed meanwhile: nothing is left half done.
 * @param input what it is given on stdin
 * @param hear is given what it says
 * @returns what it ended with; null where a signal ended it
 */
export type RunWrangler = (
  world: World,
  args: readonly string[],
  input: string,
  hear: (said: string) => void,
) => Promise<number | null>;

/** Runs the real one, or another script in its place. */
export function wranglerAt(script = WRANGLER): RunWrangler {
  return ({ folder, env }, args, input, hear) =>
    new Promise((settle, fail) => {
      // The world's, without what else is secret, which is no business of its.
      const left = Object.keys(process.env).map((name) => [name, undefined] as const);
      const kept = Object.entries(env).filter(([name]) => !isSecret(name));
      const child = spawn(process.execPath, [script, ...args], {
        cwd: folder,
        env: {
          ...process.env,
          ...Object.fromEntries([...left, ...kept]),
          WRANGLER_HIDE_BANNER: "true",
          WRANGLER_SEND_METRICS: "false",
          WRANGLER_LOG_SANITIZE: "true",
        },
        stdio: ["pipe", "pipe", "pipe"],
        detached: true, // in a group of its own, which Ctrl-C does not reach
        windowsHide: true,
      });
      for (const stream of [child.stdout, child.stderr]) {
        stream.setEncoding("utf8").on("data", hear);
      }
      child.stdin.on("error", () => {}); // it ended before it read: with what, says its code
      child.stdin.end(input);
      child.on("error", fail).on("close", settle);
    });
}

const HINTS: readonly (readonly [RegExp, string])[] = [
  [
    /\b1021[45]\b|isn't currently deployed/,
    "The latest version of the Worker is not the one that is deployed: deploy that first, npx wrangler deploy.",
  ],
  [
    /CLOUDFLARE_API_TOKEN|not (?:logged in|authenticated)|Authentication error|code: (?:10000|9109)\b/i,
    "wrangler is not logged in, or may not write secrets: npx wrangler login, or a CLOUDFLARE_API_TOKEN that may.",
  ],
  [
    /\b10007\b|does not exist/i,
    "There is no such Worker in this account: look at name in wrangler.toml, and at the account.",
  ],
];

/** Changes secrets of the deployed Worker, all at once. What wrangler says is shown. */
export async function putByWrangler(
  world: World,
  change: Change,
  run: RunWrangler,
): Promise<Fault | undefined> {
  const secrets = Object.values(change).filter((value) => value !== null);
  let said = "";
  const hear = (more: string) => {
    said += more;
  };
  const code = await run(world, BULK, JSON.stringify(change), hear);
  said = stripVTControlCharacters(said);
  for (const secret of secrets) {
    // As it is, and as JSON has it.
    for (const form of [secret, JSON.stringify(secret).slice(1, -1)]) {
      said = said.replaceAll(form, "…");
    }
  }
  const lines = said.split(/\r?\n|\r/).filter((line) => line.trim() !== "");
  say(world.stderr, ...lines.map((line) => `  ${visible(line)}`));
  if (code === 0) return undefined;
  const hint = HINTS.find(([form]) => form.test(said))?.[1];
  const ended = `wrangler secret bulk ended with ${code ?? "a signal"}`;
  return { fault: `${ended}. ${hint ?? "What it says stands above."}` };
}

/** What an operator types in its place, elsewhere: it asks for each value itself. */
export function commandsFor(change: Change): string[] {
  return Object.entries(change).map(([name, value]) => {
    return `npx wrangler secret ${value === null ? "delete" : "put"} ${name}`;
  });
}
