// All commands, in a folder that has only wrangler.toml. project.test.ts has the oldest Node.js that they run on.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { startDev } from "./dev.ts";
import { NO_CLOUDFLARE, tryRun } from "./run.ts";

const cwd = inject("bare");
/** Without npx, which needs longer than most commands. */
const program = join(cwd, "node_modules/.bin/vitrine");
let local: Awaited<ReturnType<typeof startDev>>;
beforeAll(async () => {
  local = await startDev({ cwd });
});
afterAll(() => local.stop());

test("on Node.js 20, vitrine says in one line which one it needs", async () => {
  for (const argument of ["doctor", "--version"]) {
    const ended = await tryRun(program, [argument], { cwd, node: 20 });
    const line = /^vitrine needs Node\.js 22\.12 or newer\. This is v20\.\d+\.\d+\. Install .*\n$/;
    expect(ended).toEqual({ code: 2, stdout: "", stderr: expect.stringMatching(line) });
  }
});

const IMAGE = "photos/fig.jpg";
type Command = {
  /** SITE stands for the address of the local run. */
  readonly args: string;
  readonly code: 0 | 2;
  readonly output: string | RegExp;
  readonly stdin?: string;
};
const VERSION_LINE = new RegExp(
  `^${RegExp.escape(inject("packed").version)}(?:(?:\\.\\d+)?\\+[0-9a-f]{7,}\\S*)?\\n$`,
);
const COMMANDS: readonly Command[] = [
  // Behind the version of the package: the commit from which it was built.
  { args: "--version", code: 0, output: VERSION_LINE },
  { args: "check", code: 0, output: "The configuration is right." },
  { args: "client app.ts --base-url https://a.example", code: 0, output: "" },
  // As far as it asks no server. template.test.ts has wrangler.
  { args: "deploy --secrets-file no.env", code: 2, output: "no.env: there is no such file" },
  { args: `url ${IMAGE} -p card@2x --url SITE`, code: 0, output: `/images/card@2x/${IMAGE}\n` },
  { args: `sign ${IMAGE} --preset card --url SITE`, code: 2, output: "signed" },
  { args: `explain SITE/images/card@2x/${IMAGE}`, code: 0, output: "card@2x" },
  { args: `doctor --url SITE ${IMAGE}`, code: 0, output: "reads: image/avif" },
  {
    ...{ args: "warm --preset card - --url SITE", code: 0, stdin: `${IMAGE}\n` },
    output: /^1 object: 9 requests, with up to 6 unique transformations/m,
  },
  { args: "rotate --url SITE", code: 2, output: "HEALTH_TOKEN is missing" },
  { args: `purge ${IMAGE} --url SITE`, code: 2, output: "nothing to purge" },
];

test.each(COMMANDS)("vitrine $args", async ({ args, code, output, stdin = "" }) => {
  const list = args.replace("SITE", local.url).split(" ");
  const ended = await tryRun(program, list, { cwd, env: NO_CLOUDFLARE, stdin });
  const text = ended.stdout + ended.stderr;
  const expected =
    typeof output === "string" ? expect.stringContaining(output) : expect.stringMatching(output);
  expect([text, ended.code]).toEqual([expected, code]);
  if (args.startsWith("client")) expect(existsSync(join(cwd, "app.ts"))).toBe(true);
});
