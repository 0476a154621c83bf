// Serves the strict S3 on a port of this machine, for a Worker in another process.

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { listenOn } from "../listen.ts";
import type { Served } from "../served.ts";
import type { Broken } from "./answer-request.ts";
import { answerAt, placeOf, type S3 } from "./s3.ts";

/**
 * Serves a bucket on 127.0.0.1, path-style: `http://127.0.0.1:PORT/BUCKET/KEY`. Its keys, faults and
 * requests are those of the S3.
 * @param port 0: any free one
 * @example
 * const served = await serveS3(s3);
 * const endpoint = served.url; // http://127.0.0.1:49152
 * await served.close();
 */
export function serveS3(s3: S3, port = 0): Promise<Served> {
  const { endpoint, region } = s3.settings;
  const own = placeOf(endpoint, region);
  const server = createServer(async (message, response) => {
    try {
      const request = requestOf(message);
      const place = s3.matches(request) ? own : placeOf(new URL(request.url).origin);
      await send(await answerAt(place, s3, request), response);
    } catch {
      response.destroy(); // the body breaks off, or the request has no URL
    }
  });
  return listenOn(server, port);
}

function requestOf({ method = "GET", url, headers }: IncomingMessage): Request {
  const { host, ...rest } = headers;
  const sent = new Headers();
  for (const [name, value] of Object.entries(rest)) {
    if (name !== "connection") sent.set(name, `${value}`);
  }
  return new Request(`http://${host}${url}`, { method, headers: sent });
}

async function send(answer: Response | Broken, response: ServerResponse): Promise<void> {
  if ("broken" in answer) {
    response.destroy();
    return;
  }
  response.writeHead(answer.status, Object.fromEntries(answer.headers));
  for await (const chunk of answer.body ?? []) response.write(chunk);
  response.end();
}
