// A deployed Vitrine whose key the tests rotate, at a strict S3, with a fake wrangler.
//
//     const { code, out } = await run(); // rotates to NEW_KEY
//     expect(code).toBe(EXIT.ok);
//     expect(site.deployed).toMatchObject(current(NEW_KEY));

import { appendFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { HttpResponse, http } from "msw";
import { afterAll, beforeEach, expect } from "vitest";
import { EXIT, isFault } from "../../../src/cli/command.ts";
import { rotate } from "../../../src/cli/rotate/index.ts";
import type { RotateOptions, RotateTools } from "../../../src/cli/rotate/rotation.ts";
import { secretNames } from "../../../src/worker/config/read-secrets.ts";
import { network } from "../emulators.ts";
import { CREDENTIALS, HEALTH_TOKEN, NEXT_CREDENTIALS } from "../env.ts";
import { copyProject, editFile, removeCopies } from "../local-run.ts";
import { leaksIn, overhear } from "../overheard.ts";
import { arrange, get, stage } from "../run-worker.ts";
import { readProject } from "./run-init.ts";
import { createTypist, type Typed } from "./typist.ts";
import { createWorld, type WorldOptions } from "./vitrine.ts";

export const URL = "https://images.example.com";

export type Key = { readonly id: string; readonly secret: string };
export const OLD_KEY = { id: CREDENTIALS.accessKeyId, secret: CREDENTIALS.secretAccessKey };
export const NEW_KEY = {
  id: NEXT_CREDENTIALS.accessKeyId,
  secret: NEXT_CREDENTIALS.secretAccessKey,
};

/** A key that this rotation does not know. */
export const THIRD = { id: "AKIAIOSFODNN7THIRD3", secret: "the-secret-of-a-third-key" };

/** A key that ends like the new key. */
export const ALIKE = { id: "AKIAIOSFODNN7ZZTKEY", secret: "the-secret-of-a-key-that-ends-alike" };

/** The secrets of the slot `current` with a key. */
export function current({ id, secret }: Key) {
  return { AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: secret };
}

/** The secrets of the slot `next` with a key. */
export function next({ id, secret }: Key) {
  return { AWS_ACCESS_KEY_ID_NEXT: id, AWS_SECRET_ACCESS_KEY_NEXT: secret };
}

export const addKey = ({ id, secret }: Key) => void stage.s3.keys.set(id, secret);
export const revoke = ({ id }: Key) => void stage.s3.keys.delete(id);

export type Site = {
  folder: string;
  /** The vars of the deployed version. Its secrets are in `deployed`. */
  vars: Readonly<Record<string, unknown>>;
  deployed: Record<string, unknown>;
  ran: { args: readonly string[]; input: string }[];
  /** Called while wrangler runs. Returns wrangler's exit code and output. */
  during: (times: number) => { code?: number; output?: string; elsewhere?: true };
};

/** The site of the current test. A test may change it. */
export const site: Site = { folder: "", vars: {}, deployed: {}, ran: [], during: () => ({}) };

beforeEach(beginSite);

/** Sets up the site: the old key serves, and S3 knows the new one. A test of several cases calls it for each. */
export function beginSite(): void {
  arrange();
  const folder = copyProject();
  editFile(join(folder, "wrangler.toml"), (text) => {
    const withRoutes = text.replace(/^# (?=routes)/m, "");
    const settings = 'prefix = "published/"\ncanary = "key.jpg"';
    return withRoutes.replace('bucket = "acme-media"', `$&\n${settings}`);
  });

  Object.assign(site, { folder, vars: {}, ran: [], during: () => ({}) });
  deploy();
  site.deployed = { ...current(OLD_KEY), HEALTH_TOKEN };
  keyFile(NEW_KEY);

  let version: object | undefined;
  let secrets = site.deployed;

  network.use(
    http.all(`${URL}/*`, async ({ request }) => {
      if (version === undefined || secrets !== site.deployed) {
        version = { ...site.vars, ...site.deployed };
      }

      secrets = site.deployed;
      const { url, headers } = request;
      const answer = await get(url, { headers }, version);

      return new HttpResponse(await answer.arrayBuffer(), answer);
    }),
  );

  addKey(NEW_KEY);
}
afterAll(removeCopies);

/** Writes what `aws iam create-access-key` prints into the file of --key-file. */
function keyFile({ id, secret }: Key): void {
  const AccessKey = { UserName: "vitrine", AccessKeyId: id, SecretAccessKey: secret };
  writeFileSync(join(site.folder, "key.json"), JSON.stringify({ AccessKey }));
}

/** What `npx vitrine deploy` does: the secrets stay. */
function deploy(): void {
  site.vars = { ...site.vars, ...readProject(site.folder).deployedVars };
  site.deployed = { ...site.deployed };
}

/** Changes wrangler.toml. The deployed Worker stays as it is. */
export const edit = (change: (text: string) => string) =>
  editFile(join(site.folder, "wrangler.toml"), change);

/** The site becomes env.staging; nothing is known of the top level's. */
export function moveToStaging(): void {
  const vars: string[] = [];
  for (const [name, value] of Object.entries(site.vars)) {
    const json = JSON.stringify(value);
    vars.push(`${name} = ${JSON.stringify(json)}\n`);
  }

  edit((text) => {
    const [secrets = ""] = /^required = .*/m.exec(text) ?? [];
    const topLevel = text.replace(/^routes = .*/m, 'routes = ["images-production.example.com/*"]');

    return `${topLevel}
[env.staging]
routes = ["images.example.com/*"]
[env.staging.vars]
${vars.join("")}
[env.staging.secrets]
${secrets}
`;
  });
}

/** Adds a bucket with a route, which uses the credentials of a prefix, and deploys it. */
export function addBucket(name: string, secretPrefix: string): void {
  const bucket = `[vars.BUCKETS.${name}]
endpoint = "https://s3.eu-west-1.amazonaws.com"
bucket = "acme-media"
region = "eu-west-1"
prefix = "published/"
canary = "photos/fig.jpg"
credentials = "${secretPrefix}"

`;
  const route = `[[vars.ROUTES]]
path = "/${name}/:preset/*"
object = "${name}/*"

`;

  edit((text) => {
    const withBucket = text.replace("[vars.BUCKETS.media]", `${bucket}$&`);
    const withRoute = withBucket.replace("[[vars.ROUTES]]", `${route}$&`);
    return withRoute.replace(/^\[secrets\]\nrequired = .*/m, "");
  });

  const required = new Set<string>();
  for (const prefix of ["AWS", secretPrefix]) {
    const { accessKeyId, secretAccessKey } = secretNames(prefix);
    required.add(accessKeyId).add(secretAccessKey);
  }

  const list = JSON.stringify([...required]);
  appendFileSync(join(site.folder, "wrangler.toml"), `\n[secrets]\nrequired = ${list}\n`);
  deploy();
}

/** The fake wrangler deploys the secrets that it gets. No test waits for time. */
export const TOOLS: RotateTools = {
  run: async (_world, args, input = "", hear) => {
    site.ran.push({ args, input });
    const { code = 0, output = "", elsewhere } = site.during(site.ran.length);
    hear(output);
    if (code === 0 && !elsewhere) site.deployed = { ...site.deployed, ...JSON.parse(input) };
    return code;
  },
  sleep: async () => {},
  polling: { intervalS: 1, watchS: 2, maxBlocked: 4 },
};

type Setting = WorldOptions & { readonly tools?: RotateTools };

/** Rotates the key of the deployed Vitrine, and checks that no secret was printed. */
export async function run(options: Partial<RotateOptions> = {}, setting: Setting = {}) {
  const { tools = TOOLS, ...changes } = setting;
  const defaults = { folder: site.folder, env: { HEALTH_TOKEN } };
  const { world, readScreens } = createWorld({ ...defaults, ...changes });
  const ended = await rotate(world, { keyFile: "key.json", yes: true, ...options }, tools);
  const { out, err } = readScreens();
  const fault = isFault(ended) ? `${ended.fault}\n` : "";

  overhear("logged", out + err + fault);
  const args = site.ran.flatMap((command) => command.args);
  const printed = out + err + fault + args.join(" ");
  expect(leaksIn(Buffer.from(printed))).toEqual([]);

  return { code: isFault(ended) ? EXIT.failed : ended, out, err: err + fault };
}

/** Runs a rotation that must be refused: it puts no secret. */
export async function refusedRun(...args: Parameters<typeof run>) {
  const before = slotSecrets();
  const ended = await run(...args);
  expect(ended.code).toEqual(EXIT.failed);
  expect(site.ran).toEqual([]);
  expect(slotSecrets()).toEqual(before);
  return ended;
}

/**
 * Rotates at a terminal, and types the answer to each question when it is asked.
 * @param asked is called for each answer, with the number of questions that are left
 */
export async function rotateAtTerminal(answers: Typed, onAnswer?: (unanswered: number) => void) {
  const { worldOptions, unanswered } = createTypist(answers, onAnswer);
  const ended = await run({ yes: undefined }, worldOptions);
  return { ...ended, unanswered };
}

/** Returns the secrets of the slots that are set, without deleted ones. */
export function slotSecrets(): Record<string, unknown> {
  const { HEALTH_TOKEN: _token, ...slots } = site.deployed;
  return Object.fromEntries(Object.entries(slots).filter(([, value]) => value !== null));
}

const SAMPLES = ["/images/thumbnail/key.jpg", "/images/card@2x/photos/fig.jpg"];
export const PICTURES = SAMPLES.map((path) => `${path}: 200 image`);

export async function fetchSamples(): Promise<string[]> {
  return Promise.all(
    SAMPLES.map(async (path) => {
      const answer = await fetch(URL + path, { headers: { accept: "image/webp" } });
      await answer.arrayBuffer();
      const type = answer.headers.get("content-type") ?? "";
      return `${path}: ${answer.status} ${type.replace(/\/.*/, "")}`;
    }),
  );
}
