// Whose cache a run purges, in each place in which it may run.

import { expect, test, vi } from "vitest";
import {
  type GatewayContext,
  type Loopback,
  NO_CACHE,
  type PurgeResult,
} from "../../../src/worker/cache/loopback.ts";
import { purgeCached, purgeObject } from "../../../src/worker/cache/purge-object.ts";
import { bucketOf } from "../../support/config-of.ts";

const PURGED: PurgeResult = { success: true, errors: [] };
const FAILED: PurgeResult = { success: false, errors: [{ code: 1, message: "internal error" }] };
const WITHOUT_CACHE: PurgeResult = { success: false, errors: [NO_CACHE] };

let calls: string[];

/** A cache, or an entrypoint, that answers each purge so. */
const purger = (name: string, result: PurgeResult) => ({
  purge: async () => {
    calls.push(name);
    return result;
  },
});

const entrypoint = (result: PurgeResult): NonNullable<GatewayContext["exports"]> => {
  const fetch: Loopback["fetch"] = () => Promise.reject(new Error("not asked"));
  return { Renditions: { fetch, ...purger("entrypoint", result) } };
};
const cache = (result: PurgeResult): NonNullable<GatewayContext["cache"]> =>
  Object.assign(Object.create(null), purger("cache", result));

type Row = readonly [
  where: string,
  context: Omit<GatewayContext, "waitUntil">,
  called: readonly string[],
  success: boolean,
];

const GATEWAY = { exports: entrypoint(PURGED), cache: cache(FAILED) };

const ROWS: readonly Row[] = [
  ["the gateway, whose own cache is another one", GATEWAY, ["entrypoint"], true],
  ["the cached entrypoint", { cache: cache(PURGED) }, ["cache"], true],
  ["a Worker without a cache", { exports: entrypoint(WITHOUT_CACHE) }, ["entrypoint"], true],
  ["the gateway, and it fails", { exports: entrypoint(FAILED) }, ["entrypoint"], false],
  ["the cached entrypoint, and it fails", { cache: cache(FAILED) }, ["cache"], false],
  ["a runtime without any cache", {}, [], true],
];

test.each(ROWS)(
  "in %s, the right cache is purged (W10, W15)",
  async (_where, context, called, success) => {
    calls = [];
    const result = await purgeCached({ tags: ["a"] }, { ...context, waitUntil: () => {} });
    expect(calls).toEqual(called);
    expect(result.success).toEqual(success);
  },
);

test("an object whose purge breaks off is named in the log", async () => {
  const logged = vi.spyOn(console, "error").mockImplementation(() => {});
  const purge = () => Promise.reject(new Error("internal error"));
  const broken = { cache: Object.assign(Object.create(null), { purge }), waitUntil: () => {} };
  await purgeObject(bucketOf(), "published/key.jpg", broken);

  const [[line = ""] = []] = logged.mock.calls;
  const failed = {
    event: "purge-failed",
    reason: "cache: internal error",
    first: ["media/key.jpg"],
  };
  expect(JSON.parse(line)).toMatchObject(failed);
});
