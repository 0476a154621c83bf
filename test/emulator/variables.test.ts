// `deployedEnv` refuses the `env` of a test where Cloudflare would refuse the deploy.

import { expect, test } from "vitest";
import { createR2, deployedEnv } from "../../src/emulator/index.ts";

const BINDINGS = {
  LIMITER: { limit: () => {} },
  STORE: createR2(),
  send: () => {},
  left: undefined,
};

test.each<[what: string, env: object]>([
  ["a text of 5,000 bytes with its name", { A: `${"é".repeat(2_499)}x` }],
  ["a table of 5,000", { A: { b: "x".repeat(4_991) } }],
  ["a list with what JSON escapes", { A: [`${'"'.repeat(2_497)}x`] }],
  [
    "64 variables",
    Object.fromEntries(Array.from({ length: 64 }, (_, index) => [`V${index}`, index])),
  ],
])("%s, and bindings, are as a deploy would have them (L4)", (_what, env) => {
  const whole = { ...env, ...BINDINGS };
  expect(deployedEnv(whole)).toBe(whole);
});

test.each<[what: string, env: object, message: string]>([
  ["a text of two letters more", { A: "é".repeat(2_500) }, "A: has 5001 bytes"],
  ["a table of one more", { A: { b: "x".repeat(4_992) } }, "A: has 5001 bytes"],
  ["a list of one more", { A: [`${'"'.repeat(2_497)}xx`] }, "A: has 5001 bytes"],
  [
    "65 variables",
    Object.fromEntries(Array.from({ length: 65 }, (_, index) => [`V${index}`, index])),
    "65 variables and secrets",
  ],
  [
    "two that are too long",
    { A: "x".repeat(5_000), B: "x".repeat(5_000) },
    "deployedEnv: B: has 5001",
  ],
])("%s is refused (L4)", (_what, env, message) => {
  expect(() => deployedEnv({ ...env, ...BINDINGS })).toThrow(message);
});
