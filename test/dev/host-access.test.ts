// `vitrine dev --host`: what the other addresses of this machine answer, with and without the code of this run.

import { createServer, type IncomingHttpHeaders, type OutgoingHttpHeaders } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { createCode, createHostAccess } from "../../src/dev/host-access.ts";
import { type ProxyOptions, startProxy } from "../../src/dev/local-proxy.ts";
import { freePort } from "../support/free-port.ts";
import { type NodeAnswer, sendByNode } from "../support/node-request.ts";
import { quietAddress } from "../support/other-address.ts";

const ADDRESS = quietAddress();
const CODE = createCode();
const HEADER = "x-vitrine-code";
const PICTURE = "/images/card/fig.jpg";
const LONG_WAIT = { timeout: 30_000 }; // beside other tests; it does not wait that long

/** What the contact sheet and the Worker were asked, and what the terminal said. */
const requests: string[] = [];
const lines: string[] = [];
let received: IncomingHttpHeaders = {};
let port: number;
let proxyOptions: ProxyOptions;

const worker = createServer((incoming, response) => {
  requests.push(`worker ${incoming.method} ${incoming.url}`);
  received = incoming.headers;
  response.end("a picture");
});

beforeAll(async () => {
  await new Promise<void>((ready) => worker.listen(0, "127.0.0.1", ready));
  const { port: workerPort } = worker.address() as AddressInfo;
  port = await freePort();
  const access = createHostAccess(CODE, port, (line) => lines.push(line));
  proxyOptions = {
    port,
    header: "x-vitrine-secret",
    workerPort,
    isRunning: () => true,
    isReady: () => true,
    serveSheet: async (response, { address, isReadOnly }) => {
      requests.push(`sheet ${response.req.method} ${response.req.url}`);
      response.end(`${address} ${isReadOnly}`);
    },
    reportError: (reason) => expect.unreachable(`${reason}`),
    outside: { addresses: [ADDRESS], access },
  };
  expect(await startProxy(proxyOptions)).toBeUndefined();
});
afterAll(() => void worker.close());
beforeEach(() => {
  requests.length = 0;
  lines.length = 0;
  received = {};
});

function send(
  path: string,
  headers: OutgoingHttpHeaders = {},
  { at = ADDRESS, ...request }: { method?: string; body?: string; at?: string } = {},
): Promise<NodeAnswer> {
  const allHeaders = { host: `${ADDRESS}:${port}`, connection: "keep-alive", ...headers };
  return sendByNode({ address: at, port, path, headers: allHeaders, ...request });
}

/** The cookie of a browser that has sent the code. */
async function openedCookie(): Promise<string> {
  const { headers } = await send(`/${CODE}`);
  return `${headers["set-cookie"]}`.split(";", 1)[0] ?? "";
}

const POST = { method: "POST" };
const form = (code: string) => ({ ...POST, body: new URLSearchParams({ code }).toString() });

type Hostile = {
  readonly name: string;
  readonly path: string;
  readonly headers?: OutgoingHttpHeaders;
  readonly options?: Parameters<typeof send>[2];
};

const WRONG = createCode();
const WITHOUT_CODE: readonly Hostile[] = [
  { name: "the sheet", path: "/" },
  { name: "a picture", path: PICTURE },
  { name: "health", path: "/healthz" },
  { name: "the state of the sheet", path: "/.vitrine/tag" },
  { name: "the local S3", path: "/cdn-cgi/local/r2/s3/acme-media/fig.jpg" },
  { name: "another path of wrangler's", path: "/cdn-cgi/explorer/api" },
  { name: "a purge", path: "/purge", options: POST },
  { name: "an upload", path: "/.vitrine/objects/a.jpg", options: { method: "PUT", body: "a" } },
  { name: "a wrong code in the path", path: `/${WRONG}` },
  { name: "a part of the code", path: `/${CODE.slice(0, -1)}` },
  { name: "the code in front of a picture", path: `/${CODE}${PICTURE}` },
  { name: "the code in the query", path: `/?code=${CODE}` },
  { name: "a wrong code in the form", path: "/.vitrine/code", options: form(WRONG) },
  { name: "no code in the form", path: "/.vitrine/code", options: form("") },
  {
    name: "a form that is too long",
    path: "/.vitrine/code",
    options: form(`${CODE}${"-".repeat(2_000)}`),
  },
  { name: "a wrong code in the header", path: PICTURE, headers: { [HEADER]: WRONG } },
  { name: "an empty code in the header", path: PICTURE, headers: { [HEADER]: "" } },
  { name: "the code twice in the header", path: PICTURE, headers: { [HEADER]: [CODE, CODE] } },
  { name: "the code as Bearer", path: PICTURE, headers: { authorization: `Bearer ${CODE}` } },
  { name: "the code by POST to its path", path: `/${CODE}`, options: POST },
];

test.each(WITHOUT_CODE)(
  "without the code, $name is only the page that asks for it",
  async (hostile) => {
    const { status, headers, body } = await send(hostile.path, hostile.headers, hostile.options);
    expect([status, requests]).toEqual([403, []]);
    expect(body).toContain('<input name="code"');
    expect(body).not.toContain(CODE);
    expect(headers).toMatchObject({
      "cache-control": "no-store",
      connection: "close",
      "content-security-policy": expect.stringContaining("default-src 'none'"),
      "content-type": "text/html; charset=utf-8",
      "referrer-policy": "same-origin",
    });
    expect(headers["set-cookie"]).toBeUndefined();
  },
);

test("the cookie of another run, and the code as a cookie, open nothing", async () => {
  const [name = "", value = ""] = (await openedCookie()).split("=");
  const other = createHostAccess(CODE, port, () => {});
  const otherPort = await freePort();
  const outside = { addresses: [ADDRESS], access: other };
  expect(await startProxy({ ...proxyOptions, port: otherPort, outside })).toBeUndefined();

  for (const cookie of [
    `${name}=${CODE}`,
    `${name}=`,
    name,
    `${name}=${value}a`,
    `x${name}=${value}`,
  ]) {
    expect([cookie, (await send(PICTURE, { cookie })).status]).toEqual([cookie, 403]);
  }
  const cookie = `${name}=${value}`;
  const [byName, opened] = await Promise.all(
    [otherPort, port].map((at) =>
      fetch(`http://${ADDRESS}:${at}${PICTURE}`, { headers: { cookie } }),
    ),
  );
  expect([byName?.status, opened?.status]).toEqual([403, 200]);
});

test("the code opens by the QR code's URL, by the form and as a header, also in capitals and without dashes", async () => {
  const spelled = [CODE, CODE.toUpperCase(), CODE.replaceAll("-", "")];
  for (const text of spelled) {
    for (const answer of [
      await send(`/${text}`),
      await send("/.vitrine/code", {}, form(` ${text} `)),
    ]) {
      expect([answer.status, answer.headers.location, answer.body]).toEqual([303, "/", ""]);
      expect(`${answer.headers["set-cookie"]}`).toMatch(
        new RegExp(`^vitrine-code-${port}=[\\w-]{43}; Path=/; HttpOnly; SameSite=Lax$`),
      );
      expect(`${answer.headers["set-cookie"]}`).not.toContain(CODE);
    }
    expect((await send(PICTURE, { [HEADER]: text })).body).toBe("a picture");
  }

  // Keyboards of phones replace a dash by a longer one, and people write a space for it.
  for (const dash of [" ", "\u2013"]) {
    const written = CODE.replaceAll("-", dash);
    expect((await send("/.vitrine/code", {}, form(written))).status).toBe(303);
  }

  // Without a cookie, a header opens each request alone.
  expect((await send(PICTURE)).status).toBe(403);
});

test("with the code, the sheet is there to look, and the Worker gets neither code nor cookie", async () => {
  const cookie = await openedCookie();
  expect((await send("/", { cookie })).body).toBe(`http://${ADDRESS}:${port} true`);

  const headers = { cookie: `session=a; ${cookie}; theme=dark`, [HEADER]: CODE };
  expect((await send(PICTURE, headers)).body).toBe("a picture");
  expect(received.cookie).toBe("session=a; theme=dark");
  expect(JSON.stringify(received)).not.toMatch(new RegExp(`vitrine-code|${CODE}`));
  expect(requests).toEqual(["sheet GET /", `worker GET ${PICTURE}`]);
});

const S3 = "/cdn-cgi/local/r2/s3/acme-media/fig.jpg";
const WITH_CODE: readonly (Hostile & { readonly status: number })[] = [
  { name: "the local S3", path: S3, status: 404 },
  { name: "the local S3 by a detour", path: `/x/..${S3}`, status: 404 },
  { name: "the local S3 by an encoded detour", path: `/x/%2e%2e${S3}`, status: 404 },
  { name: "the local S3 with encoded letters", path: S3.replace("cdn", "%63dn"), status: 404 },
  {
    name: "the local S3 with an encoded slash",
    path: S3.replace("/cdn-cgi/", "/cdn-cgi%2f"),
    status: 404,
  },
  { name: "the local S3 in capitals", path: S3.replace("cdn-cgi", "CDN-CGI"), status: 404 },
  { name: "the local S3 behind two slashes", path: `/${S3}`, status: 403 },
  { name: "the local S3 behind a backslash", path: `/\\${S3}`, status: 404 },
  { name: "another path of wrangler's", path: "/cdn-cgi/explorer/api", status: 404 },
  { name: "a path that cannot be decoded", path: "/%zz", status: 404 },
  { name: "a try", path: "/.vitrine/try?of=/images/card/fig.jpg", status: 404 },
  { name: "who is signed in", path: "/.vitrine/sign-in", status: 404 },
  { name: "a file of the sheet by another spelling", path: "/%2evitrine/tag", status: 404 },
  {
    name: "an object to put",
    path: "/.vitrine/objects/a.jpg",
    options: { method: "PUT" },
    status: 403,
  },
  {
    name: "an object to delete",
    path: "/.vitrine/objects/a.jpg",
    options: { method: "DELETE" },
    status: 403,
  },
  { name: "a sign-in", path: "/.vitrine/sign-in/0", options: { method: "PUT" }, status: 403 },
  { name: "a purge", path: "/purge", options: POST, status: 403 },
  { name: "an object to put into S3", path: S3, options: { method: "PUT" }, status: 403 },
  { name: "a whole URL as the target", path: `http://localhost${PICTURE}`, status: 403 },
  { name: "a name that leads here", path: "/", headers: { host: "evil.example" }, status: 403 },
  {
    name: "that name with the port",
    path: "/",
    headers: { host: "evil.example:8787" },
    status: 403,
  },
  { name: "localhost as the name", path: "/", headers: { host: "localhost" }, status: 403 },
  {
    name: "the address as a part of a name",
    path: "/",
    headers: { host: `${ADDRESS}.nip.io` },
    status: 403,
  },
  { name: "the address without the port", path: "/", headers: { host: ADDRESS }, status: 403 },
];

test.each(WITH_CODE)(
  "also with the code, $name is refused",
  async ({ path, headers, options, status }) => {
    const cookie = await openedCookie();
    const origin = `http://${ADDRESS}:${port}`;
    const opened = { cookie, [HEADER]: CODE, origin, ...headers };
    const answer = await send(path, opened, options);
    expect([answer.status, requests]).toEqual([status, []]);
    expect(answer.headers["set-cookie"]).toBeUndefined();
  },
);

test("the code itself opens nothing to a name that leads here", async () => {
  const headers = { host: `evil.example:${port}` };
  for (const answer of [
    await send(`/${CODE}`, headers),
    await send("/.vitrine/code", headers, form(CODE)),
    await send("/", headers),
  ]) {
    const { connection, "set-cookie": cookie } = answer.headers;
    expect([answer.status, cookie, connection]).toEqual([403, undefined, "close"]);
    expect(answer.body).toBe(`Open it at http://${ADDRESS}:${port}\n`);
  }
});

test("hundreds of wrong codes close nothing, and have ten lines in the terminal, without a code", async () => {
  for (let attempt = 0; attempt < 300; attempt += 1) {
    const wrong = createCode();
    await send(PICTURE, { [HEADER]: wrong });
    expect((await send(`/${wrong}`)).status).toBe(403);
  }
  expect(lines.length).toBeLessThanOrEqual(10);
  expect(lines.join("\n")).not.toMatch(/\w{4}-\w{4}-\w{4}/);
  expect((await send(PICTURE, { [HEADER]: CODE })).status).toBe(200);
});

test("the code in the path never reaches the Worker, whose log would show it", async () => {
  const cookie = await openedCookie();
  for (const [path, options] of [
    [`/${CODE}/`, {}],
    [`/${CODE}/?a`, {}],
    [`/${CODE}`, { method: "HEAD" }],
  ] as const) {
    const answers = [await send(path, {}, options), await send(path, { cookie }, options)];
    expect(answers.map(({ status }) => status)).toEqual([303, 303]);
  }
  expect([requests, lines]).toEqual([[], []]);
});

test("this machine itself needs no code, and the code is nothing there", async () => {
  const local = { host: `localhost:${port}` };
  const at = { at: "127.0.0.1" };
  expect((await send("/", local, at)).body).toBe(`http://localhost:${port} false`);
  await send(`/${CODE}`, local, at);
  expect(requests).toEqual(["sheet GET /", `worker GET /${CODE}`]);

  // At the loopback, no other name of this machine opens anything.
  expect((await send("/", { [HEADER]: CODE }, at)).status).toBe(403);
});

test("without --host, nothing listens at another address", async () => {
  const { outside: _outside, ...options } = proxyOptions;
  const closedPort = await freePort();
  expect(await startProxy({ ...options, port: closedPort })).toBeUndefined();
  await expect(fetch(`http://${ADDRESS}:${closedPort}/`)).rejects.toMatchObject({
    cause: { code: "ECONNREFUSED" },
  });
  expect((await fetch(`http://127.0.0.1:${closedPort}/`)).status).toBe(200);
});

test("an address that this machine does not have is named", async () => {
  const outside = { addresses: ["203.0.113.9"], access: createHostAccess(CODE, port, () => {}) };
  const fault = await startProxy({ ...proxyOptions, port: await freePort(), outside });
  expect(fault).toEqual({ fault: "--host: this machine does not have the address 203.0.113.9" });
});

/** Opens connections at an address of this machine that say nothing. */
function openSilent(count: number, at: number): Socket[] {
  return Array.from({ length: count }, () => {
    const socket = connect(at, ADDRESS);
    return socket.on("error", () => {});
  });
}

test("a hundred silent connections leave this machine its local run, and the phone comes back", async () => {
  const warnings: string[] = [];
  const crowdedPort = await freePort();
  const access = createHostAccess(CODE, crowdedPort, (line) => warnings.push(line));
  const outside = { addresses: [ADDRESS], access };
  expect(await startProxy({ ...proxyOptions, port: crowdedPort, outside })).toBeUndefined();

  const sockets = openSilent(100, crowdedPort);
  const openOnes = () => sockets.filter((socket) => !socket.destroyed);
  await expect.poll(() => openOnes().length, LONG_WAIT).toBe(64);
  expect(warnings).toEqual([expect.stringContaining("More than 64 connections")]);
  expect((await fetch(`http://localhost:${crowdedPort}${PICTURE}`)).status).toBe(200);

  for (const socket of openOnes()) socket.destroy();
  const phone = () =>
    fetch(`http://${ADDRESS}:${crowdedPort}${PICTURE}`, { headers: { [HEADER]: CODE } });
  await expect
    .poll(async () => (await phone().catch(() => undefined))?.status, LONG_WAIT)
    .toBe(200);
});

test("each run has a code of its own, of 60 bits", () => {
  const codes = Array.from({ length: 500 }, createCode);
  expect(new Set(codes).size).toBe(500);
  expect(codes.every((code) => /^(?:[2-9a-km-np-z]{4}-?){3}$/.test(code))).toBe(true);
  expect(new Set(codes.join("").replaceAll("-", "")).size).toBe(32);
});
