// The port of the local run.

import { createServer } from "node:http";
import { expect, onTestFinished, test } from "vitest";
import { readPort } from "../../src/dev/read-port.ts";
import { freePort } from "../support/free-port.ts";

test.each(["http", "0", "65536", "80.5", "-1"])("%s is not a port", async (given) => {
  const fault = `PORT is "${given}". It must be a number from 1 to 65535.`;
  expect(await readPort(given)).toEqual({ fault });
});

test("a port that is in use is refused", async () => {
  const port = await freePort();
  expect(await readPort(`${port}`)).toBe(port);
  const server = createServer();
  onTestFinished(() => void server.close());
  await new Promise<void>((listening) => server.listen(port, "127.0.0.1", listening));
  expect(await readPort(`${port}`)).toEqual({
    fault: expect.stringContaining(`Port ${port} is in use.`),
  });
});
