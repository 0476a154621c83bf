// What Cloudflare does not take of variables and secrets is refused before a deploy, and in the local run.

import { expect, test } from "vitest";
import { isMistake } from "../../../src/cli/command.ts";
import { readEnvironment } from "../../../src/cli/config/environment-config.ts";
import { localLimitMistakes } from "../../../src/cli/config/variable-limits.ts";
import { mistakeText } from "../../../src/worker/http/refusal.ts";
import { createProject, envLine, STAGED } from "../../support/cli/folder.ts";
import { sizedPresets } from "../../support/cli/sized-presets.ts";
import { vitrine } from "../../support/cli/vitrine.ts";
import { SECRETS, VARS } from "../../support/env.ts";

const { env: STAGES, ...TOP } = STAGED;
const ROUTES = VARS.ROUTES.slice(0, 2);

async function check(config: object, file = "wrangler.toml") {
  const folder = createProject({ ...config }, file);
  const { code, out } = await vitrine(["check", "--json"], { folder });
  const { environments } = JSON.parse(out) as {
    environments: { environment: string | null; mistakes: { path: string; message: string }[] }[];
  };
  const mistakes = environments.flatMap((report) =>
    report.mistakes.map(
      ({ path, message }) => `${report.environment ?? "top"}: ${path}: ${message}`,
    ),
  );
  return { code, mistakes };
}

const withVars = (vars: object) => ({ ...TOP, vars: { ...VARS, ROUTES, ...vars } });
const NAME = "PRESETS".length;

test.each<[what: string, letter: string]>([
  ["of one byte", "x"],
  ["of two bytes", "é"],
  ["of four bytes", "😀"],
  ["that JSON escapes", '"'],
  ["that JSON escapes by its number", "\u0001"],
])(
  "a variable of letters %s has 5,000 bytes with its name, and not one more (L4)",
  async (_what, letter) => {
    const right = await check(withVars({ PRESETS: sizedPresets(5_000 - NAME, letter) }));
    expect(right).toEqual({ code: 0, mistakes: [] });

    const { mistakes } = await check(withVars({ PRESETS: sizedPresets(5_001 - NAME, letter) }));
    expect(mistakes).toEqual([
      "top: PRESETS: has 5,001 bytes with its name, and Cloudflare takes 5,000: move some to PRESETS_2, such as [vars.PRESETS_2.card]",
    ]);
  },
);

test("all that Cloudflare does not take is told at once, in the words of its file (L4)", async () => {
  const tooLong = (name: string) => sizedPresets(5_000 - name.length + 1);
  const vars = {
    ...VARS,
    ROUTES: [...ROUTES, { ...VARS.ROUTES[4], origins: Array(250).fill("https://app.example") }],
    ROUTES_2: [{ path: `/${"b".repeat(5_000)}/:preset/*`, object: "media/*" }],
    PRESETS: tooLong("PRESETS"),
    PRESETS_2: { other: { width: 1, background: "x".repeat(5_000) } },
    NOTES: "é".repeat(2_498),
  };
  const config = { ...TOP, env: { staging: { ...STAGES.staging, vars } } };
  const { code, mistakes } = await check(config, "wrangler.jsonc");
  expect(code).toBe(2);
  expect(mistakes.filter((mistake) => mistake.includes("Cloudflare takes"))).toEqual([
    'staging: ROUTES: has 5,705 bytes with its name, and Cloudflare takes 5,000: move its last routes to "vars": { "ROUTES_2": … } in env.staging, which stand behind those of ROUTES',
    'staging: PRESETS: has 5,001 bytes with its name, and Cloudflare takes 5,000: move some to PRESETS_2, such as "vars": { "PRESETS_2": { "card": … } } in env.staging',
    "staging: ROUTES_2: has 5,051 bytes with its name, and Cloudflare takes 5,000: move its first routes to the end of ROUTES, or write fewer routes",
    "staging: PRESETS_2: has 5,046 bytes with its name, and Cloudflare takes 5,000: move some to PRESETS, or write fewer presets",
    "staging: NOTES: has 5,001 bytes with its name, and Cloudflare takes 5,000: make it shorter",
  ]);
});

test("a Worker has 64 variables and secrets, and not one more (L4)", async () => {
  const vars = { ...VARS, ROUTES };
  const withSecrets = (count: number) => ({
    ...{ ...TOP, vars },
    // One of them is there twice.
    secrets: {
      required: [...Object.keys(SECRETS), ...Array.from({ length: count }, (_, n) => `S${n}_KEY`)],
    },
  });
  const count = 64 - Object.keys(vars).length - Object.keys(SECRETS).length;
  expect(await check(withSecrets(count))).toEqual({ code: 0, mistakes: [] });
  expect((await check(withSecrets(count + 1))).mistakes).toEqual([
    "top: vars: are 65 with the secrets, and Cloudflare takes 64 of a Worker (on a paid plan more, which nothing here can know): let buckets share credentials or a role, or give some buckets a Worker of their own",
  ]);
});

test.each<[what: string, devVars: Readonly<Record<string, string>>, mistakes: readonly string[]]>([
  [
    "a long table of .dev.vars",
    { PRESETS: JSON.stringify(sizedPresets(4_994)) },
    ["PRESETS: has 5,001"],
  ],
  ["a short one in place of a long one", { PRESETS: '{"card":{"width":1}}' }, []],
  [
    "a long secret",
    { AWS_SECRET_ACCESS_KEY: "x".repeat(4_980) },
    ["PRESETS: has 5,001", "AWS_SECRET_ACCESS_KEY: has 5,001"],
  ],
  [
    "many signing keys, and switches of the edge, which nobody deploys",
    {
      ...{ PRESETS: "{}", EDGE: "x".repeat(6_000) },
      URL_SIGNING_KEYS: JSON.stringify(
        Object.fromEntries(Array.from({ length: 100 }, (_, n) => [`k${n}`, "x".repeat(48)])),
      ),
    },
    ["URL_SIGNING_KEYS: has 5,707"],
  ],
  [
    "58 more secrets",
    {
      PRESETS: "{}",
      ...Object.fromEntries(Array.from({ length: 58 }, (_, n) => [`S${n}_ACCESS_KEY_ID`, "x"])),
    },
    ["vars: are 65 with"],
  ],
])("in the local run, %s is judged as a deploy would be (L4, S2)", (_what, devVars, mistakes) => {
  const lines = Object.entries(devVars).map(([name, value]) => envLine(name, value));
  const config = withVars({ PRESETS: sizedPresets(5_001 - NAME) });
  const folder = createProject(config, "wrangler.toml", { ".dev.vars": lines.join("") });
  const envConfig = readEnvironment(folder);
  if (isMistake(envConfig)) throw new Error(envConfig.message);

  const texts = localLimitMistakes(envConfig).map(mistakeText);
  expect(texts).toEqual(mistakes.map((mistake) => expect.stringContaining(mistake)));
});
