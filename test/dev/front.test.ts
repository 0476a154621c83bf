// The port of the local run: whom it answers, and what reaches the Worker behind it.

import {
  createServer,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  request,
} from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { type Front, readPort, serveFront } from "../../src/dev/front.ts";
import { freePort } from "../support/free-port.ts";

/** What the contact sheet and the Worker were asked. */
const asked: string[] = [];
let sent: IncomingHttpHeaders = {};
let port: number;
let front: Front;
let isRunning: boolean;

const worker = createServer((incoming, response) => {
  asked.push(`worker ${incoming.method} ${incoming.url}`);
  sent = incoming.headers;
  response.writeHead(200, { "content-type": "image/webp", "x-forwarded-proto": "gone" });
  incoming.pipe(response);
});

beforeAll(async () => {
  await new Promise<void>((ready) => worker.listen(0, "127.0.0.1", ready));
  port = await freePort();
  const { port: workerPort } = worker.address() as AddressInfo;
  front = {
    ...{ port, header: "x-vitrine-secret", isRunning: () => isRunning, workerPort },
    answerSheet: async (incoming, response) => {
      asked.push(`sheet ${incoming.method} ${incoming.url}`);
      response.end("sheet");
    },
    reportError: (reason) => expect.unreachable(`${reason}`),
  };
  expect(await serveFront(front)).toBeUndefined();
});
afterAll(() => void worker.close());
beforeEach(() => {
  asked.length = 0;
  sent = {};
  isRunning = true;
});

function ask(
  path: string,
  headers: OutgoingHttpHeaders = {},
  { method = "GET", body = "", host = "127.0.0.1" } = {},
): Promise<[status: number | undefined, body: string]> {
  return new Promise((settle, fail) => {
    const own = { host: `localhost:${port}`, ...headers };
    const options = { host, port, path, method, headers: own, agent: false };
    const asking = request(options, (answer) => {
      let text = "";
      answer.setEncoding("utf8").on("data", (part) => (text += part));
      answer.on("end", () => settle([answer.statusCode, text]));
    });
    asking.on("error", fail).end(body);
  });
}

const ORIGINAL = { "mf-original-url": "http://localhost/.vitrine/tag" };

test.each([
  ["a name that leads here", { host: "evil.example" }],
  ["that, and a header of wrangler's", { host: "evil.example", ...ORIGINAL }],
  ["a name below localhost", { host: "localhost.evil.example" }],
  ["an address as a name", { host: "127.0.0.1.nip.io" }],
  ["an address of the network", { host: "192.168.0.7" }],
  ["no URL", { host: "a b" }],
])("a page of %s gets nothing, and reaches nobody", async (_what, headers) => {
  for (const path of ["/", "/.vitrine/tag", "/images/card/a.jpg", "/healthz"]) {
    const origin = { "sec-fetch-site": "same-origin" };
    expect(await ask(path, { ...headers, ...origin })).toEqual([403, expect.any(String)]);
  }
  expect(asked).toEqual([]);
});

test.each(["localhost", "127.0.0.1", "[::1]"])("%s is this machine", async (host) => {
  expect(await ask("/", { host: `${host}:8787` })).toEqual([200, "sheet"]);
});

test("it has both addresses of this machine, so that nobody else can take one", async () => {
  expect(await ask("/", {}, { host: "::1" })).toEqual([200, "sheet"]);
});

test.each(["cross-site", "same-site"])(
  "a page of elsewhere (%s) makes the sheet do nothing, and may link to it",
  async (site) => {
    const headers = { "sec-fetch-site": site };
    for (const path of ["try?of=/images/card/a.jpg", "calls?of=/images/card/a.jpg", "tag"]) {
      expect((await ask(`/.vitrine/${path}`, headers))[0]).toBe(403);
    }
    expect(asked).toEqual([]);
    expect(await ask("/", headers)).toEqual([200, "sheet"]);
  },
);

test.each([
  ["PUT", {}, 403],
  ["PUT", { origin: "https://evil.example" }, 403],
  ["PUT", { origin: "http://localhost:3000" }, 403],
  ["DELETE", { origin: "null" }, 403],
  ["POST", {}, 403],
])("%s of %j changes nothing", async (method, headers, status) => {
  expect((await ask("/.vitrine/objects/a.jpg", headers, { method, body: "a" }))[0]).toBe(status);
  expect(asked).toEqual([]);
});

test("its own page may change the bucket", async () => {
  const headers = { origin: `http://localhost:${port}`, "sec-fetch-site": "same-origin" };
  expect((await ask("/.vitrine/objects/a.jpg", headers, { method: "PUT", body: "a" }))[0]).toBe(
    200,
  );
  expect(asked).toEqual(["sheet PUT /.vitrine/objects/a.jpg"]);
});

test("the Worker gets the secret header, and none that only wrangler may send", async () => {
  const headers = {
    ...{ ...ORIGINAL, "mf-route-override": "other", "cf-connecting-ip": "1.2.3.4" },
    ...{ "x-forwarded-host": "evil.example", forwarded: "host=evil.example", accept: "image/*" },
  };
  const [status, body] = await ask("/purge?a=1", headers, { method: "POST", body: "{}" });
  expect([status, body, asked]).toEqual([200, "{}", ["worker POST /purge?a=1"]]);
  const names = Object.keys(sent).filter(
    (name) => !["connection", "content-length"].includes(name),
  );
  expect(names.sort()).toEqual(["accept", "host", "x-vitrine-secret"]);
  expect(sent.host).toBe(`localhost:${port}`);
});

test.each([
  "/cdn-cgi/explorer/api",
  "/cdn-cgi/local/explorer",
  "/cdn-cgi/local/r2/public/acme-media/a.jpg",
  "/cdn-cgi/live-reload",
  "/cdn-cgi/local/r2/s3",
])("wrangler's own path %s does not reach it", async (path) => {
  expect([(await ask(path))[0], asked]).toEqual([404, []]);
});

test("the local S3 does: it verifies signatures", async () => {
  await ask("/cdn-cgi/local/r2/s3/acme-media/a.jpg");
  expect(asked).toEqual(["worker GET /cdn-cgi/local/r2/s3/acme-media/a.jpg"]);
});

test("a whole URL in place of a path reaches nobody", async () => {
  expect((await ask(`http://localhost:${port}/images/card/a.jpg`))[0]).toBe(403);
  expect(asked).toEqual([]);
});

test("without a Worker nobody waits", async () => {
  isRunning = false;
  expect(await ask("/images/card/a.jpg")).toEqual([
    503,
    "The Worker does not run. The terminal says why\n",
  ]);
});

test("a port that is in use, on either address, is named, and what to do", async () => {
  const fault = expect.stringMatching(
    new RegExp(`^Port ${port} is in use\\. .*PORT=${port + 1} npx vitrine dev$`),
  );
  expect(await serveFront(front)).toEqual({ fault });
  const other = createServer();
  const free = await freePort();
  await new Promise<void>((ready) => other.listen(free, "::1", ready));
  expect(await serveFront({ ...front, port: free })).toMatchObject({
    fault: expect.stringContaining(`Port ${free} is in use.`),
  });
  other.close();
  // It lets go of the address that it had.
  const again = createServer();
  await new Promise<void>((ready) => again.listen(free, "127.0.0.1", ready));
  again.close();
});

test("PORT is a whole number from 1 to 65535, or left out", () => {
  for (const text of ["http", "0", "65536", "80.5", "-1"]) {
    const fault = `PORT is "${text}". It must be a number from 1 to 65535.`;
    expect(readPort(text)).toEqual({ fault });
  }
  expect([readPort(undefined), readPort("80")]).toEqual([8787, 80]);
});
