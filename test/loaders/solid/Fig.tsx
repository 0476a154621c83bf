/** @jsxImportSource solid-js */
import { images } from "../vitrine.ts";

const fig = images.imgProps("photos/fig.jpg", "hero", { alt: "A fig", sizes: "50vw" });

export const Fig = () => <img {...fig} alt={fig.alt} />;
