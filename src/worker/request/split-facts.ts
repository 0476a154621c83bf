// Whether a URL asks for facts in place of the picture. Pure.

import type { BoundRoute } from "../config/routes.ts";
import type { Target } from "./target.ts";

/** What a URL asks for. */
type Split = {
  readonly facts: boolean;
  /** The URL of the picture: a signature is of this one. */
  readonly target: Target;
};

/**
 * Takes `?facts` off a URL of a route with `facts`; off a signed one, `&facts` behind the query that
 * signs. Any other query asks for the picture.
 */
export function splitFacts(
  { facts, signing }: Pick<BoundRoute, "facts" | "signing">,
  target: Target,
): Split {
  if (!facts) return { facts, target };
  const { pathname, search } = target;
  const [, picture] = (signing ? /^(\?.+)&facts$/s : /^()\?facts$/).exec(search) ?? [];
  if (picture === undefined) return { facts: false, target };
  return { facts: true, target: { pathname, search: picture } };
}
