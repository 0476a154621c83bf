// The Worker as the local run wraps it.

import sharp from "sharp";
import { expect, test, vi } from "vitest";
import { type LocalBindings, localGateway } from "../../src/dev/local-worker.ts";
import { createCache } from "../../src/emulator/cache/cache.ts";
import { createEdge } from "../../src/emulator/create-edge.ts";
import { serveEdge } from "../../src/emulator/serve.ts";

/** Any request, with or without what Cloudflare adds to it. */
type Gateway = {
  fetch(request: Request, env: LocalBindings, run: ExecutionContext): Response | Promise<Response>;
};

test.each<[what: string, headers: Record<string, string>, status: number]>([
  ["the header of the local run's port", { "x-vitrine-secret": "1" }, 200],
  ["none", {}, 403],
  ["a guess", { "x-vitrine-guess": "1", "x-vitrine": "x-vitrine-secret" }, 403],
])("with %s a request is answered or not", async (_what, headers, status) => {
  let requests = 0;
  const gateway: Gateway = localGateway({
    fetch: async () => {
      requests += 1;
      return new Response("a picture");
    },
  });
  const env = { LOCAL_EDGE: "http://localhost:9/none", LOCAL_PROXY: "x-vitrine-secret" };
  const local = createCache().entrypoint((run: ExecutionContext) => ({
    fetch: async (request: Request) => gateway.fetch(request, env, run),
  }));
  const answer = await local.fetch(new Request("http://localhost:8787/a", { headers }));
  expect([answer.status, requests]).toEqual([status, status === 200 ? 1 : 0]);
});

const EVENT = { action: "DeleteObject", bucket: "acme-media", object: { key: "a.jpg" } };

test.each<[what: string, headers: Record<string, string>, status: number, queued: object[]]>([
  ["the local run", { "x-vitrine-sender": "1" }, 200, [{ body: EVENT, contentType: "json" }]],
  ["a visitor", { "x-vitrine-secret": "1", "x-vitrine-guess": "1" }, 201, []],
  ["another program", { local_sender: "1" }, 403, []],
])("%s puts events into the queue, or not", async (_what, headers, status, expected) => {
  const queued: MessageSendRequest[] = [];
  const LOCAL_EVENTS = {
    async sendBatch(messages: Iterable<MessageSendRequest>) {
      queued.push(...messages);
      return { metadata: { metrics: { backlogCount: 0, backlogBytes: 0 } } };
    },
  };
  const gateway: Gateway = localGateway({ fetch: async () => new Response("", { status: 201 }) });
  const env = {
    ...{ LOCAL_EDGE: "http://localhost:9/none", LOCAL_PROXY: "x-vitrine-secret" },
    ...{ LOCAL_SENDER: "x-vitrine-sender", LOCAL_EVENTS },
  };
  const local = createCache().entrypoint((run: ExecutionContext) => ({
    fetch: async (request: Request) => gateway.fetch(request, env, run),
  }));
  const body = JSON.stringify([EVENT]);
  const answer = await local.fetch(
    new Request("http://localhost:8787/", { method: "POST", headers, body }),
  );
  expect([answer.status, queued]).toEqual([status, expected]);
});

const BATCH: MessageBatch = {
  ...{ queue: "vitrine-events", messages: [] },
  metadata: { metrics: { backlogCount: 0, backlogBytes: 0 } },
  ackAll: () => {},
  retryAll: () => {},
};

test("an object or a class of the project gets the batches, each with an env of its own", async () => {
  const envs: object[] = [];
  const fetch = async () => new Response();
  const asObject = { fetch, queue: (_batch: MessageBatch, env: object) => void envs.push(env) };
  class AsClass {
    readonly env: object;
    constructor(_context: ExecutionContext, env: object) {
      this.env = env;
    }
    fetch = fetch;
    queue = () => void envs.push(this.env);
  }
  const env = { LOCAL_EDGE: "http://localhost:9/none", LOCAL_SENDER: "x-vitrine-sender", A: "1" };
  for (const gateway of [asObject, AsClass]) {
    const consumer: Consumer = localGateway(gateway);
    for (const _batch of [1, 2]) await runQueue(consumer, env);
  }
  expect(envs).toEqual(Array.from({ length: 4 }, () => ({ A: "1" })));
  expect(new Set(envs).size).toBe(4);
});

test("a project without a queue handler is told so, and its messages do not come again", async () => {
  const error = vi.spyOn(console, "error").mockImplementation(() => {});
  const consumer: Consumer = localGateway({ fetch: async () => new Response() });
  await runQueue(consumer, { LOCAL_EDGE: "http://localhost:9/none" });
  expect(error.mock.calls).toEqual([[expect.stringContaining("exports no queue handler")]]);
});

/** Any batch. */
type Consumer = {
  queue(batch: MessageBatch, env: LocalBindings, run: ExecutionContext): Promise<void>;
};

/** Gives a consumer a batch, in a context of the runtime. */
async function runQueue(consumer: Consumer, env: LocalBindings): Promise<void> {
  const local = createCache().entrypoint((run: ExecutionContext) => ({
    fetch: async () => {
      await consumer.queue(BATCH, env, run);
      return new Response();
    },
  }));
  await local.fetch(new Request("http://localhost:8787/"));
}

test("a Worker with the Images binding gets that of the local edge, another one gets none", async () => {
  const edge = createEdge({ zone: "images.example", fetch });
  const server = await serveEdge(edge);
  const png = await sharp({ create: { width: 9, height: 9, channels: 3, background: "red" } })
    .png()
    .toBuffer();
  const gateway: Gateway = localGateway({
    async fetch(_request, env: { readonly IMAGES?: ImagesBinding }) {
      const result = env.IMAGES?.input(new Blob([new Uint8Array(png)]).stream()).transform({
        width: 3,
      });
      return (await result?.output({ format: "image/webp" }))?.response() ?? new Response("none");
    },
  });
  const get = async (env: LocalBindings & { readonly IMAGES?: object }) => {
    const local = createCache().entrypoint((run: ExecutionContext) => ({
      fetch: async (request: Request) => gateway.fetch(request, env, run),
    }));
    return (await local.fetch(new Request("http://localhost:8787/a"))).headers.get("content-type");
  };
  try {
    expect(await get({ LOCAL_EDGE: server.url, IMAGES: {} })).toBe("image/webp");
    expect(await get({ LOCAL_EDGE: server.url })).toBe("text/plain;charset=UTF-8");
  } finally {
    await server.close();
  }
});
