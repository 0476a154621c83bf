// Asks the person at the terminal, on stderr: stdout is for results.

import { confirm, isCancel, password } from "@clack/prompts";
import type { World } from "../command.ts";

export type Cancelled = "cancelled";

export function hasTerminal({ stdin, stderr }: World): boolean {
  return stdin.isTTY === true && stderr.isTTY === true;
}

export async function askYes(world: World, message: string): Promise<boolean | Cancelled> {
  const { stdin: input, stderr: output, interrupted: signal } = world;
  const answer = await confirm({ message, input, output, signal });
  return isCancel(answer) ? "cancelled" : answer;
}

/** Asks for a secret, which is not shown. */
export async function askHidden(world: World, message: string): Promise<string | Cancelled> {
  const { stdin: input, stderr: output, interrupted: signal } = world;
  const validate = (value: string | undefined) => (value ? undefined : "Paste it here");
  const answer = await password({ message, validate, input, output, signal });
  return isCancel(answer) ? "cancelled" : answer.trim();
}
