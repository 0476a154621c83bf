// Runs the wrangler of this project, and shows its output without any secret. No other file of the CLI runs wrangler.
// Its environment leaves out the secrets of the Worker, CLOUDFLARE_ENV (S5), and the token that sets up a zone.

import { type StdioOptions, spawn } from "node:child_process";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { isSecret } from "../../worker/config/read-secrets.ts";
import { type CommandFault, print, type World } from "../command.ts";
import { visible } from "../terminal/shell.ts";
import { type ConfigFile, hintFor } from "./config-file.ts";
import { wranglerFolder } from "./packages.ts";

/**
 * Runs wrangler to its end.
 * @param input what wrangler reads from stdin. With input, Ctrl-C does not end wrangler: a step would be half done.
 *   Without input, wrangler may ask at the terminal, and Ctrl-C ends wrangler
 * @param hear gets wrangler's output, except what goes to the terminal directly
 * @returns the exit code; null if a signal ended it
 */
export type RunWrangler = (
  world: World,
  args: readonly string[],
  input: string | undefined,
  hear: (text: string) => void,
) => Promise<number | null>;

/** @param script a test names another program than wrangler's */
export function wranglerAt(script?: string): RunWrangler {
  return (world, args, input, hear) =>
    new Promise((settle, fail) => {
      const program = script ?? join(wranglerFolder(), "bin/wrangler.js");
      const child = spawn(process.execPath, [program, ...args], {
        cwd: world.folder,
        env: environmentOf(world),
        stdio: stdioOf(world, input),
        detached: input !== undefined, // in a process group of its own: Ctrl-C does not reach it
        windowsHide: true,
      });
      for (const stream of [child.stdout, child.stderr]) {
        stream?.setEncoding("utf8").on("data", hear);
      }
      child.stdin?.on("error", () => {}); // If wrangler ends before it reads, its exit code says why.
      child.stdin?.end(input);
      child.on("error", fail).on("close", settle);
    });
}

/** The world's environment in place of this process's, without what wrangler must not see. */
function environmentOf({ env }: World): NodeJS.ProcessEnv {
  // `--env` always names the environment.
  const hidden = ["CLOUDFLARE_ENV", "CLOUDFLARE_SETUP_TOKEN"];
  const isHidden = (name: string) => isSecret(name) || hidden.includes(name);
  const names = Object.keys({ ...process.env, ...env });
  const visibleValue = (name: string) => (isHidden(name.toUpperCase()) ? undefined : env[name]);
  return {
    ...process.env, // for its type: `wrangler types` requires the vars of this repository in it
    ...Object.fromEntries(names.map((name) => [name, visibleValue(name)])),
    WRANGLER_HIDE_BANNER: "true",
    WRANGLER_SEND_METRICS: "false",
    WRANGLER_LOG_SANITIZE: "true",
  };
}

function stdioOf(world: World, input: string | undefined): StdioOptions {
  if (input !== undefined) return "pipe";
  // wrangler asks only if both are a terminal. If they are not, it takes its default answers.
  return isAtTerminal(world) ? ["inherit", "inherit", "pipe"] : ["ignore", "pipe", "pipe"];
}

/** Returns whether wrangler gets the terminal itself: only its errors are heard then. */
export function isAtTerminal({ stdin, stdout }: World): boolean {
  const isOwn = stdin === process.stdin && stdout === process.stdout;
  return isOwn && process.stdin.isTTY && process.stdout.isTTY;
}

/** What to do about an error, by what wrangler prints: it gives no code to read. */
const HINTS: readonly (readonly [RegExp, string])[] = [
  [
    /\b1021[45]\b|isn't currently deployed/, // after a roll-back, the latest version is the bad one
    "The latest version of the Worker is not the deployed one. Check out the commit that is live, and deploy it: npx vitrine deploy",
  ],
  [
    /required secrets have not been set/, // an old copy of the others would take the place of good ones
    "Put the secrets that it names, and no others, into a file: npx vitrine deploy --secrets-file secrets.env",
  ],
  [
    /\b100(?:42|85)\b|enable R2|inherit binding '\w+' is invalid/i, // T9
    "R2 is not switched on in this account, or wrangler may not use it: switch it on in Cloudflare's dashboard, or take store and [[r2_buckets]] out of wrangler.toml",
  ],
  [
    /\/queues\b[^[]*\[code: (?:10000|9109)\]/, // wrangler has uploaded the Worker before
    "wrangler may not change queues: its token needs Account → Queues: Edit. docs/environments.md lists all permissions",
  ],
  [
    /CLOUDFLARE_API_TOKEN|not (?:logged in|authenticated)|Authentication error|code: (?:10000|9109)\b/i,
    "wrangler is not logged in, or may not do this. Run npx wrangler login, or set a CLOUDFLARE_API_TOKEN that may: docs/environments.md lists its permissions",
  ],
];

/** What to do about an error, by what wrangler prints; undefined: it is none of these. */
function hintOf(output: string): string | undefined {
  return HINTS.find(([form]) => form.test(output))?.[1];
}

/** A line of a stack: it leads into wrangler itself, and hides the reason above it. */
const STACK = /^\s+at .*:\d+:\d+\)*$/;

type RunOptions = { config: Omit<ConfigFile, "devVars">; input?: string; secrets: string[] };

/**
 * Runs wrangler to its end, and shows what it says, without the secrets that it is given.
 * @param args the words of a command, such as `secret bulk`, and then its options
 * @returns if it did not end with 0: how it ended, and what to do
 */
export async function showWrangler(
  world: World,
  run: RunWrangler,
  args: readonly string[],
  { config, input, secrets }: Readonly<RunOptions>,
): Promise<CommandFault | undefined> {
  // A shorter text may be a part of anything, such as an error code.
  const long = secrets.filter(({ length }) => length >= 6);
  const spellings = long.flatMap((secret) => [secret, JSON.stringify(secret).slice(1, -1)]);
  let output = "";
  let rest = "";
  const show = (line: string) => {
    const plain = stripVTControlCharacters(line);
    const redacted = spellings.reduce((text, spelling) => text.replaceAll(spelling, "…"), plain);
    if (redacted.trim() === "" || STACK.test(redacted)) return;
    output += `${redacted}\n`;
    print(world.stderr, `  ${visible(redacted)}`);
  };
  const code = await run(world, args, input, (text) => {
    const lines = (rest + text).split(/\r?\n|\r/);
    rest = lines.pop() ?? "";
    for (const line of lines) show(line);
  });
  show(rest);
  if (code === 0) return undefined;
  const hint = hintOf(output) ?? "See its output above";
  const ended = `wrangler ${args.join(" ").replace(/ -.*/s, "")} ended with ${code ?? "a signal"}`;
  return { fault: `${ended}. ${hintFor(config, hint)}` };
}

/** What a command of wrangler says that changes nothing, and is not shown. */
export type WranglerAnswer = {
  readonly code: number | null;
  /** Without colours. */
  readonly output: string;
  /** Why it failed, and what to do, on one line. */
  readonly reason: string;
};

/** Asks wrangler something. It asks nobody at the terminal, and opens no browser. @param input what it reads from stdin */
export async function askWrangler(
  world: World,
  run: RunWrangler,
  config: Omit<ConfigFile, "devVars">,
  args: readonly string[],
  input = "",
): Promise<WranglerAnswer> {
  let raw = "";
  // Whoever sets WRANGLER_LOG to "error" would see an empty answer: it would look like "none".
  const env = { ...world.env, WRANGLER_LOG: "log" };
  const allArgs = [...args, ...targetOf(config)];
  const code = await run({ ...world, env }, allArgs, input, (text) => {
    raw += text;
  });

  const output = stripVTControlCharacters(raw);
  const hint = hintOf(output);
  const error = /\[ERROR\] (?<text>.*)/.exec(output)?.groups?.["text"];
  const failure = error ?? `wrangler ended with ${code ?? "a signal"}`;
  const reason = hint === undefined ? failure.slice(0, 200) : hintFor(config, hint);
  return { code, output, reason };
}

/** The options that name the file and the environment: each may have an account of its own. */
export function targetOf({ file, environment }: Omit<ConfigFile, "devVars">): readonly string[] {
  return ["--config", file, "--env", environment ?? ""];
}
