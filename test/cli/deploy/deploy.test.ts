// What `vitrine deploy` gives to wrangler, what it says, and what keeps it from deploying.

import { cpSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { HttpResponse, http } from "msw";
import { expect, test } from "vitest";
import { EXIT } from "../../../src/cli/command.ts";
import type { Options } from "../../../src/cli/deploy/check-deployed.ts";
import type { Tools } from "../../../src/cli/deploy/index.ts";
import { ROOT } from "../../support/built.ts";
import { HOST, STAGED, STAGING } from "../../support/cli/folder.ts";
import {
  CONFIG,
  ended,
  examined,
  folder,
  KEY,
  lines,
  pauses,
  project,
  ran,
  run,
  write,
} from "../../support/cli/run-deploy.ts";
import { HEALTH_TOKEN, LOCAL_KEYS, NEXT, PURGE_TOKEN, SECRETS, VARS } from "../../support/env.ts";
import { network } from "../../support/network.ts";

const { AWS_ACCESS_KEY_ID: ID, AWS_SECRET_ACCESS_KEY: SECRET } = KEY;

test("wrangler gets the secrets as JSON in a file that only it can read, and that is gone then (S5)", async () => {
  const { code, out } = await run();
  expect(code).toBe(0);
  const secrets = { ...SECRETS, HEALTH_TOKEN };
  expect(ran).toMatchObject([
    { args: [...CONFIG, "--secrets-file"], file: { secrets, mode: 0o600 } },
  ]);
  expect(() => statSync(ran[0]?.file?.path ?? "")).toThrow("ENOENT");
  expect(out).toBe(
    [
      "Worker vitrine (the top level), at images.example:",
      "  AWS, slot current  the key …MPLE  from secrets.env",
      "  HEALTH_TOKEN                      from secrets.env",
      "  URL_SIGNING_KEYS                  from secrets.env",
      "",
    ].join("\n"),
  );
});

test("what older versions purged the edge with is not deployed", async () => {
  write({ ...KEY, PURGE_TOKEN, CLOUDFLARE_API_TOKEN: "a-token", ZONE_ID: "example.com" });
  const { code, err } = await run();
  expect(code).toBe(0);
  expect(ran[0]?.file?.secrets).toEqual({ ...KEY, PURGE_TOKEN });
  expect(err).toContain("ZONE_ID");
});

test("after a switch of commits nothing is deployed before npm ci", async () => {
  const packages = { "node_modules/vitrine": { version: "0.1.9" } };
  writeFileSync(join(folder, "package-lock.json"), JSON.stringify({ packages }));
  const { code, err } = await run();
  expect([code, ran]).toEqual([2, []]);
  expect(err).toMatch(/^package-lock\.json has vitrine 0\.1\.9, and .* npm ci\. Nothing is dep/);
});

test("without a file, wrangler gets no secret, and all stay as they are", async () => {
  const { code, out } = await run({});
  expect([code, ran]).toEqual([0, [{ args: CONFIG }]]);
  expect(out).toContain("  AWS_ACCESS_KEY_ID        stays as it is, if it is deployed\n");
});

test("a file of some secrets deploys these, and says which others stay", async () => {
  write({ ...NEXT });
  const { out } = await run();
  expect(ran).toMatchObject([{ file: { secrets: NEXT } }]);
  expect(out).toContain("  AWS, slot next         the key …TKEY  from secrets.env\n");
  expect(out).toContain(
    "  AWS_SECRET_ACCESS_KEY                 stays as it is, if it is deployed\n",
  );
});

test("the file may be JSON, as wrangler's", async () => {
  writeFileSync(join(folder, "secrets.json"), JSON.stringify(KEY));
  expect((await run({ secretsFile: "secrets.json" })).code).toBe(0);
  expect(ran).toMatchObject([{ file: { secrets: KEY } }]);
});

const little = (text: string) => Buffer.from(`\uFEFF${text}`, "utf16le");

test.each<[what: string, text: string | Buffer]>([
  ["lines after a mark", `\uFEFF${lines(KEY)}`],
  ["JSON after a mark", `\uFEFF${JSON.stringify(KEY)}`],
  ["lines as PowerShell writes them", little(lines(KEY).replaceAll("\n", "\r\n"))],
  ["lines with export", lines(KEY).replace(/^/gm, "export ").slice(0, -7)],
  ["comments behind the values", lines(KEY).replaceAll("\n", " # 'ours'\n")],
])("every secret of the file is deployed: %s (S5)", async (_what, text) => {
  writeFileSync(join(folder, "secrets.env"), text);
  const { code, err } = await run();
  expect([code, err]).toEqual([0, ""]);
  expect(ran).toMatchObject([{ file: { secrets: KEY } }]);
});

test.each<[what: string, value: string]>([
  ["text after its quotes", "'secret'of-a-key"],
  ["a quote in its quotes", "'secret-it''s'"],
  ["a space after its quotes", '"secret" of a key'],
  ["no quote at its end", '"secret-of-a-key'],
  ["another quote at its end", "'secret-of-a-key\""],
])("a secret with %s deploys nothing: it would be cut, or changed (S5)", async (_what, value) => {
  writeFileSync(
    join(folder, "secrets.env"),
    `AWS_ACCESS_KEY_ID=${ID}\nAWS_SECRET_ACCESS_KEY = ${value}\n`,
  );
  const { code, out, err } = await run();
  expect([code, out, ran]).toEqual([2, "", []]);
  expect(err).toBe(
    "--secrets-file secrets.env: AWS_SECRET_ACCESS_KEY has quotes that do not enclose its whole value. Put it in other quotes",
  );
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
    expect(ran).toMatchObject([
      { args: ["deploy", "--config", "wrangler.toml", "--env", "staging", "--secrets-file"] },
    ]);
    expect(examined).toMatchObject([
      [{ url: STAGING, secretsFile: "secrets.env", ...given }, Object.keys(env)],
    ]);
  },
);

const SHELL = { AWS_ACCESS_KEY_ID: "AKIAIOSFODNN7ADMIN12", AWS_SECRET_ACCESS_KEY: "of-an-admin" };

test("the doctor is asked about what is deployed, without the shell's keys of S3 (S5)", async () => {
  write(KEY);
  const env = { ...SHELL, HEALTH_TOKEN, PATH: "kept" };
  const { err } = await run({ secretsFile: "secrets.env", key: ["key.jpg"] }, { env });
  const asked = { url: HOST, secretsFile: "secrets.env", key: ["key.jpg"] };
  expect(examined).toEqual([[asked, ["HEALTH_TOKEN", "PATH"]]]);
  expect(err).toBe(
    "Warning: the environment has other values than secrets.env of AWS_ACCESS_KEY_ID (…IN12 instead of …MPLE), AWS_SECRET_ACCESS_KEY: npx vitrine deploy ignores them. A plain wrangler deploy --secrets-file would deploy them\n",
  );
});

test("the doctor has no other token than the one that is deployed (S5)", async () => {
  await run(undefined, { env: { HEALTH_TOKEN: "another token of the shell" } });
  expect(examined).toEqual([[expect.anything(), []]]);
});

test("nothing is deployed where a secret is bound to a Secrets Store", async () => {
  const entry = { binding: "HEALTH_TOKEN", store_id: "1", secret_name: "token" };
  const { env: _env, ...top } = STAGED;
  const config = { ...top, secrets_store_secrets: [entry] };
  project(config);
  write({ HEALTH_TOKEN });
  const { code, err } = await run();
  expect([code, ran]).toEqual([2, []]);
  expect(err).toContain("HEALTH_TOKEN: is not text: ");
});

test("--dry-run only has wrangler build the Worker", async () => {
  const { code } = await run({ secretsFile: "secrets.env", dryRun: true });
  expect([code, ran, examined]).toEqual([0, [{ args: [...CONFIG, "--dry-run"] }], []]);
});

test("what the Worker does not use is not deployed, and is named", async () => {
  const other = { OTHER_ACCESS_KEY_ID: ID, OTHER_SECRET_ACCESS_KEY: SECRET };
  write({ ...KEY, ...other, BUCKETS: "{}", HEALTH_TOKEN: "" });
  const { code, err } = await run();
  expect(code).toBe(0);
  expect(ran).toMatchObject([{ file: { secrets: KEY } }]);
  for (const [names, section] of [
    [Object.keys(other), "Credentials of a bucket"],
    [["BUCKETS", "HEALTH_TOKEN"], "[secrets]"],
  ] as const) {
    for (const name of names) {
      const line = err.split("\n").find((one) => one.includes(`${name} of secrets.env`));
      expect(line).toContain(" is not deployed: it ");
      expect(line).toContain(`docs/configuration.md, “${section}”`);
    }
  }
});

test("a secret that [secrets] lists is deployed, even if it is not one of Vitrine's", async () => {
  project({ ...STAGED, secrets: { required: [...Object.keys(SECRETS), "OWN"] } });
  write({ OWN: "1" });
  ended.says = "Version 1\n";
  const { out, err } = await run();
  expect(ran).toMatchObject([{ file: { secrets: { OWN: "1" } } }]);
  expect(out).toContain("  OWN                    not one of Vitrine's  from secrets.env\n");
  expect(err).toContain("  Version 1\n");
});

test("without a host under routes, it says how to check what is deployed", async () => {
  const { env: _env, ...top } = STAGED;
  project({ ...top, routes: ["*.images.example/images/*"] });
  const { code, err } = await run({});
  expect([code, ran.length, examined]).toEqual([1, 1, []]);
  expect(err).toContain("routes names no host to check. Name one: npx vitrine doctor --url");
});

test.each<[what: string, bytes: Uint8Array | string, says: string]>([
  ["empty", "", "secrets.env has no secret that the Worker uses"],
  ["a list in YAML", `AWS_ACCESS_KEY_ID: ${ID}`, "has no secret that the Worker uses"],
  [
    "the one of the AWS CLI",
    `[default]\naws_access_key_id=${ID}`,
    "aws_access_key_id: is not used by the Worker",
  ],
  ["in the form of PowerShell", lines(KEY).replaceAll("AWS", "$env:AWS"), "$env:AWS_ACCESS_KEY_ID"],
  ["a table of tables", JSON.stringify({ production: KEY }), "production: is not used"],
  ["JSON with a comma too many", `{"AWS_SECRET_ACCESS_KEY":"${SECRET}",}`, "is not right as JSON"],
  ["UTF-16 without a mark", Buffer.from(lines(KEY), "utf16le"), "save it as UTF-8"],
])("nothing is deployed if the secrets file is %s (S5)", async (_what, bytes, says) => {
  writeFileSync(join(folder, "secrets.env"), bytes);
  const { code, err } = await run();
  expect([code, ran]).toEqual([2, []]);
  expect(err).toContain(says);
  expect(err).not.toContain(SECRET);
});

test("beside a half slot, a name with a typing error is told", async () => {
  write({ AWS_ACCES_KEY_ID: ID, AWS_SECRET_ACCESS_KEY: SECRET });
  const { code, err } = await run();
  expect([code, ran]).toEqual([2, []]);
  expect(err).toContain("AWS_ACCESS_KEY_ID: is missing");
  expect(err).toContain("AWS_ACCES_KEY_ID: is not used by the Worker");
});

test("a fresh copy of .dev.vars.example deploys nothing, and names both keys at once", async () => {
  cpSync(join(ROOT, ".dev.vars.example"), join(folder, "secrets.env"));
  const { code, err } = await run();
  expect([code, ran]).toEqual([2, []]);
  expect(err.split("\n")).toEqual([
    "secrets.env has no secret that the Worker uses. Nothing is deployed:",
    "  AWS_ACCESS_KEY_ID: is empty",
    "  AWS_SECRET_ACCESS_KEY: is empty",
    "  write each value as AWS_ACCESS_KEY_ID='…', or all as JSON: docs/deploy.md, step 5",
  ]);
});

test.each<[what: string, secrets: Record<string, string>, says: string]>([
  [
    "half of the current slot",
    { AWS_ACCESS_KEY_ID: ID },
    "AWS_SECRET_ACCESS_KEY: is missing: a slot",
  ],
  [
    "half of the next slot",
    { ...KEY, AWS_SECRET_ACCESS_KEY_NEXT: SECRET },
    "AWS_ACCESS_KEY_ID_NEXT: is missing",
  ],
  ["an empty half", { ...KEY, AWS_SECRET_ACCESS_KEY: "" }, "AWS_SECRET_ACCESS_KEY: is missing"],
  [
    "the signing key of the local run",
    { ...KEY, URL_SIGNING_KEYS: JSON.stringify({ local: "x".repeat(64) }) },
    "URL_SIGNING_KEYS: is the one of the local run",
  ],
  [
    "a session key",
    { ...KEY, AWS_ACCESS_KEY_ID: "ASIAIOSFODNN7EXAMPLE" },
    "AWS_ACCESS_KEY_ID: is a temporary",
  ],
  [
    "the local key",
    { ...KEY, AWS_ACCESS_KEY_ID: LOCAL_KEYS.accessKeyId },
    "AWS_ACCESS_KEY_ID: is the one of the local run",
  ],
  [
    "the local secret",
    { ...KEY, AWS_SECRET_ACCESS_KEY: LOCAL_KEYS.secretAccessKey },
    "AWS_SECRET_ACCESS_KEY: is the one of the local run",
  ],
  [
    "a variable's name",
    { ...KEY, AWS_SECRET_ACCESS_KEY: "$SECRET" },
    "AWS_SECRET_ACCESS_KEY: is the name of",
  ],
  [
    "a space in a secret",
    { ...KEY, AWS_SECRET_ACCESS_KEY: "a secret" },
    "AWS_SECRET_ACCESS_KEY: has an invalid",
  ],
  ["a short token", { ...KEY, HEALTH_TOKEN: "short" }, "HEALTH_TOKEN: is not 16 or more"],
  [
    "a short token for /purge",
    { ...KEY, PURGE_TOKEN: "0123456789012345678901234567890" },
    "PURGE_TOKEN: is not 32 or more",
  ],
  ["a short signing key", { URL_SIGNING_KEYS: '{"a":"short"}' }, "URL_SIGNING_KEYS"],
])("a file with %s deploys nothing (A11, S5)", async (_what, secrets, says) => {
  write(secrets);
  const { code, out, err } = await run();
  expect([code, out, ran, examined]).toEqual([2, "", [], []]);
  expect(err).toMatch(/^secrets.env has mistakes. Nothing is deployed:\n/);
  expect(err).toContain(`\n  ${says}`);
  expect(err.split(`\n  ${says.split(": ")[0]}: `)).toHaveLength(2); // each mistake once
  for (const secret of Object.values(secrets)) {
    if (secret.length > 10) expect(err).not.toContain(secret);
  }
});

test.each<[what: string, options: Options, env: Record<string, string>, says: string]>([
  ["a file that is not there", { secretsFile: "no.env" }, {}, "no.env: there is no such file"],
  ["a file with a # in a secret", { secretsFile: "cut.env" }, {}, "AWS_SECRET_ACCESS_KEY has a #"],
  ["an environment that is not there", { env: "prod" }, {}, 'has no environment "prod"'],
  ["a URL of this machine", { url: "http://localhost:8787" }, {}, "--url: say where the deployed"],
  ["a URL of another environment", { url: STAGING }, {}, "that is a route of env.staging"],
  [
    "another name by the CI",
    {},
    { WRANGLER_CI_OVERRIDE_NAME: "shop" },
    "as shop, but it is vitrine",
  ],
])("%s deploys nothing", async (_what, options, env, says) => {
  writeFileSync(join(folder, "cut.env"), `AWS_ACCESS_KEY_ID=${ID}\nAWS_SECRET_ACCESS_KEY=a#b\n`);
  const { code, out, err } = await run(options, { env });
  expect([code, out, ran, examined]).toEqual([2, "", [], []]);
  expect(err).toContain(says);
});

test.each<[what: string, config: object, says: string]>([
  [
    "a wrong preset",
    { vars: { ...VARS, PRESETS: { card: { width: 0 } } } },
    "\n  PRESETS.card.width: ",
  ],
  ["no domain", { routes: [] }, "\n  routes: is missing, or empty: put your domain there"],
  [
    "a wrong preset and no domain",
    { routes: [], vars: { ...VARS, PRESETS: { card: { width: 0 } } } },
    "12000\n  routes: ",
  ],
])("a configuration with %s deploys nothing", async (_what, config, says) => {
  const { env: _env, ...top } = STAGED;
  project({ ...top, ...config });
  const { code, out, err } = await run({});
  expect([code, out, ran]).toEqual([2, "", []]);
  expect(err).toContain(says);
});

test("all that an environment lacks is told at once, with its name (S6)", async () => {
  project({ ...STAGED, routes: [], env: { staging: {} } });
  const { code, err } = await run({ env: "staging" });
  expect([code, ran]).toEqual([2, []]);
  for (const path of ["vars", "secrets", "BUCKETS", "routes"]) {
    expect(err).toContain(`\n  env.staging: ${path}: is `);
  }
});

test("in the folder of another Worker nothing is deployed", async () => {
  const other = { ...{ name: "shop", routes: ["shop.example/*"] }, vars: { CURRENCY: "EUR" } };
  project(other);
  const { code, err } = await run({});
  expect([code, ran]).toEqual([2, []]);
  for (const name of ["BUCKETS", "ROUTES", "PRESETS"])
    expect(err).toContain(`\n  ${name}: is not a `);
});

test("a top level that only holds what its environments inherit is not deployed (S6)", async () => {
  const { name, workers_dev, preview_urls, env } = STAGED;
  project({ name, workers_dev, preview_urls, env });
  const { code, err } = await run({});
  expect([code, ran]).toEqual([2, []]);
  expect(err).toContain("there is nothing to deploy from it: use --env staging");
});

test("an environment that would take another one's domain is not deployed (S6)", async () => {
  const { routes: _routes, ...staging } = STAGED.env.staging;
  project({ ...STAGED, env: { staging } });
  const { code, err } = await run({ env: "staging" });
  expect([code, ran]).toEqual([2, []]);
  expect(err).toContain("images.example is a route of the top level, too");
});

test.each([
  ["API: code: 10000", "wrangler is not logged in, or may not do this"],
  [
    "The following required secrets have not been set: A",
    "Put the secrets that it names, and no others",
  ],
  ["whatever", "See its output above"],
])(
  "if wrangler fails with %j, the hint says what to do, and the doctor is not asked",
  async (says, hint) => {
    Object.assign(ended, { wrangler: 1, says: `${says} ${SECRET}\n` });
    const { code, err } = await run();
    expect([code, examined]).toEqual([2, []]);
    expect(err).toContain(`  ${says} …\n`);
    expect(err).toContain(`wrangler deploy ended with 1. ${hint}`);
    expect(err).not.toContain("It is deployed");
  },
);

test("of a wrangler that fails, the reason and the name of its log are shown, and no stack", async () => {
  const stack = [
    "    at throwFetchError (/shop/node_modules/wrangler/wrangler-dist/cli.js:63338:19)",
    "    at process.processTicksAndRejections (node:internal/process/task_queues:104:5)",
    "    at async /shop/node_modules/wrangler/wrangler-dist/cli.js:239488:11",
    "    at async main (/shop/node_modules/wrangler/wrangler-dist/cli.js:366031:9))",
  ];
  const reason = "APIError: A request to the Cloudflare API (/user/tokens/verify) failed.";
  const log = '🪵  Logs were written to "/home/me/.config/.wrangler/logs/wrangler-1.log"';
  Object.assign(ended, { wrangler: 1, says: [reason, ...stack, log, ""].join("\n") });
  const { err } = await run();
  expect(err).toContain(`  ${reason}\n  ${log}\n`);
  expect(err).not.toContain("    at ");
});

test("the hint is for the environment that was to be deployed (S6)", async () => {
  Object.assign(ended, {
    wrangler: 1,
    says: "The following required secrets have not been set: A",
  });
  const { err } = await run({ env: "staging" });
  expect(err).toContain("into a file: npx vitrine deploy --env staging --secrets-file secrets.env");
});

const DEV = "https://vitrine.acme.workers.dev";
const told = (...targets: unknown[]) => JSON.stringify({ type: "deploy", targets });

test.each<[what: string, file: string, url: string | undefined]>([
  ["the Worker's address", `{"type":"wrangler-session"}\n${told(DEV)}\n`, DEV],
  ["a custom domain before it", told("a.example (custom domain)", DEV), DEV],
  ["the last deploy", `${told("https://vitrine.old.workers.dev")}\n${told(DEV)}`, DEV],
  ["another Worker's address", told("https://other.acme.workers.dev"), undefined],
  ["a host that only begins like it", told(`${DEV}.evil.example`), undefined],
  ["a path", told(`${DEV}/x`), undefined],
  ["no targets", '{"type":"deploy"}', undefined],
  ["no list", '{"type":"deploy","targets":{}}', undefined],
  ["no text", told(1, null), undefined],
  ["no JSON", "{", undefined],
  ["nothing", "", undefined],
])("wrangler's file has %s: the doctor looks there, or says why not", async (_what, file, url) => {
  const { env: _env, routes: _routes, ...top } = STAGED;
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
])("wrangler's file stays where CI wants it: %s", async (name, path, kept) => {
  ended.file = told(DEV);
  await run({}, { env: { [name]: join(folder, path) } });
  expect(readdirSync(folder).filter((file) => kept.test(file))).toHaveLength(1);
});

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
