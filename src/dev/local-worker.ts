// Wraps the Worker of a project for the local run: its image requests go to the strict edge, and `/` is the
// contact sheet. The Worker itself does not know. This is never deployed, and answers no page of elsewhere.

import { WorkerEntrypoint } from "cloudflare:workers";
import { throughEdge } from "../emulator/through-edge.ts";
import { throughImages } from "../emulator/through-images.ts";
import { NO_CACHE, type PurgeResult } from "../worker/cache/loopback.ts";
import { readAccept } from "../worker/request/format.ts";

/** What the local run binds to the Worker: secret URLs of servers on this machine. */
export type Doors = {
  readonly LOCAL_EDGE: string;
  /** Some tests run without a contact sheet. */
  readonly LOCAL_SHEET?: string;
  /** Any value, if the project has the binding. wrangler's own is a rough one. */
  readonly IMAGES?: unknown;
};

type Gateway = {
  fetch(request: Request, env: object, context: ExecutionContext): Promise<Response>;
};

type Entrypoint = new (
  context: ExecutionContext,
  env: object,
) => { fetch(request: Request): Promise<Response> };

/** The names of this machine. A page can have any other name lead here. */
const LOCAL_HOSTS: readonly string[] = ["localhost", "127.0.0.1", "[::1]"];

const send = globalThis.fetch;
const opened = new WeakMap<object, object>();

/** @param gateway what `main` of the project exports by default: an object, or a class */
export function localGateway(gateway: Gateway | Entrypoint) {
  return {
    async fetch(request, env, context) {
      const { pathname, hostname } = new URL(request.url);
      if (!LOCAL_HOSTS.includes(hostname)) return refuse("Open it at http://localhost");
      if (
        env.LOCAL_SHEET !== undefined &&
        (pathname === "/" || pathname.startsWith("/.vitrine/"))
      ) {
        return askSheet(request, env.LOCAL_SHEET);
      }
      const began = Date.now();
      const own = openEnv(env);
      const answer = await (typeof gateway === "function"
        ? new gateway(context, own).fetch(request)
        : gateway.fetch(request, own, context));
      const line = `${request.method} ${pathname} ${answer.status} (${Date.now() - began} ms)`;
      if (env.LOCAL_SHEET !== undefined) console.log(line);
      return withFacts(request, answer);
    },
  } satisfies ExportedHandler<Doors>;
}

/**
 * Nothing is kept in a local run (W15): this makes a rendition for each request.
 * @param Renditions what `main` of the project exports under that name
 * @throws if it exports no such thing: Cloudflare would not deploy it
 */
export function localRenditions(Renditions: Entrypoint | undefined) {
  if (Renditions === undefined) {
    const remedy = 'export { default, Renditions } from "vitrine"';
    throw new Error(`main of the configuration exports no Renditions. Write: ${remedy}`);
  }
  return class extends WorkerEntrypoint<Doors> {
    override async fetch(request: Request): Promise<Response> {
      return new Renditions(this.ctx, openEnv(this.env)).fetch(request);
    }

    async purge(): Promise<PurgeResult> {
      return { success: false, errors: [NO_CACHE] };
    }
  };
}

/** Sends image requests to the strict edge. Returns the environment as the deployed Worker would have it. */
function openEnv(env: Doors): object {
  const { LOCAL_EDGE, LOCAL_SHEET: _sheet, IMAGES, ...rest } = env;
  const known = opened.get(env);
  if (known !== undefined) return known;
  globalThis.fetch = throughEdge(send, LOCAL_EDGE);
  const own = { ...rest, ...(IMAGES !== undefined && { IMAGES: throughImages(send, LOCAL_EDGE) }) };
  opened.set(env, own);
  return own;
}

/**
 * Forwards a request to the contact sheet. Only its own page may change the bucket, or ask for anything but
 * the page itself.
 */
function askSheet(request: Request, url: string): Promise<Response> | Response {
  const { method, headers, body } = request;
  const { origin, pathname, search } = new URL(request.url);
  // A page of elsewhere cannot read an answer, but a picture takes long to make.
  const isElsewhere = /^(?:cross|same)-site$/.test(headers.get("sec-fetch-site") ?? "");
  if (isElsewhere && pathname !== "/") return refuse("Not for this page");
  const changes = method !== "GET" && method !== "HEAD";
  if (changes && headers.get("origin") !== origin) return refuse("Not for this page");
  const type = headers.get("content-type") ?? "";
  return send(url + pathname + search, { method, body, headers: { "content-type": type } });
}

function refuse(reason: string): Response {
  return new Response(`${reason}\n`, { status: 403 });
}

/** Tells the page the content-type of its image, and what the browser asked for. An `<img>` tells neither. */
function withFacts(request: Request, answer: Response): Response {
  const told = new Response(answer.body, answer);
  const readable = readAccept(request.headers.get("accept"));
  const reads =
    (["avif", "webp"] as const).filter((format) => readable[format]).join(".") || "plain";
  told.headers.append("server-timing", `type;desc="${answer.headers.get("content-type")}"`);
  told.headers.append("server-timing", `reads;desc="${reads}"`);
  return told;
}
