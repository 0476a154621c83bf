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
  type OriginRequest,
  type R2Operation,
  type Reply,
  RUN_HEADER,
  readReply,
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

export type Context = {
  readonly exports: {
    readonly Cached: {
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
  { host = "cached", path, method = "GET", headers, cacheKey, answer }: CachedOperation,
  { exports }: Context,
): Promise<Response> {
  return exports.Cached.fetch(`https://${host}${path}`, {
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
  const { status = 200, headers = {}, key }: Origin = await origin.json();
  const { method, headers: sent } = request;
  const received: OriginRequest = {
    ...{ method, names: [...sent.keys()], accept: sent.get("accept"), via: sent.get("via") },
    ...{ encoding: sent.get("accept-encoding"), isOurAgent: sent.get("user-agent") === USER_AGENT },
  };
  await BUCKET.put(`requests/${id}/${crypto.randomUUID()}`, JSON.stringify(received));
  const picture = key === undefined ? null : await BUCKET.get(key);
  const etag = picture?.httpEtag;
  if (etag !== undefined && sent.get("if-none-match") === etag) {
    return new Response(null, { status: 304, headers: { ...headers, etag } });
  }
  const type = picture?.httpMetadata?.contentType;
  return new Response(method === "HEAD" ? null : (picture?.body ?? null), {
    status,
    headers: { ...headers, ...(etag && { etag }), ...(type && { "content-type": type }) },
  });
}

/** Runs a chain of the Images binding, or asks for the facts of an image. */
async function useImages(operation: ImagesOperation, env: Env): Promise<Response> {
  const { key, size = 0, steps = [], output, outputs } = operation;
  const image = await streamOf(key, env, size);
  if (output === undefined) return Response.json(await env.IMAGES.info(image));
  let chain = env.IMAGES.input(image);
  for (const step of steps) {
    chain =
      "transform" in step
        ? chain.transform(step.transform)
        : chain.draw(await streamOf(step.draw, env), step.options);
  }
  const result = await chain.output(output);
  return (outputs === undefined ? result : await chain.output(output)).response();
}

async function streamOf(key: string, { BUCKET }: Env, size = 0) {
  const object = await BUCKET.get(key);
  if (object === null) throw new Error(`the bucket has no ${key}`);
  if (size <= object.size) return object.body;
  return new Blob([await object.bytes(), new Uint8Array(size - object.size)]).stream();
}

/** Calls a method of the bucket. @returns what JSON can hold of its result */
async function useBucket(operation: R2Operation, bucket: R2Bucket): Promise<unknown> {
  switch (operation.method) {
    case "get": {
      const object = await bucket.get(operation.key, { ...operation.options });
      const body = object && "bytes" in object ? toBase64(await object.bytes()) : undefined;
      return object && { etag: object.etag, body };
    }
    case "put": {
      const object = await bucket.put(operation.key, bodyOf(operation), { ...operation.options });
      return object && { etag: object.etag };
    }
    case "delete":
      return (await bucket.delete(operation.key)) ?? null;
    case "list": {
      const { objects, truncated } = await bucket.list(operation.options);
      return { truncated, objects: objects.map(({ key }) => ({ key })) };
    }
  }
}

function bodyOf({ body, stream }: Extract<R2Operation, { method: "put" }>) {
  const bytes = fromBase64(body);
  if (stream === undefined) return bytes;
  const source = new Blob([bytes]).stream();
  if (stream === "known") return source.pipeThrough(new FixedLengthStream(bytes.length));
  return source.pipeThrough(new TransformStream<Uint8Array, Uint8Array>());
}

/** The entrypoint with Workers Cache in front of it. The gateway alone reaches it. */
export class Cached extends WorkerEntrypoint<Env> {
  override async fetch(request: Request): Promise<Response> {
    const answer: CachedAnswer = JSON.parse(request.headers.get(ANSWER_HEADER) ?? "{}");
    for (let count = answer.bucketReads ?? 0; count > 0; count--)
      await this.env.BUCKET.head("none");
    if (answer.throws) throw new Error("the probe asked for this error");
    const fetched = answer.fetch && (await send(answer.fetch));
    const headers = new Headers(fetched?.headers);
    for (const [name, value] of Object.entries(answer.headers ?? {})) headers.set(name, value);
    headers.set(RUN_HEADER, crypto.randomUUID());
    let status = answer.status ?? fetched?.status ?? 200;
    const condition = request.headers.get("if-none-match");
    if (status === 304 && !condition?.includes(headers.get("etag") ?? "")) status = 200;
    const body = status === 304 ? null : (fetched?.body ?? answer.body ?? "");
    return new Response(body, { status, headers });
  }

  async purge(options: CachePurgeOptions): Promise<PurgeResult | null> {
    return (await this.ctx.cache?.purge(options)) ?? null;
  }

  async invalidate(options: CachePurgeOptions): Promise<PurgeResult | null> {
    return (await this.ctx.cache?.invalidate?.(options)) ?? null; // since September 2026 (W17)
  }
}
