import { createFileRoute } from "@tanstack/react-router";
import { createServerFn } from "@tanstack/react-start";
import { HARD } from "../../../keys.ts";
import { signed } from "../../../sign.ts";
import { privateImages, reactProps } from "../../../vitrine.ts";

const getHard = createServerFn().handler(async () => {
  const query = await signed(HARD, "hero");
  return privateImages.imgProps(HARD, "hero", { alt: "hard", sizes: "50vw", query });
});

export const Route = createFileRoute("/hard")({
  loader: () => getHard(),
  component: Hard,
});

function Hard() {
  const img = Route.useLoaderData();
  return <img {...reactProps(img)} alt={img.alt} />;
}
