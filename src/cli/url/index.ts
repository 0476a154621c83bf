// vitrine url, or vitrine sign: prints the public URLs of an object, or the cookie of a folder. It sends no request.

import { Command, Option } from "@commander-js/extra-typings";
import { MAX_COOKIE_AGE, prefixFault } from "../../url/cookie.ts";
import type { Config } from "../../worker/config/config.ts";
import type { BoundRoute } from "../../worker/config/routes.ts";
import type { CommandFault, Outcome, Run, World } from "../command.ts";
import { align, EXIT, isFault, log, page, print } from "../command.ts";
import { openProject, type Project, type ProjectSite } from "../config/project.ts";
import { objectNameOf, parsePrefix } from "../objects/bucket-key.ts";
import {
  envOption,
  NO_DURATION,
  OBJECTS,
  parseDuration,
  secretsFileOption,
  urlOption,
} from "../options.ts";
import { commandLine } from "../terminal/shell.ts";
import { signFolderCookie, signQuery, variantNamesOf, variantPathOf } from "../urls/public-url.ts";
import {
  createInputParser,
  isUrl,
  refuseInput,
  type SelectedObject,
} from "../urls/select-objects.ts";

type Options = ReturnType<ReturnType<typeof define>["opts"]>;

/** What the command prints: URLs as they are, signed URLs, or the cookie of a folder. */
type Purpose = "plain" | "sign" | "cookie";

export function urlCommand(world: World, run: Run) {
  return define().action((name, options, command) => {
    const commandName = command.parent?.args[0];
    const purpose = purposeOf(options, commandName);
    return run(() => printUrls(world, name, purpose, options));
  });
}

/** @param commandName as it was typed: `sign` is an alias, which commander does not tell apart */
function purposeOf({ cookie, sign }: Options, commandName: string | undefined): Purpose {
  if (cookie) return "cookie";
  if (sign || commandName === "sign") return "sign";
  return "plain";
}

function define() {
  return new Command("url")
    .alias("sign")
    .description("prints the public URLs of an object; as sign, or with --sign, signed ones")
    .argument("<object>", "an object, such as photos/fig.jpg, or a public URL or path of it")
    .option("-p, --preset <name>", "a variant such as card or card@2x; default: all")
    .option("--sign", "signs the URLs by URL_SIGNING_KEYS")
    .addOption(
      new Option("--cookie", "prints the cookie of the folder <object>").conflicts("preset"),
    )
    .option("-e, --expires <time>", "30s, 15m, 12h or 7d; default: 1h, or max_age if less")
    .addOption(envOption())
    .addOption(urlOption())
    .addOption(secretsFileOption("URL_SIGNING_KEYS"))
    .addHelpText("after", HELP);
}

const HELP = `
${OBJECTS}
The URLs are those of the first route that leads to the object.

Examples:
  npx vitrine url photos/fig.jpg --preset card@2x --url http://localhost:8787
  npx vitrine sign private/friends.jpg --preset hero --expires 1d
  npx vitrine sign --cookie private/friends/ --url http://localhost:8787
  npx vitrine url --sign /private/hero/private/friends.jpg`;

async function printUrls(
  world: World,
  name: string,
  purpose: Purpose,
  options: Options,
): Promise<Outcome> {
  const { env, url, secretsFile, preset, expires: lifetime } = options;

  // Read the project and the object.
  const project = openProject(world, { env, url, secretsFile });
  if (isFault(project)) return project;
  if (isFault(project.baseUrl)) return project.baseUrl;
  const site: ProjectSite = { ...project, baseUrl: project.baseUrl };

  const problem = nameFault(site, name, purpose);
  if (problem !== undefined) return refuseInput(name, problem);

  // Any object in the folder has the same cookie.
  const objectName = purpose === "cookie" ? `${name}*` : name;
  const object = createInputParser(world, site)(objectName);
  if (isFault(object)) return object;

  // Choose the route.
  const showingRoutes = findRoutes(site, object, preset);
  if (isFault(showingRoutes)) return showingRoutes;

  const chosen = showingRoutes.find(({ route }) => isFor(route, purpose));
  if (chosen === undefined) return purposeFault(site, object, showingRoutes, purpose, options);

  // Sign, and print.
  switch (purpose) {
    case "plain": {
      const urls = plainUrls(site, chosen);
      printRows(world, chosen, urls);
      return EXIT.done;
    }

    case "sign": {
      const maxAge = maxAgeOf(chosen);
      const expires = readExpiry(lifetime, maxAge, world.now());
      if (isFault(expires)) return expires;

      const urls = await signedUrls(site, chosen, object.key, expires);
      if (isFault(urls)) return urls;

      printRows(world, chosen, urls);
      return EXIT.done;
    }

    case "cookie": {
      const maxAge = Math.min(maxAgeOf(chosen), MAX_COOKIE_AGE);
      const expires = readExpiry(lifetime, maxAge, world.now());
      if (isFault(expires)) return expires;

      const [{ path }] = chosen.paths;
      const header = await signFolderCookie(site, chosen.route, site.baseUrl, path, expires);
      if (isFault(header)) return header;

      print(world.stdout, header);
      return EXIT.done;
    }

    default:
      return purpose satisfies never;
  }
}

/** Returns what is wrong with the name of an object, or of a folder. */
function nameFault({ config }: Project, name: string, purpose: Purpose): string | undefined {
  const isFolder = name.endsWith("/");
  if (purpose !== "cookie") return isFolder ? "add --cookie for a folder" : undefined;
  if (!isFolder) return "end it with a slash for a cookie";

  // What a URL names is checked by its route.
  if (isUrl(name)) return undefined;

  const folder = parsePrefix(config.buckets, name);
  if (isFault(folder)) return folder.fault;
  return prefixFault(name);
}

type VariantPath = {
  /** `card@2x` */
  readonly variant: string;
  /** `card` */
  readonly preset: string;
  /** The path of the public URL. */
  readonly path: string;
};

/** A route that shows the object, with the paths of its variants: one at least. */
type ShowingRoute = {
  readonly route: BoundRoute;
  readonly paths: readonly [VariantPath, ...VariantPath[]];
};

/**
 * Finds the routes that show an object.
 * @param preset a variant; undefined: that of the object's URL, or all
 */
function findRoutes(
  project: Project,
  object: SelectedObject,
  preset: string | undefined,
): readonly ShowingRoute[] | CommandFault {
  const { config, envConfig } = project;
  const { input, bucket, key, publicUrl } = object;

  const bucketRoutes = config.routes.filter(({ buckets }) => buckets.includes(bucket));
  const routes = publicUrl === undefined ? bucketRoutes : [publicUrl.route];
  const variants = new Set(routes.flatMap((route) => variantNamesOf(project, route)));

  const variant = preset ?? publicUrl?.variant;
  let chosenVariants = [...variants];
  if (variant !== undefined) chosenVariants = chosenVariants.filter((name) => name === variant);

  const showingRoutes: ShowingRoute[] = [];
  for (const route of routes) {
    const [first, ...others] = pathsOf(config, route, chosenVariants, key);
    if (first !== undefined) showingRoutes.push({ route, paths: [first, ...others] });
  }
  if (showingRoutes.length > 0) return showingRoutes;

  const { file } = envConfig;
  const names = [...variants].join(", ");
  if (variant === undefined) {
    return {
      fault: `no route shows "${input}": compare the routes in ${file}, and their order. Its routes have ${names}`,
    };
  }
  return {
    fault: `no route shows "${variant}" of "${input}": compare the routes in ${file}, and their order. Its routes have ${names}`,
  };
}

/** The paths of a key on one route. */
function pathsOf(
  config: Config,
  route: BoundRoute,
  variants: readonly string[],
  key: string,
): readonly VariantPath[] {
  const paths: VariantPath[] = [];
  for (const variant of variants) {
    const preset = config.variants.get(variant)?.preset;
    const path = variantPathOf(config, route, variant, key);
    if (preset !== undefined && path !== undefined) paths.push({ variant, preset, path });
  }
  return paths;
}

/** Returns whether the command can print for a route what it is to print. */
function isFor({ signing }: BoundRoute, purpose: Purpose): boolean {
  switch (purpose) {
    case "plain":
      // With a cookie, a browser may use the plain URLs of a signed route.
      return signing === undefined || signing.cookie;
    case "sign":
      return signing !== undefined;
    case "cookie":
      return signing?.cookie === true;
    default:
      return purpose satisfies never;
  }
}

/** Says why none of the routes is for the purpose, and what to write instead. */
function purposeFault(
  { config }: Project,
  object: SelectedObject,
  showingRoutes: readonly ShowingRoute[],
  purpose: Purpose,
  options: Options,
): CommandFault {
  const { preset, env, url, secretsFile } = options;
  const { input, key } = object;
  const paths = showingRoutes.map(({ route }) => route.path).join(", ");

  switch (purpose) {
    case "plain": {
      const flags = { sign: true, preset, env, url, secretsFile } as const;
      return { fault: `${paths}: needs signed URLs: ${commandLine("url", flags, [input])}` };
    }

    case "sign": {
      const flags = { preset, env, url, secretsFile };
      const command = commandLine("url", flags, [input]);
      return { fault: `${paths}: is not signed. For its URLs: ${command}` };
    }

    case "cookie": {
      const signedUrls = page("docs/signed-urls.md");
      const cookieRoute = config.routes.find(({ signing }) => signing?.cookie);
      if (cookieRoute === undefined) {
        return { fault: `${paths}: has no cookie = true (${signedUrls})` };
      }

      // The key ends with the `*` that was put behind the folder.
      const { path, bucket, mapping } = cookieRoute;
      const folder = { bucket, key: mapping.key.parts[0] + key.slice(0, -1) };
      const name = objectNameOf(config.buckets, folder);
      return {
        fault: `${paths}: has no cookie = true (${signedUrls}). If you mean ${path}, write ${name}`,
      };
    }

    default:
      return purpose satisfies never;
  }
}

function maxAgeOf({ route }: ShowingRoute): number {
  if (route.signing === undefined) throw new Error(`${route.path} is not signed`);
  return route.signing.maxAge;
}

/** The lifetime of a URL if `--expires` does not name one: s. */
const DEFAULT_LIFETIME_S = 3_600;

/**
 * Reads `--expires`.
 * @param maxAge how far ahead it may expire: s
 * @param now ms since 1970
 * @returns s since 1970
 */
function readExpiry(text: string | undefined, maxAge: number, now: number): number | CommandFault {
  const seconds = Math.floor(now / 1000);
  if (text === undefined) return seconds + Math.min(DEFAULT_LIFETIME_S, maxAge);

  const lifetime = parseDuration(text);
  if (lifetime === undefined) return { fault: `--expires ${text}: ${NO_DURATION}` };
  if (lifetime <= maxAge) return seconds + lifetime;

  return {
    fault: `--expires ${text}: the route allows ${maxAge} s at most (max_age; for a cookie a day)`,
  };
}

type VariantUrl = { readonly variant: string; readonly url: string };

function plainUrls({ baseUrl }: ProjectSite, { paths }: ShowingRoute): readonly VariantUrl[] {
  return paths.map(({ variant, path }) => ({ variant, url: baseUrl + path }));
}

/** @param expires s since 1970 */
async function signedUrls(
  site: ProjectSite,
  { route, paths }: ShowingRoute,
  key: string,
  expires: number,
): Promise<readonly VariantUrl[] | CommandFault> {
  const urls: VariantUrl[] = [];
  for (const { variant, preset, path } of paths) {
    const query = await signQuery(site, route, { preset, key, expires });
    if (isFault(query)) return query;

    urls.push({ variant, url: site.baseUrl + path + query });
  }
  return urls;
}

/** Prints a single URL without its variant, for use in scripts, and several with their variants. */
function printRows(
  { stdout, stderr }: World,
  { route }: ShowingRoute,
  urls: readonly VariantUrl[],
): void {
  if (route.tokenRules !== undefined) {
    log(stderr, `Note: only a visitor's token opens ${route.path}.`);
  }

  const [first] = urls;
  if (first !== undefined && urls.length === 1) {
    print(stdout, first.url);
    return;
  }

  const rows = urls.map(({ variant, url }) => [variant, url]);
  print(stdout, ...align(rows));
}
