// Every relative link of the pages leads to a file that is there, and to a heading of it. README.md and
// docs/README.md lead to every page, docs/llms.txt to those of docs/. No address outside is asked.

import { existsSync, statSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { expect, test } from "vitest";
import { ROOT } from "../support/built.ts";
import { anchorsOf, listPages, readPage, withoutCode } from "./pages.ts";

/** The targets of a page's links and pictures, without those of other sites. */
function linksOf(text: string): string[] {
  const prose = withoutCode(text);
  const inMarkdown = prose.matchAll(/\]\(([^)\s]+)\)/g);
  const inHtml = prose.matchAll(/(?:src|srcset|href)="([^"]+)"/g);
  const targets = [...inMarkdown, ...inHtml].map(([, target = ""]) => target);
  return targets.filter((target) => !/^[a-z]+:/i.test(target));
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
  const found = anchorsOf(readPage(path)).includes(anchor);
  return found ? undefined : `${page}: ${link}: ${path} has no heading #${anchor}`;
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
  return pages.filter((other) => other !== page && !linked.includes(other));
}

const DOCS = listPages().filter((page) => page.startsWith("docs/"));

test("README.md links to every page, and the lists of docs/ to every page there", () => {
  // CONTRIBUTING.md leads to AGENTS.md.
  const pages = listPages().filter((page) => page !== "AGENTS.md");
  expect(missingIn("README.md", pages)).toEqual([]);
  for (const list of ["docs/README.md", FOR_AGENTS]) expect(missingIn(list, DOCS)).toEqual([]);
});
