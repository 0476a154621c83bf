// Finds what `vitrine check` says about routes that tokens open:
// - reminders of settings that are probably meant,
// - tokens that open an object of another route or of another user, also by a folder that two claims name,
// - tokens that open the pictures of two environments.

import type { Config } from "../../worker/config/config.ts";
import { exposuresOf, type ShownObjects, shownBy } from "../../worker/config/reachability.ts";
import type { BoundRoute } from "../../worker/config/routes.ts";
import { isPathName, type TokenRule } from "../../worker/config/token.ts";
import { isRefusal } from "../../worker/http/refusal.ts";
import { page } from "../command.ts";
import { count } from "../terminal/progress.ts";
import { environmentText } from "../wrangler/config-file.ts";
import { withBucketNames } from "./buckets.ts";
import type { EnvironmentConfig, R2Binding } from "./environment-config.ts";
import type { Warning } from "./mistakes.ts";
import { readDeployed } from "./project.ts";

/** Reminds of routes where visitors may see more pictures, or see them longer, than was meant. */
export function* tokenReminders({ routes }: Pick<Config, "routes">): Generator<Warning> {
  for (const route of routes) {
    yield* claimReminders(route);
    yield* maxAgeReminders(route);
  }
}

/** Finds a route without a claim for a name of its path: each visitor with a token sees all of its pictures. */
function* claimReminders({ option, path, tokenRules }: BoundRoute): Generator<Warning> {
  if (tokenRules === undefined) return;

  // A table beside one with such a claim is for those who may see more, such as the support.
  if (claimsOfNames(tokenRules).size > 0) return;

  const issuers = new Set(tokenRules.map(({ issuer }) => issuer));
  yield {
    path: `${option}.token`,
    message: `${option}.token: a token of ${[...issuers].join(" or ")} opens all of ${path}, or nothing of it, because no claim is of the path`,
    remedy: `that is right if these visitors may all see the same pictures. Else write a name of the path as a claim, such as claims = { sub = ":user" }: ${page("docs/tokens.md")}`,
  };
}

/** Finds a route whose pictures a browser may show without asking, which a token route does not by itself. */
function* maxAgeReminders({ option, path, tokenRules, policy }: BoundRoute): Generator<Warning> {
  if (tokenRules === undefined || policy.maxAge === 0) return;

  const seconds = count(policy.maxAge);
  yield {
    path: `${option}.answers.max_age`,
    message: `${option}.answers.max_age: for ${seconds} s, or until the token expires, a browser shows a picture of ${path} without asking whether its user may still see it. In the same tab, it may show it to whoever signs in there next`,
    remedy:
      "that is right where nobody shares a browser, and nobody loses a right so soon. Else leave max_age out: it is 0 for a route with a token",
  };
}

/** A token route, and what it shows. */
type TokenRoute = {
  readonly route: BoundRoute;
  readonly rules: readonly TokenRule[];
  readonly objects: ShownObjects;
};

type Routes = Pick<Config, "routes" | "variants">;

const pageOfOtherWays = () => `${page("docs/tokens.md")}, No other way to the same picture`;

/**
 * Finds objects of one token route that another token route opens to more visitors: by a claim that is the name of a
 * folder, or as a fallback or an overlay.
 * @param r2Buckets the bindings, which say what their buckets are called
 */
export function* tokenRouteWarnings(
  { routes, variants }: Routes,
  r2Buckets: readonly R2Binding[],
): Generator<Warning> {
  const tokenRoutes: TokenRoute[] = [];
  for (const configRoute of routes) {
    const rules = configRoute.tokenRules;
    if (rules === undefined) continue;

    const route = withBucketNames(configRoute, r2Buckets);
    const objects = shownBy(route, variants);
    tokenRoutes.push({ route, rules, objects });
  }

  for (const tokenRoute of tokenRoutes) {
    for (const other of tokenRoutes) {
      if (other !== tokenRoute) yield* claimedFolderWarnings(tokenRoute, other, variants);
    }

    const later = tokenRoutes.slice(tokenRoutes.indexOf(tokenRoute) + 1);
    for (const other of later) yield* sharedFolderWarnings(tokenRoute, other, variants);

    yield* sharedPictureWarnings(tokenRoute, tokenRoutes);
  }
}

/** A text that no folder has: a character of Unicode that means nothing. */
const NO_FOLDER = "\u{10fffd}";

/** Another such text. */
const OTHER_FOLDER = "\u{10fffc}";

/**
 * Finds a claim that may be the name of another route's folder. Example: the routes `media/:team/*` and
 * `media/users/:user/*`. A token whose team is `users` opens the objects of all users by the first route. A route such as
 * `media/users/*`, which is for people who may see more, has no such claim.
 */
function* claimedFolderWarnings(
  tokenRoute: TokenRoute,
  other: TokenRoute,
  variants: Config["variants"],
): Generator<Warning> {
  const { route, rules, objects } = tokenRoute;
  if (areSameRules(rules, other.rules)) return;

  const key = keyOfBoth(other.objects, objects);
  if (key === undefined) return;

  for (const [name, claim] of claimsOfNames(rules)) {
    const sharedKey = (text: string) => keyWithText(tokenRoute, other, variants, name, text);
    // If a text that no folder has is shared, too, the other route has a name or `*` there. Such a route may be for
    // people who may see more.
    if (sharedKey(NO_FOLDER) !== undefined) continue;

    // A name in a claim is a whole segment.
    const folder = key.split("/").find((segment) => sharedKey(segment) !== undefined);
    if (folder === undefined) continue;

    yield {
      path: `${route.option}.token`,
      message: `${route.option}.token: a token whose claim ${claim} is "${folder}" opens ${sharedKey(folder)}, an object of ${other.route.option} (${other.route.path}), by ${route.path}`,
      remedy: `give each route a folder of its own, such as ${name.slice(1)}/${name}/*. Else nobody must get such a claim who may not see these objects: ${pageOfOtherWays()}`,
    };
  }
}

/**
 * Finds two claims that name the same folder. Example: the routes `media/:team/*` and `media/:user/*`. A token whose team
 * is `alice` opens the objects of the user `alice`, and the user's token those of such a team.
 */
function* sharedFolderWarnings(
  first: TokenRoute,
  second: TokenRoute,
  variants: Config["variants"],
): Generator<Warning> {
  for (const [name, claim] of claimsOfNames(first.rules)) {
    for (const [otherName, otherClaim] of claimsOfNames(second.rules)) {
      if (claim === otherClaim) continue;
      if (!isSameFolder([first, name], [second, otherName], variants)) continue;

      const { option, path } = first.route;
      const { route: other } = second;
      yield {
        path: `${option}.token`,
        message: `${option}.token: a token whose claim ${claim} is "x" opens the same folder by ${path} as one whose claim ${otherClaim} is "x" by ${other.option} (${other.path})`,
        remedy: `give each route a folder of its own, such as ${name.slice(1)}/${name}/* and ${otherName.slice(1)}/${otherName}/*. Else no text may be both a ${claim} and a ${otherClaim} of somebody else: ${pageOfOtherWays()}`,
      };
    }
  }
}

/** A route, and a name in its path. */
type NamedFolder = readonly [tokenRoute: TokenRoute, name: string];

/** Returns whether two names are one segment of the same objects: they share objects only while their texts are equal. */
function isSameFolder(
  [first, name]: NamedFolder,
  [second, otherName]: NamedFolder,
  variants: Config["variants"],
): boolean {
  const objects = shownBy(first.route, variants, new Map([[name, [NO_FOLDER]]]));
  const sameText = shownBy(second.route, variants, new Map([[otherName, [NO_FOLDER]]]));
  const otherText = shownBy(second.route, variants, new Map([[otherName, [OTHER_FOLDER]]]));
  return keyOfBoth(objects, sameText) !== undefined && keyOfBoth(objects, otherText) === undefined;
}

/** Returns a key of an object that both routes show while a name in the path of the first one has this text. */
function keyWithText(
  { route }: TokenRoute,
  other: TokenRoute,
  variants: Config["variants"],
  name: string,
  text: string,
): string | undefined {
  const objects = shownBy(route, variants, new Map([[name, [text]]]));
  return keyOfBoth(other.objects, objects);
}

/** Returns a key that two routes show as their own. */
function keyOfBoth(objects: ShownObjects, otherObjects: ShownObjects): string | undefined {
  const exposures = exposuresOf(objects, otherObjects);
  return exposures.find(({ shownAs }) => shownAs === "object")?.key;
}

/** Returns the names in the path that claims have, each with the first such claim. */
function claimsOfNames(rules: readonly TokenRule[]): ReadonlyMap<string, string> {
  const claimsOfName = new Map<string, string>();
  const claims = rules.flatMap((rule) => [...rule.claims]);

  for (const [claim, texts] of claims) {
    for (const text of texts) {
      if (!isPathName(text) || claimsOfName.has(text)) continue;
      claimsOfName.set(text, claim);
    }
  }
  return claimsOfName;
}

/** Finds a fallback, or what a preset draws, that is an object which a token route shows only to some. */
function* sharedPictureWarnings(
  { route, rules, objects }: TokenRoute,
  tokenRoutes: readonly TokenRoute[],
): Generator<Warning> {
  const warned = new Set<string>();
  for (const owner of tokenRoutes) {
    if (opensAll(owner.rules, rules)) continue;

    for (const { shownAs, key } of exposuresOf(owner.objects, objects)) {
      if (shownAs === "object" || warned.has(shownAs)) continue;
      warned.add(shownAs);

      const ownerText = `${owner.route.option} (${owner.route.path})`;
      if (shownAs === "fallback") {
        yield {
          path: `${route.option}.fallback`,
          message: `${route.option}.fallback: everybody whom a token lets in to ${route.path} sees ${key}, though ${ownerText} shows it only to some`,
          remedy: `use a fallback outside of what tokens open: ${pageOfOtherWays()}`,
        };
      } else {
        yield {
          path: `${route.option}.presets`,
          message: `${route.option}.presets: a preset draws ${key}, so everybody whom a token lets in to ${route.path} sees it, though ${ownerText} shows it only to some`,
          remedy: `draw an object outside of what tokens open: ${pageOfOtherWays()}`,
        };
      }
    }
  }
}

/** Returns whether each token that obeys one of the others opens all objects of a route with these rules. */
function opensAll(rules: readonly TokenRule[], otherRules: readonly TokenRule[]): boolean {
  const wholeRules = rules.filter((rule) => claimsOfNames([rule]).size === 0);
  const texts = new Set(wholeRules.map(textOf));
  return otherRules.every((rule) => texts.has(textOf(rule)));
}

function areSameRules(rules: readonly TokenRule[], otherRules: readonly TokenRule[]): boolean {
  const texts = new Set(rules.map(textOf));
  const otherTexts = new Set(otherRules.map(textOf));
  return texts.isSubsetOf(otherTexts) && otherTexts.isSubsetOf(texts);
}

/** The same text for rules that say the same. */
function textOf(rule: TokenRule): string {
  return JSON.stringify({ ...rule, claims: [...rule.claims].sort() });
}

/** Finds tokens that open pictures of two environments: who logs in to staging then sees those of production. */
export function* sharedTokenWarnings(
  config: EnvironmentConfig,
  otherConfig: EnvironmentConfig,
): Generator<Warning> {
  const rules = rulesOf(config);
  const otherRules = rulesOf(otherConfig);
  const owner = environmentText(otherConfig.environment);

  const issuers = new Set<string>();
  for (const rule of rules) {
    const isShared = otherRules.some((otherRule) => canShareToken(rule, otherRule));
    if (isShared) issuers.add(rule.issuer);
  }

  for (const issuer of issuers) {
    yield {
      path: "ROUTES",
      message: `a token of ${issuer} may open routes here and of ${owner}: both take the same issuer and app`,
      remedy: `give each environment an audience, or an app (azp, client_id), of its own: ${page("docs/tokens.md")}`,
    };
  }
}

function rulesOf(config: EnvironmentConfig): readonly TokenRule[] {
  const deployed = readDeployed(config);
  // Its mistakes are reported elsewhere.
  if (isRefusal(deployed)) return [];

  return deployed.routes.flatMap(({ tokenRules = [] }) => tokenRules);
}

/** Returns whether one token can obey two rules. A claim of the path can have any text. */
function canShareToken(rule: TokenRule, other: TokenRule): boolean {
  if (rule.issuer !== other.issuer) return false;

  const haveAudiences = rule.audiences.length > 0 && other.audiences.length > 0;
  if (haveAudiences && isDisjoint(rule.audiences, other.audiences)) return false;

  for (const [claim, texts] of rule.claims) {
    const otherTexts = other.claims.get(claim);
    if (otherTexts === undefined || otherTexts.length === 0) continue;

    const isOfPath = [...texts, ...otherTexts].some(isPathName);
    if (!isOfPath && isDisjoint(texts, otherTexts)) return false;
  }
  return true;
}

function isDisjoint(texts: readonly string[], otherTexts: readonly string[]): boolean {
  return new Set(texts).isDisjointFrom(new Set(otherTexts));
}
