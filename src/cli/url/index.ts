// vitrine url, which is also called sign: prints the public URLs of an object. It asks no server.

import { Command } from "@commander-js/extra-typings";
import {
  align,
  type End,
  EXIT,
  type Fault,
  isFault,
  print,
  type Run,
  type World,
} from "../command.ts";
import { openProject } from "../config/project.ts";
import { ownUrlsOf } from "../config/site-url.ts";
import { envOption, OBJECTS, secretsFileOption, urlOption } from "../options.ts";
import { commandLine } from "../terminal/shell.ts";
import { readGiven } from "../urls/given-objects.ts";
import { findPaths, queryFor } from "../urls/public-url.ts";

type Options = ReturnType<ReturnType<typeof define>["opts"]>;

export function urlCommand(world: World, run: Run) {
  return define().action((name, options, command) => {
    const sign = options.sign === true || command.parent?.args[0] === "sign";
    return run(() => printUrls(world, name, { ...options, ...(sign && { sign }) }));
  });
}

function define() {
  return new Command("url")
    .alias("sign")
    .description("prints the public URLs of an object; as sign, or with --sign, signed ones")
    .argument("<object>", "an object, such as photos/fig.jpg, or a public URL or path of it")
    .option("-p, --preset <name>", "a variant such as card or card@2x; default: all")
    .option("--sign", "signs the URLs by URL_SIGNING_KEYS")
    .option("-e, --expires <time>", "30s, 15m, 12h or 7d; default: 1h, or max_age if less")
    .addOption(envOption())
    .addOption(urlOption())
    .addOption(secretsFileOption("URL_SIGNING_KEYS"))
    .addHelpText(
      "after",
      `
${OBJECTS}
The URLs are those of the first route that leads to the object.

Examples:
  npx vitrine url photos/fig.jpg
  npx vitrine url photos/fig.jpg --preset card@2x --url http://localhost:8787
  npx vitrine sign private/friends.jpg --preset hero --expires 1d
  npx vitrine url --sign /private/hero/private/friends.jpg
  npx vitrine url -- -1.jpg`,
    );
}

async function printUrls(world: World, name: string, options: Options): Promise<End> {
  const { sign = false, expires, ...place } = options;
  const project = openProject(world, place);
  if (isFault(project)) return project;
  const { base, config } = project;
  if (isFault(base)) return base;
  const commandFor = (one: string) => commandLine("url", options, [one]);
  const object = readGiven(project, ownUrlsOf(world.folder, project), name, commandFor);
  if (isFault(object)) return object;
  const { given } = object;
  const found = findPaths(project, object, options.preset ?? object.place?.variant);
  if (isFault(found)) return found;
  const routes = found.filter(({ route }) => route === (object.place?.route ?? route));
  const match = routes.find(({ route }) => (route.signing !== undefined) === sign);
  if (match === undefined) {
    const paths = routes.map(({ route }) => route.path).join(", ");
    const { expires: _expires, sign: _sign, ...flags } = options;
    return {
      fault: sign
        ? `${paths}: is not signed. For its URLs: ${commandLine("url", flags, [given])}`
        : `${paths}: needs signed URLs: ${commandLine("url", { sign: true, ...flags }, [given])}`,
    };
  }
  const { route, paths } = match;
  const { signing } = route;
  const until = signing ? readExpiry(expires, signing.maxAge, world.now()) : 0;
  if (isFault(until)) return until;
  const rows: [variant: string, url: string][] = [];
  for (const [variant, path] of paths) {
    const preset = config.variants.get(variant)?.preset ?? "";
    const grant = { preset, key: object.key, expires: until };
    const query = signing ? await queryFor(project, route, grant) : "";
    if (isFault(query)) return query;
    rows.push([variant, base + path + query]);
  }
  // One URL alone, so that a script can use it; several with their variants.
  print(world.stdout, ...(rows.length === 1 ? rows.map(([, url]) => url) : align(rows)));
  return EXIT.done;
}

const UNITS_S: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

/** The default, if the route allows it: seconds. */
const DEFAULT_EXPIRY_S = 3600;

/**
 * @param maxAge the route's `max_age`: seconds
 * @param now milliseconds since 1970
 * @returns seconds since 1970
 */
function readExpiry(text: string | undefined, maxAge: number, now: number): number | Fault {
  const seconds = Math.floor(now / 1000);
  if (text === undefined) return seconds + Math.min(DEFAULT_EXPIRY_S, maxAge);
  const [, number, unit = ""] = /^([1-9]\d{0,8})([smhd])$/.exec(text) ?? [];
  const age = Number(number) * (UNITS_S[unit] ?? 0);
  if (number === undefined) return { fault: `--expires ${text}: is not like 30s, 15m, 12h or 7d` };
  if (age <= maxAge) return seconds + age;
  return {
    fault: `--expires ${text}: the route's max_age is ${maxAge} s, and no URL may live longer`,
  };
}
