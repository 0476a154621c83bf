// Asks the person at the terminal, on stderr: stdout is for results.

import { confirm, isCancel, password, type SelectOptions, select, text } from "@clack/prompts";
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

type Choice<Value> = { readonly value: Value; readonly label: string };

/** Asks for one of a few values. */
export async function askOne<Value extends string>(
  world: World,
  message: string,
  choices: readonly Choice<Value>[],
): Promise<Value | Cancelled> {
  const { stdin: input, stderr: output, interrupted: signal } = world;
  const options: SelectOptions<string>["options"] = [...choices];
  const answer = await select({ message, options, input, output, signal });
  return choices.find(({ value }) => value === answer)?.value ?? "cancelled";
}

export type TextQuestion = {
  readonly message: string;
  /** The answer if nothing is typed, which is shown until then. */
  readonly fallback?: string | undefined;
  /** Says what is wrong with an answer. */
  readonly fault: (answer: string) => string | undefined;
};

/** Asks for a line of text, until it is right. */
export async function askText(world: World, question: TextQuestion): Promise<string | Cancelled> {
  const { message, fallback = "", fault } = question;
  const { stdin: input, stderr: output, interrupted: signal } = world;
  const read = (typed: string | undefined) => typed?.trim() || fallback;
  const validate = (typed: string | undefined) => fault(read(typed));
  const answer = await text({ message, placeholder: fallback, validate, input, output, signal });
  return isCancel(answer) ? "cancelled" : read(answer);
}
