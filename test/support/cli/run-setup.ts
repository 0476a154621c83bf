// `vitrine deploy --setup` in front of an account of Cloudflare on loopback, with a fake wrangler and a fake doctor.

import { isMistake } from "../../../src/cli/command.ts";
import { checkEnvironment } from "../../../src/cli/config/check-environments.ts";
import { readEnvironment } from "../../../src/cli/config/environment-config.ts";
import type { Deployment } from "../../../src/cli/deploy/check-s3.ts";
import type { DeployOptions } from "../../../src/cli/deploy/index.ts";
import { printSetup, setUpZones } from "../../../src/cli/deploy/setup.ts";
import { observeZones } from "../../../src/cli/zone/observe-zones.ts";
import {
  type Call,
  type CloudflareAccount,
  SETUP_TOKEN,
  startCloudflareAccount,
  type Token,
  WRANGLER_TOKEN,
  zoneCallsOf,
} from "../cloudflare/account.ts";
import { passToLoopback } from "../cloudflare/loopback.ts";
import { createZone, type Zone } from "../cloudflare/zone.ts";
import { HEALTH_TOKEN, SECRETS } from "../env.ts";
import { STAGED } from "./folder.ts";
import { folder, project, QUIET, ran, run, write } from "./run-deploy.ts";
import { type CommandResult, createWorld, type WorldOptions } from "./vitrine.ts";

export const ORIGIN = "acme-media.s3.eu-west-1.amazonaws.com";
/** What Sources needs. */
export const ENTRY = `${ORIGIN}/published/`;
export const STAGING_ENTRY = "acme-staging.s3.eu-west-1.amazonaws.com/published/";

const DOOR = "cdn-cgi/image/width=16";
/** What nobody may have transformed: on the images host, and on another host of the zone. */
export const DOORS = ["images", "www"].map(
  (name) => `https://${name}.example.com/${DOOR}/https://${ENTRY}a.jpg`,
);

const { staging } = STAGED.env;
const hostRoute = (host: string) => [{ pattern: host, custom_domain: true }];

/** A Worker at images.example.com, and one of env.staging beside it. */
export const ONE_ZONE = {
  ...STAGED,
  vars: QUIET,
  routes: hostRoute("images.example.com"),
  env: {
    staging: {
      ...staging,
      routes: hostRoute("images-staging.example.com"),
      vars: { ...QUIET, BUCKETS: staging.vars.BUCKETS },
    },
  },
};

type More = { readonly config?: object; readonly zones?: readonly Zone[] };

/** @returns the account, with the zone example.com, and perhaps more */
export async function beginSetup(
  settings: Partial<Zone> = {},
  tokens: readonly Token[] = [WRANGLER_TOKEN, SETUP_TOKEN],
  { config = ONE_ZONE, zones = [] }: More = {},
): Promise<{ account: CloudflareAccount; zone: Zone }> {
  project({ ...config });
  write({ ...SECRETS, HEALTH_TOKEN });
  passToLoopback();
  const zone = createZone("example.com", settings);
  const account = await startCloudflareAccount({ zones: [zone, ...zones], tokens, doors: DOORS });
  return { account, zone };
}

const UNATTENDED: DeployOptions = { secretsFile: "secrets.env", setup: true, yes: true };

/** Runs it with both tokens. `calls`: those of this run, as text. */
export async function setUp(
  account: CloudflareAccount,
  options: DeployOptions = {},
  { env, ...worldOptions }: WorldOptions = {},
): Promise<CommandResult & { readonly calls: readonly string[]; readonly isDeployed: boolean }> {
  const [callsBefore, ranBefore] = [account.calls.length, ran.length];
  const tokenEnv = { ...account.env, CLOUDFLARE_SETUP_TOKEN: SETUP_TOKEN.value };
  const result = await run(
    { ...UNATTENDED, ...options },
    { env: { ...tokenEnv, ...env }, ...worldOptions },
  );
  const calls = zoneCallsOf({ calls: account.calls.slice(callsBefore) });
  const isDeployed = ran.slice(ranBefore).some(({ args }) => args.startsWith("deploy "));

  return { ...result, calls: calls.map((call) => describeCall(account, call)), isDeployed };
}

/** The configuration of a deploy, read once: it is the same for all runs of `setUpAlone`. */
let deployment: Deployment | undefined;

/** Runs what --setup does, without the rest of the deploy: many runs of a test would take long otherwise. */
export async function setUpAlone(account: CloudflareAccount) {
  deployment ??= readDeployment();
  const env = { ...account.env, CLOUDFLARE_SETUP_TOKEN: SETUP_TOKEN.value };
  const { world, readScreens } = createWorld({ folder, env });
  const wait = async () => {};

  const zones = await observeZones(world, deployment.envConfig, deployment.config, wait);
  printSetup(world, deployment, zones);
  const result = await setUpZones(world, deployment, zones, { setup: true, yes: true }, wait);
  const { out, err } = readScreens();

  return { result, output: out + err };
}

function readDeployment(): Deployment {
  const envConfig = readEnvironment(folder, undefined);
  if (isMistake(envConfig)) throw new Error(envConfig.message);
  const { config } = checkEnvironment(folder, envConfig);
  if (config === undefined) throw new Error("the configuration of the test is wrong");
  return { envConfig, config, secrets: {}, secretsFile: undefined };
}

/** `PATCH settings/image_resizing {"value":"on"}`, with the names of zones in place of their ids. */
function describeCall({ zones }: CloudflareAccount, { method, path, query, body }: Call): string {
  let text = `${method} ${path.replace("/http_request_firewall_custom", "")}${query}`;
  for (const { id, name } of zones) text = text.replace(`/zones/${id}/`, `${name} `);
  text = text.replaceAll(/(?<=\/)[\da-f]{32}/g, "…");
  return method === "GET" ? text : `${text} ${JSON.stringify(body)}`;
}
