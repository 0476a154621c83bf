// The real wrangler, in front of a stub of Cloudflare's API on loopback: which key is deployed, and into which Worker.

import { readdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from "vitest";
import { listenOn } from "../../../src/emulator/listen.ts";
import { isPlainObject, parseJson } from "../../../src/worker/base/json.ts";
import { deploy } from "../../support/cli/doctor.ts";
import { envLine, makeProject, STAGED } from "../../support/cli/folder.ts";
import { vitrine } from "../../support/cli/vitrine.ts";
import { ENV, HEALTH_TOKEN, SECRETS } from "../../support/env.ts";
import { arrange } from "../../support/play.ts";

const ACCOUNT = "0123456789abcdef0123456789abcdef";
const VERSION = "00000000-0000-0000-0000-000000000001";
const SUBDOMAIN = { enabled: false, previews_enabled: false };
/** The account's subdomain of workers.dev. */
const OF_ACCOUNT = { subdomain: "acme" };

/** A Worker as it was uploaded: its name, and its secrets by their names. */
type Uploaded = {
  readonly worker: string;
  readonly secrets: Readonly<Record<string, string>>;
};

type Stub = {
  /** The environment in which wrangler asks this stub. */
  readonly env: Readonly<Record<string, string>>;
  readonly uploaded: readonly Uploaded[];
  /** The R2 buckets that wrangler makes: `name`, or `name in eu`. Undefined: R2 is not switched on. */
  buckets: string[] | undefined;
};

/** Starts the API of an account without Workers. */
async function startCloudflare(): Promise<Stub> {
  const uploaded: Uploaded[] = [];
  const stub: Pick<Stub, "buckets"> = { buckets: [] };
  const server = createServer(async (request, response) => {
    const { method = "", url = "" } = request;
    const body = await buffer(request);
    const answer = (result: object, status = 200, error?: object) => {
      response.writeHead(status, { "content-type": "application/json" });
      const errors = error ? [error] : [];
      response.end(JSON.stringify({ success: !error, errors, messages: [], result }));
    };
    const path = url.replace(/^\/accounts\/[0-9a-f]+\/workers\//, "").replace(/\?.*/, "");
    if (path.startsWith("/accounts/") && path.endsWith("/r2/buckets")) {
      const where = request.headers["cf-r2-jurisdiction"];
      const made = parseJson(body.toString());
      const name = isPlainObject(made) ? `${made["name"]}` : "";
      if (method === "POST") stub.buckets?.push(where === undefined ? name : `${name} in ${where}`);
      const message = "Please enable R2 through the Cloudflare Dashboard.";
      return stub.buckets ? answer({ buckets: [] }) : answer({}, 403, { code: 10042, message });
    }
    const [, worker = ""] = /^(?:services|scripts)\/([\w-]+)$/.exec(path) ?? [];
    const [, inherited] = /"name":"(\w+)","type":"inherit"/.exec(body.toString("latin1")) ?? [];
    if (method === "PUT" && body.includes('"type":"r2_bucket"') && !stub.buckets) {
      return answer({}, 400, { code: 10085, message: "R2 bucket not found" });
    }
    if (method === "PUT" && worker !== "" && inherited) {
      const message = `inherit binding '${inherited}' is invalid`; // wrangler asks for strict ones
      return answer({}, 400, { code: 10057, message });
    }
    if (method === "PUT" && worker !== "") {
      uploaded.push({ worker, secrets: secretsIn(body.toString("latin1")) });
    }
    const isAbsent = method === "GET" && /^(?:services|scripts)\//.test(path);
    const result =
      path === "subdomain"
        ? OF_ACCOUNT
        : path.endsWith("/changeset")
          ? { added: [], removed: [], updated: [], conflicting: [] }
          : { id: VERSION, deployment_id: VERSION.replaceAll("-", ""), subdomain: SUBDOMAIN };
    if (isAbsent) answer(result, 404, { code: 10007, message: "This Worker does not exist" });
    else answer(result);
  });
  const { url, close } = await listenOn(server, 0);
  onTestFinished(close);
  const env = {
    CLOUDFLARE_API_BASE_URL: url,
    CLOUDFLARE_API_TOKEN: "made-up",
    CLOUDFLARE_ACCOUNT_ID: ACCOUNT,
    NO_COLOR: "1",
  };
  return Object.assign(stub, { env, uploaded });
}

/** The secrets in the first part of an upload, which is JSON. */
function secretsIn(form: string): Record<string, string> {
  const metadata = parseJson(/name="metadata"\r\n\r\n(.*?)\r\n--/s.exec(form)?.[1] ?? "");
  const bindings: unknown = isPlainObject(metadata) ? metadata["bindings"] : [];
  const found = (Array.isArray(bindings) ? bindings : []).filter(
    (binding: unknown) => isPlainObject(binding) && binding["type"] === "secret_text",
  );
  return Object.fromEntries(found.map(({ name, text }) => [name, text]));
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

let cloudflare: Stub;
let folder: string;

function project(config: object): void {
  folder = makeProject({ ...config }, "wrangler.toml", {
    ...{ "secrets.env": LINES.join(""), "index.js": "export default {};" },
  });
}

beforeEach(async () => {
  cloudflare = await startCloudflare();
  project(CONFIG);
});

afterEach(() => void vi.unstubAllEnvs());

const environment = () => ({
  ...{ HOME: folder, PATH: process.env["PATH"] ?? "", ...cloudflare.env, ...SHELL },
});

/** Runs it until wrangler says something: the doctor is not asked. */
function deployUntil(says: string, args: readonly string[], more: object = {}) {
  const abort = new AbortController();
  return vitrine(args, {
    ...{ folder, env: { ...environment(), ...more }, interrupted: abort.signal },
    heard: (said) => said.includes(says) && abort.abort(),
  });
}

test("vitrine deploy sends the file's secrets, whatever the shell and .env have (S5)", async () => {
  arrange({ firewall: true });
  deploy({ ...ENV, ...FILE });
  vi.stubEnv("TMPDIR", folder);
  writeFileSync(join(folder, ".env"), 'AWS_SECRET_ACCESS_KEY="of-the-file-.env"\n');
  const { code, out, err } = await vitrine(WITH_FILE, { folder, env: environment() });
  expect(cloudflare.uploaded).toEqual([{ worker: "vitrine", secrets: FILE }]);
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
  const args = [...WITH_FILE, "--env", "staging"];
  const { out } = await deployUntil("Uploaded", args, { CLOUDFLARE_ENV: "none" });
  expect(cloudflare.uploaded).toEqual([{ worker: "vitrine-staging", secrets: FILE }]);
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
  expect(cloudflare.buckets).toEqual(["vitrine-renditions in eu"]);
  expect(cloudflare.uploaded).toEqual([{ worker: "vitrine", secrets: FILE }]);
});

test("without R2 in the account, a deploy with a store says what to do", async () => {
  withStore({});
  cloudflare.buckets = undefined;
  const { code, err } = await vitrine(WITH_FILE, { folder, env: environment() });
  expect([code, cloudflare.uploaded]).toEqual([2, []]);
  expect(err).toContain("R2 is not switched on in this account");
});

test("a first deploy without the secrets that it requires says how to give them", async () => {
  const { code, err } = await vitrine(["deploy"], { folder, env: environment() });
  expect([code, cloudflare.uploaded]).toEqual([2, []]);
  expect(err).toContain('into a file: npx vitrine deploy --env "" --secrets-file');
});
