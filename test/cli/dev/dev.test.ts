// vitrine dev: what it starts. test/dev/start.test.ts starts it.

import { expect, test } from "vitest";
import { runProgram } from "../../../src/cli/program.ts";
import { createWorld } from "../../support/cli/vitrine.ts";

/** Runs the command with a local run that only says how it would start. */
async function dev(args: readonly string[], env: Record<string, string> = {}) {
  const { world, said } = createWorld({ env });
  const started: unknown[] = [];
  const code = await runProgram(["dev", ...args], world, async () => async (...how) => {
    expect(how.pop()).toBe(world.interrupted);
    started.push(how);
    return how[1] === "1" ? { fault: "it does not start" } : undefined;
  });
  return { code, started, ...said() };
}

test.each<[args: string[], env: Record<string, string>, how: unknown[]]>([
  [[], {}, [undefined, undefined]],
  [[], { PORT: "9000", CLOUDFLARE_ENV: "staging" }, ["staging", "9000"]],
  [["--env", ""], { CLOUDFLARE_ENV: "staging" }, [undefined, undefined]],
])("vitrine dev %j, with %j, starts %j", async (args, env, how) => {
  expect(await dev(args, env)).toEqual({ code: 0, started: [how], out: "", err: "" });
});

test("if it cannot start, vitrine dev says why, and ends with 2", async () => {
  expect(await dev([], { PORT: "1" })).toMatchObject({ code: 2, err: "it does not start\n" });
});

test("other arguments make no sense", async () => {
  expect(await dev(["8080"])).toMatchObject({ code: 3, started: [] });
});
