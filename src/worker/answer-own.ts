// Answers the Worker's own paths, which come before every route: the health check, the purge, and what AWS
// reads of the issuer.

import { answerIssuer } from "./answer-issuer.ts";
import { answerPurge } from "./answer-purge.ts";
import type { Refusal } from "./base/refusal.ts";
import type { GatewayContext } from "./cache/loopback.ts";
import type { Config } from "./config/config.ts";
import { answerHealth } from "./health.ts";

/** @returns undefined for another path */
export async function answerOwn(
  request: Request,
  pathname: string,
  config: Config,
  context: GatewayContext,
): Promise<Response | Refusal | undefined> {
  if (pathname === "/healthz") return answerHealth(request, config);
  if (pathname === "/purge") return answerPurge(request, config, context);
  return answerIssuer(request, pathname, config);
}
