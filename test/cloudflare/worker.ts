// The probe Worker: it does what a POST with the run's token asks for (operation.ts), and is a small origin for the
// image edge under /origin/. For everything else, and for everybody else, it is a 404.

import { WorkerEntrypoint } from "cloudflare:workers";
import {
  ANSWER_HEADER,
  type CachedAnswer,
  type CachedOperation,
  type FetchOperation,
  failedReply,
  type Operation,
  type Origin,
  type Reply,
  RUN_HEADER,
  readReply,
  type Seen,
  type Texts,
  TOKEN_HEADER,
  USER_AGENT,
} from "./operation.ts";
import { type Stores, useBucket, useImages } from "./worker-stores.ts";

export type Env = Stores & {
  /** 256 bits. Without it nobody is served. */
  readonly PROBE_TOKEN: string;
};

/** What the gateway uses of its context. */
export type Context = {
  readonly exports: {
    readonly Cached: {
      (options: { readonly props: Texts }): Pick<Fetcher, "fetch">;
      fetch(url: string, init: RequestInit): Promise<Response>;
      purge(options: CachePurgeOptions): Promise<PurgeResult | null>;
      invalidate(options: CachePurgeOptions): Promise<PurgeResult | null>;
    };
  };
};

/** `ctx.cache.purge` and `ctx.cache.invalidate` give this; null where the runtime has no such method. */
type PurgeResult = Readonly<Pick<CachePurgeResult, "success">> & {
  readonly errors: readonly CachePurgeError[];
};

const NOT_FOUND = () => new Response(null, { status: 404 });

export default {
  async fetch(request: Request, env: Env, context: Context): Promise<Response> {
    const { pathname } = new URL(request.url);
    const [, id] = /^\/origin\/([\w-]+)\.jpg$/.exec(pathname) ?? [];
    if (id !== undefined) return answerAsOrigin(request, id, env);
    const isAllowed = env.PROBE_TOKEN && request.headers.get(TOKEN_HEADER) === env.PROBE_TOKEN;
    if (request.method !== "POST" || !isAllowed) return NOT_FOUND();
    const operation: Operation = await request.json();
    return Response.json(await reply(operation, env, context));
  },
};

function reply(operation: Operation, env: Env, context: Context): Promise<Reply> {
  return perform(operation, env, context).then(readReply).catch(failedReply);
}

async function perform(operation: Operation, env: Env, context: Context): Promise<Response> {
  switch (operation.type) {
    case "fetch":
      return send(operation);
    case "cached":
      return callCached(operation, context);
    case "purge":
    case "invalidate":
      return Response.json(await context.exports.Cached[operation.type](operation.options));
    case "images":
      return useImages(operation, env);
    case "r2":
      return Response.json(await useBucket(operation, env.BUCKET));
    case "together": {
      const replies = operation.operations.map((one) => reply(one, env, context));
      return Response.json(await Promise.all(replies));
    }
  }
}

function send({ type: _, url, ...init }: FetchOperation): Promise<Response> {
  return fetch(url, { ...init, redirect: "manual" });
}

function callCached(
  { host = "cached", path, method = "GET", headers, cacheKey, props, answer }: CachedOperation,
  { exports }: Context,
): Promise<Response> {
  const entrypoint = props === undefined ? exports.Cached : exports.Cached({ props });
  return entrypoint.fetch(`https://${host}${path}`, {
    method,
    redirect: "manual",
    headers: { ...headers, [ANSWER_HEADER]: JSON.stringify(answer) },
    ...(cacheKey !== undefined && { cf: { cacheKey } }),
  });
}

/** Answers as the object `origin/<id>` says, and writes down what came. It fetches nothing. */
async function answerAsOrigin(request: Request, id: string, { BUCKET }: Env): Promise<Response> {
  const origin = await BUCKET.get(`origin/${id}`);
  if (origin === null) return NOT_FOUND();
  const { status = 200, headers = {}, key, hidesEtag }: Origin = await origin.json();
  const { method, url } = request;
  const [accept, via, encoding] = ["accept", "via", "accept-encoding"].map((name) =>
    request.headers.get(name),
  );
  const seen: Seen = {
    ...{ method, search: new URL(url).search, names: [...request.headers.keys()] },
    ...{ accept: accept ?? null, via: via ?? null, encoding: encoding ?? null },
    isOurAgent: request.headers.get("user-agent") === USER_AGENT,
  };
  await BUCKET.put(`seen/${id}/${crypto.randomUUID()}`, JSON.stringify(seen));
  const picture = key === undefined ? null : await BUCKET.get(key);
  const etag = hidesEtag ? undefined : picture?.httpEtag;
  if (etag !== undefined && request.headers.get("if-none-match") === etag) {
    return new Response(null, { status: 304, headers: { ...headers, etag } });
  }
  const type = picture?.httpMetadata?.contentType;
  return new Response(method === "HEAD" ? null : (picture?.body ?? null), {
    status,
    headers: { ...headers, ...(etag && { etag }), ...(type && { "content-type": type }) },
  });
}

/** The entrypoint with Workers Cache in front of it. The gateway alone reaches it. */
export class Cached extends WorkerEntrypoint<Env> {
  override async fetch(request: Request): Promise<Response> {
    const answer: CachedAnswer = JSON.parse(request.headers.get(ANSWER_HEADER) ?? "{}");
    for (let count = answer.reads ?? 0; count > 0; count--) await this.env.BUCKET.head("none");
    if (answer.throws) throw new Error("the probe asked for this error");
    const fetched = answer.fetch && (await send(answer.fetch));
    const headers = new Headers(fetched?.headers);
    for (const [name, value] of Object.entries(answer.headers ?? {})) headers.set(name, value);
    headers.set(RUN_HEADER, crypto.randomUUID());
    const asked = answer.status ?? fetched?.status ?? 200;
    const condition = request.headers.get("if-none-match");
    const isUnasked = asked === 304 && !condition?.includes(headers.get("etag") ?? "");
    const status = isUnasked ? 200 : asked;
    const hasNoBody = [204, 304].includes(status);
    const body = hasNoBody ? null : (fetched?.body ?? answer.body ?? "");
    return new Response(body, { status, headers });
  }

  async purge(options: CachePurgeOptions): Promise<PurgeResult | null> {
    return (await this.ctx.cache?.purge(options)) ?? null;
  }

  async invalidate(options: CachePurgeOptions): Promise<PurgeResult | null> {
    return (await this.ctx.cache?.invalidate?.(options)) ?? null; // since September 2026 (W17)
  }
}
