// How many tries run at once, and what happens to the rest.

import { expect, test } from "vitest";
import { createTurns } from "../../../../src/dev/sheet/try/turns.ts";

/** Work that ends when the test says so. */
function pieces() {
  const begun: string[] = [];
  const ends = new Map<string, () => void>();
  const piece = (name: string) => () =>
    new Promise<string>((settle) => {
      begun.push(name);
      ends.set(name, () => settle(name));
    });
  return { begun, piece, end: (name: string) => ends.get(name)?.() };
}

test("two run, two wait their turn, and more are refused at once", async () => {
  const turns = createTurns(2, 2);
  const { begun, piece, end } = pieces();
  const all = ["a", "b", "c", "d"].map((name) => turns(piece(name)));
  expect(await turns(piece("e"))).toBeUndefined();
  await expect.poll(() => begun).toEqual(["a", "b"]);
  end("b");
  expect(await all[1]).toBe("b");
  await expect.poll(() => begun).toEqual(["a", "b", "c"]);
  for (const name of ["a", "c"]) end(name);
  await expect.poll(() => begun).toEqual(["a", "b", "c", "d"]);
  end("d");
  expect(await Promise.all(all)).toEqual(["a", "b", "c", "d"]);
});

test("work that fails gives its place to the next", async () => {
  const turns = createTurns(1, 1);
  const failed = turns(() => Promise.reject(new Error("no")));
  const next = turns(async () => "next");
  await expect(failed).rejects.toThrow("no");
  expect(await next).toBe("next");
  expect(await turns(async () => "after")).toBe("after");
});
