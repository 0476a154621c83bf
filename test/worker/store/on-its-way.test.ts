// A purge, while a run is on its way: what the run puts into the store after the purge, and when others see it.

import { beforeEach, describe, expect, test, vi } from "vitest";
import { cacheStatus } from "../../../src/cli/http/ask-picture.ts";
import type { R2, R2Fault } from "../../../src/emulator/r2/r2.ts";
import type { S3Fault } from "../../../src/emulator/s3/s3.ts";
import { stopTimers } from "../../support/clock.ts";
import {
  forgetCached,
  get,
  getAndSettle,
  MODERN,
  postPurge,
  settle,
  stage,
  wait,
} from "../../support/run-worker.ts";
import {
  deny,
  envWith,
  getAsBrowser,
  KEY,
  PATH,
  remove,
  replace,
  store,
  storedEntry,
  storedNames,
} from "../../support/worker-with-store.ts";

let env: object;
beforeEach(() => {
  env = envWith();
  vi.stubGlobal("scheduler", { wait: async (ms: number) => wait(ms / 1000) });
});

type Put = Parameters<R2["put"]>;

/** An isolate whose store calls `before` and `after` around each put. */
const envAround = (before: () => unknown, after: () => unknown = () => {}) =>
  envWith({
    RENDITIONS: {
      ...store,
      put: async (...args: Put) => {
        await before();
        const written = await store.put(...args);
        await after();
        return written;
      },
    },
  });

/** Has the edge keep the rendition: it cannot render while the timers stand. Nothing else keeps it. */
async function renderAtEdge(): Promise<void> {
  await getAsBrowser(env);
  store.objects.clear();
  forgetCached();
  wait(2);
}

const purge = async () => {
  const answer = await postPurge({ objects: [`media/${KEY}`] }, env);
  expect(answer.status).toBe(200);
  wait(2); // between two writes of a name (T3)
};

const replaceByAnother = () => replace("made/rotated-gps.jpg");

const CHANGES: readonly (readonly [what: string, change: () => void])[] = [
  ["replaced", replaceByAnother],
  ["deleted", remove],
  ["denied", deny],
];

describe.each(CHANGES)("the object is %s and purged", (_what, change) => {
  const changeAndPurge = async () => {
    change();
    await purge();
  };

  test.each([
    ["before the put", () => envAround(changeAndPurge)],
    ["after the put", () => envAround(() => {}, changeAndPurge)],
  ])("%s: the run leaves nothing, neither stored nor cached (W10)", async (_when, envOf) => {
    const before = await (await getAsBrowser(envOf())).bytes();
    expect(storedNames().length).toBe(0);

    stage.s3.faults.add("ServiceUnavailable");
    wait(60);
    const answer = await getAsBrowser(env);

    expect(answer.status).toBe(502);
    expect(await answer.bytes()).not.toEqual(before);
  });
});

/** S3 answers 404 with no code of S3, as a proxy does. */
function breakByProxy(): void {
  stage.s3.fetch = async () => new Response("not found", { status: 404 });
}

const failS3 = (fault: S3Fault) => () => void stage.s3.faults.add(fault);

test.each<[what: string, fail: () => void]>([
  ["is busy", failS3("SlowDown")],
  ["breaks off", failS3("reset")],
  ["does not know the key", failS3("revoked-key")],
  ["is hidden by a proxy that answers 404", breakByProxy],
])(
  "S3 %s when it is asked once more: nothing stays stored, and what is cached stays",
  async (_what, fail) => {
    const first = envAround(fail);
    const { status } = await getAsBrowser(first);
    expect(status).toBe(200);
    expect(storedNames().length).toBe(0);
    expect(cacheStatus((await getAsBrowser(first)).headers)).toBe("hit");
  },
);

test("S3 is silent when it is asked once more: nothing stays stored", async () => {
  await renderAtEdge();
  const finish = stopTimers();
  const { status } = await finish(get(PATH, { headers: MODERN }, envAround(failS3("stall")))).then(
    ({ value }) => value,
  );

  await finish(settle());
  expect(status).toBe(200);
  expect(storedNames().length).toBe(0);
});

test.each<R2Fault>(["throws-head", "throws-delete"])(
  "S3 is busy when it is asked once more, and the store has a fault, %s: it is tried again",
  async (fault) => {
    const first = envAround(() => {
      failS3("SlowDown")();
      store.faults.add(fault);
    });

    vi.stubGlobal("scheduler", {
      wait: async (ms: number) => {
        store.faults.delete(fault);
        wait(ms / 1000);
      },
    });

    await getAsBrowser(first);
    expect(storedNames().length).toBe(0);
  },
);

test("the very same object stays stored, and S3 is asked once more", async () => {
  await getAsBrowser(env);
  expect(storedNames().length).toBe(1);
  expect(stage.s3.requestsBy("worker")).toHaveLength(2);
});

test("a run that has to delete its own put leaves the newer one of another run", async () => {
  const first = envAround(
    () => {},
    () => {
      replaceByAnother();
      const [name, entry] = storedEntry();
      const customMetadata = { ...entry.customMetadata, etag: NEWER };
      store.objects.set(name, { ...entry, customMetadata });
    },
  );

  await getAsBrowser(first);
  expect(storedEntry()[1].customMetadata?.["etag"]).toBe(NEWER);
});

const NEWER = `"${"0".repeat(32)}"`;

describe("a put that takes very long", () => {
  /** An isolate whose put is written, or refused, after so many seconds. */
  function envWithSlowPut(seconds: number, meanwhile: () => void) {
    return envWith({
      RENDITIONS: {
        ...store,
        put: async (...args: Put) => {
          const timer = Promise.withResolvers<void>();
          setTimeout(timer.resolve, seconds * 1000);
          await timer.promise;
          meanwhile();
          return store.put(...args);
        },
      },
    });
  }

  test.each([
    ["7", 7],
    ["20", 20],
  ])(
    "lands after %s s: the object was replaced in between, and nothing stays",
    async (_s, seconds) => {
      await renderAtEdge();
      const finish = stopTimers();
      await finish(get(PATH, { headers: MODERN }, envWithSlowPut(seconds, replaceByAnother)));
      await finish(settle());
      expect(store.calls.some(({ method }) => method === "delete")).toBe(true);
      expect(storedNames().length).toBe(0);
    },
  );

  test("does not hold up Workers Cache: S3 is asked before it, and again after it", async () => {
    await renderAtEdge();
    const countQuestions = () => stage.s3.requestsBy("worker").length;
    const before = countQuestions();
    let whenItLands = 0;
    const slow = envWithSlowPut(20, () => {
      whenItLands = countQuestions();
    });
    const finish = stopTimers();

    await finish(get(PATH, { headers: MODERN }, slow));
    await finish(settle());
    expect(whenItLands - before).toBe(2);
    expect(countQuestions() - before).toBe(3);
    expect(storedNames().length).toBe(1); // the object is the very same
  });
});

describe("an entry that its writer may not have confirmed", () => {
  test.each([
    [0, 502],
    [13, 502],
    [16, 200],
  ])("is shown in an outage only later: after %i s, %i", async (seconds, status) => {
    await getAsBrowser(env);
    forgetCached();
    failS3("ServiceUnavailable")();
    wait(seconds);
    expect((await getAsBrowser(env)).status).toBe(status);
  });

  test("is shown at once while S3 answers", async () => {
    await getAsBrowser(env);
    forgetCached();
    expect(cacheStatus((await getAsBrowser(env)).headers)).toBe("stored");
  });
});

test.each<[what: string, fail: () => void]>([
  ["in an outage", failS3("ServiceUnavailable")],
  ["while S3 answers", () => {}],
])(
  "a stored picture is shown %s, and purged before the answer reaches Workers Cache",
  async (_what, fail) => {
    await getAsBrowser(env);
    forgetCached();
    wait(60);
    fail();

    // The purge comes when the run has read its entry.
    let isPurged = false;
    const racing = envWith({
      RENDITIONS: {
        ...store,
        get: async (name: string) => {
          const entry = await store.get(name);
          if (!isPurged) {
            isPurged = true;
            await purge();
          }
          return entry;
        },
      },
    });

    expect((await getAndSettle(PATH, { headers: MODERN }, racing)).status).toBe(200);

    const { runs } = stage.cache;
    const before = runs.length;
    await getAndSettle(PATH, { headers: MODERN }, racing);

    expect(runs.length).toBeGreaterThan(before);
  },
);
