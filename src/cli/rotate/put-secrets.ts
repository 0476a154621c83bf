// Puts secrets into a deployed Worker with the wrangler of this project. They go to its stdin, and nowhere else.

import { spawn } from "node:child_process";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { isSecret } from "../../worker/config/secret-names.ts";
import { type Fault, say, type World } from "../command.ts";
import type { Change } from "../project/dev-vars.ts";
import type { Place } from "../project/known-vars.ts";
import { visible } from "../terminal/visible.ts";
import { bulkOf } from "./command-lines.ts";
import type { RunWrangler } from "./plan.ts";

const WRANGLER = join(import.meta.dirname, "../../../node_modules/wrangler/bin/wrangler.js");

export function wranglerAt(script = WRANGLER): RunWrangler {
  return ({ folder, env }, args, input, hear) =>
    new Promise((settle, fail) => {
      // wrangler gets the world's environment without the secrets of the Worker.
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
        detached: true, // in a process group of its own: Ctrl-C does not reach it
        windowsHide: true,
      });
      for (const stream of [child.stdout, child.stderr]) {
        stream.setEncoding("utf8").on("data", hear);
      }
      child.stdin.on("error", () => {}); // If it ends before it reads, its exit code says why.
      child.stdin.end(input);
      child.on("error", fail).on("close", settle);
    });
}

/** What to do about an error, by what wrangler prints: it gives no code to read. */
const HINTS: readonly (readonly [RegExp, string])[] = [
  [
    /\b1021[45]\b|isn't currently deployed/,
    "The latest version of the Worker is not deployed. Deploy it first: npx wrangler deploy",
  ],
  [
    /CLOUDFLARE_API_TOKEN|not (?:logged in|authenticated)|Authentication error|code: (?:10000|9109)\b/i,
    "wrangler is not logged in, or may not write secrets. Run npx wrangler login, or set a CLOUDFLARE_API_TOKEN that may",
  ],
  [
    /\b10007\b|does not exist/i,
    "There is no such Worker in this account. Check the account, and name in wrangler.toml",
  ],
];

/** Changes secrets of the deployed Worker, all at once. Shows what wrangler says, without the secrets. */
export async function putByWrangler(
  world: World,
  change: Change,
  run: RunWrangler,
  place: Pick<Place, "file" | "environment">,
): Promise<Fault | undefined> {
  const secrets = Object.values(change).filter((value) => value !== null);
  let said = "";
  const hear = (more: string) => {
    said += more;
  };
  const code = await run(world, bulkOf(place), JSON.stringify(change), hear);
  said = stripVTControlCharacters(said);
  for (const secret of secrets) {
    const escaped = JSON.stringify(secret).slice(1, -1);
    said = said.replaceAll(secret, "…").replaceAll(escaped, "…");
  }
  const lines = said.split(/\r?\n|\r/).filter((line) => line.trim() !== "");
  say(world.stderr, ...lines.map((line) => `  ${visible(line)}`));
  if (code === 0) return undefined;
  const hint = HINTS.find(([form]) => form.test(said))?.[1];
  const ended = `wrangler secret bulk ended with ${code ?? "a signal"}`;
  return { fault: `${ended}. ${hint ?? "See its output above"}` };
}
