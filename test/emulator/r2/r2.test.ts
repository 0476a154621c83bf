// The strict R2 bucket, as a Worker uses its binding.

import { expect, test } from "vitest";
import { createR2 } from "../../../src/emulator/r2/r2.ts";

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
  for (const options of [
    { onlyIf: {} },
    { range: { offset: 0 }, onlyIf: {} },
    { range: { suffix: 1 } },
    { range: new Headers({ range: "bytes=0-1" }) },
  ]) {
    await expect(r2.get("a", options)).rejects.toThrow("get plays only");
  }
  expect(() => r2.list()).toThrow("only get and head");
  expect(() => Reflect.apply(r2.objects.set, r2.objects, ["a", "text"])).toThrow("r2.objects");
  expect(() => Reflect.apply(r2.faults.add, r2.faults, ["asleep"])).toThrow("r2.faults: unknown");
  expect(await r2.get("é".repeat(512))).toBeNull();
  await expect(r2.get(`${"é".repeat(512)}a`)).rejects.toThrow("(10020)");
});

test("does wrong what it is told to", async () => {
  const r2 = createR2({ a: stored });
  r2.faults.add("throws");
  await expect(r2.get("a")).rejects.toThrow("get: We encountered an internal error.");
  r2.faults.clear();
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
