// Secrets in a Secrets Store: the Worker reads them with get(), and they change without a deploy.

import { beforeEach, describe, expect, test, vi } from "vitest";
import { signGrant } from "../../../src/url/grant.ts";
import { readSlots } from "../../../src/worker/config/read-secrets.ts";
import { secretNames } from "../../../src/worker/config/secret-names.ts";
import {
  CREDENTIALS,
  ENV,
  HEALTH_TOKEN,
  NEXT,
  NEXT_CREDENTIALS,
  SECRETS,
} from "../../support/env.ts";
import { get, lines, stage, wait } from "../../support/play.ts";

/** A secret in a store: its value, and a `get` that counts its calls. */
function keep(value: unknown) {
  const secret = {
    value,
    get: vi.fn(async () => {
      if (secret.value instanceof Error || typeof secret.value === "symbol") throw secret.value;
      return secret.value;
    }),
  };
  return secret;
}

const DOWN = new Error(`cannot read ${SECRETS.AWS_ACCESS_KEY_ID} of https://store.example`);
let id = keep("");
let secret = keep("");
let env: object;

beforeEach(() => {
  id = keep(SECRETS.AWS_ACCESS_KEY_ID);
  secret = keep(SECRETS.AWS_SECRET_ACCESS_KEY);
  env = { ...ENV, AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: secret };
  stage.edge.switches.cache = false;
  vi.useFakeTimers({ toFake: ["Date"] });
  return () => vi.useRealTimers();
});

const show = async () => (await get("/images/card/key.jpg", {}, env)).status;

test("a store's secrets do as well, and are read once a minute", async () => {
  expect(await Promise.all(Array.from({ length: 20 }, show))).toEqual(Array(20).fill(200));
  const first = id.get.mock.calls.length;
  for (let times = 0; times < 50; times++) expect(await show()).toBe(200);
  expect(id.get).toHaveBeenCalledTimes(first);
  wait(61);
  for (let times = 0; times < 50; times++) expect(await show()).toBe(200);
  expect(id.get).toHaveBeenCalledTimes(first + 1);
  expect(secret.get).toHaveBeenCalledTimes(first + 1);
});

test("a key that changes in the store is used within a minute, without a deploy", async () => {
  expect(await show()).toBe(200);
  id.value = NEXT_CREDENTIALS.accessKeyId;
  secret.value = NEXT_CREDENTIALS.secretAccessKey;
  stage.s3.keys.set(NEXT_CREDENTIALS.accessKeyId, NEXT_CREDENTIALS.secretAccessKey);
  wait(59);
  expect(await show()).toBe(200);
  wait(2);
  stage.s3.keys.delete(CREDENTIALS.accessKeyId);
  expect(await show()).toBe(200);
  expect(stage.probes).toEqual([]);
});

test("what is known of the slots outlasts a look into the store", async () => {
  Object.assign(env, NEXT);
  stage.s3.keys.clear();
  stage.s3.keys.set(NEXT_CREDENTIALS.accessKeyId, NEXT_CREDENTIALS.secretAccessKey);
  expect(await show()).toBe(200);
  wait(50);
  await Promise.all([show(), ...stage.after]);
  wait(11);
  expect(await show()).toBe(200);
  expect(lines().map(({ event }) => event)).toEqual(["slot-refused", "slot-in-use"]);
});

test.each<[string, unknown, string]>([
  ["does not answer", DOWN, "its Secrets Store does not return it"],
  ["throws what is no error", Symbol("odd"), "its Secrets Store does not return it"],
  ["has nothing", null, "is missing"],
  ["has an empty text", "", "is missing"],
  ["has no text", 7, "is not text"],
])("a store that %s leaves the other slot to serve", async (_what, value, told) => {
  secret.value = value;
  expect(await show()).toBe(500);
  expect(lines()).toEqual([
    expect.objectContaining({
      event: "configuration-broken",
      mistakes: [expect.stringContaining(`AWS_SECRET_ACCESS_KEY: ${told}`)],
    }),
  ]);
  stage.s3.keys.set(NEXT_CREDENTIALS.accessKeyId, NEXT_CREDENTIALS.secretAccessKey);
  env = { ...env, ...NEXT };
  expect(await show()).toBe(200);
});

test("a store that answers again is used in seconds, without a deploy", async () => {
  id.value = DOWN;
  expect(await show()).toBe(500);
  id.value = CREDENTIALS.accessKeyId;
  wait(4);
  expect(await show()).toBe(500);
  wait(2);
  expect(await show()).toBe(200);
});

test("a store that no longer answers takes nothing away", async () => {
  expect(await show()).toBe(200);
  id.value = DOWN;
  secret.value = DOWN;
  wait(61);
  expect(await show()).toBe(200);
  expect(lines()).toEqual([]);
});

describe("a store that hangs", () => {
  const hang = () => new Promise<never>(() => {});

  /**
   * Moves the clock by exactly the time limit of a store that hangs: two seconds.
   * @param others the number of timers that do not wait for a store
   */
  async function waitForStores(others: number): Promise<void> {
    await vi.advanceTimersByTimeAsync(1_999);
    expect(vi.getTimerCount()).toBeGreaterThan(others);
    vi.advanceTimersByTime(1);
    expect(vi.getTimerCount()).toBe(others);
  }

  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["Date", "setTimeout", "clearTimeout"] });
  });

  test("holds nobody up for long, and takes nothing away", async () => {
    const token = keep(HEALTH_TOKEN);
    Object.assign(env, { ...NEXT, HEALTH_TOKEN: token });
    expect(await show()).toBe(200);
    const [asked, timers] = [id.get.mock.calls.length, vi.getTimerCount()];
    for (const hanging of [id, token]) hanging.get.mockImplementation(hang);
    wait(61);
    const authorization = `Bearer ${HEALTH_TOKEN}`;
    const both = [show(), get("/healthz", { headers: { authorization } }, env)] as const;
    expect(id.get.mock.calls.length).toBeGreaterThan(asked);
    await waitForStores(timers);
    expect([await both[0], (await both[1]).status]).toEqual([200, 200]);
  });

  test("at the first look leaves the other slot to serve", async () => {
    stage.s3.keys.set(NEXT_CREDENTIALS.accessKeyId, NEXT_CREDENTIALS.secretAccessKey);
    id.get.mockImplementation(hang);
    Object.assign(env, NEXT);
    const shown = show();
    await waitForStores(0);
    expect(await shown).toBe(200);
  });
});

test("a changed token does not make the Worker forget its slots, nor tell of them twice", async () => {
  const token = keep(HEALTH_TOKEN);
  env = { ...ENV, ...NEXT, HEALTH_TOKEN: token };
  stage.s3.keys.clear();
  stage.s3.keys.set(NEXT_CREDENTIALS.accessKeyId, NEXT_CREDENTIALS.secretAccessKey);
  expect(await show()).toBe(200);
  token.value = "another token, as long as it";
  wait(61);
  const before = stage.asked.length;
  expect(await show()).toBe(200);
  expect(stage.asked.length - before).toBe(1);
  expect(lines().map(({ event }) => event)).toEqual(["slot-refused", "slot-in-use"]);
});

describe("while the store changes", () => {
  const OTHER = "AKIAQYLPMN5HHHFPTYPO";
  let nextId = keep("");

  beforeEach(() => {
    nextId = keep(OTHER);
    const { AWS_SECRET_ACCESS_KEY_NEXT } = NEXT;
    Object.assign(env, { AWS_ACCESS_KEY_ID_NEXT: nextId, AWS_SECRET_ACCESS_KEY_NEXT });
    stage.s3.keys.set(NEXT_CREDENTIALS.accessKeyId, NEXT_CREDENTIALS.secretAccessKey);
  });

  test("what was learnt of a missing object before is no proof after", async () => {
    stage.s3.faults.add("no-list-bucket");
    expect(await show()).toBe(200);
    wait(59);
    for (const each of [1, 2, 3]) {
      expect((await get(`/images/card/nothing-${each}.jpg`, {}, env)).status).toBe(404);
    }
    nextId.value = NEXT_CREDENTIALS.accessKeyId;
    stage.s3.keys.delete(CREDENTIALS.accessKeyId);
    wait(1.5);
    expect(await show()).toBe(200);
  });

  test("a key that is refused in the place of one that was is told", async () => {
    nextId.value = NEXT_CREDENTIALS.accessKeyId;
    stage.s3.keys.delete(CREDENTIALS.accessKeyId);
    expect(await show()).toBe(200);
    id.value = OTHER;
    wait(61);
    expect(await show()).toBe(200);
    const refused = lines().filter(({ event }) => event === "slot-refused");
    expect(refused.map(({ access_key }) => access_key)).toEqual(["…MPLE", "…TYPO"]);
  });

  test("an old value that comes late does not replace a newer one", async () => {
    expect(await show()).toBe(200);
    wait(61);
    let release = () => {};
    const held = new Promise<void>((settle) => {
      release = settle;
    });
    nextId.get.mockImplementationOnce(async () => {
      await held;
      return OTHER;
    });
    const late = show();
    nextId.value = NEXT_CREDENTIALS.accessKeyId;
    stage.s3.keys.delete(CREDENTIALS.accessKeyId);
    expect(await show()).toBe(200);
    release();
    await late;
    expect(await show()).toBe(200);
  });

  test("requests of before tell the log no old news", async () => {
    const token = keep(HEALTH_TOKEN);
    Object.assign(env, { HEALTH_TOKEN: token });
    nextId.value = NEXT_CREDENTIALS.accessKeyId;
    expect(await show()).toBe(200);
    wait(59);
    let release = () => {};
    const held = new Promise<void>((settle) => {
      release = settle;
    });
    const edge = stage.edge.fetch;
    stage.edge.fetch = async (url, init) => {
      if (url.endsWith("fig.jpg")) await held;
      return edge(url, init);
    };
    const old = get("/images/card/photos/fig.jpg", {}, env);
    await expect.poll(() => stage.asked.length).toBe(2);
    stage.s3.keys.delete(CREDENTIALS.accessKeyId);
    token.value = "another token, as long as it";
    wait(2);
    expect(await show()).toBe(200);
    release();
    expect([(await old).status, await show()]).toEqual([200, 200]);
    expect(lines().map(({ event }) => event)).toEqual(["slot-refused", "slot-in-use"]);
  });

  test("a store that was wrong for a while makes nothing be told twice", async () => {
    nextId.value = NEXT_CREDENTIALS.accessKeyId;
    stage.s3.keys.delete(CREDENTIALS.accessKeyId);
    expect(await show()).toBe(200);
    for (const [first, second, status, seconds] of [
      ["bad key", "bad key", 500, 61],
      [CREDENTIALS.accessKeyId, NEXT_CREDENTIALS.accessKeyId, 200, 6],
    ] as const) {
      id.value = first;
      nextId.value = second;
      wait(seconds);
      expect(await show()).toBe(status);
    }
    const events = ["slot-refused", "slot-in-use", "configuration-broken"];
    expect(lines().map(({ event }) => event)).toEqual(events);
  });
});

test("a slot that is whole again in its store is told to be in use", async () => {
  Object.assign(env, NEXT);
  stage.s3.keys.set(NEXT_CREDENTIALS.accessKeyId, NEXT_CREDENTIALS.secretAccessKey);
  secret.value = null;
  expect(await show()).toBe(200);
  secret.value = SECRETS.AWS_SECRET_ACCESS_KEY;
  wait(61);
  expect(await show()).toBe(200);
  expect(lines().map(({ slot }) => slot)).toEqual(["next", "current"]);
});

test("the token of /healthz may be in a store, too", async () => {
  const authorization = `Bearer ${HEALTH_TOKEN}`;
  const stored = { ...ENV, HEALTH_TOKEN: keep(HEALTH_TOKEN) };
  expect((await get("/healthz", { headers: { authorization } }, stored)).status).toBe(200);
});

describe("of two readings at once", () => {
  const later = (ms: number) => new Promise<void>((settle) => setTimeout(settle, ms));
  const keys: Record<string, string> = JSON.parse(SECRETS.URL_SIGNING_KEYS);
  let signing = keep("");
  let query: string;

  beforeEach(async () => {
    signing = keep(SECRETS.URL_SIGNING_KEYS);
    env = { ...ENV, AWS_ACCESS_KEY_ID: id, URL_SIGNING_KEYS: signing };
    const grant = { route: "/private/:preset/*", preset: "card", key: "key.jpg" };
    const expires = Math.floor(Date.now() / 1000) + 3600;
    query = await signGrant({ ...grant, expires }, { kid: "old", secret: keys["old"] ?? "" });
  });
  const open = async () => (await get(`/private/card/key.jpg${query}`, {}, env)).status;

  /** Sets what a store does at its next read: after `ms` milliseconds it returns a value, or fails. */
  function then(store: ReturnType<typeof keep>, ms: number, value: unknown): void {
    store.get.mockImplementationOnce(async () => {
      await later(ms);
      if (value === DOWN) throw DOWN;
      return value;
    });
  }

  const without = JSON.stringify({ new: keys["new"] });
  const { AWS_ACCESS_KEY_ID: right, URL_SIGNING_KEYS: with2 } = SECRETS;
  type Way = [ms: number, value: unknown];

  // The id and the signing keys that the first request reads, and those that the second one reads.
  test.each<[string, Way, Way, Way, Way]>([
    ["fails at once", [0, right], [30, without], [0, right], [0, DOWN]],
    ["fails late", [0, right], [0, without], [0, right], [30, DOWN]],
    ["fails, and gets something else late", [0, right], [10, without], [40, right], [0, DOWN]],
    [
      "gets the keys, and fails at something else",
      [0, right],
      [40, with2],
      [0, DOWN],
      [10, without],
    ],
    ["is the first one to end", [0, right], [40, with2], [0, right], [0, without]],
  ])("a signing key that was taken out stays out, where the second %s", async (_what, ...ways) => {
    expect(await open()).toBe(200);
    wait(61);
    const [id1, keys1, id2, keys2] = ways;
    then(id, ...id1);
    then(id, ...id2);
    then(signing, ...keys1);
    then(signing, ...keys2);
    signing.value = DOWN; // later reads fail
    await Promise.all([open(), open()]);
    for (const seconds of [0, 30, 31, 61, 61]) {
      wait(seconds);
      expect(await open()).toBe(404);
    }
  });

  test("what one was given at a cold start is not lost by the other one", async () => {
    then(id, 20, right);
    then(signing, 20, with2);
    then(id, 0, DOWN);
    then(signing, 40, with2);
    id.value = DOWN;
    await Promise.all([open(), open()]);
    for (const seconds of [0, 6, 61, 61]) {
      wait(seconds);
      expect(await open()).toBe(200);
    }
  });
});

test("only what a slot is made of is read from a store", async () => {
  const other = keep("x");
  Object.assign(env, {
    ...{ KV: other, AWS_REGION: other, HEALTH_TOKENS: other, OLD_HEALTH_TOKEN: other },
    ...{ AWS_ACCESS_KEY_ID_NEXT_ONE: other, AWS_SECRET_ACCESS_KEYS: other },
  });
  expect(await show()).toBe(200);
  expect(other.get).not.toHaveBeenCalled();
});

test.each<[string, object, string[], string[]]>([
  ["both slots", { ...SECRETS, ...NEXT }, ["current", "next"], []],
  ["the current one", SECRETS, ["current"], []],
  ["the next one", NEXT, ["next"], ["current"]],
  ["a half next one", { ...SECRETS, AWS_ACCESS_KEY_ID_NEXT: "AKIA" }, ["current"], ["next"]],
  ["none", {}, [], ["current"]],
])("of %s is known what can be used and what cannot", (_what, vars, usable, unusable) => {
  const mistakes: string[] = [];
  const read = readSlots("AWS", { ...vars }, (name) => mistakes.push(name));
  expect(read.usable.map(({ name }) => name)).toEqual(usable);
  expect(read.unusable.map(({ slot }) => slot)).toEqual(unusable);
  expect(mistakes.length > 0).toBe(usable.length === 0);
});

test("a slot's secrets have names that tell the slot", () => {
  expect(secretNames("MORE", "next")).toEqual({
    accessKeyId: "MORE_ACCESS_KEY_ID_NEXT",
    secretAccessKey: "MORE_SECRET_ACCESS_KEY_NEXT",
  });
});
