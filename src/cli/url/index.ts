// vitrine url and vitrine sign: print public URLs. Nothing is asked of any server.

import { Command, Option } from "@commander-js/extra-typings";
import {
  align,
  type End,
  EXIT,
  isFault,
  paint,
  print,
  type Run,
  say,
  type World,
} from "../command.ts";
import { type OpenOptions, openProject } from "../config/project.ts";
import { readName } from "../objects/object-name.ts";
import { envOption, OBJECTS, routeOption, secretsFileOption, urlOption } from "../options.ts";
import { commandLine, visible } from "../terminal/shell.ts";
import { queryFor } from "../urls/public-url.ts";
import { readExpiry } from "./expiry.ts";
import { findUrls } from "./find-urls.ts";

const OBJECT = "an object, such as photos/fig.jpg";

const presetOption = () =>
  new Option("-p, --preset <name>", "a preset, or a variant such as card@2x; default: all");

type UrlOptions = OpenOptions & { readonly [name in "preset" | "route"]?: string | undefined };
type SignOptions = UrlOptions & { readonly [name in "expires" | "v"]?: string | undefined };

export function urlCommand(world: World, run: Run) {
  return new Command("url")
    .description("prints the public URLs of an object: all of them, or those of a preset")
    .argument("<object>", OBJECT)
    .addOption(presetOption())
    .addOption(routeOption())
    .addOption(envOption())
    .addOption(urlOption())
    .addHelpText(
      "after",
      `
${OBJECTS}

Examples:
  npx vitrine url photos/fig.jpg
  npx vitrine url photos/fig.jpg --preset card@2x
  npx vitrine url photos/fig.jpg --preset card --url http://localhost:8787
  npx vitrine url -- -1.jpg`,
    )
    .action((name, options) => run(() => printUrls(world, name, options)));
}

export function signCommand(world: World, run: Run) {
  return new Command("sign")
    .description("prints the signed URLs of an object: one for each variant, or those of a preset")
    .argument("<object>", OBJECT)
    .addOption(presetOption())
    .option("-e, --expires <when>", "12h, 7d, 2026-12-31T12:00Z; default: 1h, or max_age if less")
    .option("--v <version>", "a text that changes with the object's content, such as its hash")
    .addOption(routeOption())
    .addOption(envOption())
    .addOption(urlOption())
    .addOption(secretsFileOption("URL_SIGNING_KEYS"))
    .addHelpText(
      "after",
      `
${OBJECTS}

Examples:
  npx vitrine sign private/friends.jpg --preset hero --expires 1d
  npx vitrine sign private/friends.jpg --preset hero@640w --secrets-file secrets.env
  npx vitrine sign private/friends.jpg --url http://localhost:8787`,
    )
    .action((name, options) => run(() => printSigned(world, name, options)));
}

/** @param options those of `vitrine sign` if the URLs are to be signed */
function find(world: World, name: string, options: SignOptions, signed: boolean) {
  const project = openProject(world, options);
  if (isFault(project)) return project;
  const { base } = project;
  if (isFault(base)) return base;
  const object = readName(project.config.buckets, name);
  if ("unclear" in object) {
    const lines = object.names.map((one) => commandLine(signed ? "sign" : "url", options, [one]));
    return { fault: [`"${name}": ${object.unclear} Use one of these:`, ...lines].join("\n  ") };
  }
  const { expires: _expires, v: _version, secretsFile: _file, ...shared } = options;
  const other = commandLine(signed ? "url" : "sign", shared, [name]);
  const found = findUrls(project, { ...options, ...object }, signed, other);
  return isFault(found) ? found : { ...found, project, base, key: object.key };
}

function printUrls(world: World, name: string, options: UrlOptions): End {
  const found = find(world, name, options, false);
  if (isFault(found)) return found;
  const rows = found.paths.map(([variant, path]) => [variant, found.base + path] as const);
  return printRows(world, rows, found.notes);
}

async function printSigned(world: World, name: string, options: SignOptions): Promise<End> {
  const found = find(world, name, options, true);
  if (isFault(found)) return found;
  const { project, base, key, route, paths, notes } = found;
  const expires = readExpiry(options.expires, route.signing?.maxAge ?? 0, world.now());
  if (isFault(expires)) return expires;
  const { v: version } = options;
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
  return printRows(world, rows, notes);
}

/** One URL alone, so that a script can use it; several with their variants. */
function printRows(
  world: World,
  rows: readonly (readonly [variant: string, url: string])[],
  notes: readonly string[],
): End {
  for (const note of notes) say(world.stderr, paint(world, world.stderr, "yellow", visible(note)));
  const [first, ...more] = rows;
  if (first !== undefined && more.length === 0) print(world.stdout, first[1]);
  else print(world.stdout, ...align(rows));
  return EXIT.done;
}
