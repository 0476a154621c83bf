// Tries the token of a visitor on a URL, as the Worker does: with the issuer's own keys, over the network. Nothing of the
// token is returned.

import type { Config } from "../../worker/config/config.ts";
import type { BoundRoute } from "../../worker/config/routes.ts";
import { detailsOf, isRefusal, type Refusal } from "../../worker/http/refusal.ts";
import { NO_CONTEXT } from "../../worker/http/send.ts";
import { checkToken } from "../../worker/request/check-token.ts";
import type { AccessGrant } from "../../worker/request/url-signature.ts";

/** How long the keys of an issuer may take: ms. */
const TIMEOUT_MS = 20_000;

/**
 * @param token undefined: the request has none
 * @param now ms since 1970
 */
export async function tryToken(
  config: Config,
  route: Pick<BoundRoute, "tokenRules" | "mapping">,
  url: string,
  token: string | undefined,
  now: number,
): Promise<AccessGrant | Refusal | undefined> {
  const headers = new Headers();
  if (token !== undefined) headers.set("authorization", `Bearer ${token}`);

  const scope = { context: NO_CONTEXT, deadline: Date.now() + TIMEOUT_MS, config };
  return checkToken({ route }, { url, headers }, scope, now);
}

/** Returns why a token does not open a URL; undefined: it does. */
export async function refusalOfToken(
  config: Config,
  route: BoundRoute,
  url: string,
  token: string,
  now: number,
): Promise<string | undefined> {
  const granted = await tryToken(config, route, url, token, now);
  if (granted === undefined || !isRefusal(granted)) return undefined;

  const { reason } = detailsOf(granted);
  if (reason === undefined) return granted.event;
  return `${granted.event}: ${reason}`;
}
