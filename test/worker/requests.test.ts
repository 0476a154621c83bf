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
import { get, getAndSettle, lines, MODERN, stage, stopDates, wait } from "../support/run-worker.ts";

const ENGINES = ["cf", "binding", "R2", "role"] as const;
type Engine = (typeof ENGINES)[number];

const KEEP_S = 300;
const ROUTES = [
  { path: "/images/:preset/*", object: "media/*", facts: true },
  { path: "/fallback/:preset/*", object: "media/*", fallback: "media/key.jpg" },
];
const SVG_ROUTE = { path: "/icons/:preset/*", object: "media/icons/*", svg: true };

/** A request of a visitor, and what must be seen. */
type ExpectedVisit = {
  readonly path: string;
  /** Without it, a GET of a modern browser. */
  readonly init?: RequestInit;
  readonly status: number;
  /** The requests to S3 or R2 for the first bytes of an object. */
  readonly opened: number;
  /** The requests to an engine for a rendition. */
  readonly rendered: number;
};

/** What happens between two visits. */
type Change = () => void;

/** What a visitor does and what happens meanwhile, by the title of the test. */
type Stories = Readonly<Record<string, readonly (ExpectedVisit | Change)[]>>;

/** Sets up an engine. @returns the `env` of a Worker with it */
function arrangeEngine(engine: Engine, change: object = {}): object {
  const routes = engine === "cf" ? [...ROUTES, SVG_ROUTE] : ROUTES;
  const vars = { ROUTES: routes, ANSWERS: { ...VARS.ANSWERS, keep: KEEP_S }, ...change };
  vi.spyOn(stage.edge.images, "input");

  if (engine !== "role") return envOf(engine, vars);

  network.use(http.post("https://sts.eu-west-1.amazonaws.com/", openSession));
  return { ...KEYLESS, IMAGES: stage.edge.images, ...vars };
}

/** Answers as STS: opens a session of an hour, which S3 then accepts. */
function openSession(): HttpResponse<string> {
  const { accessKeyId, sessionToken, secretAccessKey } = SESSION;
  const expires = Date.now() + 3_600_000;

  stage.sessions.set(accessKeyId, { secretAccessKey, sessionToken, expires });
  return new HttpResponse(answerOf(expires));
}

/** Counts the requests for first bytes of an object and those for a rendition, since the test began. */
function countRequests(env: object) {
  const fetches = vi.mocked(fetch).mock.calls.map(([input, init]) => new Request(input, init));
  const inS3 = fetches.filter(({ headers }) => headers.has("range"));

  const r2: R2 | undefined = Object(env).MEDIA_BUCKET;
  const r2Calls = r2 === undefined ? [] : r2.calls;
  const inR2 = r2Calls.filter((call) => "range" in call);

  const byBinding = vi.mocked(stage.edge.images.input).mock.calls;
  return {
    opened: inS3.length + inR2.length,
    rendered: stage.edgeRequests.length + byBinding.length,
  };
}

async function checkVisit(env: object, visit: ExpectedVisit): Promise<Response> {
  const { path, init = { headers: MODERN }, status, opened, rendered } = visit;
  const before = countRequests(env);

  const answer = await getAndSettle(path, init, env);

  const now = countRequests(env);
  expect(answer.status, path).toBe(status);
  expect(now.opened - before.opened, `${path}: opened`).toBe(opened);
  expect(now.rendered - before.rendered, `${path}: rendered`).toBe(rendered);

  return answer;
}

async function checkStory(env: object, steps: Stories[string]): Promise<void> {
  for (const step of steps) {
    if (typeof step === "function") step();
    else await checkVisit(env, step);
  }
}

stopDates();

const CARD = "/images/card/key.jpg";
const CARD_2X = "/images/card@2x/key.jpg";
const FACTS = "/images/card/key.jpg?facts";
const PLAIN = "/images/plain/key.jpg";
const MISSING = "/images/card/nothing.jpg";
const PAGE = "/images/card/broken/page.jpg";
const EMPTY = "/images/card/broken/empty.jpg";
const ICON = "/icons/card/a.svg";

const OLD_BROWSER: RequestInit = { headers: { accept: "*/*" } };
const HEAD: RequestInit = { method: "HEAD", headers: MODERN };

/** The first request for a picture. S3 gets one request for its first bytes, and one after it was cached. */
const FIRST: ExpectedVisit = { path: CARD, status: 200, opened: 2, rendered: 1 };

const afterKeep = () => wait(KEEP_S + 1);
const afterAMinute = () => wait(61);

const ALL: Stories = {
  "a first picture, and while it is fresh": [
    FIRST,
    { path: CARD, status: 200, opened: 0, rendered: 0 },
  ],
  "another variant": [FIRST, { path: CARD_2X, status: 200, opened: 2, rendered: 1 }],
  "another format": [FIRST, { path: CARD, init: OLD_BROWSER, status: 200, opened: 2, rendered: 1 }],
  "an unchanged object, each time that it is not fresh (W18)": [
    FIRST,
    afterKeep,
    { path: CARD, status: 200, opened: 2, rendered: 0 },
    { path: CARD, status: 200, opened: 0, rendered: 0 },
    afterKeep,
    { path: CARD, status: 200, opened: 2, rendered: 0 },
  ],
  "a missing object": [
    { path: MISSING, status: 404, opened: 1, rendered: 0 },
    { path: MISSING, status: 404, opened: 0, rendered: 0 },
    afterAMinute,
    { path: MISSING, status: 404, opened: 1, rendered: 0 },
  ],
  "an object that is certainly no image": [
    { path: PAGE, status: 415, opened: 1, rendered: 0 },
    { path: PAGE, status: 415, opened: 0, rendered: 0 },
  ],
  "an empty object": [{ path: EMPTY, status: 415, opened: 1, rendered: 0 }],
  "a HEAD": [{ path: CARD, init: HEAD, status: 200, opened: 2, rendered: 1 }],
  "an animation": [{ path: "/images/moving/animated.gif", status: 200, opened: 2, rendered: 1 }],
  "facts, and those of an unchanged object": [
    { path: FACTS, status: 200, opened: 2, rendered: 1 },
    { path: FACTS, status: 200, opened: 0, rendered: 0 },
    afterKeep,
    { path: FACTS, status: 200, opened: 2, rendered: 0 },
  ],
  "the facts of a missing object": [
    { path: `${MISSING}?facts`, status: 404, opened: 1, rendered: 0 },
  ],
  "a fallback, and once more": [
    { path: "/fallback/card/nothing.jpg", status: 404, opened: 3, rendered: 1 },
    { path: "/fallback/card/other.jpg", status: 404, opened: 1, rendered: 0 },
    { path: "/fallback/card/nothing.jpg", status: 404, opened: 0, rendered: 0 },
  ],
};

const SVG_OBJECT = { body: file("broken/script.svg"), type: "image/svg+xml" };

const NOT_THERE = { code: 9404, status: 404 };

function contradictOnce(): void {
  stage.beforeEdgeRequest = (times) => {
    stage.edge.switches.failure = times === 0 ? NOT_THERE : undefined;
  };
}

const ONLY_CF: Stories = {
  "an SVG, and an unchanged one": [
    () => stage.s3.objects.set("published/icons/a.svg", SVG_OBJECT),
    { path: ICON, status: 200, opened: 2, rendered: 1 },
    afterKeep,
    { path: ICON, status: 200, opened: 2, rendered: 0 },
  ],
  "an edge that contradicts S3 once": [
    contradictOnce,
    { path: CARD, status: 200, opened: 3, rendered: 2 },
  ],
  "an edge that contradicts S3 twice: nothing is cached": [
    () => (stage.edge.switches.failure = NOT_THERE),
    { path: CARD, status: 502, opened: 2, rendered: 2 },
    () => expect(lines()).toMatchObject([{ event: "edge-contradicts", answered: 502 }]),
    () => (stage.edge.switches.failure = undefined),
    FIRST,
  ],
};

const denyMissing = () => stage.s3.faults.add("no-list-bucket");

const ONLY_S3: Stories = {
  "a denied object": [denyMissing, { path: MISSING, status: 404, opened: 1, rendered: 0 }],
  "an archived object": [
    () => stage.s3.faults.add("archived"),
    { path: CARD, status: 404, opened: 1, rendered: 0 },
  ],
};

const TWO_SLOTS: Stories = {
  "a missing object": [{ path: MISSING, status: 404, opened: 1, rendered: 0 }],
  "an object that both deny": [denyMissing, { path: MISSING, status: 404, opened: 2, rendered: 0 }],
  "a refused slot, which comes last for a minute": [
    () => stage.s3.keys.delete(CREDENTIALS.accessKeyId),
    { path: CARD, status: 200, opened: 3, rendered: 1 },
    { path: PLAIN, status: 200, opened: 2, rendered: 1 },
    afterAMinute,
    { path: "/images/tall/key.jpg", status: 200, opened: 3, rendered: 1 },
  ],
};

/** The faults of the bucket that the engine opens. */
function faultsOf(engine: Engine, env: object): Set<string> {
  return engine === "R2" ? Object(env).MEDIA_BUCKET.faults : stage.s3.faults;
}

describe.each(ENGINES)("with %s,", (engine) => {
  test.each(Object.entries(ALL))("%s", async (_title, steps) => {
    const env = arrangeEngine(engine);

    await checkStory(env, steps);
  });

  test("without a cache, a visitor who has the picture", async () => {
    const env = arrangeEngine(engine, { ANSWERS: { ...VARS.ANSWERS, keep: 0 } });
    const visit = { path: CARD, opened: 1 }; // nothing is cached, so nothing is asked afterwards

    const first = await checkVisit(env, { ...visit, status: 200, rendered: 1 });
    const etag = first.headers.get("etag") ?? "";
    const headers = { ...MODERN, "if-none-match": etag };

    await checkVisit(env, { ...visit, init: { headers }, status: 304, rendered: 0 });
  });

  test("an origin that is busy once gets a second request, unless there is something to show (A9)", async () => {
    const env = arrangeEngine(engine);
    const faults = faultsOf(engine, env);
    const busy = engine === "R2" ? "throws" : "SlowDown";
    vi.stubGlobal("scheduler", { wait: async () => faults.clear() }); // before the second request

    faults.add(busy);
    await checkVisit(env, { path: CARD, status: 200, opened: 3, rendered: 1 });

    afterKeep();
    faults.add(busy);

    await checkVisit(env, { path: CARD, status: 200, opened: 1, rendered: 0 });
  });

  test("an origin that is silent is waited for five seconds", async () => {
    const env = arrangeEngine(engine);
    await checkVisit(env, FIRST); // a role has its session

    faultsOf(engine, env).add("stall");
    const before = countRequests(env);

    const finish = stopTimers();
    const { value, took } = await finish(get(PLAIN, { headers: MODERN }, env));

    expect(value.status).toBe(504);
    expect(took).toBe(5_000);
    expect(countRequests(env)).toEqual({ ...before, opened: before.opened + 1 });
    expect(lines()).toMatchObject([{ event: "timed-out" }]);
  });
});

describe("with cf,", () => {
  test.each(Object.entries(ONLY_CF))("%s", async (_title, steps) => {
    const env = arrangeEngine("cf");

    await checkStory(env, steps);
  });
});

describe.each(["cf", "binding"] as const)("with %s and S3,", (engine) => {
  test.each(Object.entries(ONLY_S3))("%s", async (_title, steps) => {
    const env = arrangeEngine(engine);

    await checkStory(env, steps);
  });

  test.each(Object.entries(TWO_SLOTS))("with two slots, %s (A7)", async (_title, steps) => {
    stage.s3.keys.set(NEXT_CREDENTIALS.accessKeyId, NEXT_CREDENTIALS.secretAccessKey);
    const env = arrangeEngine(engine, NEXT);

    await checkStory(env, steps);
  });
});

test("with a role, a session that S3 refuses is renewed once", async () => {
  const env = arrangeEngine("role");
  await checkVisit(env, FIRST);

  wait(61);
  stage.sessions.clear();

  await checkVisit(env, { path: PLAIN, status: 200, opened: 3, rendered: 1 });
});
