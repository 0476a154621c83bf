// What an isolate knows: its configuration, and the state of each bucket.

import { expect, test } from "vitest";
import { currentConfig, readConfig } from "../../src/worker/config/config.ts";
import { refusedSlots } from "../../src/worker/origin/bucket-state.ts";
import { bucketMemoryOf } from "../../src/worker/origin/memories.ts";
import { ENV } from "../support/env.ts";

test("the configuration is read once per isolate", () => {
  const env = { ...ENV };
  const first = currentConfig(env);
  env.AWS_ACCESS_KEY_ID = "";
  expect(currentConfig(env)).toBe(first);
  expect(currentConfig({ ...env })).toMatchObject({ event: "configuration-broken" });
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
  const replies = one.slots.map((slot) => ({ slot, origin: "InvalidAccessKeyId" }));
  bucketMemoryOf(one).learn({ type: "slots-asked", replies, now: 0 });
  expect(refusedSlots(bucketMemoryOf(one).state())).toHaveLength(1);
  expect(refusedSlots(bucketMemoryOf(other).state())).toEqual([]);
});
