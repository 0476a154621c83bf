// The Worker as the local run wraps it.

import sharp from "sharp";
import { expect, test } from "vitest";
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
