// Computes the claims of a token of the local run. A route's table `token` gives the issuer, the audience and the fixed
// claims; the developer names the others. No I/O.

import { isPathName, type TokenRule } from "../../worker/config/token.ts";
import type { CommandFault } from "../command.ts";
import type { LocalClaims } from "../config/local-issuer.ts";
import { shellQuote } from "../terminal/shell.ts";

/** Claims by their names: one text, or several for a list. */
export type NamedClaims = ReadonlyMap<string, readonly string[]>;

/** The part of a table `token` that its tokens have to obey. */
type Obeyed = Pick<TokenRule, "issuer" | "audiences" | "claims">;

/** Returns whether a table has a claim. Any token may have `sub`. */
export function isKnownClaim({ claims }: Pick<TokenRule, "claims">, name: string): boolean {
  return claims.has(name) || name === "sub";
}

/**
 * Returns the claims of a token. Those that the developer does not name have the first fixed text of the table.
 * @param named by the developer
 * @returns a fault if a claim must have a text of the path, and is not named
 */
export function claimsOf(rule: Obeyed, named: NamedClaims): LocalClaims | CommandFault {
  const claims: Record<string, string | readonly string[]> = {};

  for (const [name, texts] of rule.claims) {
    if (named.has(name)) continue;

    const fixed = texts.find((text) => !isPathName(text));
    if (fixed === undefined) {
      const pathNames = texts.join(" or ");
      return {
        fault: `the path has ${pathNames}, which is the claim ${name}: add ${exampleOf(name)}`,
      };
    }

    claims[name] = fixed;
  }

  for (const [name, texts] of named) claims[name] = oneOrList(texts);

  const { issuer, audiences } = rule;
  if (audiences.length === 0) return { iss: issuer, ...claims };
  return { iss: issuer, aud: oneOrList(audiences), ...claims };
}

function oneOrList(texts: readonly string[]): string | readonly string[] {
  const [first, ...others] = texts;
  return first !== undefined && others.length === 0 ? first : texts;
}

/** The option that names a claim. */
export function exampleOf(name: string): string {
  if (name === "sub") return "--sub alice";
  return `--claim ${shellQuote(`${name}=alice`)}`;
}

/** The texts that names of the path must have for a token: `alice` for `:user`. */
export function pathTextsOf(
  { claims }: Pick<TokenRule, "claims">,
  named: NamedClaims,
): ReadonlyMap<string, string> {
  const texts = new Map<string, string>();

  for (const [claim, expected] of claims) {
    const pathName = expected.find(isPathName);
    const text = named.get(claim)?.[0];
    if (pathName !== undefined && text !== undefined) texts.set(pathName, text);
  }
  return texts;
}

/** Returns why a token opens nothing: a fixed claim of the table has another text. */
export function refusedClaims({ claims }: Pick<TokenRule, "claims">, named: NamedClaims): string[] {
  const reasons: string[] = [];

  for (const [claim, expected] of claims) {
    const texts = named.get(claim);
    if (texts === undefined) continue;

    const isPossible = expected.some((text) => isPathName(text) || texts.includes(text));
    if (isPossible) continue;

    reasons.push(`the claim ${claim} is ${texts.join(", ")}, and must be ${expected.join(" or ")}`);
  }
  return reasons;
}
