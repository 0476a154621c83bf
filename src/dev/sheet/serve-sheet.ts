// Answers for the contact sheet: its page, its files, its tries, the pictures that are put or deleted, and who is signed
// in. And the public keys of the local issuer, which the Worker asks for.

import { existsSync, readFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { join } from "node:path";
import { CODE_ROOT, type CommandFault, isFault } from "../../cli/command.ts";
import { LOCAL_JWKS_PATH } from "../../cli/config/local-issuer.ts";
import { MAX_ORIGINAL_BYTES } from "../../cli/http/ask-s3.ts";
import { decodePath } from "../../url/encoding.ts";
import { keyFault } from "../../url/key.ts";
import { parseJson } from "../../worker/util/json.ts";
import type { SheetView } from "./page-html.ts";
import type { Sheet } from "./sheet.ts";
import { type Answer, refuse } from "./try-options.ts";

/** Only from this origin, and nothing inline: only tried pictures are `blob:` URLs. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' blob:; " +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const PAGE = join(CODE_ROOT, "dev/sheet/page");
const OBJECTS = "/.vitrine/objects/";
const SIGN_IN = "/.vitrine/sign-in";

/**
 * Returns what answers the requests of the page.
 * @param ending is aborted when the local run begins to end
 */
export function sheetHandler(sheet: Sheet, ending: AbortSignal) {
  return async (response: ServerResponse, view: SheetView): Promise<void> => {
    const { status, type, body, lines, cookies } = await answer(sheet, response, view, ending);
    const contentType = type.startsWith("image/") ? type : `${type}; charset=utf-8`;

    response.writeHead(status, {
      "content-type": contentType,
      "cache-control": "no-store",
      "cross-origin-resource-policy": "same-origin",
      "content-security-policy": POLICY,
      "x-content-type-options": "nosniff",
      ...(cookies !== undefined && { "set-cookie": [...cookies] }),
      ...(lines !== undefined && { "x-lines": encodeURIComponent(lines) }),
    });
    response.end(body);
  };
}

async function answer(
  sheet: Sheet,
  response: ServerResponse,
  view: SheetView,
  ending: AbortSignal,
): Promise<Answer> {
  const { req: request } = response;
  const { url = "", method = "" } = request;
  const [path = ""] = url.split("?", 1);
  const search = url.slice(path.length);
  const isChange = method === "PUT" || method === "DELETE";

  if (isChange && path.startsWith(OBJECTS)) {
    const name = decodePath(path.slice(OBJECTS.length));
    try {
      return await changeObject(sheet, request, name);
    } catch (error) {
      return refuse(502, `${error}`);
    }
  }

  if (isChange && path.startsWith(`${SIGN_IN}/`)) {
    const group = Number(path.slice(SIGN_IN.length + 1));
    return changeSignIn(sheet, request, group);
  }

  switch (path) {
    case "/":
      return { status: 200, type: "text/html", body: await sheet.page(view) };

    case "/.vitrine/sheet.css":
      return { status: 200, type: "text/css", body: readFileSync(join(PAGE, "sheet.css")) };

    case "/.vitrine/icon.svg":
      return { status: 200, type: "image/svg+xml", body: readFileSync(join(PAGE, "icon.svg")) };

    case "/.vitrine/sheet.js":
      return { status: 200, type: "text/javascript", body: await script() };

    case "/.vitrine/tag":
      // The buckets fail one after the other now. A page that loaded again because of that would find nobody.
      if (ending.aborted) return refuse(503, "the local run ends");
      return { status: 200, type: "text/plain", body: await sheet.tag() };

    case SIGN_IN: {
      const signedIn = await sheet.signedIn(request.headers.cookie ?? "");
      return { status: 200, type: "application/json", body: JSON.stringify(signedIn) };
    }

    case LOCAL_JWKS_PATH:
      return { status: 200, type: "application/json", body: await sheet.jwks() };

    case "/.vitrine/try":
      return sheet.renderTry(new URLSearchParams(search), () => response.destroyed);

    default:
      return refuse(404, "Not found");
  }
}

/** Puts or deletes an object. @param name undefined: the path cannot be decoded */
async function changeObject(sheet: Sheet, request: IncomingMessage, name = ""): Promise<Answer> {
  // With "..", the request to S3 would leave the prefix of the bucket.
  const fault = keyFault(name);
  if (fault !== undefined) return refuse(400, `a key cannot end with this name: ${fault}`);

  if (request.method === "DELETE") {
    const reason = await sheet.remove(name);
    if (reason !== undefined) return refuse(400, reason);
    return done("");
  }

  const body = await readAll(request);
  if (body === undefined) {
    return refuse(400, "the file is larger than 100 MB: visitors would get 415");
  }

  const { "content-type": type = "", "x-amz-meta-focus": focus = "" } = request.headers;
  const result = await sheet.put(name, { body, type, focus: `${focus}` });
  switch (result.kind) {
    case "put":
      return done(result.warning ? `${result.warning}\n` : "");
    case "refused":
      return refuse(400, result.reason);
  }
}

/** Signs the visitor in or out. @param group which sign-in of the page */
async function changeSignIn(
  sheet: Sheet,
  request: IncomingMessage,
  group: number,
): Promise<Answer> {
  if (request.method === "DELETE") return cookieAnswer(await sheet.signOut(group));

  const body = await readAll(request);
  const claims = parseJson(new TextDecoder().decode(body));
  return cookieAnswer(await sheet.signIn(group, claims));
}

function cookieAnswer(cookies: readonly string[] | CommandFault): Answer {
  if (isFault(cookies)) return refuse(400, cookies.fault);
  return { ...done(""), cookies };
}

function done(body: string): Answer {
  return { status: 200, type: "text/plain", body };
}

/** The script of the page. In the repository it is bundled for each request, so a change shows at once. */
async function script(): Promise<Uint8Array> {
  const bundled = join(PAGE, "sheet.js");
  if (existsSync(bundled)) return readFileSync(bundled);

  const { bundlePage } = await import("./bundle-page.ts");
  return bundlePage("inline");
}

/** Reads a body to its end. Returns undefined if it is too long. */
async function readAll(request: IncomingMessage): Promise<Uint8Array | undefined> {
  const chunks: Uint8Array[] = [];
  let length = 0;

  // What is too long is read to its end, too, and dropped.
  for await (const chunk of request) {
    const bytes = new Uint8Array(chunk);
    length += bytes.length;
    if (length <= MAX_ORIGINAL_BYTES) chunks.push(bytes);
  }

  return length > MAX_ORIGINAL_BYTES ? undefined : Buffer.concat(chunks);
}
