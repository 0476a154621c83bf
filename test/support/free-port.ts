// Ports for servers that a test starts, and for those that it needs closed.

import { createServer } from "node:net";

// Systems hand out ports from 32768 on (Linux) or 49152 on, to whoever asks for any port. One of
// those may be handed to another test before this one has used it. So each process has ports of its
// own below that range.
const FIRST = 10_000;
const EACH = 100;
const PROCESSES = 200;

const from = FIRST + (process.pid % PROCESSES) * EACH;
let given = 0;

/**
 * A port that nothing uses, and that no other test is given.
 * @throws if all ports of this process are in use
 */
export async function freePort(): Promise<number> {
  for (let tried = 0; tried < EACH; tried++) {
    const port = from + (given++ % EACH);
    if (await isFree(port)) return port;
  }
  throw new Error(`all ports from ${from} to ${from + EACH - 1} are in use`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((settle) => {
    const server = createServer();
    server.once("error", () => settle(false));
    server.listen(port, "127.0.0.1", () => server.close(() => settle(true)));
  });
}
