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
  if (isCancel(answer)) return "cancelled";
  return answer;
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
  // clack has no text where nothing was typed.
  const validate = (typed = "") => faultOf(typed.trim());

  const answer = await prompt(world, (screen) => text({ message, validate, ...screen }));
  if (isCancel(answer)) return "cancelled";
  return answer.trim();
}

/** Ctrl-D cancels as Ctrl-C does: clack would wait for ever, and the process would end with a warning of Node.js. */
async function prompt<Answer>(
  { stdin: input, stderr: output, interrupted }: World,
  show: (screen: CommonOptions) => Promise<Answer>,
): Promise<Answer> {
  const controlD = new AbortController();
  const onKeypress = (_text: unknown, { ctrl, name }: Key): void => {
    if (ctrl === true && name === "d") controlD.abort();
  };

  const signal = AbortSignal.any([interrupted, controlD.signal]);
  input.on("keypress", onKeypress);
  try {
    return await show({ input, output, signal });
  } finally {
    input.off("keypress", onKeypress);
  }
}
