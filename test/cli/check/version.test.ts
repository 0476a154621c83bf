// What `vitrine check` says of the version that a project was made with.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readMadeWith, tellVersions } from "../../../src/cli/config/versions.ts";
import { VERSION } from "../../../src/cli/wrangler/packages.ts";
import { makeFolder, makeProject, STAGED } from "../../support/cli/folder.ts";
import { AWS, emptyFolder, init } from "../../support/cli/making.ts";
import { vitrine } from "../../support/cli/vitrine.ts";
import { cpuTimeOf } from "../../support/clock.ts";
import { editFile } from "../../support/local-run.ts";

const SAME = `Vitrine ${VERSION}. This project was made with the same version.\n`;

/** A project whose configuration says that another version made it. */
async function madeWith(version: string): Promise<string> {
  const folder = emptyFolder();
  await init(folder, AWS);
  const comment = `# Made by vitrine ${version}.`;
  editFile(join(folder, "wrangler.toml"), (text) =>
    text.replace(/^# Made by vitrine [\d.]+\./, comment),
  );
  return folder;
}

test("vitrine --version prints it", async () => {
  expect(await vitrine(["--version"])).toEqual({ code: 0, out: `${VERSION}\n`, err: "" });
});

test("a project of the same version is told in one line", async () => {
  const folder = emptyFolder();
  await init(folder, AWS);
  const { code, out, err } = await vitrine(["check"], { folder });
  expect([code, err]).toEqual([0, ""]);
  expect(out.endsWith(`\n${SAME}`)).toBe(true);
  expect(out.match(/Vitrine/g)).toHaveLength(1);
});

test("one of an older version is told what is new, also where the mistakes may come from that", async () => {
  const folder = await madeWith("0.1.9");
  const older = `Vitrine ${VERSION}. This project was made with 0.1.9: docs/upgrade.md says what is new.\n`;
  const right = await vitrine(["check"], { folder });
  expect([right.code, right.err]).toEqual([0, ""]);
  expect(right.out.endsWith(`\n${older}`)).toBe(true);
  editFile(join(folder, "wrangler.toml"), (text) => text.replace("[vars.COSTS]", "[vars.GONE]"));
  const wrong = await vitrine(["check"], { folder });
  expect([wrong.code, wrong.out]).toEqual([2, ""]);
  expect(wrong.err.startsWith(`${older}The configuration has mistakes:\n`)).toBe(true);
});

test("one of a newer version is warned of", async () => {
  const { code, out, err } = await vitrine(["check"], { folder: await madeWith("99.0.0") });
  expect([code, err]).toEqual([
    0,
    `Warning: this project was made with Vitrine 99.0.0, and ${VERSION} is installed: npm install\n`,
  ]);
  expect(out).not.toContain("Vitrine");
});

test.each([
  ["another version", { "node_modules/vitrine": { version: "0.1.9" } }, true],
  ["the same version", { "node_modules/vitrine": { version: VERSION } }, false],
  ["a link", { "node_modules/vitrine": { link: true } }, false],
  ["no vitrine", {}, false],
])("a lock file with %s: %j: warned of: %j", async (_what, packages, warns) => {
  const folder = emptyFolder();
  await init(folder, AWS);
  writeFileSync(join(folder, "package-lock.json"), JSON.stringify({ packages }));
  const what = `package-lock.json has vitrine 0.1.9, and ${VERSION} is installed`;
  const { code, err } = await vitrine(["check"], { folder });
  expect([code, err]).toEqual([0, warns ? `Warning: ${what}: npm ci\n` : ""]);
});

test("a lock file that is none is npm's affair", async () => {
  const folder = emptyFolder();
  await init(folder, AWS);
  writeFileSync(join(folder, "package-lock.json"), "{");
  expect(await vitrine(["check"], { folder })).toMatchObject({ code: 0, err: "" });
});

test("one that does not say it was made before, or by hand", async () => {
  const { out } = await vitrine(["check"], { folder: makeFolder() });
  expect(out).toContain("\nVitrine");
  expect(out).toMatch(
    / This project was made before 0\.2\.0, or by hand: docs\/upgrade\.md says what is new\.\n$/,
  );
});

test("wrangler.jsonc may say it, too, and environments do not repeat it", async () => {
  const folder = makeProject(STAGED, "wrangler.jsonc");
  editFile(join(folder, "wrangler.jsonc"), (text) => `// Made by vitrine ${VERSION}.\n${text}`);
  const { code, out } = await vitrine(["check"], { folder });
  expect([code, out.endsWith(`\n${SAME}`)]).toEqual([0, true]);
  expect(out.match(/Vitrine/g)).toHaveLength(1);
});

test("a configuration that cannot be read is told once", async () => {
  const folder = emptyFolder();
  mkdirSync(join(folder, "wrangler.toml"));
  const { code, out, err } = await vitrine(["check"], { folder });
  expect([code, out]).toEqual([2, ""]);
  expect(err).toMatch(/^The configuration has mistakes:\n {2}wrangler\.toml: .*\n$/);
  writeFileSync(join(folder, "wrangler.json"), "{}");
  expect((await vitrine(["check"], { folder })).out).toBe("");
});

test.each([
  ["# Made by vitrine 0.2.0. more\n", "0.2.0"],
  ["\uFEFF# Made by vitrine 0.2.0.\r\n", "0.2.0"],
  ["\n\n  #Made by vitrine 1.22.333\nname = 1", "1.22.333"],
  ["// Made by vitrine 0.2.0.\n{}", "0.2.0"],
  ["{\n  /* Made by vitrine 0.2.0. */", "0.2.0"],
  ["# Made by vitrine 0.3.0-beta.1.", "0.3.0"],
  ["# Made by vitrine 0.2.0.\n# Made by vitrine 0.3.0.", "0.2.0"],
  ['name = "# Made by vitrine 0.2.0."', undefined],
  ["# Made by vitrine 0.2", undefined],
  ["# Made by vitrine 0.2.0.1", undefined],
  ["# Made by vitrine 0.2.0123456789", undefined],
  ["# Made by vitrine \u001b[31m", undefined],
  ["", undefined],
])("%j was made with %s", (text, version) => {
  expect(readMadeWith(text)).toBe(version);
});

test.each([
  ["0.2.0", "0.2.0", "same"],
  ["0.2.0", "0.2.0-beta.1", "same"],
  ["0.2.9", "0.2.10", "older"],
  ["0.10.0", "0.9.0", "newer"],
  ["1.0.0", "0.99.99", "newer"],
  ["0.99.99", "1.0.0", "older"],
])("made with %s, %s is %s", (made, running, order) => {
  const { told = "", warning, isUpgraded } = tellVersions(made, running);
  const found = warning ? "newer" : isUpgraded ? "older" : "same";
  expect([found, told.includes("same version")]).toEqual([order, order === "same"]);
});

test("a file of many empty lines is read at once", () => {
  const text = `${"\n".repeat(200_000)}# Made by vitrine 0.2.0.`;
  expect(cpuTimeOf(() => expect(readMadeWith(text)).toBe("0.2.0"))).toBeLessThan(1_000);
});
