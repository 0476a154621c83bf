// Serves a page whose pictures come late: none before the test opens the gate. The pictures are what the strict
// Worker answers.

import { createServer } from "node:http";
import { freePort } from "../support/free-port.ts";

/** What docs/apps.md says of the policy that placeholders need. */
const POLICY =
  "default-src 'none'; img-src 'self' data:; style-src-attr 'unsafe-inline'; style-src-elem 'unsafe-inline'";

/**
 * Starts the server.
 * @param html the page at `/`
 * @param get asks the Worker for a path
 * @returns `open` lets all pictures through, those that were asked for, and those that will be
 */
export async function serveLatePictures(html: string, get: (path: string) => Promise<Response>) {
  const { promise: opened, resolve: open } = Promise.withResolvers<void>();
  const requestedUrls: string[] = [];
  const server = createServer(async ({ url = "" }, response) => {
    if (!url.startsWith("/images/")) {
      const headers = { "content-type": "text/html", "content-security-policy": POLICY };
      return void response.writeHead(url === "/" ? 200 : 404, headers).end(html);
    }
    requestedUrls.push(url);
    await opened;
    const answer = await get(url);
    const type = answer.headers.get("content-type") ?? "";
    response.writeHead(answer.status, { "content-type": type });
    response.end(new Uint8Array(await answer.arrayBuffer()));
  });
  const port = await freePort();
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  const close = () => {
    server.closeAllConnections();
    server.close();
  };
  return { address: `http://127.0.0.1:${port}/`, requestedUrls, open, close };
}
