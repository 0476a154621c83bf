// A shell reads a printed command as it was meant.

import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { shellQuote } from "../../../src/cli/terminal/shell.ts";
import { HARD_KEYS } from "../../../src/dev/objects.ts";

test("a shell leaves every quoted key as it is", () => {
  const keys = [...HARD_KEYS, "it's", "$(date)", "`date`", "!!", "a;b", "~", "*", "", "-n", "a\nb"];
  const script = `for key in ${keys.map(shellQuote).join(" ")}; do printf '%s\\0' "$key"; done`;
  const said = execFileSync("sh", ["-c", script], { encoding: "utf8" });
  expect(said.split("\0").slice(0, -1)).toEqual(keys);
});
