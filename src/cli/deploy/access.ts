// What a deploy changes of who may see the pictures of a route. A route that loses its token or its signature shows private
// pictures to everybody: that is the first line of the plan.

import type { ConfigHashes } from "../../worker/cache/config-hashes.ts";
import { findRoute } from "../../worker/config/compile-route.ts";
import type { Config } from "../../worker/config/config.ts";
import type { BoundRoute } from "../../worker/config/routes.ts";
import { isRefusal } from "../../worker/http/refusal.ts";

/** Who may see the pictures of a route. */
type Access =
  | { readonly kind: "open" }
  | { readonly kind: "signed" }
  /** `hash`: of its issuers, audiences, cookies and claims. */
  | { readonly kind: "token"; readonly hash: string };

/** What opens a route that is not open to everybody. */
const OPENED_BY = { signed: "a signed URL", token: "a token" } as const;

/** The beginning of each line that nobody may miss. */
const OPENING = "OPEN TO EVERYBODY";

/**
 * A line for each route whose access changes.
 * @param before undefined: the Worker does not tell its access
 */
export function accessLines(
  config: Config,
  before: ConfigHashes | undefined,
  after: ConfigHashes,
): string[] {
  if (before === undefined) return [];

  const lines: string[] = [];
  for (const path of Object.keys(before.routes)) {
    const line = accessLine(config, path, before, after);
    if (line !== undefined) lines.push(line);
  }

  const opening = lines.filter((line) => line.startsWith(OPENING));
  const otherLines = lines.filter((line) => !line.startsWith(OPENING));
  return [...opening, ...otherLines];
}

/** @param path of a route that the Worker has now */
function accessLine(
  config: Config,
  path: string,
  before: ConfigHashes,
  after: ConfigHashes,
): string | undefined {
  const oldAccess = accessOf(path, before);
  const isRemoved = !Object.hasOwn(after.routes, path);
  if (isRemoved) return removedLine(config, path, oldAccess);

  return changedLine(path, oldAccess, accessOf(path, after));
}

function accessOf(path: string, { tokens, signed }: ConfigHashes): Access {
  const hash = Object.hasOwn(tokens, path) ? tokens[path] : undefined;
  if (hash !== undefined) return { kind: "token", hash };
  if (signed.includes(path)) return { kind: "signed" };
  return { kind: "open" };
}

function changedLine(path: string, before: Access, after: Access): string | undefined {
  if (before.kind === "token" && after.kind === "token") {
    if (before.hash === after.hash) return undefined;
    return `${path}: other tokens open it than now: its issuers, audiences, cookies or claims change. Look who may see its pictures then`;
  }

  if (before.kind === "open") {
    if (after.kind === "open") return undefined;
    return `${path}: only ${OPENED_BY[after.kind]} opens it after the deploy. Browsers and shared caches keep what they have, for the max_age of until now`;
  }

  if (before.kind === after.kind) return undefined;

  const old = OPENED_BY[before.kind];
  if (after.kind === "open") {
    return `${OPENING}: ${path}. Now only ${old} opens it, and after the deploy nobody needs one`;
  }
  return `${path}: only ${OPENED_BY[after.kind]} opens it after the deploy, and ${old} does not any more`;
}

/** Another route may take the URLs of a route that is removed, for example after a name in its path was changed. */
function removedLine(config: Config, path: string, before: Access): string | undefined {
  if (before.kind === "open") return undefined;

  const old = OPENED_BY[before.kind];
  const taking = routeTaking(config, path);
  if (taking !== undefined && isOpen(taking)) {
    return `${OPENING}: the URLs of ${path}, which only ${old} opens now. After the deploy they are those of ${taking.path}, which is open`;
  }
  return `${path}, which only ${old} opens, is removed: make sure that no open route shows its objects`;
}

/** The route that takes a URL of a pattern such as `/users/:user/:preset/*`. */
function routeTaking({ routes }: Config, pattern: string): BoundRoute | undefined {
  const example = pattern.replace(/:\w+|\*/g, "x");
  const match = findRoute(routes, example);
  return isRefusal(match) ? undefined : match.route;
}

function isOpen({ signing, tokenRules }: BoundRoute): boolean {
  return signing === undefined && tokenRules === undefined;
}
