// What the strict edge takes an object for, by its first bytes.

import { expect, test } from "vitest";
import { readOriginal } from "../../../src/emulator/edge/read-original.ts";
import { STRICT } from "../../../src/emulator/edge/switches.ts";

const read = (text: string) => readOriginal(new TextEncoder().encode(text), STRICT);

test("an SVG may begin with comments, and many of them take no time (R8)", async () => {
  const comments = "<!-- > -- a -->\n<!---->".repeat(30);
  expect(await read(`${comments}<svg>`)).toEqual({ svg: `${comments}<svg>` });
  expect(await read(comments)).toEqual({ code: 9412, status: 415 });
});
