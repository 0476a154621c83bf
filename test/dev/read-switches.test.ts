// The line EDGE of .dev.vars.

import { expect, test } from "vitest";
import { readSwitches } from "../../src/dev/read-switches.ts";

test.each([
  ["{", "EDGE: is not JSON, such as '{\"transformations\":false}'"],
  ["[]", "EDGE: is not a table"],
  ['{"transformations":"off"}', 'EDGE.transformations: "off" is not one of true, false'],
  ['{"sources":"a"}', 'EDGE.sources: "a" is not a list of hosts, with or without paths'],
  ['{"trouble":"9999"}', 'EDGE.trouble: "9999" is not a failure of the edge, such as 9522/503'],
  ['{"originalIsSmaller":{"of":"bytes"}}', "EDGE.originalIsSmaller.sent: is missing"],
  ['{"plain":[]}', "EDGE.plain: unknown option"],
  ['{"unplayable":"refused"}', "EDGE.unplayable: unknown option"],
])("EDGE=%s is reported as wrong", (text, mistake) => {
  const mistakes: string[] = [];
  const read = readSwitches(text, (path, message) => mistakes.push(`${path}: ${message}`));
  expect([read, mistakes]).toEqual([undefined, [mistake]]);
});
