// How secrets are put into .dev.vars.

import { readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { beforeEach, expect, test } from "vitest";
import { putDevVars } from "../../../src/cli/secrets/secrets.ts";
import { createTemporaryFolder } from "../../support/temporary-folder.ts";

let file: string;
const put = (before: string, change: Record<string, string | null>) => {
  writeFileSync(file, before);
  return putDevVars(dirname(file), change, ".dev.vars");
};
beforeEach(() => {
  file = join(createTemporaryFolder("vitrine-put-"), ".dev.vars");
});

test.each<[what: string, before: string, change: Record<string, string | null>, after: string]>([
  ["into an empty file", "", { A: "1" }, "A='1'\n"],
  ["after the last line", "# a\nB=2", { A: "1" }, "# a\nB=2\nA='1'\n"],
  ["in place of another", "# a\n\nA=0 # b\nB=2\n", { A: "1" }, "# a\n\nB=2\nA='1'\n"],
  ["once", "A=0\nB=2\nA=1\n", { A: "3" }, "B=2\nA='3'\n"],
  ["with export", "export A=0\n", { A: "1" }, "A='1'\n"],
  ["deleted", "# A=1\nA=0\nB=2\n", { A: null, C: null }, "# A=1\nB=2\n"],
  ["several", "B='2'\nA=0\n", { A: "1", B: null, C: "3" }, "A='1'\nC='3'\n"],
  ["in the place of one with a colon", "A: 0\nB=2\n", { A: "1" }, "B=2\nA='1'\n"],
  ["with quotes and signs", "", { A: "a'b#c$d=" }, `A="a'b#c$d="\n`],
])("a secret is put into .dev.vars: %s", (_what, before, change, after) => {
  expect([put(before, change), readFileSync(file, "utf8")]).toEqual([undefined, after]);
});

test.each([
  ["A name within a value of several lines", "A='\nB=1\n'\n", { B: "2" }, "A"],
  ["A value whose last sign would take the quote", "B='2'\n", { A: "a\\" }, "A"],
  ["A value that no quotes can hold", "", { A: `a'b"c\`d` }, "A"],
])("%s is left alone, and told", (_what, before, change, name) => {
  const fault = expect.stringContaining(`on one line, in quotes: ${name}. It was not changed`);
  expect([put(before, change), readFileSync(file, "utf8")]).toEqual([{ fault }, before]);
});

test("the file keeps its mode, and a link to it stays one", () => {
  const folder = createTemporaryFolder("vitrine-put-");
  const real = join(folder, "real");
  writeFileSync(real, "A=0\n", { mode: 0o640 });
  symlinkSync(real, join(folder, ".dev.vars"));
  expect(putDevVars(folder, { A: "1" }, ".dev.vars")).toBeUndefined();
  expect([readFileSync(real, "utf8"), statSync(real).mode & 0o777]).toEqual(["A='1'\n", 0o640]);
  rmSync(real);
  const { fault } = putDevVars(folder, { A: "1" }, ".dev.vars") ?? {};
  expect(fault).toMatch(/^\.dev\.vars cannot be written: ENOENT.*It was not changed$/);
});
