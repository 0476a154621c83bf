// The Worker as `npm start` runs it: what it asks of the image edge goes to the strict edge, which
// runs beside it, its secrets come from there, and at `/` there is the contact sheet. The Worker knows
// nothing of that, and nothing of this is deployed.

import worker from "../worker/index.ts";
import { throughEdge } from "./through.ts";

type LocalEnv = {
  LOCAL_EDGE: string;
  /** Absent in tests that have no use for it. */
  LOCAL_SHEET?: string;
};

const send = globalThis.fetch;
/** The vars with the secrets that came last, as a deployed version has them. */
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

/** Secrets that changed are another version, which knows nothing of what the one before learnt. */
async function versionOf(env: LocalEnv): Promise<object> {
  const secrets = await (await send(env.LOCAL_EDGE)).text();
  if (version?.secrets !== secrets) {
    globalThis.fetch = throughEdge(send, env.LOCAL_EDGE);
    const opened: object = JSON.parse(secrets);
    version = { secrets, env: { ...env, ...opened } };
  }
  return version.env;
}

/** The contact sheet's part. What changes the bucket must come from its own page. */
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

/** Tells a page the type of what its browser got, which no `<img>` tells. */
function withFacts(answer: Response): Response {
  const told = new Response(answer.body, answer);
  told.headers.append("server-timing", `type;desc="${answer.headers.get("content-type")}"`);
  return told;
}
