// How to go back, which `vitrine deploy` prints at its end: also if all is well, and only what helps.

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { EXIT } from "../../../src/cli/command.ts";
import { STAGED } from "../../support/cli/folder.ts";
import { ended, folder, project, QUIET, run, s3, write } from "../../support/cli/run-deploy.ts";

const WITH_SECRETS = { secretsFile: "secrets.env" };
const COMMIT = "git switch --detach COMMIT && npm ci && npx vitrine deploy";
const FILES =
  "put the older files back, package-lock.json too, and then: npm ci && npx vitrine deploy";
const KEPT = "That keeps the secrets that this deploy set: URL_SIGNING_KEYS. ";
const SET_AGAIN = "deploy a FILE with the right ones: npx vitrine deploy";

test.each([
  // The project has the environment staging, so the top level has to be named (S6).
  ["the configuration alone", {}, {}, [`${COMMIT} --env ''\n`], [KEPT, "Get secrets"]],
  ["of an environment", { env: "staging" }, {}, [`${COMMIT} --env staging\n`], [KEPT]],
  ["of the shell's one", {}, { CLOUDFLARE_ENV: "staging" }, [`${COMMIT} --env staging\n`], [KEPT]],
  [
    "with secrets",
    WITH_SECRETS,
    {},
    [`${COMMIT} --env ''\n`, KEPT, `${SET_AGAIN} --env '' --secrets-file FILE\n`, "Get secrets"],
    [],
  ],
  [
    "with an option that it may need again",
    { ...WITH_SECRETS, eventsElsewhere: true },
    {},
    [`${COMMIT} --env '' --events-elsewhere\n`, "--events-elsewhere --secrets-file FILE\n"],
    [],
  ],
] as const)(
  "a deploy %s ends with how to go back",
  async (_what, options, env, printed, absent) => {
    mkdirSync(join(folder, ".git"));
    write({ URL_SIGNING_KEYS: JSON.stringify({ k1: "k".repeat(32) }) });
    const { code, err } = await run(options, { env });
    expect(code).toBe(0);
    for (const text of printed) expect(err).toContain(text);
    for (const text of absent) expect(err).not.toContain(text);
  },
);

test("without environments and without git, it names neither", async () => {
  const { env: _environments, ...topLevel } = STAGED;
  project({ ...topLevel, vars: QUIET });
  const { err } = await run({});
  expect(err).toContain(`${FILES}\n`);
  expect(err).not.toMatch(/--env|git|That leaves/);
});

test("it says that a queue and a store stay", async () => {
  project({
    ...STAGED,
    vars: { ...QUIET, ANSWERS: { store: "RENDITIONS" } },
    r2_buckets: [{ binding: "RENDITIONS", bucket_name: "acme-renditions" }],
    queues: { producers: [{ binding: "EVENTS", queue: "acme-events" }] },
  });
  const { err } = await run({});
  expect(err).toMatch(/That leaves the queue acme-events and R2's rules .*“Take it out again”/);
  expect(err).toContain("That leaves all pictures in the store RENDITIONS");
});

test("it is said where the doctor finds errors, too, and never where nothing was deployed", async () => {
  ended.doctor = EXIT.failed;
  expect(await run({})).toMatchObject({ code: 1, err: expect.stringContaining("To go back") });

  s3.faults.add("revoked-key");
  for (const options of [{ dryRun: true }, WITH_SECRETS] as const) {
    expect((await run(options)).err).not.toContain("To go back");
  }
});
