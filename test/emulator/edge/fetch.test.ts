// The forms in which a Worker calls the edge's `fetch`, and what reaches the network. No network.

import { beforeEach, expect, test, vi } from "vitest";
import { createEdge } from "../../../src/emulator/create-edge.ts";
import type { Network } from "../../../src/emulator/fetch.ts";
import { file } from "../../support/emulators.ts";

const SOURCE = "https://images.example/a.jpg";
const HEADERS = { authorization: "Basic dmlzaXRvcg==", accept: "*/*" };
const SHARED = { width: 20, "origin-auth": "share-publicly" } as const;

const network = vi.fn<Network>();
const edge = createEdge({ zone: "images.example", fetch: network, cache: false });

beforeEach(() => {
  network.mockReset();
  network.mockImplementation(async () => new Response(file("made/key.jpg").slice()));
});

test("what has no cf.image reaches the network as it is, without cf", async () => {
  const init = { method: "POST", headers: HEADERS, body: "a body" };
  await edge.fetch(SOURCE, { ...init, cf: { cacheTtl: 7 } });
  const request = new Request(SOURCE, init);
  await edge.fetch(request);
  await edge.fetch(new URL(SOURCE));
  expect(network.mock.calls).toEqual([
    [SOURCE, init],
    [request, {}],
    [SOURCE, {}],
  ]);
});

test.each([
  ["an answer that it refuses", () => new Response("<Error/>", { status: 403 }), 403],
  ["too large an answer", () => new Response("x", { headers: { "content-length": "1e9" } }), 413],
])("%s need not be read to its end, also by who cloned it", async (_what, answer, status) => {
  const copies: Response[] = [];
  network.mockImplementation(async () => {
    const sent = answer();
    copies.push(sent.clone());
    return sent;
  });
  const received = await edge.fetch(SOURCE, { headers: HEADERS, cf: { image: SHARED } });
  expect(received.status).toBe(status);
  expect(await copies[0]?.text()).toMatch(/^(?:<Error\/>|x)$/);
});

test.each<[string, () => Parameters<typeof edge.fetch>]>([
  ["a text", () => [SOURCE, { headers: HEADERS, cf: { image: SHARED } }]],
  ["a URL", () => [new URL(SOURCE), { headers: HEADERS, cf: { image: SHARED } }]],
  ["a request", () => [new Request(SOURCE, { headers: HEADERS }), { cf: { image: SHARED } }]],
  ["a request with its own cf", () => [withCf({ image: SHARED })]],
  [
    "a request whose cf does not count",
    () => [withCf({ image: { width: 9 } }), { cf: { image: SHARED } }],
  ],
])("asked for %s it transforms, with the headers that open the origin", async (_what, call) => {
  const answer = await edge.fetch(...call());
  expect(answer.headers.get("cf-resized")).toMatch(/^internal=ok/);
  const [[source, init] = []] = network.mock.calls;
  expect(source).toBe(SOURCE);
  expect(new Headers(init?.headers).get("authorization")).toBe(HEADERS.authorization);
});

/** A request as the Workers runtime has it: Node.js drops `cf`. */
function withCf(cf: object): Request {
  return Object.assign(new Request(SOURCE, { headers: HEADERS }), { cf });
}
