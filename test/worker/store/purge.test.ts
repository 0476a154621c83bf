// What /purge deletes from the store: all of the objects that it names, whether they are there or not.

import { beforeEach, describe, expect, test } from "vitest";
import type { R2, R2Fault } from "../../../src/emulator/r2/r2.ts";
import type { S3Fault } from "../../../src/emulator/s3/s3.ts";
import { bucketTag } from "../../../src/worker/cache/rendition-url.ts";
import { BUCKET_URL, NEXT_CREDENTIALS, VARS } from "../../support/env.ts";
import { bridgeEvent } from "../../support/events.ts";
import { postPurge, stage, wait } from "../../support/run-worker.ts";
import {
  deny,
  envWith,
  getAsBrowser,
  KEY,
  remove,
  replace,
  store,
  storedNames,
} from "../../support/worker-with-store.ts";

const NAME = `media/${KEY}`;

let env: object;
beforeEach(async () => {
  env = envWith();
  for (const preset of ["card", "plain"]) await getAsBrowser(env, `/images/${preset}/${KEY}`);
  expect(storedNames().length).toBe(2);
  wait(2); // R2 takes one write a second of each name (T3)
});

/** Removes the object while S3 fails. */
const removeWhile = (fault: S3Fault) => () => {
  remove();
  stage.s3.faults.add(fault);
};
const failStore = (fault: R2Fault) => () => void store.faults.add(fault);

async function purge(body: unknown) {
  const answer = await postPurge(body, env);
  return { status: answer.status, report: JSON.parse(await answer.text()) };
}

const event = (type: string) => bridgeEvent("acme-media", `published/${KEY}`, type);
const byHand = { objects: [NAME] };

type Row = readonly [
  what: string,
  change: () => void,
  body: unknown,
  status: number,
  stored: number,
];

const ROWS: readonly Row[] = [
  ["deleted, by hand", remove, byHand, 200, 0],
  ["deleted, an event", remove, event("Object Deleted"), 200, 0],
  ["replaced, by hand", () => replace("made/rotated-gps.jpg"), byHand, 200, 0],
  ["replaced, an event", () => replace("made/rotated-gps.jpg"), event("Object Created"), 200, 0],
  ["unchanged, an event of an old version (A19)", () => {}, event("Object Deleted"), 200, 0],
  ["denied, an event", deny, event("Object Created"), 200, 0],
  ["denied, by hand", deny, byHand, 200, 0],
  ["deleted while S3 is down", removeWhile("SlowDown"), event("Object Deleted"), 200, 0],
  ["deleted while the key is dead", removeWhile("revoked-key"), byHand, 200, 0],
  ["the bucket", () => {}, { bucket: "media" }, 200, 0],
  ["everything", () => {}, { everything: true }, 200, 0],
  ["the store does not list", failStore("throws-list"), byHand, 502, 2],
  ["the store deletes nothing", failStore("throws-delete"), byHand, 502, 2],
  ["the store does not list the bucket", failStore("throws-list"), { bucket: "media" }, 502, 2],
  ["the store deletes nothing at all", failStore("throws-delete"), { everything: true }, 502, 2],
];

test.each(ROWS)("%s (A6, A19)", async (_what, change, body, status, stored) => {
  change();
  const before = stage.s3.requests.length;
  const { status: answered, report } = await purge(body);

  expect(answered).toEqual(status);
  expect(storedNames().length).toEqual(stored);

  const isPurged = status === 200;
  expect(report).toMatchObject({ ok: isPurged, deleted: 2 - stored, left: !isPurged });
  expect(report.not_purged).toHaveLength(isPurged ? 0 : 1);
  expect(stage.s3.requests).toHaveLength(before); // S3 decides nothing
});

test.each<[how: string, body: unknown]>([
  ["by hand", byHand],
  ["by an event", event("Object Created")],
  ["with its bucket", { bucket: "media" }],
  ["with everything", { everything: true }],
])(
  "a picture that was replaced and purged %s is not shown again by any outage",
  async (_how, body) => {
    const red = await (await getAsBrowser(env)).bytes();
    replace("made/rotated-gps.jpg");
    expect((await purge(body)).report.ok).toBe(true);

    for (const fault of ["revoked-key", "SlowDown", "reset"] as const) {
      stage.s3.faults.clear();
      stage.s3.faults.add(fault);
      wait(61);
      const answer = await getAsBrowser(env);
      expect(answer.status, fault).toBe(502);
      expect(await answer.bytes()).not.toEqual(red);
    }
  },
);

describe("a request that verifies is told what S3 says of the object:", () => {
  const { media } = VARS.BUCKETS;
  const weak = { ...media, credentials: "WEAK" };
  const { accessKeyId, secretAccessKey } = NEXT_CREDENTIALS;
  const weakKey = { WEAK_ACCESS_KEY_ID: accessKeyId, WEAK_SECRET_ACCESS_KEY: secretAccessKey };

  const STATES: readonly (readonly [what: string, change: () => void, state: string])[] = [
    ["it is there", () => {}, "there"],
    ["it is missing", remove, "missing"],
    ["it is denied", deny, "denied"],
    ["S3 is down", removeWhile("SlowDown"), "unknown"],
    ["the key is dead", removeWhile("revoked-key"), "unknown"],
  ];

  test.each(STATES)("%s", async (_what, change, state) => {
    change();
    const { status, report } = await purge({ ...byHand, verify: true });
    expect(status).toBe(200);
    expect(report.verified).toEqual([{ object: NAME, state }]);
    expect(storedNames().length).toBe(0);
    expect(stage.edgeRequests).toHaveLength(2); // those of before: no picture is made
  });

  // Two buckets of wrangler.toml are one at S3, with two keys.
  test.each<{ weakState: "dead" | "denied"; change: () => void; state: string }>([
    { weakState: "dead", change: () => {}, state: "there" },
    { weakState: "dead", change: remove, state: "missing" },
    { weakState: "dead", change: deny, state: "unknown" },
    { weakState: "denied", change: () => {}, state: "there" },
    { weakState: "denied", change: remove, state: "missing" },
    { weakState: "denied", change: deny, state: "denied" },
  ])(
    "one key is $weakState, and the other one decides (%#)",
    async ({ weakState, change, state }) => {
      change();
      const { fetch } = stage.s3;

      stage.s3.fetch = async (input, init) => {
        const authorization = new Request(input, init).headers.get("authorization");
        const isDenied = authorization?.includes(accessKeyId) && weakState === "denied";
        if (!isDenied) return fetch(input, init);

        const headers = { "content-type": "application/xml" };
        return new Response("<Error><Code>AccessDenied</Code></Error>", { status: 403, headers });
      };

      for (const BUCKETS of [
        { weak, media },
        { media, weak },
      ]) {
        env = envWith({ BUCKETS, ...weakKey });
        const objects = Object.keys(BUCKETS).map((name) => `${name}/${KEY}`);
        const { report } = await purge({ objects, verify: true });
        expect(report.verified).toMatchObject([{ state }]);
      }
    },
  );
});

test("what an earlier configuration or version stored of the object goes, too, and nothing of another one", async () => {
  const [name = ""] = storedNames();
  const [bucketTag = "", tag = ""] = name.split("/");
  const folder = `${bucketTag}/${tag}`;
  const entry = { body: new Uint8Array([1]) };
  for (let at = 0; at < 2_500; at++) store.objects.set(`${folder}/old-${at}`, entry);

  store.objects.set(`${tag}/one`, entry); // as version 0.2 named it
  store.objects.set("other/one", entry);
  store.objects.set(`${folder}0/one`, entry);
  remove();

  expect((await purge(byHand)).status).toBe(200);
  expect(storedNames()).toEqual(["other/one", `${folder}0/one`]);
});

describe("a store with more than one request can delete", () => {
  const OWN = "0123456789abcdef".repeat(4);

  /** Names as this version writes them, of one bucket. */
  async function fill(count: number): Promise<void> {
    const tag = await bucketTag({ baseUrl: BUCKET_URL });
    const entry = { body: new Uint8Array([1]) };
    for (let at = 0; at < count; at++) {
      const hash = at.toString(16).padStart(64, "0");
      store.objects.set(`${tag}/${hash}/${OWN}`, entry);
    }
  }

  /** Sends a body until nothing is left. @returns what each answer said */
  async function purgeAll(body: object) {
    const answers = [];
    let after: string | undefined;

    do {
      const calls = store.calls.length;
      const { status, report } = await purge({ ...body, ...(after && { after }) });
      expect(store.calls.length - calls).toBeLessThan(48); // of the 50 of the free plan (L3)
      answers.push([status, report.ok, report.left, report.deleted]);
      after = report.after;
      wait(1);
    } while (answers.at(-1)?.[2] === true && answers.length < 9);

    return answers;
  }

  test.each([{ bucket: "media" }, { everything: true }])("%j goes on (T4, L3)", async (body) => {
    store.objects.clear();
    await fill(25_000);
    const answers = await purgeAll(body);

    expect(answers).toEqual([
      [503, false, true, 20_000],
      [200, true, false, 5_000],
    ]);
    expect(storedNames().length).toBe(0);
  });

  test("everything leaves what others have in the same bucket of R2, and comes to its end", async () => {
    const entry = { body: new Uint8Array([1]) };
    const foreign = Array.from({ length: 21_000 }, (_, at) => `0/${at}.jpg`);
    const alike = [`${OWN}`, `${OWN}/${OWN}0`, `a/${OWN}/${OWN}`, `${OWN}/${OWN}/${OWN}/${OWN}`];
    const uppercase = `${OWN}/${OWN.toUpperCase()}`;
    const others = [...foreign, ...alike, uppercase];
    for (const name of others) store.objects.set(name, entry);

    await fill(10);
    store.objects.set(`${OWN}/${OWN}`, entry); // as version 0.2 named it
    const answers = await purgeAll({ everything: true });

    expect(answers.map(([status, , left]) => [status, left])).toEqual([
      [503, true],
      [200, false],
    ]);
    expect(storedNames().toSorted()).toEqual(others.toSorted());
  });

  test("Workers Cache is purged in the first request, too", async () => {
    const { runs } = stage.cache;
    await getAsBrowser(env);
    await fill(25_000);

    expect((await purge({ bucket: "media" })).status).toBe(503);

    const before = runs.length;
    await getAsBrowser(env);
    expect(runs.length).toBeGreaterThan(before);
  });
});

test("a list that always goes on ends the purge with a failure", async () => {
  remove();
  let lists = 0;
  const list: R2["list"] = async (options) => {
    if (++lists > 99) throw new Error("listed without end");
    return { ...(await store.list(options)), truncated: true, cursor: "" };
  };

  env = envWith({ RENDITIONS: { ...store, list } });
  const { status, report } = await purge(byHand);
  expect(status).toBe(503);
  expect(report.left).toBe(true);
  expect(storedNames().length).toBe(0);
  expect(lists).toBeLessThan(25);
});

test("the store is purged before the cache: else a visitor could have it cached again", async () => {
  const events: string[] = [];
  const { exported } = stage;

  stage.exported = (original) => {
    const loopback = exported(original);
    if (!loopback) return undefined;

    const purgeCache = loopback.purge.bind(loopback);
    return Object.assign(loopback, {
      purge: (options: Parameters<typeof purgeCache>[0]) => {
        events.push(`cache, ${storedNames().length} stored`);
        return purgeCache(options);
      },
    });
  };

  remove();
  await purge(byHand);
  expect(events).toEqual(["cache, 0 stored"]);
});

test("8 objects a request: the others are named, to be sent again (L3)", async () => {
  const objects = Array.from({ length: 25 }, (_, at) => `media/photos/${at}.jpg`);
  const { status, report } = await purge({ objects });
  expect(status).toBe(429);
  expect(report.purged).toEqual(objects.slice(0, 8));
  expect(report.not_purged.map(({ object }: { object: string }) => object)).toEqual(
    objects.slice(8),
  );
});
