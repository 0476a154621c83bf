// The built Worker in workerd itself, asked byte for byte, and a server that gets all its requests, notes them, and
// plays S3 and the edge.

import { createServer, type RequestListener, type ServerResponse } from "node:http";
import { connect } from "node:net";
import { listenOn } from "../../src/emulator/listen.ts";
import { overhear } from "./overheard.ts";
import { builtWorker, start } from "./workerd.ts";

/** A request that the Worker sent. */
export type Sent = {
  readonly url: string;
  /** The names of its headers, in lower case, sorted. */
  readonly names: readonly string[];
};

/** An answer as it was received: its status and its whole text. */
type Raw = { readonly status: number; readonly text: string };

/** The edge made a rendition. */
const MAKES: RequestListener = (_request, answer) => {
  answer.writeHead(200, { "content-type": "image/jpeg", "cf-resized": "internal=ok/m" });
  answer.end("a rendition");
};

/** The first bytes of an object, for which the Worker itself asks. */
function sendHead(answer: ServerResponse): void {
  const head = Buffer.from([0xff, 0xd8, 0xff, 0xe0]);
  const range = `bytes 0-3/${head.length}`;
  const headers = { connection: "close", etag: '"of-s3"', "content-range": range };
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
  const { url, close } = await listenOn(server, 0);
  return {
    address: new URL(url).host,
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
    close,
  };
}

/**
 * Starts the built Worker.
 * @param address of a server that gets all requests of the Worker, as a proxy does: with whole URLs
 */
export async function startRuntime(vars: Readonly<Record<string, unknown>>, address: string) {
  const log = (text: string) => overhear("logged", text);
  const running = await start(builtWorker(vars), { outside: address, isProxy: true, log });
  return {
    /** Sends a request byte for byte. Each character is one byte. */
    send: (request: string) => send(running.port, request),
    stop: running.stop,
  };
}

function send(port: number, request: string): Promise<Raw> {
  return new Promise((settle, fail) => {
    const chunks: Buffer[] = [];
    const socket = connect(port, "127.0.0.1", () => socket.write(Buffer.from(request, "latin1")));
    socket.on("data", (chunk) => chunks.push(chunk));
    socket.on("error", fail);
    socket.on("close", () => {
      const answered = Buffer.concat(chunks);
      overhear("answered", answered);
      const text = answered.toString("latin1");
      settle({ status: Number(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1]), text });
    });
  });
}
