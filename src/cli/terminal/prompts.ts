// Asks the person at the terminal, on stderr: stdout is for results.

import type { Key } from "node:readline";
import { confirm, isCancel, text } from "@clack/prompts";
import type { World } from "../command.ts";

export type Cancelled = "cancelled";

export function hasTerminal({ stdin, stderr }: World): boolean {
  return stdin.isTTY === true && stderr.isTTY === true;
}

/** Where clack asks, and what cancels it. */
type Screen = {
  readonly input: World["stdin"];
  readonly output: World["stderr"];
  readonly signal: AbortSignal;
};

/** Ctrl-D cancels as Ctrl-C does: clack would wait without end, and the process end with a warning of Node.js. */
async function ask<Answer>(
  { stdin: input, stderr: output, interrupted }: World,
  show: (screen: Screen) => Promise<Answer>,
): Promise<Answer> {
  const ended = new AbortController();
  const end = () => ended.abort();
  const hear = (_text: unknown, { ctrl, name }: Key) => {
    if (ctrl === true && name === "d") end();
  };
  input.on("keypress", hear).once("end", end);
  try {
    return await show({ input, output, signal: AbortSignal.any([interrupted, ended.signal]) });
  } finally {
    input.off("keypress", hear).off("end", end);
  }
}

/** @param initialValue what the key Enter alone means */
export async function askYes(world: World, message: string, initialValue = true) {
  const answer = await ask(world, (screen) => confirm({ message, initialValue, ...screen }));
  return isCancel(answer) ? "cancelled" : answer;
}

type TextQuestion = {
  readonly message: string;
  /** The answer if nothing is typed, which is shown until then. */
  readonly fallback?: string | undefined;
  /** Says what is wrong with an answer. */
  readonly fault: (answer: string) => string | undefined;
};

/** Asks for a line of text, until it is right. */
export async function askText(world: World, question: TextQuestion): Promise<string | Cancelled> {
  const { message, fallback = "", fault } = question;
  const read = (typed: string | undefined) => typed?.trim() || fallback;
  const validate = (typed: string | undefined) => fault(read(typed));
  const answer = await ask(world, (screen) =>
    text({ message, placeholder: fallback, validate, ...screen }),
  );
  return isCancel(answer) ? "cancelled" : read(answer);
}
