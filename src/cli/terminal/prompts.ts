// Asks the person at the terminal, on stderr: stdout is for results.

import type { Key } from "node:readline";
import { type CommonOptions, confirm, isCancel, text } from "@clack/prompts";
import type { World } from "../command.ts";

export type Cancelled = "cancelled";

export function hasTerminal({ stdin, stderr }: World): boolean {
  return stdin.isTTY === true && stderr.isTTY === true;
}

export async function askYes(world: World, message: string): Promise<boolean | Cancelled> {
  const answer = await prompt(world, (screen) => confirm({ message, ...screen }));
  return isCancel(answer) ? "cancelled" : answer;
}

/**
 * Asks for a line of text, until the answer is right.
 * @param faultOf returns what is wrong with an answer
 */
export async function askText(
  world: World,
  message: string,
  faultOf: (answer: string) => string | undefined,
): Promise<string | Cancelled> {
  const trim = (typed = "") => typed.trim();
  const validate = (typed: string | undefined) => faultOf(trim(typed));
  const answer = await prompt(world, (screen) => text({ message, validate, ...screen }));
  return isCancel(answer) ? "cancelled" : trim(answer);
}

/** Ctrl-D cancels as Ctrl-C does: clack would wait without end, and the process would end with a warning of Node.js. */
async function prompt<Answer>(
  { stdin: input, stderr: output, interrupted }: World,
  show: (screen: CommonOptions) => Promise<Answer>,
): Promise<Answer> {
  const ended = new AbortController();
  const onKeypress = (_text: unknown, { ctrl, name }: Key) => {
    if (ctrl === true && name === "d") ended.abort();
  };
  input.on("keypress", onKeypress);
  try {
    return await show({ input, output, signal: AbortSignal.any([interrupted, ended.signal]) });
  } finally {
    input.off("keypress", onKeypress);
  }
}
