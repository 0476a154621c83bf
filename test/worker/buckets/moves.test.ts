// A route with two buckets while objects move between them: no picture of one is taken for the other, by no cache,
// store or browser; and what concerns one bucket concerns every answer that may come from it.

import { beforeEach, describe, expect, test } from "vitest";
import { createR2, type R2 } from "../../../src/emulator/r2/r2.ts";
import { aMinuteAgo } from "../../support/clock.ts";
import { PURGE_TOKEN, VARS } from "../../support/env.ts";
import { bridgeEvent } from "../../support/events.ts";
import {
  forgetCached,
  lines,
  MODERN,
  postPurge,
  stage,
  stopDate,
  getAndSettle as visitWorker,
  wait,
} from "../../support/run-worker.ts";
import { createTwoBuckets, KEY, type Kind, ROUTES, WORLDS } from "../../support/two-buckets.ts";

const PATH = `/images/card/${KEY}`;
const KEEP = 300;

let world: ReturnType<typeof createTwoBuckets>;
let store: R2;
let env: object;

function open(kinds: readonly [Kind, Kind]): void {
  world = createTwoBuckets(kinds);
  store = createR2({}, { now: aMinuteAgo });
  const ANSWERS = { ...VARS.ANSWERS, keep: KEEP, stale: 0, stale_if_error: 0, store: "RENDITIONS" };
  env = { ...world.env, ANSWERS, RENDITIONS: store, PURGE_TOKEN };
}

beforeEach(() => stopDate());

const getPicture = (path = PATH, headers: object = {}, vars = env) =>
  visitWorker(path, { headers: { ...MODERN, ...headers } }, vars);

/** The pictures of both buckets, as the route of each alone shows them, without cache and store. */
async function pictures() {
  const direct = { ...world.env, ANSWERS: { ...VARS.ANSWERS, keep: 0 } };
  const [media, archive] = [
    await (await getPicture(`/media/card/${KEY}`, {}, direct)).bytes(),
    await (await getPicture(`/archive/card/${KEY}`, {}, direct)).bytes(),
  ];
  return { media, archive };
}

type Name = "media" | "archive";

/** What has the object, one step after the other. */
const MOVES: readonly (readonly [what: string, steps: readonly (readonly Name[])[]])[] = [
  ["from the first to the second", [["media"], ["archive"]]],
  ["from the second to the first", [["archive"], ["media"]]],
  ["out of the first of both", [["media", "archive"], ["archive"]]],
  ["there and back", [["media"], ["archive"], ["media"]]],
  ["back and there", [["archive"], ["media"], ["archive"]]],
  ["away, and into the second", [["media"], [], ["archive"]]],
];

/** Behind Workers Cache and without it, by each kind in each place. */
const MODES = [
  ["cf", "cf", KEEP],
  ["R2", "binding", KEEP],
  ["cf", "R2", 0],
  ["binding", "cf", 0],
] as const;

describe.each(MODES)("%s, then %s, keep %d:", (first, second, keep) => {
  beforeEach(() => {
    open([first, second]);
    env = { ...env, ANSWERS: { ...VARS.ANSWERS, keep, stale: 0, store: "RENDITIONS" } };
  });

  test.each(MOVES)("it moves %s: each visitor sees what is there now", async (_what, steps) => {
    const expected = await pictures();
    const tags = new Map<Name, string>();

    for (const step of steps) {
      for (const name of ["media", "archive"] as const) {
        if (step.includes(name)) world[name].put();
        else world[name].remove();
      }

      wait(KEEP + 1);
      const [source] = step;
      const older = [...tags.values()];
      const plain = await getPicture();

      expect(plain.status).toBe(source ? 200 : 404);

      if (source) {
        const tag = plain.headers.get("etag") ?? "none";
        expect(await plain.bytes()).toEqual(expected[source]);
        expect(tag).toBe(tags.get(source) ?? tag); // the same after it came back
        expect([...tags].some(([name, one]) => name !== source && one === tag)).toBe(false);
        tags.set(source, tag);
      }

      // Browsers have what was shown before: one of it, or all.
      for (const condition of [...older, older.join(", ")].filter(Boolean)) {
        const answer = await getPicture(PATH, { "if-none-match": condition });
        const isRight = source !== undefined && condition.includes(tags.get(source) ?? "none");
        expect(answer.status).toBe(isRight ? 304 : plain.status);
      }
    }
  });
});

describe.each(WORLDS)("%s, then %s:", (first, second) => {
  beforeEach(() => open([first, second]));

  test("what the second has needs no request to it while the first has it", async () => {
    const before = world.archive.requestCount();
    const calls = () => [world.media.requestCount(), store.calls.length];
    await getPicture();

    expect(world.archive.requestCount()).toBe(before);

    const listed = calls();
    open([first, second]);
    await getPicture(`/media/card/${KEY}`);

    expect(listed).toEqual(calls());
  });

  test.each([
    { where: "behind", old: "media", object: ["media/*", "archive/*"] },
    { where: "in front", old: "archive", object: ["media/*", "archive/*"] },
  ] as const)("a bucket that is added $where makes nothing anew", async ({ old, object }) => {
    if (old === "archive") world.media.remove();

    const route = { path: "/images/:preset/*", object: `${old}/*` };
    const before = await getPicture(PATH, {}, { ...env, ROUTES: [route] });
    const pictures = [...store.objects.keys()];
    forgetCached();

    const edgeCount = stage.edgeRequests.length;
    const answer = await getPicture(PATH, {}, { ...env, ROUTES: [{ ...route, object }] });
    expect(answer.headers.get("server-timing")).toContain("stored");
    expect(answer.headers.get("etag")).toBe(before.headers.get("etag"));
    expect(await answer.bytes()).toEqual(await before.bytes());
    expect([...store.objects.keys()]).toEqual(pictures);
    expect(stage.edgeRequests).toHaveLength(edgeCount);
  });

  test("a 404 holds for both for a minute, and an event of either ends it (A6, W10)", async () => {
    for (const [name, key] of [
      ["media", `published/${KEY}`],
      ["archive", `old/photos/${KEY}`],
    ] as const) {
      world.media.remove();
      world.archive.remove();
      forgetCached();

      expect((await getPicture()).status).toBe(404);

      const counts = [world.media.requestCount(), world.archive.requestCount()];
      const again = await getPicture();
      expect(again.status).toBe(404);
      expect(again.headers.get("cache-control")).toBe("public, max-age=60");
      expect([world.media.requestCount(), world.archive.requestCount()]).toEqual(counts);

      world[name].put();
      await postPurge(bridgeEvent(`acme-${name}`, key), env);
      expect((await getPicture()).status).toBe(200);
    }
  });

  test.each(["media", "archive"])("a purge of %s ends answers that may change", async (name) => {
    const runsAgain = async () => {
      const before = stage.cache.runs.length;
      await getPicture();
      return stage.cache.runs.length > before;
    };

    const purges: unknown[] = [{ objects: [`${name}/${KEY}`] }, { bucket: name }];
    for (const source of ["media", "archive"]) {
      if (source === "archive") world.media.remove();
      for (const purge of purges) {
        await getPicture();
        expect(await runsAgain()).toBe(false);
        expect((await postPurge(purge, env)).status).toBe(200);
        expect(await runsAgain()).toBe(true);

        // Once more, after Workers Cache has only heard that nothing changed.
        wait(KEEP + 1);
        expect(await runsAgain()).toBe(true);
        expect(await runsAgain()).toBe(false);
        expect((await postPurge(purge, env)).status).toBe(200);
        expect(await runsAgain()).toBe(true);
      }
    }
  });

  test("what comes into the first while the second's is rendered shows to the next visitor", async () => {
    const expected = await pictures();
    world.media.remove();
    const put: R2["put"] = (...args: Parameters<R2["put"]>) => {
      world.media.put();
      return store.put(...args);
    };

    env = { ...env, RENDITIONS: { ...store, put } };
    expect(await (await getPicture()).bytes()).toEqual(expected.archive);
    expect(await (await getPicture()).bytes()).toEqual(expected.media);
  });

  test("what is gone from the first is deleted from the store, and no outage brings it back", async () => {
    const expected = await pictures();
    await getPicture();
    world.media.remove();
    forgetCached();

    expect(await (await getPicture()).bytes()).toEqual(expected.archive);
    expect(store.objects.size).toBe(1);

    forgetCached();
    world.media.setState("reset");
    expect(await (await getPicture()).bytes()).toEqual(expected.archive);
  });
});

test("where the edge contradicts S3, the first bucket is asked again (C1)", async () => {
  open(["cf", "cf"]);
  const expected = await pictures();
  open(["cf", "cf"]); // an edge that has kept nothing
  world.media.remove();

  const edgeCount = stage.edgeRequests.length;
  stage.beforeEdgeRequest = (times) => {
    if (times !== edgeCount) return;
    world.archive.remove(); // after S3 has given it to the Worker, it moves
    world.media.put();
  };

  expect(await (await getPicture()).bytes()).toEqual(expected.media);
  expect(lines()).toEqual([]);
});

test("an object that goes while the binding opens it is looked for in the second", async () => {
  open(["R2", "R2"]);
  const expected = await pictures();
  forgetCached();

  const { bindings } = world.media;
  const [name = "", r2] = Object.entries(bindings)[0] ?? [];
  let times = 0;
  const get: R2["get"] = (...args: Parameters<R2["get"]>) => {
    if (++times === 2) world.media.remove();
    return r2.get(...args);
  };

  env = { ...env, [name]: { ...r2, get } };
  expect(await (await getPicture()).bytes()).toEqual(expected.archive);
});

describe("a fallback", () => {
  const withFallback = (fallback: string) => {
    open(["cf", "cf"]);
    const [route] = ROUTES;
    env = { ...env, ROUTES: [{ ...route, fallback }] };
    world.media.remove();
  };

  test("is shown where both are missing, and not before", async () => {
    withFallback("archive/other.jpg");
    world.archive.put("photos/fig.jpg", "other.jpg");
    expect((await getPicture()).status).toBe(200);

    world.archive.remove();
    forgetCached();
    const answer = await getPicture();

    expect(answer.status).toBe(404);
    expect(answer.headers.get("content-type")).toBe("image/avif");
  });

  test.each(["media", "archive"])("of %s that is this object is not asked for", async (name) => {
    withFallback(`${name}/${KEY}`);
    world.archive.remove();
    const answer = await getPicture();

    expect(answer.status).toBe(404);
    expect(answer.headers.get("content-type")).toBe("text/plain; charset=utf-8");
    expect(world.media.requestCount()).toBe(1);
    expect(world.archive.requestCount()).toBe(1);
  });
});

test("a key that is too long for the prefix of the second is shown out of the first (A10)", async () => {
  open(["cf", "cf"]);
  const key = `${"long/".repeat(200)}${"x".repeat(14)}`; // 1,014 bytes: 1,024 with published/
  world.media.put("made/key.jpg", key);

  expect((await getPicture(`/images/card/${key}`)).status).toBe(200);

  world.media.remove(key);
  forgetCached();
  expect((await getPicture(`/images/card/${key}`)).status).toBe(404);
  expect(world.archive.requestCount()).toBe(0);
});

describe.each(WORLDS)("%s, then %s, and Workers Cache while the second is down:", (...kinds) => {
  /** Without a store. What is kept may be shown for a week, while nothing new can be made (W8). */
  beforeEach(() => {
    open(kinds);
    env = { ...world.env, ANSWERS: { ...VARS.ANSWERS, keep: KEEP, stale: 0 }, PURGE_TOKEN };
  });

  const show = async () => {
    const answer = await getPicture();
    return answer.status === 200 ? await answer.bytes() : answer.status;
  };

  test("what the second had is shown, and nothing is purged (W8)", async () => {
    world.media.remove();
    const archive = await show();
    expect(archive).toBeInstanceOf(Uint8Array);

    const tag = (await getPicture()).headers.get("etag");
    expect(tag).toMatch(/^W\/"[0-9a-f]{32}"$/);

    world.archive.setState("reset");
    for (let times = 0; times < 3; times++) {
      wait(KEEP + 1);
      expect(await show()).toEqual(archive);
    }

    expect((await getPicture(PATH, { "if-none-match": tag ?? "" })).status).toBe(304);

    world.media.setState("reset");
    wait(KEEP + 1);
    expect(await show()).toEqual(archive);
  });
});
