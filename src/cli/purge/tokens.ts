// Finds the tokens that purge: that of Cloudflare's API for the edge, and that of the Worker.

import { readToken } from "../../worker/config/read-secrets.ts";
import { type Fault, isFault, type World } from "../command.ts";
import { provenBase } from "../project/own-url.ts";
import type { Project } from "../project/project.ts";
import { readSecretsFile, valuesOf } from "../project/secrets.ts";
import type { Worker } from "./by-worker.ts";

const NO_TOKEN =
  "PURGE_TOKEN is missing, and so is CLOUDFLARE_API_TOKEN. The first one is the Worker's, and purges both caches if the Worker has the two values for the edge. The second one purges the edge alone: Workers Cache then shows the old image until keep is over. Put one of them into the environment, or into the file of --secrets-file: docs/purge-and-warm.md#purge";

/** The token for Cloudflare's API, and the zone that the environment names. */
type ForEdge = { readonly token: string; readonly zone: string | undefined };

function readCloudflare(
  world: World,
  secretsFile: string | undefined,
): ForEdge | Fault | undefined {
  const filed = secretsFile === undefined ? {} : readSecretsFile(world, secretsFile);
  if (isFault(filed)) return filed;
  const read = (name: string) => {
    const value = filed[name] || world.env[name];
    return typeof value === "string" && value !== "" ? value : undefined;
  };
  const token = read("CLOUDFLARE_API_TOKEN");
  if (token === undefined) return undefined;
  if (!/^[\x21-\x7e]+$/.test(token)) {
    return { fault: "CLOUDFLARE_API_TOKEN has a character that no token has" };
  }
  return { token, zone: read("CLOUDFLARE_ZONE_ID") };
}

/** The Worker, if its token is at hand. The token goes only to a host that the configuration proves. */
export function readWorker({ folder }: World, project: Project): Worker | Fault | undefined {
  const { secrets } = project;
  if (!secrets.has("PURGE_TOKEN")) return undefined;
  const token = readToken(valuesOf(secrets), "PURGE_TOKEN");
  if (token === undefined) return { fault: "PURGE_TOKEN is not 32 or more ASCII characters" };
  const base = provenBase(folder, project);
  return isFault(base) ? base : { base, token };
}

/** What can purge: at least one of the two. */
export type Tokens = { readonly edge: ForEdge | undefined; readonly worker: Worker | undefined };

export function readTokens(
  world: World,
  project: Project,
  secretsFile: string | undefined,
): Tokens | Fault {
  const edge = readCloudflare(world, secretsFile);
  if (isFault(edge)) return edge;
  const worker = readWorker(world, project);
  if (isFault(worker)) return worker;
  return edge || worker ? { edge, worker } : { fault: NO_TOKEN };
}
