// Serves the strict edge to the Worker of the local run. The same URL also hands over the secrets of
// .dev.vars, so they are in no argument and in no file of wrangler.

import { answerDoor } from "../emulator/answer-door.ts";
import { listen } from "../emulator/listen.ts";
import type { Served, ServedEdge } from "../emulator/served.ts";

/**
 * Serves the edge at a URL that nobody can guess.
 * @param failed is told which options the emulator does not implement, and of internal errors
 * @param secrets is called for each GET of the URL; the answer is its result
 */
export function serveLocalEdge(
  edge: ServedEdge,
  failed: (reason: unknown) => void,
  secrets: () => Readonly<Record<string, unknown>>,
): Promise<Served> {
  return listen(async (request, response, path) => {
    if (path === "" && request.method === "GET") response.end(JSON.stringify(secrets()));
    else await answerDoor(edge, request, response, path);
  }, failed);
}
