// The line EDGE of .dev.vars.

import { expect, test } from "vitest";
import { readSwitches } from "../../src/dev/read-switches.ts";

function read(edge: string) {
  const warnings: string[] = [];
  const switches = readSwitches(`A=1\nEDGE='${edge}'`, ".dev.vars", (line) => warnings.push(line));
  return { switches, warnings };
}

test.each([
  ["{transformations:false}", ["EDGE: is not JSON"]],
  ["[]", ["EDGE: is not a table of switches"]],
  ['{"transformations":"off"}', ['EDGE: transformations: "off" is not one of true, false']],
  ['{"plain":[]}', ["EDGE: unknown: plain. Known: "]],
  ['{"constructor":1,"quota":-1}', ["EDGE: unknown: constructor.", "EDGE: quota: -1 is not"]],
])("EDGE=%s is reported with its line, and sets nothing", (edge, mistakes) => {
  const { switches, warnings } = read(edge);
  expect(switches).toBeUndefined();
  expect(warnings).toEqual(
    mistakes.map((mistake) => expect.stringContaining(`.dev.vars:2: ${mistake}`)),
  );
});

test("EDGE that is right, or not there, is read", () => {
  expect(read('{"transformations":false}')).toEqual({
    switches: { transformations: false },
    warnings: [],
  });
  expect(read('{"store":false}').switches).toEqual({}); // no switch of the edge
  expect(readSwitches("A=1", ".dev.vars", expect.unreachable)).toEqual({});
});
