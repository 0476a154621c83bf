// The strict R2 bucket beside the real one of wrangler: the same calls, one table, the same answers.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { getPlatformProxy } from "wrangler";
import { createR2 } from "../../../src/emulator/r2/r2.ts";
import { createTemporaryFolder } from "../../support/temporary-folder.ts";

type Call = (r2: R2Bucket) => Promise<unknown>;

const BODY = "0123456789";
const ETAG = "781e5e245d69b566979b86e28d23f2c7";
const bytes = new TextEncoder().encode(BODY);
/** What a put of a rendition has. */
const RENDITION = {
  httpMetadata: { contentType: "image/webp" },
  customMetadata: { identity: "a%20b", made: "2026-11-28" },
};
const ONE_KEY = "é".repeat(512);
const tooLong = `${ONE_KEY}a`;
const keysOf = ({ objects }: R2Objects) => objects.map(({ key }) => key);

async function fill(r2: R2Bucket, ...keys: readonly string[]): Promise<void> {
  for (const key of keys) await r2.put(key, "x", RENDITION);
}

async function pages(r2: R2Bucket, options: R2ListOptions): Promise<string[][]> {
  const list = await r2.list(options);
  const more = list.truncated ? await pages(r2, { ...options, cursor: list.cursor }) : [];
  return [keysOf(list), ...more];
}

/** Conditions of a put and of a get, where an object is there, and where none is. */
const conditions = [
  { etagDoesNotMatch: "*" },
  { etagMatches: "*" },
  { etagMatches: ETAG },
  { etagMatches: "another" },
  { etagDoesNotMatch: ETAG },
  { etagDoesNotMatch: "another" },
  { etagMatches: ETAG, etagDoesNotMatch: "another" },
  {},
];

const RANGES = [{ offset: 0, length: 4 }, { offset: 8, length: 9 }, { length: 99 }, { offset: 10 }];

const VALUES = [
  "é",
  "",
  null,
  bytes.slice().buffer,
  bytes.subarray(2, 5),
  new DataView(bytes.buffer, 1, 3),
  new Blob([BODY], { type: "image/png" }), // whose type is not stored
];

const CALLS: Readonly<Record<string, Call>> = {
  "takes texts, bytes and Blobs (T2)": async (r2) => {
    const answers = [];
    for (const value of VALUES) {
      answers.push([await r2.put("a", value, RENDITION), await r2.get("a")]);
    }
    return answers;
  },
  "refuses a stream of unknown length (T2)": (r2) => r2.put("a", new Blob([BODY]).stream()),
  "takes the bytes as they are at the call (T2)": async (r2) => {
    const changing = bytes.slice();
    const put = r2.put("a", changing);
    changing.fill(0);
    await put;
    return r2.get("a");
  },
  "puts only if a condition holds (T8a)": async (r2) => {
    const answers = [];
    for (const onlyIf of conditions) {
      await r2.delete("missing");
      await r2.put("there", BODY);
      for (const key of ["there", "missing"]) {
        const put = await r2.put(key, "new", { ...RENDITION, onlyIf });
        answers.push(await visibleParts([put, await r2.get(key)])); // one open body at a time
      }
    }
    return answers;
  },
  "gives the body only if a condition holds (T8)": async (r2) => {
    await r2.put("there", BODY, RENDITION);
    const answers = [];
    for (const onlyIf of conditions) {
      answers.push(
        await visibleParts([
          await r2.get("there", { onlyIf }),
          await r2.get("missing", { onlyIf }),
        ]),
      );
    }
    return answers;
  },
  "refuses quotes in a condition (T8)": (r2) => {
    const conditions = [{ etagMatches: `"${ETAG}"` }, { etagDoesNotMatch: `"${ETAG}"` }];
    const puts = conditions.map((onlyIf) => r2.put("a", "x", { onlyIf }).catch(({ name }) => name));
    return Promise.all(puts);
  },
  "gives a Blob of the type that is stored, and each write a version": async (r2) => {
    const written = [await r2.put("a", "x", RENDITION), await r2.put("b", "x", RENDITION)];
    const versions = new Set(written.map(({ version }) => version)).size;
    return [versions, (await (await r2.get("a"))?.blob())?.type];
  },
  "gives a part of an object, and what is known of the whole (A14)": async (r2) => {
    await r2.put("a", BODY, RENDITION);
    const answers: unknown[] = [
      await r2.head("a"),
      await r2.get("missing", { range: { offset: 0 } }),
    ];
    for (const range of RANGES)
      answers.push(await r2.get("a", { range }).then(visibleParts, String));
    return answers;
  },
  "writes one of two puts at once that go only where nothing is (T1, T8a)": async (r2) => {
    const put = (body: string) => r2.put("a", body, { onlyIf: { etagDoesNotMatch: "*" } });
    const answers = await Promise.all([put("one"), put("two")]);
    return answers.map((answer) => answer === null).toSorted();
  },
  "takes keys of 1,024 bytes, and no longer ones (T3)": async (r2) => {
    await fill(r2, "a", ONE_KEY);
    const failed = [r2.put(tooLong, "x"), r2.get(tooLong), r2.delete(["a", tooLong])];
    const answers = await Promise.all(failed.map((call) => call.catch(String)));
    return [answers, keysOf(await r2.list())];
  },
  "takes 8,192 bytes of metadata, names included, and no more (T3)": async (r2) => {
    const put = (length: number) =>
      r2.put("a", "x", { customMetadata: { a: "b".repeat(length) } }).catch(String);
    return [await put(8191), await put(8192)];
  },
  "deletes one key, several, twice the same, and what is not there (T4)": async (r2) => {
    await fill(r2, "a", "b", "c", "d");
    const answers = [await r2.delete("a"), await r2.delete(["b", "c", "b", "missing"])];
    return [answers, await r2.delete("missing"), keysOf(await r2.list())];
  },
  "lists by pages, in the order of bytes (T4)": async (r2) => {
    await fill(r2, "s/\uffff", "s/\u{1f600}", "s/B", "s/a", "s/é", "s/_", "S/a", "s", "t/a");
    return [await pages(r2, { prefix: "s/", limit: 2 }), await pages(r2, { limit: 3 })];
  },
  "lists 1 to 1,000 keys (T4)": async (r2) => {
    await fill(r2, "a", "b", "c");
    const listUpTo = async (limit: number) => {
      const { truncated, objects } = await r2.list({ limit });
      return [truncated, objects.length];
    };
    return Promise.all([1, 3, 1000, 0, 1001].map((limit) => listUpTo(limit).catch(String)));
  },
  "lists without metadata (T4)": async (r2) => {
    await fill(r2, "a", "b");
    return r2.list({ prefix: "a" });
  },
};

let real: R2Bucket;
let dispose = async (): Promise<void> => {};

beforeAll(async () => {
  const configPath = join(createTemporaryFolder("vitrine-r2-"), "wrangler.toml");
  const binding = '[[r2_buckets]]\nbinding = "STORE"\nbucket_name = "store"\n';
  writeFileSync(configPath, `name = "store"\ncompatibility_date = "2026-11-01"\n${binding}`);
  const proxy = await getPlatformProxy<{ STORE: R2Bucket }>({ configPath, persist: false });
  real = proxy.env.STORE;
  dispose = proxy.dispose;
});
afterAll(() => dispose());

beforeEach(async () => {
  const { objects } = await real.list();
  await real.delete(objects.map(({ key }) => key));
});

/** Replaces objects by what a Worker sees of them: not their versions, and `uploaded` only if it is a date. */
async function visibleParts(value: unknown): Promise<unknown> {
  if (Array.isArray(value)) return Promise.all(value.map(visibleParts));
  if (typeof value !== "object" || value === null) return value;
  if ("text" in value && "headers" in value) return value; // seen before
  if ("objects" in value) {
    const cursor = "cursor" in value ? typeof value.cursor : "none";
    return { ...value, cursor, objects: await visibleParts(value.objects) };
  }
  const object: R2ObjectBody = Object(value);
  const headers = new Headers();
  object.writeHttpMetadata(headers);
  const { key, size, etag, httpEtag, range, httpMetadata, customMetadata } = object;
  return {
    ...{ key, size, etag, httpEtag, range, httpMetadata, customMetadata, headers: [...headers] },
    uploaded: object.uploaded instanceof Date,
    checksums: object.checksums.toJSON(),
    text: "bodyUsed" in value ? await object.text() : undefined, // a look at its body would lock it
  };
}

const answerOf = async (call: Call, r2: R2Bucket): Promise<unknown> => {
  try {
    return await visibleParts(await call(r2));
  } catch (error) {
    return String(error);
  }
};

test.each(Object.entries(CALLS))("%s, as the real one does", async (_name, call) => {
  expect(await answerOf(call, createR2())).toEqual(await answerOf(call, real));
});
