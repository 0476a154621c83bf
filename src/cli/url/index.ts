// vitrine url, or vitrine sign: prints the public URLs of an object, or the cookie of a folder. It sends no request.

import { Command, Option } from "@commander-js/extra-typings";
import { MAX_COOKIE_AGE, prefixFault } from "../../url/cookie.ts";
import type { CommandFault, Outcome, Run, World } from "../command.ts";
import { align, EXIT, isFault, log, print } from "../command.ts";
import { openProject, type Project } from "../config/project.ts";
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
import {
  onlyByToken,
  signFolderCookie,
  signQuery,
  variantNamesOf,
  variantPathOf,
} from "../urls/public-url.ts";
import { createInputParser, isUrl, refuseInput } from "../urls/select-objects.ts";

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

async function printUrls(world: World, name: string, options: Options): Promise<Outcome> {
  const { sign = false, expires: lifetime, preset, cookie = false, ...flags } = options;
  const project = openProject(world, flags);
  if (isFault(project)) return project;
  const { baseUrl, config } = project;
  if (isFault(baseUrl)) return baseUrl;
  const problem = nameFault(project, name, cookie);
  if (problem !== undefined) return refuseInput(name, problem);
  // Any object in the folder has the same cookie.
  const object = createInputParser(world, project)(cookie ? `${name}*` : name);
  if (isFault(object)) return object;
  const { input, bucket, key, publicUrl } = object;
  const variantName = preset ?? publicUrl?.variant;
  const bucketRoutes = config.routes.filter(({ buckets }) => buckets.includes(bucket));
  const routes = publicUrl ? [publicUrl.route] : bucketRoutes;
  const shownVariants = new Set(routes.flatMap((route) => variantNamesOf(project, route)));
  const variants = [...shownVariants].filter((variant) => variant === (variantName ?? variant));
  const showingRoutes = routes.filter((route) =>
    variants.some((variant) => variantPathOf(config, route, variant, key) !== undefined),
  );
  if (showingRoutes.length === 0) {
    const names = `Its routes have ${[...shownVariants].join(", ")}`;
    const variantText = variantName === undefined ? "" : `"${variantName}" of `;
    const advice = "compare the routes in wrangler.toml, and their order";
    return { fault: `no route shows ${variantText}"${input}": ${advice}. ${names}` };
  }
  const route = showingRoutes.find(({ signing }) => {
    if (cookie) return signing?.cookie;
    if (sign) return signing;
    return !signing || signing.cookie;
  });
  if (route === undefined) {
    const routePaths = showingRoutes.map(({ path }) => path).join(", ");
    const { path, bucket, mapping } = config.routes.find((other) => other.signing?.cookie) ?? {};
    const folder = bucket && { bucket, key: mapping?.key.parts[0] + key.slice(0, -1) };
    const hint = folder
      ? `. If you mean ${path}, write ${objectNameOf(config.buckets, folder)}`
      : "";
    const noCookie = `${routePaths}: has no cookie = true (docs/signed-urls.md)${hint}`;
    if (cookie) return { fault: noCookie };
    const problem = sign ? "is not signed. For its URLs" : "needs signed URLs";
    const command = commandLine("url", { sign: !sign || undefined, preset, ...flags }, [input]);
    return { fault: `${routePaths}: ${problem}: ${command}` };
  }
  const maxAge = route.signing?.maxAge ?? 0;
  const maxLifetime = cookie ? Math.min(maxAge, MAX_COOKIE_AGE) : maxAge;
  const expires = sign || cookie ? readExpiry(lifetime, maxLifetime, world.now()) : 0;
  if (isFault(expires)) return expires;
  const paths = variants.flatMap((variant) => {
    const path = variantPathOf(config, route, variant, key);
    return path === undefined ? [] : [{ variant, path }];
  });
  if (cookie) {
    const path = paths[0]?.path ?? "";
    const header = await signFolderCookie(project, route, baseUrl, path, expires);
    if (isFault(header)) return header;
    print(world.stdout, header);
    return EXIT.done;
  }
  const rows: [variant: string, url: string][] = [];
  for (const { variant, path } of paths) {
    const grant = { preset: config.variants.get(variant)?.preset ?? "", key, expires };
    const query = sign ? await signQuery(project, route, grant) : "";
    if (isFault(query)) return query;
    rows.push([variant, baseUrl + path + query]);
  }
  if (route.tokenRules !== undefined) log(world.stderr, `Note: ${onlyByToken(route)}.`);
  // A single URL is printed without its variant, for use in scripts; several URLs with their variants.
  print(world.stdout, ...(rows.length === 1 ? rows.map(([, url]) => url) : align(rows)));
  return EXIT.done;
}

function nameFault({ config }: Project, name: string, cookie: boolean): string | undefined {
  if (!name.endsWith("/")) return cookie ? "end it with a slash for a cookie" : undefined;
  if (!cookie) return "add --cookie for a folder";
  const folder = isUrl(name) ? undefined : parsePrefix(config.buckets, name);
  if (folder && isFault(folder)) return folder.fault;
  return folder && prefixFault(name);
}

/** Returns seconds since 1970. @param maxAge in s @param now ms since 1970 */
function readExpiry(text: string | undefined, maxAge: number, now: number): number | CommandFault {
  const seconds = Math.floor(now / 1000);
  if (text === undefined) return seconds + Math.min(3600, maxAge);
  const age = parseDuration(text);
  if (age !== undefined && age <= maxAge) return seconds + age;
  const problem = age
    ? `the route allows ${maxAge} s at most (max_age; for a cookie a day)`
    : NO_DURATION;
  return { fault: `--expires ${text}: ${problem}` };
}
