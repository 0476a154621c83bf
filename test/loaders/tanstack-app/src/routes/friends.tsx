import { createFileRoute } from "@tanstack/react-router";
import { createServerFn } from "@tanstack/react-start";
import { friends } from "../../../sign.ts";
import { reactProps } from "../../../vitrine.ts";

/** Signs on the server alone, also where the browser calls the loader. */
const getFriends = createServerFn().handler(() => friends());

export const Route = createFileRoute("/friends")({
  loader: () => getFriends(),
  component: Friends,
});

function Friends() {
  const img = Route.useLoaderData();
  return <img {...reactProps(img)} alt={img.alt} />;
}
