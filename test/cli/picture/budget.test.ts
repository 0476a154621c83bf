// Who waits for memory gets it, in turn.

import { expect, test } from "vitest";
import { createBudget } from "../../../src/cli/picture/budget.ts";

const settled = () => new Promise((settle) => setImmediate(settle));

test("no more is taken than there is, and who asks first is served first", async () => {
  const withAmount = createBudget(10);
  const order: string[] = [];
  const given = new Map<string, () => void>();
  const ask = async (name: string, amount: number) => {
    await withAmount(amount, () => {
      order.push(name);
      return new Promise<void>((settle) => given.set(name, settle));
    });
  };
  for (const [name, amount] of [
    ["a", 6],
    ["b", 3],
    ["large", 1_000],
    ["small", 1],
    ["none", 0],
  ] as const) {
    void ask(name, amount);
  }
  await settled();
  expect(order).toEqual(["a", "b"]);
  given.get("b")?.();
  await settled();
  expect(order).toEqual(["a", "b"]); // the small one does not overtake
  given.get("a")?.();
  await settled();
  expect(order).toEqual(["a", "b", "large"]);
  given.get("large")?.();
  await settled();
  expect(order).toEqual(["a", "b", "large", "small", "none"]);
});
