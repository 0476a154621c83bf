// What the contact sheet says of a change.

import { expect, test } from "vitest";
import type { Picture, SheetData } from "../../../src/dev/sheet/data.ts";
import { changesOf } from "../../../src/dev/sheet/page/changes.ts";

const EMPTY: SheetData = {
  ...{ routes: [], clients: [], asked: [], free: 5_000, presets: {}, pictures: [], refused: [] },
  open: true,
};

function picture(key: string, at?: number): Picture {
  return {
    ...{ key, group: "own", bytes: 1, format: "jpeg", width: 1, height: 1, renditions: [] },
    ...(at !== undefined && { at }),
    costs: { all: 0, presets: {} },
  };
}

test.each<[Partial<SheetData>, Partial<SheetData>, string[]]>([
  [{}, {}, []],
  [{}, { open: false }, []],
  [{ presets: { a: { width: 1 } } }, { presets: { a: { width: 2 } } }, ["Preset a changed."]],
  [
    { presets: { a: { width: 1 }, constructor: { width: 1 } } },
    { presets: { b: { width: 1 }, toString: { width: 1 } } },
    ["Presets b, toString added.", "Presets a, constructor removed."],
  ],
  [
    { routes: [{ path: "/a/:preset/*", object: "media/*" }] },
    { routes: [{ path: "/a/:preset/*", object: "media/a/*" }] },
    ["Route /a/:preset/* changed."],
  ],
  [
    { pictures: [picture("a", 1), picture("b")] },
    { pictures: [picture("a", 2), picture("c")] },
    ["Object c added.", "Object a replaced.", "Object b removed."],
  ],
  [{}, { pictures: ["a", "b", "c", "d"].map((key) => picture(key)) }, ["4 objects added."]],
])("%j, then %j", (before, after, expected) => {
  expect(changesOf({ ...EMPTY, ...before }, { ...EMPTY, ...after })).toEqual(expected);
});
