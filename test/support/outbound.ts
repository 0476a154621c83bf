// What the built Worker in workerd reaches: a server that gets all its requests, notes them, and plays S3 and the edge.

import { createServer, type RequestListener, type ServerResponse } from "node:http";

/** A request that the Worker sent. */
export type Sent = {
  readonly url: string;
  /** The names of its headers, in lower case, sorted. */
  readonly names: readonly string[];
};

/** The edge made a rendition. */
const MAKES: RequestListener = (_request, answer) => {
  answer.writeHead(200, { "content-type": "image/jpeg", "cf-resized": "internal=ok/m" });
  answer.end("a rendition");
};

/** The first bytes of an object, for which the Worker itself asks. */
function sendHead(answer: ServerResponse): void {
  const head = Buffer.from([0xff, 0xd8, 0xff, 0xe0]);
  const headers = {
    connection: "close",
    etag: '"of-s3"',
    "content-range": `bytes 0-3/${head.length}`,
  };
  answer.writeHead(206, { ...headers, "content-length": head.length }).end(head);
}

export async function startOutbound() {
  let sent: Sent[] = [];
  let play = MAKES;
  const server = createServer({ requireHostHeader: false }, (request, answer) => {
    sent.push({ url: request.url ?? "", names: Object.keys(request.headers).sort() });
    if ("range" in request.headers) sendHead(answer);
    else play(request, answer);
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("it has no port");
  return {
    port: address.port,
    sent: (): readonly Sent[] => sent,
    /** Those of them that went to the edge. */
    sentToEdge: (): readonly Sent[] => sent.filter(({ names }) => !names.includes("range")),
    /** Forgets what was sent, and makes renditions again. */
    begin: () => {
      sent = [];
      play = MAKES;
    },
    /** Has the edge answer in another way. */
    behave: (next: RequestListener) => {
      play = next;
    },
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
