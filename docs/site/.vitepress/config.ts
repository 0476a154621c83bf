// The site of the documents. DOCS_URL is its address, https://docs.example.com, for the sitemap. DOCS_REPOSITORY is the
// address of the repository, https://github.com/OWNER/vitrine, for the links to it.

import { defineConfig } from "vitepress";
import { writeHeaders } from "../headers.ts";
import { configureMarkdown, slugOf } from "../markdown.ts";
import {
  CHANGELOG,
  copySources,
  descriptionOf,
  navigation,
  REWRITES,
  STAGE,
  stage,
  stageChange,
  WATCHED,
} from "../sources.ts";

const { DOCS_URL: siteUrl, DOCS_REPOSITORY: repository } = process.env;

stage();

export default defineConfig({
  title: "Vitrine",
  lang: "en",
  srcDir: STAGE,
  srcExclude: ["public/**"],
  rewrites: REWRITES,
  cleanUrls: true,
  ignoreDeadLinks: "localhostLinks", // of the local run
  metaChunk: true,
  ...(siteUrl !== undefined && { sitemap: { hostname: siteUrl } }),
  head: [["link", { rel: "icon", href: "data:," }]], // else browsers ask for /favicon.ico
  markdown: {
    theme: { light: "github-light-high-contrast", dark: "github-dark-high-contrast" },
    anchor: { slugify: slugOf },
    config: configureMarkdown,
  },
  vite: {
    build: { chunkSizeWarningLimit: 1000 }, // the index of the search, which loads when somebody searches
    plugins: [
      {
        name: "pages-of-the-repository",
        configureServer({ watcher }) {
          watcher.add(WATCHED);
          watcher.on("change", stageChange);
        },
      },
    ],
  },
  themeConfig: {
    search: {
      provider: "local",
      options: {
        _render: (text, env, markdown) =>
          env.relativePath === CHANGELOG ? "" : markdown.render(text, env),
      },
    },
    sidebar: navigation().map(({ text, items }) => ({ text, items: [...items] })),
    nav: [
      { text: "All pages", link: "/docs/" },
      { text: "Commands", link: "/docs/#commands" },
    ],
    outline: [2, 3],
    externalLinkIcon: true,
    ...(repository !== undefined && {
      editLink: { pattern: `${repository}/edit/main/:path`, text: "Edit this page" },
    }),
  },
  transformPageData(page) {
    if (page.isNotFound) return;
    page.description = descriptionOf(page.filePath);
    page.frontmatter["head"] = [
      ["link", { rel: "alternate", type: "text/markdown", href: `/${page.filePath}` }],
    ];
  },
  buildEnd({ outDir }) {
    copySources(outDir);
    writeHeaders(outDir);
  },
});
