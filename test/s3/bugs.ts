// Bugs that are planted in what the Worker signs: a judge that finds none of them proves nothing.

import { join } from "node:path";
import { ROOT } from "../support/built.ts";

export type Bug = {
  readonly name: string;
  /** Below src/. */
  readonly file: string;
  /** A text that the file contains once, and the text that replaces it. */
  readonly from: string;
  readonly to: string;
  /** Returns whether the bug asks for another object, or signs wrong. */
  readonly spoils: (key: string) => boolean;
};

export const BUGS: readonly Bug[] = [
  {
    name: "keys are normalised to NFC",
    file: "worker/origin/object-url.ts",
    from: "base + encodeKey(key)",
    to: 'base + encodeKey(key.normalize("NFC"))',
    spoils: (key) => key !== key.normalize("NFC"),
  },
  {
    name: "a key is decoded twice",
    file: "url/grammar.ts",
    from: "return decodeURIComponent(pathname);",
    to: "return decodeURIComponent(decodeURIComponent(pathname));",
    spoils: (key) => key.includes("%"),
  },
];

/** The folder of the Worker with a bug, by its place in BUGS. */
export function builtWith(at: number): string {
  return join(ROOT, `.wrangler/test/planted/${at}/built`);
}
