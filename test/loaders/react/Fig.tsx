import { images, reactProps } from "../vitrine.ts";

const fig = images.imgProps("photos/fig.jpg", "hero", { alt: "A fig", sizes: "50vw" });

export function Fig() {
  return <img {...reactProps(fig)} alt={fig.alt} />;
}
