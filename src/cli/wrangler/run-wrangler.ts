// Runs the wrangler of this project, and shows its output without any secret. No other file of the CLI runs wrangler.
// Its environment leaves out the secrets of the Worker, CLOUDFLARE_ENV (S5), and the token that sets up a zone.

import { type StdioOptions, spawn } from "node:child_process";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { isSecret } from "../../worker/config/read-secrets.ts";
import { type CommandFault, page, print, type World } from "../command.ts";
import { visible } from "../terminal/shell.ts";
import { type ConfigFile, commandFor } from "./config-file.ts";
import { wranglerFolder } from "./packages.ts";
import { settingsFor } from "./settings.ts";

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
  const merged: NodeJS.ProcessEnv = {
    ...process.env, // for its type: `wrangler types` requires the vars of this repository in it
  };
  for (const name of Object.keys({ ...process.env, ...env })) {
    merged[name] = isHidden(name.toUpperCase()) ? undefined : env[name];
  }

  return {
    ...merged,
    WRANGLER_HIDE_BANNER: "true",
    WRANGLER_SEND_METRICS: "false",
    WRANGLER_LOG_SANITIZE: "true",
  };
}

/** Returns whether wrangler must not see a variable. `--env` always names the environment. */
function isHidden(name: string): boolean {
  if (name === "CLOUDFLARE_ENV" || name === "CLOUDFLARE_SETUP_TOKEN") return true;
  return isSecret(name);
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

/** What to do about an error. wrangler gives no code to read, so its text is: the first form that it has counts. */
function hintOf(config: Omit<ConfigFile, "devVars">, output: string): string | undefined {
  // After a roll-back, the latest version is the bad one.
  if (/\b1021[45]\b|isn't currently deployed/.test(output)) {
    return `The latest version of the Worker is not the deployed one. Check out the commit that is live, and deploy it: ${commandFor(config, "npx vitrine deploy")}`;
  }

  // An old copy of the others would take the place of good ones.
  if (/required secrets have not been set/.test(output)) {
    return `Put the secrets that it names, and no others, into a file: ${commandFor(config, "npx vitrine deploy")} --secrets-file secrets.env`;
  }

  // An account has no R2 before somebody switches it on (T9).
  if (/\b100(?:42|85)\b|enable R2|inherit binding '\w+' is invalid/i.test(output)) {
    return `R2 is not switched on in this account, or wrangler may not use it: switch it on in Cloudflare's dashboard, or take store and ${settingsFor(config, "[[r2_buckets]]")} out of ${config.file}`;
  }

  // wrangler has uploaded the Worker before.
  if (/\/queues\b[^[]*\[code: (?:10000|9109)\]/.test(output)) {
    return `wrangler may not change queues: its token needs Account → Queues: Edit. ${page("docs/environments.md")} lists all permissions`;
  }

  if (NO_LOGIN.test(output)) {
    return `wrangler is not logged in, or may not do this. Run npx wrangler login, or set a CLOUDFLARE_API_TOKEN that may: ${page("docs/environments.md")} lists its permissions`;
  }
  return undefined;
}

const NO_LOGIN =
  /CLOUDFLARE_API_TOKEN|not (?:logged in|authenticated)|Authentication error|code: (?:10000|9109)\b/i;

/** A line of a stack: it leads into wrangler itself, and hides the reason above it. */
const STACK = /^\s+at .*:\d+:\d+\)*$/;

type RunOptions = {
  readonly config: Omit<ConfigFile, "devVars">;
  /** What wrangler reads from stdin. */
  readonly input?: string;
  /** What wrangler is given, and must not be shown. */
  readonly secrets: readonly string[];
};

/**
 * Runs wrangler to its end, and shows what it says, without the secrets that it is given.
 * @param args the words of a command, such as `secret bulk`, and then its options
 * @returns if it did not end with 0: how it ended, and what to do
 */
export async function showWrangler(
  world: World,
  run: RunWrangler,
  args: readonly string[],
  { config, input, secrets }: RunOptions,
): Promise<CommandFault | undefined> {
  const spellings = spellingsOf(secrets);
  let output = "";
  const show = (line: string) => {
    const redacted = redact(line, spellings);
    if (redacted.trim() === "" || STACK.test(redacted)) return;

    output += `${redacted}\n`;
    print(world.stderr, `  ${visible(redacted)}`);
  };

  // A part of a line waits for the rest of it: a secret may be in both.
  let rest = "";
  const code = await run(world, args, input, (text) => {
    const lines = (rest + text).split(/\r?\n|\r/);
    rest = lines.pop() ?? "";
    for (const line of lines) show(line);
  });
  show(rest);
  if (code === 0) return undefined;

  const command = args.join(" ").replace(/ -.*/s, "");
  const hint = hintOf(config, output) ?? "See its output above";
  return { fault: `wrangler ${command} ended with ${code ?? "a signal"}. ${hint}` };
}

/** Each secret as it is, and as JSON has it. A shorter text may be a part of anything, such as an error code. */
function spellingsOf(secrets: readonly string[]): readonly string[] {
  const spellings: string[] = [];
  for (const secret of secrets) {
    if (secret.length < 6) continue;
    spellings.push(secret, JSON.stringify(secret).slice(1, -1));
  }
  return spellings;
}

/** A line without colours and secrets, and without the unseen character that makes `ℹ` an emoji. */
function redact(line: string, spellings: readonly string[]): string {
  let text = stripVTControlCharacters(line).replaceAll("\ufe0f", "");
  for (const spelling of spellings) text = text.replaceAll(spelling, "…");
  return text;
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
  // Whoever sets WRANGLER_LOG to "error" would see an empty answer: it would look like "none".
  const env = { ...world.env, WRANGLER_LOG: "log" };
  const allArgs = [...args, ...targetOf(config)];
  let raw = "";
  const code = await run({ ...world, env }, allArgs, input, (text) => {
    raw += text;
  });

  const output = stripVTControlCharacters(raw);
  const error = /\[ERROR\] (?<text>.*)/.exec(output)?.groups?.["text"];
  const failure = error ?? `wrangler ended with ${code ?? "a signal"}`;
  const reason = hintOf(config, output) ?? failure.slice(0, 200);
  return { code, output, reason };
}

/** The options that name the file and the environment: each may have an account of its own. */
export function targetOf({ file, environment }: Omit<ConfigFile, "devVars">): readonly string[] {
  return ["--config", file, "--env", environment ?? ""];
}
