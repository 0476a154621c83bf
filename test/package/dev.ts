// Starts a development server of a project, from its own packages: `vitrine dev`, or wrangler alone. It ends with
// this process, however that ends.

import { spawn } from "node:child_process";
import { freePort } from "../support/free-port.ts";
import { type Shell, shellOf } from "./run.ts";

type Server = {
  readonly command: readonly string[];
  /** The text that it prints when it is ready. */
  readonly ready: string;
};

const VITRINE_DEV: Server = { command: ["vitrine", "dev"], ready: "Press Ctrl-C to stop." };
export const WRANGLER_DEV: Server = { command: ["wrangler", "dev"], ready: "Ready on http" };

// In a process group of its own, which gets a Ctrl-C as a whole when the standard input closes, as it does if this
// process is killed. What is left of it after 10 s is killed.
const SCRIPT = `trap : INT; exec 3<&0
{ trap : INT; read -r _ <&3; kill -INT 0; sleep 10; kill -KILL 0; } >/dev/null 2>&1 &
"$0" "$@" </dev/null`;

/** Runs a development server by npx, and waits until it is ready. @throws with its output, if it ends before */
export async function startDev(shell: Shell, { command, ready }: Server = VITRINE_DEV) {
  const port = await freePort();
  // No network for Request.cf.
  const env = { ...shellOf(shell), CLOUDFLARE_CF_FETCH_ENABLED: "false", PORT: `${port}` };
  const isWrangler = command[0] === "wrangler";
  const args = ["-c", SCRIPT, "npx", ...command, ...(isWrangler ? ["--port", `${port}`] : [])];
  const child = spawn("sh", args, { cwd: shell.cwd, env, detached: true });
  let output = "";
  const closed = new Promise<void>((settle) => child.on("close", () => settle()));
  await new Promise<void>((settle, fail) => {
    const read = (data: Buffer) => {
      output += data;
      if (output.includes(ready)) settle();
    };
    child.stdout.on("data", read);
    child.stderr.on("data", read);
    child.on("close", () => fail(new Error(output)));
  });
  return {
    url: `http://localhost:${port}`,
    output: () => output,
    stop: async () => {
      child.stdin.end();
      await closed;
    },
  };
}
