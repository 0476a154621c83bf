// The commands that the documents name are commands of `vitrine`, or scripts of package.json.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readSources } from "../structure/imports.ts";
import { ROOT } from "../support/built.ts";
import { vitrine } from "../support/cli/vitrine.ts";
import { listPages, readPage } from "./pages.ts";

const { out } = await vitrine(["--help"]);
const COMMANDS = [...out.matchAll(/^ {2}(?!help\b)([a-z|]+)(?: \[| {2})/gm)].flatMap(
  ([, names = ""]) => names.split("|"),
);
const { scripts } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
/** Pages for those who have the repository. */
const OF_REPOSITORY = [
  ...["AGENTS.md", "CHANGELOG.md", "CONTRIBUTING.md"],
  ...["docs/README.md", "docs/development.md", "docs/upgrade.md"],
];
/** What npm runs without `run`. */
const SHORT = ["start", "test"];

/** The words that follow `beginning` in a page. */
const namedAfter = (page: string, beginning: string) =>
  [...readPage(page).matchAll(new RegExp(`\\b${beginning} ([a-z][\\w:]*)`, "g"))].map(
    ([, name = ""]) => name,
  );

test("docs/README.md lists every command of vitrine", () => {
  const rows = [...readPage("docs/README.md").matchAll(/^\| `npx vitrine ([a-z]+)`/gm)];
  expect(rows.map(([, name]) => name).sort()).toEqual(COMMANDS.toSorted());
});

test.each(listPages())("the commands that %s names are there", (page) => {
  const of = namedAfter(page, "npx vitrine").filter((name) => !COMMANDS.includes(name));
  expect(of).toEqual([]);
  const run = [
    ...namedAfter(page, "npm run"),
    ...SHORT.filter((one) => readPage(page).includes(`npm ${one}`)),
  ];
  expect(run.filter((name) => !Object.hasOwn(scripts, name))).toEqual([]);
});

const OWN = /\bnpm (?:start|run (?:check|client|deploy|types|vitrine))\b/;

test.each(listPages().filter((page) => !OF_REPOSITORY.includes(page)))(
  "%s names no script that a project does not have",
  (page) => {
    // Who tries Vitrine has cloned the repository. A project that init made has scripts of its own.
    const text = readPage(page)
      .replace(/npm (?:ci|install)\nnpm start\n/g, "")
      .replace(readPage("fixtures/github/workflows/vitrine.yml"), "");
    expect(OWN.exec(text)?.[0]).toBeUndefined();
  },
);

test("neither does any message or comment of src/, except those of vitrine init", () => {
  const naming = [...readSources()].filter(([, text]) => OWN.test(text)).map(([file]) => file);
  const others = naming.filter((file) => !file.startsWith("src/cli/init/"));
  expect(others).toEqual([]);
});

/** What asks npm for a package of this name. As long as Vitrine is not published there, it is somebody else's. */
const FROM_NPM =
  /npx vitrine init\b(?!`[^\n]*\|)|npm (?:install|i|add)(?: -\S+)* vitrine\b|\bvitrine@/;

test.each([...listPages(), "docs/llms.txt"])("%s has nobody install Vitrine from npm", (page) => {
  expect(FROM_NPM.exec(readPage(page))?.[0]).toBeUndefined();
});

/** The sections of a page up to the one that names `npx vitrine` first. */
function untilFirstCommand(text: string): string | undefined {
  const at = text.indexOf("npx vitrine");
  if (at < 0) return undefined;
  const end = text.indexOf("\n## ", at);
  return end < 0 ? text : text.slice(0, end);
}

test.each(listPages().filter((page) => page.startsWith("docs/")))(
  "%s says how to install Vitrine where it first names npx vitrine",
  (page) => {
    const begin = untilFirstCommand(readPage(page));
    if (begin === undefined) return;
    expect(begin).toMatch(/\]\(\.\.\/README\.md#(?:start-a-project|the-package)\)/);
  },
);

test("README.md names the file that npm pack makes", () => {
  const named = readPage("README.md").match(/vitrine-[\d.]+\.tgz/g);
  const { version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
  expect([...new Set(named)]).toEqual([`vitrine-${version}.tgz`]);
});
