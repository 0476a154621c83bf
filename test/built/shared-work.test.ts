// Work that requests share in workerd, which ties it to the request that began it: visitors who wait for the keys of an
// issuer of tokens, or for the credentials of a role, which another one requests, who leaves, or whose request is ended.

import { generateKeyPairSync } from "node:crypto";
import { createServer } from "node:http";
import { join } from "node:path";
import { buildSync } from "esbuild";
import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { listenLocally } from "../../src/emulator/local-server.ts";
import { ROOT } from "../support/built.ts";
import { answerOf, EC_KEY } from "../support/issuer.ts";
import { type Running, start } from "../support/workerd.ts";

const VISITORS = 40;
const HOUR = 3_600_000;
const HOST = "https://outside.example.com";

const { publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const JWKS = JSON.stringify({ keys: [{ ...publicKey.export({ format: "jwk" }), kid: "one" }] });

let worker: Running;
/** The URLs that the Worker has fetched. */
let urls: string[] = [];
let status: number;
/** Resolve when the issuer or STS, and GATE of the Worker, may answer. */
let answers: PromiseWithResolvers<void>;
let gate: PromiseWithResolvers<void>;

const server = createServer({ requireHostHeader: false }, async ({ url = "" }, answer) => {
  urls.push(url);
  const isGate = url.endsWith("/gate");
  await (isGate ? gate : answers).promise;
  answer.writeHead(isGate ? 204 : status, { "content-type": "application/json" });
  if (isGate) answer.end();
  else answer.end(url.includes("/role/") ? answerOf(Date.now() + HOUR) : JWKS);
});

beforeAll(async () => {
  const { outputFiles } = buildSync({
    ...{ entryPoints: [join(ROOT, "test/built/shared-work-worker.ts")], bundle: true },
    ...{ format: "esm", conditions: ["workerd"], write: false },
  });
  const { url, close } = await listenLocally(server, 0);
  const outside = { outside: new URL(url).host, isProxy: true };
  worker = await start({ code: outputFiles[0]?.text ?? "", vars: { PEM: EC_KEY } }, outside);
  return async () => {
    await worker.stop();
    await close();
  };
});

beforeEach(() => {
  [urls, status] = [[], 200];
  [answers, gate] = [Promise.withResolvers(), Promise.withResolvers()];
});

const visit = (path: string, init: RequestInit = {}) =>
  fetch(`http://127.0.0.1:${worker.port}${path}`, init);
const timesAsked = (path: string) => urls.filter((url) => url === HOST + path).length;
const began = (path: string, times = 1) =>
  expect.poll(() => timesAsked(path), { interval: 1, timeout: 30_000 }).toBe(times);

/** Many visitors ask at once. @returns what all of them got, once the answer comes */
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
  answers.resolve();
  expect([await waiting, timesAsked("/many")]).toEqual([new Set(["key"]), 1]);
  expect([await visitors("/many"), timesAsked("/many")]).toEqual([new Set(["key"]), 1]);
  const unknown = await visitors("/many?kid=two");
  expect([unknown, timesAsked("/many")]).toEqual([new Set(["no-key"]), 1]);
});

test("an issuer that fails is asked once for many visitors at once", async () => {
  status = 500;
  const waiting = visitors("/fails");
  await arrived();
  answers.resolve();
  expect([await waiting, timesAsked("/fails")]).toEqual([new Set(["keys-failed"]), 1]);
  expect([await visitors("/fails"), timesAsked("/fails")]).toEqual([new Set(["keys-failed"]), 1]);
});

describe.each([
  ["keys", "", "key"],
  ["credentials of a role", "/role", "session"],
])("many visitors wait for the same %s", (_what, folder, kind) => {
  test("and the one who began to request them leaves: the others get them by it", async () => {
    const path = `${folder}/leaves`;
    const leaving = new AbortController();
    const left = visit(path, { signal: leaving.signal }).catch(() => "left");
    await began(path);
    const waiting = visitors(path);
    await arrived();
    leaving.abort();
    expect(await left).toBe("left");
    answers.resolve();
    expect([await waiting, timesAsked(path)]).toEqual([new Set([kind]), 1]);
  });

  test("and the request that began it is ended: one of those who wait begins another", async () => {
    const path = `${folder}/ends`;
    const ended = visit(`${path}?leave`);
    await began(path);
    const waiting = visitors(path);
    await arrived();
    gate.resolve();
    expect((await ended).status).toBe(204);
    await began(path, 2);
    answers.resolve();
    expect([await waiting, timesAsked(path)]).toEqual([new Set([kind]), 2]);
  });
});
