// The contact sheet as a server of its own: its page, what the page is told, and images of one's own.

import { readFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { join } from "node:path";
import { build } from "esbuild";
import { decodePath } from "../../url/grammar.ts";
import { listen } from "../listen.ts";
import type { NoSheet, SheetData } from "./data.ts";
import { MOST_BYTES } from "./own.ts";

/** What the page asks for. */
export type Sheet = {
  readonly contents: () => Promise<SheetData | NoSheet>;
  /** Puts an image into the bucket, or says why it does not. */
  readonly put: (file: string, body: Uint8Array, type: string) => Promise<string | undefined>;
  /** Takes an image off the sheet again. */
  readonly forget: (key: string) => void;
};

/** Nothing from anywhere else, nothing inline. */
const POLICY = [
  "default-src 'none'",
  ...["script-src", "style-src", "img-src", "connect-src"].map((kind) => `${kind} 'self'`),
  ...["base-uri", "form-action", "frame-ancestors"].map((kind) => `${kind} 'none'`),
].join("; ");

const PAGE = join(import.meta.dirname, "page");
const OBJECTS = "/.vitrine/objects/";

/** @param failed is told what went wrong inside */
export function serveSheet(sheet: Sheet, failed: (reason: unknown) => void) {
  return listen(async (request, response, path) => {
    const reply = replier(response);
    if (request.method === "PUT" && path.startsWith(OBJECTS)) {
      const file = decodePath(path.slice(OBJECTS.length));
      if (file === undefined)
        return reply(400, "text/plain", "its name is not percent-encoded UTF-8");
      const body = await readAll(request);
      const type = request.headers["content-type"] ?? "";
      const fault = body === undefined ? "it is over 100 MB" : await sheet.put(file, body, type);
      return reply(fault === undefined ? 200 : 400, "text/plain", fault ?? "");
    }
    if (request.method === "DELETE" && path.startsWith(OBJECTS)) {
      sheet.forget(decodePath(path.slice(OBJECTS.length)) ?? "");
      return reply(200, "text/plain", "");
    }
    switch (path) {
      case "/":
        return reply(200, "text/html", readFileSync(join(PAGE, "index.html")));
      case "/.vitrine/sheet.css":
        return reply(200, "text/css", readFileSync(join(PAGE, "sheet.css")));
      case "/.vitrine/icon.svg":
        return reply(200, "image/svg+xml", readFileSync(join(PAGE, "icon.svg")));
      case "/.vitrine/sheet.js":
        return reply(200, "text/javascript", await bundle());
      case "/.vitrine/sheet.json":
        return reply(200, "application/json", JSON.stringify(await sheet.contents()));
      default:
        return reply(404, "text/plain", "Not found\n");
    }
  }, failed);
}

function replier(response: ServerResponse) {
  return (status: number, type: string, body: string | Uint8Array): void => {
    const headers = {
      "content-type": `${type}; charset=utf-8`,
      "cache-control": "no-store",
      "content-security-policy": POLICY,
      "x-content-type-options": "nosniff",
    };
    response.writeHead(status, headers).end(body);
  };
}

/** The page's script, with `vitrine/client` in it. Made anew each time, so that a change shows at once. */
async function bundle(): Promise<Uint8Array> {
  const { outputFiles } = await build({
    entryPoints: [join(PAGE, "sheet.ts")],
    ...{ bundle: true, format: "esm", target: "es2022", sourcemap: "inline", write: false },
  });
  return outputFiles[0]?.contents ?? new Uint8Array();
}

/** A body, unless it is too long. */
async function readAll(request: IncomingMessage): Promise<Uint8Array | undefined> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of request) {
    const bytes = new Uint8Array(chunk);
    length += bytes.length;
    if (length <= MOST_BYTES) chunks.push(bytes);
  }
  return length > MOST_BYTES ? undefined : Buffer.concat(chunks);
}
