// Which URLs ask for facts.

import { expect, test } from "vitest";
import { splitFacts } from "../../../src/worker/request/resolve-request.ts";

const SIGNED = { facts: true, signing: { keys: new Map(), maxAge: 1, cookie: false } };
const OPEN = { facts: true, signing: undefined };
const NONE = { ...OPEN, facts: false };
const SIGNS = "?exp=1&kid=k&sig=s";

test.each([
  ["", false],
  ["?facts", true],
  ["?facts=", false],
  ["?facts=1", false],
  ["?facts&facts", false],
  ["?facts&v=1", false],
  ["?v=1&facts", false],
  ["?Facts", false],
  ["?%66acts", false],
  ["?&facts", false],
  ["?facts#", false],
  ["?facts\n", false],
])("without a signature, %j: %j", (search, facts) => {
  const target = { pathname: "/p", search };
  const asked = splitFacts(OPEN, target);
  expect(asked).toEqual({ facts, target: facts ? { pathname: "/p", search: "" } : target });
  expect(splitFacts(NONE, target)).toEqual({ facts: false, target });
});

test.each([
  [SIGNS, false, SIGNS],
  [`${SIGNS}&facts`, true, SIGNS],
  [`${SIGNS}&facts&facts`, true, `${SIGNS}&facts`],
  [`${SIGNS}&facts=`, false, `${SIGNS}&facts=`],
  [`${SIGNS}&Facts`, false, `${SIGNS}&Facts`],
  [`?facts&exp=1`, false, "?facts&exp=1"],
  ["?facts", true, ""],
  ["&facts", false, "&facts"],
  ["?&facts", false, "?&facts"],
  ["", false, ""],
])("with a signature, %j: %j, and %j is to be signed", (search, facts, picture) => {
  const target = { pathname: "/p", search };
  expect(splitFacts(SIGNED, target)).toEqual({
    facts,
    target: { pathname: "/p", search: picture },
  });
  expect(splitFacts({ ...SIGNED, facts: false }, target)).toEqual({ facts: false, target });
});
