// The probe Worker: it does what a POST with the run's token asks for (operation.ts), and is a small origin for the
// image edge under /origin/. For everything else, and for everybody else, it is a 404.

import { WorkerEntrypoint } from "cloudflare:workers";
import {
  ANSWER_HEADER,
  type CachedAnswer,
  type CachedOperation,
  type FetchOperation,
  failedReply,
  fromBase64,
  type ImagesOperation,
  type Operation,
  type Origin,
  type PurgeOperation,
  type R2Operation,
  RUN_HEADER,
  readReply,
  type Seen,
  TOKEN_HEADER,
  toBase64,
  USER_AGENT,
} from "./operation.ts";

export type Env = {
  readonly BUCKET: R2Bucket;
  readonly IMAGES: ImagesBinding;
  /** 256 bits. Without it nobody is served. */
  readonly PROBE_TOKEN: string;
};

/** What the gateway uses of its context. */
export type Context = {
  readonly exports: {
    readonly Cached: {
      fetch(url: string, init: RequestInit): Promise<Response>;
      purge(options: { tags: string[] }): Promise<object>;
    };
  };
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
    return Response.json(await perform(operation, env, context).then(readReply).catch(failedReply));
  },
};

async function perform(operation: Operation, env: Env, context: Context): Promise<Response> {
  switch (operation.type) {
    case "fetch":
      return send(operation);
    case "cached":
      return callCached(operation, context);
    case "purge":
      return purge(operation, context);
    case "images":
      return transform(operation, env);
    case "r2":
      return Response.json(await useBucket(operation, env.BUCKET));
  }
}

function send({ type: _, url, ...init }: FetchOperation): Promise<Response> {
  return fetch(url, { ...init, redirect: "manual" });
}

function callCached(
  { path, method = "GET", headers, cacheKey, answer }: CachedOperation,
  { exports }: Context,
): Promise<Response> {
  return exports.Cached.fetch(`https://cached${path}`, {
    method,
    headers: { ...headers, [ANSWER_HEADER]: JSON.stringify(answer) },
    ...(cacheKey !== undefined && { cf: { cacheKey } }),
  });
}

async function purge({ tags }: PurgeOperation, { exports }: Context): Promise<Response> {
  return Response.json(await exports.Cached.purge({ tags: [...tags] }));
}

async function transform({ key, steps = [], output }: ImagesOperation, { BUCKET, IMAGES }: Env) {
  const object = await BUCKET.get(key);
  if (object === null) throw new Error(`the bucket has no ${key}`);
  if (output === undefined) return Response.json(await IMAGES.info(object.body));
  let chain = IMAGES.input(object.body);
  for (const step of steps) chain = chain.transform(step);
  return (await chain.output(output)).response();
}

async function useBucket(operation: R2Operation, bucket: R2Bucket): Promise<unknown> {
  switch (operation.method) {
    case "head":
      return describe(await bucket.head(operation.key));
    case "get": {
      const object = await bucket.get(operation.key);
      return object && { ...describe(object), body: toBase64(await object.bytes()) };
    }
    case "put": {
      const { key, body, options } = operation;
      return describe(await bucket.put(key, fromBase64(body), options));
    }
    case "delete":
      return await bucket.delete(operation.key);
    case "list": {
      const { objects, ...page } = await bucket.list(operation.options);
      return { ...page, objects: objects.map(describe) };
    }
  }
}

function describe(object: R2Object | null) {
  if (object === null) return null;
  const { key, etag, size, httpMetadata, customMetadata } = object;
  return { key, etag, size, httpMetadata, customMetadata };
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
    if (answer.throws) throw new Error("the probe asked for this error");
    const fetched = answer.fetch && (await send(answer.fetch));
    const headers = new Headers(fetched?.headers);
    for (const [name, value] of Object.entries(answer.headers ?? {})) headers.set(name, value);
    headers.set(RUN_HEADER, crypto.randomUUID());
    const status = answer.status ?? fetched?.status ?? 200;
    const hasNoBody = [204, 304].includes(status);
    const body = hasNoBody ? null : (fetched?.body ?? answer.body ?? "");
    return new Response(body, { status, headers });
  }

  async purge(options: { tags: string[] }) {
    return (await this.ctx.cache?.purge(options)) ?? { success: false, errors: [] };
  }
}
