// What takes a picture down: each answer of S3 about its object is either an outage, which an older picture bridges, or
// S3's word, which ends it in Workers Cache and in the store alike, whatever the other key of the bucket gets. And one
// object for which S3 hangs, or whose key S3 finds odd, speaks for no other.

import { HttpResponse, http } from "msw";
import { describe, expect, test, vi } from "vitest";
import { stopTimers } from "../support/clock.ts";
import { network } from "../support/emulators.ts";
import { BUCKET_URL, CREDENTIALS, NEXT, NEXT_CREDENTIALS } from "../support/env.ts";
import {
  failures,
  forgetCached,
  get,
  lines,
  MODERN,
  put,
  stage,
  wait,
} from "../support/run-worker.ts";
import {
  ANSWERS,
  envWith,
  getAsBrowser,
  KEY,
  PATH,
  replace,
  store,
} from "../support/worker-with-store.ts";

/** The status for visitors where an answer of S3 ends the older picture. An outage does not. */
type Meaning = "outage" | 404 | 415 | 502;

type Row = {
  /** 0: the connection breaks. */
  readonly status: number;
  readonly code?: string;
  readonly region?: string;
  readonly means: Meaning;
  /** Whether the next key is tried: it may get the object. */
  readonly leadsOn?: true;
};

const ROWS: readonly Row[] = [
  // S3's word about the object.
  { status: 404, code: "NoSuchKey", means: 404 },
  { status: 404, means: 404 },
  { status: 403, code: "AccessDenied", means: 404, leadsOn: true },
  { status: 403, code: "AccountProblem", means: 404, leadsOn: true },
  { status: 403, code: "Forbidden", region: "eu-central-1", means: 404, leadsOn: true },
  { status: 403, means: 404, leadsOn: true },
  { status: 403, code: "InvalidObjectState", means: 404 },
  { status: 405, code: "MethodNotAllowed", means: 404 },
  { status: 405, means: 404 },
  { status: 410, means: 404 },
  { status: 451, code: "UnavailableForLegalReasons", means: 404 },
  { status: 400, code: "KMS.DisabledException", means: 404, leadsOn: true },
  { status: 403, code: "KMS.NotFoundException", means: 404, leadsOn: true },
  { status: 500, code: "KMS.KMSInvalidStateException", means: 404, leadsOn: true },
  { status: 400, code: "KeyTooLongError", means: 404 },
  { status: 400, code: "XMinioInvalidObjectName", means: 404 },
  { status: 404, code: "NoSuchBucket", means: 502, leadsOn: true },
  { status: 400, code: "InvalidRequest", means: 502, leadsOn: true },
  { status: 409, code: "OperationAborted", means: 502, leadsOn: true },

  // An outage.
  { status: 0, means: "outage" },
  { status: 500, code: "InternalError", means: "outage" },
  { status: 503, code: "SlowDown", means: "outage" },
  { status: 429, means: "outage" },
  { status: 408, means: "outage" },
  { status: 504, means: "outage" },
  { status: 400, code: "KMS.ThrottlingException", means: "outage" },
  { status: 302, means: "outage" },
  { status: 301, code: "PermanentRedirect", region: "eu-central-1", means: "outage" },
  { status: 400, code: "AuthorizationHeaderMalformed", region: "eu-central-1", means: "outage" },
  { status: 400, code: "IllegalLocationConstraint", region: "eu-central-1", means: "outage" },
  { status: 403, code: "RequestTimeTooSkewed", means: "outage" },

  // Slots' codes: an outage if every slot gets one.
  { status: 403, code: "InvalidAccessKeyId", means: "outage", leadsOn: true },
  { status: 403, code: "SignatureDoesNotMatch", means: "outage", leadsOn: true },
  { status: 400, code: "ExpiredToken", means: "outage", leadsOn: true },
  { status: 401, code: "Unauthorized", means: "outage", leadsOn: true },
  { status: 400, code: "InvalidArgument", means: "outage", leadsOn: true },
];

/** What S3 answers to the key that the row is about. */
function answerOf({ status, code, region }: Row): Response {
  if (status === 0) return HttpResponse.error();

  const xml = code && `<Error><Code>${code}</Code></Error>`;
  const headers = region && { "x-amz-bucket-region": region };
  return new HttpResponse(xml, { status, ...(headers && { headers }) });
}

/** From now on, S3 answers for the object so to one key alone, or to all keys. */
function answerFor(url: string, answer: () => Response | Promise<Response>, keyId?: string): void {
  network.use(
    http.get(url, ({ request }) => {
      const authorization = request.headers.get("authorization") ?? "";
      const isMeant = keyId === undefined || authorization.includes(`=${keyId}/`);
      return isMeant ? answer() : undefined; // the next handler is the S3 of the stage
    }),
  );
}

const OBJECT_URL = `${BUCKET_URL}published/${KEY}`;

/** How the keys of the bucket stand. The answer is for the key in the slot `current`, or in `next`. */
const SLOTS = {
  "the only key": { isNext: false, other: undefined },
  "one key, while the other one is dead": { isNext: false, other: "dead" },
  "the next key, while the current one is dead": { isNext: true, other: "dead" },
  "one key, while the other one is good": { isNext: false, other: "good" },
} as const;

type Slots = keyof typeof SLOTS;

/** The key that gets the answer. */
function keyIdOf(slots: Slots): string {
  return SLOTS[slots].isNext ? NEXT_CREDENTIALS.accessKeyId : CREDENTIALS.accessKeyId;
}

/** Puts the keys into S3 and into the slots. */
function slotsEnv(slots: Slots): object {
  const { isNext, other } = SLOTS[slots];
  const isNextGood = isNext || other === "good";
  const { keys } = stage.s3;
  if (isNextGood) keys.set(NEXT_CREDENTIALS.accessKeyId, NEXT_CREDENTIALS.secretAccessKey);
  if (isNext) keys.delete(CREDENTIALS.accessKeyId);
  return other === undefined ? {} : NEXT;
}

const { store: _store, ...WITHOUT_STORE } = ANSWERS;

/** What a visitor is to get while there is an older picture. */
function expected({ means, leadsOn }: Row, slots: Slots): number {
  const isOpened = SLOTS[slots].other === "good" && leadsOn === true;
  return isOpened || means === "outage" ? 200 : means;
}

const CASES = ROWS.flatMap((row) => {
  const text = `${row.status || "reset"} ${row.code ?? ""}`.trim();
  const arrangements = Object.keys(SLOTS) as Slots[];
  return arrangements.map((slots) => [text, slots, expected(row, slots), row] as const);
});

const fresh = ANSWERS.keep + 1; // s: then a picture of Workers Cache is stale

describe("S3 answers", () => {
  test.each(CASES)(
    "%s to %s: where Workers Cache has an older picture, a visitor gets %d (A6, A7, W8)",
    async (_text, slots, status, row) => {
      const env = envWith({ ...slotsEnv(slots), ANSWERS: WITHOUT_STORE });
      expect((await getAsBrowser(env)).status).toBe(200);

      answerFor(OBJECT_URL, () => answerOf(row), keyIdOf(slots));
      wait(fresh);
      await getAsBrowser(env); // is shown the stale picture once more, while S3 is asked
      wait(2);

      expect((await getAsBrowser(env)).status).toBe(status);

      wait(86_400);
      expect((await getAsBrowser(env)).status).toBe(status);
    },
  );

  test.each(CASES)(
    "%s to %s: where the store has an older picture, a visitor gets %d (A6, A7)",
    async (_text, slots, status, row) => {
      const env = envWith(slotsEnv(slots));
      expect((await getAsBrowser(env)).status).toBe(200);
      answerFor(OBJECT_URL, () => answerOf(row), keyIdOf(slots));
      wait(fresh);
      forgetCached();
      expect((await getAsBrowser(env)).status).toBe(status);
    },
  );
});

test("what an outage showed out of the store is not shown once S3 denies it by a proxy's 403 (W8)", async () => {
  const env = envWith();
  await getAsBrowser(env);
  wait(fresh);
  forgetCached();
  stage.s3.faults.add("SlowDown");

  expect((await getAsBrowser(env)).status).toBe(200);

  stage.s3.faults.clear();
  answerFor(OBJECT_URL, () => new HttpResponse(null, { status: 403 }));
  wait(61);
  await getAsBrowser(env);
  wait(2);

  expect((await getAsBrowser(env)).status).toBe(404);
});

describe("S3 denies it to one key, and for the other one", () => {
  const { accessKeyId: nextId } = NEXT_CREDENTIALS;
  const GOOD = "one key, while the other one is good";
  const denied: Row = { status: 403, code: "AccessDenied", means: 404 };

  /** Shows the picture, after which S3 denies it to the current key. */
  async function begin(change: object = {}): Promise<object> {
    const env = envWith({ ...slotsEnv(GOOD), ...change });
    expect((await getAsBrowser(env)).status).toBe(200);
    wait(fresh);
    answerFor(OBJECT_URL, () => answerOf(denied), CREDENTIALS.accessKeyId);
    return env;
  }

  test.each([
    ["no picture", () => store.objects.clear()],
    ["an older picture in the store", () => {}],
  ])("is busy at first: with %s, a visitor gets the picture (A6, A9)", async (_what, change) => {
    const env = await begin();
    change();
    forgetCached();

    let times = 0;
    network.use(
      http.get(OBJECT_URL, ({ request }) => {
        const isNext = request.headers.get("authorization")?.includes(nextId);
        if (isNext) times += 1;
        return isNext && times === 1 ? new HttpResponse(null, { status: 503 }) : undefined;
      }),
    );

    expect((await getAsBrowser(env)).status).toBe(200);
  });

  test.each<[what: string, answer: () => Response]>([
    ["stays busy", () => new HttpResponse(null, { status: 503 })],
    ["breaks off", () => HttpResponse.error()],
  ])(
    "%s: the older picture is shown no more, and the 404 is not certain (A6)",
    async (_what, answer) => {
      const env = await begin();
      answerFor(OBJECT_URL, answer, nextId);
      await getAsBrowser(env);
      wait(2);

      for (const _times of [1, 2]) {
        const { status, headers } = await getAsBrowser(env);
        expect([status, headers.get("cache-control")]).toEqual([404, "no-store"]);
      }
    },
  );

  test("hangs: within two seconds, a visitor gets 404, and not what is stored (A6)", async () => {
    const env = await begin();
    answerFor(OBJECT_URL, () => new Promise<never>(() => {}), nextId);
    forgetCached();
    const finish = stopTimers();
    const { value, took } = await finish(get(PATH, { headers: MODERN }, env));
    expect([value.status, took]).toEqual([404, 1_900]);
  });
});

describe("beside a dead key, an object that", () => {
  test.each([
    ["is missing", () => {}],
    ["S3 denies", () => void stage.s3.faults.add("no-list-bucket")],
  ])("%s is asked for once a minute (A6)", async (_what, begin) => {
    begin();
    const env = envWith(NEXT);
    const path = "/images/card/nothing.jpg";
    for (const _visitor of [1, 2, 3]) expect((await getAsBrowser(env, path)).status).toBe(404);
    expect(stage.s3.requestsBy("worker").length).toBeLessThanOrEqual(2); // one with each key
  });
});

describe("one object for which S3 hangs", () => {
  const HANGING = "photos/fig.jpg";
  const OTHERS = Array.from({ length: 10 }, (_, at) => `other-${at}.jpg`);
  const pathOf = (key: string) => `/images/card/${key}`;
  const hang = (key: string) =>
    answerFor(`${BUCKET_URL}published/${key}`, () => new Promise<never>(() => {}));

  test("does not show a picture that S3 denies, with ten visitors a second of others, or without", async () => {
    const env = envWith();
    for (const key of OTHERS) put(key, "made/key.jpg");
    for (const key of [KEY, HANGING, ...OTHERS]) await getAsBrowser(env, pathOf(key));

    wait(fresh);
    hang(HANGING);
    answerFor(OBJECT_URL, () => answerOf({ status: 403, code: "AccessDenied", means: 404 }));

    const finish = stopTimers();
    const visit = async (key: string) => {
      forgetCached();
      const { value } = await finish(get(pathOf(key), { headers: MODERN }, env));
      return value.status;
    };

    const denied: number[] = [];
    for (let poll = 0; poll < 30; poll++) {
      expect(await visit(HANGING)).toBe(200); // after two seconds, out of the store
      const visitors = poll < 5 ? OTHERS : [];
      for (const key of visitors) expect(await visit(key)).toBe(200);
      denied.push(await visit(KEY));
    }

    expect(denied).toEqual(denied.map(() => 404));

    await vi.advanceTimersByTimeAsync(10_000); // the last requests for it end
  });

  test("is not enough for a silent S3, a second one is, and an answer in five seconds is a veto", async () => {
    const env = envWith();
    const [second = "", third = ""] = OTHERS;
    for (const key of [second, third]) put(key, "made/key.jpg");
    for (const key of [KEY, HANGING, second, third]) await getAsBrowser(env, pathOf(key));

    wait(fresh);

    const finish = stopTimers();

    /** Whether S3 is asked. */
    const visit = async (key: string, seconds = 0) => {
      wait(seconds);
      forgetCached();
      const before = stage.s3.requests.length + hung;
      const { value } = await finish(get(pathOf(key), { headers: MODERN }, env));
      expect(value.status).toBe(200);
      return stage.s3.requests.length + hung > before;
    };

    let hung = 0;
    for (const key of [HANGING, second]) {
      answerFor(`${BUCKET_URL}published/${key}`, () => {
        hung += 1;
        return new Promise<never>(() => {});
      });
    }

    // One alone, and again: the others are asked for.
    expect([await visit(HANGING), await visit(HANGING), await visit(KEY)]).toEqual([
      true,
      true,
      true,
    ]);

    // Two of them, but S3 has just answered for KEY.
    expect([await visit(HANGING), await visit(second), await visit(KEY)]).toEqual([
      true,
      true,
      true,
    ]);

    // Two of them, and no other answer for five seconds.
    expect([await visit(HANGING, 4), await visit(second), await visit(third)]).toEqual([
      true,
      true,
      false,
    ]);

    // One of them alone does not keep it silent: it is tried, and then another one is.
    expect([await visit(HANGING, 6), await visit(HANGING, 6), await visit(KEY)]).toEqual([
      true,
      true,
      true,
    ]);

    await vi.advanceTimersByTimeAsync(10_000);
  });
});

describe("one odd key", () => {
  /** Visits an odd object, whose key S3 refuses so, and an ordinary one before and after it. */
  async function visitAmongOthers(env: object, code: string, status: number) {
    const odd = "odd.jpg";
    answerFor(`${BUCKET_URL}published/${odd}`, () => answerOf({ status, code, means: 404 }));
    expect((await getAsBrowser(env)).status).toBe(200);

    const answer = await getAsBrowser(env, `/images/card/${odd}`);
    const again = await getAsBrowser(env, `/images/card/${odd}`);
    expect(again.status).toBe(answer.status);

    replace("made/rotated-gps.jpg");
    wait(fresh);
    forgetCached();

    expect((await getAsBrowser(env)).status).toBe(200);

    return answer;
  }

  test.each(["KeyTooLongError", "KeyTooLong", "InvalidObjectName", "XMinioInvalidObjectName"])(
    "that S3 refuses with %s is a certain 404, and no error for the log (A10)",
    async (code) => {
      const { status, headers } = await visitAmongOthers(envWith(), code, 400);
      expect([status, headers.get("cache-control")]).toEqual([404, "public, max-age=60"]);

      const [line, ...others] = stage.logged;
      expect(line).toMatchObject({
        level: "warn",
        line: { event: "object-missing", origin: code, reason: "no object can have this key" },
      });
      expect(others.filter(({ level }) => level !== "warn")).toEqual([]);
    },
  );

  test.each([
    ["InvalidArgument", 400],
    ["Unauthorized", 401],
  ])(
    "that S3 refuses with %s does not make the key of S3 a dead one (A7)",
    async (code, status) => {
      const answer = await visitAmongOthers(envWith(), code, status);
      expect(answer.status).toBe(502);
      const events = lines().map(({ event, origin }) => [event, origin]);
      expect(new Set(events.map(String))).toEqual(new Set([`origin-denied,${code}`]));
      expect(failures()).toMatchObject([{ failure: "origin-denied" }]);
    },
  );

  test.each([
    ["InvalidArgument", 400],
    ["Unauthorized", 401],
  ])(
    "and a second one are a dead key: S3 refuses both with %s, and older pictures are shown (A7)",
    async (code, status) => {
      const env = envWith();
      put("other.jpg", "made/key.jpg");
      const paths = [PATH, "/images/card/other.jpg", "/images/card/nothing.jpg"];
      for (const path of paths) await getAsBrowser(env, path);

      answerFor(`${BUCKET_URL}*`, () => answerOf({ status, code, means: 502 }));
      wait(30); // S3 has accepted the key within the minute
      forgetCached();

      const statuses: number[] = [];
      for (const path of paths) statuses.push((await getAsBrowser(env, path)).status);
      expect(statuses).toEqual([200, 200, 502]);

      wait(61);
      await getAsBrowser(env, "/images/hero/nothing.jpg");
      expect(lines().at(-1)).toMatchObject({ event: "slots-refused", answered: 502 });
    },
  );
});
