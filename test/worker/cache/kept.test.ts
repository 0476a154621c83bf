// The whole Worker with Workers Cache in front of its cached entrypoint: what is cached, for how long, and what visitors
// see while nothing can be rendered.

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

/** The status, where the picture came from, and for how long the browser may cache it. */
async function requestPicture(
  path = PATH,
  init: RequestInit = MODERN_INIT,
  env?: object,
  city?: string,
) {
  const { status, headers } = await getAndSettle(path, init, env, city);
  return [status, cacheStatus(headers), headers.get("cache-control")] as const;
}
const MODERN_INIT = { headers: MODERN };
const CACHING = "public, max-age=600";

/** The requests to S3 by the Worker, with the check after each new rendition, and to the edge. */
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

  test("visitors who accept other formats get others, whoever comes first (W14, O6)", async () => {
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
    expect(await requestPicture()).toEqual([200, "miss", CACHING]);

    wait(KEEP - 1);
    expect(await requestPicture()).toEqual([200, "hit", CACHING]);
    expect(await calls()).toEqual({ s3: 2, edge: 1 });

    wait(2);
    expect(await requestPicture()).toEqual([200, "stale", CACHING]);
    expect(await requestPicture()).toEqual([200, "hit", CACHING]);

    wait(KEEP + WEEK - 1);
    expect(await requestPicture()).toEqual([200, "stale", CACHING]);
    expect(await calls()).toEqual({ s3: 6, edge: 1 }); // an unchanged object is not rendered again

    wait(KEEP + WEEK + 1);
    expect((await requestPicture())[0]).toBe(200);
  });

  test("keep = 0: the gateway renders each time itself, and logs nothing of it", async () => {
    const env = deploy({ ANSWERS: { keep: 0 } });
    for (let times = 0; times < 3; times++) {
      expect((await requestPicture(PATH, MODERN_INIT, env))[1]).toBe("direct");
    }
    expect(stage.cache.runs).toEqual([]);
    expect(await calls()).toEqual({ s3: 3, edge: 3 });
    expect(stage.logged).toEqual([]);
  });

  test("a missing object is cached for 60 s, and no longer, whatever fails then (A6, W8)", async () => {
    const missing = "/images/card/nothing.jpg";
    expect(await requestPicture(missing)).toEqual([404, undefined, "public, max-age=60"]);

    wait(59);
    await requestPicture(missing);
    expect(await calls()).toEqual({ s3: 1, edge: 0 });
    expect(lines().map(({ cache }) => cache)).toEqual(["miss", "hit"]);

    stage.s3.faults.add("InternalError");
    wait(2);
    expect((await requestPicture(missing))[0]).toBe(502);
  });
});

describe("an outage is logged, and not visible for pictures of the last week (W8)", () => {
  const { edge } = stage;

  type Outage = readonly [what: string, failure: string, begin: () => void, recover: () => void];

  const fails = (fault: "InternalError" | "reset") => () => void stage.s3.faults.add(fault);
  const works = () => stage.s3.faults.clear();
  const set = (switches: Partial<typeof edge.switches>) => () =>
    void Object.assign(stage.edge.switches, switches);
  const setForNew = (switches: Partial<typeof edge.switches>) => () => {
    replace(); // an unchanged object needs no edge
    set(switches)();
  };
  const SPENT = { failure: { code: 9422, status: 429 } } as const;
  const { accessKeyId, secretAccessKey } = CREDENTIALS;
  const live = () => void stage.s3.keys.set(accessKeyId, secretAccessKey);

  test.each<Outage>([
    ["S3 fails", "origin-failed", fails("InternalError"), works],
    ["S3 does not answer", "origin-failed", fails("reset"), works],
    ["all keys are dead", "slots-refused", () => stage.s3.keys.clear(), live],
    ["the quota is spent", "quota-spent", setForNew(SPENT), set({ failure: undefined })],
  ])("%s: %s", async (_name, failure, begin, recover) => {
    expect(await requestPicture()).toEqual([200, "miss", CACHING]);

    begin();
    for (const later of [KEEP + 1, DAY, 5 * DAY]) {
      wait(later);
      for (const city of DATA_CENTERS.slice(0, 3)) {
        expect(await requestPicture(PATH, MODERN_INIT, undefined, city)).toEqual([
          200,
          "stale",
          CACHING,
        ]);
      }
    }

    const reported = failures();
    expect(reported.map((line) => line["failure"])).toEqual([failure, failure, failure]);
    expect(reported[0]).toMatchObject({ bucket: "media", key: "published/key.jpg", times: 1 });
    expect(lines().filter(({ answered }) => answered !== undefined)).toEqual([]);

    recover();
    wait(120);
    expect(await requestPicture()).toEqual([200, "stale", CACHING]);
    expect(await requestPicture()).toEqual([200, "hit", CACHING]);
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
