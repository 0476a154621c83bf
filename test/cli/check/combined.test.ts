// `vitrine check` names all mistakes in one run: one of them hides no other, whatever they are.

import { expect, test } from "vitest";
import { checkEnvironments } from "../../../src/cli/config/check-environments.ts";
import { locatedText } from "../../../src/cli/config/mistakes.ts";
import { seeded } from "../../bench/random.ts";
import { createProject, STAGED } from "../../support/cli/folder.ts";
import { SECRETS, VARS } from "../../support/env.ts";

/** What a mistake changes: the path of a setting, and its value. */
type Change = Readonly<Record<string, unknown>>;

const NOW = Date.UTC(2026, 11, 1);
const without = (...names: string[]) =>
  Object.keys(SECRETS).filter((name) => !names.includes(name));

/** Each is one mistake of an operator. Some change the secrets: two of those cannot be in one configuration. */
const SINGLE: Readonly<Record<string, Change>> = {
  "a date that is too old": { compatibility_date: "2025-01-01" },
  "no name": { name: undefined },
  "a key that wrangler does not know": { ratelimit: [] },
  "a custom domain with a path": {
    routes: [{ pattern: "images.example/*", custom_domain: true }],
  },
  "a cache in front of visitors": { "exports.default.cache.enabled": true },
  "a bucket that has no such name": { "vars.BUCKETS.media.bucket": "Acme Media Production" },
  "a region that is not the endpoint's": { "vars.BUCKETS.media.region": "eu-west-2" },
  "a bucket whose key is missing": {
    "vars.BUCKETS.other": { ...VARS.BUCKETS.media, bucket: "a", credentials: "OTHER" },
  },
  "no Images binding": {
    "vars.BUCKETS.bound": { ...VARS.BUCKETS.media, engine: "binding", canary: 1 },
  },
  "a route without a preset": {
    "vars.ROUTES": [{ path: "/a/*", object: "media/*", signed: true }],
  },
  "no keys that sign": { "secrets.required": without("URL_SIGNING_KEYS") },
  "a preset without a size": { "vars.PRESETS.card": {} },
  "an overlay on this machine": { "vars.PRESETS.hero.draw": [{ url: "http://localhost/a.png" }] },
  "a wrong lifetime": { "vars.ANSWERS.keep": -1 },
  "a store that is not bound": { "vars.ANSWERS.store": "RENDITIONS" },
  "wrong costs": { "vars.COSTS": { most: -1 } },
  "a secret as a var": { "vars.HEALTH_TOKEN": "0123456789abcdef" },
  "a var that does nothing": { "vars.PRESET": {} },
  "an environment with the domain of the top level": { "env.staging.routes": STAGED.routes },
  "an environment with a wrong preset": { "env.staging.vars.PRESETS.card": {} },
};

/** With one of these, wrangler itself does not read the file: what else is wrong is found in the next run. */
const UNREADABLE: Readonly<Record<string, Change>> = {
  "a value of a wrong type": { main: 3 },
  "two secrets that are vars and required": {
    "vars.AWS_ACCESS_KEY_ID": SECRETS.AWS_ACCESS_KEY_ID,
    "vars.AWS_SECRET_ACCESS_KEY": SECRETS.AWS_SECRET_ACCESS_KEY,
  },
};

/** The mistakes of the configuration with these changes, one line each. */
function mistakesOf(...changes: readonly Change[]): readonly string[] {
  const config: Record<string, unknown> = structuredClone(STAGED);
  for (const [path, value] of changes.flatMap(Object.entries)) setAt(config, path, value);
  const reports = checkEnvironments(createProject(config, "wrangler.json"), undefined, NOW);
  return reports.flatMap(({ mistakes }) => mistakes.map(locatedText));
}

function setAt(config: Record<string, unknown>, path: string, value: unknown): void {
  const names = path.split(".");
  const last = names.pop() ?? "";
  let table = config;
  for (const name of names) {
    const inner = Object(table[name] ?? {});
    table[name] = inner;
    table = inner;
  }
  table[last] = value;
}

test("a configuration with one of these mistakes has it, and the others have nothing", () => {
  expect(mistakesOf()).toEqual([]);
  for (const [title, change] of Object.entries({ ...SINGLE, ...UNREADABLE })) {
    expect([title, mistakesOf(change).length > 0]).toEqual([title, true]);
  }
});

test("two mistakes together are named like each of them alone", () => {
  const alone = Object.entries(SINGLE).map(([title, change]) => ({
    title,
    change,
    mistakes: mistakesOf(change),
  }));
  const random = seeded(51);
  const draw = () => alone[Math.floor(random() * alone.length)] ?? alone[0];

  for (let pair = 0; pair < 200; pair += 1) {
    const [first, second] = [draw(), draw()];
    if (first === undefined || second === undefined) throw new Error("there are no mistakes");
    const together = mistakesOf(first.change, second.change);
    const hidden = [...first.mistakes, ...second.mistakes].filter(
      (mistake) => !together.includes(mistake),
    );
    expect([first.title, second.title, ...hidden]).toEqual([first.title, second.title]);
  }
});
