// When the local run stores renditions, and in which binding.

import { expect, test } from "vitest";
import { localRun } from "../../src/cli/config/local-run.ts";
import { LOCAL_STORE, localAnswers } from "../../src/dev/local-project.ts";
import { LOCAL_KEYS, VARS } from "../support/env.ts";

const { BUCKETS } = VARS;
const ANSWERS = { max_age: 60 };
const OWN = { ...ANSWERS, store: "RENDITIONS" };

test.each<[what: string, vars: Record<string, unknown>, answers: Record<string, unknown>]>([
  ["a project without a store", { ANSWERS }, { ANSWERS: { ...ANSWERS, store: LOCAL_STORE } }],
  ["one without ANSWERS", {}, { ANSWERS: { store: LOCAL_STORE } }],
  ["one with a store", { ANSWERS: OWN }, { ANSWERS: OWN }],
  ["ANSWERS of .dev.vars", { ANSWERS: JSON.stringify(OWN) }, { ANSWERS: OWN }],
  ["ANSWERS that nobody can read", { ANSWERS: "{" }, {}],
  ["the switch that turns it off", { ANSWERS: OWN, EDGE: '{"store":false}' }, { ANSWERS }],
  [
    "a fault of the edge",
    { ANSWERS: OWN, EDGE: '{"trouble":{"code":9522,"status":503}}' },
    { ANSWERS },
  ],
  ["both", { ANSWERS: OWN, EDGE: '{"quota":1,"store":true}' }, { ANSWERS: OWN }],
  ["a line EDGE that is half written", { ANSWERS: OWN, EDGE: '{"quota"' }, { ANSWERS }],
  ["a dead key", { ANSWERS: OWN, AWS_SECRET_ACCESS_KEY: "dead" }, { ANSWERS }],
  [
    "keys of an S3 of its own",
    { ANSWERS: OWN, AWS_SECRET_ACCESS_KEY: "own", BUCKETS: {} },
    { ANSWERS: OWN },
  ],
])("with %s the local run stores, unless a fault is simulated", (_what, vars, answers) => {
  const all = { BUCKETS, ...vars };
  const run = localRun(
    { started: all, local: new Set(Object.keys(vars)), r2Buckets: [] },
    "http://localhost:8787/cdn-cgi/local/r2/s3",
    LOCAL_KEYS,
  );
  expect(localAnswers(all, run, LOCAL_KEYS)).toEqual(answers);
});
