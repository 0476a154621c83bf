// The built Worker in workerd itself, asked byte for byte, and a server that gets all its requests, notes them, and
// answers as S3 and the edge.

import { createServer, type RequestListener, type ServerResponse } from "node:http";
import { connect } from "node:net";
import { beforeAll, beforeEach } from "vitest";
import { listenLocally } from "../../src/emulator/local-server.ts";
import { overhear } from "./overheard.ts";
import { builtWorker, type Running, start } from "./workerd.ts";

export type Sent = {
  readonly url: string;
  /** The names of its headers, in lower case, sorted. */
  readonly names: readonly string[];
};

type Raw = { readonly status: number; readonly text: string };

const SEND_RENDITION: RequestListener = (_request, answer) => {
  const etag = '"cf12:of-s3"';
  answer.writeHead(200, { "content-type": "image/jpeg", "cf-resized": "internal=ok/m", etag });
  answer.end("a rendition");
};

/** The first bytes of an object, for which the Worker itself asks. */
function sendHead(answer: ServerResponse): void {
  const head = Buffer.from([0xff, 0xd8, 0xff, 0xe0]);
  const range = `bytes 0-3/${head.length}`;
  const headers = { connection: "close", etag: '"of-s3"', "content-range": range };
  answer.writeHead(206, { ...headers, "content-length": head.length }).end(head);
}

/** Starts the built Worker with these vars for the tests of a file, and all that it asks. */
export function useOutbound(vars: Readonly<Record<string, unknown>>) {
  let sent: Sent[] = [];
  let answerEdge = SEND_RENDITION;
  const server = createServer({ requireHostHeader: false }, (request, answer) => {
    sent.push({ url: request.url ?? "", names: Object.keys(request.headers).sort() });
    if ("range" in request.headers) sendHead(answer);
    else answerEdge(request, answer);
  });

  /** Forgets what was sent, and makes renditions again. */
  const begin = () => {
    sent = [];
    answerEdge = SEND_RENDITION;
  };
  let runtime: Running;

  beforeAll(async () => {
    const { url, close } = await listenLocally(server, 0);
    const log = (text: string) => overhear("logged", text);

    // It gets all requests of the Worker, as a proxy does: with whole URLs.
    const outside = { outside: new URL(url).host, isProxy: true, log };
    runtime = await start(builtWorker(vars), outside);

    return async () => {
      await runtime.stop();
      await close();
    };
  });

  beforeEach(begin);
  const edge = {
    sent: (): readonly Sent[] => sent,
    /** Those of them that went to the edge. */
    sentToEdge: (): readonly Sent[] => sent.filter(({ names }) => !names.includes("range")),
    begin,
    behave: (next: RequestListener) => {
      answerEdge = next;
    },
  };

  /** Sends a request byte for byte. Each character is one byte. */
  return { edge, send: (request: string) => send(runtime.port, request) };
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
