// Answers a request that came by `throughEdge`. It is JSON: `{ url, method, headers, redirect, cf }`.

import type { IncomingMessage, ServerResponse } from "node:http";
import { json } from "node:stream/consumers";
import type { Edge, EdgeInit } from "./edge/settings.ts";

/** Has the edge answer. @throws what the edge throws, or if the request is of another form */
export async function answerDoor(
  edge: Pick<Edge, "fetch">,
  request: IncomingMessage,
  response: ServerResponse,
  path: string,
): Promise<void> {
  if (path !== "" || request.method !== "POST") {
    response.writeHead(404).end();
    return;
  }
  const { url, init } = read(await json(request));
  const answer = await edge.fetch(url, init);
  response.writeHead(answer.status, Object.fromEntries(answer.headers));
  response.end(new Uint8Array(await answer.arrayBuffer()));
}

type Read = { readonly url: string; readonly init: EdgeInit & { readonly redirect: string } };

function read(asked: unknown): Read {
  if (!isTable(asked)) throw new Error("not a request for the edge");
  const { url, method, headers, redirect, cf } = asked;
  const areTexts = typeof url === "string" && typeof method === "string";
  if (!areTexts || typeof redirect !== "string" || !Array.isArray(headers) || !isTable(cf)) {
    throw new Error("not a request for the edge");
  }
  return { url, init: { method, headers, redirect, cf } };
}

function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
