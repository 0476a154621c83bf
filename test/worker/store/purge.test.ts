// What /purge deletes from the store: only what S3 calls gone, or denies after an event of its removal.

import { beforeEach, describe, expect, test } from "vitest";
import type { R2, R2Fault } from "../../../src/emulator/r2/r2.ts";
import type { S3Fault } from "../../../src/emulator/s3/s3.ts";
import { NEXT_CREDENTIALS, VARS } from "../../support/env.ts";
import { bridgeEvent } from "../../support/events.ts";
import { postPurge, stage, wait } from "../../support/run-worker.ts";
import {
  deny,
  envWith,
  getAsBrowser,
  KEY,
  remove,
  store,
} from "../../support/worker-with-store.ts";

const NAME = `media/${KEY}`;

let env: object;
beforeEach(async () => {
  env = envWith();
  for (const preset of ["card", "plain"]) await getAsBrowser(env, `/images/${preset}/${KEY}`);
  expect(store.objects.size).toBe(2);
  wait(2); // R2 takes one write a second of each name (T3)
});

/** Removes the object while S3, or the store, fails. */
const removeWhile = (fault: S3Fault) => () => {
  remove();
  stage.s3.faults.add(fault);
};
const removeWhileStore = (fault: R2Fault) => () => {
  remove();
  store.faults.add(fault);
};

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
  ["deleted, an event that calls it created", remove, event("Object Created"), 200, 0],
  ["replaced, an event", () => {}, event("Object Created"), 200, 2],
  ["an old version deleted: the object is there (A19)", () => {}, event("Object Deleted"), 200, 2],
  ["deleted without s3:ListBucket, an event", deny, event("Object Deleted"), 200, 0],
  ["denied, an event that calls it created", deny, event("Object Created"), 200, 2],
  ["denied, by hand: it is reported", deny, byHand, 503, 2],
  ["deleted while S3 is down", removeWhile("SlowDown"), event("Object Deleted"), 503, 2],
  ["deleted while the key is dead", removeWhile("revoked-key"), byHand, 503, 2],
  ["deleted while the store fails", removeWhileStore("throws-list"), byHand, 502, 2],
  ["deleted while the store deletes nothing", removeWhileStore("throws-delete"), byHand, 502, 2],
  ["the bucket", remove, { bucket: "media" }, 200, 2],
  ["everything", remove, { everything: true }, 200, 2],
];

test.each(ROWS)("%s (A6, A19)", async (_what, change, body, status, stored) => {
  change();
  const answer = await purge(body);
  expect([answer.status, store.objects.size]).toEqual([status, stored]);
  const notPurged = answer.report.not_purged.map(({ object }: { object: string }) => object);
  expect(notPurged).toEqual(status === 200 ? [] : [NAME]);
});

describe("two buckets of wrangler.toml are one at S3, with two keys:", () => {
  const { media } = VARS.BUCKETS;
  const weak = { ...media, credentials: "WEAK" };
  const { accessKeyId, secretAccessKey } = NEXT_CREDENTIALS;
  const weakKey = { WEAK_ACCESS_KEY_ID: accessKeyId, WEAK_SECRET_ACCESS_KEY: secretAccessKey };

  test.each<[weakKey: "dead" | "denied", change: () => void, status: number, stored: number]>([
    ["dead", () => {}, 200, 2],
    ["dead", remove, 200, 0],
    ["dead", deny, 503, 2],
    ["denied", () => {}, 200, 2],
    ["denied", remove, 200, 0],
    ["denied", deny, 200, 0],
  ])("one is %s, and the other key decides (%#)", async (state, change, status, stored) => {
    change();
    const { fetch } = stage.s3;
    stage.s3.fetch = async (input, init) => {
      const isWeak = new Request(input, init).headers.get("authorization")?.includes(accessKeyId);
      const denial = "<Error><Code>AccessDenied</Code></Error>";
      return isWeak && state === "denied"
        ? new Response(denial, { status: 403, headers: { "content-type": "application/xml" } })
        : fetch(input, init);
    };
    const entries = [...store.objects];
    for (const BUCKETS of [
      { weak, media },
      { media, weak },
    ]) {
      env = envWith({ BUCKETS, ...weakKey });
      const { status: answered, report } = await purge(event("Object Deleted"));
      expect([answered, store.objects.size]).toEqual([status, stored]);
      expect(report.purged).toHaveLength(status === 200 ? 1 : 0);
      for (const [name, entry] of entries) store.objects.set(name, entry);
      wait(2);
    }
  });
});

test("what an earlier configuration or version stored of the object goes, too, and nothing of another one", async () => {
  const [name = ""] = store.objects.keys();
  const [bucketTag = "", tag = ""] = name.split("/");
  const folder = `${bucketTag}/${tag}`;
  const entry = { body: new Uint8Array([1]) };
  for (let at = 0; at < 2_500; at++) store.objects.set(`${folder}/old-${at}`, entry);
  store.objects.set(`${tag}/one`, entry); // as version 0.2 named it
  store.objects.set("other/one", entry);
  store.objects.set(`${folder}0/one`, entry);
  remove();
  expect((await purge(byHand)).status).toBe(200);
  expect([...store.objects.keys()]).toEqual(["other/one", `${folder}0/one`]);
});

test("a list that always goes on ends the purge with a failure", async () => {
  remove();
  let lists = 0;
  const list: R2["list"] = async (options) => {
    if (++lists > 99) throw new Error("listed without end");
    return { ...(await store.list(options)), truncated: true, cursor: "" };
  };
  env = envWith({ RENDITIONS: { ...store, list } });
  expect([(await purge(byHand)).status, lists, store.objects.size]).toEqual([502, 20, 0]);
});

test("the cache is purged before the store: else a visitor could have it stored again", async () => {
  const events: string[] = [];
  const { exported } = stage;
  stage.exported = (original) => {
    const loopback = exported(original);
    if (!loopback) return undefined;
    const purgeCache = loopback.purge.bind(loopback);
    return Object.assign(loopback, {
      purge: (options: Parameters<typeof purgeCache>[0]) => {
        events.push(`cache, ${store.objects.size} stored`);
        return purgeCache(options);
      },
    });
  };
  remove();
  await purge(byHand);
  expect([...events, store.objects.size]).toEqual(["cache, 2 stored", 0]);
});

test("20 objects a request: the others are named, to be sent again", async () => {
  const objects = Array.from({ length: 25 }, (_, at) => `media/photos/${at}.jpg`);
  const { status, report } = await purge({ objects });
  expect([status, report.purged]).toEqual([429, objects.slice(0, 20)]);
  expect(report.not_purged.map(({ object }: { object: string }) => object)).toEqual(
    objects.slice(20),
  );
});

test("for an event that names an object twice, S3 gets one request", async () => {
  const record = (eventName: string) => ({
    ...{ eventSource: "aws:s3", eventName },
    s3: { bucket: { name: "acme-media" }, object: { key: `published/${KEY}` } },
  });
  deny();
  const before = stage.s3.requests.length;
  const Records = [record("ObjectRemoved:Delete"), record("ObjectCreated:Put")];
  expect((await purge({ Records })).status).toBe(200);
  expect([stage.s3.requests.length - before, store.objects.size]).toEqual([1, 0]);
});
