// Signatures that the whole Worker uses again, as S3 and the edge see them.

import { beforeEach, expect, test, vi } from "vitest";
import { CREDENTIALS, ENV, HEALTH_TOKEN, NEXT, NEXT_CREDENTIALS } from "../../support/env.ts";
import { arrange, get, keepNothing, stage } from "../../support/play.ts";

keepNothing(); // each request is to reach the edge

const NOON = Date.UTC(2026, 10, 24, 12);
const KEY = "/images/card/key.jpg";
let env: object;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"] });
  vi.setSystemTime(NOON);
  arrange();
  stage.edge.switches.cache = false;
  env = { ...ENV };
  return () => vi.useRealTimers();
});

/** Sets the clocks of the Worker, S3 and the edge. */
function setClock(now: number): void {
  vi.setSystemTime(now);
  stage.clock.now = now;
}

const show = async (path = KEY, headers: Record<string, string> = {}) =>
  (await get(path, { headers }, env)).status;
const signatures = (requests: readonly Request[]) =>
  requests.flatMap(({ headers }) => headers.get("authorization") ?? []); // some requests have no signature
const dates = () => stage.probes.map(({ headers }) => headers.get("x-amz-date"));
/** The signatures of S3's own requests, and of those that the edge passes on: for another URL. */
const atS3 = () => signatures(stage.probes);
const atEdge = () => signatures(stage.asked.map(({ request }) => request));

test("in one period all that is asked for an object has one signature", async () => {
  for (const [ms, accept] of [
    [0, "image/avif"],
    [1_234, "image/webp"],
    [299_999, "*/*"],
  ] as const) {
    setClock(NOON + ms);
    expect(await show(KEY, { accept })).toBe(200);
    expect(await show("/images/card@2x/key.jpg")).toBe(200);
  }
  expect([new Set(atS3()).size, new Set(atEdge()).size]).toEqual([1, 1]);
  expect(new Set(dates())).toEqual(new Set(["20261124T120000Z"]));
  setClock(NOON + 300_000);
  expect(await show()).toBe(200);
  expect(dates().at(-1)).toBe("20261124T120500Z");
});

test.each([-890_000, -600_000, 0, 299_999, 599_999])(
  "S3 whose clock is %d ms ahead takes it still at the end of its period (A7, A8)",
  async (ahead) => {
    expect(await show()).toBe(200);
    setClock(NOON + 299_999);
    stage.clock.now = NOON + 299_999 + ahead;
    expect(await show()).toBe(200);
    expect([new Set(atS3()).size, new Set(atEdge()).size]).toEqual([1, 1]);
  },
);

test("when the clock is set back, what was signed later is not used", async () => {
  setClock(NOON + 3_600_000);
  expect(await show()).toBe(200);
  setClock(NOON);
  expect(await show()).toBe(200);
  expect(dates()).toEqual(["20261124T130000Z", "20261124T120000Z"]);
});

test("the next slot signs for itself", async () => {
  env = { ...ENV, ...NEXT };
  stage.s3.keys.clear();
  stage.s3.keys.set(NEXT_CREDENTIALS.accessKeyId, NEXT_CREDENTIALS.secretAccessKey);
  for (let each = 0; each < 3; each++) expect(await show()).toBe(200);
  const idsOf = (texts: string[]) => texts.map((text) => /Credential=(\w+)/.exec(text)?.[1]);
  const { accessKeyId: next } = NEXT_CREDENTIALS;
  expect(idsOf(atS3())).toEqual([CREDENTIALS.accessKeyId, next, next, next]);
  expect(idsOf(atEdge())).toEqual([next, next, next]);
  expect(new Set(atEdge()).size).toBe(1);
});

test("a key that is replaced in its store signs nothing from then on", async () => {
  let { accessKeyId: id, secretAccessKey: secret } = CREDENTIALS;
  const stored = { AWS_ACCESS_KEY_ID: { get: async () => id } };
  env = { ...ENV, ...stored, AWS_SECRET_ACCESS_KEY: { get: async () => secret } };
  expect(await show()).toBe(200);
  ({ accessKeyId: id, secretAccessKey: secret } = NEXT_CREDENTIALS);
  stage.s3.keys.set(id, secret);
  setClock(NOON + 61_000);
  expect(await show()).toBe(200);
  await Promise.all(stage.after);
  stage.s3.keys.delete(CREDENTIALS.accessKeyId);
  expect(await show()).toBe(200);
  expect(new Set(atS3()).size).toBe(2);
  setClock(NOON + 122_000);
  expect(await show()).toBe(200);
  expect(new Set(atS3()).size).toBe(2); // a secret that was read again and did not change keeps its signatures
});

test("/healthz looks with the signature that visitors' requests have", async () => {
  const canary = { ...ENV.BUCKETS.media, canary: "key.jpg" };
  env = { ...ENV, HEALTH_TOKEN, BUCKETS: { media: canary } };
  expect(await show()).toBe(200);
  setClock(NOON + 30_000);
  expect(await show("/healthz", { authorization: `Bearer ${HEALTH_TOKEN}` })).toBe(200);
  const ofCanary = stage.probes.filter(({ url }) => url.endsWith("/key.jpg"));
  expect(ofCanary.length).toBeGreaterThan(1);
  expect(new Set(signatures(ofCanary)).size).toBe(1);
});
