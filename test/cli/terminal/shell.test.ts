// A shell reads a printed command as it was meant.

import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { commandLine, shellQuote } from "../../../src/cli/terminal/shell.ts";
import { HARD_KEYS } from "../../../src/dev/objects.ts";

test("a shell leaves every quoted key as it is", () => {
  const keys = [
    ...HARD_KEYS,
    "it's",
    "$(date)",
    "`date`",
    "!!",
    "a;b",
    "~",
    "*",
    "",
    "-n",
    "a\nb",
    "=ls",
  ];
  const script = `for key in ${keys.map(shellQuote).join(" ")}; do printf '%s\\0' "$key"; done`;
  const said = execFileSync("sh", ["-c", script], { encoding: "utf8" });
  expect(said.split("\0").slice(0, -1)).toEqual(keys);
});

test("a shell reads a command as it was given", () => {
  const flags = {
    secretsFile: "$HOME/a b",
    v: ["-1", "2"],
    yes: true,
    wait: 5,
    url: undefined,
  } as const;
  const line = commandLine("purge", flags, ["-", "-n", "it's"]);
  const script = line.replace("npx vitrine", "printf '%s\\0'");
  const read = execFileSync("sh", ["-c", script], { encoding: "utf8" }).split("\0").slice(0, -1);
  expect(read).toEqual([
    ...["purge", "--secrets-file", "$HOME/a b", "--v=-1", "--v", "2", "--yes", "--wait", "5"],
    ...["--", "-", "-n", "it's"],
  ]);
});
