// The strict R2 bucket, as a Worker uses its binding.

import { expect, test } from "vitest";
import { createR2, type R2, R2_FAULTS, type R2Call } from "../../../src/emulator/r2/r2.ts";

const BODY = new TextEncoder().encode("0123456789");
const stored = { body: BODY, type: "image/jpeg" };

test("has the encoding of an object that was put by other means", async () => {
  const r2 = createR2({ a: { ...stored, encoding: "gzip" } });
  const headers = new Headers();
  (await r2.get("a"))?.writeHttpMetadata(headers);
  expect(headers.get("content-encoding")).toBe("gzip");
});

test("refuses what it does not play, and what is no fault (A10)", async () => {
  const r2 = createR2();
  const call = (method: "get" | "put" | "list", ...args: unknown[]) =>
    Reflect.apply(r2[method], r2, args);
  for (const refused of [
    () => call("get", "a", { ssecKey: "a" }),
    () => call("get", "a", { range: { suffix: 1 } }),
    () => call("get", "a", { range: new Headers({ range: "bytes=0-1" }) }),
    () => call("get", "a", { onlyIf: new Headers({ "if-none-match": "*" }) }),
    () => call("get", "a", { onlyIf: { uploadedBefore: new Date() } }),
    () => call("put", "a", "b", { md5: "a" }),
    () => call("put", "a", "b", { httpMetadata: new Headers({ "content-type": "image/webp" }) }),
    () => call("put", "a", "b", { httpMetadata: { contentLanguage: "en" } }),
    () => call("list", { delimiter: "/" }),
  ]) {
    await expect(refused()).rejects.toThrow("createR2: ");
  }
  expect(() => r2.resumeMultipartUpload("a", "b")).toThrow("no multipart upload");
  expect(() => Reflect.apply(r2.faults.add, r2.faults, ["asleep"])).toThrow("r2.faults: unknown");
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
  expect((await r2.put("a", "one"))?.uploaded).toEqual(new Date(time));
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

const ASKING = {
  head: (r2) => r2.head("a"),
  get: (r2) => r2.get("a"),
  put: (r2) => r2.put("a", "new"),
  list: (r2) => r2.list({ prefix: "a" }),
  delete: (r2) => r2.delete(["a", "b"]),
} satisfies Record<R2Call["method"], (r2: R2) => Promise<unknown>>;
const METHODS = Object.keys(ASKING);

const failing = Object.keys(R2_FAULTS).flatMap((fault): [string, string, string[]][] => {
  const [name, method] = fault.split("-");
  const methods = method === undefined ? METHODS : [method];
  if (name === "throws") return [[fault, "(10001)", methods]];
  return name === "stall" && method !== "midway" ? [[fault, "late", methods]] : [];
});

failing.push(["busy", "(10058)", ["put"]], ["gone", "(10006)", METHODS]);

test.each(failing)("%s: %s, nothing changes, others are well", async (fault, reason, methods) => {
  const r2 = createR2({ a: stored });
  Reflect.apply(r2.faults.add, r2.faults, [fault]);
  for (const [method, ask] of Object.entries(ASKING)) {
    const late = new Promise((_, fail) => setImmediate(fail, new Error(`${method}: late`)));
    const answer = await Promise.race([ask(r2), late]).then(() => "well", String);
    const fails = methods.includes(method);
    expect(answer).toEqual(
      fails
        ? expect.stringMatching(`^Error: ${method}: .*${reason.replace(/\W/g, "\\$&")}$`)
        : "well",
    );
  }
  const left = new TextDecoder().decode(r2.objects.get("a")?.body);
  const isPut = !methods.includes("put");
  expect(left).toBe(methods.includes("delete") ? (isPut ? "new" : "0123456789") : "");
  expect(r2.calls.map(({ method }) => method)).toEqual(METHODS);
});

test("gives a broken body, or a wrong length", async () => {
  const r2 = createR2({ a: stored });
  r2.faults.add("cut-short");
  await expect((await r2.get("a"))?.bytes()).rejects.toThrow("terminated");
  const start = await r2.get("a", { range: { offset: 0, length: 4 } });
  expect(await start?.text()).toBe("0123");
  r2.objects.set("empty", { body: new Uint8Array() });
  await expect(r2.get("empty", { range: { offset: 0 } })).rejects.toThrow("(10039)");
  r2.faults.clear();
  for (const [fault, size] of [
    ["says-less", 5],
    ["says-more", 20],
  ] as const) {
    r2.faults.add(fault);
    const object = await r2.get("a");
    expect([object?.size, (await object?.bytes())?.length]).toEqual([size, 10]);
    r2.faults.clear();
  }
  r2.faults.add("stall-midway");
  const reader = (await r2.get("a"))?.body.getReader();
  expect((await reader?.read())?.value?.length).toBe(5);
  const later = await Promise.race([reader?.read(), new Promise((done) => setImmediate(done))]);
  expect(later).toBeUndefined();
});
