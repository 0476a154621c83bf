// Starts the local run of a project, from its own packages.

import { spawn } from "node:child_process";
import { freePort } from "../support/free-port.ts";
import { shellOf, type Where } from "./run.ts";

/** Runs `npx vitrine dev`, and waits until it is ready. @throws what it said, if it ends before */
export async function startDev(where: Where) {
  const port = await freePort();
  // A process group of its own, which Ctrl-C reaches as a whole.
  const options = { cwd: where.cwd, env: shellOf(where), detached: true };
  const child = spawn("npx", ["vitrine", "dev", "--port", `${port}`], options);
  let said = "";
  const closed = new Promise<void>((settle) => child.on("close", () => settle()));
  await new Promise<void>((settle, fail) => {
    const read = (data: Buffer) => {
      said += data;
      if (said.includes("Press Ctrl-C to stop.")) settle();
    };
    child.stdout.on("data", read);
    child.stderr.on("data", read);
    child.on("close", () => fail(new Error(said)));
  });
  return {
    url: `http://localhost:${port}`,
    said: () => said,
    stop: async () => {
      if (child.pid !== undefined) process.kill(-child.pid, "SIGINT");
      await closed;
    },
  };
}
