// What the log shows of an access key id.

import { expect, test } from "vitest";
import { keyEnd } from "../../../src/worker/config/slot.ts";

test.each([
  ["AKIAIOSFODNN7EXAMPLE", "…MPLE"],
  ["a-local-id", "…id"],
  ["minio123", "…"],
  ["abcd", "…"],
])("of the key id %s the log has %s", (accessKeyId, end) => {
  expect(keyEnd({ credentials: { accessKeyId } })).toBe(end);
});
