// The port of the local run: a reverse proxy. It accepts only requests to this machine by its own name, and with --host
// those that host-access.ts admits. It serves the contact sheet itself, and forwards everything else to the Worker with a
// secret header: wrangler's own ports trust headers that any page can send, and stay open when this process is killed.

import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request,
  type Server,
  type ServerOptions,
  type ServerResponse,
} from "node:http";
import type { CommandFault } from "../cli/command.ts";
import { html } from "../cli/files/html.ts";
import { type HostAccess, OUTSIDE_TIMEOUTS } from "./host-access.ts";
import { portFault } from "./port.ts";
import type { SheetView } from "./sheet/page-html.ts";

/** The names of this machine. A page can have any other name lead here. */
const LOCAL_HOSTS: readonly string[] = ["localhost", "127.0.0.1", "[::1]"];

/**
 * Headers that only wrangler may set, and those of a single connection. Node.js would throw where nothing catches it if
 * it had to send `Trailer` with a body of a known length. The token of Cloudflare Access is none: the Worker checks it.
 */
const DROPPED =
  /^(?:mf-|cf-(?!access-jwt-assertion$)|x-forwarded-|forwarded$|connection$|upgrade$|keep-alive$|te$|trailer$)/;

/** What a URL parser takes out of a path. wrangler would see another path. */
const UNRESOLVED = /[\t\\]|\/(?:\.|%2e){1,2}(?:\/|$)/i;

/** The only path of wrangler's own that is forwarded: the S3 behind it verifies signatures. */
const S3_PATH = "/cdn-cgi/local/r2/s3/";

/** After how long a page, or a program, asks again while this starts. */
const RETRY_S = 1;

const STARTING_PAGE = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="refresh" content="${RETRY_S}">
<meta name="color-scheme" content="light dark">
<title>Vitrine: starting</title>
</head>
<body>
<p role="status">Vitrine is starting. This page loads again by itself.</p>
</body>
</html>
`.text;

export type ProxyOptions = {
  readonly port: number;
  /** The secret name of a header. The Worker refuses requests without it. */
  readonly header: string;
  /** Where wrangler listens. */
  readonly workerPort: number;
  readonly isRunning: () => boolean;
  /** Whether the Worker has run, and the local buckets are full. Before that, nobody gets an answer but the local S3. */
  readonly isReady: () => boolean;
  readonly serveSheet: (response: ServerResponse, view: SheetView) => Promise<void>;
  /** Reports an internal error. */
  readonly reportError: (reason: unknown) => void;
  /** For --host: the other addresses of this machine, and who may read there. */
  readonly outside?: { readonly addresses: readonly string[]; readonly access: HostAccess };
};

/** Some machines have no IPv6. */
const NO_ADDRESS: readonly string[] = ["EADDRNOTAVAIL", "EAFNOSUPPORT"];

/** Both addresses at which only this machine reaches itself. */
const LOOPBACK: readonly string[] = ["127.0.0.1", "::1"];

/** Listens on both addresses of this machine, and on those for --host. Returns a fault if the port cannot be used. */
export async function startProxy(options: ProxyOptions): Promise<CommandFault | undefined> {
  const { port, outside } = options;
  const outsideAddresses = outside?.addresses ?? [];
  const servers: Server[] = [];

  for (const address of [...LOOPBACK, ...outsideAddresses]) {
    const isOutside = outsideAddresses.includes(address);
    const server = createProxy(options, isOutside ? address : undefined);
    servers.push(server);

    const code = await listen(server, port, address);
    const isMissing = code !== undefined && NO_ADDRESS.includes(code);
    if (code === undefined || (isMissing && !isOutside)) continue;

    for (const server of servers) server.close();
    if (isMissing) return { fault: `--host: this machine does not have the address ${address}` };
    return portFault(port, code);
  }
  return undefined;
}

/** Nobody holds an upload open for longer. */
const LOCAL_TIMEOUTS: ServerOptions = { requestTimeout: 60_000 };

/** @param outsideAddress where others reach this server; undefined: only this machine does */
function createProxy(options: ProxyOptions, outsideAddress: string | undefined): Server {
  const access = outsideAddress === undefined ? undefined : options.outside?.access;
  const timeouts = access === undefined ? LOCAL_TIMEOUTS : OUTSIDE_TIMEOUTS;

  const server = createServer(timeouts, async (_request, response) => {
    try {
      const isOutside = outsideAddress !== undefined;
      const view = isOutside
        ? await options.outside?.access.admit(response, outsideAddress)
        : admitLocal(options, response);
      if (view !== undefined) await handle(options, response, view);
    } catch (error) {
      if (!response.destroyed) options.reportError(error);
      response.destroy();
    }
  });

  if (access !== undefined) server.on("connection", access.limitConnection);
  return server;
}

/** @returns the code of the error; undefined: it listens */
function listen(server: Server, port: number, host: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    server.once("error", (error: NodeJS.ErrnoException) => resolve(error.code));
    server.listen(port, host, () => resolve(undefined));
  });
}

/** @returns how the contact sheet looks for the client; undefined: the request is refused, and answered */
function admitLocal({ port }: ProxyOptions, response: ServerResponse): SheetView | undefined {
  const { headers, url = "" } = response.req;

  // A page of another site may have its name lead to this machine.
  const host = URL.parse(`http://${headers.host}`)?.hostname ?? "";
  if (LOCAL_HOSTS.includes(host) && url.startsWith("/")) {
    return { address: `http://localhost:${port}`, isReadOnly: false };
  }

  refuse(response, 403, "Open it at http://localhost");
  return undefined;
}

async function handle(
  options: ProxyOptions,
  response: ServerResponse,
  view: SheetView,
): Promise<void> {
  const { url = "" } = response.req;

  const [path = ""] = url.split(/[?#]/);
  const isWranglers = path.startsWith("/cdn-cgi/") && !path.startsWith(S3_PATH);
  if (isWranglers || UNRESOLVED.test(path)) return refuse(response, 404, "Not found");

  // The local run fills its buckets through this port before it is ready.
  const canFill = options.isRunning() && path.startsWith(S3_PATH);
  if (!options.isReady() && !canFill) return refuseAtStart(response, path);

  if (path === "/" || path.startsWith("/.vitrine/")) {
    if (isOfPage(response.req, path)) return options.serveSheet(response, view);

    const header = `-H 'Origin: http://localhost:${options.port}'`;
    return refuse(response, 403, `Not for this page. A command needs the option ${header}`);
  }

  if (options.isRunning()) return forward(options, response);
  return refuse(response, 503, "The Worker does not run. The terminal says why");
}

/** Returns whether a request for the contact sheet may come from its own page. */
function isOfPage({ method = "GET", headers }: IncomingMessage, path: string): boolean {
  const isChange = method !== "GET" && method !== "HEAD";
  const isFromHere = headers.origin === `http://${headers.host}`;
  if (isChange && !isFromHere) return false;

  // A page of another site cannot read an answer, but a picture takes long to render.
  const isCrossSite = /^(?:cross|same)-site$/.test(`${headers["sec-fetch-site"] ?? ""}`);
  return path === "/" || !isCrossSite;
}

function refuse(response: ServerResponse, status: number, reason: string): void {
  response.req.resume();
  response.writeHead(status, { "content-type": "text/plain" }).end(`${reason}\n`);
}

/**
 * Tools wait until the contact sheet is 200, and then they want pictures: wait-on, Playwright's webServer,
 * start-server-and-test. So it is not 200 before these work. In a browser, it loads again by itself.
 */
function refuseAtStart(response: ServerResponse, path: string): void {
  response.setHeader("retry-after", RETRY_S);
  response.setHeader("cache-control", "no-store");
  if (path !== "/") {
    refuse(response, 503, `Vitrine is starting. Ask again in ${RETRY_S} s`);
    return;
  }

  response.req.resume();
  response.writeHead(503, { "content-type": "text/html; charset=utf-8" }).end(STARTING_PAGE);
}

/** Sends a request to wrangler, and its answer back. */
function forward(options: ProxyOptions, response: ServerResponse): Promise<void> {
  const { header, workerPort: port } = options;
  const { method, url: path } = response.req;
  const headers = { ...withoutDropped(response.req.headers), [header]: "1" };

  // Each has a connection of its own: wrangler may close one that is kept, just when the next request goes there.
  const target = { host: "127.0.0.1", port, method, path, headers, agent: false } as const;

  return new Promise((resolve, reject) => {
    const upstream = request(target, (reply) => {
      response.writeHead(reply.statusCode ?? 502, withoutDropped(reply.headers));
      reply.on("error", reject).pipe(response).on("close", resolve);
    });

    // If the client has gone, nobody needs the answer, and its end is no error.
    response.on("close", () => upstream.destroy());
    upstream.on("error", (error) => {
      if (response.destroyed) resolve();
      else reject(error);
    });

    response.req.pipe(upstream);
  });
}

function withoutDropped(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  const forwarded = Object.entries(headers).filter(([name]) => !DROPPED.test(name));
  return Object.fromEntries(forwarded);
}
