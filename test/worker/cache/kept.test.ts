// The whole Worker with Workers Cache in front of its cached entrypoint: what is kept, for how long, and what
// visitors see while nothing can be made.

import { beforeEach, describe, expect, test, vi } from "vitest";
import { cacheWord } from "../../../src/cli/net/cache-word.ts";
import { BASE, CREDENTIALS, ENV, NEXT, SECRETS } from "../../support/env.ts";
import { failures, get, lines, MODERN, stage, wait } from "../../support/play.ts";

const PATH = "/images/card/key.jpg";
const HOUR = 3600;
const DAY = 24 * HOUR;
const WEEK = 7 * DAY;
const PLACES = Array.from({ length: 30 }, (_, at) => `place ${at}`);

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"], now: Date.UTC(2026, 10, 26) });
  stage.clock.now = Date.now();
  return () => vi.useRealTimers();
});

/** The status, where it came from, and what the browser may keep. */
async function seen(path = PATH, init: RequestInit = MODERN_INIT, env?: object, place?: string) {
  const { status, headers } = await get(path, init, env, place);
  await stage.cache.settled();
  const cache = cacheWord(headers);
  return [status, cache, headers.get("cache-control")] as const;
}
const MODERN_INIT = { headers: MODERN };
const SHOWN = "public, max-age=600";

const calls = () => ({ edge: stage.asked.length, s3: stage.s3.requests.length });

/** The edge loses what it kept, and keeps nothing. */
function emptyEdge(): void {
  stage.edge.switches.cache = false;
  stage.edge.purge(`${BASE}published/key.jpg`);
}

/** S3 fails, and the edge has nothing. */
function failWholly(): void {
  emptyEdge();
  stage.s3.faults.add("InternalError");
}

/** A deploy or a `wrangler secret put`: another isolate, of another version (S7). */
const deploy = (change: object = {}) => ({ ...ENV, ...change });

describe("one rendition for all visitors (W3, W5, W6)", () => {
  test("1,000 requests from 30 places at once are one call of the edge, and one of S3", async () => {
    const all = Array.from({ length: 1_000 }, (_, at) =>
      get(PATH, MODERN_INIT, ENV, PLACES[at % 30]),
    );
    for (const { status } of await Promise.all(all)) expect(status).toBe(200);
    expect(calls()).toEqual({ edge: 1, s3: 1 });
  });

  test.each(["upper", "visitor"] as const)(
    "one after the other, too, where the entrypoint runs in the tier %s, and over deploys (W4, S7)",
    async (runsIn) => {
      stage.cache.switches.runsIn = runsIn;
      for (let at = 0; at < 1_000; at++) {
        const env = at < 300 ? ENV : at < 600 ? DEPLOYED : PUT;
        const { status } = await get(PATH, MODERN_INIT, env, PLACES[at % 30]);
        expect(status).toBe(200);
      }
      expect(calls()).toEqual({ edge: 1, s3: 1 });
    },
  );
  const DEPLOYED = deploy({ HEALTH_TOKEN: "another token of 16 characters" });
  const PUT = deploy(NEXT);

  test("a changed preset, bucket or format shows at once, and what is as before is kept (W4)", async () => {
    const { card } = ENV.PRESETS;
    const changes = [
      [{ PRESETS: { ...ENV.PRESETS, card: { ...card, width: 150 } } }, 1],
      [{ PRESETS: { ...ENV.PRESETS, card: { ...card, quality: 40 } } }, 1],
      [{ PRESETS: { ...ENV.PRESETS, card } }, 0],
      [{ BUCKETS: { media: { ...ENV.BUCKETS.media, prefix: "published/users/" } } }, 1],
      [{ ROUTES: [{ path: "/images/:preset/*", object: "media/*" }] }, 0],
    ] as const;
    await get(PATH, MODERN_INIT);
    for (const [change, more] of changes) {
      const { edge } = calls();
      await get(PATH, MODERN_INIT, deploy(change));
      expect([change, calls().edge]).toEqual([change, edge + more]);
    }
  });

  test("without cross_version_cache each secret put makes all anew (W4, S7)", async () => {
    stage.cache.switches.crossVersion = false;
    const cache: unknown[] = [];
    for (const env of [ENV, ENV, PUT, PUT]) cache.push((await seen(PATH, MODERN_INIT, env))[1]);
    expect(cache).toEqual(["miss", "hit", "miss", "hit"]);
  });

  test.each<[string, RequestInit, RequestInit]>([
    ["the user agent", { headers: { "user-agent": "a" } }, { headers: { "user-agent": "b" } }],
    ["the host that links to it", { headers: { referer: "https://a" } }, { headers: {} }],
    ["cookies", { headers: { cookie: "a=1" } }, { headers: { cookie: "b=2" } }],
    ["credentials", { headers: { authorization: "Bearer a" } }, { headers: {} }],
    ["a range", { headers: { range: "bytes=0-0" } }, { headers: {} }],
    ["the method", { method: "HEAD" }, { method: "GET" }],
    ["no-cache", { headers: { "cache-control": "no-cache" } }, { headers: {} }],
    ["a forged host", { headers: { "x-forwarded-host": "evil" } }, { headers: {} }],
  ])("%s of a visitor makes no other one (W3, W9)", async (_name, one, other) => {
    await get(PATH, one);
    await get(PATH, other);
    await get(`${PATH}?x=${Math.random()}`, other);
    await get("https://other.example/images/card@1x/key.jpg", other);
    expect(calls()).toEqual({ edge: 1, s3: 1 });
  });

  test("visitors who read other formats get others, whoever comes first (W14, O6)", async () => {
    const accepts = [MODERN.accept, "image/webp", "image/avif", "*/*", MODERN.accept, "*/*"];
    const types: (string | null)[] = [];
    for (const accept of accepts) {
      const { headers } = await get(PATH, { headers: { accept } });
      expect(headers.get("vary")).toBe("accept");
      types.push(headers.get("content-type"));
    }
    const [avif, webp, jpeg] = ["image/avif", "image/webp", "image/jpeg"];
    expect(types).toEqual([avif, webp, avif, jpeg, avif, jpeg]);
    expect(stage.asked).toHaveLength(4); // AVIF twice: one of the two must not fall back to WebP
  });
});

describe("how long (W7, W8)", () => {
  test("an hour fresh, then a week stale while it is made anew, then a visitor waits", async () => {
    expect(await seen()).toEqual([200, "miss", SHOWN]);
    wait(HOUR - 1);
    expect(await seen()).toEqual([200, "hit", SHOWN]);
    expect(stage.asked).toHaveLength(1);
    wait(2);
    expect(await seen()).toEqual([200, "stale", SHOWN]);
    expect(stage.asked).toHaveLength(2);
    expect(await seen()).toEqual([200, "hit", SHOWN]);
    wait(HOUR + WEEK - 1);
    expect(await seen()).toEqual([200, "stale", SHOWN]);
    wait(HOUR + WEEK + 1);
    expect(await seen()).toEqual([200, "miss", SHOWN]);
  });

  test("ANSWERS says how long", async () => {
    const env = deploy({ ANSWERS: { keep: 60, stale: 0, stale_if_error: 30, max_age: 5 } });
    const ask = () => seen(PATH, MODERN_INIT, env);
    expect(await ask()).toEqual([200, "miss", "public, max-age=5"]);
    wait(59);
    expect((await ask())[1]).toBe("hit");
    wait(2);
    expect((await ask())[1]).toBe("miss");
    failWholly();
    wait(89);
    expect((await ask())[1]).toBe("stale");
    wait(2);
    expect((await ask())[0]).toBe(502);
  });

  test("keep = 0: the gateway makes each rendition itself, and logs nothing of it", async () => {
    const env = deploy({ ANSWERS: { keep: 0 } });
    for (let times = 0; times < 3; times++) {
      expect((await seen(PATH, MODERN_INIT, env))[1]).toBe("direct");
    }
    expect(stage.cache.runs).toEqual([]);
    expect(stage.asked).toHaveLength(3);
    expect(stage.logged).toEqual([]);
  });

  test("a missing object is kept for 60 s, and no longer, whatever is wrong then (A6, W8)", async () => {
    const missing = "/images/card/nothing.jpg";
    expect(await seen(missing)).toEqual([404, undefined, "public, max-age=60"]);
    wait(59);
    await seen(missing);
    expect(stage.asked).toHaveLength(1);
    expect(lines().map(({ cache }) => cache)).toEqual(["miss", "hit"]);
    failWholly();
    wait(2);
    expect((await seen(missing))[0]).toBe(502);
  });

  test("an object that is put where one was missing shows after 60 s (W7)", async () => {
    expect((await seen("/images/card/new.jpg"))[0]).toBe(404);
    stage.s3.objects.set(
      "published/new.jpg",
      stage.s3.objects.get("published/key.jpg") ?? expect.unreachable(),
    );
    wait(61);
    expect((await seen("/images/card/new.jpg"))[0]).toBe(200);
  });

  test.each([
    ["busy", "SlowDown", 502],
    ["failing", "InternalError", 502],
    ["in an archive", "archived", 404],
  ] as const)(
    "an object that was shown while S3 is %s afterwards",
    async (_name, fault, status) => {
      stage.s3.faults.add(fault);
      expect((await seen())[0]).toBe(status);
      stage.s3.faults.clear();
      wait(61);
      expect(await seen()).toEqual([200, "miss", SHOWN]);
    },
  );

  test("a deleted object is gone once it is made anew: no older image hides a 404 (A6)", async () => {
    await seen();
    stage.s3.objects.delete("published/key.jpg");
    emptyEdge();
    wait(HOUR + 1);
    expect((await seen())[1]).toBe("stale");
    expect((await seen())[0]).toBe(404);
  });
});

describe("an outage is not seen for what was asked for within the week, and is in the log (W8)", () => {
  const OUTAGES: readonly (readonly [string, () => void, () => void, string])[] = [
    ["S3 fails", failWholly, () => stage.s3.faults.clear(), "origin-failed"],
    [
      "S3 does not answer",
      () => {
        emptyEdge();
        stage.s3.faults.add("reset");
      },
      () => stage.s3.faults.clear(),
      "origin-failed",
    ],
    [
      "both keys are dead",
      () => {
        emptyEdge();
        stage.s3.keys.clear();
      },
      () => stage.s3.keys.set(CREDENTIALS.accessKeyId, CREDENTIALS.secretAccessKey),
      "slots-refused",
    ],
    [
      "the edge's quota is spent",
      () => Object.assign(stage.edge.switches, { trouble: "9422/429" }),
      () => Object.assign(stage.edge.switches, { trouble: undefined }),
      "quota-spent",
    ],
    [
      "transformations are off",
      () => Object.assign(stage.edge.switches, { transformations: false }),
      () => Object.assign(stage.edge.switches, { transformations: true }),
      "not-transformed",
    ],
  ];

  test.each(OUTAGES)("%s", async (_name, begin, end, failure) => {
    expect(await seen()).toEqual([200, "miss", SHOWN]);
    begin();
    for (const later of [HOUR + 1, DAY, 5 * DAY]) {
      wait(later);
      for (const place of PLACES.slice(0, 3)) {
        expect(await seen(PATH, MODERN_INIT, undefined, place)).toEqual([200, "stale", SHOWN]);
      }
    }
    const told = failures();
    expect(told.map((line) => line["failure"])).toEqual([failure, failure, failure]);
    expect(told[0]).toMatchObject({ bucket: "media", key: "published/key.jpg", times: 1 });
    expect(lines().filter(({ answered }) => answered !== undefined)).toEqual([]);
    end();
    wait(120);
    expect(await seen()).toEqual([200, "stale", SHOWN]);
    expect(await seen()).toEqual([200, "hit", SHOWN]);
  });

  test("what nobody had asked for is a failure, and after the week all is", async () => {
    await seen();
    failWholly();
    expect((await seen("/images/card@2x/key.jpg"))[0]).toBe(502);
    wait(HOUR + WEEK + 1);
    expect((await seen())[0]).toBe(502);
  });

  test("a hundred failures in a minute are one line a bucket, and the next one counts them", async () => {
    failWholly();
    for (let at = 0; at < 100; at++) await seen(`/images/card/${at}.jpg`);
    expect(failures()).toHaveLength(1);
    wait(61);
    await seen();
    expect(failures().map(({ times }) => times)).toEqual([1, 100]);
    expect(JSON.stringify(failures())).not.toContain(SECRETS.AWS_SECRET_ACCESS_KEY);
  });

  test("a denial that may be a dead key shows the older image, not a 404 (A6)", async () => {
    stage.s3.grants.add("all-list");
    await seen();
    emptyEdge();
    stage.s3.faults.add("no-list-bucket");
    wait(HOUR + WEEK / 2);
    await seen("/images/card/nothing.jpg");
    stage.s3.objects.delete("published/key.jpg");
    const answers = [await seen(), await seen()];
    expect(answers.map(([status]) => status)).toEqual([200, 200]);
    wait(10);
    await seen();
    expect((await seen())[0]).toBe(404);
  });
});

test("what stands in for an animation is kept for 60 s, and is not stale (R9)", async () => {
  const moving = "/images/moving/animated.gif";
  stage.edge.switches.cache = false;
  const { fetch } = stage.edge;
  stage.edge.fetch = async (url, init) =>
    Object(init?.cf?.image).format === "json" ? new Response("{}") : fetch(url, init);
  expect(await seen(moving)).toEqual([200, "miss", "public, max-age=60"]);
  stage.edge.fetch = fetch;
  wait(59);
  expect(await seen(moving)).toEqual([200, "hit", "public, max-age=60"]);
  wait(2);
  expect(await seen(moving)).toEqual([200, "miss", SHOWN]);
});

test("304, HEAD and signed URLs are answered out of what is kept (R4, R10)", async () => {
  const { headers } = await get(PATH, MODERN_INIT);
  const etag = headers.get("etag") ?? "";
  const same = await get(PATH, { headers: { ...MODERN, "if-none-match": etag } });
  expect([same.status, same.headers.get("etag")]).toEqual([304, etag]);
  const head = await get(PATH, { headers: MODERN, method: "HEAD" });
  expect([head.status, head.headers.get("content-type")]).toEqual([200, "image/avif"]);
  expect(head.headers.get("content-length")).toBe(headers.get("content-length"));
  expect(calls()).toEqual({ edge: 1, s3: 1 });
});

test("no header of the cache leaves the Worker (W7, W10, W11)", async () => {
  for (let times = 0; times < 2; times++) {
    const { headers } = await get(PATH, MODERN_INIT);
    const names = [...headers.keys()];
    for (const name of ["cache-tag", "cf-cache-status", "age", "vitrine-stands-in"]) {
      expect(names).not.toContain(name);
    }
  }
});
