// The pages that the tests read: those at the top level and docs/*.md, each by its path from the root.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../support/built.ts";

/** The text of a page, such as `docs/errors.md`. */
export function readPage(path: string): string {
  return readFileSync(join(ROOT, path), "utf8");
}

/** The paths of all pages. */
export function listPages(): string[] {
  const names = readdirSync(join(ROOT, "docs")).filter((name) => name.endsWith(".md"));
  const top = ["README.md", "AGENTS.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"];
  return [...top, ...names.map((name) => `docs/${name}`)];
}

/** The anchors of a page: its `<a id>`, and those of its headings as GitHub makes them: a second one of a name gets `-1`. */
export function anchorsOf(text: string): string[] {
  const counts = new Map<string, number>();
  const headings = withoutCode(text).matchAll(/^#{1,6} +(.+?) *#*$/gm);
  const ids = Array.from(text.matchAll(/<a id="([\w-]+)">/g), ([, id = ""]) => id);
  const slugs = Array.from(headings, ([, heading = ""]) => {
    const slug = slugOf(heading);
    const times = counts.get(slug) ?? 0;
    counts.set(slug, times + 1);
    return times === 0 ? slug : `${slug}-${times}`;
  });
  return [...ids, ...slugs];
}

/** A page without its blocks of code, in which a line may begin with `#` and a link be none. */
export function withoutCode(text: string): string {
  return text.replace(/^( *)(```+).*?^\1\2 *$/gms, "");
}

function slugOf(heading: string): string {
  const title = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, "$1"); // of a link, its text
  return title
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\p{M} _-]/gu, "")
    .replaceAll(" ", "-");
}
