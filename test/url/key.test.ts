// Which keys an object can have.

import { expect, test } from "vitest";
import { HARD_KEYS } from "../../src/dev/fixture-objects.ts";
import { keyFault } from "../../src/url/key.ts";

const long = "k".repeat(1024);

test.each<[string, string]>([
  ["", "an empty segment"],
  ["/a", "an empty segment"],
  ["a/", "an empty segment"],
  ["a//b", "an empty segment"],
  [".", 'a segment "."'],
  ["..", 'a segment ".."'],
  ["a/../b", 'a segment ".."'],
  ["a/./b", 'a segment "."'],
  ["a\\b", "a backslash"],
  ["a\0b", "a control character"],
  ["a\nb", "a control character"],
  ["a\x7fb", "a control character"],
  ["a\u0085b", "a control character"],
  ["a\ud800b", "an unpaired surrogate"],
  [`${long}k`, "longer than 1,024 bytes"],
  [`${"é".repeat(512)}k`, "longer than 1,024 bytes"],
])("the key %j is impossible: %s (A2, A10)", (key, fault) => {
  expect(keyFault(key)).toBe(fault);
});

test("any other key is possible (A10)", () => {
  const possible = ["k", "...", "a/...b", "a/.b", "a/b.", long, "é".repeat(512), " "];
  for (const key of [...HARD_KEYS, ...possible])
    expect([key, keyFault(key)]).toEqual([key, undefined]);
});

test("only control characters and unpaired surrogates make a key impossible (A10)", () => {
  for (let code = 0; code <= 0xffff; code++) {
    const one = String.fromCharCode(code);
    const isWrong = /[\p{Cc}\p{Cs}\\/]/u.test(one);
    if ((keyFault(`a/${one}b`) !== undefined) !== isWrong) expect.fail(`U+${code.toString(16)}`);
  }
  expect(keyFault("\u{1f98b}")).toBeUndefined();
});
