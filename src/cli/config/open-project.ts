// Opens the project of this folder for a command: an environment as a deploy or as the local run has it, the
// secrets that this machine has, and where Vitrine is. Nothing is asked of any server.

import { readConfig } from "../../worker/config/config.ts";
import { readToken } from "../../worker/config/read-secrets.ts";
import type { Vars } from "../../worker/config/schema.ts";
import { type Fault, isFault, type World } from "../command.ts";
import {
  mergeSecrets,
  placeholderSecrets,
  readSecretsFile,
  secretsIn,
  valuesOf,
} from "../secrets/secrets.ts";
import { chooseEnvironment, placeText } from "../wrangler/environment.ts";
import { findBaseUrl, isHere } from "./base-url.ts";
import { type ConfigFault, configFault, localMistake } from "./config-fault.ts";
import { findConfigFile } from "./config-file.ts";
import { carrierText, isCarrier } from "./inheritance.ts";
import type { KnownVars } from "./known-vars.ts";
import { isOfLocalKey, readLocalKeys } from "./local-keys.ts";
import { isLocalSigningKey, LOCAL_STORE, localRun, wordsOf } from "./local-run.ts";
import { provenBase, refuserOfOthersUrls } from "./own-url.ts";
import type { Project } from "./project.ts";
import { readVars } from "./read-vars.ts";
import { r2StandIn } from "./stand-ins.ts";

export type OpenOptions = {
  /** `--env`. Without it, CLOUDFLARE_ENV says the environment. */
  readonly env?: string | undefined;
  /** `--url`. If it names this machine, the project is the local run's. */
  readonly url?: string | undefined;
  /** `--secrets-file`. Its secrets win over those of the environment and .dev.vars. */
  readonly secretsFile?: string | undefined;
};

/** A project, and where its Vitrine is. */
export type Site = Project & { readonly base: string };

/** Opens the project for a command that sends requests to Vitrine, and only to that of its environment. */
export function openSite(world: World, options: OpenOptions): Site | Fault | ConfigFault {
  const project = openProject(world, options);
  if (isFault(project)) return project;
  const or = ", or use the local run: --url http://localhost:8787";
  const base = provenBase(world.folder, project, or);
  return isFault(base) ? base : { ...project, base };
}

/**
 * A secret is taken from the named file, else from the environment, else from .dev.vars, unless it opens
 * nothing but the local run. The local run takes its secrets from .dev.vars alone.
 */
export function openProject(world: World, options: OpenOptions): Project | Fault | ConfigFault {
  const { url, secretsFile } = options;
  const given = url === undefined ? undefined : findBaseUrl(url, [], "--url");
  if (isFault(given)) return given;
  const file = findConfigFile(world.folder);
  if (isFault(file)) return file;
  const known = readVars(world.folder, chooseEnvironment(world, options.env));
  if (isFault(known)) return configFault([known.mistake]);
  if (isCarrier(known)) return { fault: carrierText(known) };
  const local = given !== undefined && isHere(given);
  const others = !given || local ? undefined : refuserOfOthersUrls(world.folder, known)(given);
  if (others !== undefined) return others;
  if (local && secretsFile !== undefined) {
    const why = `the local run takes its secrets from ${known.devVars}: leave this option out`;
    return { fault: `--secrets-file ${secretsFile}: ${why}` };
  }
  const source = local
    ? localSource(world, known, given)
    : deployedSource(world, known, secretsFile);
  if (isFault(source)) return source;
  const { vars, local: replaced, secrets } = source;
  // The buckets of the local run would hide what is wrong with those of the configuration.
  const checked = readConfig(vars);
  const config = "mistakes" in checked ? checked : readConfig({ ...vars, ...replaced });
  if ("mistakes" in config) {
    const withSource = config.mistakes.map((mistake) => {
      const from = secrets.get(mistake.path)?.from;
      const { environment } = known;
      const told = local ? localMistake(mistake, vars, known.devVars) : mistake;
      return { ...told, environment, ...(from !== undefined && { from }) };
    });
    return configFault(withSource);
  }
  return {
    ...{ config, known, local, secrets, secretsFile },
    configured: "mistakes" in checked ? [] : checked.buckets,
    base: given ?? findBaseUrl(undefined, known.patterns, "--url", placeText(known)),
    words: wordsOf(vars["BUCKETS"]),
    healthToken: readToken(valuesOf(secrets), "HEALTH_TOKEN"),
  };
}

type Source = {
  readonly vars: Vars;
  /** `BUCKETS` and the store, as the local run replaces them. */
  readonly local?: Vars;
  readonly secrets: Project["secrets"];
};

/** The configuration as the local run has it. The local S3 goes by the name of localhost. */
function localSource({ folder }: World, known: KnownVars, url: string): Source {
  const { port } = new URL(url);
  const endpoint = `http://localhost${port && `:${port}`}/cdn-cgi/local/r2/s3`;
  const { vars, buckets, own, secrets, answers } = localRun(known, endpoint, readLocalKeys(folder));
  return {
    vars,
    local: { ...(!own && { BUCKETS: buckets }), ...answers, [LOCAL_STORE]: r2StandIn(LOCAL_STORE) },
    secrets: mergeSecrets([
      secretsIn(known.started, known.devVars),
      secretsIn(secrets, "the local run"),
    ]),
  };
}

function deployedSource(
  world: World,
  known: KnownVars,
  secretsFile: string | undefined,
): Source | Fault {
  const { deployed, started, local, secrets: required, devVars } = known;
  const filed = secretsFile === undefined ? {} : readSecretsFile(world, secretsFile);
  if (isFault(filed)) return filed;
  const own = Object.entries(started).filter(
    ([name, value]) => local.has(name) && !isOfLocalKey(value) && !isLocalSigningKey(name, value),
  );
  const secrets = mergeSecrets([
    secretsIn(filed, secretsFile ?? ""),
    secretsIn(world.env, "the environment"),
    secretsIn(Object.fromEntries(own), devVars),
  ]);
  const { URL_SIGNING_KEYS } = valuesOf(secrets);
  const signing = URL_SIGNING_KEYS === undefined ? {} : { URL_SIGNING_KEYS };
  return { vars: { ...placeholderSecrets(required), ...deployed, ...signing }, secrets };
}
