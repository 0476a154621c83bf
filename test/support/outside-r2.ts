// R2 in another process than the Worker, as the binding in its runtime asks it: a store in a map, which holds the
// conditions of a put.

import { hash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { listenLocally } from "../../src/emulator/local-server.ts";

/** What the binding sends. `onlyIf` has what R2 compares before a put. */
type Call = {
  readonly method: string;
  readonly object: string;
  readonly customFields?: readonly { readonly k: string; readonly v: string }[] | undefined;
  readonly onlyIf?: object;
};

type Entry = Pick<Call, "customFields"> & { readonly body: Buffer };

export type OutsideR2 = Awaited<ReturnType<typeof startOutsideR2>>;

export async function startOutsideR2() {
  const entries = new Map<string, Entry>();

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { call, value } = await readCall(request);
    const { method, object, customFields } = call;

    if (method === "put") entries.set(object, { body: value, customFields });
    if (method === "delete") entries.delete(object);
    sendEntry(response, object, entries.get(object), method === "get");
  }

  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy());
  });
  const { url, close } = await listenLocally(server, 0);

  return { address: new URL(url).host, entries, close };
}

/** A call without a body stands in a header. Another one begins the body. */
async function readCall(request: IncomingMessage) {
  const { headers } = request;
  const header = headers["cf-r2-request"];
  if (header !== undefined) return { call: parseCall(`${header}`), value: Buffer.alloc(0) };

  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);

  const body = Buffer.concat(chunks);
  const callLength = Number(headers["cf-r2-metadata-size"]);

  return { call: parseCall(`${body.subarray(0, callLength)}`), value: body.subarray(callLength) };
}

function parseCall(text: string): Call {
  return JSON.parse(text);
}

function sendEntry(
  response: ServerResponse,
  name: string,
  entry: Entry | undefined,
  withBody: boolean,
): void {
  if (!entry) {
    const error = JSON.stringify({ version: 1, v4code: 10007, message: "no such object" });
    response.writeHead(404, { "cf-r2-error": error }).end();
    return;
  }

  const { body, customFields } = entry;
  const etag = hash("md5", body);

  const description = Buffer.from(
    JSON.stringify({
      name,
      version: etag,
      size: body.length,
      etag,
      uploaded: "1764547200000",
      httpFields: {},
      customFields,
      checksums: {},
    }),
  );

  const sent = withBody ? Buffer.concat([description, body]) : description;
  const headers = { "cf-r2-metadata-size": description.length, "content-length": sent.length };
  response.writeHead(200, headers).end(sent);
}
