// Wraps the Worker of a project for the local run: its image requests go to the strict edge, its secrets come
// from there, and `/` is the contact sheet. The Worker itself does not know. This is never deployed.

import { WorkerEntrypoint } from "cloudflare:workers";
import { throughEdge } from "../emulator/through-edge.ts";
import { throughImages } from "../emulator/through-images.ts";
import { NO_CACHE, type PurgeResult } from "../worker/cache/loopback.ts";
import { readAccept } from "../worker/request/format.ts";

/** What the local run adds to the vars of the Worker: secret URLs. */
export type Doors = {
  readonly LOCAL_EDGE: string;
  /** Some tests run without a contact sheet. */
  readonly LOCAL_SHEET?: string;
};

/** The vars of wrangler.toml that the contact sheet shows. */
type Running = Partial<Readonly<Record<"BUCKETS" | "ROUTES" | "PRESETS" | "ANSWERS", unknown>>>;

type Gateway = {
  fetch(request: Request, env: object, context: ExecutionContext): Promise<Response>;
};

type Entrypoint = new (
  context: ExecutionContext,
  env: object,
) => { fetch(request: Request): Promise<Response> };

const send = globalThis.fetch;
/** The vars with the current secrets, like those of one deployed version. */
let version: { readonly secrets: string; readonly env: object } | undefined;

/** @param gateway what `main` of the project exports by default: an object, or a class */
export function localGateway(gateway: Gateway | Entrypoint) {
  return {
    async fetch(request, env, context) {
      const { pathname, search, origin } = new URL(request.url);
      const isOfSheet = pathname === "/" || pathname.startsWith("/.vitrine/");
      if (env.LOCAL_SHEET !== undefined && isOfSheet) {
        const own = { origin, isPage: pathname === "/" };
        return askSheet(request, env.LOCAL_SHEET + pathname + search, own, env);
      }
      const opened = await versionOf(env);
      const answer =
        typeof gateway === "function"
          ? new gateway(context, opened).fetch(request)
          : gateway.fetch(request, opened, context);
      return withFacts(request, await answer);
    },
  } satisfies ExportedHandler<Doors & Running>;
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
      return new Renditions(this.ctx, await versionOf(this.env)).fetch(request);
    }

    async purge(): Promise<PurgeResult> {
      return { success: false, errors: [NO_CACHE] };
    }
  };
}

/** Changed secrets are a new version: the Worker forgets what it learnt with the old ones. */
async function versionOf(env: Doors): Promise<object> {
  const secrets = await (await send(env.LOCAL_EDGE)).text();
  if (version?.secrets !== secrets) {
    globalThis.fetch = throughEdge(send, env.LOCAL_EDGE);
    const opened: object = JSON.parse(secrets);
    version = { secrets, env: { ...env, ...opened, ...imagesOf(env) } };
  }
  return version.env;
}

/** The Images binding, if the configuration has one: wrangler's own is a rough one. */
function imagesOf({ IMAGES, LOCAL_EDGE }: Doors & { readonly IMAGES?: unknown }): object {
  return IMAGES === undefined ? {} : { IMAGES: throughImages(send, LOCAL_EDGE) };
}

/**
 * Forwards a request to the contact sheet, and with it what this Worker runs with: wrangler takes up a
 * change later than the sheet can read it. Only its own page may change the bucket, or ask for anything but
 * the page itself.
 */
function askSheet(
  request: Request,
  url: string,
  { origin, isPage }: { readonly origin: string; readonly isPage: boolean },
  { BUCKETS, ROUTES, PRESETS, ANSWERS }: Running,
): Promise<Response> | Response {
  const { method, headers, body } = request;
  // A page of elsewhere cannot read an answer, but a picture takes long to make.
  const isElsewhere = /^(?:cross|same)-site$/.test(headers.get("sec-fetch-site") ?? "");
  if (isElsewhere && !isPage) return new Response("Not for this page\n", { status: 403 });
  if (method === "GET" || method === "HEAD") {
    return send(url, {
      method: "POST",
      body: JSON.stringify({ BUCKETS, ROUTES, PRESETS, ANSWERS }),
    });
  }
  if (headers.get("origin") !== origin) return new Response("Not for this page\n", { status: 403 });
  return send(url, {
    method,
    body,
    headers: { "content-type": headers.get("content-type") ?? "" },
  });
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
