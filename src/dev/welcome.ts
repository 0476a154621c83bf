// What the local run prints when everything is ready.

import { withPages } from "../cli/command.ts";
import { bucketsOf } from "../cli/config/buckets.ts";
import { publicPath } from "../cli/urls/public-url.ts";
import { findUnplayed } from "../emulator/edge/options.ts";
import type { Config } from "../worker/config/config.ts";
import { imageOf } from "../worker/edge/ask-edge.ts";
import { BROKEN, HARD_KEYS, PICTURES } from "./objects.ts";
import { signQuery } from "./sign-query.ts";

/**
 * Writes the text: each URL on a line of its own.
 * @param devVars the file with the secrets
 * @param filled whether the local buckets hold the fixtures
 */
export async function welcome(
  address: string,
  config: Config,
  devVars: string,
  filled: boolean,
): Promise<string> {
  const images = filled
    ? await imageLines(address, config)
    : [`The images come from the S3 that ${devVars} names. It gets no fixtures.`, ""];
  const lines = [
    ...["", `Vitrine is ready on ${address}`, ""],
    ...["The contact sheet shows every picture at every preset:", `${address}/`, ""],
    ...images,
    ...missingLines(config),
    ...(filled ? roleLines(config) : []),
    ...["The health check:", `${address}/healthz`, ""],
    "A picture is made once, and then comes out of a store in .wrangler/state, until its object changes.",
    `To make each anew, add a line to ${devVars}: EDGE='{"store":false}'. Browsers keep theirs.`,
    "",
    `To see how the Worker fails, add a line to ${devVars}, for example EDGE='{"transformations":false}'.`,
    withPages("It takes effect at once. docs/emulator.md has all the switches of the local edge."),
    "",
    "Requests and errors are logged below. Press Ctrl-C to stop.",
    "",
  ];
  return lines.join("\n");
}

async function imageLines(address: string, config: Config): Promise<string[]> {
  const [first = "", ...rest] = PICTURES.map(({ key }) => key);
  const broken = BROKEN.slice(0, 2).map(({ key }) => key);
  const paths = [
    ...(await pathsOf(config, [first], Number.POSITIVE_INFINITY)),
    ...(await pathsOf(config, [...rest, ...HARD_KEYS.slice(0, 2)], 1)),
  ];
  const refused = await pathsOf(config, broken, 1);
  const urls = (all: readonly string[]) => all.map((path) => address + path);
  return [
    ...["Some images:", ...urls(paths), ""],
    ...(refused.length > 0
      ? ["The Worker refuses these, because they are not raster images:", ...urls(refused), ""]
      : []),
  ];
}

/** The buckets that a role opens, where nothing is asked of AWS. */
function roleLines({ routes }: Config): string[] {
  const buckets = [...bucketsOf(routes)].filter(({ role }) => role !== undefined);
  return buckets.flatMap(({ name }) => [
    `Here the local keys open the bucket "${name}", in place of its role: AWS is not asked.`,
    "",
  ]);
}

/** The options of presets that the emulator does not implement. */
function missingLines({ variants }: Config): string[] {
  const lines = [...variants].flatMap(([name, { image }]) => {
    const missing = findUnplayed(imageOf({ image }));
    if (missing.length === 0 || name.includes("@")) return [];
    return [`PRESETS.${name}: the local edge does not implement ${missing.join(", ")}.`];
  });
  return lines.length > 0 ? [...lines, ""] : [];
}

/** Paths of some keys, by each route that leads to them, in at most `most` variants; signed if needed. */
async function pathsOf(
  { routes, variants }: Config,
  keys: readonly string[],
  most: number,
): Promise<string[]> {
  const found: string[] = [];
  for (const key of keys) {
    for (const route of routes) {
      const shown = [...variants].filter(([, { preset }]) => route.presets?.has(preset) ?? true);
      for (const [name, { preset }] of shown.slice(0, most)) {
        const path = publicPath(routes, route, name, key);
        if (path === undefined) continue;
        found.push(path + (await signQuery(route, preset, key, Date.now())));
      }
    }
  }
  return found;
}
