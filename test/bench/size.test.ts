import { expect, test } from "vitest";
import { growth, readRecord, readSize, recordOf, type Size, sizeOf } from "./size.ts";

test("the Worker is within the limit of fixtures/bench/size.json", () => {
  const message = growth(readSize(), readRecord());
  if (message !== undefined) expect.fail(message);
});

const inputs = { "src/a.ts": { bytesInOutput: 26 }, "src/b.ts": { bytesInOutput: 260 } };

test("the share of a module is the difference that it makes to the bundle", () => {
  const words = "abcdefghijklmnopqrstuvwxyz";
  const { modules } = sizeOf(Buffer.from(words + words.repeat(10)), inputs);
  // A repeated module costs only the few bytes of a reference.
  expect(modules).toEqual([
    { name: "src/b.ts", bytes: 260, share: expect.any(Number) },
    { name: "src/a.ts", bytes: 26, share: expect.any(Number) },
  ]);
  for (const { share } of modules) expect(share).toBeLessThan(10);
  const own = sizeOf(Buffer.from(words + "-".repeat(260)), inputs).modules;
  expect(own[1]?.share).toBeGreaterThan(20);
});

const size = (gzipBytes: number, modules: Readonly<Record<string, number>>): Size => ({
  gzipBytes,
  modules: Object.entries(modules).map(([name, bytes]) => ({ name, bytes, share: 1 })),
});
const record = recordOf(size(950, { "src/a.ts": 100, "src/b.ts": 200, "src/c.ts": 300 }));

test("a record's limit leaves from 64 to 191 bytes, and within it nothing is reported", () => {
  expect([950, 960, 961].map((bytes) => recordOf(size(bytes, {})).limit)).toEqual([
    1024, 1024, 1152,
  ]);
  expect(growth(size(1024, { "src/a.ts": 900 }), record)).toBeUndefined();
});

test("above the limit, grown and new modules are named, the largest growth first", () => {
  const now = { "src/a.ts": 101, "src/b.ts": 150, "src/c.ts": 340, "src/d.ts": 7 };
  const text = growth(size(1030, now), record);
  expect(text).toContain("1030 bytes gzipped: 6 above its limit of 1024");
  expect(text).toMatch(/\n {2}\+40 src\/c\.ts\n {2}\+7 src\/d\.ts \(new\)\n/);
});
