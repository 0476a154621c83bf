// The strict edge and the strict S3 on a port of this machine, and the `fetch` that leads there.

import { request } from "node:http";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { createEdge, type Edge } from "../../src/emulator/create-edge.ts";
import { createS3, type S3Fault } from "../../src/emulator/s3/s3.ts";
import { type Served, serveEdge, serveS3 } from "../../src/emulator/serve.ts";
import { throughEdge } from "../../src/emulator/worker.ts";
import { sign } from "../../src/worker/origin/sigv4.ts";
import { file } from "../support/emulators.ts";
import { CREDENTIALS } from "../support/env.ts";

const REGION = "eu-west-1";
const HOST = "acme-media.s3.eu-west-1.amazonaws.com";
const SOURCE = `https://${HOST}/key.jpg`;
const IMAGE = { width: 20, "origin-auth": "share-publicly" } as const;

const s3 = createS3({
  endpoint: `https://s3.${REGION}.amazonaws.com`,
  bucket: "acme-media",
  region: REGION,
  credentials: CREDENTIALS,
});
s3.objects.set("key.jpg", { body: file("made/key.jpg"), type: "image/jpeg" });

afterEach(() => s3.faults.clear());

const signed = async (url: string) => [
  ...new Headers(await sign(url, REGION, CREDENTIALS, Date.now())),
];

describe("an edge that is served", () => {
  const edge = createEdge({ zone: "images.example", sources: [HOST], fetch: s3.fetch });
  const failed = vi.fn<(reason: unknown) => void>();
  let served: Served;
  let through: typeof fetch;

  beforeAll(async () => {
    served = await serveEdge({ fetch: (url, init) => edge.fetch(url, init) }, { failed });
    through = throughEdge(fetch, served.url);
  });
  afterAll(() => served.close());
  afterEach(() => void failed.mockReset());

  test("answers as the edge does", async () => {
    const headers = await signed(SOURCE);
    const init = { headers: Object.fromEntries(headers), cf: { image: IMAGE } };
    for (const input of [SOURCE, new URL(SOURCE), new Request(SOURCE)]) {
      const [far, near] = [await through(input, init), await edge.fetch(input, init)];
      expect(far.status).toBe(200);
      expect(far.headers.get("etag")).toBe(near.headers.get("etag"));
      expect(await far.arrayBuffer()).toEqual(await near.arrayBuffer());
    }
    const without = await through(SOURCE, { ...init, cf: { image: { width: 20 } } });
    expect([without.status, without.headers.get("cf-resized")]).toEqual([403, "err=9408"]);
  });

  test("gets a URL as it is spelt, the method, and `cf` of a request that has one", async () => {
    const edgeFetch = vi.spyOn(edge, "fetch").mockImplementation(async () => new Response("made"));
    await through("https://images.example/caf\u00e9", { method: "HEAD", cf: { image: IMAGE } });
    await through(Object.assign(new Request(SOURCE), { cf: { image: IMAGE, cacheTtl: 7 } }));
    expect(edgeFetch.mock.calls).toEqual([
      ["https://images.example/caf\u00e9", expect.objectContaining({ method: "HEAD" })],
      [SOURCE, expect.objectContaining({ cf: { image: IMAGE, cacheTtl: 7 } })],
    ]);
  });

  test("is not asked for what has no cf.image: the network is", async () => {
    const send = vi.fn<typeof fetch>(async () => new Response("from the network"));
    const init = { method: "POST", body: "a body", cf: { cacheTtl: 1 } };
    const answer = await throughEdge(send, served.url)("https://a.example/", init);
    expect(await answer.text()).toBe("from the network");
    expect(send.mock.calls).toEqual([["https://a.example/", init]]);
  });

  test("does not follow a redirect of the bucket for a Worker that does not", async () => {
    s3.faults.add("elsewhere-307");
    edge.switches.transformations = false;
    const answer = await through(SOURCE, { redirect: "manual", cf: { image: IMAGE } });
    edge.switches.transformations = true;
    expect([answer.status, answer.headers.get("location")]).toEqual([
      307,
      SOURCE.replace(REGION, "eu-central-1"),
    ]);
  });

  test.each<[string, () => [RequestInfo, RequestInit?]]>([
    ["body", () => [SOURCE, { method: "POST", body: "a body" }]],
    ["body", () => [new Request(SOURCE, { method: "POST", body: "a body" })]],
    ["cache", () => [SOURCE, { cache: "no-store" }]],
    ["integrity", () => [SOURCE, { integrity: "sha256-0" }]],
    ["fetcher, encodeResponseBody", () => [SOURCE, Object({ fetcher: 1, encodeResponseBody: 1 })]],
  ])("an option that does not reach it is an error: %s", async (names, call) => {
    const [input, init] = call();
    const pending = through(input, { ...init, cf: { image: IMAGE } });
    await expect(pending).rejects.toThrow(`the served edge cannot take these options: ${names}`);
  });

  test("what it throws is reported, and cuts the connection", async () => {
    const pending = through(SOURCE, { cf: { image: { gravity: "face" } } });
    await expect(pending).rejects.toThrow("fetch failed");
    expect(failed.mock.calls.map(String)).toEqual([
      expect.stringMatching(/^Error: the strict edge cannot play gravity "face"\. .*left-out/),
    ]);
  });

  test("nobody finds it who does not know the URL, and it tells nothing but images", async () => {
    const { origin, pathname } = new URL(served.url);
    expect(pathname).toMatch(/^\/[0-9a-f-]{36}$/);
    const post = { method: "POST", body: "{}" };
    for (const url of [`${origin}/`, `${origin}${pathname.slice(0, -1)}`, `${served.url}x`]) {
      expect((await fetch(url, post)).status).toBe(404);
    }
    expect((await fetch(served.url)).status).toBe(404);
    await expect(fetch(served.url, post)).rejects.toThrow("fetch failed");
    expect(failed.mock.calls.map(String)).toEqual(["Error: not a request for the edge"]);
  });

  test("a signal ends a request", async () => {
    const stalled: Edge["fetch"] = () => new Promise(() => {});
    const stalledServer = await serveEdge({ fetch: stalled });
    const controller = new AbortController();
    const init = { signal: controller.signal, cf: { image: IMAGE } };
    const pending = throughEdge(fetch, stalledServer.url)(SOURCE, init);
    controller.abort(new Error("enough"));
    await expect(pending).rejects.toThrow("enough");
    await stalledServer.close();
  });
});

describe("a bucket that is served", () => {
  let served: Served;
  let url: string;

  beforeAll(async () => {
    served = await serveS3(s3);
    url = `${served.url}/acme-media/key.jpg`;
  });
  afterAll(() => served.close());

  test("checks signatures of requests to its own address (A1, A4)", async () => {
    const headers = await signed(url);
    const answer = await fetch(url, { headers });
    expect(new Uint8Array(await answer.arrayBuffer())).toEqual(file("made/key.jpg"));
    expect((await fetch(url)).status).toBe(403);
    const byOtherHost = await fetch(url.replace("127.0.0.1", "localhost"), { headers });
    expect([byOtherHost.status, await byOtherHost.text()]).toEqual([
      403,
      expect.stringContaining("SignatureDoesNotMatch"),
    ]);
    expect(s3.requests.at(-2)?.url).toBe(url);
  });

  test.each<[S3Fault, string]>([
    ["reset", "fetch failed"],
    ["cut-short", "terminated"],
  ])("%s breaks the connection", async (fault, message) => {
    s3.faults.add(fault);
    const headers = await signed(url);
    const reading = fetch(url, { headers }).then((answer) => answer.arrayBuffer());
    await expect(reading).rejects.toThrow(message);
  });

  test("a host that is none cuts the connection, and not the server", async () => {
    const { port } = new URL(url);
    const headers = { host: `acme-media.127.0.0.1:${port}` };
    const pending = new Promise((settle, fail) => {
      request({ host: "127.0.0.1", port, headers }, settle).on("error", fail).end();
    });
    await expect(pending).rejects.toThrow("socket hang up");
    expect((await fetch(url)).status).toBe(403);
  });
});
