// The line EDGE of .dev.vars.

import { expect, test } from "vitest";
import { readSwitches } from "../../src/dev/read-switches.ts";

const WRITE = `write it as EDGE='{"transformations":false}'`;

test.each([
  ["{", expect.stringMatching(/^EDGE: is not JSON \(.*position 1\b.*\): write it as EDGE='\{/)],
  ["{transformations:false}", expect.stringMatching(/^EDGE: is not JSON \(.*position 1\b/)],
  ['{"quota":1', expect.stringMatching(/^EDGE: is not JSON \(.*position 10\b/)],
  ["off", expect.stringMatching(/^EDGE: is not JSON \(/)],
  ["", expect.stringMatching(/^EDGE: is not JSON \(/)],
  ["[]", `EDGE: is not a table of switches: ${WRITE}`],
  ['"off"', `EDGE: is not a table of switches: ${WRITE}`],
  ['{"transformations":"off"}', 'EDGE.transformations: "off" is not one of true, false'],
  [
    '{"sources":"a"}',
    'EDGE.sources: "a" is not a list of hosts, each with or without a path, such as *.example/photos',
  ],
  [
    '{"sources":["https://a.example"]}',
    expect.stringMatching(/^EDGE\.sources: \[https:\/\/a\.example\] is not a list of hosts/),
  ],
  [
    '{"trouble":"9999"}',
    'EDGE.trouble: "9999" is not a failure of the edge, such as { code: 9522, status: 503 }',
  ],
  [
    '{"originalIsSmaller":{"of":"bytes"}}',
    "EDGE.originalIsSmaller: is not { of: one of bytes, sides; sent: one of original, rendition }",
  ],
  [
    '{"plain":[]}',
    expect.stringMatching(/^EDGE\.plain: unknown switch\. Known: transformations, /),
  ],
  ['{"unplayable":"refused"}', expect.stringContaining("EDGE.unplayable: unknown switch. Known: ")],
  ['{"constructor":1}', expect.stringContaining("EDGE.constructor: unknown switch. Known: ")],
])("EDGE=%s is reported as wrong", (text, mistake) => {
  const mistakes: string[] = [];
  const read = readSwitches(text, (path, message) => mistakes.push(`${path}: ${message}`));
  expect([read, mistakes]).toEqual([undefined, [mistake]]);
});

test("all mistakes of EDGE are reported at once", () => {
  const paths: string[] = [];
  const text = '{"transfromations":false,"quota":-1,"cahce":true}';
  expect(readSwitches(text, (path) => paths.push(path))).toBeUndefined();
  expect(paths.sort()).toEqual(["EDGE.cahce", "EDGE.quota", "EDGE.transfromations"]);
});

test("EDGE that is right, or not there, is read", () => {
  expect(readSwitches('{"transformations":false}', expect.unreachable)).toEqual({
    transformations: false,
  });
  expect(readSwitches('{"store":false}', expect.unreachable)).toEqual({}); // no switch of the edge
  expect(readSwitches(undefined, expect.unreachable)).toEqual({});
});
