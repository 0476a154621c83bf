// Answers the Worker's own paths, which come before every route: the health check, the purge, and what AWS
// reads of the issuer.

import { answerIssuer } from "./answer-issuer.ts";
import { answerPurge } from "./answer-purge.ts";
import type { Refusal } from "./base/refusal.ts";
import type { GatewayContext } from "./cache/loopback.ts";
import type { Config } from "./config/config.ts";
import { answerHealth } from "./health.ts";
import { DISCOVERY, KEYS } from "./keyless/documents.ts";

/** @returns undefined for another path */
export function answerOwn(
  request: Request,
  pathname: string,
  config: Config,
  context: GatewayContext,
): Promise<Response | Refusal> | undefined {
  if (pathname === "/healthz") return answerHealth(request, config, context);
  if (pathname === "/purge") return answerPurge(request, config, context);
  const { oidc } = config;
  if (oidc && (pathname === DISCOVERY || pathname === KEYS)) {
    return answerIssuer(request, pathname, oidc);
  }
  return undefined;
}
