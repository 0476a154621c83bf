// What a slider asks for while its last picture is being made.

import { expect, test } from "vitest";
import { newestOf } from "../../../../src/dev/sheet/page/try/newest.ts";

test("while one is made, only the newest waits", async () => {
  const made: number[] = [];
  const ends: (() => void)[] = [];
  const ask = newestOf<number>(async (asked) => {
    made.push(asked);
    await new Promise<void>((settle) => ends.push(settle));
  });
  for (const asked of [1, 2, 3, 4]) ask(asked);
  expect(made).toEqual([1]);
  ends[0]?.();
  await expect.poll(() => made).toEqual([1, 4]);
  ends[1]?.();
  await expect.poll(() => ends.length).toBe(2);
  ask(5);
  await expect.poll(() => made).toEqual([1, 4, 5]);
});
