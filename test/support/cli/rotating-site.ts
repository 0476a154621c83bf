// A deployed Vitrine whose key the tests rotate, with a stand-in for wrangler.

import { appendFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { HttpResponse, http } from "msw";
import { afterAll, beforeEach, expect } from "vitest";
import { readVars } from "../../../src/cli/config/environment-config.ts";
import { replaceFile } from "../../../src/cli/files/write-file.ts";
import type { Options } from "../../../src/cli/rotate/plan.ts";
import { hashOf } from "../../../src/cli/rotate/record.ts";
import { secretNames } from "../../../src/worker/config/read-secrets.ts";
import { CREDENTIALS, HEALTH_TOKEN, NEXT_CREDENTIALS } from "../env.ts";
import { copyProject, editFile, removeCopies } from "../local-run.ts";
import { leaksIn } from "../overheard.ts";
import { get, stage } from "../play.ts";
import { network } from "../stand.ts";
import { recordOf, rotated, type Setting } from "./run-rotation.ts";
import { createTypist, type Typed } from "./typist.ts";

export const URL = "https://images.example.com";
export const OLD = {
  AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
  AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
  HEALTH_TOKEN,
};
export const { accessKeyId: ID, secretAccessKey: SECRET } = NEXT_CREDENTIALS;
export const NEW = { AWS_ACCESS_KEY_ID: ID, AWS_SECRET_ACCESS_KEY: SECRET, HEALTH_TOKEN };
export const NEXT = { AWS_ACCESS_KEY_ID_NEXT: ID, AWS_SECRET_ACCESS_KEY_NEXT: SECRET };
export const PUTS_NEXT = JSON.stringify(NEXT);

export type Site = {
  folder: string;
  /** The vars of the deployed version. Its secrets are in `deployed`. */
  vars: Readonly<Record<string, unknown>>;
  deployed: Record<string, unknown>;
  /** The runs of wrangler: its arguments and its stdin. */
  ran: { args: readonly string[]; input: string }[];
  /** Called while wrangler runs. Returns wrangler's exit code and output. */
  during: (times: number) => { code?: number; says?: string; elsewhere?: true };
};

/** The site of the current test. A test may change it. */
export const site: Site = { folder: "", vars: {}, deployed: {}, ran: [], during: () => ({}) };

beforeEach(() => {
  const folder = copyProject();
  editFile(join(folder, "wrangler.toml"), (text) =>
    text
      .replace(/^# (?=routes)/m, "")
      .replace('bucket = "acme-media"', '$&\nprefix = "published/"\ncanary = "key.jpg"'),
  );
  writeFileSync(join(folder, "key.json"), JSON.stringify({ AccessKey: printed(ID, SECRET) }));
  const read = readVars(folder);
  if ("fault" in read) throw new Error(read.fault);
  Object.assign(site, { folder, vars: read.deployed, deployed: { ...OLD } });
  Object.assign(site, { ran: [], during: () => ({}) });
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
  stage.s3.keys.set(ID, SECRET);
});
afterAll(removeCopies);

/** Returns what `aws iam create-access-key` prints as `AccessKey`. */
export function printed(AccessKeyId: string, SecretAccessKey: string) {
  return { UserName: "vitrine", AccessKeyId, Status: "Active", SecretAccessKey };
}

/** Rotates the key of the deployed Vitrine. Its wrangler deploys the secrets that it gets. */
export async function run(options: Partial<Options> = {}, setting: Partial<Setting> = {}) {
  const { folder } = site;
  const tools: Setting["tools"] = {
    run: async (_world, args, input = "", hear) => {
      site.ran.push({ args, input });
      const { code = 0, says = "", elsewhere } = site.during(site.ran.length);
      hear(says);
      const change: Record<string, unknown> = JSON.parse(input);
      if (code === 0 && !elsewhere) site.deployed = { ...site.deployed, ...change };
      return code;
    },
    sleep: async () => {},
    looks: 10,
  };
  const env = { HEALTH_TOKEN };
  const given = { keyFile: "key.json", yes: true, ...options } as const;
  const ended = await rotated({ folder, env, tools, options: given, ...setting });
  expect(leaksIn(Buffer.from(site.ran.flatMap(({ args }) => args).join(" ")))).toEqual([]);
  return ended;
}

/** Returns the secrets that are set, without deleted ones. */
export function now() {
  return Object.fromEntries(Object.entries(site.deployed).filter(([, value]) => value !== null));
}

/**
 * Rotates at a terminal, and types the answer to each question when it is asked.
 * @param asked is called for each answer, with the number of questions that are left
 */
export async function typing(
  answers: Typed,
  options: Partial<Options> = {},
  asked: (left: number) => void = () => {},
) {
  const { given, left } = createTypist(answers, asked);
  const ended = await run({ keyFile: undefined, yes: undefined, ...options }, given);
  return { ...ended, left };
}

/** The questions for the new key, with their answers. */
export const KEY = [
  ["The new key's id", `${ID}\r`],
  ["Its secret", `${SECRET}\r`],
] as const;

/** The record of a rotation to that key, in step 2. */
export const RECORD = {
  word: "AWS",
  url: URL,
  step: 2,
  told: false,
  hash: hashOf(ID),
  new: "…TKEY",
  old: "…MPLE",
  worked: true,
};

/** Writes the record's file. @returns its text */
export function keepRecord(record: object): string {
  const text = JSON.stringify(record);
  replaceFile(join(site.folder, ".wrangler/vitrine/rotation.json"), text);
  return text;
}

/** A key that this rotation does not know, and one that ends like the new key. */
export const THIRD = { id: "AKIAIOSFODNN7THIRD3", secret: "the-secret-of-a-third-key" };
export const ALIKE = { id: "AKIAIOSFODNN7ZZTKEY", secret: "the-secret-of-a-key-that-ends-alike" };

export function known(...keys: readonly (typeof THIRD)[]) {
  for (const { id, secret } of keys) stage.s3.keys.set(id, secret);
}
export const current = ({ id, secret }: typeof THIRD) => ({
  ...{ ...OLD, AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: secret },
});
export const next = ({ id, secret }: typeof THIRD) => ({
  ...{ AWS_ACCESS_KEY_ID_NEXT: id, AWS_SECRET_ACCESS_KEY_NEXT: secret },
});
export const file = (bytes: Uint8Array | string) =>
  writeFileSync(join(site.folder, "key.json"), bytes);
export const revoke = () => stage.s3.keys.delete(CREDENTIALS.accessKeyId);

/** Runs a rotation that must be refused: it puts no secret and does not change the record. @returns stderr */
export async function refusedRun(...given: Parameters<typeof run>) {
  const before = [now(), recordOf(site.folder)];
  const ended = await run(...given);
  expect([ended.code, site.ran, now(), recordOf(site.folder)]).toEqual([2, [], ...before]);
  return ended.err;
}

export const QUESTIONS = [
  "Put it into the next slot?",
  "Promote it into",
  "Empty the next slot?",
] as const;

/** Adds a bucket that uses the credentials of a word. */
export function addBucket(name: string, word: string) {
  editFile(join(site.folder, "wrangler.toml"), (text) =>
    text
      .replace(
        "[vars.BUCKETS.media]",
        `[vars.BUCKETS.${name}]\nendpoint = "https://s3.eu-west-1.amazonaws.com"\nbucket = "acme-media"\nregion = "eu-west-1"\nprefix = "published/"\ncredentials = "${word}"\n\n$&`,
      )
      .replace(/^\[secrets\]\nrequired = .*/m, ""),
  );
  const names = [...new Set(["AWS", word])].flatMap((one) => {
    const { accessKeyId, secretAccessKey } = secretNames(one);
    return [accessKeyId, secretAccessKey];
  });
  appendFileSync(
    join(site.folder, "wrangler.toml"),
    `\n[secrets]\nrequired = ${JSON.stringify(names)}\n`,
  );
  const read = readVars(site.folder);
  if ("fault" in read) throw new Error(read.fault);
  site.vars = read.deployed;
}

/** Replaces the answer of /healthz: for each bucket its slots, with the end and the state of each key. */
export function sayHealth(
  buckets: Record<string, Record<string, readonly [end: string, state: string]>>,
) {
  const told = Object.entries(buckets).map(([bucket, slots]) => ({
    ...{ bucket, edge: "on" },
    slots: Object.entries(slots).map(([slot, [end, state]]) => ({ slot, access_key: end, state })),
  }));
  network.use(http.get(`${URL}/healthz`, () => HttpResponse.json({ ok: true, buckets: told })));
}
