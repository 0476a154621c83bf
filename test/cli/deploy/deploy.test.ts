// What `vitrine deploy` gives to wrangler, what it says, and what keeps it from deploying. probe-keys.test.ts has what
// S3 says of a key, wrangler.test.ts the real wrangler.

import { generateKeyPairSync } from "node:crypto";
import { readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { HttpResponse, http } from "msw";
import { expect, test } from "vitest";
import { EXIT } from "../../../src/cli/command.ts";
import type { Options, Tools } from "../../../src/cli/deploy/index.ts";
import { BOUND, HOST, STAGED, STAGING } from "../../support/cli/folder.ts";
import {
  CONFIG,
  ended,
  examined,
  folder,
  KEY,
  lines,
  pauses,
  project,
  QUIET,
  ran,
  run,
  write,
} from "../../support/cli/run-deploy.ts";
import { HEALTH_TOKEN, LOCAL_KEYS, NEXT, PURGE_TOKEN, SECRETS, VARS } from "../../support/env.ts";
import { network } from "../../support/network.ts";

const { AWS_ACCESS_KEY_ID: ID, AWS_SECRET_ACCESS_KEY: SECRET } = KEY;
const { env: _env, ...TOP } = STAGED;

test("wrangler gets the secrets as JSON in a file that only it can read, and that is gone then (S5)", async () => {
  const { code, out } = await run();
  expect(code).toBe(0);
  const secrets = { ...SECRETS, HEALTH_TOKEN };
  expect(ran).toMatchObject([
    { args: [...CONFIG, "--secrets-file"], file: { secrets, mode: 0o600 } },
  ]);
  expect(() => statSync(ran[0]?.file?.path ?? "")).toThrow("ENOENT");
  expect(out).toBe(
    "Worker vitrine (the top level), at images.example: the key …MPLE (AWS, slot current), HEALTH_TOKEN, URL_SIGNING_KEYS of secrets.env; all other secrets stay as they are deployed\n",
  );
});

test("without a file, wrangler gets no secret, and all stay as they are", async () => {
  const { code, out } = await run({});
  expect([code, ran]).toEqual([0, [{ args: CONFIG }]]);
  expect(out).toContain(": all secrets stay as they are deployed\n");
});

test("a file of some secrets deploys these alone", async () => {
  write({ ...NEXT });
  const { out } = await run();
  expect(ran).toMatchObject([{ file: { secrets: NEXT } }]);
  expect(out).toContain("the key …TKEY (AWS, slot next) of secrets.env");
});

const little = (text: string) => Buffer.from(`\uFEFF${text}`, "utf16le");

test.each<[what: string, text: string | Buffer, name?: string]>([
  ["JSON", JSON.stringify(KEY), "secrets.json"],
  ["lines after a mark", `\uFEFF${lines(KEY)}`],
  ["JSON after a mark", `\uFEFF${JSON.stringify(KEY)}`],
  ["lines as PowerShell writes them", little(lines(KEY).replaceAll("\n", "\r\n"))],
  ["lines with export", lines(KEY).replace(/^/gm, "export ").slice(0, -7)],
  ["comments behind the values", lines(KEY).replaceAll("\n", " # 'ours'\n")],
])("every secret of the file is deployed: %s (S5)", async (_what, text, name = "secrets.env") => {
  writeFileSync(join(folder, name), text);
  const { code, err } = await run({ secretsFile: name });
  expect([code, err]).toEqual([0, ""]);
  expect(ran).toMatchObject([{ file: { secrets: KEY } }]);
});

test("what the Worker does not use, and what is empty, is not deployed, and is named", async () => {
  const other = { OTHER_ACCESS_KEY_ID: ID, ZONE_ID: "x.example", BUCKETS: "{}", HEALTH_TOKEN: "" };
  write({ ...KEY, PURGE_TOKEN, ...other });
  const { code, err } = await run();
  expect(code).toBe(0);
  expect(ran[0]?.file?.secrets).toEqual({ ...KEY, PURGE_TOKEN });
  for (const name of Object.keys(other))
    expect(err).toMatch(new RegExp(`^Warning: .*\\b${name}\\b`));
  expect(err).not.toContain("x.example");
});

const SHELL = { AWS_ACCESS_KEY_ID: "AKIAIOSFODNN7ADMIN12", AWS_SECRET_ACCESS_KEY: "of-an-admin" };

test("the doctor is asked about what is deployed, without the shell's keys of S3 (S5)", async () => {
  write(KEY);
  await run(undefined, { env: { ...SHELL, HEALTH_TOKEN, PATH: "kept" } });
  const asked = { url: HOST, secretsFile: "secrets.env" };
  expect(examined).toEqual([[asked, ["HEALTH_TOKEN", "PATH"]]]);
});

test("the doctor has no other token than the one that is deployed (S5)", async () => {
  await run(undefined, { env: { HEALTH_TOKEN: "another token of the shell" } });
  expect(examined).toEqual([[expect.anything(), []]]);
});

test.each([
  ["--env staging", { env: "staging" }, {}],
  ["CLOUDFLARE_ENV=staging", {}, { CLOUDFLARE_ENV: "staging" }],
])(
  "%s: the Worker, the domain and the doctor are that environment's (S6)",
  async (_what, given, env) => {
    const { out } = await run({ secretsFile: "secrets.env", ...given }, { env });
    expect(out).toContain(
      `Worker vitrine-staging (environment staging), at ${new URL(STAGING).host}:`,
    );
    expect(ran[0]?.args.join(" ")).toContain("--env staging --secrets-file");
    const asked = { url: STAGING, secretsFile: "secrets.env", ...given };
    expect(examined).toEqual([[asked, Object.keys(env)]]);
  },
);

test("--dry-run only has wrangler build the Worker", async () => {
  const { code } = await run({ secretsFile: "secrets.env", dryRun: true });
  expect([code, ran, examined]).toEqual([0, [{ args: [...CONFIG, "--dry-run"] }], []]);
});

test("an R2 bucket needs no secret at all", async () => {
  const { secrets: _secrets, ...top } = TOP;
  const BUCKETS = { media: { binding: "MEDIA_BUCKET" } };
  const vars = { BUCKETS, ROUTES: [VARS.ROUTES[0]], PRESETS: { card: { width: 9 } } };
  project({ ...top, ...BOUND, vars });
  expect(await run({})).toMatchObject({ code: 0, err: "" });
  expect(ran).toEqual([{ args: CONFIG }]);
});

// What deploys nothing

const ROLE = "arn:aws:iam::123456789012:role/vitrine";
const pem = (curve: string) =>
  generateKeyPairSync("ec", { namedCurve: curve })
    .privateKey.export({ type: "pkcs8", format: "pem" })
    .toString();
const { media } = VARS.BUCKETS;

/** A folder whose bucket has another engine, or another way in. */
function bind(
  settings: object,
  required: readonly string[] = Object.keys(SECRETS),
  more: object = {},
) {
  const vars = { ...QUIET, BUCKETS: { media: { ...media, ...settings } }, ...more };
  project({ ...TOP, images: { binding: "IMAGES" }, vars, secrets: { required } });
}
const bindRole = () =>
  bind({ engine: "binding", role: ROLE }, ["OIDC_SIGNING_KEY", "URL_SIGNING_KEYS"], {
    OIDC: { issuer: HOST },
  });
const TOKEN = "a-session-token-of-an-hour";
const SESSION_ID = "ASIAIOSFODNN7EXAMPLE";
const SESSION = { ...KEY, AWS_ACCESS_KEY_ID: SESSION_ID, AWS_SESSION_TOKEN: TOKEN };

const key = (id: string, secret = "") => ({ AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: secret });
const bound = () => bind({ engine: "binding" });
const CUT = pem("P-256").replace(/.{8}\n(?=-----END)/, "\n");

// remedies.test.ts has more of them.
test.each<[what: string, secrets: Record<string, string>, says: string, prepare?: () => void]>([
  ["no value", key("", ""), "write each value as"],
  [
    "half of the next slot",
    { ...KEY, AWS_SECRET_ACCESS_KEY_NEXT: SECRET },
    "KEY_ID_NEXT: is missing",
  ],
  ["an empty half", key(ID), "AWS_SECRET_ACCESS_KEY: is missing"],
  ["a session key", key(SESSION_ID, SECRET), "AWS_ACCESS_KEY_ID: is a temporary"],
  ["a session for the image edge", SESSION, "AWS_ACCESS_KEY_ID: is a temporary"],
  ["a token alone", { AWS_SESSION_TOKEN_NEXT: TOKEN }, "KEY_ID_NEXT: is missing", bound],
  ["the local secret", key(ID, LOCAL_KEYS.secretAccessKey), "is the one of the local run"],
  ["a space in a secret", key(ID, "a secret"), "AWS_SECRET_ACCESS_KEY: has an invalid"],
  ["a short token", { ...KEY, HEALTH_TOKEN: "short" }, "HEALTH_TOKEN: is not 16 or more"],
  ["a short token for /purge", { PURGE_TOKEN: "x".repeat(31) }, "PURGE_TOKEN: is not 32 or more"],
  ["a short signing key", { URL_SIGNING_KEYS: '{"a":"short"}' }, "URL_SIGNING_KEYS: "],
  ["another curve", { OIDC_SIGNING_KEY: pem("P-384") }, "OIDC_SIGNING_KEY: is no EC key", bindRole],
  ["a cut key", { OIDC_SIGNING_KEY: CUT }, "OIDC_SIGNING_KEY: is damaged", bindRole],
  ["a file's name", { OIDC_SIGNING_KEY: "issuer.pem" }, "_KEY: is not PRIVATE KEY", bindRole],
])("a file with %s deploys nothing (A11, S5)", async (_what, secrets, says, prepare = () => {}) => {
  prepare();
  writeFileSync(join(folder, "secrets.json"), JSON.stringify(secrets));
  const { code, out, err } = await run({ secretsFile: "secrets.json" });
  expect([code, out, ran, examined]).toEqual([2, "", [], []]);
  expect(err).toMatch(/^secrets.json has .*\. Nothing is deployed:\n/);
  expect(err.split(says)).toHaveLength(2); // each mistake once
  const long = Object.values(secrets).filter(({ length }) => length > 10);
  for (const secret of long) expect(err).not.toContain(secret);
});

test("a role needs the key of the issuer, and no key of S3", async () => {
  bindRole();
  const OIDC_SIGNING_KEY = pem("P-256");
  writeFileSync(join(folder, "secrets.json"), JSON.stringify({ OIDC_SIGNING_KEY, ...KEY }));
  const { code, out, err } = await run({ secretsFile: "secrets.json" });
  expect([code, ran[0]?.file?.secrets]).toEqual([0, { OIDC_SIGNING_KEY }]);
  expect(err).toContain("AWS_ACCESS_KEY_ID");
  expect(out + err).not.toContain("BEGIN");
});

test.each([
  ["text after its quotes", "'secret'of-a-key"],
  ["a space after its quotes", '"secret" of a key'],
  ["no quote at its end", '"secret-of-a-key'],
  ["a # in it", "a#b"],
])("a secret with %s deploys nothing: it would be cut, or changed (S5)", async (_what, value) => {
  const text = `AWS_ACCESS_KEY_ID=${ID}\nAWS_SECRET_ACCESS_KEY = ${value}\n`;
  writeFileSync(join(folder, "secrets.env"), text);
  const { code, out, err } = await run();
  expect([code, out, ran]).toEqual([2, "", []]);
  expect(err).toMatch(/^--secrets-file secrets\.env: AWS_SECRET_ACCESS_KEY has /);
});

test.each<[what: string, options: Options, says: string]>([
  ["a file that is not there", { secretsFile: "no.env" }, "no.env: there is no such file"],
  ["an environment that is not there", { env: "prod" }, 'has no environment "prod"'],
])("%s deploys nothing", async (_what, options, says) => {
  const { code, out, err } = await run(options);
  expect([code, out, ran, err]).toEqual([2, "", [], expect.stringContaining(says)]);
});

const WRONG = { ...TOP, routes: [], vars: { ...VARS, PRESETS: { card: { width: 0 } } } };
const STORED = [{ binding: "HEALTH_TOKEN", store_id: "1", secret_name: "token" }];
const { routes: _routes, ...UNROUTED } = STAGED.env.staging;
const { vars: _vars, routes: _mine, secrets: _listed, ...CARRIER } = STAGED;

test.each<[what: string, config: object, says: RegExp]>([
  ["a wrong preset and no domain", WRONG, /\n {2}PRESETS\.card\.width: .*\n {2}routes: is missing/],
  ["a Secrets Store", { ...TOP, secrets_store_secrets: STORED }, /HEALTH_TOKEN: is not text: /],
  ["an empty environment (S6)", { ...STAGED, env: { staging: {} } }, /env\.staging: BUCKETS: is /],
  ["another Worker", { name: "shop", routes: ["shop.example/*"] }, /\n {2}BUCKETS: is not a /],
  ["a top level that only holds what is inherited (S6)", CARRIER, /use --env staging/],
  [
    "an environment that takes another one's domain (S6)",
    { ...STAGED, env: { staging: UNROUTED } },
    /images\.example is a route of the top level, too/,
  ],
])("a configuration with %s deploys nothing", async (what, config, says) => {
  project({ ...config });
  const { code, out, err } = await run(what.includes("environment") ? { env: "staging" } : {});
  expect([code, out, ran, err]).toEqual([2, "", [], expect.stringMatching(says)]);
});

// What wrangler says

test.each([
  ["required secrets have not been set: A", "Put .*: npx vitrine deploy --env staging --secrets"],
  ["whatever", "See its output above"],
])(
  "if wrangler fails with %j, a hint for that environment says what to do, and the doctor is not asked (S6)",
  async (says, hint) => {
    const stack = "    at throwFetchError (/shop/wrangler-dist/cli.js:63338:19)";
    Object.assign(ended, { wrangler: 1, says: `${says} ${SECRET}\n${stack}\n` });
    const { code, err } = await run({ secretsFile: "secrets.env", env: "staging" });
    expect([code, examined]).toEqual([2, []]);
    expect(err).toContain(`  ${says} …\n`);
    expect(err).toMatch(new RegExp(`wrangler deploy ended with 1\\. ${hint}`));
    expect(err).not.toMatch(/It is deployed|throwFetchError/);
  },
);

const DEV = "https://vitrine.acme.workers.dev";
const told = (...targets: unknown[]) => JSON.stringify({ type: "deploy", targets });

test.each<[what: string, file: string, url: string | undefined]>([
  [
    "the Worker's address",
    `{"type":"wrangler-session"}\n${told("a.example (custom domain)", DEV)}\n`,
    DEV,
  ],
  ["the last deploy", `${told("https://vitrine.old.workers.dev")}\n${told(DEV)}`, DEV],
  ["another Worker's address", told("https://other.acme.workers.dev"), undefined],
  [
    "a host that only begins like it, and a path",
    told(`${DEV}.evil.example`, `${DEV}/x`),
    undefined,
  ],
  ["nothing", "", undefined],
])("wrangler's file has %s: the doctor looks there, or says why not", async (_what, file, url) => {
  const { routes: _none, ...top } = TOP;
  project({ ...top, workers_dev: true });
  network.use(http.get(`${DEV}/healthz`, () => new HttpResponse("ok\n")));
  ended.file = file;
  const { code, err } = await run({});
  expect(examined.map(([asked]) => asked)).toEqual(url === undefined ? [] : [{ url }]);
  expect(code).toBe(url === undefined ? 1 : 0);
  if (url === undefined) expect(err).toContain("routes names no host to check");
});

test.each([
  ["WRANGLER_OUTPUT_FILE_PATH", "out.json", /^out\.json$/],
  ["WRANGLER_OUTPUT_FILE_DIRECTORY", ".", /^wrangler-output-[\w-]+\.json$/],
])("wrangler's file stays where CI wants it: %s", async (variable, path, kept) => {
  ended.file = told(DEV);
  await run({}, { env: { [variable]: join(folder, path) } });
  expect(readdirSync(folder).filter((file) => kept.test(file))).toHaveLength(1);
});

// What the doctor says

const AGAIN = `npx vitrine doctor --url ${HOST} --secrets-file secrets.env`;

test.each<
  [what: string, doctor: Awaited<ReturnType<Tools["examine"]>>, code: number, says: string]
>([
  ["nothing", EXIT.done, 0, ""],
  ["warnings", EXIT.partly, 0, ""],
  ["errors", EXIT.failed, 1, "It is deployed, but the doctor found errors."],
  ["a reason not to look", { fault: "no such bucket" }, 1, "no such bucket\nIt is deployed"],
])("if the doctor finds %s, the exit code is as documented", async (_what, doctor, code, says) => {
  ended.doctor = doctor;
  const { code: exit, err } = await run();
  expect([exit, ran.length]).toEqual([code, 1]);
  expect(err).toContain(says);
  if (code === 1) expect(err).toContain(AGAIN);
  expect(err.includes("docs/environments.md")).toBe(code === 1);
});

test.each([
  ["has no address", () => HttpResponse.error()],
  ["has no Worker", () => new HttpResponse("", { status: 530 })],
])("a new domain that still %s is waited for: the deploy is done", async (_what, answer) => {
  let asked = 0;
  const later = () => {
    asked += 1;
    return asked < 3 ? answer() : new HttpResponse("ok\n");
  };
  network.use(http.get(`${HOST}/healthz`, later));
  expect(await run()).toMatchObject({ code: 0, err: `Waiting for ${HOST} ...\n` });
  expect([pauses, examined.length]).toEqual([2, 1]);
  network.use(http.get(`${HOST}/healthz`, answer));
  const { code, err } = await run();
  expect([code, examined.length]).toEqual([1, 1]);
  expect(err).toContain(`It is deployed, but ${HOST} does not answer yet`);
  expect(err).toContain(`Then check it: ${AGAIN}\n`);
});

test("after Ctrl-C the doctor is not asked, and it is said that it is deployed", async () => {
  const abort = new AbortController();
  ended.says = "Uploaded vitrine\n";
  const heard = (said: string) => said.includes("Uploaded") && abort.abort();
  const { code, err } = await run(undefined, { interrupted: abort.signal, heard });
  expect([code, ran.length, examined]).toEqual([1, 1, []]);
  expect(err).toContain(`It is deployed, and not checked: ${AGAIN}\n`);
});
