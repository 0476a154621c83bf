// Every relative link of the pages leads to a file that is there, and to a heading of it. README.md leads
// to every page. No address outside is asked.

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

test.each(listPages())("the relative links of %s resolve", (page) => {
  const links = linksOf(readPage(page));
  expect(links.map((link) => faultOf(page, link)).filter(Boolean)).toEqual([]);
});

test("there are links to check, and a broken one is found", () => {
  expect(listPages().flatMap((page) => linksOf(readPage(page))).length).toBeGreaterThan(150);
  expect(faultOf("README.md", "docs/nothing.md")).toContain("there is no docs/nothing.md");
  expect(faultOf("docs/access.md", "errors.md#nothing")).toContain("has no heading #nothing");
  expect(faultOf("docs/access.md", "#nothing")).toContain("has no heading #nothing");
  expect(faultOf("docs/access.md", "#who-may-embed")).toBeUndefined();
});

test("headings get the anchors that GitHub gives them", () => {
  const text = "# Use it\n## `[vars.BUCKETS.<name>]`\n## 3. What does it mean?\n```sh\n# no\n```\n";
  expect(anchorsOf(`${text}## [Use](a.md) it\n## Use it`)).toEqual([
    ...["use-it", "varsbucketsname", "3-what-does-it-mean", "use-it-1", "use-it-2"],
  ]);
});

test("README.md links to every page, and has at most 200 lines", () => {
  const readme = readPage("README.md");
  const linked = new Set(linksOf(readme).map((link) => link.replace(/#.*/, "")));
  // CONTRIBUTING.md leads to AGENTS.md.
  const pages = listPages().filter((page) => !["README.md", "AGENTS.md"].includes(page));
  expect(pages.filter((page) => !linked.has(page))).toEqual([]);
  expect(readme.trimEnd().split("\n").length).toBeLessThanOrEqual(200);
});

test("AGENTS.md has fewer than 60 lines", () => {
  expect(readPage("AGENTS.md").trimEnd().split("\n").length).toBeLessThan(60);
});
