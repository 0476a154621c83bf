// Ports for servers that a test starts, and for those that it needs closed.

import { createServer, type Server } from "node:net";

// Systems hand out ports from 32768 on (Linux) or 49152 on, to whoever asks for any port. One of
// those may be handed to another test before this one has used it. So each process has a range of
// ports of its own, below those. It listens on the first of them: the system gives a range back
// when its process ends, however that ends.
const FIRST = 10_000;
const RANGE = 100;
const RANGES = 200;

let range: Promise<number> | undefined;
let count = 0;

/**
 * A port that nothing uses, and that no other test is given.
 * @throws if all ports of this process are in use
 */
export async function freePort(): Promise<number> {
  range ??= claimRange();
  const first = await range;

  for (let attempt = 1; attempt < RANGE; attempt++) {
    const port = first + 1 + (count++ % (RANGE - 1));
    const server = await listen(port);
    if (server === undefined) continue;
    await new Promise((closed) => server.close(closed));
    return port;
  }

  throw new Error(`all ports from ${first + 1} to ${first + RANGE - 1} are in use`);
}

async function claimRange(): Promise<number> {
  for (let attempt = 0; attempt < RANGES; attempt++) {
    const first = FIRST + ((process.pid + attempt) % RANGES) * RANGE;
    const server = await listen(first);
    if (server === undefined) continue;
    server.unref();
    return first;
  }

  throw new Error(`no range of ports from ${FIRST} to ${FIRST + RANGES * RANGE} is free`);
}

/** @returns undefined if the port is in use */
function listen(port: number): Promise<Server | undefined> {
  return new Promise((settle, fail) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) =>
      error.code === "EADDRINUSE" ? settle(undefined) : fail(error),
    );
    server.listen(port, "127.0.0.1", () => settle(server));
  });
}
