// What the built Worker in workerd reaches: a server that gets all its requests, notes them, and plays the edge.

import { createServer, type RequestListener } from "node:http";

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

export async function startOutbound() {
  let sent: Sent[] = [];
  let play = MAKES;
  const server = createServer({ requireHostHeader: false }, (request, answer) => {
    sent.push({ url: request.url ?? "", names: Object.keys(request.headers).sort() });
    play(request, answer);
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("it has no port");
  return {
    port: address.port,
    sent: (): readonly Sent[] => sent,
    /** Forgets what was sent, and makes renditions again. */
    begin: () => {
      sent = [];
      play = MAKES;
    },
    /** Has it answer in another way. */
    behave: (next: RequestListener) => {
      play = next;
    },
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
