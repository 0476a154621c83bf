// POST /purge: who may, what it answers, and what it asks of Cloudflare and of SNS.

import { HttpResponse, http } from "msw";
import { beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import type { Loopback } from "../../src/worker/cache/loopback.ts";
import { Renditions } from "../../src/worker/index.ts";
import { apiError, createCloudflare, ZONE_ID } from "../support/cli/cloudflare.ts";
import { fireTimer, stopClock } from "../support/clock.ts";
import { BASE, CLOUDFLARE_API_TOKEN, ENV, PURGE_TOKEN } from "../support/env.ts";
import {
  bridgeEvent,
  envelope,
  notification,
  snsHeaders,
  subscription,
  TEST_EVENT,
} from "../support/events.ts";
import { get, lines, stage } from "../support/play.ts";
import { network } from "../support/stand.ts";

const WITHOUT_EDGE = { ...ENV, PURGE_TOKEN };
const FULL = { ...WITHOUT_EDGE, CLOUDFLARE_API_TOKEN, ZONE_ID };
const AUTHORIZED = { authorization: `Bearer ${PURGE_TOKEN}` };

/** Without `env` it asks a new isolate. */
const post = (
  body: unknown,
  env: object = { ...FULL },
  headers: Record<string, string> = AUTHORIZED,
) => get("/purge", { method: "POST", headers, body: textOf(body) }, env);
const textOf = (body: unknown) => (typeof body === "string" ? body : JSON.stringify(body));

/** Sends a body, and reads the answer. */
async function purge(body: unknown, env?: object, headers: Record<string, string> = {}) {
  const answer = await post(body, env, { ...AUTHORIZED, ...headers });
  expect(answer.headers.get("content-type")).toBe("application/json");
  expect(answer.headers.get("cache-control")).toBe("no-store");
  const report = JSON.parse(await answer.text());
  expect(report.ok).toBe(answer.status === 200);
  return { status: answer.status, wait: answer.headers.get("retry-after"), report };
}

let cloudflare = createCloudflare();
beforeEach(() => {
  cloudflare = createCloudflare();
  network.use(...cloudflare.handlers);
});

/** The shortest record of a notification that is read. */
const SHORT_RECORD = { s3: { bucket: { name: "a" }, object: { key: "b" } } };

const source = (key: string) => `${BASE}published/${key}`;

describe("without PURGE_TOKEN", () => {
  test.each(["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"])(
    "%s is the 404 of any unknown path",
    async (method) => {
      const unknown = await get("/unknown", {}, ENV);
      for (const headers of [{}, AUTHORIZED, { authorization: "Bearer undefined" }]) {
        for (const env of [ENV, { ...FULL, PURGE_TOKEN: PURGE_TOKEN.slice(0, 31) }]) {
          const answer = await get("/purge", { method, headers }, env);
          expect([answer.status, ...answer.headers]).toEqual([404, ...unknown.headers]);
        }
      }
    },
  );

  test.each<[string, unknown]>([
    ["31 characters", "x".repeat(31)],
    ["a space at its end", `${"x".repeat(32)} `],
    ["no ASCII", "é".repeat(32)],
    ["a list", Array(32).fill("x")],
    ["nothing", ""],
  ])("a token of %s is none", async (_what, token) => {
    const headers = { authorization: `Bearer ${token}`.replaceAll("é", "e") };
    expect((await post({}, { ...ENV, PURGE_TOKEN: token }, headers)).status).toBe(404);
  });
});

describe("with PURGE_TOKEN", () => {
  test.each(["GET", "HEAD", "PUT", "DELETE", "OPTIONS"])("%s is not allowed", async (method) => {
    const answer = await get("/purge", { method, headers: AUTHORIZED }, FULL);
    expect([answer.status, answer.headers.get("allow")]).toEqual([405, "POST"]);
  });

  const basic = (text: string) => `Basic ${btoa(text)}`;

  test.each<[string, string]>([
    ["another token", `Bearer ${PURGE_TOKEN.replace("a", "b")}`],
    ["the beginning of the token", `Bearer ${PURGE_TOKEN.slice(0, -1)}`],
    ["more than the token", `Bearer ${PURGE_TOKEN}x`],
    ["the token in capitals", `Bearer ${PURGE_TOKEN.toUpperCase()}`],
    ["the token by itself", PURGE_TOKEN],
    ["an empty header", ""],
    ["a scheme alone", "Bearer"],
    ["a bearer of nothing", "Bearer "],
    ["another scheme", `Digest ${PURGE_TOKEN}`],
    ["the token as a name", basic(`${PURGE_TOKEN}:`)],
    ["the token without a name", basic(PURGE_TOKEN)],
    ["another password", basic(`sns:${PURGE_TOKEN}x`)],
    ["a password that begins with the token", basic(`sns:${PURGE_TOKEN}:x`)],
    ["no base64", `Basic sns:${PURGE_TOKEN}`],
    ["a basic of nothing", "Basic "],
    ["the token as a bearer in base64", `Bearer ${btoa(PURGE_TOKEN)}`],
  ])("%s is refused", async (_what, authorization) => {
    const answer = await post({ everything: true }, { ...FULL }, { authorization });
    expect([answer.status, await answer.text()]).toEqual([401, "Unauthorized\n"]);
    expect(answer.headers.get("www-authenticate")).toBe('Bearer, Basic realm="purge"');
    expect(lines()).toMatchObject([{ event: "purge-denied", answered: 401 }]);
    expect(cloudflare.calls).toEqual([]);
  });

  test("no token is refused, and is nothing for the log: SNS begins like that", async () => {
    const answer = await post({ everything: true }, FULL, {});
    expect([answer.status, await answer.text()]).toEqual([401, "Unauthorized\n"]);
    expect(answer.headers.get("www-authenticate")).toBe('Bearer, Basic realm="purge"');
    expect(lines()).toEqual([]);
  });

  test.each([
    `bearer ${PURGE_TOKEN}`,
    `BEARER   ${PURGE_TOKEN}`,
    basic(`sns:${PURGE_TOKEN}`),
    basic(`:${PURGE_TOKEN}`),
    basic(`sns:${PURGE_TOKEN}`).replace("Basic", "basic"),
  ])("%s opens it", async (authorization) => {
    expect((await post(TEST_EVENT, FULL, { authorization })).status).toBe(200);
  });

  test("a password may have colons, as a token may", async () => {
    const env = { ...FULL, PURGE_TOKEN: `:${PURGE_TOKEN}:` };
    const authorization = basic(`sns:${env.PURGE_TOKEN}`);
    expect((await post(TEST_EVENT, env, { authorization })).status).toBe(200);
  });

  test.each<[string, BodyInit | undefined, number, string]>([
    ["no body", undefined, 400, "not a JSON object"],
    ["text", "media/fig.jpg", 400, "not a JSON object"],
    ["an unknown form", '{"object": "media/fig.jpg"}', 400, "the body is none of"],
    ["what is no UTF-8", new Uint8Array([0x7b, 0xff, 0x7d]), 400, "not UTF-8"],
    ["an unknown bucket", '{"bucket": "acme"}', 400, "no bucket of this name"],
    ["too much", " ".repeat(2 * 1024 * 1024 + 1), 413, "2 MiB"],
  ])("a body of %s is refused, with the reason", async (_what, body, status, reason) => {
    const init = { method: "POST", headers: AUTHORIZED, ...(body !== undefined && { body }) };
    const answer = await get("/purge", init, FULL);
    expect(answer.status).toBe(status);
    expect(JSON.parse(await answer.text())).toEqual({
      ok: false,
      purged: [],
      not_purged: [],
      reason: expect.stringContaining(reason),
    });
    expect(lines()).toEqual([{ event: "purge-failed", reason: expect.stringContaining(reason) }]);
    expect(cloudflare.calls).toEqual([]);
  });

  test("a body without a length ends where it is too long", async () => {
    let sent = 0;
    const body = new ReadableStream({
      pull(stream) {
        sent += 65_536;
        stream.enqueue(new Uint8Array(65_536));
      },
    });
    const init = { method: "POST", headers: AUTHORIZED, body, duplex: "half" } as const;
    expect((await get("/purge", init, FULL)).status).toBe(413);
    expect(sent).toBeLessThan(3 * 1024 * 1024);
  });

  test("a body that never ends is refused in time", async () => {
    stopClock();
    const body = new ReadableStream({ start: (stream) => stream.enqueue(new Uint8Array([0x7b])) });
    const init = { method: "POST", headers: AUTHORIZED, body, duplex: "half" } as const;
    const began = Date.now();
    const answered = get("/purge", init, FULL);
    await fireTimer();
    expect((await answered).status).toBe(400);
    expect(Date.now() - began).toBeLessThan(4_000);
  });
});

describe("the edge", () => {
  test("is purged by the URLs at the origin, each once (C3)", async () => {
    const names = ["media/fig.jpg", "media/a b+c%2B.jpg", "media/fig.jpg"];
    const { status, report } = await purge({ objects: names });
    expect([status, report]).toEqual([
      200,
      { ok: true, purged: names.slice(0, 2), not_purged: [], cache: "purged", edge: "purged" },
    ]);
    const urls = [source("fig.jpg"), source("a%20b%2Bc%252B.jpg")];
    expect(cloudflare.calls).toMatchObject([
      { path: `/zones/${ZONE_ID}/purge_cache`, files: urls },
    ]);
    expect(lines()).toEqual([]);
  });

  test.each<[string, object, string]>([
    ["both", WITHOUT_EDGE, "CLOUDFLARE_API_TOKEN and ZONE_ID are missing"],
    ["the zone", { ...WITHOUT_EDGE, CLOUDFLARE_API_TOKEN }, "ZONE_ID is missing"],
    ["the token", { ...WITHOUT_EDGE, ZONE_ID }, "CLOUDFLARE_API_TOKEN is missing"],
    [
      "a token that can be sent",
      { ...FULL, CLOUDFLARE_API_TOKEN: "a b" },
      "CLOUDFLARE_API_TOKEN is missing",
    ],
  ])("is not purged without %s, and the answer says so (S1)", async (_what, env, missing) => {
    const { status, report } = await purge({ objects: ["media/fig.jpg"] }, env);
    expect([status, report.purged, report.cache]).toEqual([200, ["media/fig.jpg"], "purged"]);
    expect(report.edge).toContain(`not purged: ${missing}. It may give an old picture back`);
    expect(cloudflare.calls).toEqual([]);
    expect((await get("/images/card/key.jpg", {}, env)).status).toBe(200);
  });

  test.each(["x", ZONE_ID.toUpperCase(), `${ZONE_ID}0`, `${ZONE_ID}/../x`, 5])(
    "ZONE_ID %j is a mistake",
    async (id) => {
      expect((await get("/images/card/key.jpg", {}, { ...ENV, ZONE_ID: id })).status).toBe(500);
      expect(JSON.stringify(lines())).toContain("ZONE_ID: is not a zone ID");
    },
  );

  test.each<[string, () => Response | Promise<Response>, number, string | null, string]>([
    [
      "refuses the token",
      () => apiError(403, 10000, CLOUDFLARE_API_TOKEN),
      502,
      "30",
      "403 (10000). CLOUDFLARE_API_TOKEN needs",
    ],
    ["has an error", () => apiError(500, 1000, "Internal"), 502, "30", "500 (1000)"],
    ["says no with 200", () => apiError(200, 1012, "No"), 502, "30", "200 (1012)"],
    ["says nothing", () => new HttpResponse(null, { status: 200 }), 502, "30", "answers 200"],
    [
      "leads elsewhere",
      () => HttpResponse.redirect("https://evil.example/", 307),
      502,
      "30",
      "answers 307",
    ],
    ["cannot be reached", () => HttpResponse.error(), 502, "30", "cannot be reached"],
    ["is busy", () => apiError(429, 971, "Wait"), 429, "60", "the rate limit of Cloudflare's API"],
    [
      "asks to wait",
      () => apiError(429, 971, "Wait", { "retry-after": "7" }),
      429,
      "7",
      "rate limit",
    ],
    [
      "asks to wait for ever",
      () => apiError(429, 971, "Wait", { "retry-after": "99999999" }),
      429,
      "900",
      "rate limit",
    ],
  ])(
    "%s: the object is named, and is left in the Worker's cache, too",
    async (_what, trouble, status, wait, reason) => {
      cloudflare = createCloudflare(trouble);
      network.use(...cloudflare.handlers);
      const kept = vi.spyOn(console, "error");
      const ended = await purge({ objects: ["media/fig.jpg"] });
      expect([ended.status, ended.wait]).toEqual([status, wait]);
      const why = expect.stringContaining(`edge: `);
      expect(ended.report).toMatchObject({
        purged: [],
        not_purged: [{ object: "media/fig.jpg", reason: why }],
        edge: "see not_purged",
      });
      expect(ended.report.not_purged[0].reason).toContain(reason);
      expect(lines()).toEqual([
        {
          event: "purge-failed",
          reason: ended.report.not_purged[0].reason,
          objects: 1,
          first: ["media/fig.jpg"],
        },
      ]);
      expect(kept).toHaveBeenCalledOnce();
      expect(JSON.stringify([ended, lines()])).not.toContain(CLOUDFLARE_API_TOKEN);
    },
  );

  test("that does not answer is late after less than four seconds", async () => {
    stopClock();
    cloudflare = createCloudflare(() => new Promise<never>(() => {}));
    network.use(...cloudflare.handlers);
    const began = Date.now();
    const ended = purge({ objects: ["media/fig.jpg"] });
    await fireTimer();
    expect(await ended).toMatchObject({ status: 503, wait: "10" });
    expect(Date.now() - began).toBeLessThan(4_000);
  });

  test("is asked for 100 objects at a time, and no more after a limit", async () => {
    const objects = Array.from({ length: 1_000 }, (_, at) => `media/${at}.jpg`);
    expect(await purge({ objects })).toMatchObject({ status: 200, report: { purged: objects } });
    expect(cloudflare.calls.map(({ files }) => files.length)).toEqual(Array(10).fill(100));
    cloudflare = createCloudflare((_call, at) => (at < 2 ? undefined : apiError(429, 971, "Wait")));
    network.use(...cloudflare.handlers);
    const { status, report } = await purge({ objects });
    expect([status, report.purged.length, report.not_purged.length]).toEqual([429, 200, 800]);
    expect(cloudflare.calls.length).toBeLessThan(8);
  });

  test("is not asked for ever where each call fails", async () => {
    cloudflare = createCloudflare(() => apiError(403, 10000, "Authentication error"));
    network.use(...cloudflare.handlers);
    const objects = Array.from({ length: 5_000 }, (_, at) => `media/${at}.jpg`);
    const { status, report } = await purge({ objects });
    expect([status, report.not_purged.length]).toEqual([502, 1_000]);
    expect(cloudflare.calls.length).toBeLessThan(10);
    expect(lines()).toHaveLength(1);
  });
});

test("where the request that makes the calls was cut off, the others are answered in time, and the next ones are purged", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] });
  onTestFinished(() => void vi.useRealTimers());
  vi.stubGlobal("scheduler", { wait: () => new Promise<never>(() => {}) });
  const env = { ...FULL };
  const began = Date.now();
  const answers = Promise.all(
    ["a.jpg", "b.jpg"].map((key) => purge(bridgeEvent("acme-media", `published/${key}`), env)),
  );
  while (vi.getTimerCount() < 2) await new Promise<void>((end) => setImmediate(end));
  await vi.advanceTimersByTimeAsync(3_900);
  expect(await answers).toMatchObject([
    { status: 503, wait: "10", report: { not_purged: [{ object: "media/a.jpg" }] } },
    { status: 503, wait: "10", report: { not_purged: [{ object: "media/b.jpg" }] } },
  ]);
  expect(lines()).toMatchObject([{ first: ["media/a.jpg"] }, { first: ["media/b.jpg"] }]);
  expect(Date.now() - began).toBeLessThan(4_000);
  vi.stubGlobal("scheduler", { wait: async () => {} });
  stage.after = [];
  expect(await purge(bridgeEvent("acme-media", "published/a.jpg"), env)).toMatchObject({
    status: 200,
  });
});

describe("objects", () => {
  const many = <T>(length: number, one: (at: number) => T) =>
    Array.from({ length }, (_, at) => one(at));

  test.each<[string, object, string, number]>([
    ["purged", { objects: many(1_001, (at) => `media/${at}`) }, "purged", 1],
    [
      "held up",
      { objects: many(160_000, (at) => `media/${at.toString(36)}`) },
      "not_purged",
      159_000,
    ],
    ["named wrongly", { objects: many(690_000, () => "") }, "not_purged", 689_000],
    ["not shown", { Records: many(40_000, () => SHORT_RECORD) }, "not_shown", 39_000],
  ])(
    "that are %s are named up to 1,000, and the others are counted",
    async (what, body, list, others) => {
      stopClock(); // a busy machine may take longer than a visitor waits
      cloudflare = createCloudflare(() =>
        what === "held up" ? apiError(429, 971, "Wait") : undefined,
      );
      network.use(...cloudflare.handlers);
      const text = JSON.stringify(body);
      expect(text.length).toBeLessThan(2 * 1024 * 1024 + 1);
      const answer = await (await post(text)).text();
      expect(answer.length).toBeLessThan(200_000);
      const report = JSON.parse(answer);
      expect([report[list].length, report.left_out]).toEqual([1_000, { [list]: others }]);
      expect(cloudflare.calls.length).toBeLessThan(12);
      expect(JSON.stringify(lines()).length).toBeLessThan(2_000);
      if (list === "not_purged") expect(lines()).toMatchObject([{ objects: others + 1_000 }]);
    },
  );

  test("up to 1,000 are all named", async () => {
    const { report } = await purge({ objects: many(1_000, (at) => `media/${at}`) });
    expect([report.purged.length, report.left_out]).toEqual([1_000, undefined]);
  });

  test("that cannot be are named, and all others are purged", async () => {
    const { status, report } = await purge({ objects: ["media/fig.jpg", "fig.jpg", "media/../x"] });
    expect([status, report.purged]).toEqual([400, ["media/fig.jpg"]]);
    expect(report.not_purged.map(({ object }: { object: string }) => object)).toEqual([
      "fig.jpg",
      "media/../x",
    ]);
    expect(cloudflare.purged).toEqual([source("fig.jpg")]);
    expect(lines()).toMatchObject([
      { event: "purge-failed", objects: 2, first: ["fig.jpg", "media/../x"] },
    ]);
  });

  test("of an event that are not shown are no fault", async () => {
    for (const event of [
      bridgeEvent("acme-media", "secret/a.jpg"),
      notification("other", "a+b.jpg"),
    ]) {
      const { status, report } = await purge(event);
      expect([status, report.purged, report.not_purged]).toEqual([200, [], []]);
      expect(report.not_shown).toHaveLength(1);
    }
    expect([lines(), cloudflare.calls]).toEqual([[], []]);
  });
});

test("a bucket and everything are purged in the Worker's cache alone (C3)", async () => {
  for (const [body, name] of [
    [{ bucket: "media" }, "media/*"],
    [{ everything: true }, "*"],
  ]) {
    const { status, report } = await purge(body);
    expect([status, report.purged, report.cache]).toEqual([200, [name], "purged"]);
    expect(report.edge).toContain("not purged: Cloudflare purges it by object alone");
  }
  expect(cloudflare.calls).toEqual([]);
});

test("what asks for nothing is 200", async () => {
  expect(await purge(TEST_EVENT)).toMatchObject({ status: 200, report: { purged: [] } });
  const type = "UnsubscribeConfirmation";
  const ended = await purge(subscription("", type), undefined, snsHeaders(type));
  expect(ended).toMatchObject({ status: 200, report: { purged: [] } });
});

describe("a subscription of SNS", () => {
  const URL_OF_SNS = "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&Token=23";
  let asked: Pick<Request, "method" | "url" | "headers">[] = [];
  const answerWith = (answer: () => Response) =>
    network.use(
      http.all(/./, ({ request }) => {
        asked.push(request);
        return answer();
      }),
    );
  beforeEach(() => {
    asked = [];
  });

  const confirm = (url: string) =>
    purge(subscription(url), undefined, snsHeaders("SubscriptionConfirmation"));

  test("is confirmed", async () => {
    answerWith(() => new HttpResponse("<ConfirmSubscriptionResponse/>"));
    expect(await confirm(URL_OF_SNS)).toMatchObject({ status: 200 });
    expect(asked.map(({ method, url }) => [method, url])).toEqual([["GET", URL_OF_SNS]]);
    expect(asked[0]?.headers.has("authorization")).toBe(false);
  });

  test.each([
    "https://sns.eu-west-1.amazonaws.com.evil.example/?Action=ConfirmSubscription",
    "https://sns.eu-west-1.amazonaws.com@evil.example/",
    "https://user:pass@sns.eu-west-1.amazonaws.com/",
    "https://sns.eu-west-1.amazonaws.com:8443/",
    "http://sns.eu-west-1.amazonaws.com/",
    "http://169.254.169.254/latest/meta-data/",
  ])("%s is refused, and not asked", async (url) => {
    answerWith(() => new HttpResponse());
    expect(await confirm(url)).toMatchObject({ status: 400 });
    expect(asked).toEqual([]);
    expect(lines()).toEqual([
      { event: "purge-failed", reason: "SubscribeURL does not lead to SNS" },
    ]);
  });

  test.each<[string, () => Response]>([
    [
      "a redirect, which is not followed",
      () => HttpResponse.redirect("https://evil.example/", 302),
    ],
    ["an error", () => new HttpResponse("<Code>InvalidParameter</Code>", { status: 400 })],
    ["nothing", () => HttpResponse.error()],
  ])("is told as not confirmed where SNS answers %s", async (_what, answer) => {
    answerWith(answer);
    expect(await confirm(URL_OF_SNS)).toMatchObject({ status: 502, wait: "30" });
    expect(asked).toHaveLength(1);
    expect(JSON.stringify(lines())).not.toContain("Token");
  });
});

describe("whoever may publish to the topic of SNS purges nothing but single objects:", () => {
  const CONFIRMATION = subscription("https://sns.eu-west-1.amazonaws.com/?Action=Confirm&Token=2");
  const EVENT = notification("acme-media", "published/fig.jpg");

  test.each<[string, unknown]>([
    ["everything", { everything: true }],
    ["a bucket", { bucket: "media" }],
    ["objects", { objects: ["media/fig.jpg"] }],
    ["a confirmation", CONFIRMATION],
    ["a confirmation with records that are none", { ...CONFIRMATION, Records: {} }],
    ["everything in an envelope", envelope({ everything: true })],
    ["a confirmation in an envelope", envelope(CONFIRMATION)],
    ["an envelope in an envelope", envelope(envelope(EVENT))],
    ["a text", "purge everything"],
    ["a list", [{ everything: true }]],
    ["two forms in one text", `${JSON.stringify(EVENT)}${JSON.stringify({ everything: true })}`],
    ["an event of another service", { ...bridgeEvent("acme-media", "x"), source: "my.app" }],
  ])("%s does nothing, raw or in an envelope", async (_what, message) => {
    let asked = 0;
    network.use(
      http.all(/./, () => {
        asked += 1;
        return new HttpResponse();
      }),
    );
    const calls: unknown[] = [];
    stage.exported = ({ fetch }) => ({
      fetch,
      purge: async (options) => {
        calls.push(options);
        return { success: true, errors: [] };
      },
    });
    for (const [body, raw] of [
      [message, true],
      [envelope(message), false],
      [envelope(message), true],
    ] as const) {
      const { status, report } = await purge(body, undefined, snsHeaders("Notification", raw));
      expect([status, report.purged]).toEqual([400, []]);
    }
    expect([asked, calls]).toEqual([0, []]);
  });

  test.each<[string, unknown, Record<string, string>]>([
    ["a confirmation without SNS's header", CONFIRMATION, {}],
    ["a notification without SNS's header", envelope(EVENT), {}],
    ["a raw event in an envelope", envelope(EVENT), snsHeaders("Notification", true)],
    ["everything, as a confirmation", { everything: true }, snsHeaders("SubscriptionConfirmation")],
    ["an event, as a confirmation", EVENT, snsHeaders("SubscriptionConfirmation")],
    ["everything, by an unknown header", { everything: true }, snsHeaders("Other")],
    ["everything, by an empty header", { everything: true }, snsHeaders("")],
    [
      "a confirmation, by two headers",
      CONFIRMATION,
      snsHeaders("Notification, SubscriptionConfirmation"),
    ],
  ])("%s does nothing", async (_what, body, headers) => {
    const { status, report } = await purge(body, undefined, headers);
    expect([status, report.purged]).toEqual([400, []]);
    expect([cloudflare.calls, lines().length]).toEqual([[], 1]);
  });

  test.each<[string, unknown, boolean]>([
    ["raw", EVENT, true],
    ["in an envelope", envelope(EVENT), false],
    ["raw, by way of EventBridge", bridgeEvent("acme-media", "published/fig.jpg"), true],
  ])("an event of S3 is read, %s", async (_what, body, raw) => {
    const { status, report } = await purge(body, undefined, snsHeaders("Notification", raw));
    expect([status, report.purged]).toEqual([200, ["media/fig.jpg"]]);
  });
});

describe("where nothing is kept, a purge of the edge is all (W15):", () => {
  test.each<[string, () => Loopback | undefined, string]>([
    ["there is no ctx.exports", () => undefined, "off"],
    ["the entrypoint has no cache", () => new Renditions(Object.create(null), {}), "purged"],
  ])("%s", async (_why, exported, cache) => {
    stage.exported = exported;
    const { status, report } = await purge({ objects: ["media/fig.jpg"] });
    expect([status, report]).toMatchObject([200, { cache, edge: "purged" }]);
    expect(cloudflare.purged).toEqual([source("fig.jpg")]);
  });
});

test("an error of the cache that has no code of its own is no success", async () => {
  const errors = [{ code: 0, message: "internal error" }];
  stage.exported = ({ fetch }) => ({ fetch, purge: async () => ({ success: false, errors }) });
  for (const body of [{ objects: ["media/fig.jpg"] }, { bucket: "media" }, { everything: true }]) {
    const { status, report } = await purge(body);
    expect([status, report.purged, report.not_purged.length]).toEqual([502, [], 1]);
    expect(report.not_purged[0].reason).toBe("cache: internal error (0)");
  }
});

// EventBridge and SNS send again after 503, and neither after 404 nor after 200.
test.each(["PURGE_TOKEN", "CLOUDFLARE_API_TOKEN"])(
  "while the Secrets Store does not return %s, the caller is to send again",
  async (name) => {
    const get = async () => Promise.reject(new Error("the store is away"));
    const answer = await post({ objects: ["media/fig.jpg"] }, { ...FULL, [name]: { get } });
    expect([answer.status, answer.headers.get("retry-after")]).toEqual([503, "60"]);
    expect(cloudflare.calls).toEqual([]);
  },
);
