// An S3 in another process than the Worker, which sends each object in a way of its own: some of them are
// endless, stall, or do not match their headers. It checks no signature. It is the edge, too: what the edge asks for is
// answered with a rendition of as many bytes.

import { createServer, type ServerResponse } from "node:http";
import { gzipSync } from "node:zlib";
import { listenLocally } from "../../src/emulator/local-server.ts";

/** The bytes by which the tests find a piece of an original. */
export const PIECE = Buffer.from("A-PIECE-OF-THE-ORIGINAL");

const originals = new Map<number, Buffer>();

/** A JPEG's beginning, filled with PIECE. No decoder reads it. @param size bytes */
function originalOf(size: number): Buffer {
  const cached = originals.get(size);
  if (cached) return cached;

  const bytes = Buffer.alloc(size, PIECE);
  originals.set(size, bytes);
  bytes.set([0xff, 0xd8, 0xff, 0xe0, 0, 16, 0x4a, 0x46, 0x49, 0x46, 0, 1, 1, 0, 0, 1, 0, 1, 0, 0]);

  return bytes;
}

type Send = (response: ServerResponse) => void;

const MB = 1_000_000;
const CHUNK = originalOf(64 * 1024);
const JPEG = { "content-type": "image/jpeg" };

/** Objects by the name of their file. Any number of MB is one, too: `5` has 5 MB. */
const OBJECTS: Readonly<Record<string, Send>> = {
  "100-MB": (response) => {
    response.writeHead(200, { ...JPEG, "content-length": 100 * MB });
    pour(response, 100 * MB);
  },
  endless: (response) => {
    response.writeHead(200, JPEG);
    pour(response, Number.POSITIVE_INFINITY);
  },
  "stalls-after-half": (response) => {
    response.writeHead(200, { ...JPEG, "content-length": MB });
    response.write(originalOf(MB / 2));
  },
  "says-nothing": () => {},
  "says-nothing-more": (response) => {
    response.writeHead(200, { ...JPEG, "content-length": MB });
    response.flushHeaders();
  },
  "shorter-than-it-says": (response) => {
    response.writeHead(200, { ...JPEG, "content-length": MB });
    response.write(originalOf(MB / 2), () => response.destroy());
  },
  // Written past the library, which would not let it.
  "longer-than-it-says": ({ socket }) => {
    const head = `HTTP/1.1 200 OK\r\ncontent-type: image/jpeg\r\ncontent-length: ${MB}\r\n\r\n`;
    socket?.end(Buffer.concat([Buffer.from(head), originalOf(10 * MB)]));
  },
  "says-two-lengths": ({ socket }) => {
    const lengths = `content-length: ${MB}\r\ncontent-length: 190\r\n`;
    const head = `HTTP/1.1 200 OK\r\ncontent-type: image/jpeg\r\n${lengths}\r\n`;
    socket?.end(Buffer.concat([Buffer.from(head), originalOf(MB)]));
  },
  "is-html": whole(Buffer.from(`<!doctype html><script>${PIECE}</script>`)),
  "is-svg": whole(Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg"><!--${PIECE}--></svg>`)),
  "is-pdf": whole(Buffer.from(`%PDF-1.7 ${PIECE}`)),
  "is-empty": whole(Buffer.alloc(0)),
  "is-2-bytes": whole(Buffer.from([0xff, 0xd8])),
  bomb: (response) => {
    // A file may be many files of gzip, one after the other: 300 MB.
    const body = Buffer.concat(Array<Buffer>(30).fill(gzipSync(originalOf(10 * MB), { level: 1 })));
    const encoded = { ...JPEG, "content-encoding": "gzip", "content-length": body.length };
    response.writeHead(200, encoded).end(body);
  },
  "bomb-as-deflate": (response) => {
    const body = gzipSync(originalOf(10 * MB), { level: 1 });
    response.writeHead(200, { ...JPEG, "content-encoding": "deflate, gzip" }).end(body);
  },
  "is-elsewhere": (response) =>
    response.writeHead(307, { location: "https://s3.eu-west-1.amazonaws.com/acme-media/1" }).end(),
  "is-a-part": (response) => {
    const range = "bytes 0-999999/2000000";
    response.writeHead(206, { ...JPEG, "content-range": range, "content-length": MB });
    response.end(originalOf(MB));
  },
};

/** Sends what the edge makes of an object: a WebP, which nobody decodes, of the same length. */
function sendRendition(response: ServerResponse, size: number): void {
  const body = Buffer.alloc(size);
  body.write("RIFF", 0, "latin1");
  body.write("WEBPVP8 ", 8, "latin1");
  const etag = `"cf${"0".repeat(42)}:of-${size}-bytes"`; // names the object (R4)
  const headers = { etag, "content-type": "image/webp", "cf-resized": "internal=ok/m" };
  response.writeHead(200, { ...headers, "content-length": size }).end(body);
}

/** Sends an object, or the part of it that is asked for (A14). */
function whole(body: Buffer): Send {
  const named = { ...JPEG, etag: `"of-${body.length}-bytes"` };
  return (response) => {
    const [, last] = /^bytes=0-(\d+)$/.exec(response.req.headers.range ?? "") ?? [];
    if (last === undefined) {
      response.writeHead(200, { ...named, "content-length": body.length }).end(body);
    } else if (body.length === 0) response.writeHead(416).end();
    else {
      const part = body.subarray(0, Number(last) + 1);
      const range = `bytes 0-${part.length - 1}/${body.length}`;
      const headers = { "content-range": range, "content-length": part.length };
      response.writeHead(206, { ...named, ...headers }).end(part);
    }
  };
}

/** Writes as fast as somebody reads. */
function pour(response: ServerResponse, maxBytes: number): void {
  let sent = 0;
  const more = () => {
    while (sent < maxBytes && !response.destroyed) {
      const next = Math.min(CHUNK.length, maxBytes - sent);
      sent += next;
      if (!response.write(next < CHUNK.length ? CHUNK.subarray(0, next) : CHUNK)) return;
    }
    if (sent >= maxBytes) response.end();
  };

  response.on("drain", more);
  more();
}

export type OutsideS3 = Awaited<ReturnType<typeof startOutsideS3>>;

export async function startOutsideS3() {
  let read = 0;
  let requests = 0;

  const server = createServer((request, response) => {
    requests += 1;
    const { socket } = request;
    const before = socket.bytesWritten;

    // What waits in the process was not sent.
    response.once("close", () => (read += socket.bytesWritten - before - socket.writableLength));

    const [path = "", query] = decodeURIComponent(request.url ?? "").split("?");
    const name = path.replace(/.*\//, "");
    if (query?.startsWith("x-vitrine=")) {
      sendRendition(response, Number(name) * MB);
      return;
    }

    const send = OBJECTS[name] ?? whole(originalOf(Number(name) * MB));
    send(response);
  });

  server.on("clientError", (_error, socket) => socket.destroy());
  const { url, close } = await listenLocally(server, 0);

  return {
    address: new URL(url).host,
    /** How many bytes were sent by the answers that have ended, since the last call; and their number. */
    sent: () => {
      const before = { bytes: read, requests };
      [read, requests] = [0, 0];
      return before;
    },
    close,
  };
}
