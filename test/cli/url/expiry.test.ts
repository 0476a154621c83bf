// When the URLs of `vitrine sign` expire.

import { expect, test } from "vitest";
import { readExpiry } from "../../../src/cli/url/expiry.ts";

test.each<[expires: string | undefined, seconds: number]>([
  ["30s", 30],
  ["15m", 900],
  ["12h", 43_200],
  ["7d", 604_800],
  ["2026-12-02", 86_400],
  ["2026-12-01T00:00:01Z", 1],
  ["2026-12-01T02:00+01:00", 3600],
  ["2026-12-08T00:00Z", 604_800],
  [undefined, 3600],
])("--expires %s is %d s ahead", (expires, seconds) => {
  const now = Date.parse("2026-12-01T00:00:00.900Z");
  expect(readExpiry(expires, 604_800, now)).toBe(Math.floor(now / 1000) + seconds);
});

test("by default a URL lives for an hour, or for max_age if that is less", () => {
  expect(readExpiry(undefined, 60, 5_000)).toBe(65);
  expect(readExpiry(undefined, 7200, 5_000)).toBe(3605);
  expect(readExpiry("61s", 60, 5_900)).toMatchObject({ fault: expect.stringContaining("60 s") });
  expect(readExpiry("60s", 60, 5_900)).toBe(65);
});
