// Asks the Worker what it has before a deploy. Only its /healthz is asked, and only at a host that the routes give to this
// Worker: the token that is sent there would be a secret of it.

import { readToken } from "../../worker/config/read-secrets.ts";
import { isFault, type World } from "../command.ts";
import { createUrlCheck, findBaseUrl } from "../config/site-url.ts";
import { checkPresence, fetchHealth, type Health } from "../http/ask-health.ts";
import { isNoAnswer } from "../http/body.ts";
import { tokenRule } from "../secrets/secrets.ts";
import { commandFor, environmentText } from "../wrangler/config-file.ts";
import type { Deployment } from "./check-s3.ts";

/** What the Worker has before the deploy. */
export type LiveWorker =
  | { readonly kind: "known"; readonly health: Health; readonly token: string }
  | { readonly kind: "unknown"; readonly reason: string };

/** How long the Worker may take: ms. It asks S3 meanwhile, which may be down. */
const TIMEOUT_MS = 20_000;

export async function askLiveWorker(
  { folder, env, interrupted }: World,
  { envConfig, secrets }: Deployment,
): Promise<LiveWorker> {
  const url = findBaseUrl(undefined, envConfig.patterns, "--url");
  if (isFault(url)) return { kind: "unknown", reason: "routes names no host to ask" };

  const foreign = createUrlCheck(folder, envConfig, "token")(url);
  if (foreign !== undefined) return { kind: "unknown", reason: foreign.fault };

  // The shell's token may be another environment's. The file's may be a new one: then the Worker has another one.
  const fileToken = readToken(secrets, "HEALTH_TOKEN");
  const token = fileToken ?? readToken(env, "HEALTH_TOKEN");
  if (token === undefined) {
    const mistake = `HEALTH_TOKEN of the environment ${tokenRule("HEALTH_TOKEN")}`;
    const reason = env["HEALTH_TOKEN"] ? mistake : "there is no HEALTH_TOKEN at hand";
    return { kind: "unknown", reason };
  }

  // Before the first deploy, something else may answer at that host.
  const absence = await checkPresence(url);
  if (absence !== undefined && !absence.isVitrine) {
    return { kind: "unknown", reason: `${url}/healthz: ${absence.reason}` };
  }

  const signal = AbortSignal.any([interrupted, AbortSignal.timeout(TIMEOUT_MS)]);
  const tail = commandFor(envConfig, "npx wrangler tail");
  const health = await fetchHealth(url, token, tail, signal);
  if (!isNoAnswer(health)) return { kind: "known", health, token };

  if (health.status === 401 && token === fileToken) {
    const environment = environmentText(envConfig.environment);
    const reason = `it has another HEALTH_TOKEN than this file, or none. Make sure that this is the file of ${environment}: with another one's URL_SIGNING_KEYS, every signed URL is 404`;
    return { kind: "unknown", reason };
  }

  return { kind: "unknown", reason: `${url}/healthz: ${health.reason}` };
}
