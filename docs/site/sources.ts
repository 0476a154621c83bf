// What the site is made of: the pages of the repository as they are, and the files that they lead to. VitePress gets a
// copy of these alone, in a folder that git ignores, so that its server on localhost can show nothing else of the project.

import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, posix } from "node:path";

const ROOT = join(import.meta.dirname, "../..");

/** The folder of the copies. */
export const STAGE = join(import.meta.dirname, "pages");

/** VitePress serves what is in it unchanged. */
const PUBLIC = join(STAGE, "public");

/** The index of all pages. Its lists are the navigation of the site. */
const INDEX = "docs/README.md";
const FOR_AGENTS = "docs/llms.txt";

/** The folders and files that a change of a page changes. */
export const WATCHED = [ROOT, join(ROOT, "docs"), join(ROOT, "docs/pictures")];

/** It has nearly every word of the pages, and answers no question. */
export const CHANGELOG = "CHANGELOG.md";

const TOP_PAGES = ["README.md", "AGENTS.md", CHANGELOG, "CONTRIBUTING.md", "SECURITY.md"];

/** The paths of all pages from the root of the repository. */
export function listPages(): string[] {
  const names = readdirSync(join(ROOT, "docs")).filter((name) => name.endsWith(".md"));
  return [...TOP_PAGES, ...names.map((name) => `docs/${name}`)];
}

function readPage(path: string): string {
  return readFileSync(join(ROOT, path), "utf8");
}

/** The pages that have another address than their own path. */
export const REWRITES: Readonly<Record<string, string>> = {
  "README.md": "index.md",
  [INDEX]: "docs/index.md",
};

/** Returns the address of a page on the site: `/docs/cache` for `docs/cache.md`. */
export function addressOf(path: string): string {
  const file = REWRITES[path] ?? path;
  return `/${file.replace(/(?:(?<=^|\/)index)?\.md$/, "")}`;
}

/** Returns where a link of a page leads on the site. A link to another site, or within the page, stays as it is. */
export function resolveLink(page: string, link: string): string {
  const isElsewhere = /^[a-z]+:/i.test(link) || link.startsWith("#") || link.startsWith("/");
  if (isElsewhere) return link;

  const [file = "", anchor] = link.split("#");
  const path = posix.join(posix.dirname(page), file);
  const address = listPages().includes(path) ? addressOf(path) : `/${path}`;
  return anchor === undefined ? address : `${address}#${anchor}`;
}

/** Copies the pages, and what they lead to, into the stage. */
export function stage(): void {
  rmSync(STAGE, { recursive: true, force: true });
  for (const page of listPages()) copyTo(join(STAGE, page), page);

  for (const file of listLinkedFiles()) copyTo(join(PUBLIC, file), file);
  writeFileSync(join(PUBLIC, "llms.txt"), agentsIndex());
  writeFileSync(join(PUBLIC, "llms-full.txt"), allPages());
}

/** Copies a changed page into the stage, for the server on localhost. */
export function stageChange(file: string): void {
  const page = listPages().find((path) => join(ROOT, path) === file);
  if (page !== undefined) copyTo(join(STAGE, page), page);
}

/** Puts the source of each page beside it: `/docs/cache.md`. Its links to other pages lead to their sources. */
export function copySources(folder: string): void {
  for (const page of listPages()) copyTo(join(folder, page), page);
}

function copyTo(target: string, path: string): void {
  mkdirSync(dirname(target), { recursive: true });
  cpSync(join(ROOT, path), target);
}

/** The files that pages lead to or show, and that are no pages. */
function listLinkedFiles(): string[] {
  const files = new Set([FOR_AGENTS]);
  const pages = listPages();

  for (const page of pages) {
    const prose = withoutCode(readPage(page));
    for (const [, markdownLink, htmlLink] of prose.matchAll(LINK)) {
      const link = markdownLink ?? htmlLink ?? "";
      const address = resolveLink(page, link);
      if (address !== link && isFile(address)) files.add(address.slice(1));
    }
  }
  return [...files];
}

const LINK = /\]\((?<markdown>[^)\s]+)\)|(?:src|srcset|href)="(?<html>[^"]+)"/g;

/** Returns whether an address on the site is that of a file, and not of a page. */
export function isFile(address: string): boolean {
  const isOnSite = address.startsWith("/");
  return isOnSite && !listPages().some((page) => addressOf(page) === address.replace(/#.*/, ""));
}

/** A page without its code, in which a link is none. */
function withoutCode(text: string): string {
  const withoutBlocks = text.replace(/^( *)(```+).*?^\1\2 *$/gms, "");
  return withoutBlocks.replace(/(`+)[^`].*?\1/g, "");
}

/** docs/llms.txt for the root of the site, where agents look for it: https://llmstxt.org */
function agentsIndex(): string {
  return readPage(FOR_AGENTS).replace(LINK, (whole: string, link: string | undefined) => {
    if (link === undefined || /^[a-z]+:/i.test(link)) return whole;
    return `](/${posix.join("docs", link)})`;
  });
}

/** All pages in one file, each below its address, for agents that read everything at once. */
function allPages(): string {
  const pages = listPages().filter((page) => page !== CHANGELOG);
  return pages.map((page) => `<!-- /${page} -->\n\n${readPage(page)}`).join("\n");
}

export type Group = { readonly text: string; readonly items: readonly Item[] };
type Item = { readonly text: string; readonly link: string };

/**
 * The navigation: a group for each section of the index that has a list of pages. A page stands where the index names it
 * first.
 */
export function navigation(): Group[] {
  const [introduction = "", ...sections] = readPage(INDEX).split(/^## /m);
  const listed = new Set<string>();
  const groups = [{ text: "Begin", items: itemsOf(introduction, listed) }];

  for (const section of sections) {
    const [title = "", ...lines] = section.split("\n");
    const list = lines.filter((line) => line.startsWith("- ")).join("\n");
    const items = itemsOf(list, listed);
    const isOfPages = items.length > 1;
    if (isOfPages) groups.push({ text: title, items });
  }
  return groups;
}

/** @param listed the pages of the groups before. Those of this text are added */
function itemsOf(text: string, listed: Set<string>): Item[] {
  const items: Item[] = [];

  for (const [, link = ""] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
    const page = posix.join("docs", link);
    if (listed.has(page) || !listPages().includes(page)) continue;

    listed.add(page);
    items.push({ text: titleOf(page), link: addressOf(page) });
  }
  return items;
}

function titleOf(page: string): string {
  const [, title] = /^# (.+)$/m.exec(readPage(page)) ?? [];
  if (title === undefined) throw new Error(`${page} has no title`);
  return title;
}

/** The first paragraph of a page, as plain text: its description for search engines. */
export function descriptionOf(page: string): string {
  const paragraphs = readPage(page).split(/\n{2,}/);
  const first = paragraphs.find((paragraph) => /^[A-Za-z*[]/.test(paragraph)) ?? "";
  return first
    .replace(/\[([^\]]*)\]\([^)]*\)/g, "$1")
    .replace(/[*`_]/g, "")
    .replace(/\s+/g, " ");
}
