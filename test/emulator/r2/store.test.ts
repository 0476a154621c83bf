// The strict R2 bucket beside the real one of wrangler: the same calls, one table, the same answers.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { getPlatformProxy } from "wrangler";
import { createR2 } from "../../../src/emulator/r2/r2.ts";
import { makeTemporary } from "../../support/temporary.ts";

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

/** Puts texts of one byte under keys. */
async function fill(r2: R2Bucket, ...keys: readonly string[]): Promise<void> {
  for (const key of keys) await r2.put(key, "x", RENDITION);
}

/** Each page of a list. */
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
  { etagMatches: "" },
  { etagMatches: `W/"${ETAG}"` },
  { etagMatches: `${ETAG}, another` },
  { etagDoesNotMatch: ETAG },
  { etagDoesNotMatch: "another" },
  { etagMatches: ETAG, etagDoesNotMatch: "*" },
  { etagMatches: ETAG, etagDoesNotMatch: "another" },
  { etagMatches: `"${ETAG}"` },
  { etagDoesNotMatch: `"${ETAG}"` },
  {},
].flatMap((onlyIf): [string, Call][] => [
  [
    `puts only if ${JSON.stringify(onlyIf)} (T8a)`,
    async (r2) => {
      await r2.put("there", BODY);
      const put = (key: string) => r2.put(key, "new", { ...RENDITION, onlyIf }).catch(String);
      return [await put("there"), await put("missing"), await r2.get("there"), await r2.list()];
    },
  ],
  [
    `gets only if ${JSON.stringify(onlyIf)} (T8)`,
    async (r2) => {
      await r2.put("there", BODY, RENDITION);
      const get = (key: string) => r2.get(key, { onlyIf }).catch(String);
      return [await get("there"), await get("missing")];
    },
  ],
]);

const values = [
  ["a text", "é"],
  ["an empty text", ""],
  ["nothing", null],
  ["an ArrayBuffer", bytes.slice().buffer],
  ["a part of an array", bytes.subarray(2, 5)],
  ["an array of wider numbers", new Uint16Array([1, 258])],
  ["a DataView", new DataView(bytes.buffer, 1, 3)],
  ["a Blob, whose type is not stored", new Blob([BODY], { type: "image/png" })],
] as const;

const CALLS: readonly (readonly [string, Call])[] = [
  ...values.map(([name, value]): [string, Call] => [
    `a put of ${name} (T2)`,
    async (r2) => [await r2.put("a", value, RENDITION), await r2.get("a")],
  ]),
  ["a put of a stream (T2)", (r2) => r2.put("a", new Blob([BODY]).stream())],
  ["a put of the body of a response made here (T2)", (r2) => r2.put("a", new Response("a").body)],
  [
    "a put of bytes that change after the call (T2)",
    async (r2) => {
      const changing = bytes.slice();
      const put = r2.put("a", changing);
      changing.fill(0);
      await put;
      return r2.get("a");
    },
  ],
  ...conditions,
  [
    "two puts at once, each only if nothing is there: one is written (T1, T8a)",
    async (r2) => {
      const put = (body: string) => r2.put("a", body, { onlyIf: { etagDoesNotMatch: "*" } });
      const answers = await Promise.all([put("one"), put("two")]);
      return answers.map((answer) => answer === null).toSorted();
    },
  ],
  [
    "gets and lists after a put, another put, and a delete (T1)",
    async (r2) => {
      const look = async () => [await r2.get("a"), await r2.head("a"), keysOf(await r2.list())];
      const seen = [await look()];
      await r2.put("a", "one", RENDITION);
      seen.push(await look());
      await r2.put("a", "two");
      seen.push(await look());
      await r2.delete("a");
      return [...seen, await look()];
    },
  ],
  ["a put of the longest key (T3)", async (r2) => [await r2.put(ONE_KEY, "x"), await r2.list()]],
  ["a put of a longer key (T3)", (r2) => r2.put(tooLong, "x")],
  ["a get of a longer key (T3)", (r2) => r2.get(tooLong)],
  ["a delete of a longer key (T3)", (r2) => r2.delete(tooLong)],
  [
    "a delete of a key and of a longer one, which deletes nothing (T3)",
    async (r2) => {
      await fill(r2, "a");
      const failed = await r2.delete(["a", tooLong]).catch(String);
      return [failed, keysOf(await r2.list())];
    },
  ],
  ...[8191, 8192].map((length): [string, Call] => [
    `a put with metadata of ${length} bytes under a name of one (T3)`,
    (r2) => r2.put("a", "x", { customMetadata: { a: "b".repeat(length) } }),
  ]),
  [
    "a put with too much metadata under many names (T3)",
    (r2) => {
      const entries = Array.from({ length: 1024 }, (_, at) => [`n${1000 + at}`, "abcd"]);
      return r2.put("a", "x", { customMetadata: Object.fromEntries(entries) });
    },
  ],
  [
    "a put without metadata over one with metadata",
    async (r2) => {
      await r2.put("a", "one", RENDITION);
      await r2.put("a", "two");
      return r2.get("a");
    },
  ],
  [
    "deletes: one, several, twice the same, what is not there (T4)",
    async (r2) => {
      await fill(r2, "a", "b", "c", "d");
      const answers = [await r2.delete("a"), await r2.delete(["b", "c", "b", "missing"])];
      return [answers, await r2.delete("missing"), keysOf(await r2.list())];
    },
  ],
  [
    "a delete of 1,000 keys (T4)",
    async (r2) => {
      await fill(r2, "k0", "k999", "k1000");
      await r2.delete(Array.from({ length: 1000 }, (_, at) => `k${at}`));
      return keysOf(await r2.list());
    },
  ],
  [
    "a list by pages, in the order of bytes (T4)",
    async (r2) => {
      await fill(
        r2,
        "s/\uffff",
        "s/\u{1f600}",
        "s/B",
        "s/a",
        "s/é",
        "s/_",
        "s/%",
        "S/a",
        "s",
        "t/a",
      );
      return [await pages(r2, { prefix: "s/", limit: 2 }), await pages(r2, { limit: 3 })];
    },
  ],
  ...[1, 3, 4, 1000, 0, 1001].map((limit): [string, Call] => [
    `a list of at most ${limit} of 3 objects (T4)`,
    async (r2) => {
      await fill(r2, "a", "b", "c");
      const { truncated, objects } = await r2.list({ limit });
      return [truncated, objects.length];
    },
  ]),
  [
    "pages between which objects go and come (T4)",
    async (r2) => {
      await fill(r2, "a", "c", "e");
      const first = await r2.list({ limit: 2 });
      await r2.delete(["a", "c"]);
      await fill(r2, "b", "d");
      return first.truncated && keysOf(await r2.list({ cursor: first.cursor }));
    },
  ],
  ["a list of nothing (T4)", (r2) => r2.list({ prefix: "a/" })],
  ...[undefined, [], ["httpMetadata"], ["customMetadata"], ["httpMetadata", "customMetadata"]].map(
    (include): [string, Call] => [
      `a list that includes ${include?.join(" and ")} (T4)`,
      async (r2) => {
        await fill(r2, "a", "b");
        return Reflect.apply(r2.list, r2, [{ prefix: "a", ...(include && { include }) }]);
      },
    ],
  ),
];

let real: R2Bucket;
let dispose = async (): Promise<void> => {};

beforeAll(async () => {
  const configPath = join(makeTemporary("vitrine-r2-"), "wrangler.toml");
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
async function seen(value: unknown): Promise<unknown> {
  if (Array.isArray(value)) return Promise.all(value.map(seen));
  if (typeof value !== "object" || value === null) return value;
  if ("objects" in value) {
    const cursor = "cursor" in value ? typeof value.cursor : "none";
    return { ...value, cursor, objects: await seen(value.objects) };
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
    return await seen(await call(r2));
  } catch (error) {
    return String(error);
  }
};

test.each(CALLS)("%s: as the real one", async (_name, call) => {
  expect(await answerOf(call, createR2())).toEqual(await answerOf(call, real));
});
