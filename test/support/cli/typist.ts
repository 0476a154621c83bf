// Types the answers at a terminal, each when its question is shown.

import { PassThrough } from "node:stream";
import type { WorldOptions } from "./vitrine.ts";

/** Text that is shown, and the keys that are pressed then. */
export type Typed = readonly (readonly [prompt: string, keys: string])[];

/**
 * The terminal of a command, with somebody at it.
 * @param asked is called for each answer, with the number of answers that are left
 */
export function createTypist(answers: Typed, onAnswer: (unanswered: number) => void = () => {}) {
  const stdin = Object.assign(new PassThrough(), { isTTY: true, setRawMode: () => {} });
  const unanswered = [...answers];

  const onOutput = (screen: string) => {
    const [prompt, keys] = unanswered[0] ?? ["\0", ""];
    if (!screen.includes(prompt)) return;
    unanswered.shift();
    onAnswer(unanswered.length);
    setImmediate(() => stdin.write(keys));
  };

  const terminal = { isTTY: true, columns: 100 } as const;
  return { worldOptions: { stdin, onOutput, terminal } satisfies WorldOptions, unanswered };
}
