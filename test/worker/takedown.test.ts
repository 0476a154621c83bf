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
  { status: 400, code: "NotKMS.ThrottlingException", means: 502, leadsOn: true },
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

/** From now on, S3 answers like this for the object: to one key alone, or to all keys. */
function answerFor(url: string, answer: () => Response | Promise<Response>, keyId?: string): void {
  network.use(
    http.get(url, ({ request }) => {
      if (keyId === undefined || isSignedWith(request, keyId)) return answer();
      return undefined; // the next handler is the S3 of the stage
    }),
  );
}

function isSignedWith({ headers }: Pick<Request, "headers">, keyId: string): boolean {
  const authorization = headers.get("authorization") ?? "";
  return authorization.includes(`=${keyId}/`);
}

/** Never answers. */
const hang = () => new Promise<never>(() => {});

const DENIED: Row = { status: 403, code: "AccessDenied", means: 404 };

const urlOf = (key: string) => `${BUCKET_URL}published/${key}`;
const OBJECT_URL = urlOf(KEY);

/** How the keys of the bucket stand. The answer is for the key in the slot `current`, or in `next`. */
const SLOTS = {
  "the only key": { answersTo: "current", other: undefined },
  "one key, while the other one is dead": { answersTo: "current", other: "dead" },
  "the next key, while the current one is dead": { answersTo: "next", other: "dead" },
  "one key, while the other one is good": { answersTo: "current", other: "good" },
} as const;

type Slots = keyof typeof SLOTS;

/** The key that gets the answer. */
function keyIdOf(slots: Slots): string {
  const isNext = SLOTS[slots].answersTo === "next";
  return isNext ? NEXT_CREDENTIALS.accessKeyId : CREDENTIALS.accessKeyId;
}

/** Puts the keys into S3. @returns the secrets of the slot `next` */
function arrangeSlots(slots: Slots): object {
  const { answersTo, other } = SLOTS[slots];
  const { keys } = stage.s3;

  if (answersTo === "next" || other === "good") {
    keys.set(NEXT_CREDENTIALS.accessKeyId, NEXT_CREDENTIALS.secretAccessKey);
  }
  if (answersTo === "next") keys.delete(CREDENTIALS.accessKeyId);

  return other === undefined ? {} : NEXT;
}

const { store: _store, ...WITHOUT_STORE } = ANSWERS;

/** The status that a visitor is to get while there is an older picture. */
function expectedStatus({ means, leadsOn }: Row, slots: Slots): number {
  const isOpenedByOther = SLOTS[slots].other === "good" && leadsOn === true;
  if (isOpenedByOther || means === "outage") return 200;
  return means;
}

/** Each row with each way in which the keys stand. */
const CASES = ROWS.flatMap((row) => {
  const answer = `${row.status || "reset"} ${row.code ?? ""}`.trim();
  const ways = Object.keys(SLOTS) as Slots[];

  return ways.map((slots) => ({ answer, slots, row, status: expectedStatus(row, slots) }));
});

/** After that time, in s, a picture of Workers Cache is stale. */
const PAST_KEEP_S = ANSWERS.keep + 1;

describe("S3 answers", () => {
  test.each(CASES)(
    "$answer to $slots: where Workers Cache has an older picture, a visitor gets $status (A6, A7, W8)",
    async ({ row, slots, status }) => {
      const env = envWith({ ...arrangeSlots(slots), ANSWERS: WITHOUT_STORE });
      await expectStatus(200, env);

      answerFor(OBJECT_URL, () => answerOf(row), keyIdOf(slots));
      wait(PAST_KEEP_S);
      await getAsBrowser(env); // is shown the stale picture once more, while S3 is asked

      wait(2);
      await expectStatus(status, env);

      wait(86_400);
      await expectStatus(status, env);
    },
  );

  test.each(CASES)(
    "$answer to $slots: where the store has an older picture, a visitor gets $status (A6, A7)",
    async ({ row, slots, status }) => {
      const env = envWith(arrangeSlots(slots));
      await expectStatus(200, env);

      answerFor(OBJECT_URL, () => answerOf(row), keyIdOf(slots));
      wait(PAST_KEEP_S);
      forgetCached();

      await expectStatus(status, env);
    },
  );
});

/** Visits with a modern browser, and checks the status. */
async function expectStatus(expected: number, env: object, path = PATH): Promise<void> {
  const { status } = await getAsBrowser(env, path);
  expect(status).toBe(expected);
}

test("what an outage showed out of the store is not shown once S3 denies it by a proxy's 403 (W8)", async () => {
  const env = envWith();
  await getAsBrowser(env);
  wait(PAST_KEEP_S);
  forgetCached();

  stage.s3.faults.add("SlowDown");
  await expectStatus(200, env);

  stage.s3.faults.clear();
  answerFor(OBJECT_URL, () => new HttpResponse(null, { status: 403 }));
  wait(61);
  await getAsBrowser(env); // is shown the picture once more, while S3 is asked

  wait(2);
  await expectStatus(404, env);
});

describe("S3 denies it to one key, and for the other one", () => {
  const NEXT_ID = NEXT_CREDENTIALS.accessKeyId;

  /** Shows the picture, after which S3 denies it to the current key. */
  async function denyToCurrentKey(): Promise<object> {
    const env = envWith(arrangeSlots("one key, while the other one is good"));
    await expectStatus(200, env);

    wait(PAST_KEEP_S);
    answerFor(OBJECT_URL, () => answerOf(DENIED), CREDENTIALS.accessKeyId);
    return env;
  }

  /** From now on, S3 is busy at the first request with the next key. */
  function beBusyOnce(): void {
    let times = 0;

    network.use(
      http.get(OBJECT_URL, ({ request }) => {
        if (!isSignedWith(request, NEXT_ID)) return undefined;

        times += 1;
        return times === 1 ? new HttpResponse(null, { status: 503 }) : undefined;
      }),
    );
  }

  test.each([
    { title: "no picture", change: () => store.objects.clear() },
    { title: "an older picture in the store", change: () => {} },
  ])("is busy at first: with $title, a visitor gets the picture (A6, A9)", async ({ change }) => {
    const env = await denyToCurrentKey();
    change();
    forgetCached();

    beBusyOnce();

    await expectStatus(200, env);
  });

  test.each([
    { title: "stays busy", answer: () => new HttpResponse(null, { status: 503 }) },
    { title: "breaks off", answer: () => HttpResponse.error() },
  ])(
    "$title: the older picture is shown no more, and the 404 is not certain (A6)",
    async ({ answer }) => {
      const env = await denyToCurrentKey();
      answerFor(OBJECT_URL, answer, NEXT_ID);

      await getAsBrowser(env); // is shown the stale picture once more, while S3 is asked
      wait(2);

      for (const _times of [1, 2]) {
        const { status, headers } = await getAsBrowser(env);
        expect(status).toBe(404);
        expect(headers.get("cache-control")).toBe("no-store");
      }
    },
  );

  test("hangs: within two seconds, a visitor gets 404, and not what is stored (A6)", async () => {
    const env = await denyToCurrentKey();
    answerFor(OBJECT_URL, hang, NEXT_ID);
    forgetCached();

    const finish = stopTimers();
    const { value, took } = await finish(get(PATH, { headers: MODERN }, env));

    expect(value.status).toBe(404);
    expect(took).toBe(1_900);
  });
});

describe("beside a dead key, an object that", () => {
  test.each([
    { title: "is missing", begin: () => {} },
    { title: "S3 denies", begin: () => void stage.s3.faults.add("no-list-bucket") },
  ])("$title is asked for once a minute (A6)", async ({ begin }) => {
    begin();
    const env = envWith(NEXT);

    for (const _visitor of [1, 2, 3]) {
      await expectStatus(404, env, "/images/card/nothing.jpg");
    }

    expect(stage.s3.requestsBy("worker").length).toBeLessThanOrEqual(2); // one with each key
  });
});

describe("one object for which S3 hangs", () => {
  const HANGING = "photos/fig.jpg";
  const OTHERS = Array.from({ length: 10 }, (_, index) => `other-${index}.jpg`);

  const pathOf = (key: string) => `/images/card/${key}`;

  /** Puts the objects, and shows each of them once. */
  async function showOnce(env: object, others: readonly string[]): Promise<void> {
    for (const key of others) put(key, "made/key.jpg");
    for (const key of [KEY, HANGING, ...others]) await getAsBrowser(env, pathOf(key));

    wait(PAST_KEEP_S);
  }

  /** Stops the timers. @returns visits with an empty Workers Cache, and gives the status */
  function stopTimersForVisits(env: object): (key: string) => Promise<number> {
    const finish = stopTimers();

    return async (key) => {
      forgetCached();
      const { value } = await finish(get(pathOf(key), { headers: MODERN }, env));
      return value.status;
    };
  }

  /** Lets the last requests end. */
  const waitForLastRequests = () => vi.advanceTimersByTimeAsync(10_000);

  test("does not show a picture that S3 denies, with ten visitors a second of others, or without", async () => {
    const env = envWith();
    await showOnce(env, OTHERS);
    answerFor(urlOf(HANGING), hang);
    answerFor(OBJECT_URL, () => answerOf(DENIED));

    const visit = stopTimersForVisits(env);
    for (let poll = 0; poll < 30; poll++) {
      expect(await visit(HANGING)).toBe(200); // after two seconds, out of the store

      const others = poll < 5 ? OTHERS : [];
      for (const key of others) expect(await visit(key)).toBe(200);

      expect(await visit(KEY), `poll ${poll}`).toBe(404);
    }

    await waitForLastRequests();
  });

  test("is not enough for a silent S3, a second one is, and an answer in five seconds is a veto", async () => {
    const env = envWith();
    const [second = "", third = ""] = OTHERS;
    await showOnce(env, [second, third]);

    let hung = 0;
    for (const key of [HANGING, second]) {
      answerFor(urlOf(key), () => {
        hung += 1;
        return hang();
      });
    }

    const visit = stopTimersForVisits(env);

    /** Visits an object that is shown in any case. @returns whether S3 is asked for it */
    async function isS3Asked(key: string): Promise<boolean> {
      const before = stage.s3.requests.length + hung;
      expect(await visit(key)).toBe(200);
      return stage.s3.requests.length + hung > before;
    }

    // One alone, and again: the others are asked for.
    expect(await isS3Asked(HANGING)).toBe(true);
    expect(await isS3Asked(HANGING)).toBe(true);
    expect(await isS3Asked(KEY)).toBe(true);

    // Two of them, but S3 has just answered for KEY.
    expect(await isS3Asked(HANGING)).toBe(true);
    expect(await isS3Asked(second)).toBe(true);
    expect(await isS3Asked(KEY)).toBe(true);

    // Two of them, and no other answer for five seconds.
    wait(4);
    expect(await isS3Asked(HANGING)).toBe(true);
    expect(await isS3Asked(second)).toBe(true);
    expect(await isS3Asked(third)).toBe(false);

    // One of them alone does not keep it silent: it is tried, and then another one is.
    wait(6);
    expect(await isS3Asked(HANGING)).toBe(true);
    wait(6);
    expect(await isS3Asked(HANGING)).toBe(true);
    expect(await isS3Asked(KEY)).toBe(true);

    await waitForLastRequests();
  });
});

describe("one odd key", () => {
  const ODD = "odd.jpg";
  const ODD_PATH = `/images/card/${ODD}`;

  /** Visits an odd object, whose key S3 refuses, and an ordinary one before and after it. */
  async function visitAmongOthers(env: object, code: string, status: number) {
    answerFor(urlOf(ODD), () => answerOf({ status, code, means: 404 }));
    await expectStatus(200, env);

    const answer = await getAsBrowser(env, ODD_PATH);
    await expectStatus(answer.status, env, ODD_PATH);

    replace("made/rotated-gps.jpg");
    wait(PAST_KEEP_S);
    forgetCached();
    await expectStatus(200, env);

    return answer;
  }

  test.each(["KeyTooLongError", "KeyTooLong", "InvalidObjectName", "XMinioInvalidObjectName"])(
    "that S3 refuses with %s is a certain 404, and no error for the log (A10)",
    async (code) => {
      const { status, headers } = await visitAmongOthers(envWith(), code, 400);

      expect(status).toBe(404);
      expect(headers.get("cache-control")).toBe("public, max-age=60");

      const [line, ...others] = stage.logged;
      expect(line).toMatchObject({
        level: "warn",
        line: { event: "object-missing", origin: code, reason: "no object can have this key" },
      });
      for (const { level } of others) expect(level).toBe("warn");
    },
  );

  test.each([
    { code: "InvalidArgument", refusedWith: 400 },
    { code: "Unauthorized", refusedWith: 401 },
  ])(
    "that S3 refuses with $code does not make the key of S3 a dead one (A7)",
    async ({ code, refusedWith }) => {
      const answer = await visitAmongOthers(envWith(), code, refusedWith);

      expect(answer.status).toBe(502);
      expect(failures()).toMatchObject([{ failure: "origin-denied" }]);

      expect(lines()).not.toEqual([]);
      for (const line of lines()) {
        expect(line).toMatchObject({ event: "origin-denied", origin: code });
      }
    },
  );

  test.each([
    { code: "InvalidArgument", refusedWith: 400 },
    { code: "Unauthorized", refusedWith: 401 },
  ])(
    "and a second one are a dead key: S3 refuses both with $code, and older pictures are shown (A7)",
    async ({ code, refusedWith }) => {
      const env = envWith();
      const OTHER_PATH = "/images/card/other.jpg";
      const MISSING_PATH = "/images/card/nothing.jpg";
      put("other.jpg", "made/key.jpg");
      for (const path of [PATH, OTHER_PATH, MISSING_PATH]) await getAsBrowser(env, path);

      const refusal: Row = { status: refusedWith, code, means: 502 };
      answerFor(`${BUCKET_URL}*`, () => answerOf(refusal));
      wait(30); // S3 has accepted the key within the minute
      forgetCached();
      await expectStatus(200, env, PATH);
      await expectStatus(200, env, OTHER_PATH);
      await expectStatus(502, env, MISSING_PATH);

      wait(61);
      await getAsBrowser(env, "/images/hero/nothing.jpg");
      expect(lines().at(-1)).toMatchObject({ event: "slots-refused", answered: 502 });
    },
  );
});
