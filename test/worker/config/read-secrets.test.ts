// Secrets in a Secrets Store: the Worker reads them with get(), and they change without a deploy.

import { beforeEach, describe, expect, test, vi } from "vitest";
import { signGrant } from "../../../src/url/grant.ts";
import { readSlots, secretNames } from "../../../src/worker/config/read-secrets.ts";
import {
  CREDENTIALS,
  ENV,
  HEALTH_TOKEN,
  NEXT,
  NEXT_CREDENTIALS,
  PURGE_TOKEN,
  SECRETS,
} from "../../support/env.ts";
import { get, keepNothing, lines, stage, wait } from "../../support/play.ts";

keepNothing(); // each request is to reach the edge

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
const showTwenty = () => Promise.all(Array.from({ length: 20 }, show));
const TWENTY = Array(20).fill(200);

/** Puts another key into the stores. S3 knows no other from now on. */
function replaceKeys(): void {
  id.value = NEXT_CREDENTIALS.accessKeyId;
  secret.value = NEXT_CREDENTIALS.secretAccessKey;
  stage.s3.keys.clear();
  stage.s3.keys.set(NEXT_CREDENTIALS.accessKeyId, NEXT_CREDENTIALS.secretAccessKey);
}

/** Has the stores read again, by a visitor who gets what was known before. */
async function readAgain(seconds = 61): Promise<void> {
  wait(seconds);
  expect(await show()).toBe(200);
  await Promise.all(stage.after);
}

test("a store's secrets do as well, and are read once a minute", async () => {
  expect(await showTwenty()).toEqual(TWENTY);
  expect(id.get).toHaveBeenCalledTimes(1);
  wait(59);
  expect(await showTwenty()).toEqual(TWENTY);
  expect(id.get).toHaveBeenCalledTimes(1);
  wait(2);
  expect(await showTwenty()).toEqual(TWENTY);
  expect(await showTwenty()).toEqual(TWENTY);
  expect(id.get).toHaveBeenCalledTimes(2);
  expect(secret.get).toHaveBeenCalledTimes(2);
});

test("a key that changes in the store is used after a minute, without a deploy", async () => {
  expect(await show()).toBe(200);
  id.value = NEXT_CREDENTIALS.accessKeyId;
  secret.value = NEXT_CREDENTIALS.secretAccessKey;
  stage.s3.keys.set(NEXT_CREDENTIALS.accessKeyId, NEXT_CREDENTIALS.secretAccessKey);
  wait(59);
  expect(await show()).toBe(200);
  await readAgain(2);
  stage.s3.keys.delete(CREDENTIALS.accessKeyId);
  expect(await show()).toBe(200);
});

test("an isolate that has slept for two minutes uses no old secret", async () => {
  expect(await show()).toBe(200);
  replaceKeys();
  wait(120);
  expect(await showTwenty()).toEqual(TWENTY);
  expect(id.get).toHaveBeenCalledTimes(2);
});

test("where the clock is set back, the store is read again, and no secret of before is used", async () => {
  expect(await show()).toBe(200);
  replaceKeys();
  wait(-3_600);
  expect(await showTwenty()).toEqual(TWENTY);
  expect(id.get).toHaveBeenCalledTimes(2);
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

  test("holds nobody up, and takes nothing away", async () => {
    const token = keep(HEALTH_TOKEN);
    Object.assign(env, { ...NEXT, HEALTH_TOKEN: token });
    expect(await show()).toBe(200);
    const timers = vi.getTimerCount();
    for (const hanging of [id, token]) hanging.get.mockImplementation(hang);
    for (const times of [2, 3]) {
      wait(61);
      expect(await showTwenty()).toEqual(TWENTY);
      const authorization = `Bearer ${HEALTH_TOKEN}`;
      expect((await get("/healthz", { headers: { authorization } }, env)).status).toBe(200);
      expect([id.get, token.get].map(({ mock }) => mock.calls.length)).toEqual([times, times]);
      await waitForStores(timers);
      await Promise.all(stage.after);
    }
  });

  test("is read to the end after its visitor has left", async () => {
    expect(await show()).toBe(200);
    stage.after = [];
    id.get.mockImplementation(hang);
    wait(61);
    expect(await show()).toBe(200);
    const ended = vi.fn();
    Promise.all(stage.after).then(ended);
    await vi.advanceTimersByTimeAsync(1_999);
    expect(ended).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    expect(ended).toHaveBeenCalled();
  });

  test.each([
    ["", 0, 5_000],
    [", and the clock is set back", -3_600, 0], // the store is read anew
  ])(
    "holds others up for a limited time if the request that reads it is cut off%s",
    async (_also, seconds, waited) => {
      id.get.mockImplementationOnce(hang);
      show();
      await vi.advanceTimersByTimeAsync(0);
      vi.clearAllTimers();
      stage.after = [];
      wait(seconds);
      const others = showTwenty();
      await vi.advanceTimersByTimeAsync(waited);
      expect(await others).toEqual(TWENTY);
      expect(id.get).toHaveBeenCalledTimes(2);
    },
  );

  test("holds visitors up where the configuration is broken, for two seconds at most", async () => {
    id.value = "bad key";
    expect(await show()).toBe(500);
    id.get.mockImplementation(hang);
    wait(6);
    const shown = show();
    await waitForStores(0);
    expect(await shown).toBe(500);
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
  await readAgain();
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
    await readAgain(1.5);
    stage.s3.keys.delete(CREDENTIALS.accessKeyId);
    expect(await show()).toBe(200);
  });

  test("a key that is refused in the place of one that was is told", async () => {
    nextId.value = NEXT_CREDENTIALS.accessKeyId;
    stage.s3.keys.delete(CREDENTIALS.accessKeyId);
    expect(await show()).toBe(200);
    id.value = OTHER;
    await readAgain();
    expect(await show()).toBe(200);
    const refused = lines().filter(({ event }) => event === "slot-refused");
    expect(refused.map(({ access_key }) => access_key)).toEqual(["…MPLE", "…TYPO"]);
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
      if (`${url}`.includes("fig.jpg")) await held;
      return edge(url, init);
    };
    const old = get("/images/card/photos/fig.jpg", {}, env);
    await expect.poll(() => stage.asked.length).toBe(2);
    stage.s3.keys.delete(CREDENTIALS.accessKeyId);
    token.value = "another token, as long as it";
    expect(await show()).toBe(200);
    await readAgain(2);
    release();
    expect([(await old).status, await show()]).toEqual([200, 200]);
    expect(lines().map(({ event }) => event)).toEqual(["slot-refused", "slot-in-use"]);
  });

  test("a store that was wrong for a while makes nothing be told twice", async () => {
    nextId.value = NEXT_CREDENTIALS.accessKeyId;
    stage.s3.keys.delete(CREDENTIALS.accessKeyId);
    expect(await show()).toBe(200);
    id.value = "bad key";
    nextId.value = "bad key";
    await readAgain();
    expect(await show()).toBe(500);
    id.value = CREDENTIALS.accessKeyId;
    nextId.value = NEXT_CREDENTIALS.accessKeyId;
    wait(6);
    expect(await show()).toBe(200);
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
  await readAgain();
  expect(await show()).toBe(200);
  expect(lines().map(({ slot }) => slot)).toEqual(["next", "current"]);
});

test("the token of /healthz may be in a store, too", async () => {
  const authorization = `Bearer ${HEALTH_TOKEN}`;
  const stored = { ...ENV, HEALTH_TOKEN: keep(HEALTH_TOKEN) };
  expect((await get("/healthz", { headers: { authorization } }, stored)).status).toBe(200);
});

test("a signing key that was taken out stays out, whatever the store does later", async () => {
  const keys: Record<string, string> = JSON.parse(SECRETS.URL_SIGNING_KEYS);
  const signing = keep(SECRETS.URL_SIGNING_KEYS);
  env = { ...env, URL_SIGNING_KEYS: signing };
  const expires = Math.floor(Date.now() / 1000) + 3600;
  const grant = { route: "/private/:preset/*", preset: "card", key: "key.jpg", expires };
  const query = await signGrant(grant, { kid: "old", secret: keys["old"] ?? "" });
  const open = async () => (await get(`/private/card/key.jpg${query}`, {}, env)).status;
  expect(await open()).toBe(200);
  signing.value = JSON.stringify({ new: keys["new"] });
  await readAgain();
  signing.value = DOWN;
  for (const seconds of [0, 30, 31, 61, 121]) {
    wait(seconds);
    expect(await open()).toBe(404);
    await Promise.all(stage.after);
  }
});

test("the token of /purge may be in a store", async () => {
  Object.assign(env, { PURGE_TOKEN: keep(PURGE_TOKEN) });
  const headers = { authorization: `Bearer ${PURGE_TOKEN}` };
  const ask = async () =>
    (await get("/purge", { method: "POST", headers, body: "{}" }, env)).status;
  expect(await ask()).toBe(400);
});

test("only what a slot is made of is read from a store", async () => {
  const other = keep("x");
  Object.assign(env, {
    ...{ KV: other, AWS_REGION: other, HEALTH_TOKENS: other, OLD_HEALTH_TOKEN: other },
    ...{ PURGE_TOKENS: other, CLOUDFLARE_API_TOKEN: other, ZONE_ID: other },
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
    sessionToken: "MORE_SESSION_TOKEN_NEXT",
  });
});
