// One `vitrine rotate` at a time in a folder.

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { alone } from "../../../src/cli/rotate/lock.ts";
import { refusedRun, run, site } from "../../support/cli/rotating-site.ts";

const LOCK = ".wrangler/vitrine/rotation.lock";

function lock(text: string): string {
  mkdirSync(join(site.folder, ".wrangler/vitrine"), { recursive: true });
  const path = join(site.folder, LOCK);
  writeFileSync(path, text);
  return path;
}

test("while another process rotates in the folder, it does not begin", async () => {
  const path = lock(`${process.ppid}\n`);
  const err = await refusedRun();
  expect(err).toContain(`Another vitrine rotate runs in this folder, as process ${process.ppid}.`);
  expect(err).toContain(`remove ${LOCK}`);
  expect(readFileSync(path, "utf8")).toBe(`${process.ppid}\n`);
  expect((await run({ dryRun: true })).code).toBe(0);
});

test.each<[string, () => string]>([
  ["a process that is gone", () => `${spawnSync(process.execPath, ["--version"]).pid}\n`],
  ["this process's id, of before", () => `${process.pid}\n`],
  ["nothing", () => ""],
])("a lock that was left behind is taken over: %s", async (_what, text) => {
  const path = lock(text());
  expect((await run()).code).toBe(1);
  expect(existsSync(path)).toBe(false);
});

test("no lock is left, however it ends", async () => {
  const path = join(site.folder, LOCK);
  let held: boolean | undefined;
  site.during = () => {
    held ??= existsSync(path);
    return { code: 1 };
  };
  expect([(await run()).code, held, existsSync(path)]).toEqual([2, true, false]);
  const heard = (said: string, interrupt: () => void) => {
    if (said.includes("Continuing")) interrupt();
  };
  expect([(await run({}, { heard })).code, existsSync(path)]).toEqual([130, false]);
  const thrown = alone(site.folder, { environment: undefined }, () =>
    Promise.reject(new Error("a bug")),
  );
  await expect(thrown).rejects.toThrow("a bug");
  expect(existsSync(path)).toBe(false);
});
