// The environment of the local run.

import { expect, test } from "vitest";
import { readEnvironment } from "../../src/dev/read-environment.ts";

test.each<[args: string[], variable: string | undefined, environment: string | undefined]>([
  [[], undefined, undefined],
  [[], "", undefined],
  [[], "staging", "staging"],
  [["--env", "staging"], undefined, "staging"],
  [["--env=staging"], "other", "staging"],
  [["--env="], "staging", undefined],
])("npm start -- %j with CLOUDFLARE_ENV=%s is of %s (S6)", (args, variable, environment) => {
  expect(readEnvironment(args, { CLOUDFLARE_ENV: variable })).toEqual({ environment });
});

test.each([[["staging"]], [["--evn", "staging"]], [["--env"]]])(
  "npm start -- %j is refused",
  (args) => {
    const fault = expect.stringMatching(/The only option is: npm start -- --env NAME$/);
    expect(readEnvironment(args, {})).toEqual({ fault });
  },
);
