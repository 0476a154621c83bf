// What `vitrine check` and the doctor say if the shell has other secrets than a file (S5).

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, expect, test } from "vitest";
import { configure, deploy, examine } from "../../support/cli/doctor.ts";
import { envLine, makeFolder } from "../../support/cli/folder.ts";
import { wrongIn } from "../../support/cli/report.ts";
import { vitrine } from "../../support/cli/vitrine.ts";
import { NEXT_CREDENTIALS, SECRETS } from "../../support/env.ts";
import "../../support/play.ts";

const { accessKeyId, secretAccessKey } = NEXT_CREDENTIALS;
const SHELL = { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey };
const LINES = Object.entries(SECRETS)
  .map(([name, value]) => envLine(name, value))
  .join("");
const NAMES = "AWS_ACCESS_KEY_ID (…TKEY instead of …MPLE), AWS_SECRET_ACCESS_KEY";
const REMEDY =
  "npx vitrine deploy ignores them. A plain wrangler deploy --secrets-file would deploy them";

let folder: string;

beforeEach(() => {
  folder = makeFolder({}, { ".dev.vars": LINES });
});

const checked = async (env: Record<string, string>) => {
  const { code, err } = await vitrine(["check"], { folder, env });
  return [code, err.split("\n").filter((line) => line.includes("environment"))];
};

test("vitrine check warns of other secrets in the shell than in .dev.vars (S5)", async () => {
  const what = `Warning: the environment has other values than .dev.vars of ${NAMES}: ${REMEDY}`;
  expect(await checked(SHELL)).toEqual([0, [what]]);
});

test.each([
  ["the same secrets", SECRETS],
  ["empty ones", { AWS_ACCESS_KEY_ID: "", HEALTH_TOKEN: "" }],
  ["ones that .dev.vars does not have", { HEALTH_TOKEN: "a token of the shell", PATH: "x" }],
])("vitrine check says nothing of %s", async (_what, env) => {
  expect(await checked(env)).toEqual([0, []]);
});

test("the doctor notes it for the file that it is given, which it uses (S5)", async () => {
  writeFileSync(join(configure(), "secrets.env"), LINES);
  deploy();
  const { findings } = await examine(["--secrets-file", "secrets.env"], { env: SHELL });
  expect(findings).toContainEqual({
    ...{ about: "the environment", check: "configuration", severity: "note" },
    seen: `the environment has other values than secrets.env of ${NAMES}. ${REMEDY}`,
  });
  expect(findings.map(({ about }) => about)).toContain("bucket media, slot current: the key …MPLE");
  expect(wrongIn({ code: 0, findings, text: "" })).not.toContainEqual(
    expect.objectContaining({ about: "the environment" }),
  );
});
