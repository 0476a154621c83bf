// The port of the local run: whom it answers, and what reaches the Worker behind it.

import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type OutgoingHttpHeaders,
} from "node:http";
import { type AddressInfo, connect } from "node:net";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { type ProxyOptions, startProxy } from "../../src/dev/local-proxy.ts";
import { freePort } from "../support/free-port.ts";
import { sendByNode } from "../support/node-request.ts";

/** What the contact sheet and the Worker were asked. */
const requests: string[] = [];
let received: IncomingHttpHeaders = {};
let port: number;
let proxyOptions: ProxyOptions;
let isRunning: boolean;
let isReady: boolean;

const worker = createServer((incoming, response) => {
  requests.push(`worker ${incoming.method} ${incoming.url}`);
  received = incoming.headers;
  response.writeHead(200, { "content-type": "image/webp", "x-forwarded-proto": "gone" });
  incoming.pipe(response);
});

beforeAll(async () => {
  await new Promise<void>((ready) => worker.listen(0, "127.0.0.1", ready));
  port = await freePort();
  const { port: workerPort } = worker.address() as AddressInfo;
  proxyOptions = {
    ...{
      port,
      header: "x-vitrine-secret",
      isRunning: () => isRunning,
      isReady: () => isReady,
      workerPort,
    },
    serveSheet: async (response) => {
      requests.push(`sheet ${response.req.method} ${response.req.url}`);
      response.end("sheet");
    },
    reportError: (reason) => expect.unreachable(`${reason}`),
  };
  expect(await startProxy(proxyOptions)).toBeUndefined();
});
afterAll(() => void worker.close());
beforeEach(() => {
  requests.length = 0;
  received = {};
  isRunning = true;
  isReady = true;
});

async function send(
  path: string,
  headers: OutgoingHttpHeaders = {},
  { host = "127.0.0.1", ...more }: { method?: string; body?: string; host?: string } = {},
): Promise<[status: number | undefined, body: string]> {
  const allHeaders = { host: `localhost:${port}`, ...headers };
  const { status, body } = await sendByNode({
    address: host,
    port,
    path,
    headers: allHeaders,
    ...more,
  });
  return [status, body];
}

const ORIGINAL = { "mf-original-url": "http://localhost/.vitrine/tag" };
const EVIL = { host: "evil.example", "sec-fetch-site": "same-origin" };
const PUT = { method: "PUT", body: "a" };
const OBJECT = "/.vitrine/objects/a.jpg";

test.each<[who: string, path: string, OutgoingHttpHeaders, object?: typeof PUT]>([
  ["a page of a name that leads here", "/", EVIL],
  ["that, with a header of wrangler's", "/healthz", { ...EVIL, ...ORIGINAL }],
  ["a name below localhost", "/", { host: "localhost.evil.example" }],
  ["an address as a name", "/", { host: "127.0.0.1.nip.io" }],
  ["no URL as a name", "/", { host: "a b" }],
  ["a whole URL in place of a path", "http://localhost/images/card/a.jpg", {}],
  ["another site, for a try", "/.vitrine/try?of=/a.jpg", { "sec-fetch-site": "cross-site" }],
  ["another port of this machine", "/.vitrine/tag", { "sec-fetch-site": "same-site" }],
  ["nobody, to put", OBJECT, {}, PUT],
  ["another site, to put", OBJECT, { origin: "https://evil.example" }, PUT],
  ["another port, to put", OBJECT, { origin: "http://localhost:3000" }, PUT],
  ["a sandbox, to delete", OBJECT, { origin: "null" }, { ...PUT, method: "DELETE" }],
  ["nobody, to post", "/", {}, { ...PUT, method: "POST" }],
])("%s gets nothing, and reaches nobody", async (_who, path, headers, options) => {
  expect([(await send(path, headers, options))[0], requests]).toEqual([403, []]);
});

test("its own page may read and change, another one may link to it", async () => {
  const origin = { origin: `http://localhost:${port}`, "sec-fetch-site": "same-origin" };
  expect(await send(OBJECT, origin, PUT)).toEqual([200, "sheet"]);
  expect(await send("/", { "sec-fetch-site": "cross-site" })).toEqual([200, "sheet"]);
  expect(requests).toEqual([`sheet PUT ${OBJECT}`, "sheet GET /"]);
});

test("it has both addresses and all names of this machine", async () => {
  for (const host of ["localhost", "127.0.0.1", "[::1]"]) {
    expect(await send("/", { host: `${host}:8787` })).toEqual([200, "sheet"]);
  }
  expect(await send("/", {}, { host: "::1" })).toEqual([200, "sheet"]);
});

test("a connection that wrangler closes meanwhile costs no picture", async () => {
  worker.once("request", ({ socket }: IncomingMessage) => {
    // So it looks as if a second request came just when wrangler closed the connection.
    worker.once("request", (second: IncomingMessage) => {
      if (second.socket === socket) socket.destroy();
    });
  });

  expect(await send("/images/card/a.jpg")).toEqual([200, ""]);
  expect(await send("/images/card/b.jpg")).toEqual([200, ""]);
});

test("the Worker gets the secret header, and none that only wrangler may send", async () => {
  const tokens = {
    authorization: "Bearer a.b.c",
    "cf-access-jwt-assertion": "a.b.c",
    cookie: "session=a.b.c",
  };
  const headers = {
    ...{ ...tokens, "cf-access-jwt-assertion-other": "a" },
    ...{ ...ORIGINAL, "mf-route-override": "other", "cf-connecting-ip": "1.2.3.4" },
    ...{ "x-forwarded-host": "evil.example", forwarded: "host=evil.example", accept: "image/*" },
  };
  const [status, body] = await send("/purge?a=1", headers, { method: "POST", body: "{}" });
  expect([status, body, requests]).toEqual([200, "{}", ["worker POST /purge?a=1"]]);
  const names = Object.keys(received).filter(
    (name) => !["connection", "content-length"].includes(name),
  );
  expect(names.sort()).toEqual(["accept", ...Object.keys(tokens), "host", "x-vitrine-secret"]);
  expect(received).toMatchObject(tokens);
  expect(received.host).toBe(`localhost:${port}`);
});

test("a request that announces trailers gets its picture, and ends no local run", async () => {
  const socket = connect(port, "127.0.0.1");
  socket.write(
    `GET /images/card/fig.jpg HTTP/1.1\r\nHost: localhost:${port}\r\nTrailer: expires\r\nTE: trailers\r\nConnection: close\r\n\r\n`,
  );
  expect(await text(socket)).toMatch(/^HTTP\/1\.1 200 /);
  expect(Object.keys(received).sort()).toEqual(["connection", "host", "x-vitrine-secret"]);
});

test("of wrangler's own paths only the S3 reaches it, which verifies signatures", async () => {
  const wranglerPaths = [
    "explorer/api",
    "local/explorer",
    "local/r2/public/a",
    "local/r2/s3",
    "local/r2/s3/..",
  ];
  wranglerPaths.push(
    "local/r2/s3/a/%2e%2e/../public/a",
    "local/r2/s3\\..\\public/a",
    "local/r2/s3/.",
  );
  const detours = ["", "/x/..", "/.", "/%2e", "/x/.%2E", "/\\..", "/x\\..", "/.vitrine/.."];
  for (const path of detours.flatMap((one) =>
    wranglerPaths.map((name) => `${one}/cdn-cgi/${name}`),
  )) {
    expect([path, (await send(path))[0]]).toEqual([path, 404]);
  }
  const plain = "/images/card/a{..%2F.b}/..c/.%2Ed.jpg?of=/../a";
  await send(plain);
  await send("/cdn-cgi/local/r2/s3/acme-media/a.jpg");
  expect(requests).toEqual(
    [plain, "/cdn-cgi/local/r2/s3/acme-media/a.jpg"].map((one) => `worker GET ${one}`),
  );
});

test("without a Worker nobody waits", async () => {
  isRunning = false;
  const text = "The Worker does not run. The terminal says why\n";
  expect(await send("/images/card/a.jpg")).toEqual([503, text]);
});

const S3_OBJECT = "/cdn-cgi/local/r2/s3/acme-media/a.jpg";

test.each([
  ["before the Worker runs", false, 503],
  ["while the local buckets are filled", true, 200],
])("%s, nothing is 200 but the local S3, and a page loads again", async (_when, runs, s3Status) => {
  [isRunning, isReady] = [runs, false];
  const url = `http://localhost:${port}`;
  const page = await fetch(`${url}/`);
  expect([page.status, page.headers.get("retry-after")]).toEqual([503, "1"]);
  expect(await page.text()).toMatch(/<meta http-equiv="refresh" content="1">.*is starting/s);
  expect((await fetch(`${url}/`, { method: "HEAD" })).status).toBe(503);

  for (const path of ["/images/card/a.jpg", "/.vitrine/tag", "/healthz"]) {
    const { status, headers } = await fetch(url + path);
    expect([path, status, headers.get("retry-after")]).toEqual([path, 503, "1"]);
  }
  expect((await send("/images/card/a.jpg"))[1]).not.toContain("does not run");
  expect(requests).toEqual([]);
  expect((await send(S3_OBJECT))[0]).toBe(s3Status);

  [isRunning, isReady] = [true, true];
  expect((await fetch(`${url}/`)).status).toBe(200);
});

test("a port that is in use, on either address, is named, and what to do", async () => {
  const fault = expect.stringMatching(
    new RegExp(`^Port ${port} is in use\\. .*PORT=${port + 10} before the same command$`),
  );
  expect(await startProxy(proxyOptions)).toEqual({ fault });
  const server = createServer();
  const free = await freePort();
  await new Promise<void>((ready) => server.listen(free, "::1", ready));
  expect(await startProxy({ ...proxyOptions, port: free })).toMatchObject({
    fault: expect.stringContaining(`Port ${free} is in use.`),
  });
  server.close();
});
