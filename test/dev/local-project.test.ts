// When the local run stores renditions, and in which binding.

import { expect, test } from "vitest";
import { LOCAL_STORE, localAnswers } from "../../src/dev/local-project.ts";

const ANSWERS = { max_age: 60 };
const WITH_STORE = { ...ANSWERS, store: "RENDITIONS" };
const FAULT = '{"failure":{"code":9522,"status":503}}';

test.each<[what: string, vars: Record<string, unknown>, answers: Record<string, unknown>]>([
  ["a project without a store", { ANSWERS }, { ANSWERS: { ...ANSWERS, store: LOCAL_STORE } }],
  ["one without ANSWERS", {}, { ANSWERS: { store: LOCAL_STORE } }],
  ["one with a store", { ANSWERS: WITH_STORE }, { ANSWERS: WITH_STORE }],
  ["ANSWERS of .dev.vars", { ANSWERS: JSON.stringify(WITH_STORE) }, { ANSWERS: WITH_STORE }],
  ["ANSWERS that nobody can read", { ANSWERS: "{" }, {}],
  ["the switch that turns it off", { ANSWERS: WITH_STORE, EDGE: '{"store":false}' }, { ANSWERS }],
  ["a fault of the edge", { ANSWERS: WITH_STORE, EDGE: FAULT }, { ANSWERS }],
  ["both", { ANSWERS: WITH_STORE, EDGE: '{"quota":1,"store":true}' }, { ANSWERS: WITH_STORE }],
  ["a line EDGE that is half written", { ANSWERS: WITH_STORE, EDGE: '{"quota"' }, { ANSWERS }],
])("with %s the local run stores, unless a fault is simulated", (_what, vars, answers) => {
  expect(localAnswers(vars)).toEqual(answers);
});
