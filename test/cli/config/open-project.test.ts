// What commands know of the project, deployed or as the local run has it, and which secrets they use.

import { rmSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { isFault } from "../../../src/cli/command.ts";
import { localBucketName, readLocalKeys } from "../../../src/cli/config/local-run.ts";
import { openProject, sourceOfVariable } from "../../../src/cli/config/project.ts";
import { createFolder, createProject, envLine, HOST, STAGED } from "../../support/cli/folder.ts";
import { expectGolden } from "../../support/cli/golden.ts";
import {
  type CommandResult,
  createWorld,
  vitrine,
  type WorldOptions,
} from "../../support/cli/vitrine.ts";
import { CREDENTIALS, LOCAL_KEYS, SECRETS, VARS } from "../../support/env.ts";
import { editFile } from "../../support/local-run.ts";

const LOCAL = "http://localhost:8787";
const KEYS = {
  file: '{"file": "the-key-that-stands-in-a-named-file-01"}',
  env: '{"env": "the-key-that-stands-in-environment-01"}',
  vars: '{"vars": "the-key-that-stands-in-dev-vars-00001"}',
  local: '{"local": "the-key-that-npm-start-has-made-up-01"}',
};

/** The id of the key that signs. */
async function signer(args: string[], world: WorldOptions): Promise<string> {
  const { out, err } = await vitrine(["sign", "a.jpg", "-p", "card", ...args], world);
  return /&kid=(\w+)&/.exec(out)?.[1] ?? err;
}

const line = (keys: string) => envLine("URL_SIGNING_KEYS", keys);

test("a secret is taken from the named file, else the environment, else .dev.vars", async () => {
  const folder = createFolder({}, { ".dev.vars": line(KEYS.vars), "secrets.env": line(KEYS.file) });
  const env = { URL_SIGNING_KEYS: KEYS.env };
  const file = ["--secrets-file", "secrets.env"];
  expect(await signer(file, { folder, env })).toBe("file");
  expect(await signer(["--secrets-file", join(folder, "secrets.env")], { folder, env })).toBe(
    "file",
  );
  expect(await signer([], { folder, env })).toBe("env");
  expect(await signer([], { folder })).toBe("vars");
  expect(await signer([], { folder, env: { URL_SIGNING_KEYS: "" } })).toBe("vars");
});

test("without the signing keys nothing is signed, and the fault says where to put them", async () => {
  const none = createFolder();
  expect(await signer([], { folder: none })).toBe(
    "URL_SIGNING_KEYS is not at hand: put it into the environment or .dev.vars\n",
  );
  // The key that the local run made opens only the local run.
  const localFolder = createFolder({}, { ".dev.vars": line(KEYS.local) });
  expect(await signer([], { folder: localFolder })).toMatch(
    /^URL_SIGNING_KEYS is not at hand: .* --url http:\/\/localhost:8787/,
  );
  expect(await signer(["-u", LOCAL], { folder: localFolder })).toBe("local");
});

test("what is wrong with secrets or with the configuration is named, with its place", async () => {
  const wrong = { PRESETS: { card: { width: 0 }, hero: {} }, BUCKETS: { media: { bucket: "a" } } };
  const noDomain = createFolder();
  editFile(join(noDomain, "wrangler.toml"), (text) => text.replace(/^routes = .*$/m, ""));
  const none = createFolder();
  rmSync(join(none, "wrangler.toml"));
  const folder = createFolder({}, { "bad.env": line('{"k": "short"}') });
  const sign = ["sign", "a.jpg"];
  const results: [string, CommandResult][] = [];
  for (const [title, args, world] of [
    ["no such file", [...sign, "--secrets-file", "no.env"], { folder }],
    ["a folder", [...sign, "--secrets-file", "."], { folder }],
    ["a key that is short", [...sign, "--secrets-file", "bad.env"], { folder }],
    ["no keys in the environment", sign, { folder, env: { URL_SIGNING_KEYS: "{}" } }],
    ["a file for the local run", [...sign, "-u", LOCAL, "--secrets-file", "x.env"], { folder }],
    ["no wrangler.toml", ["url", "a.jpg"], { folder: none }],
    ["no TOML", sign, { folder: createFolder({}, { "wrangler.toml": 'name = "x"\n[vars\n' }) }],
    ["mistakes", sign, { folder: createFolder(wrong) }],
    ["mistakes, for the local run", [...sign, "-u", LOCAL], { folder: createFolder(wrong) }],
    ["no domain", ["warm", "-"], { folder: noDomain }],
    ["no domain for a URL", ["url", "a.jpg"], { folder: noDomain }],
    ["an empty --url", ["warm", "-", "--url", ""], { folder }],
  ] as const) {
    const ended = await vitrine(args, world);
    expect([title, ended.code, ended.out]).toEqual([title, 2, ""]);
    results.push([title, ended]);
  }
  await expectGolden("mistakes.txt", results);
});

/** What `vitrine explain` says of an image. */
async function explain(url: string, world: WorldOptions) {
  const { out, err } = await vitrine(["explain", url], world);
  expect(err).toBe("");
  const row = (name: string) => new RegExp(`^ *${name} +(.*)$`, "m").exec(out)?.[1];
  return { originUrl: row("Origin URL"), signer: row("Signed by") };
}

test("the keys of the local run are not used for a deploy", async () => {
  const localKeys = [
    envLine("AWS_ACCESS_KEY_ID", LOCAL_KEYS.accessKeyId),
    envLine("AWS_SECRET_ACCESS_KEY", LOCAL_KEYS.secretAccessKey),
  ];
  const folder = createFolder({}, { ".dev.vars": localKeys.join("") });
  const by = async (world: WorldOptions) => (await explain("/images/card/a.jpg", world)).signer;
  expect(await by({ folder })).toMatch(/^a key that is not at hand$/);
  const half = { AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId };
  expect(await by({ folder, env: half })).toMatch(/^a key that is not at hand$/);
  expect(await by({ folder, env: SECRETS })).toMatch(
    / current key …MPLE \(from the environment\)$/,
  );
  const next = {
    AWS_ACCESS_KEY_ID_NEXT: CREDENTIALS.accessKeyId,
    AWS_SECRET_ACCESS_KEY_NEXT: CREDENTIALS.secretAccessKey,
  };
  expect(await by({ folder, env: next })).toMatch(/^the next key …MPLE \(from the environment\)$/);
});

test("the two secrets of a slot come from the same place", async () => {
  const lines = Object.entries(SECRETS).map(([name, value]) => envLine(name, value));
  const folder = createFolder({}, { ".dev.vars": lines.join("\n") });
  const by = async (world: WorldOptions) => (await explain("/images/card/a.jpg", world)).signer;
  expect(await by({ folder })).toMatch(/\(from \.dev\.vars\)$/);
  for (const half of ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]) {
    const env = { [half]: "of-a-profile-of-somebody" };
    expect(await by({ folder, env })).toMatch(/^a key that is not at hand$/);
  }
  // The next slot is another slot.
  expect(await by({ folder, env: { AWS_ACCESS_KEY_ID_NEXT: "other" } })).toMatch(/\.dev\.vars/);
});

test.each([
  [LOCAL, `${LOCAL}/`],
  ["http://127.0.0.1:8080", "http://localhost:8080/"],
])("images of %s come from the local bucket, by its own keys", async (url, origin) => {
  const folder = createFolder({}, { ".dev.vars": line(KEYS.vars) });
  const world = { folder, env: { ...SECRETS, URL_SIGNING_KEYS: KEYS.env } };
  const explained = await explain(`${url}/images/card/a.jpg`, world);
  const bucket = localBucketName("acme-media", readLocalKeys(folder));
  expect(explained.originUrl).toBe(`${origin}cdn-cgi/local/r2/s3/${bucket}/published/a.jpg`);
  expect(explained.signer).toMatch(/ …y-id \(from the local run\)$/);
  expect(await signer(["-u", url], world)).toBe("vars");
});

const keyOf = (id: string) => ({ AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: "" });

test.each<[what: string, by: string, secrets: Record<string, string>]>([
  ["no keys", "…y-id (from the local run)", {}],
  ["empty keys", "…y-id (from the local run)", keyOf("")],
  ["other keys", "…MPLE (from .dev.vars)", SECRETS],
  ["half a key", "AWS_SECRET_ACCESS_KEY: is missing", keyOf("x")],
])("with %s in .dev.vars, the local run has: %s", async (_what, has, secrets) => {
  const lines = Object.entries(secrets).map(([name, value]) => envLine(name, value));
  const ROUTES = VARS.ROUTES.slice(0, 2);
  const folder = createFolder({ ROUTES }, { ".dev.vars": lines.join("") });
  const args = ["explain", `${LOCAL}/images/card/a.jpg`];
  const { out, err } = await vitrine(args, { folder });
  expect(out + err).toContain(has);
});

test.each([
  ["the local run, by .dev.vars.staging", LOCAL, ".dev.vars.staging", ".dev.vars.staging"],
  ["the local run, by .dev.vars", LOCAL, ".dev.vars", ".dev.vars"],
  ["a deploy", undefined, ".dev.vars.staging", "env.staging of wrangler.toml"],
])("what gives BUCKETS its value is named: in %s", (_what, url, file, source) => {
  const values = { ...SECRETS, BUCKETS: JSON.stringify(VARS.BUCKETS) };
  const lines = Object.entries(values).map(([name, value]) => envLine(name, value));
  const folder = createProject(STAGED, "wrangler.toml", { [file]: lines.join("") });
  const project = openProject(createWorld({ folder }).world, { env: "staging", url });
  if (isFault(project)) throw new Error(project.fault);
  expect(sourceOfVariable(project, "BUCKETS")).toBe(source);
  expect(sourceOfVariable(project, "PRESETS")).toBe("env.staging of wrangler.toml");
});

test("an S3 in .dev.vars is used by the local run only", async () => {
  const bucket = { endpoint: "http://localhost:9000", bucket: "mine", region: "us-east-1" };
  const buckets = envLine("BUCKETS", JSON.stringify({ media: bucket }));
  const key = "AWS_ACCESS_KEY_ID=minio-access-key\nAWS_SECRET_ACCESS_KEY=minio-secret\n";
  const folder = createFolder({}, { ".dev.vars": buckets + key + line(KEYS.vars) });
  const local = await explain(`${LOCAL}/images/card/a.jpg`, { folder });
  expect(local.originUrl).toBe("http://localhost:9000/mine/a.jpg");
  const deployed = await explain(`${HOST}/images/card/a.jpg`, { folder });
  expect(deployed.originUrl).toMatch(/^https:\/\/acme-media\.s3\./);
});
