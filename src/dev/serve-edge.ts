// Serves the strict edge to the Worker, which runs in another process. It also hands over the secrets
// of .dev.vars, so they are in no argument and in no file of wrangler.

import type { IncomingMessage } from "node:http";
import { json } from "node:stream/consumers";
import type { Edge } from "../emulator/edge/edge.ts";
import { isTable } from "../worker/base/json.ts";
import { listen } from "./listen.ts";

/**
 * Serves the edge at a URL that nobody can guess.
 * @param failed is told which options the emulator does not implement, and of internal errors
 * @param secrets is called for each GET of the URL; the answer is its result
 * @returns the URL to which to POST `{ url, method, headers, cf }`, and a function that stops the server
 */
export function serveEdge(
  edge: Pick<Edge, "fetch">,
  failed: (reason: unknown) => void,
  secrets: () => Readonly<Record<string, unknown>> = () => ({}),
): Promise<{ url: string; close: () => void }> {
  return listen(async (request, response, path) => {
    if (path === "" && request.method === "GET") {
      response.end(JSON.stringify(secrets()));
      return;
    }
    if (path !== "" || request.method !== "POST") {
      response.writeHead(404).end();
      return;
    }
    const { url, init } = await readAsked(request);
    const answer = await edge.fetch(url, init);
    response.writeHead(answer.status, Object.fromEntries(answer.headers));
    response.end(new Uint8Array(await answer.arrayBuffer()));
  }, failed);
}

async function readAsked(request: IncomingMessage): Promise<{ url: string; init: RequestInit }> {
  const asked: unknown = await json(request);
  if (!isTable(asked) || !isTable(asked["cf"])) throw new Error("not a request for the edge");
  const { url, method, headers, cf } = asked;
  if (typeof url !== "string" || typeof method !== "string" || !Array.isArray(headers)) {
    throw new Error("not a request for the edge");
  }
  return { url, init: { method, headers, cf } };
}
