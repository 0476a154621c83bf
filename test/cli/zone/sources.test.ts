// The text of a zone's allowed origins: what it allows of ours, and what is added to it.

import { expect, test } from "vitest";
import { addEntries, judgeSources, lostEntries } from "../../../src/cli/zone/sources.ts";

const HOST = "acme.s3.eu-west-1.amazonaws.com";
const SHARED = "s3.eu-central-1.wasabisys.com/acme/published/";

/** The setting, and those of our entries that it does not allow. */
const LISTS: readonly (readonly [value: string, entry: string, missing: readonly string[]])[] = [
  ["", HOST, [HOST]],
  ["  ", HOST, [HOST]],
  [HOST, HOST, []],
  [HOST.toUpperCase(), HOST, []],
  [` a.example , ${HOST},`, HOST, []],
  ["*.s3.eu-west-1.amazonaws.com", HOST, []],
  ["*.amazonaws.com", HOST, []],
  ["*.eu-west-2.amazonaws.com", HOST, [HOST]],
  [`x${HOST}`, HOST, [HOST]],
  [`${HOST}.example`, HOST, [HOST]],
  // A path allows a part of the host alone.
  [`${HOST}/published/`, HOST, [HOST]],
  [SHARED, SHARED, []],
  ["s3.eu-central-1.wasabisys.com", SHARED, []],
  ["s3.eu-central-1.wasabisys.com/acme", SHARED, []],
  ["s3.eu-central-1.wasabisys.com/acme/", SHARED, []],
  ["s3.eu-central-1.wasabisys.com/acme/published/2026/", SHARED, [SHARED]],
  ["s3.eu-central-1.wasabisys.com/Acme/", SHARED, [SHARED]],
  ["s3.eu-central-1.wasabisys.com/other/", SHARED, [SHARED]],
];

test.each(LISTS)("%j allows %s, but for %j (E5)", (value, entry, missing) => {
  expect(judgeSources(value, [entry])).toEqual({ kind: "list", text: value, missing });
});

test.each(["*", " * ", `${HOST}, *`])("%j allows all (E14)", (value) => {
  expect(judgeSources(value, [HOST])).toEqual({ kind: "any" });
});

// The documented default is `*`, and one type of the API says "on" or "off": neither is an empty list.
test.each([
  undefined,
  null,
  "on",
  "off",
  1,
  [],
  { a: 1 },
  "a.example b.example",
  "https://a.example",
])("%j is not known to be a list, so nothing is built on it (E14)", (value) => {
  expect(judgeSources(value, [HOST])).toMatchObject({ kind: "unread", right: undefined });
});

test.each([
  ["", HOST],
  ["   ", HOST],
  ["a.example", `a.example,${HOST}`],
  ["a.example,", `a.example,${HOST}`],
  ["a.example , ", `a.example , ${HOST}`],
  [" b.example ,a.example/x/ ", ` b.example ,a.example/x/ ,${HOST}`],
])("%j stays byte for byte in front of what is added", (before, after) => {
  expect(addEntries(before, [HOST])).toBe(after);
});

test("what somebody else took out at the same time is named", () => {
  expect(lostEntries(" a.example ,b.example", `b.example,${HOST}`)).toEqual(["a.example"]);
  expect(lostEntries("a.example", `a.example,${HOST}`)).toEqual([]);
});
