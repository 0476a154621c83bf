// The line EDGE of .dev.vars.

import { expect, test } from "vitest";
import { readSwitches } from "../../src/dev/read-switches.ts";

const read = (edge: string) => readSwitches(`A=1\nEDGE='${edge}'`, ".dev.vars");

test.each([
  ["{transformations:false}", ["EDGE: is not JSON"]],
  ["[]", ["EDGE: is not a table of switches"]],
  ['{"transformations":"off"}', ['EDGE: transformations: "off" is not one of true, false']],
  ['{"plain":[]}', ["EDGE: unknown: plain. Known: "]],
  ['{"constructor":1,"quota":-1}', ["EDGE: unknown: constructor.", "EDGE: quota: -1 is not"]],
])("EDGE=%s is reported with its line, and sets nothing", (edge, mistakes) => {
  const faults = mistakes.map((mistake) => expect.stringContaining(`.dev.vars:2: ${mistake}`));
  expect(read(edge)).toEqual({ kind: "faults", faults });
});

test("EDGE that is right, or not there, is read", () => {
  const switches = { transformations: false };
  expect(read('{"transformations":false}')).toEqual({ kind: "switches", switches });
  const none = { kind: "switches", switches: {} };
  expect(read('{"store":false}')).toEqual(none); // no switch of the edge
  expect(readSwitches("A=1", ".dev.vars")).toEqual(none);
});
