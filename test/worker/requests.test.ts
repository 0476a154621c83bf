// The number of requests to S3 and to the engine for a visit: S3 gets one for the object's first bytes each time, and one
// more after a new rendition that is cached; the engine gets one only where something is to be rendered.

import { HttpResponse, http } from "msw";
import { describe, expect, test, vi } from "vitest";
import type { R2 } from "../../src/emulator/r2/r2.ts";
import { stopTimers } from "../support/clock.ts";
import { file, network } from "../support/emulators.ts";
import { envOf } from "../support/engines.ts";
import { CREDENTIALS, NEXT, NEXT_CREDENTIALS, VARS } from "../support/env.ts";
import { answerOf, KEYLESS, SESSION } from "../support/issuer.ts";
import {
  get,
  lines,
  MODERN,
  stage,
  stopDates,
  getAndSettle as visitWorker,
  wait,
} from "../support/run-worker.ts";

const ENGINES = ["cf", "binding", "R2", "role"] as const;
type Engine = (typeof ENGINES)[number];

const KEEP = 300;
const ROUTES = [
  { path: "/images/:preset/*", object: "media/*", facts: true },
  { path: "/fallback/:preset/*", object: "media/*", fallback: "media/key.jpg" },
];
const SVG = { path: "/icons/:preset/*", object: "media/icons/*", svg: true };

/** A visitor's request, its status, and the number of requests for first bytes of an object and for a rendition. */
type Row = readonly [path: string, status: number, opened: number, rendered: number, RequestInit?];
/** What happens between two requests. */
type Change = () => void;
type Rows = Readonly<Record<string, readonly (Row | Change)[]>>;

let env: object;

function arrangeEngine(engine: Engine, change: object = {}): void {
  const routes = engine === "cf" ? [...ROUTES, SVG] : ROUTES;
  const vars = { ROUTES: routes, ANSWERS: { ...VARS.ANSWERS, keep: KEEP }, ...change };
  vi.spyOn(stage.edge.images, "input");

  if (engine !== "role") {
    env = envOf(engine, vars);
    return;
  }

  env = { ...KEYLESS, IMAGES: stage.edge.images, ...vars };
  const { accessKeyId, sessionToken, secretAccessKey } = SESSION;

  network.use(
    http.post("https://sts.eu-west-1.amazonaws.com/", () => {
      const expires = Date.now() + 3_600_000;
      stage.sessions.set(accessKeyId, { secretAccessKey, sessionToken, expires });
      return new HttpResponse(answerOf(expires));
    }),
  );
}

/** The requests to S3 or R2 for first bytes, and to an engine for a rendition. */
function counts(): [opened: number, rendered: number] {
  const r2: R2 | undefined = Object(env).MEDIA_BUCKET;
  const calls = vi.mocked(fetch).mock.calls.map(([input, init]) => new Request(input, init));
  const opened = calls.filter(({ headers }) => headers.has("range")).length;
  const inR2 = r2?.calls.filter((call) => "range" in call).length ?? 0;
  const byBinding = vi.mocked(stage.edge.images.input).mock.calls.length;
  return [opened + inR2, stage.edgeRequests.length + byBinding];
}

async function checkVisit([path, status, opened, rendered, init]: Row): Promise<Response> {
  const [openedBefore, renderedBefore] = counts();
  const answer = await visitWorker(path, init ?? { headers: MODERN }, env);
  const [openedNow, renderedNow] = counts();
  const numbers = [answer.status, openedNow - openedBefore, renderedNow - renderedBefore];
  expect([path, ...numbers]).toEqual([path, status, opened, rendered]);
  return answer;
}

async function checkSteps(steps: Rows[string]): Promise<void> {
  for (const step of steps) {
    if (typeof step === "function") step();
    else await checkVisit(step);
  }
}

stopDates();

const FIRST = ["/images/card/key.jpg", 200, 2, 1] as const;
const PLAIN = ["/images/plain/key.jpg", 200, 2, 1] as const;
const after = (seconds: number) => () => wait(seconds);

const ALL: Rows = {
  "a first picture, and while it is fresh": [FIRST, ["/images/card/key.jpg", 200, 0, 0]],
  "another variant": [FIRST, ["/images/card@2x/key.jpg", 200, 2, 1]],
  "another format": [FIRST, ["/images/card/key.jpg", 200, 2, 1, { headers: { accept: "*/*" } }]],
  "an unchanged object, each time that it is not fresh (W18)": [
    FIRST,
    after(KEEP + 1),
    ["/images/card/key.jpg", 200, 2, 0],
    ["/images/card/key.jpg", 200, 0, 0],
    after(KEEP + 1),
    ["/images/card/key.jpg", 200, 2, 0],
  ],
  "a missing object": [
    ["/images/card/nothing.jpg", 404, 1, 0],
    ["/images/card/nothing.jpg", 404, 0, 0],
    after(61),
    ["/images/card/nothing.jpg", 404, 1, 0],
  ],
  "an object that is certainly no image": [
    ["/images/card/broken/page.jpg", 415, 1, 0],
    ["/images/card/broken/page.jpg", 415, 0, 0],
  ],
  "an empty object": [["/images/card/broken/empty.jpg", 415, 1, 0]],
  "a HEAD": [["/images/card/key.jpg", 200, 2, 1, { method: "HEAD", headers: MODERN }]],
  "an animation": [["/images/moving/animated.gif", 200, 2, 1]],
  "facts, and those of an unchanged object": [
    ["/images/card/key.jpg?facts", 200, 2, 1],
    ["/images/card/key.jpg?facts", 200, 0, 0],
    after(KEEP + 1),
    ["/images/card/key.jpg?facts", 200, 2, 0],
  ],
  "the facts of a missing object": [["/images/card/nothing.jpg?facts", 404, 1, 0]],
  "a fallback, and once more": [
    ["/fallback/card/nothing.jpg", 404, 3, 1],
    ["/fallback/card/other.jpg", 404, 1, 0],
    ["/fallback/card/nothing.jpg", 404, 0, 0],
  ],
};

const ONLY_CF: Rows = {
  "an SVG, and an unchanged one": [
    () => stage.s3.objects.set("published/icons/a.svg", SVG_OBJECT),
    ["/icons/card/a.svg", 200, 2, 1],
    after(KEEP + 1),
    ["/icons/card/a.svg", 200, 2, 0],
  ],
  "an edge that contradicts S3 once": [
    () => {
      stage.beforeEdgeRequest = (times) => {
        stage.edge.switches.failure = times === 0 ? { code: 9404, status: 404 } : undefined;
      };
    },
    ["/images/card/key.jpg", 200, 3, 2],
  ],
  "an edge that contradicts S3 twice: nothing is cached": [
    () => (stage.edge.switches.failure = { code: 9404, status: 404 }),
    ["/images/card/key.jpg", 502, 2, 2],
    () => expect(lines()).toMatchObject([{ event: "edge-contradicts", answered: 502 }]),
    () => (stage.edge.switches.failure = undefined),
    FIRST,
  ],
};
const SVG_OBJECT = { body: file("broken/script.svg"), type: "image/svg+xml" };

const denied = () => stage.s3.faults.add("no-list-bucket");

const ONLY_S3: Rows = {
  "a denied object": [denied, ["/images/card/nothing.jpg", 404, 1, 0]],
  "an archived object": [
    () => stage.s3.faults.add("archived"),
    ["/images/card/key.jpg", 404, 1, 0],
  ],
};

const TWO_SLOTS: Rows = {
  "a missing object": [["/images/card/nothing.jpg", 404, 1, 0]],
  "an object that both deny": [denied, ["/images/card/nothing.jpg", 404, 2, 0]],
  "a refused slot, which comes last for a minute": [
    () => stage.s3.keys.delete(CREDENTIALS.accessKeyId),
    ["/images/card/key.jpg", 200, 3, 1],
    PLAIN,
    after(61),
    ["/images/tall/key.jpg", 200, 3, 1],
  ],
};

const faultsOf = (engine: Engine): Set<string> =>
  engine === "R2" ? Object(env).MEDIA_BUCKET.faults : stage.s3.faults;

const rowsOf = (rows: Rows) => Object.entries(rows);

describe.each(ENGINES)("with %s,", (engine) => {
  test.each(rowsOf(ALL))("%s", async (_what, steps) => {
    arrangeEngine(engine);
    await checkSteps(steps);
  });

  test("without a cache, a visitor who has the picture", async () => {
    arrangeEngine(engine, { ANSWERS: { ...VARS.ANSWERS, keep: 0 } });
    const first = await checkVisit(["/images/card/key.jpg", 200, 1, 1]); // nothing is cached
    const etag = first.headers.get("etag") ?? "";
    await checkVisit([FIRST[0], 304, 1, 0, { headers: { ...MODERN, "if-none-match": etag } }]);
  });

  test("an origin that is busy once gets a second request, unless there is something to show (A9)", async () => {
    arrangeEngine(engine);
    const faults = faultsOf(engine);
    const busy = engine === "R2" ? "throws" : "SlowDown";
    vi.stubGlobal("scheduler", { wait: async () => faults.clear() });
    faults.add(busy);

    await checkVisit(["/images/card/key.jpg", 200, 3, 1]);

    wait(KEEP + 1);
    faults.add(busy);
    await checkVisit(["/images/card/key.jpg", 200, 1, 0]);
  });

  test("an origin that is silent is waited for five seconds", async () => {
    arrangeEngine(engine);
    await checkVisit(FIRST); // a role has its session

    const faults = faultsOf(engine);
    faults.add("stall");
    const finish = stopTimers();
    const [openedBefore, renderedBefore] = counts();

    const { value, took } = await finish(get(PLAIN[0], { headers: MODERN }, env));
    expect([value.status, took]).toEqual([504, 5_000]);
    expect(counts()).toEqual([openedBefore + 1, renderedBefore]);
    expect(lines()).toMatchObject([{ event: "timed-out" }]);
  });
});

describe("with cf,", () => {
  test.each(rowsOf(ONLY_CF))("%s", async (_what, steps) => {
    arrangeEngine("cf");
    await checkSteps(steps);
  });
});

describe.each(["cf", "binding"] as const)("with %s and S3,", (engine) => {
  test.each(rowsOf(ONLY_S3))("%s", async (_what, steps) => {
    arrangeEngine(engine);
    await checkSteps(steps);
  });

  test.each(rowsOf(TWO_SLOTS))("with two slots, %s (A7)", async (_what, steps) => {
    stage.s3.keys.set(NEXT_CREDENTIALS.accessKeyId, NEXT_CREDENTIALS.secretAccessKey);
    arrangeEngine(engine, NEXT);
    await checkSteps(steps);
  });
});

test("with a role, a session that S3 refuses is renewed once", async () => {
  arrangeEngine("role");
  const expire = () => {
    wait(61);
    stage.sessions.clear();
  };
  await checkSteps([FIRST, expire, ["/images/plain/key.jpg", 200, 3, 1]]);
});
