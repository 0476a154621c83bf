// Shows the pages as GitHub shows them: the same anchors, links between files, and pictures in light and dark. Nothing of
// a page is a template of Vue.

import GithubSlugger from "github-slugger";
import type { MarkdownOptions } from "vitepress";
import { addressOf, isFile, listPages, resolveLink } from "./sources.ts";

type Markdown = Parameters<NonNullable<MarkdownOptions["config"]>>[0];
type Token = ReturnType<Markdown["parse"]>[number];

/** Returns the anchor of a heading, without the number of a repeated one, which markdown-it adds as GitHub does. */
export function slugOf(heading: string): string {
  return new GithubSlugger().slug(heading);
}

export function configureMarkdown(markdown: Markdown): void {
  markdown.core.ruler.push("repository", (state) => {
    const page = pageOf(state.env);
    for (const token of flatten(state.tokens)) rewrite(token, page);
  });
}

/** @param env VitePress names the page in it, by the address that it has on the site */
function pageOf(env: { relativePath?: string }): string {
  const { relativePath = "" } = env;
  const address = addressOf(relativePath);
  return listPages().find((path) => addressOf(path) === address) ?? relativePath;
}

function flatten(tokens: readonly Token[]): Token[] {
  return tokens.flatMap((token) => [token, ...flatten(token.children ?? [])]);
}

/** Rewrites the links of a token, in place: markdown-it has no other way. */
function rewrite(token: Token, page: string): void {
  if (token.type === "link_open") rewriteLink(token, page);
  if (token.type === "image") rewriteImage(token, page);
  if (token.type === "code_inline") token.attrSet("v-pre", "");
  if (token.type === "text") escapeTemplate(token);
  if (token.type === "html_block") token.content = rewriteHtml(token.content, page);
}

/** Vue would run what stands in `{{ }}`. Blocks of code are not run, by VitePress. */
function escapeTemplate(token: Token): void {
  if (!token.content.includes("{{")) return;
  token.type = "html_inline";
  token.content = escapeHtml(token.content).replaceAll("{{", "&#123;&#123;");
}

function escapeHtml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/** VitePress takes an address on the site for a page, unless the link has a target. */
function rewriteLink(token: Token, page: string): void {
  const link = token.attrGet("href") ?? "";
  const address = resolveLink(page, link);
  token.attrSet("href", address);
  if (isFile(address)) token.attrSet("target", "_self");
}

function rewriteAttribute(token: Token, name: string, page: string): void {
  const link = token.attrGet(name);
  if (link !== null) token.attrSet(name, resolveLink(page, link));
}

/** A picture of another site is not loaded: its text stands for it. */
function rewriteImage(token: Token, page: string): void {
  const isElsewhere = /^[a-z]+:/i.test(token.attrGet("src") ?? "");
  if (!isElsewhere) {
    rewriteAttribute(token, "src", page);
    return;
  }

  token.type = "text";
  token.tag = "";
  token.attrs = null;
}

const PICTURE =
  /<picture>\s*<source media="\(prefers-color-scheme: dark\)" srcset="(?<dark>[^"]+)">\s*<img src="(?<light>[^"]+)"(?<rest>[^>]*)>\s*<\/picture>/g;

/**
 * A `<picture>` follows the system's colours. The site has a switch for them, so it gets both pictures, and its style
 * shows one of them.
 */
function rewriteHtml(html: string, page: string): string {
  const withBoth = html.replace(
    PICTURE,
    '<img class="only-light" src="$<light>"$<rest>><img class="only-dark" loading="lazy" src="$<dark>"$<rest>>',
  );
  return withBoth.replace(
    /(?<name>src|srcset|href)="(?<link>[^"]+)"/g,
    (_whole, name: string, link: string) => `${name}="${resolveLink(page, link)}"`,
  );
}
