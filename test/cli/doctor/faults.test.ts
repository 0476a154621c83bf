// The table of broken states: one thing is broken in a strict world, the doctor is asked, and what it says is done to the
// letter. It must name the cause first, say of visitors only what they get, and harm by no remedy; then the site must be well.
// States that are much like another one are in faults-long.test.ts. `STATES=1` prints the table.

import { expect, test } from "vitest";
import { CHECKS } from "../../../src/cli/doctor/finding.ts";
import { testStates, testWorlds } from "./states/judge.ts";
import { STATES } from "./states/states.ts";

testStates(STATES.filter(({ isLong }) => !isLong));

test("each check has a state that it names first", () => {
  const named = new Set(STATES.flatMap(({ cause: [checks] }) => checks.split("|")));
  const missing = Object.keys(CHECKS).filter((check) => !named.has(check));
  expect(missing, "add a state for each of them to test/cli/doctor/states/").toEqual([]);
});

/** With the edge, with the Images binding, and with a role. */
const KINDS = [
  "the Worker has a dead key, and the file a good one",
  "the account may not use the Images binding",
  "the role trusts another subject",
];
testWorlds(STATES.filter(({ title }) => KINDS.includes(title)));
