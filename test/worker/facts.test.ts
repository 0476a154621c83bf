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

/** Everything but where it came from. */
async function told(path: string, init: RequestInit = {}, from: object = env) {
  const answer = await get(path, init, from);
  const { "server-timing": timing, ...headers } = Object.fromEntries(answer.headers);
  const cache = /desc=(\w+)/.exec(timing ?? "")?.[1];
  return { status: answer.status, headers, cache, body: await answer.text() };
}

const typeOf = ({ headers }: { headers: Record<string, string> }) => headers["content-type"];

/** The query that signs an object of the private route. */
const sign = (change: Parameters<typeof signQuery>[0] = {}) =>
  signQuery({ preset: "hero", key: "photos/fig.jpg", ...change });

describe("on a route with facts", () => {
  test("?facts is the size of the picture, and the size and type of its original", async () => {
    expect(await told(`${FIG}?facts`, { headers: MODERN })).toEqual({
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
        etag: expect.stringMatching(/^"[0-9a-f]{32}"$/),
      },
    });
    expect(stage.edgeRequests.map(({ image }) => [image.format, image.width])).toEqual([
      ["json", 640],
    ]);
    expect(lines()).toEqual([]);
  });

  test("HEAD has GET's headers and no body; 304 answers an If-None-Match (R4, R10)", async () => {
    const { headers } = await told(`${FIG}?facts`);
    const head = await told(`${FIG}?facts`, { method: "HEAD" });
    expect(head).toEqual({ status: 200, headers, body: "", cache: "hit" });
    const { etag = "" } = headers;
    const same = await told(`${FIG}?facts`, { headers: { "if-none-match": etag } });
    expect([same.status, same.body, same.headers["etag"]]).toEqual([304, "", etag]);
    const picture = await get(FIG, {}, env);
    expect(picture.headers.get("etag")).not.toBe(etag);
    expect((await told(`${FIG}?facts`, { method: "POST" })).status).toBe(405);
  });

  test.each([
    ["animated.gif", "/facts/card/", "image/gif"],
    ["animated.gif", "/facts/moving/", "image/gif"],
    ["transparent.png", "/facts/hero/", "image/png"],
  ])("%s of %s is told", async (key, route, type) => {
    const { status, body } = await told(`${route}${key}?facts`);
    expect([status, JSON.parse(body)]).toMatchObject([200, { original: { type } }]);
    expect(JSON.parse(body).original).toHaveProperty("width");
  });
});

test("on a route without facts, ?facts is the picture, and &facts spoils a signature", async () => {
  const path = "/none/card/photos/fig.jpg";
  expect(typeOf(await told(`${path}?facts`, { headers: MODERN }))).toBe("image/avif");
  const query = await sign({ route: "/secret/:preset/*" });
  const url = `/secret/hero/photos/fig.jpg${query}`;
  expect((await told(url)).status).toBe(200);
  stage.edgeRequests = [];
  expect(await told(`${url}&facts`)).toMatchObject({ status: 404, body: "Not found\n" });
  expect(stage.edgeRequests).toEqual([]);
});

describe("on a signed route", () => {
  const PATH = "/private/hero/photos/fig.jpg";

  test("the query that signs the picture opens its facts, until it expires", async () => {
    const query = `${await sign()}&facts`;
    const shown = await told(PATH + query);
    expect([shown.status, typeOf(shown)]).toEqual([200, "application/json"]);
    expect(shown.headers["cache-control"]).toBe("public, max-age=600, must-revalidate");
    wait(3500);
    const later = await told(PATH + query);
    expect(later.headers["cache-control"]).toBe("public, max-age=100, must-revalidate");
    wait(100);
    expect(await told(PATH + query)).toMatchObject({ status: 410, body: "Expired\n" });
    expect(JSON.stringify(lines())).not.toContain(query.slice(-20, -6));
  });

  test("all of its variants, and its version", async () => {
    const query = `${await sign({ version: "7" })}&facts`;
    const shown = await told(`/private/hero@640w/photos/fig.jpg${query}`);
    expect(shown).toMatchObject({ status: 200, body: FACTS });
    expect(shown.headers["cache-control"]).toBe("public, max-age=3600, must-revalidate, immutable");
    expect(stage.edgeRequests[0]?.request.url).not.toContain("v=7");
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
    const answer = await told(write(await sign()));
    expect(answer).toMatchObject({ status: 404, body: "Not found\n" });
    expect(stage.edgeRequests).toEqual([]);
    expect(lines()).toMatchObject([{ event: "signature-wrong", route: PRIVATE }]);
  });

  test("a signature that was right for facts is right for the picture, and not for others", async () => {
    const query = await sign();
    expect((await told(`${PATH}${query}&facts`)).status).toBe(200);
    expect(typeOf(await told(PATH + query, { headers: MODERN }))).toBe("image/webp");
    expect((await told(`/private/card/photos/fig.jpg${query}&facts`)).status).toBe(404);
  });
});

describe("on a route with origins", () => {
  const path = "/app/card/key.jpg?facts";
  const from = (origin: string) => ({ headers: { origin, "sec-fetch-site": "cross-site" } });

  test("its pages may read the facts", async () => {
    const { status, headers } = await told(path, from("https://app.example"));
    expect([status, headers["access-control-allow-origin"], headers["vary"]]).toEqual([
      ...[200, "https://app.example", "origin"],
    ]);
    const preflight = await get(path, { method: "OPTIONS", ...from("https://app.example") }, env);
    expect(preflight.status).toBe(204);
  });

  test("other pages get nothing", async () => {
    expect((await told(path, from("https://evil.example"))).status).toBe(403);
    expect(stage.edgeRequests).toEqual([]);
  });
});

describe("what has no facts is refused as its picture is, without a fallback:", () => {
  const set = (switches: object) => () => void Object.assign(stage.edge.switches, switches);

  test.each<[string, number, string, () => void]>([
    ["nothing.jpg", 404, "object-missing", () => {}],
    ["broken/page.jpg", 415, "source-unreadable", () => {}],
    ["broken/script.svg", 415, "source-unreadable", () => {}],
    ["key.jpg", 502, "origin-failed", () => stage.s3.faults.add("SlowDown")],
    ["key.jpg", 502, "slots-refused", () => stage.s3.keys.clear()],
    ["key.jpg", 502, "not-transformed", set({ transformations: false })],
    ["key.jpg", 503, "quota-spent", set({ quota: 0 })],
    ["key.jpg", 502, "edge-failed", set({ trouble: { code: 9523, status: 500 } })],
  ])("%s is %i, %s (R3)", async (key, status, event, begin) => {
    begin();
    for (const route of ["facts", "icons"]) {
      stage.logged = [];
      const answer = await told(`/${route}/card/${key}?facts`, {}, { ...env });
      expect([answer.status, typeOf(answer)]).toEqual([status, "text/plain; charset=utf-8"]);
      const [line] = lines();
      expect(line).toMatchObject({ event, answered: status, preset: "card" });
      expect(line).not.toHaveProperty("fallback");
    }
    expect(stage.edgeRequests.map(({ image }) => image.format)).toEqual(
      stage.edgeRequests.map(() => "json"),
    );
    expect(stage.edgeRequests.every(({ request }) => !request.url.includes("transparent"))).toBe(
      true,
    );
  });

  test("a picture that cannot be shown still has its fallback", async () => {
    const answer = await told("/facts/card/nothing.jpg", { headers: MODERN });
    expect([answer.status, typeOf(answer)]).toEqual([404, "image/avif"]);
  });

  test("a missing object on a signed route", async () => {
    const query = await sign({ key: "nothing.jpg" });
    const answer = await told(`/private/hero/nothing.jpg${query}&facts`);
    expect([answer.status, answer.body]).toEqual([404, "Not found\n"]);
    expect(stage.edgeRequests.every(({ request }) => !request.url.includes("key.jpg"))).toBe(true);
  });
});

describe("facts are kept for all visitors as pictures are (W3, W7, W8):", () => {
  const URL = `${FIG}?facts`;
  const seen = async (init: RequestInit = {}, from = env, place = "here") => {
    const { status, headers } = await get(URL, init, from, place);
    await stage.cache.settled();
    return [status, cacheStatus(headers)];
  };

  test("one call of the edge, whatever the browser reads, wherever it is, over deploys", async () => {
    const head = { headers: { accept: "image/webp" }, method: "HEAD" };
    expect((await seen())[1]).toBe("miss");
    expect((await seen({ headers: MODERN }))[1]).toBe("hit");
    expect((await seen(head, { ...env, ...NEXT }))[1]).toBe("hit");
    expect((await seen({}, env, "elsewhere"))[1]).toBe("hit");
    expect([stage.s3.requestsBy("worker").length, stage.edgeRequests.length]).toEqual([2, 1]);
  });

  test.each<[string, Response]>([
    ["an image", new Response("GIF89a", { headers: { "content-type": "image/gif" } })],
    ["JSON of another kind", Response.json({ secret: "published/a.jpg" })],
    ["a side that cannot be", Response.json({ width: 0, height: 1, original: {} })],
    ["a text", new Response(FACTS, { headers: { "content-type": "text/html" } })],
    ["nothing", new Response("", { headers: { "content-type": "application/json" } })],
  ])("%s in the cache is not shown, but made anew (W4)", async (_what, kept) => {
    stage.exported = (own) => ({ ...own, fetch: async () => kept });
    expect(await told(URL)).toMatchObject({ status: 200, body: FACTS, cache: "direct" });
  });

  test("facts in the place of a picture are not shown (W4)", async () => {
    const kept = () => new Response(FACTS, { headers: { "content-type": "application/json" } });
    stage.exported = (own) => ({ ...own, fetch: async () => kept() });
    const answer = await told(FIG, { headers: MODERN });
    expect([answer.status, typeOf(answer), answer.cache]).toEqual([200, "image/avif", "direct"]);
  });

  test("what else is kept with them does not get out (W4)", async () => {
    const facts = { secret: "x", ...JSON.parse(FACTS) };
    facts.original.file_size = 9;
    stage.exported = (own) => ({ ...own, fetch: async () => Response.json(facts) });
    const { body, headers } = await told(URL);
    expect([body, headers["content-length"]]).toEqual([FACTS, `${FACTS.length}`]);
  });
});
