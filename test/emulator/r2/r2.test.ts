// The strict R2 bucket, as a Worker uses its binding.

import { expect, test } from "vitest";
import { createR2, type R2 } from "../../../src/emulator/r2/r2.ts";
import type { R2Call, R2Fault } from "../../../src/emulator/r2/types.ts";

const BODY = new TextEncoder().encode("0123456789");
const stored = { body: BODY, type: "image/jpeg", cacheControl: "max-age=5" };

test("gives an object with its facts, and null for a missing one", async () => {
  const r2 = createR2({ "a/fig.jpg": stored });
  r2.objects.set("b", { body: BODY, encoding: "gzip", customMetadata: { a: "b" } });
  const found = await r2.get("a/fig.jpg");
  expect(await found?.bytes()).toEqual(BODY);
  expect(found).toMatchObject({
    key: "a/fig.jpg",
    size: 10,
    httpEtag: '"781e5e245d69b566979b86e28d23f2c7"',
    httpMetadata: { contentType: "image/jpeg", cacheControl: "max-age=5" },
  });
  const headers = new Headers();
  const other = await r2.head("b");
  other?.writeHttpMetadata(headers);
  expect([...headers]).toEqual([["content-encoding", "gzip"]]);
  expect(other).not.toHaveProperty("body");
  expect(await r2.get("c")).toBeNull();
  expect(r2.calls.map(({ method, key }) => `${method} ${key}`)).toEqual([
    "get a/fig.jpg",
    "head b",
    "get c",
  ]);
});

test("gives a part of an object, and what is known of the whole (A14)", async () => {
  const r2 = createR2({
    a: { ...stored, customMetadata: { focus: "0,0" } },
    empty: { body: new Uint8Array() },
  });
  const ask = async (range: { offset?: number; length?: number }) => {
    const {
      size,
      httpEtag,
      customMetadata,
      range: part,
      ...found
    } = (await r2.get("a", { range })) ?? expect.unreachable();
    expect([size, httpEtag, customMetadata]).toEqual([
      10,
      '"781e5e245d69b566979b86e28d23f2c7"',
      { focus: "0,0" },
    ]);
    return [await found.text(), part];
  };
  expect(await ask({ offset: 0, length: 4 })).toEqual(["0123", { offset: 0, length: 4 }]);
  expect(await ask({ offset: 8, length: 1024 })).toEqual(["89", { offset: 8, length: 2 }]);
  expect(await ask({ length: 1024 })).toEqual(["0123456789", { offset: 0, length: 10 }]);
  expect(r2.calls.at(-1)).toEqual({ method: "get", key: "a", range: { length: 1024 } });
  expect((await r2.head("a"))?.range).toEqual({ offset: 0, length: 10 });
  const range = { offset: 0, length: 1024 };
  expect(await r2.get("missing", { range })).toBeNull();
  await expect(r2.get("empty", { range })).rejects.toThrow(
    "get: The requested range is not satisfiable (10039)",
  );
  await expect(ask({ offset: 10 })).rejects.toThrow("(10039)");
  r2.faults.add("cut-short");
  expect((await ask({ offset: 0, length: 4 }))[0]).toBe("0123");
  await expect(ask({ offset: 0, length: 8 })).rejects.toThrow();
});

test("refuses what it does not play, objects that are none, and keys that are too long (A10)", async () => {
  const r2 = createR2();
  const get = (options: object) => r2.get("a", options);
  const put = (options: object) => r2.put("a", "b", options);
  for (const refused of [
    () => get({ ssecKey: "a" }),
    () => get({ range: { offset: 0 }, ssecKey: "a" }),
    () => get({ range: { suffix: 1 } }),
    () => get({ range: {} }),
    () => get({ range: new Headers({ range: "bytes=0-1" }) }),
    () => get({ onlyIf: new Headers({ "if-none-match": "*" }) }),
    () => get({ onlyIf: { uploadedBefore: new Date() } }),
    () => put({ onlyIf: { uploadedAfter: new Date() } }),
    () => put({ md5: "a" }),
    () => put({ httpMetadata: new Headers({ "content-type": "image/webp" }) }),
    () => put({ httpMetadata: { contentLanguage: "en" } }),
    () => Reflect.apply(r2.list, r2, [{ delimiter: "/" }]),
  ]) {
    await expect(refused()).rejects.toThrow("createR2: ");
  }
  await expect(Reflect.apply(r2.put, r2, ["a", { a: "b" }])).rejects.toThrow(TypeError);
  expect(() => r2.createMultipartUpload()).toThrow("no multipart upload");
  expect(() => Reflect.apply(r2.objects.set, r2.objects, ["a", "text"])).toThrow("r2.objects");
  expect(() => Reflect.apply(r2.faults.add, r2.faults, ["asleep"])).toThrow("r2.faults: unknown");
  expect(await r2.get("é".repeat(512))).toBeNull();
  await expect(r2.get(`${"é".repeat(512)}a`)).rejects.toThrow("(10020)");
  expect(r2.objects.size).toBe(0);
});

test("deletes 1 to 1,000 keys in a call (T4)", async () => {
  const r2 = createR2({ a: stored });
  await expect(r2.delete([])).rejects.toThrow("(10027)");
  const keys = Array.from({ length: 1001 }, () => "a");
  await expect(r2.delete(keys)).rejects.toThrow("between 1 and 1000 inclusive. (10027)");
  expect([...r2.objects.keys()]).toEqual(["a"]);
  await r2.delete(keys.slice(1));
  expect(r2.objects.size).toBe(0);
});

test("takes one write a second for a key, where that is limited (T3)", async () => {
  let time = Date.UTC(2026, 10, 28);
  const r2 = createR2({ a: stored }, { now: () => time, limitsWrites: ["put"] });
  expect((await r2.put("a", "one")).uploaded).toEqual(new Date(time));
  time += 999;
  await expect(r2.put("a", "two")).rejects.toThrow("put: Reduce your concurrent request rate");
  await r2.put("b", "another");
  expect(await (await r2.get("a"))?.text()).toBe("one");
  time += 1;
  expect(await r2.put("a", "three", { onlyIf: { etagDoesNotMatch: "*" } })).toBeNull();
  await r2.put("a", "four");
  await r2.delete("a");
  const strict = createR2({ a: stored }, { now: () => time, limitsWrites: ["put", "delete"] });
  await strict.put("a", "one");
  await expect(strict.delete(["b", "a"])).rejects.toThrow("(10058)");
  time += 1000;
  await strict.delete(["b", "a"]);
  await expect(strict.put("b", "two")).rejects.toThrow("(10058)");
  const loose = createR2();
  for (const body of ["one", "two"]) await loose.put("a", body);
});

/** The calls of a store, each with the method that it asks for. */
const ASKING: readonly (readonly [R2Call["method"], (r2: R2) => Promise<unknown>])[] = [
  ["head", (r2) => r2.head("a")],
  ["get", (r2) => r2.get("a")],
  ["put", (r2) => r2.put("a", "new")],
  ["list", (r2) => r2.list({ prefix: "a" })],
  ["delete", (r2) => r2.delete(["a", "b"])],
];

test.each<[R2Fault, string, readonly string[]]>([
  ["throws", "(10001)", ["head", "get", "put", "list", "delete"]],
  ["throws-head", "(10001)", ["head"]],
  ["throws-get", "(10001)", ["get"]],
  ["throws-put", "(10001)", ["put"]],
  ["throws-delete", "(10001)", ["delete"]],
  ["throws-list", "(10001)", ["list"]],
  ["stall", "late", ["head", "get", "put", "list", "delete"]],
  ["stall-head", "late", ["head"]],
  ["stall-get", "late", ["get"]],
  ["stall-put", "late", ["put"]],
  ["stall-delete", "late", ["delete"]],
  ["stall-list", "late", ["list"]],
  ["busy", "(10058)", ["put"]],
  ["gone", "(10006)", ["head", "get", "put", "list", "delete"]],
])(
  "with the fault %s calls fail, nothing is changed, and the others are well",
  async (fault, reason, failing) => {
    const r2 = createR2({ a: stored });
    r2.faults.add(fault);
    for (const [method, ask] of ASKING) {
      const late = new Promise((_, fail) => setImmediate(fail, new Error(`${method}: late`)));
      const answer = await Promise.race([ask(r2), late]).then(() => "well", String);
      const failed = expect.stringMatching(
        `^Error: ${method}: .*${reason.replace(/\W/g, "\\$&")}$`,
      );
      expect([method, answer]).toEqual([method, failing.includes(method) ? failed : "well"]);
    }
    const left = new TextDecoder().decode(r2.objects.get("a")?.body);
    expect(left).toBe(
      !failing.includes("delete") ? "" : failing.includes("put") ? "0123456789" : "new",
    );
    expect(r2.calls).toEqual([
      ...["head", "get", "put", "list"].map((method) => ({ method, key: "a" })),
      { method: "delete", key: ["a", "b"] },
    ]);
  },
);

test("gives a broken body, or a wrong length", async () => {
  const r2 = createR2({ a: stored });
  r2.faults.add("cut-short");
  await expect((await r2.get("a"))?.bytes()).rejects.toThrow();
  r2.faults.clear();
  for (const [fault, size] of [
    ["says-less", 5],
    ["says-more", 20],
  ] as const) {
    r2.faults.add(fault);
    const found = await r2.get("a");
    expect([found?.size, (await found?.bytes())?.length]).toEqual([size, 10]);
    r2.faults.clear();
  }
  r2.faults.add("stall-midway");
  const reader = (await r2.get("a"))?.body.getReader();
  expect((await reader?.read())?.value?.length).toBe(5);
  const later = await Promise.race([reader?.read(), new Promise((done) => setImmediate(done))]);
  expect(later).toBeUndefined();
});
