// Wraps the Worker of a project for the local run: its image requests go to the strict edge, and it answers only
// requests from the port of the local run. The Worker's own code is unchanged. This is never deployed.

import { WorkerEntrypoint } from "cloudflare:workers";
import { throughEdge, throughImages } from "../emulator/worker.ts";
import { NO_CACHE, type PurgeResult } from "../worker/cache/loopback.ts";
import type { EventQueue } from "../worker/config/bindings.ts";

/** The bindings that the local run adds. */
export type LocalBindings = {
  /** The secret URL of the strict edge on this machine. */
  readonly LOCAL_EDGE: string;
  /** The secret name of a header that the local run's proxy adds. Some tests have no proxy. */
  readonly LOCAL_PROXY?: string;
  /** The secret name of a header with which the local run itself sends events. Nobody else knows it. */
  readonly LOCAL_SENDER?: string;
  /** What a line of the log with a data point begins with. wrangler's own dataset drops data points. */
  readonly LOCAL_POINTS?: string;
  /** Any value, if the project has the binding. wrangler's own is a rough one. */
  readonly IMAGES?: unknown;
  /** The queue that the Worker consumes, if wrangler.toml has one. */
  readonly LOCAL_EVENTS?: EventQueue;
};

type Gateway = {
  fetch(request: Request, env: object, context: ExecutionContext): Promise<Response>;
  queue?(batch: MessageBatch, env: object, context: ExecutionContext): unknown;
};

type Entrypoint = new (
  context: ExecutionContext,
  env: object,
) => { fetch(request: Request): Promise<Response>; queue?(batch: MessageBatch): unknown };

/** The network. `prepareEnv` puts the edge in front of it. */
const send = globalThis.fetch;

/** What `prepareEnv` has made of each environment. */
const projectEnvs = new WeakMap<object, object>();

/** @param gateway what `main` of the project exports by default: an object, or a class */
export function localGateway(gateway: Gateway | Entrypoint) {
  return {
    async fetch(request, env, context) {
      const { LOCAL_PROXY, LOCAL_SENDER } = env;
      if (LOCAL_SENDER !== undefined && request.headers.has(LOCAL_SENDER)) {
        return queueEvents(request, env);
      }
      if (LOCAL_PROXY !== undefined && !request.headers.has(LOCAL_PROXY)) {
        return new Response(null, { status: 403 });
      }

      const began = Date.now();
      const answer = await askGateway(gateway, request, prepareEnv(env), context);
      const ms = Date.now() - began;

      const { pathname } = new URL(request.url);
      const line = `${request.method} ${pathname} ${answer.status} (${ms} ms)`;
      if (LOCAL_PROXY !== undefined) console.log(line);

      // The page needs the type of its image, which an `<img>` does not have.
      const response = new Response(answer.body, answer);
      response.headers.append("server-timing", `type;desc="${answer.headers.get("content-type")}"`);
      return response;
    },

    async queue(batch, env, context) {
      const projectEnv = prepareEnv(env);
      const consumer = typeof gateway === "function" ? new gateway(context, projectEnv) : gateway;
      if (consumer.queue === undefined) {
        console.error(NO_CONSUMER);
        return;
      }

      // The Worker holds the queue when it is done, since the calls of Workers Cache are few (W10). There is none here,
      // and the next batch does not wait.
      const { batch: watched, settled } = watchBatch(batch);
      const running = Promise.resolve(consumer.queue(watched, projectEnv, context));
      context.waitUntil(running);
      await Promise.race([running, settled]);
    },
  } satisfies ExportedHandler<LocalBindings>;
}

function askGateway(
  gateway: Gateway | Entrypoint,
  request: Request,
  env: object,
  context: ExecutionContext,
): Promise<Response> {
  if (typeof gateway === "function") return new gateway(context, env).fetch(request);
  return gateway.fetch(request, env, context);
}

const NO_CONSUMER =
  "main of the configuration exports no queue handler by default, and [[queues.consumers]] needs one";

type WatchedBatch = {
  readonly batch: MessageBatch;
  /** Resolves when all messages are settled. */
  readonly settled: Promise<void>;
};

/** Returns a batch whose messages settle those of another one, and tells when all of them are settled. */
function watchBatch(batch: MessageBatch): WatchedBatch {
  const { promise: settled, resolve } = Promise.withResolvers<void>();
  const open = new Set(batch.messages);

  const close = (messages: readonly Message[]): void => {
    for (const message of messages) open.delete(message);
    if (open.size === 0) resolve();
  };

  const watched: MessageBatch = {
    queue: batch.queue,
    metadata: batch.metadata,
    messages: batch.messages.map((message) => watchMessage(message, () => close([message]))),
    ackAll: () => {
      batch.ackAll();
      close(batch.messages);
    },
    retryAll: (options) => {
      batch.retryAll(options);
      close(batch.messages);
    },
  };
  return { batch: watched, settled };
}

/** @param onSettled is called when the message is acknowledged, or is to be sent again */
function watchMessage(message: Message, onSettled: () => void): Message {
  return {
    id: message.id,
    timestamp: message.timestamp,
    body: message.body,
    attempts: message.attempts,
    ack: () => {
      message.ack();
      onSettled();
    },
    retry: (options) => {
      message.retry(options);
      onSettled();
    },
  };
}

/** Puts the events of the local buckets, a list in JSON, into the queue. */
async function queueEvents(request: Request, { LOCAL_EVENTS }: LocalBindings): Promise<Response> {
  if (LOCAL_EVENTS === undefined) return new Response(null, { status: 404 });

  const messages: unknown[] = await request.json();
  await LOCAL_EVENTS.sendBatch(messages.map((body) => ({ body, contentType: "json" })));
  return new Response();
}

/**
 * There is no Workers Cache in a local run (W15): this gets each request.
 * @param Renditions what `main` of the project exports under that name
 * @throws if it exports no such thing: Cloudflare would not deploy it
 */
export function localRenditions(Renditions: Entrypoint | undefined) {
  if (Renditions === undefined) {
    throw new Error(
      'main of the configuration exports no Renditions. Write: export { default, Renditions } from "vitrine"',
    );
  }

  return class extends WorkerEntrypoint<LocalBindings> {
    override async fetch(request: Request): Promise<Response> {
      return new Renditions(this.ctx, prepareEnv(this.env)).fetch(request);
    }

    async purge(): Promise<PurgeResult> {
      return { success: false, errors: [NO_CACHE] };
    }
  };
}

/** Sends image requests to the strict edge. Returns the environment as the deployed Worker would have it. */
function prepareEnv(env: LocalBindings): object {
  const cached = projectEnvs.get(env);
  if (cached !== undefined) return cached;

  const {
    LOCAL_EDGE,
    LOCAL_PROXY: _proxy,
    LOCAL_SENDER: _sender,
    LOCAL_EVENTS: _events,
    LOCAL_POINTS,
    IMAGES,
    ...ownBindings
  } = env;
  globalThis.fetch = throughEdge(send, LOCAL_EDGE);

  const images = IMAGES !== undefined && { IMAGES: throughImages(send, LOCAL_EDGE) };
  const metrics = LOCAL_POINTS !== undefined && { METRICS: createDataset(LOCAL_POINTS) };
  const projectEnv = { ...ownBindings, ...images, ...metrics };
  projectEnvs.set(env, projectEnv);
  return projectEnv;
}

/** Writes data points into the log. The local run puts them into a file. */
function createDataset(marker: string): Pick<AnalyticsEngineDataset, "writeDataPoint"> {
  return {
    writeDataPoint: ({ blobs, doubles } = {}) => {
      console.log(marker + JSON.stringify({ time: Date.now(), blobs, doubles }));
    },
  };
}
