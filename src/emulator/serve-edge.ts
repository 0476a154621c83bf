// Serves the strict edge to a Worker in another process, which reaches it by `throughEdge`.

import { answerDoor } from "./answer-door.ts";
import { listen } from "./listen.ts";
import type { Served, ServedEdge } from "./served.ts";

/**
 * How an edge is served.
 * @example
 * const options: ServeEdgeOptions = { failed: (reason) => failures.push(reason) };
 */
export type ServeEdgeOptions = {
  /** Left out, or 0: any free one. */
  readonly port?: number;
  /**
   * Is told what the edge throws: an option that it does not play, or an error of its own. The Worker
   * only sees that its connection is cut. Left out: `console.error`.
   */
  readonly failed?: (reason: unknown) => void;
};

/**
 * Serves an edge on 127.0.0.1, at a URL that nobody can guess.
 * @example
 * const served = await serveEdge(edge);
 * // in the Worker: globalThis.fetch = throughEdge(globalThis.fetch, env.EDGE)
 * const vars = { EDGE: served.url };
 * await served.close();
 */
export function serveEdge(
  edge: ServedEdge,
  { port = 0, failed = (reason) => console.error(reason) }: ServeEdgeOptions = {},
): Promise<Served> {
  return listen(
    (request, response, path) => answerDoor(edge, request, response, path),
    failed,
    port,
  );
}
