// Reads the port of the local run, and checks that it is free.

import { createServer } from "node:net";
import type { Fault } from "../cli/command.ts";

/** @param given the value of PORT; without it, 8787 */
export async function readPort(given: string | undefined): Promise<number | Fault> {
  const port = Number(given || 8787);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) {
    return { fault: `PORT is "${given}". It must be a number from 1 to 65535.` };
  }
  for (const host of ["127.0.0.1", "::1"]) {
    const fault = portFault(port, await listenError(port, host));
    if (fault !== undefined) return fault;
  }
  return port;
}

/** @param code the error of an attempt to listen there. @returns undefined if that says nothing of the port */
export function portFault(port: number, code: string | undefined): Fault | undefined {
  if (code === "EADDRINUSE") {
    const other = `choose another port: PORT=${port + 1} npx vitrine dev`;
    return { fault: `Port ${port} is in use. Stop the program that uses it, or ${other}` };
  }
  if (code === "EACCES") {
    return { fault: `Port ${port} needs administrator rights. Try PORT=8787 npx vitrine dev` };
  }
  return undefined;
}

/** Returns a port of this machine that is free now. */
export function findPort(): Promise<number> {
  return new Promise((settle, fail) => {
    const server = createServer()
      .on("error", fail)
      .listen(0, "127.0.0.1", () => {
        const address = server.address();
        const port = typeof address === "object" && address !== null ? address.port : 0;
        server.close(() => settle(port));
      });
  });
}

/** Listens for a moment. Returns the error code, or undefined if it worked. */
function listenError(port: number, host: string): Promise<string | undefined> {
  return new Promise((settle) => {
    const server = createServer()
      .on("error", (error: NodeJS.ErrnoException) => settle(error.code))
      .listen(port, host, () => server.close(() => settle(undefined)));
  });
}
