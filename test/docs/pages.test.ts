// What the pages lead to is there: links and headings, files and tests. README.md and docs/README.md lead to every page,
// docs/llms.txt to those of docs/. Files with secrets are not committed. No address outside is asked.

import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, readFileSync, statSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { parseEnv } from "node:util";
import { expect, test } from "vitest";
import { ROOT } from "../support/built.ts";
import { createTemporaryFolder } from "../support/temporary-folder.ts";
import { anchorsOf, listPages, readPage, withoutCode } from "./pages.ts";

/** The targets of a page's links and pictures, without those of other sites. */
function linksOf(text: string): string[] {
  const prose = withoutCode(text);
  const inMarkdown = prose.matchAll(/\]\(([^)\s]+)\)/g);
  const inHtml = prose.matchAll(/(?:src|srcset|href)="([^"]+)"/g);
  const targets = [...inMarkdown, ...inHtml].map(([, address = ""]) => address);
  return targets.filter((address) => !/^[a-z]+:/i.test(address));
}

/** Returns what is wrong with a link of a page, or undefined. */
function faultOf(page: string, link: string): string | undefined {
  const [file = "", anchor] = link.split("#");
  const path = file === "" ? page : normalize(join(dirname(page), file));
  if (!existsSync(join(ROOT, path))) return `${page}: ${link}: there is no ${path}`;
  if (anchor === undefined) return undefined;
  if (!path.endsWith(".md") || statSync(join(ROOT, path)).isDirectory()) {
    return `${page}: ${link}: ${path} has no headings`;
  }
  const hasAnchor = anchorsOf(readPage(path)).includes(anchor);
  return hasAnchor ? undefined : `${page}: ${link}: ${path} has no heading #${anchor}`;
}

/** For coding agents: https://llmstxt.org */
const FOR_AGENTS = "docs/llms.txt";

test("the relative links of all pages resolve, and a broken one is found", () => {
  const faults = [...listPages(), FOR_AGENTS].flatMap((page) =>
    linksOf(readPage(page)).map((link) => faultOf(page, link)),
  );
  expect(faults.filter(Boolean)).toEqual([]);
  expect(faults.length).toBeGreaterThan(150);
  expect(faultOf("README.md", "docs/nothing.md")).toContain("there is no docs/nothing.md");
  expect(faultOf("docs/access.md", "errors.md#nothing")).toContain("has no heading #nothing");
  expect(faultOf("docs/access.md", "#nothing")).toContain("has no heading #nothing");
  expect(faultOf("docs/access.md", "#who-may-embed")).toBeUndefined();
});

/** The pages that no link of a page leads to, except itself. */
function missingIn(page: string, pages: readonly string[]): string[] {
  const linked = linksOf(readPage(page)).map((link) =>
    normalize(join(dirname(page), link.replace(/#.*/, ""))),
  );
  return pages.filter((candidate) => candidate !== page && !linked.includes(candidate));
}

const DOCS = listPages().filter((page) => page.startsWith("docs/"));

test("README.md links to every page, and the lists of docs/ to every page there", () => {
  // CONTRIBUTING.md leads to AGENTS.md.
  const pages = listPages().filter((page) => page !== "AGENTS.md");
  expect(missingIn("README.md", pages)).toEqual([]);
  for (const list of ["docs/README.md", FOR_AGENTS]) expect(missingIn(list, DOCS)).toEqual([]);
});

test.each(["", "fixtures/template"])(
  "in “%s”, git ignores each file that the pages have their reader make",
  (project) => {
    const text = listPages().map(readPage).join("\n");
    const named = text.match(
      /(?<=--(?:secrets|key)-file |secret bulk |> |file:\/\/)[\w-]+\.(?:env|json)\b/g,
    );
    // The name that AWS's console gives to a key of the user vitrine.
    const files = [...new Set(named), "vitrine_accessKeys.csv"];
    expect(files).toEqual(
      expect.arrayContaining(["secrets.env", "staging.env", "key.json", "read.json"]),
    );

    // Its own .gitignore has to do it alone.
    const folder = createTemporaryFolder("vitrine-ignored-");
    spawnSync("git", ["init", "--quiet"], { cwd: folder });
    copyFileSync(join(ROOT, project, ".gitignore"), join(folder, ".gitignore"));
    const options = { cwd: folder, encoding: "utf8" } as const;
    const ignored = spawnSync("git", ["check-ignore", ...files], options).stdout.split("\n");
    expect(files.filter((file) => !ignored.includes(file))).toEqual([]);
  },
);

test("no line of .dev.vars.example that the Deploy button asks for has a value (D1)", () => {
  const lines = parseEnv(readFileSync(join(ROOT, ".dev.vars.example"), "utf8"));
  expect(lines).toEqual({ AWS_ACCESS_KEY_ID: "", AWS_SECRET_ACCESS_KEY: "" });
});

/** Pages that name files of the repository, and none of a project. */
const OF_REPOSITORY = [
  ...["AGENTS.md", "CONTRIBUTING.md", "docs/development.md"],
  ...["docs/real-s3.md", "docs/security.md"],
];
const FILE =
  /`((?:\.ci|docs|fixtures|src|test)\/[\w./-]*|(?:[\w-]+\/)*[\w-]+\.(?:js|json|md|toml|tsx?))`/g;
/** What a page has its readers write, or what a command makes. */
const EXAMPLE_PATH = /^(?:src|test)\/cli\/NAME\//;

test("the files of the repository that pages name are there", () => {
  for (const page of OF_REPOSITORY) {
    const named = [...readPage(page).matchAll(FILE)].map(([, file = ""]) => file);
    expect(named).not.toEqual([]);
    const missing = named.filter(
      (file) => !EXAMPLE_PATH.test(file) && !existsSync(join(ROOT, file)),
    );
    expect([page, missing]).toEqual([page, []]);
  }
});

/** A name of the code, and the file that CONTRIBUTING.md says has it: `CHECKS` in `src/cli/doctor/finding.ts`. */
const NAME_IN_FILE = /`(?<name>\w+)` (?:of|in) `(?<path>(?:src|test)\/[\w./-]+\.ts)`/g;

test("each name that CONTRIBUTING.md says is in a file is there", () => {
  const matches = [...readPage("CONTRIBUTING.md").matchAll(NAME_IN_FILE)];
  const missing = matches.filter(({ groups = {} }) => {
    const source = readPage(groups["path"] ?? "");
    return !new RegExp(`\\b${groups["name"]}\\b`).test(source);
  });
  expect(missing.map(([text]) => text)).toEqual([]);
  expect(matches.length).toBeGreaterThan(8);
});

test("each line of code that CONTRIBUTING.md shows is in the file that its step names", () => {
  const steps = readPage("CONTRIBUTING.md").split(/^(?=\d\. |#)/m);
  const blocks = steps.flatMap((step) => {
    const [, file = ""] = /`((?:src|test)\/[\w./-]+\.ts)`/.exec(step) ?? [];
    return [...step.matchAll(/```ts\n(.*?)```/gs)].map(([, code = ""]) => [file, code] as const);
  });
  expect(blocks.length).toBeGreaterThan(2);
  for (const [file, code] of blocks) {
    for (const line of code.trim().split(/\n */)) expect(readPage(file)).toContain(` ${line}\n`);
  }
});

test("the steps for an option name each file that has the option of their example", () => {
  const sections = readPage("CONTRIBUTING.md").split(/^## /m);
  const recipe = sections.find((section) => section.startsWith("Add an option of presets\n")) ?? "";
  const [, option = ""] = /how `(\w+)` has them/.exec(recipe) ?? [];

  // The lines of a step are indented. What stands before or behind the steps is easily missed.
  const steps = [...recipe.matchAll(/^\d\. .*\n(?:\n? {3}.*\n)*/gm)].join("");

  const search = ["grep", "-lw", option, "--", "src", "test/**.ts"];
  const files = spawnSync("git", search, { cwd: ROOT, encoding: "utf8" }).stdout.trim().split("\n");
  expect(files).toContain("src/worker/config/preset.ts");
  expect(files.filter((file) => !steps.includes(`\`${file}\``))).toEqual([]);
});

test("the tests that docs/security.md and test/README.md name are there", () => {
  const pages = readPage("docs/security.md") + readPage("test/README.md");
  const named = [...pages.matchAll(/`([\w./-]+\.test\.ts)`/g)];
  const files = named.map(([, file = ""]) => file.replace(/^test\//, ""));
  expect(files.length).toBeGreaterThan(50);
  expect(files.filter((file) => !existsSync(join(ROOT, "test", file)))).toEqual([]);
});
