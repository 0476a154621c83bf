// The facts of a picture, as a visitor gets them from the whole Worker.

import { beforeEach, describe, expect, test } from "vitest";
import { cacheStatus } from "../../src/cli/http/ask-picture.ts";
import { ENV, NEXT } from "../support/env.ts";
import { get, lines, MODERN, signQuery, stage, stopDate, wait } from "../support/run-worker.ts";

const PRIVATE = "/private/:preset/*";
const SIGNED = { signed: true, max_age: 86_400 };
const ROUTES = [
  { path: "/facts/:preset/*", object: "media/*", facts: true, fallback: "media/transparent.png" },
  { path: "/none/:preset/*", object: "media/*" },
  { path: "/icons/:preset/*", object: "media/*", facts: true, svg: true },
  { path: "/app/:preset/*", object: "media/*", facts: true, origins: ["https://app.example"] },
  { path: PRIVATE, object: "media/*", facts: true, ...SIGNED, fallback: "media/key.jpg" },
  { path: "/secret/:preset/*", object: "media/*", ...SIGNED },
];

let env: object;
beforeEach(() => {
  stopDate(Date.UTC(2026, 10, 26));
  env = { ...ENV, ROUTES };
});

const FIG = "/facts/hero@640w/photos/fig.jpg";
const FACTS =
  '{"width":532,"height":360,"original":{"width":2572,"height":1740,"type":"image/jpeg"}}';

/** The answer; `cache` is where the facts came from. */
async function getFacts(path: string, init: RequestInit = {}, variables: object = env) {
  const answer = await get(path, init, variables);
  const { "server-timing": timing, ...headers } = Object.fromEntries(answer.headers);
  const cache = /desc=(\w+)/.exec(timing ?? "")?.[1];

  return { status: answer.status, headers, cache, body: await answer.text() };
}

const typeOf = ({ headers }: { headers: Record<string, string> }) => headers["content-type"];

/** The query that signs an object of the private route. */
const sign = (change: Parameters<typeof signQuery>[0] = {}) =>
  signQuery({ preset: "hero", key: "photos/fig.jpg", ...change });

test("an edge that describes nothing as JSON is a 502, and the log says what came", async () => {
  const html = { "cf-resized": "internal=ok/m", "content-type": "text/html" };
  stage.edge.fetch = async () => new Response("<html>", { headers: html });

  expect((await getFacts(`${FIG}?facts`)).status).toBe(502);

  const line = { event: "wrong-type", status: 200, type: "text/html", answered: 502 };
  expect(lines()).toMatchObject([line]);
});

describe("on a route with facts", () => {
  test("?facts is the size of the picture, and the size and type of its original", async () => {
    expect(await getFacts(`${FIG}?facts`, { headers: MODERN })).toEqual({
      status: 200,
      body: FACTS,
      cache: "miss",
      headers: {
        "content-type": "application/json",
        "content-length": `${FACTS.length}`,
        "cache-control": "public, max-age=600",
        "content-security-policy": "default-src 'none'; sandbox",
        "cross-origin-resource-policy": "cross-origin",
        "x-content-type-options": "nosniff",
        etag: expect.stringMatching(/^W\/"[0-9a-f]{32}"$/),
      },
    });

    expect(stage.edgeRequests.map(({ image }) => [image.format, image.width])).toEqual([
      ["json", 640],
    ]);
    expect(lines()).toEqual([]);
  });

  test("HEAD has GET's headers and no body; 304 answers an If-None-Match (R4, R10)", async () => {
    const { headers } = await getFacts(`${FIG}?facts`);
    const head = await getFacts(`${FIG}?facts`, { method: "HEAD" });

    expect(head).toEqual({ status: 200, headers, body: "", cache: "hit" });

    const { etag = "" } = headers;
    const same = await getFacts(`${FIG}?facts`, { headers: { "if-none-match": etag } });

    expect(same.status).toBe(304);
    expect(same.body).toBe("");
    expect(same.headers["etag"]).toEqual(etag);

    const picture = await get(FIG, {}, env);
    expect(picture.headers.get("etag")).not.toBe(etag);
    expect((await getFacts(`${FIG}?facts`, { method: "POST" })).status).toBe(405);
  });
});

test("on a route without facts, ?facts is the picture, and &facts spoils a signature", async () => {
  const path = "/none/card/photos/fig.jpg";
  expect(typeOf(await getFacts(`${path}?facts`, { headers: MODERN }))).toBe("image/avif");

  const query = await sign({ route: "/secret/:preset/*" });
  const url = `/secret/hero/photos/fig.jpg${query}`;

  expect((await getFacts(url)).status).toBe(200);

  stage.edgeRequests = [];
  expect(await getFacts(`${url}&facts`)).toMatchObject({ status: 404, body: "Not found\n" });
  expect(stage.edgeRequests).toEqual([]);
});

describe("on a signed route", () => {
  const PATH = "/private/hero/photos/fig.jpg";

  test("the query that signs the picture opens its facts, until it expires", async () => {
    const query = `${await sign()}&facts`;
    const answer = await getFacts(PATH + query);

    expect(answer.status).toBe(200);
    expect(typeOf(answer)).toBe("application/json");
    expect(answer.headers["cache-control"]).toBe("public, max-age=600, must-revalidate");

    wait(3500);
    const later = await getFacts(PATH + query);

    expect(later.headers["cache-control"]).toBe("public, max-age=100, must-revalidate");

    wait(100);
    expect(await getFacts(PATH + query)).toMatchObject({ status: 410, body: "Expired\n" });
    expect(JSON.stringify(lines())).not.toContain(query.slice(-20, -6));
  });

  test.each<[string, (query: string) => string]>([
    ["no signature", () => `${PATH}?facts`],
    ["nothing before it", () => `${PATH}?&facts`],
    ["another preset", (query) => `/private/card/photos/fig.jpg${query}&facts`],
    ["another object", (query) => `/private/hero/photos/friends.jpg${query}&facts`],
    ["it twice", (query) => `${PATH}${query}&facts&facts`],
    ["a value", (query) => `${PATH}${query}&facts=1`],
    ["it in front", (query) => `${PATH}?facts&${query.slice(1)}`],
    ["it within", (query) => `${PATH}${query.replace("&sig", "&facts&sig")}`],
    ["something behind it", (query) => `${PATH}${query}&facts&x=1`],
    ["a spoilt signature", (query) => `${PATH}${query.slice(0, -2)}0&facts`],
  ])("with %s it is a 404, and costs nothing", async (_what, write) => {
    const answer = await getFacts(write(await sign()));
    expect(answer).toMatchObject({ status: 404, body: "Not found\n" });
    expect(stage.edgeRequests).toEqual([]);
    expect(lines()).toMatchObject([{ event: "signature-wrong", route: PRIVATE }]);
  });
});

test("on a route with origins, other pages get no facts", async () => {
  const headers = { origin: "https://evil.example", "sec-fetch-site": "cross-site" };
  expect((await getFacts("/app/card/key.jpg?facts", { headers })).status).toBe(403);
  expect(stage.edgeRequests).toEqual([]);
});

describe("what has no facts is refused as its picture is, without a fallback:", () => {
  const set = (switches: object) => () => void Object.assign(stage.edge.switches, switches);

  test.each<{ key: string; status: number; event: string; begin: () => void }>([
    { key: "nothing.jpg", status: 404, event: "object-missing", begin: () => {} },
    { key: "broken/page.jpg", status: 415, event: "source-unreadable", begin: () => {} },
    {
      key: "key.jpg",
      status: 502,
      event: "origin-failed",
      begin: () => stage.s3.faults.add("SlowDown"),
    },
    { key: "key.jpg", status: 502, event: "slots-refused", begin: () => stage.s3.keys.clear() },
    { key: "key.jpg", status: 503, event: "quota-spent", begin: set({ quota: 0 }) },
    {
      key: "key.jpg",
      status: 502,
      event: "edge-failed",
      begin: set({ failure: { code: 9523, status: 500 } }),
    },
  ])("$key is $status, $event (R3)", async ({ key, status, event, begin }) => {
    begin();
    for (const route of ["facts", "icons"]) {
      stage.logged = [];
      const answer = await getFacts(`/${route}/card/${key}?facts`, {}, { ...env });

      expect(answer.status).toEqual(status);
      expect(typeOf(answer)).toBe("text/plain; charset=utf-8");

      const [line] = lines();
      expect(line).toMatchObject({ event, answered: status, preset: "card" });
      expect(line).not.toHaveProperty("fallback");
    }

    for (const { request, image } of stage.edgeRequests) {
      expect(image.format).toBe("json");
      expect(request.url).toEqual(expect.not.stringContaining("transparent"));
    }
  });
});

describe("facts are cached for all visitors as pictures are (W3, W7, W8):", () => {
  const URL = `${FIG}?facts`;
  const cacheStateOf = async (init: RequestInit = {}, variables = env, dataCenter = "here") => {
    const { headers } = await get(URL, init, variables, dataCenter);
    await stage.cache.settled();

    return cacheStatus(headers);
  };

  test("one request to the edge, whatever formats the browser accepts, in all places, over deploys", async () => {
    const head = { headers: { accept: "image/webp" }, method: "HEAD" };
    expect(await cacheStateOf()).toBe("miss");
    expect(await cacheStateOf({ headers: MODERN })).toBe("hit");
    expect(await cacheStateOf(head, { ...env, ...NEXT })).toBe("hit");
    expect(await cacheStateOf({}, env, "elsewhere")).toBe("hit");
    expect(stage.s3.requestsBy("worker").length).toBe(2);
    expect(stage.edgeRequests.length).toBe(1);
  });

  test("other fields in the cache do not get out (W4)", async () => {
    const facts = { secret: "x", ...JSON.parse(FACTS) };
    facts.original.file_size = 9;
    stage.exported = (loopback) => ({ ...loopback, fetch: async () => Response.json(facts) });

    const { body, headers } = await getFacts(URL);
    expect(body).toEqual(FACTS);
    expect(headers["content-length"]).toBe(`${FACTS.length}`);
  });
});
