// Mistakes in wrangler.toml while the local run goes on.

import { expect, test } from "vitest";
import { watchMistakes } from "../../src/dev/watch-mistakes.ts";

test("mistakes are told once, and that there are none any more", () => {
  const said: string[] = [];
  let mistakes: readonly string[] = [];
  const look = watchMistakes(
    () => mistakes,
    (line) => said.push(`tells ${line}`),
    (line) => said.push(`warns ${line}`),
    "wrangler.jsonc",
  );
  const after = (...now: readonly string[]) => {
    said.length = 0;
    mistakes = now;
    look();
    look();
    return said;
  };
  expect(after()).toEqual([]);
  const warned = "warns wrangler.jsonc has mistakes. Pictures may fail until you correct them:\n  ";
  expect(after("a: wrong", "b: odd")).toEqual([`${warned}a: wrong\n  b: odd`]);
  expect(after("b: odd")).toEqual([`${warned}b: odd`]);
  expect(after()).toEqual(["tells wrangler.jsonc is right again."]);
});
