// Wraps the Worker of a project for the local run: its image requests go to the strict edge, and it answers only
// what came by the port of the local run. The Worker itself does not know. This is never deployed.

import { WorkerEntrypoint } from "cloudflare:workers";
import { throughEdge, throughImages } from "../emulator/worker.ts";
import { NO_CACHE, type PurgeResult } from "../worker/cache/loopback.ts";

/** What the local run binds to the Worker. */
export type Doors = {
  /** The secret URL of the strict edge on this machine. */
  readonly LOCAL_EDGE: string;
  /** The secret name of a header that the port of the local run sends. Some tests have no such port. */
  readonly LOCAL_FRONT?: string;
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

const send = globalThis.fetch;
const opened = new WeakMap<object, object>();

/** @param gateway what `main` of the project exports by default: an object, or a class */
export function localGateway(gateway: Gateway | Entrypoint) {
  return {
    async fetch(request, env, context) {
      const { LOCAL_FRONT } = env;
      if (LOCAL_FRONT !== undefined && !request.headers.has(LOCAL_FRONT)) {
        return new Response(null, { status: 403 });
      }
      const began = Date.now();
      const own = openEnv(env);
      const answer = await (typeof gateway === "function"
        ? new gateway(context, own).fetch(request)
        : gateway.fetch(request, own, context));
      const { pathname } = new URL(request.url);
      const line = `${request.method} ${pathname} ${answer.status} (${Date.now() - began} ms)`;
      if (LOCAL_FRONT !== undefined) console.log(line);
      // Tells the page the type of its image, which an `<img>` does not.
      const readable = new Response(answer.body, answer);
      readable.headers.append("server-timing", `type;desc="${answer.headers.get("content-type")}"`);
      return readable;
    },
  } satisfies ExportedHandler<Doors>;
}

/**
 * There is no Workers Cache in a local run (W15): this is asked for each request.
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
  const { LOCAL_EDGE, LOCAL_FRONT: _front, IMAGES, ...rest } = env;
  const known = opened.get(env);
  if (known !== undefined) return known;
  globalThis.fetch = throughEdge(send, LOCAL_EDGE);
  const own = { ...rest, ...(IMAGES !== undefined && { IMAGES: throughImages(send, LOCAL_EDGE) }) };
  opened.set(env, own);
  return own;
}
