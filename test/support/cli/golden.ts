// Golden files: all that a user sees of a command, in each of several cases. A change of a message is read there.

import { expect } from "vitest";
import type { CommandResult } from "./vitrine.ts";

/**
 * Compares what a command showed with a file beside the test. `vitest -u` writes the file anew.
 * Temporary folders, and what is chosen at random, are shown as `…`.
 * @param cases the title of each case, and how the command ended
 */
export async function expectGolden(
  file: string,
  cases: Iterable<readonly [title: string, ended: CommandResult]>,
): Promise<void> {
  const screen = (name: string, text: string) => (text === "" ? "" : `--- ${name}\n${text}`);
  const sections = [...cases].map(([title, { code, out, err }]) => {
    return `=== ${title}: exit code ${code}\n${screen("stdout", out)}${screen("stderr", err)}`;
  });
  const text = sections
    .join("\n")
    .replace(/(?<![^\s'"(])\/[^\s'":]*\/vitrine-[\w-]+/g, "…")
    .replace(/vitrine-(doctor|health)-[\w-]+/g, "vitrine-$1-…");

  await expect(text, "if it is meant, write it by -u").toMatchFileSnapshot(file);
}
