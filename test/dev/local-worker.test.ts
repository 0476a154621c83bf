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

/** A batch of messages of which each is settled, and how. */
function batchOf(...bodies: readonly unknown[]) {
  const settled: unknown[] = [];
  const messages = bodies.map((body, index): Message => {
    return {
      ...{ id: `${index}`, timestamp: new Date(0), attempts: 1, body },
      ack: () => void settled.push(["ack", body]),
      retry: (options) => void settled.push(["retry", body, options]),
    };
  });
  const batch: MessageBatch = {
    ...{ queue: "vitrine-events", messages },
    metadata: { metrics: { backlogCount: 0, backlogBytes: 0 } },
    ackAll: () => void settled.push("ack all"),
    retryAll: (options) => void settled.push(["retry all", options]),
  };
  return { batch, settled };
}

/** Any consumer, as the local run wraps it. */
type Consumer = {
  queue(batch: MessageBatch, env: LocalBindings, run: ExecutionContext): Promise<void>;
};

/** Gives a consumer a batch, in a context of the runtime. */
async function runQueue(consumer: Consumer, batch: MessageBatch, env: object = {}): Promise<void> {
  const bindings = { LOCAL_EDGE: "http://localhost:9/none", ...env };
  const waitUntil = () => {};
  const run = Object.assign(Object.create(null), { waitUntil });
  await consumer.queue(batch, bindings, run);
}

const fetchNothing = async () => new Response();

test("an object or a class of the project gets the batches, with the bindings of the project", async () => {
  const envs: object[] = [];
  const asObject = {
    fetch: fetchNothing,
    queue: (_batch: MessageBatch, env: object) => void envs.push(env),
  };
  class AsClass {
    readonly env: object;
    constructor(_context: ExecutionContext, env: object) {
      this.env = env;
    }
    fetch = fetchNothing;
    queue = () => void envs.push(this.env);
  }
  const env = { LOCAL_SENDER: "x-vitrine-sender", LOCAL_EVENTS: {}, A: "1" };
  for (const gateway of [asObject, AsClass]) {
    await runQueue(localGateway(gateway), batchOf().batch, env);
  }
  expect(envs).toEqual([{ A: "1" }, { A: "1" }]);
});

type Settle = (batch: MessageBatch) => void;

test.each<[what: string, settle: Settle, settled: readonly unknown[]]>([
  [
    "message by message",
    ({ messages: [first, second] }) => {
      second?.retry({ delaySeconds: 40 });
      first?.ack();
    },
    [
      ["retry", "b", { delaySeconds: 40 }],
      ["ack", "a"],
    ],
  ],
  ["all at once", (batch) => batch.ackAll(), ["ack all"]],
  [
    "all for later",
    (batch) => batch.retryAll({ delaySeconds: 1 }),
    [["retry all", { delaySeconds: 1 }]],
  ],
])(
  "when messages are settled %s, the next batch does not wait for this one",
  async (_what, settle, expected) => {
    const { batch, settled } = batchOf("a", "b");
    const queue = async (taken: MessageBatch) => {
      settle(taken);
      await new Promise(() => {}); // holds the queue
    };
    await runQueue(localGateway({ fetch: fetchNothing, queue }), batch);
    expect(settled).toEqual(expected);
  },
);

test("a batch with an open message is waited for, and fails with its handler", async () => {
  const { batch, settled } = batchOf("a", "b");
  const { promise, reject } = Promise.withResolvers<void>();
  const queue = async ({ messages: [first] }: MessageBatch) => {
    first?.ack();
    first?.ack();
    await promise;
  };
  const running = runQueue(localGateway({ fetch: fetchNothing, queue }), batch);
  const later = new Promise((resolve) => setImmediate(resolve, "it waits"));
  expect(await Promise.race([running, later])).toBe("it waits");
  reject(new Error("it fails"));
  await expect(running).rejects.toThrow("it fails");
  expect(settled).toHaveLength(2);
});

test("a project without a queue handler is told so, and its messages do not come again", async () => {
  const error = vi.spyOn(console, "error").mockImplementation(() => {});
  const { batch, settled } = batchOf("a");
  await runQueue(localGateway({ fetch: fetchNothing }), batch);
  expect(error.mock.calls).toEqual([[expect.stringContaining("exports no queue handler")]]);
  expect(settled).toEqual([]); // the runtime acknowledges what is open (Q2)
});

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
