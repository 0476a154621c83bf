// The command line of npm run bench:cost.

import { execFileSync, spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { ROOT } from "../support/built.ts";
import { makeTemporary } from "../support/temporary.ts";
import { readOptions } from "./cost-options.ts";

const kept = (name: string) => readFileSync(join(ROOT, "fixtures/bench", name), "utf8");

describe("npm run bench:cost", () => {
  const script = join(ROOT, "test/bench/cost.ts");
  const few = ["--requests", "300", "--objects", "5", "--places", "2", "--replacements", "3"];

  test("writes the same bytes each time, and prints both tables", () => {
    const folders = ["one", "other"].map((name) => {
      const folder = makeTemporary(`vitrine-bench-${name}-`);
      const out = execFileSync(process.execPath, [script, ...few, "--out", folder]).toString();
      expect(out).toMatch(/^what visitors see .*\nstore, first month {2}/);
      expect(out).toMatch(/\nwhat it costs .*\nstore, first month {2}/);
      return folder;
    });
    const read = (folder = "") =>
      readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), "utf8")]);
    expect(read(folders[0])).toEqual(read(folders[1]));
    expect(readdirSync(folders[0] ?? "")).toEqual(["cost.json"]);
  });

  test("writes nothing for other options", () => {
    const before = kept("cost.json");
    const out = execFileSync(process.execPath, [script, ...few, "--seed", "2"]).toString();
    expect(out).not.toContain("Wrote");
    expect(kept("cost.json")).toBe(before);
  });

  test("--help lists the options", () => {
    const { stdout, status } = spawnSync(process.execPath, [script, "--help"]);
    expect([status, `${stdout}`]).toEqual([0, expect.stringContaining("--max-age <n>")]);
  });

  test.each([
    [["--requests", "0"], "--requests 0 is not a whole number from 1 to 5000000"],
    [["--requests", "1e3"], "--requests 1e3 is not a whole number"],
    [["--objects", "1.5"], "--objects 1.5 is not a whole number"],
    [["--zipf", "4"], "--zipf 4 is not a number from 0 to 3"],
    [["--seed", ""], "--seed  is not a whole number"],
    [["--place", "3"], "--place"],
    [["three"], "three"],
  ])("%j is a mistake", (args, message) => {
    const fault = expect.stringContaining(message);
    expect(readOptions(args, "fixtures/bench")).toMatchObject({ fault });
  });

  test.each([
    [["--seed"], "--seed"],
    [["--out", script], `--out ${script}: `],
  ])("%j is told on stderr, and ends it", (args, message) => {
    const { stderr, stdout, status } = spawnSync(process.execPath, [script, ...args]);
    expect([status, `${stdout}`]).toEqual([2, ""]);
    expect(`${stderr}`.split("\n")[0]).toContain(message);
  });
});
