// Types the answers at a terminal, each when its question is shown.

import { PassThrough } from "node:stream";
import type { WorldOptions } from "./vitrine.ts";

/** Text that is shown, and the keys that are pressed then. */
export type Typed = readonly (readonly [shown: string, keys: string])[];

/**
 * The terminal of a command, with somebody at it.
 * @param asked is called for each answer, with the number of answers that are left
 */
export function createTypist(answers: Typed, asked: (left: number) => void = () => {}) {
  const stdin = Object.assign(new PassThrough(), { isTTY: true, setRawMode: () => {} });
  const left = [...answers];
  const heard = (said: string) => {
    const [shown, keys] = left[0] ?? ["\0", ""];
    if (!said.includes(shown)) return;
    left.shift();
    asked(left.length);
    setImmediate(() => stdin.write(keys));
  };
  const terminal = { isTTY: true, columns: 100 } as const;
  const given: Pick<WorldOptions, "stdin" | "heard" | "terminal"> = { stdin, heard, terminal };
  return { given, left };
}
