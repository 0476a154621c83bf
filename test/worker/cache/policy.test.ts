// Routes with `answers` of their own: for how long Workers Cache and browsers keep their pictures. What may be of an older
// object, and what is no picture, never gets the long terms of a route.

import { describe, expect, test } from "vitest";
import { cacheStatus } from "../../../src/cli/http/ask-picture.ts";
import { cookieValue } from "../../support/cookie.ts";
import { VARS } from "../../support/env.ts";
import {
  DATA_CENTERS,
  getAndSettle,
  inSeconds,
  lines,
  MODERN,
  postPurge,
  put,
  signQuery,
  stage,
  stopDates,
  wait,
} from "../../support/run-worker.ts";
import { envWith, KEY, replace, storedNames } from "../../support/worker-with-store.ts";

const YEAR = 31_536_000;
const MINUTE = 60;
const DAY = 86_400;
const WEEK = 7 * DAY;

const EVER = { keep: YEAR, stale: YEAR, stale_if_error: YEAR, immutable: true };

const ROUTES = [
  { path: "/usual/:preset/*", object: "media/*" },
  { path: "/twin/:preset/*", object: "media/*", answers: { keep: 300, stale: WEEK } },
  { path: "/short/:preset/*", object: "media/*", answers: { keep: MINUTE, max_age: 30 } },
  { path: "/long/:preset/*", object: "media/*", answers: { keep: WEEK, max_age: DAY } },
  { path: "/none/:preset/*", object: "media/*", answers: { keep: 0 } },
  { path: "/ever/:preset/*", object: "media/*", answers: EVER },
  { path: "/half/:preset/*", object: "media/*", answers: { immutable: true, max_age: DAY } },
  { path: "/facts/:preset/*", object: "media/*", facts: true, answers: { immutable: true } },
  {
    path: "/shown/:preset/*",
    object: "media/*",
    fallback: "media/photos/fig.jpg",
    answers: { keep: YEAR, immutable: true },
  },
  { path: "/private/:preset/*", object: "media/*", signed: true, answers: { immutable: true } },
  {
    path: "/album/:preset/*",
    object: "media/*",
    signed: true,
    cookie: true,
    answers: { immutable: true },
  },
];

const NOW = Date.UTC(2026, 11, 1);
stopDates(NOW);

let env: object;
const withRoutes = (change: object = {}) => envWith({ ROUTES, ...change });
const BARE = { ANSWERS: VARS.ANSWERS };

/** Where the picture came from, and for how long browsers may keep it. */
async function visit(path: string, init: RequestInit = { headers: MODERN }, city = "here") {
  const { status, headers } = await getAndSettle(path, init, env, city);
  return [status, cacheStatus(headers), headers.get("cache-control")] as const;
}
const stateOf = async (path: string) => (await visit(path))[1];

const pathOf = (route: string, key = KEY) => `/${route}/card/${key}`;

/** What the edge was asked to make: Cloudflare bills the same source with the same options once (L2). */
const transformations = () =>
  new Set(stage.edgeRequests.map(({ request, image }) => JSON.stringify([request.url, image])));

describe("two routes with two policies to one object", () => {
  test.each([
    { title: "with a store, one request to the edge", change: {}, requests: 1, second: "stored" },
    {
      title: "without, one transformation that is billed",
      change: BARE,
      requests: 2,
      second: "miss",
    },
  ])("have an entry each: $title (W3, W8, L2)", async ({ change, requests, second }) => {
    env = withRoutes(change);
    const [short, long] = [pathOf("short"), pathOf("long")];
    expect(await visit(short)).toEqual([200, "miss", "public, max-age=30"]);
    expect(await visit(long)).toEqual([200, second, `public, max-age=${DAY}`]);

    // Fresh for as long as its own route says. The run in the background knows only the URL.
    for (let times = 0; times < 3; times++) {
      wait(MINUTE - 1);
      expect(await stateOf(short)).toBe("hit");
      expect(await stateOf(long)).toBe("hit");
      wait(2);
      expect(await stateOf(short)).toBe("stale");
      expect(await stateOf(long)).toBe("hit");
    }

    const runs = stage.cache.runs.filter((run) => run.reason === "revalidate");
    expect(runs).toHaveLength(3);

    wait(WEEK);
    expect(await stateOf(long)).toBe("stale");
    expect(await stateOf(long)).toBe("hit");

    wait(WEEK - 1);
    expect(await stateOf(long)).toBe("hit");
    expect(stage.edgeRequests).toHaveLength(requests);
    expect(transformations().size).toBe(1);
  });

  test("show the same bytes under one ETag, and one purge of the object ends both (W10)", async () => {
    env = withRoutes();
    const tags = new Set<string | null>();

    for (const route of ["short", "long", "usual", "none"]) {
      const { headers } = await getAndSettle(pathOf(route), { headers: MODERN }, env);
      tags.add(headers.get("etag"));
    }

    expect(tags.size).toBe(1);
    expect(storedNames()).toHaveLength(1);

    wait(2); // R2 takes one write a second
    replace("photos/fig.jpg");
    expect((await postPurge({ objects: [`media/${KEY}`] }, env)).status).toBe(200);

    const states = await Promise.all(
      ["short", "long", "usual"].map((route) => stateOf(pathOf(route))),
    );

    expect(states).not.toContain("hit");
  });

  test("share an entry where the two are alike, however they are written (W3)", async () => {
    env = withRoutes();
    expect(await stateOf(pathOf("usual"))).toBe("miss");
    expect(await stateOf(pathOf("twin"))).toBe("hit");
  });

  test("a policy that a deploy changes is another entry, which the store fills", async () => {
    env = withRoutes();
    await visit(pathOf("long"));
    const [first, ...others] = ROUTES.filter(({ path }) => path.startsWith("/long/"));
    env = withRoutes({ ROUTES: [{ ...first, answers: { keep: MINUTE } }, ...others] });

    expect(await stateOf(pathOf("long"))).toBe("stored");

    wait(MINUTE + 1);
    expect(await stateOf(pathOf("long"))).toBe("stale");
    expect(stage.edgeRequests).toHaveLength(1);
    expect(lines()).toEqual([]);
  });
});

describe("keep = 0", () => {
  test("of one route: the gateway renders for it, and the others have their cache", async () => {
    env = withRoutes(BARE);
    for (let times = 0; times < 2; times++) expect(await stateOf(pathOf("none"))).toBe("direct");
    expect(stage.cache.runs).toEqual([]);
    expect(await stateOf(pathOf("usual"))).toBe("miss");
    expect(await stateOf(pathOf("usual"))).toBe("hit");
    expect(lines()).toEqual([]);
  });

  test("of all others: a route with a keep has a cache", async () => {
    env = withRoutes({ ANSWERS: { ...VARS.ANSWERS, keep: 0 } });
    expect(await stateOf(pathOf("long"))).toBe("miss");
    expect(await stateOf(pathOf("long"))).toBe("hit");
    for (let times = 0; times < 2; times++) expect(await stateOf(pathOf("usual"))).toBe("direct");
    expect(stage.cache.runs).toHaveLength(1);
  });

  test("of all others: nothing is kept that the edge does not name (R4)", async () => {
    env = withRoutes({ ANSWERS: { ...VARS.ANSWERS, keep: 0 } });
    stage.edge.switches.namesOriginal = false;
    for (let times = 0; times < 2; times++) expect(await stateOf(pathOf("long"))).toBe("miss");
  });
});

const usual = "public, max-age=600";
const ever = `public, max-age=${YEAR}, immutable`;
const INIT = { headers: MODERN };

describe("immutable", () => {
  test.each([
    { title: "no max_age of its own", route: "ever", caching: ever },
    { title: "its own", route: "half", caching: `public, max-age=${DAY}, immutable` },
    { title: "facts beside the picture", route: "facts", caching: ever },
  ])(
    "a route with $title: what S3 has now is kept, by GET, HEAD and as a 304",
    async ({ route, caching }) => {
      env = withRoutes();
      const path = pathOf(route);
      expect(await visit(path)).toEqual([200, "miss", caching]);
      expect(await visit(path)).toEqual([200, "hit", caching]);
      expect(await visit(path, { ...INIT, method: "HEAD" })).toEqual([200, "hit", caching]);

      const etag = (await getAndSettle(path, INIT, env)).headers.get("etag") ?? "";
      const unchanged = { headers: { ...MODERN, "if-none-match": etag } };
      expect(await visit(path, unchanged)).toEqual([304, "hit", caching]);
      if (route === "facts") expect((await visit(`${path}?facts`))[2]).toBe(caching);
    },
  );

  test.each([
    { title: "a signed URL", change: {}, left: 3600 },
    { title: "one with a version", change: { version: "7" }, left: 3600 },
    { title: "one that is over in a second", change: { expires: NOW / 1000 + 1 }, left: 1 },
  ])("$title is kept until it expires, and no longer", async ({ change, left }) => {
    env = withRoutes();
    const query = await signQuery(change);
    const caching = `public, max-age=${left}, must-revalidate, immutable`;
    for (const state of ["miss", "hit"]) {
      expect(await visit(pathOf("private") + query)).toEqual([200, state, caching]);
    }
  });

  test("what a cookie opens is kept in this browser alone, until the cookie expires", async () => {
    env = withRoutes();
    const cookie = `vitrine=${cookieValue({ expires: inSeconds(3600) })}`;
    const [, , caching] = await visit(pathOf("album", "photos/fig.jpg"), {
      headers: { ...MODERN, cookie },
    });
    expect(caching).toBe("private, max-age=3600, must-revalidate, immutable");
  });

  test("never in an outage: out of the store, for a minute, and then out of Workers Cache (W8)", async () => {
    env = withRoutes();
    await visit(pathOf("usual"));
    wait(20);
    stage.s3.faults.add("InternalError");

    const short = "public, max-age=60";
    expect(await visit(pathOf("ever"))).toEqual([200, "stored", short]);

    wait(MINUTE - 1);
    expect(await visit(pathOf("ever"))).toEqual([200, "hit", short]);

    wait(2);
    expect(await visit(pathOf("ever"))).toEqual([200, "stale", short]);

    // Past the `stale` of [vars.ANSWERS], S3 is asked first.
    wait(WEEK + MINUTE + 1);
    expect(await visit(pathOf("ever"))).toEqual([200, "stored", short]);

    stage.s3.faults.clear();
    wait(MINUTE + 1);
    await visit(pathOf("ever"));

    expect(await visit(pathOf("ever"))).toEqual([200, "hit", ever]);
  });

  test("never what Workers Cache shows while S3 is asked, or fails (W8)", async () => {
    env = withRoutes({ ...BARE, ROUTES: [WEEKLY] });
    expect(await visit(pathOf("weekly"))).toEqual([200, "miss", ever]);

    wait(WEEK + 1);
    stage.s3.faults.add("InternalError");

    for (const city of DATA_CENTERS.slice(0, 2)) {
      expect(await visit(pathOf("weekly"), INIT, city)).toEqual([200, "stale", usual]);
      const head = { ...INIT, method: "HEAD" };
      expect(await visit(pathOf("weekly"), head, city)).toEqual([200, "stale", usual]);
    }

    // Past `stale`, within `stale_if_error`.
    wait(DAY);
    expect(await visit(pathOf("weekly"))).toEqual([200, "stale", usual]);

    stage.s3.faults.clear();
    expect((await visit(pathOf("weekly")))[2]).toBe(ever);
  });

  const WEEKLY = {
    path: "/weekly/:preset/*",
    object: "media/*",
    answers: { keep: WEEK, stale: 60, stale_if_error: WEEK, immutable: true },
  };

  test("never a picture whose object the edge does not name (R4)", async () => {
    env = withRoutes(BARE);
    stage.edge.switches.namesOriginal = false;
    expect(await visit(pathOf("ever"))).toEqual([200, "miss", usual]);

    wait(299);
    expect(await visit(pathOf("ever"))).toEqual([200, "hit", usual]);

    wait(2);
    expect(await visit(pathOf("ever"))).toEqual([200, "stale", usual]);
  });

  const minute = "public, max-age=60";
  const seconds = "public, max-age=10";
  const none = "no-store";

  /** The edge does this with the object, and makes the fallback. */
  const failOnce = (answer: () => Response) => () => {
    const { fetch } = stage.edge;
    stage.edge.fetch = (url, init) => {
      const isOfFallback = `${url}`.includes("fig.jpg");
      return isOfFallback ? fetch(url, init) : Promise.resolve(answer());
    };
  };

  const smaller = {
    "cf-resized": "internal=ok",
    "content-type": "image/jpeg",
    warning: 'cf-images 299 "original is smaller"',
  };

  test.each<[string, number, string, string, string, string, () => void]>([
    ["missing", 404, "object-missing", "nothing.jpg", minute, minute, () => {}],
    ["no image", 415, "source-unreadable", "page.jpg", minute, minute, putPage],
    [
      ...(["out of the edge's reach", 502, "origin-failed", KEY, none, seconds] as const),
      failOnce(() => new Response("ERROR 9509", { status: 502 })),
    ],
    [
      ...(["smaller than its rendition", 502, "original-is-smaller", KEY, none, seconds] as const),
      failOnce(() => new Response("x", { headers: smaller })),
    ],
  ])(
    "never an object that is %s (%d, %s), nor the fallback in its place",
    async (_what, status, event, key, plain, withFallback, begin) => {
      env = withRoutes(BARE);
      begin();

      for (let times = 0; times < 2; times++) {
        const refused = await visit(pathOf("ever", key));
        expect(refused[0]).toEqual(status);
        expect(refused[2]).toEqual(plain);
        expect(lines().at(-1)).toMatchObject({ event });
        const replaced = await visit(pathOf("shown", key));
        expect(replaced[0]).toEqual(status);
        expect(replaced[2]).toEqual(withFallback);
        expect(lines().at(-1)).toMatchObject({ event, fallback: "shown" });
      }
    },
  );

  test("a deleted object is 404 for a minute, once it is purged", async () => {
    env = withRoutes(BARE);
    await visit(pathOf("ever"));
    stage.s3.objects.delete(`published/${KEY}`);
    expect((await postPurge({ objects: [`media/${KEY}`] }, env)).status).toBe(200);
    const gone = await visit(pathOf("ever"));
    expect(gone[0]).toBe(404);
    expect(gone[2]).toEqual(minute);
  });

  test("a fallback is kept as [vars.ANSWERS] says: its key does not promise what the route's do", async () => {
    env = withRoutes(BARE);
    await visit(pathOf("shown", "nothing.jpg"));
    expect(await stateOf(pathOf("usual", "photos/fig.jpg"))).toBe("hit");
    expect(await stateOf(pathOf("shown", "photos/fig.jpg"))).toBe("miss");

    wait(301);
    await visit(pathOf("shown", "nothing.jpg"));
    expect(stage.cache.runs.at(-1)).toMatchObject({ reason: "revalidate" });
  });
});

function putPage(): void {
  put("page.jpg", Buffer.from("<html>a page</html>"));
}

test("a stale picture of the upper tier is not immutable, whatever the lower tier calls it (W5, W11)", async () => {
  const answers = { keep: WEEK, stale: WEEK, immutable: true };
  env = envWith({ ...BARE, ROUTES: [{ path: "/weekly/:preset/*", object: "media/*", answers }] });
  replace("made/key.jpg");
  await visit(`/weekly/card/${KEY}`);
  wait(WEEK + 10);

  // W11 says nothing of what a lower tier reports then.
  stage.exported = (loopback) => ({
    purge: (options) => loopback.purge(options),
    fetch: async (...args) => {
      const answer = await loopback.fetch(...args);
      const copy = new Response(answer.body, answer);
      copy.headers.set("cf-cache-status", "MISS");
      return copy;
    },
  });

  const [, state, caching] = await visit(`/weekly/card/${KEY}`, { headers: MODERN }, "elsewhere");
  expect(state).toBe("stale");
  expect(caching).toBe("public, max-age=600");
});
