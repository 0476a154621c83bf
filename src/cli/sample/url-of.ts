// Says where the picture is shown. Pure.

import { isFault } from "../command.ts";
import type { Project } from "../config/project.ts";
import { pathOf, variantsOf } from "../urls/public-url.ts";
import { keyInRoutes, type Target } from "./find-target.ts";

/** The lines that tell its URL, as far as it is known. */
export function urlOf(project: Project, target: Target): string[] {
  const { base, known, config } = project;
  const own = config.routes.filter(({ bucket, signing }) => bucket === target.bucket && !signing);
  const paths = own.flatMap((route) =>
    variantsOf(project, route)
      .filter((variant) => !variant.includes("@")) // a preset itself
      .flatMap((variant) => pathOf(project, route, variant, keyInRoutes(target)) ?? []),
  );
  const path = paths.at(-1); // most configurations name their largest preset last
  if (path === undefined) return ["No route shows it to everybody: npx vitrine url sample.jpg"];
  if (!isFault(base)) return [`See it: ${base}${path}`];
  return [
    `See it: https://${known.worker}.<your subdomain>.workers.dev${path}`,
    "The deploy printed the subdomain. npx vitrine sample --url https://… prints the whole URL.",
  ];
}
