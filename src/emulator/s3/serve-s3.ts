// Serves the strict S3 on a port of this machine, for a Worker in another process.

import { createServer } from "node:http";
import { getResponse } from "msw";
import type { S3 } from "./s3.ts";

/** @returns a function that stops the server */
export function serveS3(s3: S3, port: number): Promise<() => void> {
  const server = createServer(async ({ method = "GET", url, headers }, response) => {
    const { host, ...rest } = headers;
    const sent = new Headers();
    for (const [name, value] of Object.entries(rest)) {
      if (name !== "connection") sent.set(name, `${value}`);
    }
    const request = new Request(`http://${host}${url}`, { method, headers: sent });
    const answer = await getResponse([...s3.handlers], request);
    response.writeHead(answer?.status ?? 404, Object.fromEntries(answer?.headers ?? []));
    response.end(new Uint8Array((await answer?.arrayBuffer()) ?? []));
  });
  return new Promise((settle) => {
    server.listen(port, "127.0.0.1", () => settle(() => server.close().closeAllConnections()));
  });
}
