// Answers for the contact sheet: its page, its data, and the images that the user adds or removes.

import { existsSync, readFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { join } from "node:path";
import { CODE_ROOT } from "../../cli/command.ts";
import { MOST_BYTES } from "../../cli/http/ask-s3.ts";
import { decodePath } from "../../url/grammar.ts";
import type { SheetAnswer } from "./data.ts";
import type { Answer } from "./try/answer.ts";
import { createTurns } from "./try/turns.ts";

/** What the page asks for. */
export type Sheet = {
  readonly answer: () => Promise<SheetAnswer>;
  /** Puts an image into the bucket, or returns why it does not. */
  readonly put: (file: string, body: Uint8Array, type: string) => Promise<string | undefined>;
  /** Removes an image from the sheet. */
  readonly forget: (key: string) => void;
  /** Makes a picture with other options than its preset's. */
  readonly attempt: (search: string) => Promise<Answer>;
  /** Tells the fact of a picture's original. */
  readonly fact: (search: string) => Promise<Answer>;
};

/** Only from this origin, and nothing inline: only placeholders and tried pictures are `data:` URLs. */
const POLICY = [
  "default-src 'none'",
  ...["script-src", "style-src", "connect-src"].map((kind) => `${kind} 'self'`),
  "img-src 'self' data:",
  ...["base-uri", "form-action", "frame-ancestors"].map((kind) => `${kind} 'none'`),
].join("; ");

/** How many uploads wait for another one: each may be of 100 MB. */
const UPLOADS_WAITING = 8;

const PAGE = join(CODE_ROOT, "dev/sheet/page");
const FILES: ReadonlyMap<string, readonly [file: string, type: string]> = new Map([
  ["/", ["index.html", "text/html"]],
  ["/.vitrine/base.css", ["base.css", "text/css"]],
  ["/.vitrine/sheet.css", ["sheet.css", "text/css"]],
  ["/.vitrine/figure.css", ["figure.css", "text/css"]],
  ["/.vitrine/try.css", ["try/try.css", "text/css"]],
  ["/.vitrine/stage.css", ["try/stage.css", "text/css"]],
  ["/.vitrine/news.css", ["news.css", "text/css"]],
  ["/.vitrine/icon.svg", ["icon.svg", "image/svg+xml"]],
  ["/.vitrine/costs.md", ["../../../../docs/costs.md", "text/plain"]],
]);
const OBJECTS = "/.vitrine/objects/";

/** Returns what answers the requests of the page. */
export function sheetHandler(sheet: Sheet) {
  const turns = createTurns(1, UPLOADS_WAITING);
  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const [, path = "", search = ""] = /^([^?]*)(.*)$/s.exec(request.url ?? "") ?? [];
    if (path.startsWith(OBJECTS)) {
      const name = decodePath(path.slice(OBJECTS.length));
      if (request.method === "PUT") {
        const fault = await turns(() => put(sheet, name, request));
        if (fault === undefined) return reply(response, 503, "text/plain", "too many at once");
        return reply(response, fault === "" ? 200 : 400, "text/plain", fault);
      }
      if (request.method === "DELETE") {
        sheet.forget(name ?? "");
        return reply(response, 200, "text/plain", "");
      }
    }
    const [file, type] = FILES.get(path) ?? [];
    if (file !== undefined && type !== undefined) {
      return reply(response, 200, type, readFileSync(join(PAGE, file)));
    }
    if (path === "/.vitrine/sheet.js") {
      return reply(response, 200, "text/javascript", await script());
    }
    if (path === "/.vitrine/sheet.json" || path === "/.vitrine/tag") {
      const answer = await sheet.answer();
      if (path === "/.vitrine/tag") return reply(response, 200, "text/plain", answer.tag);
      return reply(response, 200, "application/json", JSON.stringify(answer));
    }
    if (path === "/.vitrine/try" || path === "/.vitrine/fact") {
      const told = await (path === "/.vitrine/try" ? sheet.attempt(search) : sheet.fact(search));
      return reply(response, told.status, told.type, told.body);
    }
    return reply(response, 404, "text/plain", "Not found\n");
  };
}

/** Returns why the image was refused, or "". */
async function put(
  sheet: Sheet,
  file: string | undefined,
  request: IncomingMessage,
): Promise<string> {
  if (file === undefined) return "the name is not percent-encoded UTF-8";
  const body = await readAll(request);
  if (body === undefined) return "the file is larger than 100 MB";
  return (await sheet.put(file, body, request.headers["content-type"] ?? "")) ?? "";
}

function reply(
  response: ServerResponse,
  status: number,
  type: string,
  body: string | Uint8Array,
): void {
  const headers = {
    "content-type": type.startsWith("image/") ? type : `${type}; charset=utf-8`,
    "cache-control": "no-store",
    "cross-origin-resource-policy": "same-origin",
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
  };
  response.writeHead(status, headers).end(body);
}

/** The script of the page. In the repository it is bundled for each request, so a change shows at once. */
async function script(): Promise<Uint8Array> {
  const bundled = join(PAGE, "sheet.js");
  if (existsSync(bundled)) return readFileSync(bundled);
  return (await import("./bundle-page.ts")).bundlePage("inline");
}

/** Reads a body to its end. Returns undefined if it is too long. */
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
