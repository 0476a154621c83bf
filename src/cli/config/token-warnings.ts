// What `vitrine check` says of routes that tokens open: reminders of what may well be meant, and tokens that open the
// pictures of two environments.

import type { Config } from "../../worker/config/config.ts";
import type { BoundRoute } from "../../worker/config/routes.ts";
import { isPathName, type TokenRule } from "../../worker/config/token.ts";
import { isRefusal } from "../../worker/http/refusal.ts";
import { count } from "../terminal/progress.ts";
import { environmentText } from "../wrangler/config-file.ts";
import type { EnvironmentConfig } from "./environment-config.ts";
import type { Warning } from "./mistakes.ts";
import { readDeployed } from "./project.ts";

/** Says who sees what, and for how long, where that may be more than was meant. */
export function* tokenReminders({ routes }: Pick<Config, "routes">): Generator<Warning> {
  for (const [index, route] of routes.entries()) {
    yield* claimReminders(route, index);
    yield* maxAgeReminders(route, index);
  }
}

/** Finds a route of whose tables none has a claim of the path: each visitor sees all that it shows. */
function* claimReminders({ path, tokenRules }: BoundRoute, index: number): Generator<Warning> {
  if (tokenRules === undefined) return;

  // A table beside one with such a claim is for those who may see more, such as the support.
  const texts = tokenRules.flatMap(({ claims }) => [...claims.values()].flat());
  if (texts.some(isPathName)) return;

  const issuers = new Set(tokenRules.map(({ issuer }) => issuer));
  const message = `ROUTES[${index}].token: a token of ${[...issuers].join(" or ")} opens all of ${path}, or nothing of it, because no claim is of the path`;
  const remedy =
    'that is right if these visitors may all see the same pictures. Else write a name of the path as a claim, such as claims = { sub = ":user" }: docs/tokens.md';
  yield { message, remedy };
}

/** Finds a route whose pictures a browser may show without asking, which a token route does not by itself. */
function* maxAgeReminders(
  { path, tokenRules, policy }: BoundRoute,
  index: number,
): Generator<Warning> {
  if (tokenRules === undefined || policy.maxAge === 0) return;

  const message = `ROUTES[${index}].answers.max_age: for ${count(policy.maxAge)} s, or until the token expires, a browser shows a picture of ${path} without asking whether its user may still see it. In the same tab, it may show it to whoever signs in there next`;
  const remedy =
    "that is right where nobody shares a browser, and nobody loses a right so soon. Else leave max_age out: it is 0 for a route with a token";
  yield { message, remedy };
}

/** Finds tokens that open pictures of two environments: who logs in to staging then sees those of production. */
export function* sharedTokenWarnings(
  config: EnvironmentConfig,
  otherConfig: EnvironmentConfig,
): Generator<Warning> {
  const rules = rulesOf(config);
  const otherRules = rulesOf(otherConfig);
  const owner = environmentText(otherConfig.environment);

  const shared = rules.filter((rule) => otherRules.some((other) => canShareToken(rule, other)));
  for (const issuer of new Set(shared.map((rule) => rule.issuer))) {
    const message = `a token of ${issuer} may open routes here and of ${owner}: both take the same issuer and app`;
    const remedy =
      "give each environment an audience, or an app (azp, client_id), of its own: docs/tokens.md";
    yield { message, remedy };
  }
}

function rulesOf(config: EnvironmentConfig): readonly TokenRule[] {
  const deployed = readDeployed(config);
  if (isRefusal(deployed)) return []; // its mistakes are reported
  return deployed.routes.flatMap(({ tokenRules = [] }) => tokenRules);
}

/** Returns whether one token can obey two rules. A claim of the path can have any text. */
function canShareToken(rule: TokenRule, other: TokenRule): boolean {
  if (rule.issuer !== other.issuer) return false;

  const haveAudiences = rule.audiences.length > 0 && other.audiences.length > 0;
  if (haveAudiences && isDisjoint(rule.audiences, other.audiences)) return false;

  for (const [claim, texts] of rule.claims) {
    const otherTexts = other.claims.get(claim) ?? [];
    const isFixed = otherTexts.length > 0 && ![...texts, ...otherTexts].some(isPathName);
    if (isFixed && isDisjoint(texts, otherTexts)) return false;
  }
  return true;
}

function isDisjoint(texts: readonly string[], otherTexts: readonly string[]): boolean {
  return new Set(texts).isDisjointFrom(new Set(otherTexts));
}
