// VitePress's theme in the fonts of the system, with a link from each page to its source, and a page for what is not there.

import { useData } from "vitepress";
import Theme from "vitepress/theme-without-fonts";
import { defineComponent, h } from "vue";
import "./style.css";

const SourceLink = defineComponent(() => {
  const { page } = useData();

  // The target keeps VitePress from taking the file for a page.
  return () => {
    const attributes = { href: `/${page.value.filePath}`, target: "_self" };
    return h("p", { class: "source" }, h("a", attributes, "This page as Markdown"));
  };
});

const notFound = () =>
  h("main", { class: "not-found" }, [
    h("h1", "There is no such page"),
    h("p", [h("a", { href: "/docs/" }, "All pages"), ", or search for a word."]),
  ]);

export default {
  extends: Theme,
  Layout: () =>
    h(Theme.Layout, null, { "doc-footer-before": () => h(SourceLink), "not-found": notFound }),
};
