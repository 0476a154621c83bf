// Answers a request that came by `throughEdge`, which is JSON: `{ url, method, headers, redirect, cf }`; or
// a form that came by `throughImages`.

import type { IncomingMessage, ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { json } from "node:stream/consumers";
import type { EdgeInit } from "./edge/settings.ts";
import { isTable } from "./is-table.ts";
import type { Edge, ServedEdge } from "./served.ts";

/** Has the edge answer. @throws what the edge throws, or if the request is of another form */
export async function answerDoor(
  edge: ServedEdge,
  request: IncomingMessage,
  response: ServerResponse,
  path: string,
): Promise<void> {
  const isOfImages = path === "/images/transform" || path === "/images/info";
  if (isOfImages && edge.answerImages !== undefined && request.method === "POST") {
    await answerForm(edge.answerImages, request, response, path);
    return;
  }
  if (path !== "" || request.method !== "POST") {
    response.writeHead(404).end();
    return;
  }
  const { url, init } = read(await json(request));
  const answer = await edge.fetch(url, init);
  response.writeHead(answer.status, Object.fromEntries(answer.headers));
  response.end(new Uint8Array(await answer.arrayBuffer()));
}

/** Has the binding's service answer a form. Its output is sent as it comes. */
async function answerForm(
  answer: Edge["answerImages"],
  request: IncomingMessage,
  response: ServerResponse,
  path: string,
): Promise<void> {
  const form = {
    method: "POST",
    headers: { "content-type": request.headers["content-type"] ?? "" },
    body: Readable.toWeb(request),
    duplex: "half", // Node.js sends a stream only with it
  };
  const made = await answer(new Request(`http://127.0.0.1${path}`, form));
  response.writeHead(made.status, Object.fromEntries(made.headers));
  for await (const chunk of made.body ?? []) response.write(chunk);
  response.end();
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
