// What `vitrine deploy` gives to wrangler, what it says, and what keeps it from deploying: mistakes, and what S3 says of
// each key. wrangler.test.ts has the real wrangler.

import { generateKeyPairSync } from "node:crypto";
import { statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { HttpResponse, http } from "msw";
import { expect, test } from "vitest";
import { EXIT } from "../../../src/cli/command.ts";
import { connectionError } from "../../../src/emulator/s3/faults.ts";
import type { S3Fault } from "../../../src/emulator/s3/s3.ts";
import { BOUND, HOST, STAGED, STAGING } from "../../support/cli/folder.ts";
import { expectGolden } from "../../support/cli/golden.ts";
import { addOpenBucket } from "../../support/cli/policed-s3.ts";
import {
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
  s3,
  write,
} from "../../support/cli/run-deploy.ts";
import type { CommandResult } from "../../support/cli/vitrine.ts";
import { file } from "../../support/emulators.ts";
import { HEALTH_TOKEN, LOCAL_KEYS, NEXT, SECRETS, VARS } from "../../support/env.ts";
import { handlersOf, network } from "../../support/network.ts";

const { AWS_ACCESS_KEY_ID: ID, AWS_SECRET_ACCESS_KEY: SECRET } = KEY;
const { env: _env, ...TOP } = STAGED;
const { media } = VARS.BUCKETS;
const CANARY = { media: { ...media, canary: "key.jpg" } };

/** A folder with these buckets. */
function withBuckets(BUCKETS: object, more: object = {}, vars: object = {}) {
  project({ ...TOP, vars: { ...QUIET, BUCKETS, ...vars }, ...more });
}

test("wrangler gets the secrets as JSON in a file that only it can read, and that is gone then (S5)", async () => {
  const listeners = () => process.listenerCount("exit");
  const before = listeners();
  const { code, out, err } = await run();
  expect([listeners(), pauses]).toEqual([before, 0]);
  expect([code, err]).toEqual([0, expect.stringContaining("S3 accepts the key …MPLE (AWS, slot")]);
  expect(ran).toMatchObject([{ file: { secrets: { ...SECRETS, HEALTH_TOKEN }, mode: 0o600 } }]);
  const { path = "" } = ran[0]?.file ?? {};
  expect(ran[0]?.args).toBe(`deploy --config wrangler.toml --env  --secrets-file ${path}`);
  expect(() => statSync(path)).toThrow("ENOENT");
  expect(out).toMatch(
    /^Worker vitrine \(the top level\) gets AWS_ACCESS_KEY_ID, .* All others stay/,
  );
});

test("without a file, wrangler gets no secret, and S3 no key", async () => {
  const { code, out } = await run({});
  const signed = s3.requests.filter(({ headers }) => headers.has("authorization"));
  expect([code, s3.requests.length, signed]).toEqual([0, 1, []]);
  expect(ran).toEqual([{ args: "deploy --config wrangler.toml --env " }]);
  expect(out).toContain("gets no secret. All others stay as they are deployed\n");
});

test("every secret of the file is deployed, in each form, and no other (S5)", async () => {
  for (const text of [
    JSON.stringify(NEXT),
    Buffer.from(`\uFEFF${JSON.stringify(NEXT)}`, "utf16le"), // PowerShell
    `\uFEFF${JSON.stringify(NEXT)}`,
    `\uFEFF${lines(NEXT)}`,
    lines(NEXT).replace(/^(?=A)/gm, "export "),
    lines(NEXT).replaceAll("\n", " # 'ours'\r\n"),
  ]) {
    ran.length = 0;
    writeFileSync(join(folder, "secrets.env"), text);
    expect(await run()).toMatchObject({ code: 0 });
    expect(ran).toMatchObject([{ file: { secrets: NEXT } }]);
  }
});

test("the doctor is asked about what is deployed, without the shell's keys of S3 (S5)", async () => {
  const tokens = { HEALTH_TOKEN, CLOUDFLARE_SETUP_TOKEN: "for-the-zone" };
  await run(undefined, { env: { ...KEY, ...tokens, PATH: "kept" } });
  const options = { url: HOST, secretsFile: "secrets.env" };
  expect(examined).toEqual([[options, ["HEALTH_TOKEN", "CLOUDFLARE_SETUP_TOKEN", "PATH"]]]);
});

test("--dry-run says what is deployed, and what is refused, and starts neither wrangler nor the doctor", async () => {
  const dry = { secretsFile: "secrets.env", dryRun: true } as const;
  expect(await run(dry)).toMatchObject({
    code: 0,
    out: expect.stringContaining("gets AWS_ACCESS"),
  });
  s3.faults.add("revoked-key");
  expect(await run(dry)).toMatchObject({ code: 2, out: "" });
  expect([ran, examined]).toEqual([[], []]);
});

test.each([
  ["--env staging", { env: "staging" }, {}],
  ["CLOUDFLARE_ENV=staging", {}, { CLOUDFLARE_ENV: "staging" }],
])("%s: the Worker and the doctor are that environment's (S6)", async (_title, options, env) => {
  const { out } = await run(options, { env });
  expect(out).toContain("Worker vitrine-staging (env.staging) gets");
  expect(ran[0]?.args).toContain("--env staging");
  expect(examined).toEqual([[{ url: STAGING, ...options }, Object.keys(env)]]);
});

// What deploys nothing

const ROLE = "arn:aws:iam::123456789012:role/vitrine";
const pem = (curve: string) =>
  generateKeyPairSync("ec", { namedCurve: curve })
    .privateKey.export({ type: "pkcs8", format: "pem" })
    .toString();

/** The bucket is read by the Worker itself. */
const byBinding = (settings: object = {}, more: object = {}, vars: object = {}) =>
  withBuckets(
    { media: { ...media, engine: "binding", ...settings } },
    { images: { binding: "IMAGES" }, ...more },
    vars,
  );
const withRole = () => {
  const secrets = { required: ["OIDC_SIGNING_KEY", "URL_SIGNING_KEYS"] };
  byBinding({ role: ROLE }, { secrets }, { OIDC: { issuer: HOST } });
};

const key = (id: string, secret: string) => ({
  AWS_ACCESS_KEY_ID: id,
  AWS_SECRET_ACCESS_KEY: secret,
});
const CUT = pem("P-256").replace(/.{8}\n(?=-----END)/, "\n");
const TOKEN = "a-session-token";
const SESSION_ID = "ASIAIOSFODNN7EXAMPLE";
const SESSION = { ...key(SESSION_ID, SECRET), AWS_SESSION_TOKEN: TOKEN };

/** Files of secrets that are wrong. */
const FILES: Readonly<Record<string, [secrets: Record<string, string>, prepare?: () => void]>> = {
  "no value": [key("", "")],
  "half of the next slot": [{ ...KEY, AWS_SECRET_ACCESS_KEY_NEXT: SECRET }],
  "an empty half": [key(ID, "")],
  "a session key": [key(SESSION_ID, SECRET)],
  "a session for the image edge": [SESSION],
  "a token alone": [{ AWS_SESSION_TOKEN_NEXT: TOKEN }, byBinding],
  "the local secret": [key(ID, LOCAL_KEYS.secretAccessKey)],
  "a space in a secret": [key(ID, "a secret")],
  "a line break at the end of a secret": [key(ID, `${SECRET}\n`)],
  "a short token": [{ ...KEY, HEALTH_TOKEN: "short" }],
  "a short token for /purge": [{ PURGE_TOKEN: "x".repeat(31) }],
  "a short signing key": [{ URL_SIGNING_KEYS: '{"a":"short"}' }],
  "a key of S3 beside a role": [KEY, withRole],
  "another curve": [{ OIDC_SIGNING_KEY: pem("P-384") }, withRole],
  "a cut key": [{ OIDC_SIGNING_KEY: CUT }, withRole],
  "a file's name": [{ OIDC_SIGNING_KEY: "issuer.pem" }, withRole],
  // L4
  "two secrets that are too long": [
    { HEALTH_TOKEN: "é".repeat(2_495), ...key(ID, "x".repeat(4_980)) },
  ],
  "65 variables and secrets": [
    { HEALTH_TOKEN, PURGE_TOKEN: "x".repeat(32) },
    () =>
      withBuckets({ media }, { secrets: { required: manyNames(63 - Object.keys(QUIET).length) } }),
  ],
};

/** Names of secrets, first those of the tests. */
function manyNames(count: number): string[] {
  const names = Array.from({ length: count }, (_, index) => `OTHER_${index}`);
  return [...Object.keys(SECRETS), ...names].slice(0, count);
}

/** Values that Node.js and wrangler would cut, or change. */
const CUT_VALUES = ["'secret'of-a-key", '"secret" of a key', '"secret-of-a-key', "a#b"];

test("a wrong file of secrets deploys nothing, and no secret is shown (A11, S5, L4)", async () => {
  const results: [string, CommandResult][] = [];
  for (const [title, [secrets, prepare]] of Object.entries(FILES)) {
    project({ ...STAGED, vars: QUIET });
    prepare?.();
    writeFileSync(join(folder, "secrets.json"), JSON.stringify(secrets));
    const refused = await run({ secretsFile: "secrets.json" });
    expect([title, refused.code, refused.out, ran, examined]).toEqual([title, 2, "", [], []]);
    const long = Object.values(secrets).filter(({ length }) => length > 10);
    for (const secret of long) expect(refused.err).not.toContain(secret);
    results.push([title, refused]);
  }
  project({ ...STAGED, vars: QUIET });
  for (const value of CUT_VALUES) {
    const text = `AWS_ACCESS_KEY_ID=${ID}\nAWS_SECRET_ACCESS_KEY = ${value}\n`;
    writeFileSync(join(folder, "secrets.env"), text);
    const refused = await run();
    expect([value, refused.code, refused.out, ran]).toEqual([value, 2, "", []]);
    results.push([value, refused]);
  }
  await expectGolden("secrets.txt", results);
});

const WRONG = { ...TOP, vars: { ...VARS, PRESETS: { card: { width: 0 } } } };
const STORED = [{ binding: "HEALTH_TOKEN", store_id: "1", secret_name: "token" }];
const { routes: _routes, ...UNROUTED } = STAGED.env.staging;
const { vars: _vars, routes: _mine, secrets: _listed, ...CARRIER } = STAGED;
const NOT_TEXT = { ...TOP, secrets_store_secrets: STORED };
const EMPTY = { ...STAGED, env: { staging: {} } };
const SAME_DOMAIN = { ...STAGED, env: { staging: UNROUTED } };

test("a wrong folder, or environment, deploys nothing (S6)", async () => {
  const results: [string, CommandResult][] = [];
  for (const [title, config, options] of [
    ["a wrong preset", WRONG, {}],
    ["a Secrets Store", NOT_TEXT, {}],
    ["an empty environment", EMPTY, { env: "staging" }],
    ["a top level that only holds what is inherited", CARRIER, {}],
    ["another one's domain", SAME_DOMAIN, { env: "staging" }],
    ["no such environment", STAGED, { env: "prod" }],
    ["no secrets file", STAGED, { secretsFile: "no.env" }],
  ] as const) {
    project({ ...config });
    const refused = await run(options);
    expect([title, refused.code, refused.out, ran]).toEqual([title, 2, "", []]);
    results.push([title, refused]);
  }
  await expectGolden("refused.txt", results);
});

// What S3 says of each key

const OTHER = "AKIAIOSFODNN7STAGING";

test("a key that S3 refuses is not deployed, and not shown (A7)", async () => {
  const dead = { ...KEY, ...NEXT, AWS_ACCESS_KEY_ID_NEXT: OTHER };
  const results: [string, CommandResult][] = [];
  for (const [title, secrets, fault] of [
    ["a dead key", KEY, "revoked-key"],
    ["an old secret", KEY, "other-secret"],
    ["another environment's key", key(OTHER, SECRET), undefined],
    ["a dead next key", dead, undefined],
  ] as const) {
    s3.faults.clear();
    if (fault !== undefined) s3.faults.add(fault);
    for (const buckets of [VARS.BUCKETS, CANARY]) {
      withBuckets(buckets);
      write(secrets);
      const refused = await run();
      expect([title, refused.code, refused.out, ran]).toEqual([title, 2, "", []]);
      for (const secret of Object.values(secrets)) expect(refused.err).not.toContain(secret);
      results.push([buckets === CANARY ? `${title}, with a canary` : title, refused]);
    }
  }
  await expectGolden("keys.txt", results);
});

const fault = (one: S3Fault) => () => void s3.faults.add(one);
const keep = (path: string) => () =>
  void s3.objects.set(path, { body: file("made/key.jpg"), type: "image/jpeg" });
const hide = () =>
  network.use(http.get("https://acme-media.*", () => new Response("", { status: 401 })));
const nowhere = () =>
  network.use(
    http.get("https://acme-media.*", ({ request }) => {
      throw connectionError("ENOTFOUND", request.url);
    }),
  );
const NO_LIST = fault("no-list-bucket");
const OUTSIDE = { media: { ...CANARY.media, prefix: "secret/" } };

test("the key is deployed unless it certainly cannot read (A6)", async () => {
  const results: [string, CommandResult][] = [];
  for (const [title, buckets, arranged, code] of [
    ["S3 gives the canary", CANARY, keep("published/key.jpg"), 0],
    ["S3 knows the key, which may list", VARS.BUCKETS, () => {}, 0],
    ["S3 denies what no canary names", VARS.BUCKETS, NO_LIST, 0],
    ["S3 denies the canary", CANARY, NO_LIST, 0],
    ["S3 lists the canary, and denies it", OUTSIDE, keep("secret/key.jpg"), 2],
    ["S3 lists another one", OUTSIDE, keep("secret/key.jpg.jpg"), 0],
    ["S3 is busy", CANARY, fault("SlowDown"), 0],
    ["S3 does not answer", CANARY, fault("reset"), 0],
    ["S3 has another time", CANARY, fault("clock-skew"), 0],
    ["S3 is hidden by a proxy", CANARY, hide, 0],
    ["S3 has no such host", VARS.BUCKETS, nowhere, 2],
  ] as const) {
    s3.faults.clear();
    s3.objects.clear();
    ran.length = 0;
    withBuckets(buckets);
    write(KEY);
    arranged();
    const deployed = await run();
    expect([title, deployed.code, ran.length]).toEqual([title, code, code === 0 ? 1 : 0]);
    results.push([title, { ...deployed, err: deployed.err.replace(/ \d+ s /g, " … s ") }]);
  }
  await expectGolden("s3.txt", results);
});

const failing = (code: string) => () =>
  network.use(
    http.get("https://acme-media.*", ({ request }) => {
      throw connectionError(code, request.url);
    }),
  );
test("a bucket that is certainly not there deploys nothing, with a key at hand or not (A4, A5)", async () => {
  const results: [string, CommandResult][] = [];
  for (const [title, arranged, code, buckets, env] of [
    ["no such bucket", () => {}, 2, { media: { ...media, bucket: "acme-new" } }],
    ["another region, by a 301", fault("elsewhere-301"), 2],
    ["another region, by a 307", fault("elsewhere-307"), 2],
    ["no certificate for its name", failing("ERR_TLS_CERT_ALTNAME_INVALID"), 2],
    ["no TLS for the moment", failing("EPROTO"), 0],
    ["no such host", failing("ENOTFOUND"), 2],
    [
      "no such host, by a proxy",
      failing("ENOTFOUND"),
      0,
      undefined,
      { https_proxy: "http://proxy" },
    ],
    ["an old certificate", failing("CERT_HAS_EXPIRED"), 0],
    ["nothing answers", fault("reset"), 0],
    ["S3 is busy", fault("SlowDown"), 0],
    ["S3 fails", fault("InternalError"), 0],
    ["a proxy", hide, 0],
  ] as const) {
    for (const file of [undefined, "secrets.env"]) {
      s3.faults.clear();
      ran.length = 0;
      network.resetHandlers(
        http.get("https://*/healthz", () => new HttpResponse("ok\n")),
        ...handlersOf(s3),
      );
      withBuckets(buckets ?? VARS.BUCKETS);
      write(KEY);
      arranged();
      const result = await run(file === undefined ? {} : { secretsFile: file }, { env: env ?? {} });
      expect([title, result.code, ran.length]).toEqual([title, code, code === 0 ? 1 : 0]);
      if (file === undefined) results.push([title, { ...result, out: "" }]);
    }
  }
  await expectGolden("buckets.txt", results);
});

test("another region that only the key learns of deploys nothing (A5)", async () => {
  s3.faults.add("elsewhere-400");
  expect(await run()).toMatchObject({
    code: 2,
    err: expect.stringContaining('region = "eu-central-1"'),
  });
  expect(await run({})).toMatchObject({ code: 0 });
});

test("the bucket behind a binding is not asked for", async () => {
  project({
    ...TOP,
    ...BOUND,
    secrets: { required: ["URL_SIGNING_KEYS"] },
    vars: { ...QUIET, BUCKETS: { media: { binding: "MEDIA_BUCKET" } } },
  });
  expect(await run({})).toMatchObject({ code: 0, err: expect.stringMatching(/^To go back/) });
  expect(s3.requests).toEqual([]);
});

test("each bucket of a key is asked, and each key only its own buckets", async () => {
  const more = { ...media, bucket: "acme-more", credentials: "MORE" };
  const secrets = { ...KEY, MORE_ACCESS_KEY_ID: ID, MORE_SECRET_ACCESS_KEY: SECRET };
  const required = ["URL_SIGNING_KEYS", ...Object.keys(secrets)];
  const again = { ...media, prefix: "published/again/" };
  withBuckets({ ...CANARY, more, again }, { secrets: { required } });
  const other = addOpenBucket("acme-more");
  write(secrets);
  await run();
  const paths = [...s3.requests, ...other.requests].map(({ url, headers }) => {
    const path = url.replace(/^https:\/\/([\w-]+)[^/]*/, "$1").replace(/-[0-9a-f-]{36}$/, "-…");
    return `${headers.has("authorization") ? "with a key" : "without"}: ${path}`;
  });
  const expectedPaths = [
    "acme-media/published/again/vitrine-deploy-…",
    "acme-media/published/key.jpg",
    "acme-more/published/vitrine-deploy-…",
  ];
  const expected = ["with a key", "without"].flatMap((how) =>
    expectedPaths.map((path) => `${how}: ${path}`),
  );
  expect(paths.toSorted()).toEqual(expected);
});

test("Ctrl-C while S3 is asked deploys nothing", async () => {
  const abort = new AbortController();
  const ask = s3.fetch;
  s3.fetch = (input, init) => {
    abort.abort();
    return ask(input, init);
  };
  const { err } = await run(undefined, { interrupted: abort.signal });
  expect([ran, err]).toEqual([[], expect.stringContaining("nothing is deployed")]);
});

test("Ctrl-C after the deploy names the doctor, which is not run", async () => {
  const abort = new AbortController();
  const heard = (text: string) => text.includes(" gets ") && abort.abort();
  const { err } = await run(undefined, { interrupted: abort.signal, onOutput: heard });
  expect([ran.length, examined]).toEqual([1, []]);
  expect(err).toContain("It is deployed, and not checked. ");
});

// What wrangler and the doctor say

test("if wrangler fails, a hint for that environment says what to do, and the doctor is not asked (S6)", async () => {
  const says = "required secrets have not been set: A";
  Object.assign(ended, { wrangler: 1, output: `${says} ${SECRET}\n` });
  const { code, err } = await run({ secretsFile: "secrets.env", env: "staging" });
  expect([code, examined]).toEqual([2, []]);
  expect(err).toContain(`  ${says} …\n`);
  expect(err).toMatch(
    /wrangler deploy ended with 1\. Put .*: npx vitrine deploy --env staging --se/,
  );
});

const DEV = "https://vitrine.acme.workers.dev";
const targets = (...urls: string[]) => JSON.stringify({ type: "deploy", targets: urls });

test.each<[what: string, file: string, url: string | undefined]>([
  ["the Worker's address", `{}\n${targets("a.example (custom domain)", DEV)}\n`, DEV],
  ["another Worker's address", targets("https://other.acme.workers.dev"), undefined],
  ["a host that only begins like it", targets(`${DEV}.evil.example`, `${DEV}/x`), undefined],
  ["nothing", "", undefined],
])("wrangler's file has %s: the doctor looks there, or says why not", async (_what, text, url) => {
  const { routes: _none, ...top } = TOP;
  project({ ...top, workers_dev: true });
  ended.file = text;
  const { code, err } = await run({});
  expect(examined.map(([options]) => options)).toEqual(url === undefined ? [] : [{ url }]);
  expect(code).toBe(url === undefined ? 1 : 0);
  if (url === undefined) expect(err).toContain("routes names no host to check");
});

const AGAIN = `npx vitrine doctor --url ${HOST}`;

test("the exit code is that of the deploy and of the doctor", async () => {
  for (const [doctor, code] of [
    [EXIT.done, 0],
    [EXIT.partly, 0],
    [EXIT.failed, 1],
    [{ fault: "no such bucket" }, 1],
  ] as const) {
    ended.doctor = doctor;
    ran.length = 0;
    const { code: exit, err } = await run({});
    expect([exit, ran.length, err.includes(AGAIN)]).toEqual([code, 1, code === 1]);
    // However it ended: only the user knows whether the deploy before was better.
    expect(err.match(/^To go back/gm)).toHaveLength(1);
  }
});

test("if the doctor finds errors, it says what helps: another file where secrets were set, or a roll-back", async () => {
  ended.doctor = EXIT.failed;
  const results: [string, CommandResult][] = [];
  for (const [title, options] of [
    ["with a file", { secretsFile: "secrets.env" }],
    ["with a file, for an environment", { secretsFile: "secrets.env", env: "staging" }],
    ["without a file", {}],
    ["without a file, for an environment", { env: "staging" }],
  ] as const) {
    const result = await run(options);
    results.push([title, { ...result, out: "" }]);
  }
  await expectGolden("wrong.txt", results);
});

test.each([
  ["has no address", () => HttpResponse.error()],
  ["has no Worker", () => new HttpResponse("", { status: 530 })],
])("a new domain that still %s is waited for: the deploy is done", async (_what, answer) => {
  let requests = 0;
  const later = () => {
    requests += 1;
    return requests < 3 ? answer() : new HttpResponse("ok\n");
  };
  network.use(http.get(`${HOST}/healthz`, later));
  expect(await run({})).toMatchObject({ code: 0 });
  expect(pauses).toBe(2);
  network.use(http.get(`${HOST}/healthz`, answer));
  const { code, err } = await run({});
  expect([code, examined.length, err.includes(AGAIN)]).toEqual([1, 1, true]);
  expect(pauses).toBe(2 + 11);
});
