import { createFileRoute } from "@tanstack/react-router";
import { facts } from "../../../facts.ts";
import { images, reactProps } from "../../../vitrine.ts";

const original = facts["photos/fig.jpg"];
const fig = images.imgProps("photos/fig.jpg", "hero", { alt: "A fig", sizes: "50vw", original });

export const Route = createFileRoute("/")({
  component: () => <img {...reactProps(fig)} alt={fig.alt} />,
});
