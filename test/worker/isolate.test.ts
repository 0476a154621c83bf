// What an isolate knows: its configuration, and the state of each bucket.

import { expect, test } from "vitest";
import { readConfig } from "../../src/worker/config/config.ts";
import { configOf, memoryOf } from "../../src/worker/isolate.ts";
import { ENV } from "../support/env.ts";

/** Without a Secrets Store, nothing goes on after the answer. */
const CONTEXT = { waitUntil: () => expect.unreachable() };

test("the configuration is read once per isolate", async () => {
  const env = { ...ENV };
  const first = await configOf(env, 0, CONTEXT);
  env.AWS_ACCESS_KEY_ID = "";
  expect(await configOf(env, Number.MAX_SAFE_INTEGER, CONTEXT)).toBe(first);
  expect(await configOf({ ...env }, 0, CONTEXT)).toMatchObject({ event: "configuration-broken" });
});

test("what is learnt of a key is learnt of one bucket", () => {
  const { media } = ENV.BUCKETS;
  const config = readConfig({
    ...ENV,
    BUCKETS: { media, more: { ...media, bucket: "acme-more" } },
  });
  const [one, other] = "buckets" in config ? config.buckets : [];
  if (one === undefined || other === undefined) expect.unreachable();
  expect(one.slots).toEqual(other.slots);
  const verdict = { fault: "slot", origin: "InvalidAccessKeyId" } as const;
  const finding = { url: one.base, verdict, at: 0 };
  for (const slot of one.slots) memoryOf(one).learn({ type: "probe-ended", slot, finding });
  expect(memoryOf(one).state().slots.current).toHaveProperty("refused.origin", verdict.origin);
  expect(memoryOf(other).state().slots.current).toEqual({});
});
