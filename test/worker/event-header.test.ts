// The header `vitrine-event`: the event of a refused picture, for a caller with a token of the Worker. For anybody else,
// all 404s are alike.

import { describe, expect, test } from "vitest";
import { EVENT_HEADER } from "../../src/worker/response/answer.ts";
import { ENV, HEALTH_TOKEN, PURGE_TOKEN, VARS } from "../support/env.ts";
import { get, lines, put, signQuery, stage, stopDates, wait } from "../support/run-worker.ts";

const TOKENS = { HEALTH_TOKEN, PURGE_TOKEN };
const WITH_TOKENS = { ...ENV, ...TOKENS };

const bearer = (token: string) => `Bearer ${token}`;
const basic = (token: string) => `Basic ${btoa(`anybody:${token}`)}`;
const AUTHORIZED = { authorization: bearer(PURGE_TOKEN) };

stopDates(Date.UTC(2026, 11, 1));

/** Asks for a picture. @returns the status and the event that the caller sees */
async function ask(
  path: string,
  headers: Record<string, string> = AUTHORIZED,
  env: object = WITH_TOKENS,
  init: RequestInit = {},
) {
  const answer = await get(path, { ...init, headers }, env);
  const event = answer.headers.get("vitrine-event");

  return { status: answer.status, event, headers: answer.headers, text: await answer.text() };
}

const MISSING = "/images/card/nothing.jpg";

describe("who sees it", () => {
  test.each([
    ["the token of /purge", bearer(PURGE_TOKEN)],
    ["the token of /healthz", bearer(HEALTH_TOKEN)],
    ["a scheme in small letters, and spaces", `bearer   ${PURGE_TOKEN}`],
    ["the token of /purge as a password", basic(PURGE_TOKEN)],
    ["the token of /healthz as a password", basic(HEALTH_TOKEN)],
  ])("a caller with %s does", async (_what, authorization) => {
    const seen = await ask(MISSING, { authorization });
    expect(seen.status).toBe(404);
    expect(seen.event).toBe("object-missing");
    expect(seen.text).toBe("Not found\n");
  });

  const NO_TOKENS = { ...ENV };
  const EMPTY = { ...ENV, HEALTH_TOKEN: "", PURGE_TOKEN: "" };
  const SHORT = { ...ENV, HEALTH_TOKEN: "secret", PURGE_TOKEN: "a-token-of-26-characters-x" };
  const [[, kid = ""] = []] = Object.entries<string>(JSON.parse(ENV.URL_SIGNING_KEYS));

  test.each<{ title: string; headers: Record<string, string>; env?: object }>([
    { title: "nobody in particular", headers: {} },
    { title: "an empty header", headers: { authorization: "" } },
    { title: "an empty token", headers: { authorization: "Bearer " } },
    { title: "an empty password", headers: { authorization: basic("") } },
    {
      title: "another token",
      headers: { authorization: bearer("another-token-that-is-as-long-as-the-right-one") },
    },
    {
      title: "the beginning of a token",
      headers: { authorization: bearer(PURGE_TOKEN.slice(0, -1)) },
    },
    { title: "more than a token", headers: { authorization: bearer(`${HEALTH_TOKEN}x`) } },
    { title: "the token by itself", headers: { authorization: PURGE_TOKEN } },
    {
      title: "the token without a user name",
      headers: { authorization: `Basic ${btoa(PURGE_TOKEN)}` },
    },
    { title: "another scheme", headers: { authorization: `Digest ${PURGE_TOKEN}` } },
    { title: "no base64", headers: { authorization: "Basic ====" } },
    { title: "both tokens", headers: { authorization: bearer(`${PURGE_TOKEN}, ${HEALTH_TOKEN}`) } },
    { title: "a key that signs URLs", headers: { authorization: bearer(kid) } },
    { title: "the secret of S3", headers: { authorization: bearer(ENV.AWS_SECRET_ACCESS_KEY) } },
    {
      title: "the token in another header",
      headers: { "x-vitrine-token": PURGE_TOKEN, cookie: PURGE_TOKEN },
    },
    {
      title: "an empty token, where it is empty",
      headers: { authorization: "Bearer " },
      env: EMPTY,
    },
    {
      title: "an empty password, where it is empty",
      headers: { authorization: basic("") },
      env: EMPTY,
    },
    {
      title: "undefined, where there is no token",
      headers: { authorization: "Bearer undefined" },
      env: NO_TOKENS,
    },
    { title: "a token, where there is none", headers: AUTHORIZED, env: NO_TOKENS },
    { title: "a token that is too short", headers: { authorization: "Bearer secret" }, env: SHORT },
    {
      title: "a token of /purge that is too short",
      headers: { authorization: bearer(SHORT.PURGE_TOKEN) },
      env: SHORT,
    },
    { title: "a page of another site", headers: { ...AUTHORIZED, "sec-fetch-site": "cross-site" } },
    {
      title: "a page of another site, with a password",
      headers: { authorization: basic(PURGE_TOKEN), "sec-fetch-site": "cross-site" },
    },
    { title: "SNS", headers: { ...AUTHORIZED, "x-amz-sns-message-type": "Notification" } },
  ])(
    "$title does not, and gets what every visitor gets",
    async ({ headers, env = WITH_TOKENS }) => {
      const visitor = await ask(MISSING, {}, { ...env });
      const seen = await ask(MISSING, headers, { ...env });

      expect([seen.status, seen.text, ...seen.headers]).toEqual([
        404,
        "Not found\n",
        ...visitor.headers,
      ]);
      expect([...seen.headers.keys()]).not.toContain(EVENT_HEADER);
    },
  );

  test("one of two tokens is enough, and the other one may be missing", async () => {
    const env = { ...ENV, HEALTH_TOKEN };
    const withHealth = { authorization: bearer(HEALTH_TOKEN) };

    expect(await ask(MISSING, withHealth, env)).toMatchObject({ event: "object-missing" });
    expect(await ask(MISSING, AUTHORIZED, env)).toMatchObject({ event: null });
  });
});

describe("what it says", () => {
  const ROUTES = [...VARS.ROUTES, { path: "/more/:preset/*", object: "media/*" }];

  test.each<{ event: string; path: string; init?: RequestInit & { headers?: object } }>([
    { event: "object-missing", path: MISSING },
    { event: "no-such-route", path: "/nothing" },
    { event: "no-such-variant", path: "/images/large/key.jpg" },
    { event: "impossible-key", path: "/images/card/a//b.jpg" },
    { event: "signature-wrong", path: "/private/card/key.jpg" },
    { event: "method-not-allowed", path: "/images/card/key.jpg", init: { method: "POST" } },
    {
      event: "foreign-page",
      path: "/app/card/key.jpg",
      init: { headers: { origin: "https://evil.example" } },
    },
    { event: "source-unreadable", path: "/images/card/page.html" },
    { event: "object-missing", path: MISSING, init: { method: "HEAD" } },
  ])("$event of $path", async ({ event, path, init = {} }) => {
    put("page.html", new TextEncoder().encode("<!doctype html><title>x</title>"));
    const headers = { ...AUTHORIZED, ...init.headers };
    const seen = await ask(path, headers, { ...WITH_TOKENS, ROUTES }, init);

    expect(seen).toMatchObject({ event });
    expect(lines()).toMatchObject([{ event }]);
  });

  test("an expired URL, and a signature of another key, are told apart from a missing object", async () => {
    const expired = await signQuery({ expires: Math.floor(Date.now() / 1000) - 1 });
    const byStaging = await signQuery({ secret: "the-key-of-another-environment-000001" });
    const missing = await signQuery({ key: "nothing.jpg" });
    const events = [
      await ask(`/private/card/key.jpg${expired}`),
      await ask(`/private/card/key.jpg${byStaging}`),
      await ask(`/private/card/nothing.jpg${missing}`),
    ].map(({ status, event }) => [status, event]);

    expect(events).toEqual([
      [410, "url-expired"],
      [404, "signature-wrong"],
      [404, "object-missing"],
    ]);
  });

  test("an object that S3 denies, and a bucket whose keys S3 refuses", async () => {
    stage.s3.faults.add("no-list-bucket");
    expect(await ask(MISSING)).toMatchObject({ status: 404, event: "object-denied" });

    stage.s3.keys.clear();
    const dead = await ask("/images/card/key.jpg", AUTHORIZED, { ...WITH_TOKENS });

    expect(dead).toMatchObject({ status: 502, event: "slots-refused" });
  });

  test("the event of the object, where its route shows a fallback", async () => {
    const fallbackRoutes = VARS.ROUTES.map((route) => ({ ...route, fallback: "media/key.jpg" }));
    const env = { ...WITH_TOKENS, ROUTES: fallbackRoutes };
    const seen = await ask(MISSING, AUTHORIZED, env);

    expect(seen).toMatchObject({ status: 404, event: "object-missing" });
    expect(seen.headers.get("content-type")).toMatch(/^image\//);
    expect(seen.headers.get("cache-control")).toBe("no-store");

    const visitor = await ask(MISSING, {}, env);
    expect(visitor.event).toBe(null);
    expect(visitor.headers.get("cache-control")).toBe("public, max-age=60");
  });

  test.each([
    { title: "with the token of /purge", headers: AUTHORIZED, event: "configuration-broken" },
    {
      title: "with the token of /healthz",
      headers: { authorization: bearer(HEALTH_TOKEN) },
      event: "configuration-broken",
    },
    {
      title: "with another token",
      headers: { authorization: bearer(`${PURGE_TOKEN}x`) },
      event: null,
    },
    { title: "without a token", headers: {}, event: null },
  ])("that the configuration is broken, to a caller $title", async ({ headers, event }) => {
    const env = { ...WITH_TOKENS, PRESETS: {} };
    const seen = await ask("/images/card/key.jpg", headers, env);

    expect(seen.status).toBe(500);
    expect(seen.event).toEqual(event);
    expect(seen.text).toBe("Internal error\n");
  });

  test("nothing of a token that is a binding, which breaks the configuration", async () => {
    const env = { ...ENV, PURGE_TOKEN: { get: () => PURGE_TOKEN } };
    const seen = await ask(MISSING, { authorization: "Bearer [object Object]" }, env);

    expect(seen.status).toBe(500);
    expect(seen.event).toBe(null);
  });

  test("nothing of a picture, of the answer to /healthz, and of a preflight", async () => {
    const origin = "https://app.example";
    const answers = [
      await ask("/images/card/key.jpg"),
      await ask("/healthz", { authorization: bearer(HEALTH_TOKEN) }),
      await ask("/app/card/key.jpg", { ...AUTHORIZED, origin }, WITH_TOKENS, { method: "OPTIONS" }),
    ].map(({ status, event }) => [status, event]);

    expect(answers).toEqual([
      [200, null],
      [200, null],
      [204, null],
    ]);
  });
});

describe("Workers Cache keeps one refusal for all (W3, W9)", () => {
  /** The requests to S3. */
  const requests = () => stage.s3.requestsBy("worker").length;

  test.each(["object-missing", "object-denied"])(
    "%s that a visitor has asked for: the operator sees the event, without another request to S3",
    async (event) => {
      if (event === "object-denied") stage.s3.faults.add("no-list-bucket");
      expect(await ask(MISSING, {})).toMatchObject({ status: 404, event: null });

      wait(10);
      const before = requests();

      const seen = await ask(MISSING);
      expect(seen.status).toBe(404);
      expect(seen.event).toEqual(event);
      expect(requests()).toEqual(before);
      expect(lines().at(-1)).toMatchObject({ event, cache: "hit" });
    },
  );

  test("a refusal that the operator has asked for: a visitor gets what every visitor gets", async () => {
    const first = await ask(MISSING);
    expect(first.event).toBe("object-missing");
    expect(first.headers.get("cache-control")).toBe("no-store");

    const before = requests();

    const visitor = await ask(MISSING, {});
    expect(visitor.status).toBe(404);
    expect(visitor.event).toBe(null);
    expect(requests()).toEqual(before);
    expect(visitor.headers.get("cache-control")).toBe("public, max-age=60");
    expect((await ask(MISSING)).event).toBe("object-missing");
    expect(requests()).toBe(before);
  });

  test("no token gets to the cached entrypoint, to S3 or into the log", async () => {
    for (const token of Object.values(TOKENS)) {
      for (const authorization of [bearer(token), basic(token)]) {
        await ask(MISSING, { authorization });
        await ask("/private/card/key.jpg", { authorization });
        await ask("/images/card/key.jpg", { authorization });
      }
    }

    const runs = stage.cache.runs.map((run) => JSON.stringify(run));
    const seen = [...runs, JSON.stringify(stage.logged)].join("\n");

    for (const token of Object.values(TOKENS)) {
      expect(seen).not.toContain(token);
      expect(seen).not.toContain(btoa(`anybody:${token}`));
    }
  });
});
