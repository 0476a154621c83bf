import { expect, test } from "vitest";
import { growth, readRecord, readSize } from "./size.ts";

test("the Worker is within the limit of fixtures/bench/size.json", () => {
  const message = growth(readSize(), readRecord());
  if (message !== undefined) expect.fail(message);
});
