// What `vitrine complete` prints for the script of a shell. The shells themselves: shells.test.ts.

import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { listenLocally } from "../../../src/emulator/local-server.ts";
import { createFolder, createProject, STAGED } from "../../support/cli/folder.ts";
import { vitrine } from "../../support/cli/vitrine.ts";
import { SECRETS } from "../../support/env.ts";
import { createTemporaryFolder } from "../../support/temporary-folder.ts";

const project = createProject(STAGED);
const broken = createFolder({ PRESETS: "none" });
const empty = createTemporaryFolder("vitrine-complete-");

/** What a shell may go on with, without descriptions; the last line says how the shell takes it. */
async function completionsOf(folder: string, typed: readonly string[]): Promise<readonly string[]> {
  const { code, out, err } = await vitrine(["complete", "--", ...typed], { folder });
  expect([code, err]).toEqual([0, ""]);
  return out
    .trimEnd()
    .split("\n")
    .map((line) => line.replace(/\t.*/, ""));
}

test.each([
  { typed: ["purge", "--dry"], completions: ["--dry-run", ":4"] },
  { typed: ["url", "-p", "hero@"], completions: ["hero@640w", "hero@1920w", ":4"] },
  { typed: ["url", "--preset", "card", "--e"], completions: ["--expires", "--env", ":4"] },
  { typed: ["url", "--env", "s"], completions: ["staging", ":4"] },
  { typed: ["client", "../app/"], completions: [":0"] },
  { typed: ["facts", "-o", ""], completions: [":0"] },
  { typed: ["no-such-command", ""], completions: [":4"] },
  { typed: ["url", "--no-such-option", ""], completions: [":4"] },
])("$typed goes on with $completions", async ({ typed, completions }) => {
  expect(await completionsOf(project, typed)).toEqual(completions);
});

test.each([
  { folder: "without a wrangler.toml", path: empty },
  { folder: "whose wrangler.toml has a mistake", path: broken },
])(
  "in a folder $folder, commands and options still complete, and nothing is said",
  async ({ path }) => {
    expect(await completionsOf(path, ["dep"])).toEqual(["deploy", ":4"]);
    expect(await completionsOf(path, ["url", "--pre"])).toEqual(["--preset", ":4"]);
    expect(await completionsOf(path, ["url", "--preset", ""])).toEqual([":4"]);
    expect(await completionsOf(path, ["url", ""])).toEqual([":4"]);

    // A Tab makes no key of a local run that never ran.
    expect(existsSync(join(path, ".wrangler"))).toBe(false);
  },
);

test("a Tab asks no S3 that a folder of a stranger names", async () => {
  let requests = 0;
  const server = createServer((_request, response) => {
    requests += 1;
    response.end();
  });
  const { url, close } = await listenLocally(server, 0);
  onTestFinished(close);

  const key = { AccessKey: { AccessKeyId: "vitrine-local-k", SecretAccessKey: "vitrine-local-s" } };
  const BUCKETS = { media: { endpoint: url, bucket: "acme", region: "auto", addressing: "path" } };
  const folder = createProject(STAGED, "wrangler.toml", {
    ".dev.vars": `BUCKETS='${JSON.stringify(BUCKETS)}'\nAWS_ACCESS_KEY_ID=a\nAWS_SECRET_ACCESS_KEY=b\nURL_SIGNING_KEYS='${SECRETS.URL_SIGNING_KEYS}'\n`,
  });
  mkdirSync(join(folder, ".wrangler/vitrine"), { recursive: true });
  writeFileSync(join(folder, ".wrangler/vitrine/local-key.json"), JSON.stringify(key));

  expect(await completionsOf(folder, ["explain", "a"])).toEqual([":4"]);
  expect(requests).toBe(0);
});

test("a name that a shell would expand is not completed", async () => {
  const { card } = STAGED.vars.PRESETS;
  const folder = createProject({
    ...STAGED,
    env: { "a$(b)": STAGED.env.staging, prod: { vars: { PRESETS: { card } } } },
  });
  expect(await completionsOf(folder, ["check", "--env", ""])).toEqual(["prod", ":4"]);
});

test.each(["bash", "zsh", "fish"])(
  "a Tab in %s never gets a package named vitrine from npm",
  async (shell) => {
    const { code, out } = await vitrine(["complete", shell]);
    expect(code).toBe(0);
    expect(out.match(/^ *npx .*$/gm)).toEqual([
      expect.stringMatching(/^ *npx --no --offline -- vitrine /),
    ]);
  },
);

test("there is no script for another shell", async () => {
  expect(await vitrine(["complete", "tcsh"])).toMatchObject({ code: 3, out: "" });
});
