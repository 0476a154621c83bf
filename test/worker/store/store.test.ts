// The store of renditions, through the whole Worker: a stored rendition is shown as long as S3 has its object unchanged,
// and while S3 is down.

import { beforeEach, describe, expect, test, vi } from "vitest";
import { cacheStatus } from "../../../src/cli/http/ask-picture.ts";
import type { R2, R2Fault } from "../../../src/emulator/r2/r2.ts";
import type { S3Fault } from "../../../src/emulator/s3/s3.ts";
import { stopTimers } from "../../support/clock.ts";
import { envOf } from "../../support/engines.ts";
import { BUCKET_URL, VARS } from "../../support/env.ts";
import {
  DATA_CENTERS,
  failures,
  forgetCached,
  get,
  lines,
  MODERN,
  postPurge,
  settle,
  stage,
  wait,
} from "../../support/run-worker.ts";
import {
  ANSWERS,
  deny,
  envWith,
  getAsBrowser,
  KEY,
  PATH,
  remove,
  replace,
  store,
  storedEntry,
} from "../../support/worker-with-store.ts";

const WEEK = 604_800; // s

let env: object;
beforeEach(() => {
  env = envWith();
});

const requestPicture = (path = PATH, dataCenter = "here", variables = env) =>
  getAsBrowser(variables, path, dataCenter);

/** Where a picture came from, or the status if there is none. */
async function sourceOf(...request: Parameters<typeof requestPicture>): Promise<unknown> {
  const answer = await requestPicture(...request);
  return answer.status === 200 ? cacheStatus(answer.headers) : answer.status;
}

/** A week later, Workers Cache has forgotten everything. */
function forget(): void {
  wait(WEEK);
  forgetCached();
}

describe("a year of weekly visits from 30 places, one after the other,", () => {
  async function countInYear(change: (week: number) => void): Promise<number> {
    for (let week = 0; week < 52; week++) {
      change(week);
      expect((await requestPicture(PATH, DATA_CENTERS[week % 30])).status).toBe(200);
      wait(WEEK);
    }
    return stage.edgeRequests.length;
  }

  test("needs one transformation and one whole original (L2, T1)", async () => {
    expect(await countInYear(() => {})).toBe(1);
    expect(stage.edge.originFetches).toHaveLength(1);
  });

  test("needs one more for each time that the object is replaced", async () => {
    const names = ["made/rotated-gps.jpg", "made/key.jpg"];
    const transformations = await countInYear((week) => {
      if (week % 5 === 4) replace(names[((week - 4) / 5) % 2] ?? "");
    });
    expect(transformations).toBe(11);
  });
});

test("where the cache has forgotten a picture, it comes from the store, unchanged", async () => {
  const rendered = await requestPicture();
  expect(cacheStatus(rendered.headers)).toBe("miss");
  expect(await sourceOf()).toBe("hit");

  forget();
  const stored = await requestPicture();
  expect(cacheStatus(stored.headers)).toBe("stored");
  expect(await sourceOf()).toBe("hit");
  expect(await stored.bytes()).toEqual(await rendered.bytes());
  for (const name of ["content-type", "content-length", "etag", "cache-control"]) {
    expect(stored.headers.get(name), name).toEqual(rendered.headers.get(name));
  }
});

test("what the edge does not name is shown and cached, but not stored (R4)", async () => {
  stage.edge.switches.namesOriginal = false;
  expect(await sourceOf()).toBe("miss");
  expect(await sourceOf()).toBe("hit");
  expect(store.objects.size).toBe(0);

  const { fetch } = stage.edge;
  stage.edge.switches.namesOriginal = true;
  stage.edge.fetch = async (...request) => {
    const answer = await fetch(...request);
    answer.headers.delete("etag"); // the date is left
    return answer;
  };

  forget();
  expect(await sourceOf()).toBe("miss");
  expect(store.objects.size).toBe(1);
});

/** Has the edge send these bytes in place of each rendition. */
function replaceBody(body: BodyInit, length: string | null) {
  const { fetch } = stage.edge;
  stage.edge.fetch = async (...request) => {
    const answer = await fetch(...request);
    answer.headers.delete("content-length");
    if (length) answer.headers.set("content-length", length);
    return new Response(body, answer);
  };
}

test.each(["8388736", null])(
  "a picture of over 8 MiB, with the length %s, is not stored, and S3 is checked once more",
  async (length) => {
    replaceBody(Buffer.alloc(8_388_736), length);
    expect(await (await requestPicture()).bytes()).toHaveLength(8_388_736);
    expect(store.objects.size).toBe(0);
    expect(stage.s3.requestsBy("worker").length).toBe(2);
  },
);

test.each(["0", null])(
  "a picture without bytes, with the length %s, is neither shown nor stored",
  async (length) => {
    replaceBody(new Uint8Array(), length);
    expect(await sourceOf()).toBe(502);
    expect(store.objects.size).toBe(0);
  },
);

test("another version of the same signed URL, another route and another deploy share it (S7)", async () => {
  await requestPicture();
  forget();
  const more = { ROUTES: [{ path: "/other/:preset/*", object: "media/*" }] };
  expect(await sourceOf(`/other/card/${KEY}`, "here", envWith(more))).toBe("stored");
});

const ROUTE = { path: "/images/:preset/*", object: "media/*" };
const OVERLAY = { width: 100, draw: [{ url: `${BUCKET_URL}published/key.jpg` }] };

const NOT_STORED: readonly (readonly [what: string, path: string, change: object])[] = [
  ["facts", `${PATH}?facts`, { ROUTES: [{ ...ROUTE, facts: true }] }],
  ["an SVG", "/icons/card/logo.svg", {}],
  ["a route with store = false", PATH, { ROUTES: [{ ...ROUTE, store: false }] }],
  ["a preset with an overlay by URL", PATH, { PRESETS: { card: OVERLAY } }],
  ["a missing object", "/images/card/nothing.jpg", {}],
  ["what is no image", "/images/card/broken/page.jpg", {}],
];

test.each(NOT_STORED)("%s is not stored", async (_what, path, change) => {
  await requestPicture(path, "here", envWith(change));
  expect(store.objects.size).toBe(0);
  expect(store.calls.filter(({ method }) => method === "put")).toEqual([]);
});

test("a preset with an overlay by its key is stored", async () => {
  const card = { width: 100, draw: [{ key: KEY }] };
  env = envOf("binding", { PRESETS: { card }, ANSWERS, RENDITIONS: store });
  expect((await requestPicture()).status).toBe(200);
  expect(store.objects.size).toBe(1);
});

/** Shows the picture with the object `mark.png` drawn on it. */
async function showWithOverlay(): Promise<void> {
  const card = { width: 100, draw: [{ key: "mark.png" }] };
  env = envOf("binding", { PRESETS: { card }, ANSWERS, RENDITIONS: store });
  replace("made/transparent.png", "mark.png");
  await requestPicture();
}

test("a picture that is made with a replaced overlay is made once, within its minute, too", async () => {
  await showWithOverlay(); // S3's ETag of the overlay is remembered
  wait(2); // between two writes (T3)
  replace("made/key.jpg", "mark.png");

  const countPuts = () => store.calls.filter(({ method }) => method === "put").length;

  replace("made/rotated-gps.jpg");
  for (let times = 0; times < 3; times++) {
    forgetCached();
    expect((await requestPicture()).status).toBe(200);
    wait(2);
  }

  expect(countPuts()).toBe(2);
});

test("for a minute, S3 is asked once for the overlay of a stored picture", async () => {
  await showWithOverlay();
  const requestsForOverlay = async () => {
    forgetCached();
    const before = stage.s3.requests.length;
    expect(await sourceOf()).toBe("stored");
    return stage.s3.requests.slice(before).filter(({ url }) => url.includes("mark.png")).length;
  };

  wait(61);
  expect(await requestsForOverlay()).toBe(1);
  expect(await requestsForOverlay()).toBe(0);
});

describe("while S3 is down,", () => {
  const OUTAGES: readonly (readonly [S3Fault, rule: string])[] = [
    ["SlowDown", "A9"],
    ["ServiceUnavailable", "A9"],
    ["InternalError", "A9"],
    ["reset", "A9"],
    ["clock-skew", "A7"],
    ["revoked-key", "A7"],
    ["other-secret", "A7"],
    ["elsewhere-400", "A5"],
    ["elsewhere-301", "A5"],
    ["elsewhere-307", "A5"],
  ];

  test.each(OUTAGES)("%s: every stored rendition is shown, for a minute (%s)", async (fault) => {
    const rendered = await requestPicture();
    forget();
    stage.s3.faults.add(fault);

    const stored = await requestPicture();
    expect(stored.status).toBe(200);
    expect(cacheStatus(stored.headers)).toBe("stored");
    expect(await stored.bytes()).toEqual(await rendered.bytes());
    expect(stored.headers.get("cache-control")).toBe("public, max-age=60");
    expect(failures()).toHaveLength(1);
    expect(stage.pauses).not.toContain(300); // no second try

    stage.s3.faults.clear();
    wait(61);
    expect(await sourceOf()).toBe("stale"); // nobody waits for S3
    expect((await requestPicture()).headers.get("cache-control")).toBe("public, max-age=600");
    expect(stage.edgeRequests).toHaveLength(1);
  });

  test("a silent S3 is waited for two seconds for two objects, then by one visitor in five seconds", async () => {
    const other = "/images/card/photos/fig.jpg";
    for (const path of [PATH, other]) await requestPicture(path);

    forget();
    stage.s3.faults.add("stall");
    const finish = stopTimers();

    const visitAfter = async (seconds: number, path = PATH) => {
      wait(seconds);
      forgetCached();
      const before = stage.s3.requests.length;
      const { value, took } = await finish(get(path, { headers: MODERN }, env));
      return [value.status, took, stage.s3.requests.length - before];
    };

    expect(await visitAfter(0)).toEqual([200, 2_000, 1]);
    expect(await visitAfter(1)).toEqual([200, 2_000, 1]); // it may be this object alone
    expect(await visitAfter(1, other)).toEqual([200, 2_000, 1]);
    expect(await visitAfter(1)).toEqual([200, 0, 0]);
    expect(await visitAfter(4)).toEqual([200, 2_000, 1]);

    stage.s3.faults.clear();
    expect(await visitAfter(1)).toEqual([200, 0, 0]);
    expect(await visitAfter(5)).toEqual([200, 0, 1]);
    expect(await visitAfter(1)).toEqual([200, 0, 1]);

    await vi.advanceTimersByTimeAsync(10_000); // the requests to a silent S3 end
  });
});

describe("the reply of S3 comes first:", () => {
  const REPLIES: readonly (readonly [what: string, change: () => void, status: number])[] = [
    ["the object is missing", remove, 404],
    ["it is denied", deny, 404],
    ["it is in an archive", () => void stage.s3.faults.add("archived"), 404],
    ["it is no image any more", () => replace("broken/page.jpg"), 415],
  ];

  test.each(REPLIES)("%s (A6, A18)", async (_what, change, status) => {
    await requestPicture();
    forget();
    change();
    expect(await sourceOf()).toBe(status);
  });

  test("it was replaced, and the edge fails: what is stored is of another object", async () => {
    await requestPicture();
    replace("made/rotated-gps.jpg");
    forget();
    stage.edge.switches.failure = { code: 9522, status: 503 };
    expect(await sourceOf()).toBe(502);
  });

  test("NoSuchKey deletes what the configuration can name, without a list (T5)", async () => {
    for (const path of [PATH, "/images/hero/key.jpg", "/images/plain/key.jpg"])
      await requestPicture(path);

    await get(PATH, { headers: { accept: "*/*" } }, env);
    await settle();
    expect(store.objects.size).toBe(4);

    forget();
    remove();
    await requestPicture();

    expect(store.objects.size).toBe(0);
    expect(store.calls.filter(({ method }) => method === "list")).toEqual([]);
  });

  test("NoSuchKey of an object with over 500 names: a list of the store says what to delete", async () => {
    const widths = Array.from({ length: 300 }, (_, at) => at + 1);
    env = envWith({ PRESETS: { ...VARS.PRESETS, many: { width: 300, widths } } });
    await requestPicture();
    forget();
    remove();

    await requestPicture();
    expect(store.objects.size).toBe(0);

    const methods = store.calls.map(({ method }) => method);
    expect(methods.slice(-4)).toEqual(["get", "list", "delete", "list"]);
  });

  test("NoSuchKey of an object with a long key: few names are hashed, and a list says what to delete", async () => {
    const longKey = `${"k".repeat(990)}.jpg`;
    const widths = Array.from({ length: 60 }, (_, at) => at + 1);
    env = envWith({ ROUTES: [ROUTE], PRESETS: { many: { width: 300, widths } } });
    replace("made/key.jpg", longKey);

    const path = `/images/many/${longKey}`;
    await requestPicture(path);
    expect(store.objects.size).toBe(1);

    forget();
    stage.s3.objects.delete(`published/${longKey}`);
    const digest = vi.spyOn(crypto.subtle, "digest");
    await requestPicture(path);

    expect(store.objects.size).toBe(0);
    expect(digest.mock.calls.length).toBeLessThan(40);
  });
});

describe("at the same moment,", () => {
  test("two places make the same one: one is stored, and nothing is logged (T8a)", async () => {
    env = envWith({ ANSWERS: { ...ANSWERS, keep: 0 } });
    const both = ["a", "b"].map((city) => get(PATH, { headers: MODERN }, env, city));
    for (const answer of await Promise.all(both)) expect(answer.status).toBe(200);
    await settle();
    expect(store.objects.size).toBe(1);
    expect(lines()).toEqual([]);
  });

  test.each<[what: string, change: () => void]>([
    ["replaced", () => replace("made/rotated-gps.jpg")],
    ["deleted", remove],
  ])("the object is %s while it is stored: nothing of it is shown (W10)", async (_what, change) => {
    const slowStore = {
      ...store,
      put: (...args: Parameters<R2["put"]>) => {
        change();
        return store.put(...args);
      },
    };

    vi.stubGlobal("scheduler", { wait: async (ms: number) => wait(ms / 1000) });
    const before = await (
      await requestPicture(PATH, "here", envWith({ RENDITIONS: slowStore }))
    ).bytes();

    wait(2); // R2 may count the delete as a write (T3)
    const answer = await requestPicture();
    const isThere = stage.s3.objects.has(`published/${KEY}`);

    expect(isThere ? cacheStatus(answer.headers) : answer.status).toBe(isThere ? "miss" : 404);
    expect(await answer.bytes()).not.toEqual(before);
    expect(store.objects.size).toBe(isThere ? 1 : 0);
  });

  test("the object is replaced while it is stored, and Workers Cache refuses a purge: it is logged", async () => {
    const purge = () => postPurge({ everything: true }, env);
    while ((await purge()).status === 200);

    const put = (...args: Parameters<R2["put"]>) => {
      replace("made/rotated-gps.jpg");
      return store.put(...args);
    };

    stage.logged = [];
    await requestPicture(PATH, "here", envWith({ RENDITIONS: { ...store, put } }));
    const reason = expect.stringMatching(/^cache: [^[]/); // a text, not "[object Object]"
    const failed = { event: "purge-failed", reason, objects: 1, first: [`media/${KEY}`] };

    expect(lines()).toMatchObject([failed]);
  });

  test("the object is replaced while the edge fetches it: what is stored is of the new one", async () => {
    stage.beforeEdgeRequest = (times) => {
      if (times === 0) replace("made/rotated-gps.jpg");
    };
    await requestPicture();

    const stored = storedEntry()[1].body;
    store.objects.clear();
    forget();
    await requestPicture();

    expect(storedEntry()[1].body).toEqual(stored);
  });

  // In the end S3 has the first object again, so no question to S3 shows that there was another one.
  test.each([
    {
      title: "names the other one, and the same date",
      namesOriginal: true,
      seconds: 0,
      etag: expect.any(String),
    },
    { title: "names no original", namesOriginal: false, seconds: 2, etag: null },
  ])(
    "the object is another one while an edge that $title fetches it: nothing of that stays once it is back",
    async ({ namesOriginal, seconds, etag }) => {
      wait(1 - (Date.now() % 1000) / 1000); // the beginning of a second
      vi.stubGlobal("scheduler", { wait: async (ms: number) => wait(ms / 1000) });
      replace("made/key.jpg", "same.jpg");

      const expected = await (await requestPicture("/images/card/same.jpg")).bytes();
      replace("made/key.jpg");
      stage.edge.switches.namesOriginal = namesOriginal;
      stage.beforeEdgeRequest = () => {
        wait(seconds);
        replace("made/rotated-gps.jpg");
      };

      expect((await requestPicture()).headers.get("etag")).toEqual(etag);

      stage.beforeEdgeRequest = () => {};
      replace("made/key.jpg");
      forget();

      expect(await (await requestPicture()).bytes()).toEqual(expected);
      expect(lines()).toEqual([]);
    },
  );

  test.each([
    { title: "names it, and the same date", namesOriginal: true, status: 502 },
    { title: "names nothing", namesOriginal: false, status: 200 },
  ])(
    "the object is another one only while an edge that $title fetches it: it is not shown as this one",
    async ({ namesOriginal, status }) => {
      replace("made/key.jpg", "same.jpg");
      const expected = await (await requestPicture("/images/card/same.jpg")).bytes();
      replace("made/key.jpg");
      stage.edge.switches.namesOriginal = namesOriginal;

      const { fetch } = stage.edge;
      stage.edge.fetch = async (...request) => {
        replace("made/rotated-gps.jpg");
        const answer = await fetch(...request);
        replace("made/key.jpg");
        return answer;
      };

      expect((await requestPicture()).status).toBe(status);

      stage.edge.fetch = fetch;

      wait(3_601); // the edge keeps what it has fetched for an hour (C1)
      await requestPicture();
      expect(await (await requestPicture()).bytes()).toEqual(expected);

      forgetCached();
      stage.s3.faults.add("SlowDown");
      const inOutage = await requestPicture();

      if (inOutage.status === 200) expect(await inOutage.bytes()).toEqual(expected);
    },
  );

  test("four sizes of a missing object are deleted: that is no failure (T3)", async () => {
    const paths = ["card", "hero", "plain", "card@2x"].map((name) => `/images/${name}/${KEY}`);
    for (const path of paths) await requestPicture(path);

    forget();
    remove();
    vi.stubGlobal("scheduler", { wait: async () => {} });
    await Promise.all(paths.map((path) => get(path, { headers: MODERN }, env)));
    await settle();

    expect(store.objects.size).toBe(0);
    expect(lines().map(({ event }) => event)).not.toContain("store-failed");
  });

  test("a slow put comes after a newer one: the newer one stays (T8a)", async () => {
    const { promise: delay, resolve: release } = Promise.withResolvers<void>();
    const slow = {
      ...store,
      put: (...args: Parameters<R2["put"]>) => delay.then(() => store.put(...args)),
    };

    await get(PATH, { headers: MODERN }, envWith({ RENDITIONS: slow }), "a");
    replace("made/rotated-gps.jpg");
    await get(PATH, { headers: MODERN }, envWith({ ANSWERS: { ...ANSWERS, keep: 0 } }), "b");
    await vi.waitUntil(() => store.objects.size === 1);

    const newer = storedEntry()[1].customMetadata?.["etag"];
    release();
    await settle();

    expect(storedEntry()[1].customMetadata?.["etag"]).toBe(newer);
  });
});

describe("a store that fails:", () => {
  const FAULTS: readonly R2Fault[] = ["throws", "throws-get", "throws-put", "gone"];

  test.each(FAULTS)("%s: the picture is made, and the log has it once a minute", async (fault) => {
    store.faults.add(fault);
    expect(await sourceOf()).toBe("miss");
    expect(await sourceOf("/images/plain/key.jpg")).toBe("miss");
    const failed = lines().filter(({ event }) => event === "store-failed");
    expect(failed).toHaveLength(1);
  });

  test("a put that comes too fast is no failure (T3)", async () => {
    store.faults.add("busy");
    expect(await sourceOf()).toBe("miss");
    expect(lines()).toEqual([]);
  });

  test("a put that does not end: S3 is checked once more all the same", async () => {
    await requestPicture(); // else the edge would render while the clock stands
    store.objects.clear();
    forget();
    store.faults.add("stall-put");

    const finish = stopTimers();
    const before = stage.s3.requestsBy("worker").length;
    expect((await get(PATH, { headers: MODERN }, env)).status).toBe(200);

    await finish(Promise.all(stage.pendingWork));
    expect(stage.s3.requestsBy("worker").length - before).toBe(2);
  });
});

describe("what this Worker did not store counts as nothing, and is overwritten:", () => {
  type Entry = ReturnType<typeof storedEntry>[1];

  type Change = (entry: Entry) => Parameters<R2["objects"]["set"]>[1];

  const withBody = (entry: Entry, body: Uint8Array, more: Record<string, string> = {}) => {
    const length = `${body.length}`;
    return { ...entry, body, customMetadata: { ...entry.customMetadata, length, ...more } };
  };
  const named = (entry: Entry, more: object) => {
    return { ...entry, customMetadata: { ...entry.customMetadata, ...more } };
  };
  const PAGE = new TextEncoder().encode("<!doctype html><script>");

  const JUNK: Readonly<Record<string, Change>> = {
    "no metadata": ({ body }) => ({ body }),
    "another name": (entry) => named(entry, { of: "x" }),
    "half of the bytes": (entry) => ({ ...entry, body: entry.body.slice(0, 100) }),
    "other bytes": (entry) => ({ ...entry, body: entry.body.map(() => 65) }),
    "another type in its metadata": (entry) => named(entry, { type: "image/webp" }),
    "a page": (entry) => withBody(entry, PAGE, { type: "text/html" }),
    "an empty object": (entry) => withBody(entry, new Uint8Array()),
  };

  test.each(Object.entries(JUNK))("%s", async (_what, change) => {
    const rendered = await (await requestPicture()).bytes();
    const [name, entry] = storedEntry();
    store.objects.set(name, change(entry));
    forget();

    const answer = await requestPicture();
    expect(cacheStatus(answer.headers)).toBe("miss");
    expect(await answer.bytes()).toEqual(rendered);
    expect(storedEntry()[1].body).toEqual(entry.body);

    store.objects.set(name, change(entry));
    forget();
    stage.s3.faults.add("ServiceUnavailable");

    expect(await sourceOf()).toBe(502);
  });
});

test("a portrait is stored in the format that came, and shown in an outage (O7, R5)", async () => {
  const path = "/images/tall/photos/friends.jpg";
  const { status, headers } = await requestPicture(path);
  expect(status).toBe(200);
  expect(headers.get("content-type")).toBe("image/webp");
  expect(store.objects.size).toBe(1);

  forget();
  stage.s3.faults.add("SlowDown");
  const answer = await requestPicture(path);

  expect(answer.status).toBe(200);
  expect(answer.headers.get("content-type")).toBe("image/webp");
});

test("the metadata say what a rendition is, in ASCII, below 2 KB (T3)", async () => {
  const key = `${"ä".repeat(150)}.jpg`;
  replace("made/key.jpg", key);
  await requestPicture(`/images/card/${encodeURIComponent(key)}`);

  const [name, { customMetadata = {}, type }] = storedEntry();
  expect(name).toMatch(/^(?:[0-9a-f]{64}\/){2}[0-9a-f]{64}$/);

  const text = JSON.stringify(customMetadata);
  expect(text).toMatch(/^[ -~]+$/);
  expect(text.length).toBeLessThan(2_048);
  expect(customMetadata).toMatchObject({
    of: name,
    type,
    rendition: expect.stringContaining("%C3%A4"),
  });
  expect(Date.parse(customMetadata["made"] ?? "")).toBeLessThanOrEqual(Date.now());
});
