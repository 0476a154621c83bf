// Runs wrangler, and shows what it says, line by line and without any secret that it was given.

import { stripVTControlCharacters } from "node:util";
import { type Fault, print, type World } from "../command.ts";
import { visible } from "../terminal/shell.ts";
import { hintFor } from "./environment.ts";
import type { RunWrangler } from "./run-wrangler.ts";

/** What to do about an error, by what wrangler prints: it gives no code to read. */
const HINTS: readonly (readonly [RegExp, string])[] = [
  [
    /\b1021[45]\b|isn't currently deployed/,
    // After a roll-back, the latest version is the bad one.
    "The latest version of the Worker is not the deployed one, as after a roll-back. Check out the commit that is live, and deploy it: npx vitrine deploy. See docs/environments.md, “Roll back”",
  ],
  [
    /required secrets have not been set/,
    // The others stay as they are deployed: an old copy of them would take the place of good ones.
    "Put the secrets that it names, and no others, into a file: npx vitrine deploy --secrets-file secrets.env",
  ],
  [
    // wrangler takes a 403 of R2 for a missing permission: it goes on, and fails without the bucket (T9).
    /\b100(?:42|85)\b|enable R2|inherit binding '\w+' is invalid/i,
    "R2 is not switched on in this account, or wrangler may not use it: switch it on once, in Cloudflare's dashboard under R2, or take store out of [vars.ANSWERS] in wrangler.toml, with its [[r2_buckets]]",
  ],
  [
    /CLOUDFLARE_API_TOKEN|not (?:logged in|authenticated)|Authentication error|code: (?:10000|9109)\b/i,
    "wrangler is not logged in, or may not do this. Run npx wrangler login, or set a CLOUDFLARE_API_TOKEN that may: docs/environments.md lists its permissions",
  ],
  [
    /\b10007\b|does not exist/i,
    "There is no such Worker in this account. Check the account, and name in wrangler.toml",
  ],
];

/** A line of a stack: it leads into wrangler itself, and hides the reason above it. */
const STACK = /^\s+at .*:\d+:\d+\)*$/;

type Given = {
  /** What it is about: the hint is for that environment. */
  readonly place: Parameters<typeof hintFor>[0];
  /** What it reads from stdin; without it, it may ask at the terminal. */
  readonly input?: string;
  /** The secrets that it is given: they are not shown. */
  readonly secrets: readonly string[];
};

/**
 * Runs wrangler to its end.
 * @param args the words of a command, such as `secret bulk`, and then its options
 * @returns if it did not end with 0: how it ended, and what to do
 */
export async function showWrangler(
  world: World,
  run: RunWrangler,
  args: readonly string[],
  { place, input, secrets }: Given,
): Promise<Fault | undefined> {
  // A shorter text may be a part of anything, such as an error code.
  const long = secrets.filter(({ length }) => length >= 6);
  const spellings = long.flatMap((secret) => [secret, JSON.stringify(secret).slice(1, -1)]);
  let all = "";
  let rest = "";
  const show = (line: string) => {
    let shown = stripVTControlCharacters(line);
    for (const spelling of spellings) shown = shown.replaceAll(spelling, "…");
    if (shown.trim() === "" || STACK.test(shown)) return;
    all += `${shown}\n`;
    print(world.stderr, `  ${visible(shown)}`);
  };
  const code = await run(world, args, input, (said) => {
    const lines = (rest + said).split(/\r?\n|\r/);
    rest = lines.pop() ?? "";
    for (const line of lines) show(line);
  });
  show(rest);
  return code === 0 ? undefined : wranglerFault(args, code, all, place);
}

/**
 * How wrangler ended, and what to do.
 * @param code null: a signal ended it
 * @param said its output, which the user has seen
 */
export function wranglerFault(
  args: readonly string[],
  code: number | null,
  said: string,
  place: Given["place"],
): Fault {
  const hint = HINTS.find(([form]) => form.test(said))?.[1];
  const words = args.join(" ").replace(/ -.*/s, "");
  const ended = `wrangler ${words} ended with ${code ?? "a signal"}`;
  return { fault: `${ended}. ${hintFor(place, hint ?? "See its output above")}` };
}
