// `npm run test:cloudflare` as a process, against the stub of Cloudflare's API: what it makes, tries and deletes.

import { spawn } from "node:child_process";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { makeTemporary } from "../support/temporary.ts";
import { type Stub, startStub } from "./stub/cloudflare.ts";

let stub: Stub;
beforeEach(async () => {
  stub = await startStub();
});
afterEach(() => stub.close());

/** Starts the program in an environment that has of Cloudflare what is given. */
function start(args: readonly string[], env: Readonly<Record<string, string>> = stub.env) {
  const program = join(import.meta.dirname, "main.ts");
  const temporary = makeTemporary("cloudflare-");
  const records = join(temporary, "records");
  const child = spawn(process.execPath, [program, "--records", records, ...args], {
    env: { ...process.env, TMPDIR: temporary, ...env },
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => (output += text));
  }
  const ended = new Promise<{ code: number | null; output: string }>((settle) => {
    child.on("close", (code) => settle({ code, output }));
  });
  return { child, temporary, ended };
}

it("tries each rule that the emulators play, and leaves nothing", async () => {
  stub.addBucket("acme-media");
  const { code, output } = await start(["--yes"]).ended;
  expect(output).toContain("All that was made is deleted.");
  expect(code).toBe(0);
  expect(stub.resources()).toEqual(["bucket acme-media"]);
  expect(stub.unknownCalls).toEqual([]);
});
