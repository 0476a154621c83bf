// vitrine token: prints a token of the local run, which opens a route as the login of an app would, for somebody. It
// asks the local S3 for a picture to try it with, and nobody else. No deployed Worker takes such a token.

import { Command } from "@commander-js/extra-typings";
import type { BoundRoute } from "../../worker/config/routes.ts";
import type { TokenRule } from "../../worker/config/token.ts";
import type { CommandFault, Outcome, Run, World } from "../command.ts";
import { EXIT, isFault, log, print } from "../command.ts";
import { replacedIssuerOf, signLocalToken } from "../config/local-issuer.ts";
import { openProject, type Project } from "../config/project.ts";
import { envOption, NO_DURATION, parseDuration } from "../options.ts";
import { commandLine, shellQuote, visible } from "../terminal/shell.ts";
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

/** A route that a token opens, and the table by which it does. */
type TokenRoute = { readonly route: BoundRoute; readonly rule: TokenRule };

export function tokenCommand(world: World, run: Run) {
  return define().action((options) => run(() => printToken(world, options)));
}

function define() {
  return new Command("token")
    .description("prints a token of the local run, which opens a route with token for somebody")
    .option("--sub <name>", "who it is for: the claim sub")
    .option("--claim <name=value...>", "another claim; a list by repetition")
    .option("-r, --route <path>", "the path of a route; default: the first with token")
    .option("--issuer <url>", "the issuer of one of its tables; default: the first that fits")
    .option("-e, --expires <time>", "30s, 15m, 12h or 7d", "1h")
    .option(
      "-u, --url <url>",
      "where the local run is; default: http://localhost, with PORT or 8787",
    )
    .addOption(envOption())
    .addHelpText("after", HELP);
}

const HELP = `
The local run has an issuer of its own in place of each issuer of the configuration. The issuer, the audience and the
fixed claims of the route are in the token already. docs/development.md has more.

Examples:
  npx vitrine token --sub alice
  npx vitrine token --sub alice --claim org=acme --claim org=globex --expires 10m
  curl -H "Authorization: Bearer $(npx vitrine token --sub alice)" http://localhost:8787/users/alice/card/fig.jpg`;

async function printToken(world: World, options: Options): Promise<Outcome> {
  const { expires, env } = options;
  const defaultUrl = `http://localhost:${world.env["PORT"] || 8787}`;
  const project = openProject(world, { env, url: options.url ?? defaultUrl });
  if (isFault(project)) return project;
  const { baseUrl, isLocalRun } = project;
  if (isFault(baseUrl)) return baseUrl;
  if (!isLocalRun) return { fault: `${baseUrl}: such a token opens the local run alone` };
  const seconds = parseDuration(expires);
  if (seconds === undefined) return { fault: `--expires ${expires}: ${NO_DURATION}` };

  const tokenRoutes = chooseRoutes(project, options);
  if (isFault(tokenRoutes)) return tokenRoutes;
  const named = readClaims(tokenRoutes, options);
  if (isFault(named)) return named;
  const tokenRoute = chooseRule(tokenRoutes, named);
  if (isFault(tokenRoute)) return tokenRoute;
  const { route, rule } = tokenRoute;

  const claims = claimsOf({ ...rule, audiences: rule.audiences.slice(0, 1) }, named);
  if (isFault(claims)) return { fault: `${route.path}: ${claims.fault}` };
  print(world.stdout, await signLocalToken(world.folder, claims, seconds, world.now()));

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
    return { fault: "no route has token: docs/configuration.md says how to write one" };
  }

  const paths = routes.map((route) => route.path);
  const route = path === undefined ? first : routes.find((other) => other.path === path);
  if (route === undefined) {
    return { fault: `--route ${path}: is no route with token. These are: ${paths.join(", ")}` };
  }

  const all = (route.tokenRules ?? []).map((rule) => ({ route, rule }));
  const local = all.filter(({ rule }) => replacedIssuerOf(rule.issuer) !== undefined);
  if (local.length === 0) {
    const { devVars } = envConfig;
    const remedy = "sign in there, or take ROUTES out";
    return {
      fault: `${devVars} has ROUTES, whose issuers sign their tokens themselves: ${remedy}`,
    };
  }

  const issuers = local.map(({ rule }) => replacedIssuerOf(rule.issuer));
  const chosen = local.filter((_rule, index) => (issuer ?? issuers[index]) === issuers[index]);
  if (chosen.length > 0) return chosen;
  return { fault: `--issuer ${issuer}: ${route.path} has ${[...new Set(issuers)].join(", ")}` };
}

/** Reads the claims of `--sub` and `--claim`. */
function readClaims(
  tokenRoutes: readonly TokenRoute[],
  { sub, claim: texts = [] }: Options,
): NamedClaims | CommandFault {
  const claims = new Map<string, string[]>(sub === undefined ? [] : [["sub", [sub]]]);
  const knownNames = tokenRoutes.flatMap(({ rule }) => [...rule.claims.keys()]);

  for (const text of texts) {
    // The name of a claim may be a URL, which may have a `=`.
    const knownName = knownNames.find((name) => text.startsWith(`${name}=`));
    const length = knownName?.length ?? text.indexOf("=");
    if (length < 1) return { fault: `--claim ${text}: is not like org=acme` };

    const name = text.slice(0, length);
    const value = text.slice(length + 1);
    if (value === "") return { fault: `--claim ${text}: an empty claim opens nothing` };
    claims.set(name, [...(claims.get(name) ?? []), value]);
  }
  if (sub === "") return { fault: "--sub: an empty claim opens nothing" };
  return claims;
}

/** Chooses the first table that knows all claims. */
function chooseRule(
  tokenRoutes: readonly TokenRoute[],
  named: NamedClaims,
): TokenRoute | CommandFault {
  const unknownIn = ({ rule }: TokenRoute) =>
    [...named.keys()].find((name) => !isKnownClaim(rule, name));
  const fitting = tokenRoutes.find((tokenRoute) => unknownIn(tokenRoute) === undefined);
  if (fitting !== undefined) return fitting;

  const [first] = tokenRoutes;
  const name = first && unknownIn(first);
  if (first === undefined || name === undefined) throw new Error("each table knows these claims");
  return { fault: `--claim ${name}: ${unknownClaimText(name, first)}` };
}

function unknownClaimText(name: string, { route, rule }: TokenRoute): string {
  const { path, mapping } = route;
  const pathName = `:${name.replace(/^:/, "")}`;
  if (!mapping.path.names.includes(pathName)) {
    const names = [...rule.claims.keys()].join(", ") || "none";
    return `${path} asks for no such claim. It asks for ${names}`;
  }

  const claims = [...rule.claims].filter(([, texts]) => texts.includes(pathName));
  const [claim] = claims.map(([claimName]) => claimName);
  if (claim === undefined) {
    return `is a name of ${path} that no claim is for: a token opens all its texts. Leave it out`;
  }
  return `is a name of ${path}, whose claim is ${claim}: write ${exampleOf(claim)}`;
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
  const pathTexts = pathTextsOf(rule, named);
  const picture = await findPicture(world, project, route, pathTexts);

  const { sub, claim, route: path, issuer, expires, url, env } = options;
  const flags = { sub, claim, route: path, issuer, url, env };
  const lifetime = expires === "1h" ? undefined : expires;
  const command = commandLine("token", { ...flags, expires: lifetime });
  const curl = (publicPath: string) =>
    `  curl -o picture -H "Authorization: Bearer $(${command})" ${shellQuote(project.baseUrl + publicPath)}`;

  switch (picture.kind) {
    case "picture":
      log(stderr, `It opens ${route.path} for ${expires}. For example:`);
      print(stderr, visible(curl(picture.path)));
      return;

    case "no-picture":
      log(stderr, `It opens ${route.path} for ${expires}, but no picture is there yet.`);
      if (picture.example === undefined) return;
      log(stderr, `Put one into objects/${picture.example.key}, and then:`);
      print(stderr, visible(curl(picture.example.path)));
      return;

    case "no-answer":
      log(stderr, `No picture to try it with is known: ${picture.fault}.`);
      log(stderr, `Is the local run at ${project.baseUrl}? Start it: npx vitrine dev`);
      return;
  }
}
