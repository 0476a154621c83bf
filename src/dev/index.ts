// The Worker as `npm start` runs it: its image requests go to the strict edge, its secrets come from
// there, and `/` is the contact sheet. The Worker itself does not know. This is never deployed.

import { WorkerEntrypoint } from "cloudflare:workers";
import { NO_CACHE, type PurgeResult } from "../worker/cache/loopback.ts";
import worker from "../worker/index.ts";
import { answerRendition } from "../worker/renditions.ts";
import { throughEdge } from "./through-edge.ts";

type LocalEnv = {
  LOCAL_EDGE: string;
  /** Some tests run without a contact sheet. */
  LOCAL_SHEET?: string;
};

const send = globalThis.fetch;
/** The vars with the current secrets, like those of one deployed version. */
let version: { readonly secrets: string; readonly env: object } | undefined;

export default {
  async fetch(request, env, context) {
    const { pathname, origin } = new URL(request.url);
    if (env.LOCAL_SHEET !== undefined && (pathname === "/" || pathname.startsWith("/.vitrine/"))) {
      return askSheet(request, env.LOCAL_SHEET + pathname, origin);
    }
    return withFacts(await worker.fetch(request, await versionOf(env), context));
  },
} satisfies ExportedHandler<LocalEnv>;

/** Nothing is kept in a local run (W15): this makes a rendition for each request. */
export class Renditions extends WorkerEntrypoint<LocalEnv> {
  override async fetch(request: Request): Promise<Response> {
    return answerRendition(request, await versionOf(this.env), this.ctx);
  }

  async purge(): Promise<PurgeResult> {
    return { success: false, errors: [NO_CACHE] };
  }
}

/** Changed secrets are a new version: the Worker forgets what it learnt with the old ones. */
async function versionOf(env: LocalEnv): Promise<object> {
  const secrets = await (await send(env.LOCAL_EDGE)).text();
  if (version?.secrets !== secrets) {
    globalThis.fetch = throughEdge(send, env.LOCAL_EDGE);
    const opened: object = JSON.parse(secrets);
    version = { secrets, env: { ...env, ...opened } };
  }
  return version.env;
}

/** Forwards a request to the contact sheet. Only its own page may change the bucket. */
function askSheet(request: Request, url: string, origin: string): Promise<Response> | Response {
  const { method, headers, body } = request;
  if (method === "GET" || method === "HEAD") return send(url, { method });
  if (headers.get("origin") !== origin) return new Response("Not for this page\n", { status: 403 });
  return send(url, {
    method,
    body,
    headers: { "content-type": headers.get("content-type") ?? "" },
  });
}

/** Tells the page the content-type of its image. An `<img>` does not tell it. */
function withFacts(answer: Response): Response {
  const told = new Response(answer.body, answer);
  told.headers.append("server-timing", `type;desc="${answer.headers.get("content-type")}"`);
  return told;
}
