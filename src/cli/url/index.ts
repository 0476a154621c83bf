// vitrine url, which is also called sign: prints the public URLs of an object, or the cookie that opens a folder. It asks
// no server.

import { Command, Option } from "@commander-js/extra-typings";
import { MAX_COOKIE_AGE, prefixFault } from "../../url/cookie.ts";
import { align, type End, EXIT, isFault, print, type Run, type World } from "../command.ts";
import { openProject, ownUrlsOf, type Project } from "../config/project.ts";
import { nameOf, readPrefix } from "../objects/parse-object-name.ts";
import { envOption, OBJECTS, secretsFileOption, urlOption } from "../options.ts";
import { commandLine } from "../terminal/shell.ts";
import { isUrl, readGiven, refuseGiven } from "../urls/object-arguments.ts";
import { cookieFor, pathOf, queryFor, variantsOf } from "../urls/public-url.ts";

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
    .addHelpText(
      "after",
      `
${OBJECTS}
The URLs are those of the first route that leads to the object.

Examples:
  npx vitrine url photos/fig.jpg --preset card@2x --url http://localhost:8787
  npx vitrine sign private/friends.jpg --preset hero --expires 1d
  npx vitrine sign --cookie private/friends/ --url http://localhost:8787
  npx vitrine url --sign /private/hero/private/friends.jpg`,
    );
}

async function printUrls(world: World, name: string, options: Options): Promise<End> {
  const { sign = false, expires, preset, cookie = false, ...flags } = options;
  const project = openProject(world, flags);
  if (isFault(project)) return project;
  const { base, config } = project;
  if (isFault(base)) return base;
  const problem = nameFault(project, name, cookie);
  if (problem !== undefined) return refuseGiven(name, problem);
  // Any object in the folder has the same cookie.
  const objectName = cookie ? `${name}*` : name;
  const object = readGiven(project, ownUrlsOf(world.folder, project), objectName);
  if (isFault(object)) return object;
  const { given, bucket, key, place } = object;
  const only = preset ?? place?.variant;
  const leading = config.routes.filter(({ buckets }) => buckets.includes(bucket));
  const routes = place ? [place.route] : leading;
  const known = new Set(routes.flatMap((route) => variantsOf(project, route)));
  const variants = [...known].filter((variant) => variant === (only ?? variant));
  const showing = routes.filter((route) =>
    variants.some((variant) => pathOf(project, route, variant, key) !== undefined),
  );
  if (showing.length === 0) {
    const names = `Its routes have ${[...known].join(", ")}`;
    const subject = only === undefined ? "" : `"${only}" of `;
    const advice = "compare the routes in wrangler.toml, and their order";
    return { fault: `no route shows ${subject}"${given}": ${advice}. ${names}` };
  }
  const route = showing.find(({ signing }) =>
    cookie ? signing?.cookie : sign ? signing : !signing || signing.cookie,
  );
  if (route === undefined) {
    const paths = showing.map(({ path }) => path).join(", ");
    const { path, bucket, mapping } = config.routes.find((one) => one.signing?.cookie) ?? {};
    const named = bucket && { bucket, key: mapping?.key.parts[0] + key.slice(0, -1) };
    const hint = named ? `. If you mean ${path}, write ${nameOf(config.buckets, named)}` : "";
    if (cookie) return { fault: `${paths}: has no cookie = true (docs/signed-urls.md)${hint}` };
    const problem = sign ? "is not signed. For its URLs" : "needs signed URLs";
    const command = commandLine("url", { sign: !sign || undefined, preset, ...flags }, [given]);
    return { fault: `${paths}: ${problem}: ${command}` };
  }
  const { signing } = route;
  const maxAge = signing?.maxAge ?? 0;
  const longest = cookie ? Math.min(maxAge, MAX_COOKIE_AGE) : maxAge;
  const until = sign || cookie ? readExpiry(expires, longest, world.now()) : 0;
  if (isFault(until)) return until;
  if (cookie) {
    const [path = ""] = variants.flatMap((variant) => pathOf(project, route, variant, key) ?? []);
    const header = await cookieFor(project, route, base, path, until);
    if (isFault(header)) return header;
    print(world.stdout, header);
    return EXIT.done;
  }
  const rows: [variant: string, url: string][] = [];
  for (const variant of variants) {
    const path = pathOf(project, route, variant, key);
    if (path === undefined) continue;
    const grant = { preset: config.variants.get(variant)?.preset ?? "", key, expires: until };
    const query = sign ? await queryFor(project, route, grant) : "";
    if (isFault(query)) return query;
    rows.push([variant, base + path + query]);
  }
  // One URL alone, so that a script can use it; several with their variants.
  print(world.stdout, ...(rows.length === 1 ? rows.map(([, url]) => url) : align(rows)));
  return EXIT.done;
}

/** What is wrong with a name: that of an object is no folder, and that for a cookie is one. */
function nameFault({ config }: Project, name: string, cookie: boolean): string | undefined {
  if (!name.endsWith("/")) return cookie ? "end it with a slash for a cookie" : undefined;
  if (!cookie) return "add --cookie for a folder";
  const folder = isUrl(name) ? undefined : readPrefix(config.buckets, name);
  if (folder && isFault(folder)) return folder.fault;
  return folder && prefixFault(name);
}

const UNITS_S: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

/** Returns seconds since 1970. @param maxAge the route's `max_age`: seconds @param now ms since 1970 */
function readExpiry(text: string | undefined, maxAge: number, now: number) {
  const seconds = Math.floor(now / 1000);
  if (text === undefined) return seconds + Math.min(3600, maxAge);
  const [, number, unit = ""] = /^([1-9]\d{0,8})([smhd])$/.exec(text) ?? [];
  const age = Number(number) * (UNITS_S[unit] ?? 0);
  if (age <= maxAge) return seconds + age;
  const problem = number
    ? `the route allows ${maxAge} s at most (max_age; for a cookie a day)`
    : "is not like 30s, 15m, 12h or 7d";
  return { fault: `--expires ${text}: ${problem}` };
}
