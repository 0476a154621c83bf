// Answers for the contact sheet: its page, its files, its tries, the pictures that are put or deleted, and who is signed
// in. And the public keys of the local issuer, which the Worker asks for.

import { existsSync, readFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { join } from "node:path";
import { CODE_ROOT, isFault } from "../../cli/command.ts";
import { LOCAL_JWKS_PATH } from "../../cli/config/local-issuer.ts";
import { MAX_ORIGINAL_BYTES } from "../../cli/http/ask-s3.ts";
import { decodePath } from "../../url/encoding.ts";
import { keyFault } from "../../url/key.ts";
import { parseJson } from "../../worker/util/json.ts";
import type { Sheet } from "./sheet.ts";
import { type Answer, refuse } from "./try-options.ts";

/** Only from this origin, and nothing inline: only tried pictures are `blob:` URLs. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' blob:; " +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const PAGE = join(CODE_ROOT, "dev/sheet/page");
const FILES: Readonly<Record<string, readonly [file: string, type: string]>> = {
  "/.vitrine/sheet.css": ["sheet.css", "text/css"],
  "/.vitrine/icon.svg": ["icon.svg", "image/svg+xml"],
};
const OBJECTS = "/.vitrine/objects/";
const SIGN_IN = "/.vitrine/sign-in";

/**
 * Returns what answers the requests of the page.
 * @param ending is aborted when the local run begins to end
 */
export function sheetHandler(sheet: Sheet, ending: AbortSignal) {
  return async (response: ServerResponse): Promise<void> => {
    const { status, type, body, lines, cookies } = await answer(sheet, response, ending);
    response.writeHead(status, {
      "content-type": type.startsWith("image/") ? type : `${type}; charset=utf-8`,
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
  ending: AbortSignal,
): Promise<Answer> {
  const { req: request } = response;
  const [, path = "", search = ""] = /^([^?]*)(.*)$/s.exec(request.url ?? "") ?? [];
  if (path.startsWith(OBJECTS) && /^(?:PUT|DELETE)$/.test(request.method ?? "")) {
    const changing = change(sheet, request, decodePath(path.slice(OBJECTS.length)));
    return changing.catch((error: unknown) => refuse(502, `${error}`));
  }
  if (path.startsWith(`${SIGN_IN}/`) && /^(?:PUT|DELETE)$/.test(request.method ?? "")) {
    return changeSignIn(sheet, request, Number(path.slice(SIGN_IN.length + 1)));
  }
  const [file, type] = (Object.hasOwn(FILES, path) && FILES[path]) || [];
  if (file && type) return { status: 200, type, body: readFileSync(join(PAGE, file)) };
  switch (path) {
    case "/":
      return { status: 200, type: "text/html", body: await sheet.page() };
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

/** Puts or deletes an object. */
async function change(sheet: Sheet, request: IncomingMessage, name = ""): Promise<Answer> {
  const fault = keyFault(name); // "..": the request to S3 would leave the prefix of the bucket
  if (fault !== undefined) return refuse(400, `a key cannot end with this name: ${fault}`);
  if (request.method === "DELETE") {
    const reason = await sheet.remove(name);
    return reason === undefined ? done("") : refuse(400, reason);
  }

  const body = await readAll(request);
  if (body === undefined)
    return refuse(400, "the file is larger than 100 MB: visitors would get 415");

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
  const isSignOut = request.method === "DELETE";
  const body = isSignOut ? undefined : await readAll(request);
  const claims = parseJson(new TextDecoder().decode(body));

  const result = await (isSignOut ? sheet.signOut(group) : sheet.signIn(group, claims));
  return isFault(result) ? refuse(400, result.fault) : { ...done(""), cookies: result };
}

function done(body: string): Answer {
  return { status: 200, type: "text/plain", body };
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
    if (length <= MAX_ORIGINAL_BYTES) chunks.push(bytes);
  }
  return length > MAX_ORIGINAL_BYTES ? undefined : Buffer.concat(chunks);
}
