// npm run test:s3: runs the tests of this folder against a real S3, which it starts and ends. With a seed
// (--seed 7) it makes the same keys again. Words, such as `commands`, choose files.

import { spawn } from "node:child_process";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { ROOT } from "../support/built.ts";
import { HOW_TO_GET_IT, installedVersion, startGateway } from "./radosgw.ts";
import { USERS, type World } from "./world.ts";

const MAX_MS = 20 * 60_000;
const { values, positionals } = parseArgs({
  options: { seed: { type: "string" } },
  allowPositionals: true,
});
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
if (!Number.isSafeInteger(seed)) throw new Error("--seed is a whole number");

const version = installedVersion();
if (version === undefined) {
  console.error(HOW_TO_GET_IT);
  process.exitCode = 1;
} else {
  process.exitCode = await run(version);
}

/** @returns the exit code of the tests */
async function run(version: string): Promise<number> {
  const began = performance.now();
  const gateway = await startGateway(USERS);
  const took = Math.round(performance.now() - began);
  console.log(`RGW ${version} is up after ${took} ms at ${gateway.endpoint}`);
  console.log(`Seed ${seed}. The same again: npm run test:s3 -- --seed ${seed}`);
  const second = await startGateway(USERS, true);
  const { endpoint, folder } = gateway;
  const withSessions = { endpoint: second.endpoint, folder: second.folder };
  const world: World = { endpoint, folder, withSessions, version, seed };
  const vitest = join(ROOT, "node_modules/vitest/vitest.mjs");
  const config = join(import.meta.dirname, "vitest.config.ts");
  const args = [vitest, "run", "--config", config, ...positionals];
  const env = { ...process.env, VITRINE_S3: JSON.stringify(world) };
  const limit = { timeout: MAX_MS, killSignal: "SIGKILL" } as const;
  const tests = spawn(process.execPath, args, { cwd: ROOT, env, stdio: "inherit", ...limit });
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => tests.kill(signal));
  const code = await new Promise<number>((settle) =>
    tests.once("close", (ended) => settle(ended ?? 1)),
  );
  if (code !== 0) console.error(`The end of radosgw's log:\n${gateway.log()}${second.log()}`);
  await Promise.all([gateway.stop(), second.stop()]);
  return code;
}
