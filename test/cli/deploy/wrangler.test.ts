// The real wrangler, in front of a stub of Cloudflare's API on loopback: which key is deployed, and into which Worker.

import { readdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from "vitest";
import { listenLocally } from "../../../src/emulator/local-server.ts";
import { tableOf } from "../../../src/worker/util/json.ts";
import { deploy } from "../../support/cli/doctor.ts";
import { createProject, envLine, STAGED } from "../../support/cli/folder.ts";
import { addOpenBucket } from "../../support/cli/policed-s3.ts";
import { vitrine } from "../../support/cli/vitrine.ts";
import { ENV, HEALTH_TOKEN, SECRETS } from "../../support/env.ts";
import { arrange } from "../../support/run-worker.ts";

const ACCOUNT = "0123456789abcdef0123456789abcdef";
const VERSION = "00000000-0000-0000-0000-000000000001";

/** A Worker as it was uploaded: its name, and its secrets by their names. */
type Uploaded = {
  readonly worker: string;
  readonly secrets: Readonly<Record<string, string>>;
};

const startAccount = () => ({
  uploaded: [] as Uploaded[],
  /** The R2 buckets that wrangler makes: `name`, or `name in eu`. Undefined: R2 is not switched on. */
  buckets: [] as string[] | undefined,
  /** The environment in which wrangler asks this account. */
  env: {},
});
let account = startAccount();

const refusal = (status: number, code: number, message: string) => {
  return { status, result: {}, errors: [{ code, message }] };
};

/** What the API of an account without Workers answers. @param path below the account */
function answerTo(method: string, path: string, body: string, jurisdiction?: unknown) {
  if (path === "r2/buckets") {
    if (!account.buckets) return refusal(403, 10042, "Please enable R2 through the Dashboard.");
    const name = `${tableOf(body)["name"]}`;
    const created = jurisdiction === undefined ? name : `${name} in ${jurisdiction}`;
    if (method === "POST") account.buckets.push(created);
    return { result: { buckets: [] } };
  }
  const [, worker] = /^workers\/(?:services|scripts)\/([\w-]+)$/.exec(path) ?? [];
  if (method === "PUT" && worker) {
    const [, inherited] = /"name":"(\w+)","type":"inherit"/.exec(body) ?? [];
    const isBound = body.includes('"type":"r2_bucket"');
    if (isBound && !account.buckets) return refusal(400, 10085, "R2 bucket not found");
    // wrangler asks for strict ones
    if (inherited) return refusal(400, 10057, `inherit binding '${inherited}' is invalid`);
    account.uploaded.push({ worker, secrets: secretsIn(body) });
  }
  if (method === "GET" && /^workers\/(?:services|scripts)\//.test(path)) {
    return refusal(404, 10007, "This Worker does not exist");
  }
  if (path === "workers/subdomain") return { result: { subdomain: "acme" } };
  if (path.endsWith("/changeset")) {
    return { result: { added: [], removed: [], updated: [], conflicting: [] } };
  }
  const subdomain = { enabled: false, previews_enabled: false };
  return { result: { id: VERSION, deployment_id: VERSION.replaceAll("-", ""), subdomain } };
}

async function startCloudflare(): Promise<void> {
  account = startAccount();
  const server = createServer(async (request, response) => {
    const { method = "", url = "", headers } = request;
    const body = (await buffer(request)).toString("latin1");
    const path = url.replace(/^\/accounts\/[0-9a-f]+\/|\?.*/g, "");
    const answer = answerTo(method, path, body, headers["cf-r2-jurisdiction"]);
    const { status, result, errors } = { status: 200, errors: [], ...answer };
    response.writeHead(status, { "content-type": "application/json" });
    response.end(JSON.stringify({ success: status === 200, errors, messages: [], result }));
  });
  const { url, close } = await listenLocally(server, 0);
  onTestFinished(close);
  account.env = {
    ...{ CLOUDFLARE_API_BASE_URL: url, CLOUDFLARE_API_TOKEN: "made-up" },
    ...{ CLOUDFLARE_ACCOUNT_ID: ACCOUNT, NO_COLOR: "1" },
  };
}

/** The secrets in the first part of an upload, which is JSON. */
function secretsIn(form: string): Record<string, string> {
  const [, metadata = ""] = /name="metadata"\r\n\r\n(.*?)\r\n--/s.exec(form) ?? [];
  const bindings = [tableOf(metadata)["bindings"]].flat().map(tableOf);
  const secrets = bindings.filter(({ type }) => type === "secret_text");
  return Object.fromEntries(secrets.map(({ name, text }) => [`${name}`, `${text}`]));
}

const FILE = { ...SECRETS, HEALTH_TOKEN: `$HOME ${HEALTH_TOKEN}` };
const LINES = Object.entries(FILE).map(([name, value]) => envLine(name, value));
/** What DevOps have in their shells. */
const SHELL = {
  AWS_ACCESS_KEY_ID: "AKIAIOSFODNN7ADMINXX",
  AWS_SECRET_ACCESS_KEY: "the-secret-of-an-admin-of-everything",
  HEALTH_TOKEN: "another token that is not to be guessed",
};

const CONFIG = { ...STAGED, main: "index.js", compatibility_date: "2026-11-01" };
const { env: _env, ...TOP } = CONFIG;
const WITH_FILE = ["deploy", "--secrets-file", "secrets.env"];

let folder: string;

function project(config: object): void {
  folder = createProject({ ...config }, "wrangler.toml", {
    ...{ "secrets.env": LINES.join(""), "index.js": "export default {};" },
  });
}

beforeEach(async () => {
  await startCloudflare();
  project(CONFIG);
});

afterEach(() => void vi.unstubAllEnvs());

const environment = () => ({
  ...{ HOME: folder, PATH: process.env["PATH"] ?? "", ...account.env, ...SHELL },
});

/** Runs it until wrangler says something: the doctor is not asked. */
function deployUntil(says: string, args: readonly string[], more: object = {}) {
  const abort = new AbortController();
  return vitrine(args, {
    ...{ folder, env: { ...environment(), ...more }, interrupted: abort.signal },
    onOutput: (output) => output.includes(says) && abort.abort(),
  });
}

test("vitrine deploy sends the file's secrets, whatever the shell and .env have (S5)", async () => {
  arrange({ firewall: true });
  deploy({ ...ENV, ...FILE });
  vi.stubEnv("TMPDIR", folder);
  writeFileSync(join(folder, ".env"), 'AWS_SECRET_ACCESS_KEY="of-the-file-.env"\n');
  const { code, out, err } = await vitrine(WITH_FILE, { folder, env: environment() });
  expect(account.uploaded).toEqual([{ worker: "vitrine", secrets: FILE }]);
  expect(out).toContain("Worker vitrine (the top level) gets AWS_ACCESS_KEY_ID");
  expect(err).toContain("Uploaded vitrine");
  for (const secret of [...Object.values(FILE), ...Object.values(SHELL)]) {
    expect(out + err).not.toContain(secret);
  }
  expect([code, out]).toEqual([0, expect.stringContaining("S3 knows it (from secrets.env)")]);
  expect(readdirSync(folder).filter((name) => name.startsWith("vitrine-"))).toEqual([]);
});

test("--env deploys that environment's Worker, not CLOUDFLARE_ENV's, nor one that .env names (S5, S6)", async () => {
  for (const name of [".env", ".env.local", ".env.staging"]) {
    writeFileSync(join(folder, name), "WRANGLER_CI_OVERRIDE_NAME=vitrine\n");
  }
  addOpenBucket("acme-staging");
  const args = [...WITH_FILE, "--env", "staging"];
  const { out } = await deployUntil("Uploaded", args, { CLOUDFLARE_ENV: "none" });
  expect(account.uploaded).toEqual([{ worker: "vitrine-staging", secrets: FILE }]);
  expect(out).toContain("Worker vitrine-staging (env.staging) gets");
});

/** A Worker with a store. */
const withStore = (binding: object) => {
  const vars = { ...TOP.vars, ANSWERS: { store: "RENDITIONS" } };
  project({ ...TOP, vars, r2_buckets: [{ binding: "RENDITIONS", ...binding }] });
};

test("a deploy makes the bucket of the store, in its jurisdiction (T9)", async () => {
  withStore({ jurisdiction: "eu" });
  await deployUntil("Uploaded", WITH_FILE);
  expect(account.buckets).toEqual(["vitrine-renditions in eu"]);
  expect(account.uploaded).toEqual([{ worker: "vitrine", secrets: FILE }]);
});

test("without R2 in the account, a deploy with a store says what to do", async () => {
  withStore({});
  account.buckets = undefined;
  const { code, err } = await vitrine(WITH_FILE, { folder, env: environment() });
  expect([code, account.uploaded]).toEqual([2, []]);
  expect(err).toContain("R2 is not switched on in this account");
});
