// Credentials of a role over time: when STS is asked, what serves meanwhile, and what is told when it fails.

import { beforeEach, describe, expect, test, vi } from "vitest";
import type { Notice } from "../../../src/worker/log/notice.ts";
import { getSession } from "../../../src/worker/origin/get-session.ts";
import type { RoleMemory } from "../../../src/worker/origin/memories.ts";
import {
  advanceRole,
  isRenewalDue,
  runningRenewal,
} from "../../../src/worker/origin/role-state.ts";
import { isStsFailure, type StsFailure } from "../../../src/worker/origin/session.ts";
import { createMemory } from "../../../src/worker/util/memory.ts";
import { fireTimer, stopClock } from "../../support/clock.ts";
import { bucketOf } from "../../support/config-of.ts";
import {
  answerOf,
  EC_KEY,
  errorOf,
  KEYLESS,
  OTHER_EC_KEY,
  ROLE,
  SESSION,
} from "../../support/issuer.ts";
import { endlessBody } from "../../support/network.ts";

const MINUTE = 60_000;

/** The requests to STS, and how it answers the next ones. */
let requests: { form: URLSearchParams; init: RequestInit }[] = [];
let answer: (form: URLSearchParams) => Response | Promise<Response>;
let notices: Notice[] = [];
let after: Promise<unknown>[] = [];

const context = { waitUntil: (work: Promise<unknown>) => void after.push(work) };
const now = () => Date.now();
const good = () => {
  const accessKeyId = `ASIA${requests.length}`.padEnd(20, "X");
  return new Response(answerOf(now() + 60 * MINUTE, { ...SESSION, accessKeyId }));
};
const error =
  (code: string, status = 400) =>
  () =>
    new Response(errorOf(code), { status });

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"], now: Date.parse("2026-11-26T12:00:00Z") });
  [requests, notices, after, answer] = [[], [], [], good];

  vi.spyOn(globalThis, "fetch").mockImplementation(async (url, init = {}) => {
    expect(`${url}`).toBe("https://sts.eu-west-1.amazonaws.com");
    const form = new URLSearchParams(`${init.body}`);
    requests.push({ form, init });
    return answer(form);
  });

  return () => void vi.useRealTimers();
});

function memory(change: object = {}): RoleMemory {
  const { role = expect.unreachable() } = bucketOf({ ...KEYLESS, ...change });
  return createMemory({ role }, advanceRole, (notice) => notices.push(notice));
}

/** Asks for credentials. @returns the beginning of their id, or STS's code */
async function getKeyId(role: RoleMemory, timeout = 15_000): Promise<string> {
  const session = await getSession(role, { context, deadline: now() + timeout });
  if (!isStsFailure(session)) return session.credentials.accessKeyId.replace(/X+$/, "");
  last = session;
  return session.code;
}
let last: StsFailure | undefined;

const pass = (ms: number) => void vi.setSystemTime(now() + ms);

/** Lets what goes on after the answers end. */
const settle = async () => void (await Promise.all(after));

test("STS is asked as AWS documents it, and never follows a redirect (K1)", async () => {
  expect(await getKeyId(memory())).toBe("ASIA1");

  const [{ form, init } = { form: new URLSearchParams(), init: {} }] = requests;
  const { WebIdentityToken, ...rest } = Object.fromEntries(form);
  expect(rest).toEqual({
    Action: "AssumeRoleWithWebIdentity",
    Version: "2011-06-15",
    RoleArn: ROLE,
    RoleSessionName: "vitrine",
    DurationSeconds: "3600",
  });
  expect(WebIdentityToken).toMatch(/^eyJ[\w-]+\.eyJ[\w-]+\.[\w-]{86}$/);
  expect(init).toMatchObject({ method: "POST", redirect: "manual", cache: "no-store" });
});

test("many visitors at once wait for one question", async () => {
  const role = memory();
  const result = await Promise.all(Array.from({ length: 50 }, () => getKeyId(role)));
  expect(new Set(result)).toEqual(new Set(["ASIA1"]));
  expect(requests.length).toBe(1);
});

test("credentials are kept, and renewed before they expire, while the old ones serve", async () => {
  const role = memory();
  await getKeyId(role);
  pass(34 * MINUTE);

  expect(await getKeyId(role)).toBe("ASIA1");
  expect(requests.length).toBe(1);

  pass(2 * MINUTE);
  const result = await Promise.all([getKeyId(role), getKeyId(role)]);
  expect(result).toEqual(["ASIA1", "ASIA1"]);

  await settle();
  expect(await getKeyId(role)).toBe("ASIA2");
  expect(requests.length).toBe(2);
  expect(notices).toEqual([]);
});

describe("while STS fails", () => {
  test("and no credentials are left, STS is asked every 3 s at most", async () => {
    const role = memory();
    answer = error("AccessDenied", 403);

    for (let seconds = 0; seconds < 120; seconds++) {
      expect(await getKeyId(role)).toBe("AccessDenied");
      pass(1000);
    }

    expect(requests.length).toBe(40);
    expect(notices).toEqual([]);
  });

  test("for a moment, it is asked once more at once", async () => {
    const failures = [
      ...[500, 503].map((status) => () => new Response("", { status })),
      () => Promise.reject(new TypeError("reset")),
      error("IDPCommunicationError"),
    ];

    for (const fail of failures) {
      requests = [];
      answer = () => (requests.length === 1 ? fail() : good());
      expect(await getKeyId(memory())).toBe("ASIA2");
    }
  });
});

test("an STS that cannot be reached is named so", async () => {
  answer = () => Promise.reject(new TypeError("no such host"));
  expect(await getKeyId(memory())).toBe("unreachable");
});

test.each([1, 29, 30])(
  "credentials that STS gives for %d s are none: it is not asked again and again for one visitor",
  async (seconds) => {
    answer = () => {
      if (requests.length > 20) throw new Error("asked without end");
      return new Response(answerOf(now() + seconds * 1000));
    };
    expect(await getKeyId(memory())).toBe("unreadable");
    expect(requests).toHaveLength(1);
  },
);

test("a question whose request was cut off is asked again by another one", async () => {
  stopClock();
  const role = memory();
  role.learn({ type: "renewal-started", renewal: { ended: new Promise(() => {}), began: now() } });
  const result = getKeyId(role);
  await fireTimer();
  expect(await result).toBe("ASIA1");
});

test("a question whose request the runtime has ended is asked again by one of those who wait", async () => {
  const role = memory();
  const { promise: ended, reject } = Promise.withResolvers();
  role.learn({ type: "renewal-started", renewal: { ended, began: now() } });
  const result = Promise.all(Array.from({ length: 50 }, () => getKeyId(role)));
  reject(new Error("created by a request that has since ended, so it can never settle"));
  expect(new Set(await result)).toEqual(new Set(["ASIA1"]));
  expect(requests.length).toBe(1);
});

test("a question that was asked again goes on when others learn that the first one was ended", () => {
  const role = memory();
  const first = { ended: Promise.resolve(), began: now() };
  const second = { ...first };
  role.learn({ type: "renewal-started", renewal: first });
  role.learn({ type: "renewal-cancelled", renewal: first });

  expect(runningRenewal(role.state(), now())).toBeUndefined();

  role.learn({ type: "renewal-started", renewal: second });
  role.learn({ type: "renewal-cancelled", renewal: first });
  expect(runningRenewal(role.state(), now())).toBe(second);
});

test("ten denials in a row renew a session, and an object that comes between them counts them anew (K9)", async () => {
  const role = memory();
  const options = { context, deadline: now() + 15_000 };
  const session = await getSession(role, options);
  if (isStsFailure(session)) return expect.unreachable();

  const request = (denied: boolean) => role.learn({ type: "object-requested", session, denied });
  for (const denied of [...Array(9).fill(true), false, ...Array(9).fill(true)]) request(denied);
  pass(6 * MINUTE);
  expect(isRenewalDue(role.state(), now())).toBe(false);

  request(true);
  expect(isRenewalDue(role.state(), now())).toBe(true);
});

test("a visitor does not wait for STS beyond their deadline", async () => {
  stopClock();
  answer = () => new Promise(() => {});
  const result = getKeyId(memory(), 2000);
  await fireTimer();
  expect(await result).toBe("unreachable");
});

const HOUR = 60 * MINUTE;
test.each<{ title: string; respond: () => Response; origin: string }>([
  { title: "an endless answer", respond: () => new Response(endlessBody()), origin: "unreadable" },
  {
    title: "half an answer",
    respond: () => new Response(answerOf(now() + HOUR).slice(0, 700)),
    origin: "unreadable",
  },
  {
    title: "a redirect",
    respond: () => Response.redirect("https://x.example", 307),
    origin: "307",
  },
  {
    title: "credentials in an error",
    respond: () => new Response(answerOf(now() + HOUR), { status: 400 }),
    origin: "400",
  },
])("$title of STS gives no credentials", async ({ respond, origin }) => {
  answer = respond;
  expect(await getKeyId(memory())).toBe(origin);
});

describe("with two keys", () => {
  const both = { OIDC_SIGNING_KEY: EC_KEY, OIDC_SIGNING_KEY_NEXT: OTHER_EC_KEY };
  const kidOf = (form: URLSearchParams) => {
    const [head = ""] = (form.get("WebIdentityToken") ?? "").split(".");
    return JSON.parse(Buffer.from(head, "base64url").toString()).kid;
  };

  test("the other one signs where STS cannot check the first one", async () => {
    answer = () => (requests.length === 1 ? error("InvalidIdentityToken")() : good());
    expect(await getKeyId(memory(both))).toBe("ASIA2");
    expect(new Set(requests.map(({ form }) => kidOf(form))).size).toBe(2);
  });

  test.each([
    ["AccessDenied", 1],
    ["InvalidIdentityToken", 2],
  ])("%s of all is the end after %i question(s)", async (code, times) => {
    answer = error(code);
    expect(await getKeyId(memory(both))).toEqual(code);
    expect(requests.length).toEqual(times);
  });
});

test("nothing that is told holds a credential or a token", async () => {
  const role = memory();
  answer = (form) =>
    new Response(errorOf("AccessDenied", `${form.get("WebIdentityToken")}`), { status: 403 });
  await getKeyId(role);

  const failure = JSON.stringify(last);
  answer = good;
  pass(MINUTE);
  await getKeyId(role);
  pass(40 * MINUTE);
  answer = (form) => new Response(`${form.get("WebIdentityToken")}${answerOf(1)}`);

  await getKeyId(role);
  await settle();
  expect(notices).toHaveLength(1);
  expect(`${failure}${JSON.stringify(notices)}`).not.toMatch(/eyJ|ASIA|wJalr|AQoDYX/);
});
