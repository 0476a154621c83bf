// Broken states that are much like another one of faults.test.ts, which says what is asked of them. And each kind of world
// before it is broken: nothing is found there.

import { testStates, testWorlds } from "./states/judge.ts";
import { STATES } from "./states/states.ts";

testStates(STATES.filter(({ isLong }) => isLong));
testWorlds(new Map(STATES.map((state) => [`${state.begin} ${state.atHand}`, state])).values());
