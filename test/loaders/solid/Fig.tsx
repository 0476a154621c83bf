/** @jsxImportSource solid-js */
import { images } from "../vitrine.ts";

const fig = images.imgProps("photos/fig.jpg", "hero", { alt: "A fig", sizes: "50vw" });

export function Fig() {
  return <img {...fig} alt={fig.alt} />;
}
