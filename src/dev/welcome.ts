// What the local run prints when everything is ready.

import { withPages } from "../cli/command.ts";
import { bucketsOf } from "../cli/config/buckets.ts";
import { publicPath } from "../cli/urls/public-url.ts";
import { findUnplayed } from "../emulator/edge/options.ts";
import type { Config } from "../worker/config/config.ts";
import { imageOf } from "../worker/edge/ask-edge.ts";
import { PICTURES } from "./objects.ts";
import { signQuery } from "./sheet/contents.ts";

/**
 * Writes the text: each URL on a line of its own.
 * @param devVars the file with the secrets
 * @param isFilled whether the local buckets hold the fixtures
 */
export async function welcome(
  address: string,
  { routes, variants }: Config,
  devVars: string,
  isFilled: boolean,
): Promise<string> {
  const images = isFilled ? await exampleUrls(address, { routes, variants }) : [];
  const missing = [...variants].flatMap(([name, { image }]) => {
    const options = findUnplayed(imageOf({ image }));
    if (options.length === 0 || name.includes("@")) return [];
    return [`PRESETS.${name}: the local edge does not implement ${options.join(", ")}.`];
  });
  const roles = [...bucketsOf(routes)].filter(({ role }) => role !== undefined && isFilled);
  const lines = [
    ...["", `Vitrine is ready on ${address}`, ""],
    ...["The contact sheet shows every picture at every preset:", `${address}/`, ""],
    isFilled ? "For example:" : `The pictures come from the S3 that ${devVars} names.`,
    ...[...images, `${address}/healthz`, ""],
    ...(missing.length > 0 ? [...missing, ""] : []),
    ...roles.flatMap(({ name }) => [
      `Here the local keys open the bucket "${name}", in place of its role: AWS is not asked.`,
      "",
    ]),
    "A picture is made once, and then comes out of a store in .wrangler/state, until its object changes.",
    `To make each anew, add a line to ${devVars}: EDGE='{"store":false}'. Browsers keep theirs.`,
    `To see how the Worker fails, add a line to ${devVars}, for example EDGE='{"transformations":false}'.`,
    withPages("It takes effect at once. docs/emulator.md has all the switches of the local edge."),
    "",
    "Requests and errors are logged below. Press Ctrl-C to stop.",
    "",
  ];
  return lines.join("\n");
}

/** One URL of each route and preset: of the first picture that it shows; signed if needed. */
async function exampleUrls(
  address: string,
  { routes, variants }: Pick<Config, "routes" | "variants">,
): Promise<string[]> {
  const urls: string[] = [];
  for (const route of routes) {
    for (const [name, { preset }] of variants) {
      if (name !== preset || route.presets?.has(preset) === false) continue;
      const paths = PICTURES.map(({ key }) => [key, publicPath(routes, route, name, key)] as const);
      const [key, path] = paths.find(([, one]) => one !== undefined) ?? [];
      if (key === undefined || path === undefined) continue;
      urls.push(address + path + (await signQuery(route, preset, key, Date.now())));
    }
  }
  return urls;
}
