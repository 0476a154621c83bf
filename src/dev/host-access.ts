// `vitrine dev --host`: lets a phone on the same network see what a visitor sees. Each other address of this machine has
// a server of its own, which answers nobody without the code of this run. Whoever has the code can read the contact sheet
// and the pictures, and can change nothing: no upload, no sign-in, no purge, and never the local S3. Whoever has no code
// cannot take the connections that this machine itself needs.

import { createHash, randomBytes, randomInt, timingSafeEqual } from "node:crypto";
import type { IncomingMessage, ServerOptions, ServerResponse } from "node:http";
import { isIPv6, type Socket } from "node:net";
import { html } from "../cli/files/html.ts";
import { visible } from "../cli/terminal/shell.ts";
import { decodePath } from "../url/encoding.ts";
import type { SheetView } from "./sheet/page-html.ts";

/** Letters and digits that nobody confuses: 32 of them, so each has 5 bits. */
const CODE_ALPHABET = "23456789abcdefghijkmnpqrstuvwxyz";

/** Three groups of four characters have 60 bits. Nobody guesses them, so there is no limit that a stranger could use up. */
const CODE_GROUPS = 3;
const CODE_GROUP_LENGTH = 4;

/** With this header, an app without cookies sends the code. */
const CODE_HEADER = "x-vitrine-code";

/** Where the form of the code page goes. */
const CODE_PATH = "/.vitrine/code";

/** No form with a code has more: bytes. */
const MAX_FORM_BYTES = 1_024;

/** How many wrong codes are logged. A program could try many. */
const MAX_LOGGED_TRIES = 10;

/**
 * Connections at the other addresses together. A browser opens six. Each may need one to the Worker, too, and a process
 * often has 256 in all.
 */
const MAX_CONNECTIONS = 64;

/** How long a connection may take to send its request, at the other addresses: ms. Node.js itself waits for minutes. */
export const OUTSIDE_TIMEOUTS: ServerOptions = {
  headersTimeout: 5_000,
  // Only the form with the code has a body.
  requestTimeout: 10_000,
  connectionsCheckingInterval: 1_000,
};

/** What the contact sheet needs in order to be read. Its tries take the processor of this machine, and stay there. */
const SHEET_PATHS: readonly string[] = [
  "/",
  "/.vitrine/sheet.css",
  "/.vitrine/sheet.js",
  "/.vitrine/icon.svg",
  "/.vitrine/tag",
];

/** The answers of this file have nothing to run or to load, and no page can frame them. */
const HEADERS = {
  "cache-control": "no-store",
  "content-security-policy":
    "default-src 'none'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  "cross-origin-resource-policy": "same-origin",
  // The URL of the QR code has the code in it.
  "referrer-policy": "same-origin",
  "x-content-type-options": "nosniff",
};

export type HostAccess = ReturnType<typeof createHostAccess>;

/** Returns a new code: `k7m4-9qxd-2htp`. */
export function createCode(): string {
  const groups: string[] = [];
  for (let group = 0; group < CODE_GROUPS; group += 1) {
    let text = "";
    for (let index = 0; index < CODE_GROUP_LENGTH; index += 1) {
      text += CODE_ALPHABET.charAt(randomInt(CODE_ALPHABET.length));
    }
    groups.push(text);
  }
  return groups.join("-");
}

/**
 * Creates what decides who may read at the other addresses of this machine. Code and cookie are of this run alone.
 * @param warn gets a line for each of the first wrong codes, and one if there are too many connections
 */
export function createHostAccess(code: string, port: number, warn: (line: string) => void) {
  // Cookies of a host go to all its ports: another local run has a cookie of its own.
  const cookieName = `vitrine-code-${port}`;
  // Not made of the code: what a browser stores opens this run, and tells nobody the code.
  const cookieValue = randomBytes(32).toString("base64url");
  let wrongTries = 0;
  let connections = 0;
  let isCrowdLogged = false;

  function isCode(text: string): boolean {
    return isSameSecret(withoutDashes(text), withoutDashes(code));
  }

  function noteTry(request: IncomingMessage): void {
    wrongTries += 1;
    if (wrongTries > MAX_LOGGED_TRIES) return;

    const last = wrongTries === MAX_LOGGED_TRIES ? " More of them are not logged." : "";
    warn(`A wrong code came from ${visible(`${request.socket.remoteAddress}`)}.${last}`);
  }

  /** Sends a browser with the right code to the contact sheet. So the address bar does not keep the code. */
  function openSheet(response: ServerResponse): undefined {
    const cookie = `${cookieName}=${cookieValue}; Path=/; HttpOnly; SameSite=Lax`;
    response.req.resume();
    response.writeHead(303, { ...HEADERS, location: "/", "set-cookie": cookie }).end();
  }

  function isOpened({ headers }: IncomingMessage): boolean {
    const header = headers[CODE_HEADER];
    if (typeof header === "string" && isCode(header)) return true;

    const cookies = cookiesOf(headers.cookie);
    return cookies.some(({ name, value }) => {
      return name === cookieName && isSameSecret(value, cookieValue);
    });
  }

  /** Takes code and cookie out of a request. Nothing behind this needs them, and nothing can log them. */
  function removeSecrets({ headers }: IncomingMessage): void {
    delete headers[CODE_HEADER];

    const others = cookiesOf(headers.cookie).filter(({ name }) => name !== cookieName);
    if (others.length === 0) delete headers.cookie;
    else headers.cookie = others.map(({ pair }) => pair).join("; ");
  }

  return {
    /** Closes a connection that is one too many. */
    limitConnection(socket: Socket): void {
      if (connections < MAX_CONNECTIONS) {
        connections += 1;
        socket.once("close", () => {
          connections -= 1;
        });
        return;
      }

      socket.destroy();
      if (isCrowdLogged) return;
      isCrowdLogged = true;
      warn(
        `More than ${MAX_CONNECTIONS} connections came from the network at once, and some were closed. If a phone gets no answer, use a network that you trust.`,
      );
    },

    /**
     * Answers a request itself, or lets it through.
     * @param address the address of this machine at which it came in
     * @returns how the contact sheet looks there; undefined: it is answered
     */
    async admit(response: ServerResponse, address: string): Promise<SheetView | undefined> {
      const { req: request } = response;
      const { headers, method, url = "" } = request;
      const origin = originOf(address, port);

      // A page of another site may have its name lead here, and a browser would send the cookie of that name alone. But
      // a name is never needed. Nobody needs a whole URL as the request target, or two slashes, either.
      const isAddress = headers.host === new URL(origin).host;
      if (!isAddress || !url.startsWith("/") || url.startsWith("//")) {
        response.setHeader("connection", "close");
        return refuse(response, 403, `Open it at ${origin}`);
      }

      const [path = ""] = url.split(/[?#]/);
      const pathText = path.slice(1).replace(/\/$/, "");
      const isRead = method === "GET" || method === "HEAD";
      if (isRead && isCode(pathText)) return openSheet(response);

      if (method === "POST" && path === CODE_PATH) {
        const form = await readForm(request);
        const text = form?.get("code") ?? "";
        if (isCode(text)) return openSheet(response);

        noteTry(request);
        return sendCodePage(response, "That is not the code. The terminal shows it.");
      }

      if (!isOpened(request)) {
        const isTry = headers[CODE_HEADER] !== undefined || isLikeCode(pathText);
        if (isTry) noteTry(request);
        return sendCodePage(response);
      }

      if (!isRead) {
        return refuse(response, 403, "Only this machine itself can change something");
      }
      if (!mayBeRead(path)) return refuse(response, 404, "Not found");

      removeSecrets(request);
      return { address: origin, isReadOnly: true };
    },
  };
}

/** `http://192.168.1.5:8787` */
export function originOf(address: string, port: number): string {
  const host = isIPv6(address) ? `[${address}]` : address;
  return new URL(`http://${host}:${port}`).origin;
}

/** Returns whether a path is of the contact sheet's own files, or of the Worker. wrangler's own paths are neither. */
function mayBeRead(path: string): boolean {
  const decoded = decodePath(path);
  if (decoded === undefined || /^\/+cdn-cgi(?:\/|$)/i.test(decoded)) return false;

  const isOfSheet = decoded === "/" || /^\/+\.vitrine(?:\/|$)/i.test(decoded);
  return !isOfSheet || SHEET_PATHS.includes(path);
}

type Cookie = { readonly name: string; readonly value: string; readonly pair: string };

function cookiesOf(header = ""): readonly Cookie[] {
  const cookies: Cookie[] = [];
  for (const part of header.split(";")) {
    const pair = part.trim();
    if (pair === "") continue;

    const [name = ""] = pair.split("=", 1);
    cookies.push({ name, value: pair.slice(name.length + 1), pair });
  }
  return cookies;
}

/** A phone may write capitals, spaces or a longer dash, and a person may leave the dashes out. */
function withoutDashes(code: string): string {
  return code.toLowerCase().replaceAll(/[\s\p{Dash_Punctuation}]/gu, "");
}

function isLikeCode(text: string): boolean {
  const groups = Array.from({ length: CODE_GROUPS }, () => `\\w{${CODE_GROUP_LENGTH}}`);
  return new RegExp(`^${groups.join("-")}$`).test(text);
}

/** Compares hashes, which have one length, in constant time. */
function isSameSecret(a: string, b: string): boolean {
  const [hashA, hashB] = [a, b].map((text) => createHash("sha256").update(text).digest());
  return hashA !== undefined && hashB !== undefined && timingSafeEqual(hashA, hashB);
}

/** @returns undefined if it is too long */
async function readForm(request: IncomingMessage): Promise<URLSearchParams | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;

  // What is too long is read to its end, too, and dropped.
  for await (const chunk of request) {
    length += chunk.length;
    if (length <= MAX_FORM_BYTES) chunks.push(chunk);
  }

  if (length > MAX_FORM_BYTES) return undefined;
  return new URLSearchParams(Buffer.concat(chunks).toString());
}

function refuse(response: ServerResponse, status: number, reason: string): undefined {
  response.req.resume();
  response.writeHead(status, { ...HEADERS, "content-type": "text/plain" }).end(`${reason}\n`);
}

/** Asks for the code. The answer to a picture is this page, too, and no picture. Then the connection is closed. */
function sendCodePage(response: ServerResponse, message = ""): undefined {
  const headers = {
    ...HEADERS,
    connection: "close",
    "content-type": "text/html; charset=utf-8",
  };
  response.req.resume();
  response.writeHead(403, headers).end(codePage(message));
}

function codePage(message: string): string {
  const document = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>Vitrine: the code</title>
</head>
<body>
<main>
<h1>The code</h1>
<p>The terminal of <code>npx vitrine dev --host</code> shows a code and a QR code. Both are for this run alone.</p>
<form method="post" action="${CODE_PATH}">
<p><label>Code <input name="code" autocomplete="off" autocapitalize="none" spellcheck="false" required></label> <button>Open</button></p>
</form>
<p role="status">${message}</p>
</main>
</body>
</html>
`;
  return document.text;
}
