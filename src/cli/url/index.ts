// vitrine url and vitrine sign: public URLs, as the Worker reads them.

import { Command } from "@commander-js/extra-typings";
import {
  align,
  EXIT,
  type Exit,
  type Fault,
  isFault,
  paint,
  type Run,
  say,
  type World,
} from "../command.ts";
import { type OpenOptions, openProject } from "../project/open-project.ts";
import { queryFor } from "../project/public-url.ts";
import { visible } from "../terminal/visible.ts";
import { readExpiry } from "./expiry.ts";
import { type Asked, findUrls } from "./find-urls.ts";

const KEY = "the object's key, below the prefix of its bucket";

type Signed = Asked &
  OpenOptions & { readonly expires?: string | undefined; readonly v?: string | undefined };

export function urlCommand(world: World, run: Run) {
  return new Command("url")
    .description("prints the public URL of an object at a preset, or all of its URLs")
    .argument("<key>", KEY)
    .option("-p, --preset <name>", "a preset, or one of its variants, as card@2x; else all")
    .option(
      "-r, --route <path>",
      "the path of the route, as in wrangler.toml; else the first that leads there",
    )
    .option(
      "-u, --url <url>",
      "where Vitrine is; else the first domain under routes in wrangler.toml",
    )
    .addHelpText(
      "after",
      `
Examples:
  vitrine url photos/fig.jpg
  vitrine url photos/fig.jpg --preset card@2x
  vitrine url photos/fig.jpg --preset card --url http://localhost:8787
  vitrine url -- -1.jpg`,
    )
    .action((key, options) => run(() => printUrls(world, { key, ...options })));
}

export function signCommand(world: World, run: Run) {
  return new Command("sign")
    .description("prints a signed URL, or one for every variant; the keys are URL_SIGNING_KEYS")
    .argument("<key>", KEY)
    .option("-p, --preset <name>", "a preset, or one of its variants, as card@2x; else all")
    .option(
      "-e, --expires <when>",
      "30s, 15m, 12h, 7d from now, or a date, as 2026-12-31T12:00Z; else 1h, or less if max_age is",
    )
    .option("--v <version>", "another one for each content of the object, as its hash")
    .option(
      "-r, --route <path>",
      "the path of the route, as in wrangler.toml; else the first that leads there",
    )
    .option(
      "-u, --url <url>",
      "where Vitrine is; else the first domain under routes in wrangler.toml",
    )
    .option(
      "--secrets-file <file>",
      "where URL_SIGNING_KEYS stands; else the environment, or .dev.vars",
    )
    .addHelpText(
      "after",
      `
Examples:
  vitrine sign private/friends.jpg --preset hero --expires 1d
  vitrine sign private/friends.jpg --preset hero@640w --secrets-file secrets.env
  vitrine sign private/friends.jpg --url http://localhost:8787`,
    )
    .action((key, options) => run(() => printSigned(world, { key, ...options })));
}

function printUrls(world: World, asked: Asked & OpenOptions): Exit | Fault {
  const project = openProject(world, asked);
  if (isFault(project)) return project;
  const { base } = project;
  if (isFault(base)) return base;
  const found = findUrls(project, asked, false);
  if (isFault(found)) return found;
  const rows = found.paths.map(([variant, path]) => [variant, base + path] as const);
  return print(world, rows, found.notes);
}

async function printSigned(world: World, asked: Signed): Promise<Exit | Fault> {
  const project = openProject(world, asked);
  if (isFault(project)) return project;
  const { base } = project;
  if (isFault(base)) return base;
  const found = findUrls(project, asked, true);
  if (isFault(found)) return found;
  const { route, paths } = found;
  const expires = readExpiry(asked.expires, route.signing?.maxAge ?? 0, world.now());
  if (isFault(expires)) return expires;
  const { key, v: version } = asked;
  if (version !== undefined && !/^[\w.-]{1,64}$/.test(version)) {
    return { fault: `--v ${version}: is not 1 to 64 letters, digits, dots, - and _` };
  }
  const rows: [string, string][] = [];
  for (const [variant, path] of paths) {
    const preset = project.config.variants.get(variant)?.preset ?? "";
    const query = await queryFor(project, route, { preset, key, expires, version });
    if (isFault(query)) return query;
    rows.push([variant, base + path + query]);
  }
  return print(world, rows, found.notes);
}

function print(
  world: World,
  rows: readonly (readonly [variant: string, url: string])[],
  notes: readonly string[],
): Exit {
  for (const note of notes) say(world.stderr, paint(world, world.stderr, "yellow", visible(note)));
  const [first, ...more] = rows;
  if (first !== undefined && more.length === 0) say(world.stdout, first[1]);
  else say(world.stdout, ...align(rows));
  return EXIT.done;
}
