// `vitrine rotate` on the local run, as docs/rotate.md shows it.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { afterAll, expect, test } from "vitest";
import { readLocalKeys } from "../../../src/cli/config/local-run.ts";
import { ROOT } from "../../support/built.ts";
import { recordOf } from "../../support/cli/run-rotation.ts";
import { vitrine } from "../../support/cli/vitrine.ts";
import { HEALTH_TOKEN } from "../../support/env.ts";
import { freePort } from "../../support/free-port.ts";
import { copyProject, endRuns, removeCopies, start } from "../../support/local-run.ts";

afterAll(async () => {
  await endRuns();
  removeCopies();
});

test("a rotation with the S3 of the local run ends with 0: there is no key to deactivate", async () => {
  const folder = copyProject();
  const page = readFileSync(join(ROOT, "docs/rotate.md"), "utf8");
  const [, keys = ""] = /```sh\n(AWS_[^`]+)```/.exec(page) ?? [];
  writeFileSync(join(folder, ".dev.vars"), `${keys}HEALTH_TOKEN="${HEALTH_TOKEN}"\n`);
  const [, keyFile = ""] = /^npx vitrine rotate --url .* --key-file (\S+)/m.exec(page) ?? [];
  const port = await freePort();
  await start(folder, port);
  const url = `http://localhost:${port}`;
  const key = ["--key", "photos/fig.jpg", "--key-file", keyFile];
  const args = ["rotate", "--url", url, ...key, "--wait", "0", "--yes"];

  const examined = await vitrine(["doctor", "--url", url, "--key", "photos/fig.jpg"], { folder });
  expect(examined.out).toContain(
    "remove AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY from .dev.vars: the local run has keys of its own.",
  );
  const steps = await vitrine([...args, "--dry-run"], { folder });
  expect(steps.out).toMatch(/^6 {2}Deactivate the old key\n {5}nothing: .*$/m);
  const { code, out, err } = await vitrine(args, { folder });
  expect([code, recordOf(folder), err]).toEqual([0, undefined, expect.any(String)]);
  expect(out).not.toContain("Do this");
  expect(err).toMatch(/^Step 6 of 6: .*\n {2}nothing: the local S3 knows only one key$/m);
  expect(out).toMatch(/The key is rotated: …y-id serves\.\n$/);
  const local = readLocalKeys(folder);
  expect(parseEnv(readFileSync(join(folder, ".dev.vars"), "utf8"))).toMatchObject({
    AWS_ACCESS_KEY_ID: local.accessKeyId,
    AWS_SECRET_ACCESS_KEY: local.secretAccessKey,
  });
  const again = await vitrine(args, { folder });
  expect([again.code, again.err]).toEqual([
    2,
    expect.stringContaining("there is nothing to rotate"),
  ]);
  expect(again.err).not.toContain("aws iam");
}, 90_000);
