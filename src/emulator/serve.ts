// Serves the strict edge and the strict S3 on 127.0.0.1, for a Worker in another process. The edge is at a URL that
// nobody can guess: `throughEdge` posts it `{ url, method, headers, redirect, cf }`, `throughImages` posts forms.

import { randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { json } from "node:stream/consumers";
import { isRecord } from "./check.ts";
import type { Edge } from "./create-edge.ts";
import type { EdgeInit } from "./edge/settings.ts";
import { listenLocally } from "./local-server.ts";
import { answerAndRecord, type S3, urlPatternOf } from "./s3/s3.ts";

/**
 * A server on 127.0.0.1.
 * @example
 * const served: Served = await serveEdge(edge);
 * afterAll(() => served.close());
 */
export type Served = {
  /** Where it listens, without a slash at the end. */
  readonly url: string;
  /** Stops it, and cuts its connections. */
  close(): Promise<void>;
};

/** What `serveEdge` serves of an edge: its `fetch`, and the Images binding if it is there. */
type ServedEdge = Pick<Edge, "fetch"> & Partial<Pick<Edge, "answerImages">>;

type ServeEdgeOptions = {
  /** Left out, or 0: any free port. */
  readonly port?: number;
  /** Gets what the edge throws: the Worker only sees that its connection is cut. Left out: `console.error`. */
  readonly failed?: (reason: unknown) => void;
};

/**
 * Serves an edge on 127.0.0.1, at a URL that nobody can guess.
 * @example
 * const served = await serveEdge(edge);
 * const vars = { EDGE: served.url }; // for throughEdge in the Worker
 */
export async function serveEdge(edge: ServedEdge, options: ServeEdgeOptions = {}): Promise<Served> {
  const { port = 0, failed = (reason) => console.error(reason) } = options;
  const secretPath = `/${randomUUID()}`;

  const server = createServer(async (message, response) => {
    try {
      const answer = await answerByEdge(edge, message, secretPath);
      await send(answer ?? new Response(null, { status: 404 }), response);
    } catch (error) {
      if (!response.destroyed) failed(error);
      response.destroy();
    }
  });

  const { url, close } = await listenLocally(server, port);
  return { url: url + secretPath, close };
}

/** Returns undefined if the request is not for the edge. @throws what the edge throws */
async function answerByEdge(
  edge: ServedEdge,
  message: IncomingMessage,
  secretPath: string,
): Promise<Response | undefined> {
  const { method, url: path = "" } = message;
  if (method !== "POST") return undefined;

  if (path === secretPath) {
    const { url, init } = readEdgeRequest(await json(message));
    return edge.fetch(url, init);
  }

  const isForBinding = [`${secretPath}/images/transform`, `${secretPath}/images/info`].includes(
    path,
  );
  if (!isForBinding || edge.answerImages === undefined) return undefined;

  const headers = { "content-type": message.headers["content-type"] ?? "" };
  // Node.js sends a stream only with `duplex`.
  const form = { method, headers, body: Readable.toWeb(message), duplex: "half" };
  return edge.answerImages(new Request(`http://127.0.0.1${path.slice(secretPath.length)}`, form));
}

/** Reads what `throughEdge` posts. @throws if it is anything else */
function readEdgeRequest(payload: unknown): { readonly url: string; readonly init: EdgeInit } {
  if (!isRecord(payload)) throw new Error("not a request for the edge");

  const { url, method, headers, redirect, cf } = payload;
  const hasTarget = typeof url === "string" && typeof method === "string";
  if (!hasTarget || typeof redirect !== "string" || !Array.isArray(headers) || !isRecord(cf)) {
    throw new Error("not a request for the edge");
  }

  const init = { method, headers, redirect, cf };
  return { url, init };
}

/**
 * Serves a bucket on 127.0.0.1, path-style: `http://127.0.0.1:PORT/BUCKET/KEY`. Its keys, faults and
 * requests are those of the S3.
 * @param port 0: any free port
 * @example
 * const { url: endpoint } = await serveS3(s3); // http://127.0.0.1:49152
 */
export function serveS3(s3: S3, port = 0): Promise<Served> {
  const server = createServer(async (message, response) => {
    try {
      const request = requestOf(message);
      const answer = await answerAndRecord(servedPattern(s3, request), s3, request);
      await send(answer, response);
    } catch {
      response.destroy(); // no answer comes, the body breaks off, or the request has no URL
    }
  });
  return listenLocally(server, port);
}

/** The pattern of the URLs that a request has: of the S3 itself if its endpoint is this server, else of this server. */
function servedPattern(s3: S3, request: Request): RegExp {
  const { endpoint, region } = s3.settings;
  if (s3.matches(request)) return urlPatternOf(endpoint, region);

  const { origin } = new URL(request.url);
  return urlPatternOf(origin);
}

/** The request as S3 gets it. `connection` is for the next hop alone, and `fetch` takes no such header. */
function requestOf({ method = "GET", url, headers }: IncomingMessage): Request {
  const { host, connection: _connection, ...others } = headers;
  const sent = new Headers();
  for (const [name, value] of Object.entries(others)) sent.append(name, `${value}`);
  return new Request(`http://${host}${url}`, { method, headers: sent });
}

async function send(answer: Response, response: ServerResponse): Promise<void> {
  response.writeHead(answer.status, Object.fromEntries(answer.headers));
  if (answer.body === null) {
    response.end();
    return;
  }

  for await (const chunk of answer.body) {
    await new Promise((written) => response.write(chunk, written)); // the body breaks only after this chunk
  }
  response.end();
}
