// The keys of an issuer of tokens in workerd, which ties work to the request that began it: visitors who wait for the fetch
// of another one, who leaves, or whose request is ended.

import { generateKeyPairSync } from "node:crypto";
import { createServer } from "node:http";
import { join } from "node:path";
import { buildSync } from "esbuild";
import { beforeAll, beforeEach, expect, test } from "vitest";
import { listenLocally } from "../../src/emulator/local-server.ts";
import { ROOT } from "../support/built.ts";
import { type Running, start } from "../support/workerd.ts";

const VISITORS = 40;
const HOST = "https://login.example.com";

const { publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const JWKS = JSON.stringify({ keys: [{ ...publicKey.export({ format: "jwk" }), kid: "one" }] });

let worker: Running;
/** The URLs that the Worker has fetched. */
let urls: string[] = [];
let status: number;
/** Resolve when the issuer, and GATE of the Worker, may answer. */
let issuer: PromiseWithResolvers<void>;
let gate: PromiseWithResolvers<void>;

const server = createServer({ requireHostHeader: false }, async ({ url = "" }, answer) => {
  urls.push(url);
  const isGate = url.endsWith("/gate");
  await (isGate ? gate : issuer).promise;
  answer.writeHead(isGate ? 204 : status, { "content-type": "application/json" });
  answer.end(isGate ? undefined : JWKS);
});

beforeAll(async () => {
  const { outputFiles } = buildSync({
    ...{ entryPoints: [join(ROOT, "test/built/token-keys-worker.ts")], bundle: true },
    ...{ format: "esm", conditions: ["workerd"], write: false },
  });
  const { url, close } = await listenLocally(server, 0);
  const outside = { outside: new URL(url).host, isProxy: true };
  worker = await start({ code: outputFiles[0]?.text ?? "" }, outside);
  return async () => {
    await worker.stop();
    await close();
  };
});

beforeEach(() => {
  [urls, status] = [[], 200];
  [issuer, gate] = [Promise.withResolvers(), Promise.withResolvers()];
});

const visit = (path: string, init: RequestInit = {}) =>
  fetch(`http://127.0.0.1:${worker.port}${path}`, init);
const timesAsked = (path: string) => urls.filter((url) => url === HOST + path).length;
const fetchBegan = (path: string, times = 1) =>
  expect.poll(() => timesAsked(path), { interval: 1 }).toBe(times);

/** Many visitors ask at once. @returns what all of them got, once the issuer answers */
function visitors(path: string): Promise<Set<string>> {
  const visits = Array.from({ length: VISITORS }, async () => (await visit(path)).text());
  return Promise.all(visits).then((kinds) => new Set(kinds));
}

/** Waits until the Worker has taken what was sent before: it has answered a later request. */
async function arrived(): Promise<void> {
  expect(await (await visit("/ping")).text()).toBe("pong");
}

test("many visitors at once wait for one fetch, and then for none", async () => {
  const waiting = visitors("/many");
  await arrived();
  issuer.resolve();
  expect([await waiting, timesAsked("/many")]).toEqual([new Set(["key"]), 1]);
  expect([await visitors("/many"), timesAsked("/many")]).toEqual([new Set(["key"]), 1]);
  const unknown = await visitors("/many?kid=two");
  expect([unknown, timesAsked("/many")]).toEqual([new Set(["no-key"]), 1]);
});

test("an issuer that fails is asked once for many visitors at once", async () => {
  status = 500;
  const waiting = visitors("/fails");
  await arrived();
  issuer.resolve();
  expect([await waiting, timesAsked("/fails")]).toEqual([new Set(["keys-failed"]), 1]);
  expect([await visitors("/fails"), timesAsked("/fails")]).toEqual([new Set(["keys-failed"]), 1]);
});

test("a visitor who began the fetch leaves, and the others get their keys by it", async () => {
  const leaving = new AbortController();
  const left = visit("/leaves", { signal: leaving.signal }).catch(() => "left");
  await fetchBegan("/leaves");
  const waiting = visitors("/leaves");
  await arrived();
  leaving.abort();
  expect(await left).toBe("left");
  issuer.resolve();
  expect([await waiting, timesAsked("/leaves")]).toEqual([new Set(["key"]), 1]);
});

test("the request that began the fetch is ended, and one of those who wait begins another", async () => {
  const ended = visit("/ends?leave");
  await fetchBegan("/ends");
  const waiting = visitors("/ends");
  await arrived();
  gate.resolve();
  expect((await ended).status).toBe(204);
  await fetchBegan("/ends", 2);
  issuer.resolve();
  expect([await waiting, timesAsked("/ends")]).toEqual([new Set(["key"]), 2]);
});
