// The secrets of slots and of single purposes, and what is wrong with them.

import { expect, test, vi } from "vitest";
import { readConfig } from "../../../src/worker/config/config.ts";
import { readSlots } from "../../../src/worker/config/read-secrets.ts";
import { ENV, NEXT, SECRETS } from "../../support/env.ts";

test.each([...Object.keys(SECRETS), "HEALTH_TOKEN", "PURGE_TOKEN"])(
  "a binding of a Secrets Store in place of %s, or a list, is a mistake that says what to do",
  (path) => {
    const get = vi.fn(async () => "a value of the store, as long as it has to be");
    const message = expect.stringMatching(/^is not text: .*npx wrangler secret put/);
    for (const value of [{ get }, Array(32).fill("x")]) {
      expect(readConfig({ ...ENV, [path]: value })).toEqual({
        event: "configuration-broken",
        mistakes: [{ path, message }],
      });
    }
    expect(get).not.toHaveBeenCalled();
  },
);

const HALF_BOUND = { ...SECRETS, ...NEXT, AWS_ACCESS_KEY_ID_NEXT: { get: () => "AKIA" } };

test.each<{ title: string; vars: object; usable: string[]; unusable: string[] }>([
  { title: "both slots", vars: { ...SECRETS, ...NEXT }, usable: ["current", "next"], unusable: [] },
  { title: "the current one", vars: SECRETS, usable: ["current"], unusable: [] },
  { title: "the next one", vars: NEXT, usable: ["next"], unusable: ["current"] },
  {
    title: "a half next one",
    vars: { ...SECRETS, AWS_ACCESS_KEY_ID_NEXT: "AKIA" },
    usable: ["current"],
    unusable: ["next"],
  },
  {
    title: "a next one that is half a binding",
    vars: HALF_BOUND,
    usable: ["current"],
    unusable: ["next"],
  },
  {
    title: "one with a space",
    vars: { ...SECRETS, AWS_SECRET_ACCESS_KEY: "a b" },
    usable: [],
    unusable: ["current"],
  },
  { title: "none", vars: {}, usable: [], unusable: ["current"] },
])("of $title is known what can be used and what cannot", ({ vars, usable, unusable }) => {
  const mistakes: string[] = [];
  const read = readSlots("AWS", { ...vars }, (name) => mistakes.push(name));
  expect(read.usable.map(({ name }) => name)).toEqual(usable);
  expect(read.unusable.map(({ slot }) => slot)).toEqual(unusable);
  expect(mistakes.length > 0).toBe(usable.length === 0);
});
