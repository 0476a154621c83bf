// `vitrine rotate` on the local run, as docs/rotate.md shows it. test/s3/rotation.real.ts kills it in each step.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { afterAll, expect, test } from "vitest";
import { readLocalKeys } from "../../../src/cli/config/local-run.ts";
import { ROOT } from "../../support/built.ts";
import { vitrine } from "../../support/cli/vitrine.ts";
import { HEALTH_TOKEN } from "../../support/env.ts";
import { freePort } from "../../support/free-port.ts";
import { copyProject, editFile, endRuns, removeCopies, start } from "../../support/local-run.ts";

afterAll(async () => {
  await endRuns();
  removeCopies();
});

test("with the S3 of the local run, as the page shows it: there is no old key", async () => {
  const folder = copyProject();
  editFile(join(folder, "wrangler.toml"), (text) =>
    text.replace('bucket = "acme-media"', '$&\ncanary = "photos/fig.jpg"'),
  );
  const page = readFileSync(join(ROOT, "docs/rotate.md"), "utf8");
  const [, keys = ""] = /```sh\n(AWS_[^`]+)```/.exec(page) ?? [];
  writeFileSync(join(folder, ".dev.vars"), `${keys}HEALTH_TOKEN="${HEALTH_TOKEN}"\n`);
  const [, keyFile = ""] = /^npx vitrine rotate --url .* --key-file (\S+)/m.exec(page) ?? [];
  const port = await freePort();
  await start(folder, port);
  const args = ["rotate", "--url", `http://localhost:${port}`, "--key-file", keyFile, "--yes"];
  const { code, out, err } = await vitrine(args, { folder });
  expect(code).toBe(0);
  expect(err + out).toMatch(/accepts no slot[\s\S]*…y-id serves\.\nThere is no old key/);
  const local = readLocalKeys(folder);
  expect(parseEnv(readFileSync(join(folder, ".dev.vars"), "utf8"))).toMatchObject({
    AWS_ACCESS_KEY_ID: local.accessKeyId,
    AWS_SECRET_ACCESS_KEY: local.secretAccessKey,
  });
}, 200_000);
