// The whole Worker with Workers Cache in front of its cached entrypoint: what is kept, for how long, and what
// visitors see while nothing can be made.

import { describe, expect, test } from "vitest";
import { cacheStatus } from "../../../src/cli/http/ask-picture.ts";
import { CREDENTIALS, ENV, NEXT } from "../../support/env.ts";
import {
  DATA_CENTERS,
  failures,
  get,
  getAndSettle,
  lines,
  MODERN,
  put,
  settle,
  stage,
  stopDates,
  wait,
} from "../../support/run-worker.ts";

const PATH = "/images/card/key.jpg";
const KEEP = 300;
const DAY = 86_400;
const WEEK = 7 * DAY;

stopDates(Date.UTC(2026, 10, 26));

/** The status, where it came from, and what the browser may keep. */
async function seen(path = PATH, init: RequestInit = MODERN_INIT, env?: object, place?: string) {
  const { status, headers } = await getAndSettle(path, init, env, place);
  return [status, cacheStatus(headers), headers.get("cache-control")] as const;
}
const MODERN_INIT = { headers: MODERN };
const SHOWN = "public, max-age=600";

/** What was asked: S3 by the Worker, once more after each rendition that was made; and the edge. */
async function calls() {
  await settle();
  return { s3: stage.s3.requestsBy("worker").length, edge: stage.edgeRequests.length };
}

/** The object is replaced by another one. */
const replace = () => put("key.jpg", "photos/fig.jpg");

/** A deploy or a `wrangler secret put`: another isolate, of another version (S7). */
const deploy = (change: object = {}) => ({ ...ENV, ...change });

describe("one rendition for all visitors (W3, W5, W6)", () => {
  test("1,000 requests from 30 places at once are one request to S3, and one to the edge", async () => {
    const all = Array.from({ length: 1_000 }, (_, at) =>
      get(PATH, MODERN_INIT, ENV, DATA_CENTERS[at % 30]),
    );
    for (const { status } of await Promise.all(all)) expect(status).toBe(200);
    expect(await calls()).toEqual({ s3: 2, edge: 1 });
  });

  test.each(["upper", "visitor"] as const)(
    "one after the other, too, where the entrypoint runs in the tier %s, and over deploys (W4, S7)",
    async (runsIn) => {
      stage.cache.switches.runsIn = runsIn;
      for (let at = 0; at < 1_000; at++) {
        const env = at < 300 ? ENV : at < 600 ? DEPLOYED : PUT;
        const { status } = await get(PATH, MODERN_INIT, env, DATA_CENTERS[at % 30]);
        expect(status).toBe(200);
      }
      expect(await calls()).toEqual({ s3: 2, edge: 1 });
    },
  );
  const DEPLOYED = deploy({ HEALTH_TOKEN: "another token of 16 characters" });
  const PUT = deploy(NEXT);

  test("a changed preset, bucket or format shows at once, and what is as before is kept (W4)", async () => {
    const { card } = ENV.PRESETS;
    const changes = [
      [{ PRESETS: { ...ENV.PRESETS, card: { ...card, width: 150 } } }, 2],
      [{ PRESETS: { ...ENV.PRESETS, card: { ...card, quality: 40 } } }, 2],
      [{ PRESETS: { ...ENV.PRESETS, card } }, 0],
      [{ BUCKETS: { media: { ...ENV.BUCKETS.media, prefix: "published/users/" } } }, 1], // it is missing there
      [{ ROUTES: [{ path: "/images/:preset/*", object: "media/*" }] }, 0],
    ] as const;
    await get(PATH, MODERN_INIT);
    for (const [change, more] of changes) {
      const { s3 } = await calls();
      await get(PATH, MODERN_INIT, deploy(change));
      expect([change, (await calls()).s3]).toEqual([change, s3 + more]);
    }
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
    expect(stage.edgeRequests).toHaveLength(4); // AVIF twice: one of the two must not fall back to WebP
  });
});

describe("how long (W7, W8)", () => {
  test("five minutes fresh, then a week stale while S3 is asked, then a visitor waits (W8, W18)", async () => {
    expect(await seen()).toEqual([200, "miss", SHOWN]);
    wait(KEEP - 1);
    expect(await seen()).toEqual([200, "hit", SHOWN]);
    expect(await calls()).toEqual({ s3: 2, edge: 1 });
    wait(2);
    expect(await seen()).toEqual([200, "stale", SHOWN]);
    expect(await seen()).toEqual([200, "hit", SHOWN]);
    wait(KEEP + WEEK - 1);
    expect(await seen()).toEqual([200, "stale", SHOWN]);
    expect(await calls()).toEqual({ s3: 4, edge: 1 }); // an unchanged object is not made anew
    wait(KEEP + WEEK + 1);
    expect((await seen())[0]).toBe(200);
  });

  test("keep = 0: the gateway makes each rendition itself, and logs nothing of it", async () => {
    const env = deploy({ ANSWERS: { keep: 0 } });
    for (let times = 0; times < 3; times++) {
      expect((await seen(PATH, MODERN_INIT, env))[1]).toBe("direct");
    }
    expect(stage.cache.runs).toEqual([]);
    expect(await calls()).toEqual({ s3: 3, edge: 3 });
    expect(stage.logged).toEqual([]);
  });

  test("a missing object is kept for 60 s, and no longer, whatever is wrong then (A6, W8)", async () => {
    const missing = "/images/card/nothing.jpg";
    expect(await seen(missing)).toEqual([404, undefined, "public, max-age=60"]);
    wait(59);
    await seen(missing);
    expect(await calls()).toEqual({ s3: 1, edge: 0 });
    expect(lines().map(({ cache }) => cache)).toEqual(["miss", "hit"]);
    stage.s3.faults.add("InternalError");
    wait(2);
    expect((await seen(missing))[0]).toBe(502);
  });
});

describe("an outage is not seen for what was asked for within the week, and is in the log (W8)", () => {
  const { edge } = stage;
  type Outage = readonly [what: string, failure: string, begin: () => void, end: () => void];
  const fails = (fault: "InternalError" | "reset") => () => void stage.s3.faults.add(fault);
  const works = () => stage.s3.faults.clear();
  const set = (switches: Partial<typeof edge.switches>) => () =>
    void Object.assign(stage.edge.switches, switches);
  const setForNew = (switches: Partial<typeof edge.switches>) => () => {
    replace(); // an unchanged object needs no edge
    set(switches)();
  };
  const OFF = { transformations: false };
  const SPENT = { trouble: { code: 9422, status: 429 } } as const;
  const { accessKeyId, secretAccessKey } = CREDENTIALS;
  const live = () => void stage.s3.keys.set(accessKeyId, secretAccessKey);

  test.each<Outage>([
    ["S3 fails", "origin-failed", fails("InternalError"), works],
    ["S3 does not answer", "origin-failed", fails("reset"), works],
    ["all keys are dead", "slots-refused", () => stage.s3.keys.clear(), live],
    ["the quota is spent", "quota-spent", setForNew(SPENT), set({ trouble: undefined })],
    ["transformations are off", "not-transformed", setForNew(OFF), set({ transformations: true })],
  ])("%s: %s", async (_name, failure, begin, end) => {
    expect(await seen()).toEqual([200, "miss", SHOWN]);
    begin();
    for (const later of [KEEP + 1, DAY, 5 * DAY]) {
      wait(later);
      for (const place of DATA_CENTERS.slice(0, 3)) {
        expect(await seen(PATH, MODERN_INIT, undefined, place)).toEqual([200, "stale", SHOWN]);
      }
    }
    const reported = failures();
    expect(reported.map((line) => line["failure"])).toEqual([failure, failure, failure]);
    expect(reported[0]).toMatchObject({ bucket: "media", key: "published/key.jpg", times: 1 });
    expect(lines().filter(({ answered }) => answered !== undefined)).toEqual([]);
    end();
    wait(120);
    expect(await seen()).toEqual([200, "stale", SHOWN]);
    expect(await seen()).toEqual([200, "hit", SHOWN]);
  });
});

test("no header of the cache or of S3 leaves the Worker (R7, W7, W10, W11)", async () => {
  for (let times = 0; times < 2; times++) {
    const { headers } = await get(PATH, MODERN_INIT);
    const names = [...headers.keys()];
    for (const name of ["cache-tag", "cf-cache-status", "age", "last-modified"]) {
      expect(names).not.toContain(name);
    }
  }
});
