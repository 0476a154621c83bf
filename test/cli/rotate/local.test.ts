// `vitrine rotate` on the local run of `npm start`, as docs/rotate.md shows it.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { afterAll, expect, test } from "vitest";
import { recordOf } from "../../support/cli/run-rotation.ts";
import { vitrine } from "../../support/cli/vitrine.ts";
import { HEALTH_TOKEN } from "../../support/env.ts";
import { freePort } from "../../support/free-port.ts";
import { copyProject, endRuns, removeCopies, start } from "../../support/local-run.ts";

afterAll(async () => {
  await endRuns();
  removeCopies();
});

test("a rotation with the S3 of npm start ends with 0: there is no key to deactivate", async () => {
  const folder = copyProject();
  const example = readFileSync(join(folder, ".dev.vars.example"), "utf8");
  const broken = example.replace(/^(AWS_ACCESS_KEY_ID)=.*/m, '$1="no-such-key"');
  writeFileSync(join(folder, ".dev.vars"), `${broken}\nHEALTH_TOKEN="${HEALTH_TOKEN}"\n`);
  const port = await freePort();
  await start(folder, port);
  const url = `http://localhost:${port}`;
  const key = ["--key", "photos/fig.jpg", "--key-file", ".dev.vars.example"];
  const args = ["rotate", "--url", url, ...key, "--wait", "0", "--yes"];

  const steps = await vitrine([...args, "--dry-run"], { folder });
  expect(steps.out).toMatch(/^6 {2}Deactivate the old key\n {5}nothing: .*$/m);
  const { code, out, err } = await vitrine(args, { folder });
  expect([code, recordOf(folder), err]).toEqual([0, undefined, expect.any(String)]);
  expect(out).not.toContain("Do this");
  expect(out).toMatch(/The key is rotated: …y-id serves\.\n$/);
  const { AWS_ACCESS_KEY_ID } = parseEnv(readFileSync(join(folder, ".dev.vars"), "utf8"));
  expect(AWS_ACCESS_KEY_ID).toBe("vitrine-local-key-id");
}, 90_000);
