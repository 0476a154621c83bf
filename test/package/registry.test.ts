// Nothing that is handed out asks a registry for the name vitrine, which anybody may take (D5): the template, a project of
// init and an app install and work where no registry has it. With npm 12, too, which runs fewer scripts and takes no
// git dependency.

import { cpSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterEach, expect, inject, test } from "vitest";
import { readRequestsForUs } from "./registry.ts";
import { type Npm, OFFLINE, run, runNpm } from "./run.ts";

const ROOT = join(import.meta.dirname, "../..");
const shop = inject("shop");
const tarball = inject("tarball");
const { filename, version } = inject("packed");

const newFolder = () => mkdtempSync(join(dirname(shop), "registry-"));

afterEach(async () => {
  expect(await readRequestsForUs(inject("registry"))).toEqual([]);
});

test("the registry has other packages, and notes who asks for vitrine", async () => {
  const registry = inject("registry");
  const image = await fetch(`${registry}/image-dimensions`);
  expect([image.status, (await fetch(`${registry}/-/none`)).status]).toEqual([200, 404]);
});

/** What a project does after an installation. */
async function checkProject(npm: Npm, cwd: string): Promise<void> {
  const { stdout } = await runNpm(npm, ["run", "check"], { cwd });
  expect(stdout).toContain("The configuration is right.");

  const { stdout: printed } = await runNpm(npm, ["exec", "--", "vitrine", "--version"], { cwd });
  expect(printed.startsWith(version)).toBe(true);
  const { dependencies } = JSON.parse(readFileSync(join(cwd, "package.json"), "utf8"));
  expect(dependencies).toEqual({ vitrine: `file:${filename}` });
}

test("the folder of the button, with npm 12", async () => {
  const cwd = newFolder();
  cpSync(join(ROOT, "fixtures/template"), cwd, { recursive: true });
  cpSync(tarball, join(cwd, filename));
  await runNpm(12, ["install", ...OFFLINE], { cwd });
  await runNpm(12, ["ci", ...OFFLINE], { cwd });
  await checkProject(12, cwd);
});

test("a project of init, with npm 12: npm update leaves Vitrine alone", async () => {
  const cwd = newFolder();
  const init = ["vitrine", "init", ".", "--bucket", "acme-media"];
  await runNpm(12, ["exec", "--yes", ...OFFLINE, `--package=${tarball}`, "--", ...init], { cwd });
  await runNpm(12, ["install", ...OFFLINE], { cwd });
  await runNpm(12, ["update", "vitrine", ...OFFLINE], { cwd });
  await checkProject(12, cwd);
});

test("a project of init, with npm 11: npm update leaves Vitrine alone", async () => {
  await runNpm(11, ["update", "vitrine", ...OFFLINE], { cwd: shop });
  const { dependencies } = JSON.parse(readFileSync(join(shop, "package.json"), "utf8"));
  expect(dependencies).toEqual({ vitrine: `file:${filename}` });
});

test.each([11, 12] as const)("an app, with npm %d: plain Node.js runs the client", async (npm) => {
  const cwd = newFolder();
  writeFileSync(join(cwd, "package.json"), '{ "private": true, "type": "module" }');
  cpSync(tarball, join(cwd, filename));
  await runNpm(npm, ["install", ...OFFLINE, `./${filename}`], { cwd });
  const line =
    'import { createClient } from "vitrine/client"; if (!createClient) throw new Error("no client");';
  await run("node", ["--input-type=module", "-e", line], { cwd });
});
