// vitrine token: prints a token of the local run. The token opens a route for one visitor, as the login of an app
// would. The command asks only the local S3, for a picture to try the token with. No deployed Worker takes such a token.

import { Command } from "@commander-js/extra-typings";
import type { BoundRoute } from "../../worker/config/routes.ts";
import type { TokenRule } from "../../worker/config/token.ts";
import type { CommandFault, Outcome, Run, World } from "../command.ts";
import { EXIT, isFault, log, page, print } from "../command.ts";
import { replacedIssuerOf, signLocalToken } from "../config/local-issuer.ts";
import { openProject, type Project } from "../config/project.ts";
import { envOption, NO_DURATION, parseDuration } from "../options.ts";
import { commandLine, shellQuote } from "../terminal/shell.ts";
import {
  claimsOf,
  exampleOf,
  isKnownClaim,
  type NamedClaims,
  pathTextsOf,
  refusedClaims,
} from "./claims.ts";
import { findPicture } from "./find-picture.ts";

type Options = ReturnType<ReturnType<typeof define>["opts"]>;

/** A route that a token opens, and the rule that the token has to obey: one of its tables `token`. */
type TokenRoute = { readonly route: BoundRoute; readonly rule: TokenRule };

export function tokenCommand(world: World, run: Run) {
  return define().action((options) => run(() => printToken(world, options)));
}

const DEFAULT_LIFETIME = "1h";

function define() {
  return new Command("token")
    .description("prints a token of the local run, which opens a route with token for somebody")
    .option("--sub <name>", "who it is for: the claim sub")
    .option("--claim <name=value...>", "another claim; a list by repetition")
    .option("-r, --route <path>", "the path of a route; default: the first with token")
    .option("--issuer <url>", "the issuer of one of its tables; default: the first that fits")
    .option("-e, --expires <time>", "30s, 15m, 12h or 7d", DEFAULT_LIFETIME)
    .option(
      "-u, --url <url>",
      "where the local run is; default: http://localhost, with PORT or 8787",
    )
    .addOption(envOption())
    .addHelpText("after", HELP);
}

const HELP = `
The local run has an issuer of its own in place of each issuer of the configuration. The issuer, the audience and the
fixed claims of the route are in the token already. ${page("docs/development.md")} has more.

Examples:
  npx vitrine token --sub alice
  npx vitrine token --sub alice --claim org=acme --claim org=globex --expires 10m
  curl -H "Authorization: Bearer $(npx vitrine token --sub alice)" http://localhost:8787/users/alice/card/fig.jpg`;

async function printToken(world: World, options: Options): Promise<Outcome> {
  const { expires, env } = options;

  // Read the project.
  const defaultUrl = `http://localhost:${world.env["PORT"] || 8787}`;
  const project = openProject(world, { env, url: options.url ?? defaultUrl });
  if (isFault(project)) return project;

  const { baseUrl, isLocalRun } = project;
  if (isFault(baseUrl)) return baseUrl;
  if (!isLocalRun) return { fault: `${baseUrl}: such a token opens the local run alone` };

  // Read the claims, and choose the table of a route for them.
  const seconds = parseDuration(expires);
  if (seconds === undefined) return { fault: `--expires ${expires}: ${NO_DURATION}` };

  const tokenRoutes = chooseRoutes(project, options);
  if (isFault(tokenRoutes)) return tokenRoutes;

  const named = readClaims(tokenRoutes, options);
  if (isFault(named)) return named;

  const tokenRoute = chooseRule(tokenRoutes, named);
  if (isFault(tokenRoute)) return tokenRoute;

  // Sign, and print.
  const { route, rule } = tokenRoute;
  const audiences = rule.audiences.slice(0, 1); // one is enough
  const claims = claimsOf({ ...rule, audiences }, named);
  if (isFault(claims)) return { fault: `${route.path}: ${claims.fault}` };

  const token = await signLocalToken(world.folder, claims, seconds, world.now());
  print(world.stdout, token);

  // Say how to use it.
  const refused = refusedClaims(rule, named);
  if (refused.length > 0) {
    log(world.stderr, `This token opens nothing: ${refused.join("; ")}.`);
    return EXIT.done;
  }

  await explainUse(world, { ...project, baseUrl }, tokenRoute, named, options);
  return EXIT.done;
}

/** The tables of the route that the token is for, which the local issuer signs for. */
function chooseRoutes(
  { config, envConfig }: Project,
  { route: path, issuer }: Options,
): readonly TokenRoute[] | CommandFault {
  const routes = config.routes.filter(({ tokenRules }) => tokenRules !== undefined);
  const [first] = routes;
  if (first === undefined) {
    const configuration = page("docs/configuration.md");
    return { fault: `no route has token: ${configuration} says how to write one` };
  }

  const route = path === undefined ? first : routes.find((candidate) => candidate.path === path);
  if (route === undefined) {
    const paths = routes.map((candidate) => candidate.path).join(", ");
    return { fault: `--route ${path}: is no route with token. These are: ${paths}` };
  }

  // The local issuer signs in place of each issuer of the configuration file.
  const tokenRoutes: TokenRoute[] = [];
  const issuers = new Set<string>();
  for (const rule of route.tokenRules ?? []) {
    const replaced = replacedIssuerOf(rule.issuer);
    if (replaced === undefined) continue;

    issuers.add(replaced);
    if (issuer === undefined || issuer === replaced) tokenRoutes.push({ route, rule });
  }
  if (tokenRoutes.length > 0) return tokenRoutes;

  if (issuers.size === 0) {
    const { devVars } = envConfig;
    return {
      fault: `${devVars} has ROUTES, whose issuers sign their tokens themselves: sign in there, or take ROUTES out`,
    };
  }
  return { fault: `--issuer ${issuer}: ${route.path} has ${[...issuers].join(", ")}` };
}

/** Reads the claims of `--sub` and `--claim`. */
function readClaims(
  tokenRoutes: readonly TokenRoute[],
  { sub, claim: texts = [] }: Options,
): NamedClaims | CommandFault {
  const claims = new Map<string, string[]>();
  if (sub !== undefined) claims.set("sub", [sub]);

  const knownNames = tokenRoutes.flatMap(({ rule }) => [...rule.claims.keys()]);
  for (const text of texts) {
    // The name of a claim may be a URL, which may have a `=`.
    const knownName = knownNames.find((name) => text.startsWith(`${name}=`));
    const length = knownName?.length ?? text.indexOf("=");
    if (length < 1) return { fault: `--claim ${text}: is not like org=acme` };

    const name = text.slice(0, length);
    const value = text.slice(length + 1);
    if (value === "") return { fault: `--claim ${text}: an empty claim opens nothing` };

    const earlier = claims.get(name) ?? [];
    claims.set(name, [...earlier, value]);
  }

  if (sub === "") return { fault: "--sub: an empty claim opens nothing" };
  return claims;
}

/** Chooses the first table that knows all claims. */
function chooseRule(
  tokenRoutes: readonly TokenRoute[],
  named: NamedClaims,
): TokenRoute | CommandFault {
  const fitting = tokenRoutes.find(({ rule }) => unknownClaim(rule, named) === undefined);
  if (fitting !== undefined) return fitting;

  const [first] = tokenRoutes;
  if (first === undefined) throw new Error("a route with token has a table");

  const name = unknownClaim(first.rule, named);
  if (name === undefined) throw new Error("each table knows these claims");
  return { fault: unknownClaimText(name, first) };
}

/** Returns the first claim that a table does not know. */
function unknownClaim(rule: TokenRule, named: NamedClaims): string | undefined {
  return [...named.keys()].find((name) => !isKnownClaim(rule, name));
}

function unknownClaimText(name: string, { route, rule }: TokenRoute): string {
  const { path, mapping } = route;

  const pathName = `:${name.replace(/^:/, "")}`;
  if (!mapping.path.names.includes(pathName)) {
    const names = [...rule.claims.keys()].join(", ") || "none";
    return `--claim ${name}: ${path} asks for no such claim. It asks for ${names}`;
  }

  for (const [claim, texts] of rule.claims) {
    if (!texts.includes(pathName)) continue;
    return `--claim ${name}: is a name of ${path}, whose claim is ${claim}: write ${exampleOf(claim)}`;
  }
  return `--claim ${name}: is a name of ${path} that no claim is for: a token opens all its texts. Leave it out`;
}

/** Prints how to use the token, with the URL of a picture that it opens. */
async function explainUse(
  world: World,
  project: Project & { readonly baseUrl: string },
  { route, rule }: TokenRoute,
  named: NamedClaims,
  options: Options,
): Promise<void> {
  const { stderr } = world;
  const { expires } = options;
  const pathTexts = pathTextsOf(rule, named);
  const picture = await findPicture(world, project, route, pathTexts);

  switch (picture.kind) {
    case "picture": {
      const curl = curlLine(project.baseUrl + picture.path, options);
      log(stderr, `It opens ${route.path} for ${expires}. For example:`, curl);
      return;
    }

    case "no-picture": {
      log(stderr, `It opens ${route.path} for ${expires}, but no picture is there yet.`);
      if (picture.example === undefined) return;

      const { key, path } = picture.example;
      const curl = curlLine(project.baseUrl + path, options);
      log(stderr, `Put one into objects/${key}, and then:`, curl);
      return;
    }

    case "no-answer":
      log(stderr, `No picture to try it with is known: ${picture.fault}.`);
      log(stderr, `Is the local run at ${project.baseUrl}? Start it: npx vitrine dev`);
      return;

    default:
      return picture satisfies never;
  }
}

/** A command that makes such a token, and gets a picture by it. */
function curlLine(pictureUrl: string, options: Options): string {
  const { sub, claim, route, issuer, expires, url, env } = options;
  const lifetime = expires === DEFAULT_LIFETIME ? undefined : expires;
  const command = commandLine("token", { sub, claim, route, issuer, url, env, expires: lifetime });
  return `  curl -o picture -H "Authorization: Bearer $(${command})" ${shellQuote(pictureUrl)}`;
}
